//! List calls: `page`, `limit`, `sort`, `search` and filters of the form `field[op]=value`.
//!
//! Facts from the vendor's list pages and its clients, checked 2026-11-21: `page` starts at 1, `limit` goes
//! from 1 to 100, the default order is that of creation, and a page past the end is an empty array.

use jiff::Timestamp;
use serde::Serialize;

use super::account::{License, Organization};
use super::filter::{
    FieldType, Filter, FilterField, FilterOperand, FilterValue, Filterable, Operator,
};
use super::switches::UnknownPolicy;
use super::{Cryptlex, HttpReply, HttpRequest, Refusal, new_refusal};
use crate::sandbox::wire;

pub(super) const MAX_LIMIT: usize = 100;

const ORGANIZATION_FIELDS: [FilterField; 6] = [
    ("id", FieldType::Text),
    ("name", FieldType::Text),
    ("email", FieldType::Text),
    ("resellerId", FieldType::Text),
    ("createdAt", FieldType::Date),
    ("updatedAt", FieldType::Date),
];
const GROUP_FIELDS: [FilterField; 4] = [
    ("id", FieldType::Text),
    ("name", FieldType::Text),
    ("createdAt", FieldType::Date),
    ("updatedAt", FieldType::Date),
];
/// As the list page has it, except `entitlementSetId`: the object shows no such id.
const LICENSE_FIELDS: [FilterField; 20] = [
    ("id", FieldType::Text),
    ("key", FieldType::Text),
    ("userGroupId", FieldType::Text),
    ("revoked", FieldType::Flag),
    ("suspended", FieldType::Flag),
    ("perpetual", FieldType::Flag),
    ("expired", FieldType::Flag),
    ("type", FieldType::Text),
    ("validity", FieldType::Number),
    ("subscriptionInterval", FieldType::Text),
    ("allowedActivations", FieldType::Number),
    ("allowedDeactivations", FieldType::Number),
    ("totalActivations", FieldType::Number),
    ("totalDeactivations", FieldType::Number),
    ("notes", FieldType::Text),
    ("metadata.key", FieldType::Text),
    ("metadata.value", FieldType::Text),
    ("expiresAt", FieldType::Date),
    ("createdAt", FieldType::Date),
    ("updatedAt", FieldType::Date),
];

/// One list call, parsed.
struct ListCall {
    page: usize,
    limit: usize,
    sort: Option<(&'static str, bool)>,
    search: Option<String>,
    filters: Vec<Filter>,
    now: String,
}

impl ListCall {
    fn parse(
        request: &HttpRequest,
        fields: &[FilterField],
        api: &Cryptlex,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut listing = Self {
            page: 1,
            limit: api.switches.page_size,
            sort: None,
            search: None,
            filters: Vec::new(),
            now: wire::format_seven_digits(now),
        };
        for (name, text) in &request.query {
            match name.as_str() {
                "page" => listing.page = parse_positive(name, text, usize::MAX)?,
                "limit" => listing.limit = parse_positive(name, text, MAX_LIMIT)?,
                "sort" => listing.sort = Some(parse_sort(text, fields)?),
                "search" => listing.search = Some(text.to_lowercase()),
                _ => match Filter::parse(name, text, fields)? {
                    Some(filter) => listing.filters.push(filter),
                    None if api.switches.unknown_query == UnknownPolicy::Ignore => {}
                    None => {
                        return Err(new_refusal(400, format!("{name}: unknown query parameter")));
                    }
                },
            }
        }
        Ok(listing)
    }

    /// The items of the page asked for; linear unless another order is asked for.
    fn select_page<T: Filterable>(&self, items: impl Iterator<Item = T>) -> Vec<T> {
        let admitted = items.filter(|item| self.matches(item));
        let skip = (self.page - 1).saturating_mul(self.limit);
        let Some((field, descending)) = self.sort else {
            return admitted.skip(skip).take(self.limit).collect();
        };
        let mut all: Vec<T> = admitted.collect();
        all.sort_by(|a, b| {
            let order = a
                .field_values(field, &self.now)
                .cmp(&b.field_values(field, &self.now));
            if descending { order.reverse() } else { order }
        });
        all.into_iter().skip(skip).take(self.limit).collect()
    }

    fn matches<T: Filterable>(&self, item: &T) -> bool {
        let found = self.search.as_ref().is_none_or(|needle| {
            let mut values = item
                .search_fields()
                .iter()
                .flat_map(|field| item.field_values(field, &self.now));
            values.any(|value| match value {
                FilterValue::Text(text) => text.to_lowercase().contains(needle),
                FilterValue::Null | FilterValue::Flag(_) | FilterValue::Number(_) => false,
            })
        });
        let mut filters = self.filters.iter();
        found && filters.all(|filter| filter.matches(&item.field_values(filter.field, &self.now)))
    }

    /// The one id that a filter asks for, if any.
    fn requested_id(&self) -> Option<&str> {
        self.filters
            .iter()
            .find_map(|filter| match &filter.operand {
                FilterOperand::Text(id)
                    if filter.field == "id" && filter.operator == Operator::Eq =>
                {
                    Some(id.as_str())
                }
                FilterOperand::Text(_) | FilterOperand::Number(_) | FilterOperand::Flag(_) => None,
            })
    }

    /// The licences to look at: one when its id is asked for, so that such a call does not cost a scan.
    fn candidates<'a>(&self, of: &'a Organization) -> Box<dyn Iterator<Item = &'a License> + 'a> {
        match self.requested_id() {
            Some(id) => Box::new(of.license(id).into_iter()),
            None => Box::new(of.licenses()),
        }
    }
}

fn parse_positive(name: &str, text: &str, max: usize) -> Result<usize, Refusal> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| {
        let range = match max {
            usize::MAX => "1 or more".to_owned(),
            max => format!("from 1 to {max}"),
        };
        new_refusal(400, format!("{name} must be an integer {range}"))
    })
}

fn parse_sort(text: &str, fields: &[FilterField]) -> Result<(&'static str, bool), Refusal> {
    let name = text.strip_prefix('-').unwrap_or(text);
    match fields.iter().find(|(field, _)| *field == name) {
        Some((field, _)) => Ok((field, text.starts_with('-'))),
        None => Err(new_refusal(400, format!("sort: unknown field {name:?}"))),
    }
}

fn array_reply<T: Serialize>(items: Vec<T>) -> HttpReply {
    HttpReply::serialized(200, &items)
}

impl Cryptlex {
    pub(super) fn list_organizations(
        &self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &ORGANIZATION_FIELDS, self, now)?;
        Ok(array_reply(
            listing.select_page(self.account.organizations()),
        ))
    }

    pub(super) fn list_groups(
        &self,
        organization: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &GROUP_FIELDS, self, now)?;
        let organization = self.account.organization(organization)?;
        Ok(array_reply(
            listing.select_page(organization.groups().into_iter()),
        ))
    }

    pub(super) fn list_licenses(
        &self,
        organization: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &LICENSE_FIELDS, self, now)?;
        let organization = self.account.organization(organization)?;
        let licenses = listing.select_page(listing.candidates(organization));
        let order = self.switches.group_order;
        let shown = licenses
            .into_iter()
            .map(|license| organization.license_view(license, order));
        Ok(array_reply(shown.collect()))
    }
}
