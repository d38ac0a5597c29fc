//! `POST api/licenses`: a search, despite its method, answered in the vendor's older collection envelope.
//!
//! The members of the request and of the envelope are from the vendor's help pages, checked 2026-11-21. The form
//! of the items is not public, so they are flat views. Filters and sorting are refused: it is not known whether
//! their strings are values or names of fields.
//!
//! Example: `{"PageSize": 50, "PageIndex": 1}` answers with licences 51 to 100 in the order of their ids, and with
//! `"Total"` for all of them. With the switch `page_index_base` at 1 it answers with licences 1 to 50.

use serde_json::{Value, json};

use super::switches::UnknownPolicy;
use super::update::INT;
use super::{Alinea, Refusal, message_refusal, model_state_refusal};
use crate::sandbox::body_schema::{
    self, BodyProblem, MemberRule, SchemaStep, ValueType, Violation,
};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

/// The page sizes that the help page lists; the first is the default.
const PAGE_SIZES: [i64; 3] = [10, 50, 100];
/// The same sizes as the type to report for any other.
static ONE_OF_SIZES: ValueType = ValueType::OneOf(&["10", "50", "100"]);

/// The members of the request beside its filters.
static REQUEST: [MemberRule; 3] = [
    MemberRule::optional("AvailablePageSizes", ValueType::List(&INT)).or_null(),
    MemberRule::optional("PageSize", INT),
    MemberRule::optional("PageIndex", INT),
];

impl Alinea {
    /// Answers with a page of the licences that are not deleted, in the order of their ids.
    pub(super) fn search_licenses(&self, request: &HttpRequest) -> Result<HttpReply, Refusal> {
        let mut body = self.parse_body(request)?;
        if let Value::Object(members) = &mut body {
            refuse_filters(members)?;
        }
        let ignore = self.switches.unknown_members == UnknownPolicy::Ignore;
        let problems = body_schema::check_body(&body, &REQUEST, ignore);
        if !problems.is_empty() {
            return Err(model_state_refusal(&problems));
        }
        let size = body["PageSize"].as_i64().unwrap_or(PAGE_SIZES[0]);
        if !PAGE_SIZES.contains(&size) {
            return Err(type_refusal("PageSize", &ONE_OF_SIZES));
        }
        let size = usize::try_from(size).unwrap_or(0);
        let base = self.switches.page_index_base;
        let index = body.get("PageIndex").and_then(Value::as_i64);
        let index = index.map_or(Some(base), |index| usize::try_from(index).ok());
        let page = index.and_then(|index| index.checked_sub(base));
        let Some(page) = page else {
            return Err(message_refusal(
                400,
                format!("PageIndex must be {base} or more."),
            ));
        };
        let shown = || {
            let all = self.account.licenses.values();
            all.filter(|license| !license.is_deleted)
        };
        let items = shown().skip(page.saturating_mul(size)).take(size);
        let data: Vec<Value> = items.map(|license| self.flat_view(license)).collect();
        Ok(HttpReply::json(
            200,
            &json!({
                "IsSuccess": true,
                "Errors": [],
                "Data": data,
                "Filters": {},
                "SortFields": {},
                "AvailablePageSizes": PAGE_SIZES,
                "PageSize": size,
                "PageIndex": page + base,
                "Total": shown().count(),
            }),
        ))
    }
}

/// Returns the refusal of a member whose value is not of this type.
fn type_refusal(name: &str, kind: &'static ValueType) -> Refusal {
    model_state_refusal(&[BodyProblem {
        path: vec![SchemaStep::Member(name.into())],
        violation: Violation::Not(kind),
    }])
}

/// Removes unused `Filter…` and `Sort…` members from the request and refuses used ones.
///
/// A search that ignored its filter would answer with too much.
fn refuse_filters(members: &mut JsonObject) -> Result<(), Refusal> {
    let filter = |name: &str| name.starts_with("Filter") || name.starts_with("Sort");
    let unused = |value: &Value| value.is_null() || *value == json!("") || *value == json!({});
    let mut used = members
        .iter()
        .filter(|(name, value)| filter(name) && !unused(value));
    if let Some((name, _)) = used.next() {
        let words = format!("{name}: the sandbox does not simulate search filters.");
        return Err(message_refusal(400, words));
    }
    members.retain(|name, _| !filter(name));
    Ok(())
}
