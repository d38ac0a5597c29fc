//! LicenseSpring's list calls: `limit`, `offset`, `order_by`, filters, and an envelope with absolute links.
//!
//! Facts are from the vendor's list page, checked 2026-11-21: `limit` is 20 by default and silently capped at 100. A
//! `limit` or `offset` that is no number counts as absent, as in the REST framework.
//!
//! A filter is `name=value`: equality for most, "contains, in any case" for names that end in `__icontains`, and a
//! list of ids for `id__in`. Filters are combined with "and"; one with an empty value is ignored.
//!
//! # Worked example
//!
//! `GET /api/v1/licenses/?product_id=7&active=true&limit=2&offset=2` with 5 matching licences answers with the third
//! and fourth, `"count": 5`, and these links:
//!
//! ```text
//! next      …/licenses/?limit=2&offset=4&product_id=7&active=true
//! previous  …/licenses/?limit=2&product_id=7&active=true
//! ```

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::account::License;
use super::switches::{
    DeletedFeatures, FeatureFilter, FeatureOrder, MAX_LIMIT, PolicyFilter, StatusOrder,
    UnknownPolicy,
};
use super::{LicenseSpring, Refusal, product_features};
use crate::sandbox::layered_object::MemberLookup;
use crate::sandbox::request_parts;
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

/// How the value of a filter is compared with the value of a member.
#[derive(Clone, Copy)]
enum Comparison {
    /// Equal text, with case.
    Text,
    /// Equal integers.
    Number,
    /// Equal booleans, written `true`, `false`, `1` or `0`.
    Flag,
    /// The member contains the value, in any case.
    Contains,
}

/// A filter's name, the path of the member that it looks at, and the comparison.
type FilterSpec = (&'static str, &'static str, Comparison);

/// The filters of licences: those of the list page that need no join with devices or orders.
const LICENSE_FILTERS: [FilterSpec; 14] = [
    ("license_key", "license_key", Comparison::Text),
    ("license_type", "license_type", Comparison::Text),
    ("subscription_id", "subscription_id", Comparison::Text),
    ("order_store_id", "order_store_id", Comparison::Text),
    ("order__store_id", "order_store_id", Comparison::Text),
    ("active", "active", Comparison::Flag),
    ("enabled", "enabled", Comparison::Flag),
    ("is_trial", "is_trial", Comparison::Flag),
    ("customer_id", "customer.id", Comparison::Number),
    ("customer_email", "customer.email", Comparison::Text),
    ("product_id", "product.id", Comparison::Number),
    (BY_POLICY, "license_template", Comparison::Number),
    ("note__icontains", "note", Comparison::Contains),
    (
        "license_key__icontains",
        "license_key",
        Comparison::Contains,
    ),
];
/// The filters of product features; the page names `metadata` as well, and not its form.
const FEATURE_FILTERS: [FilterSpec; 1] = [("product", "product", Comparison::Number)];
/// The filters of license policies; the page names `metadata` as well, and not its form.
const POLICY_FILTERS: [FilterSpec; 5] = [
    ("product", "product", Comparison::Number),
    ("is_air_gapped", "is_air_gapped", Comparison::Flag),
    ("is_archived", "is_archived", Comparison::Flag),
    ("is_default", "is_default", Comparison::Flag),
    ("is_sku", "is_sku", Comparison::Flag),
];
/// The filters of orders: those of the list page that need no join.
const ORDER_FILTERS: [FilterSpec; 4] = [
    ("store_id", "store_id", Comparison::Text),
    ("store_id__icontains", "store_id", Comparison::Contains),
    ("customer_id", "customer", Comparison::Number),
    ("company", "company", Comparison::Number),
];
/// The filter of values of custom fields.
const VALUE_FILTERS: [FilterSpec; 1] = [("license", "license", Comparison::Number)];
/// The filter of licences by the policy that they have, in the newest page alone.
const BY_POLICY: &str = "license_template_id";
/// The filter of licences by the features that they have.
const BY_FEATURE: &str = "product_features__id";

/// Returns a query string with these pairs.
pub(super) fn encode_query(pairs: &[(String, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Returns a 400 for one parameter, in the framework's form.
fn field_error(name: &str, words: &str) -> Refusal {
    Refusal {
        status: 400,
        body: json!({ name: [words] }),
    }
}

/// One filter of a call with its value.
struct ActiveFilter<'a> {
    member: &'static str,
    comparison: Comparison,
    text: &'a str,
}

impl ActiveFilter<'_> {
    /// Returns whether an object matches; one that lacks the member does not.
    fn matches(&self, fields: &impl MemberLookup) -> bool {
        let mut parts = self.member.split('.');
        let first = parts.next().and_then(|name| fields.member(name));
        let value = first.map(|value| parts.fold(value, |value, name| &value[name]));
        let Some(value) = value else {
            return false;
        };
        let text = value.as_str();
        match self.comparison {
            Comparison::Text => text == Some(self.text),
            Comparison::Number => value.as_u64().is_some_and(|id| self.text.parse() == Ok(id)),
            Comparison::Flag => value.as_bool() == parse_flag(self.text),
            Comparison::Contains => {
                let needle = self.text.to_lowercase();
                text.is_some_and(|text| text.to_lowercase().contains(&needle))
            }
        }
    }
}

/// Parses a boolean in any case, `None` for anything else.
fn parse_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The parsed query of a list call.
pub(super) struct ListCall<'a> {
    request: &'a HttpRequest,
    limit: usize,
    offset: usize,
    /// The member to sort by, and true for descending order; `None` is the order of ids.
    order_by: Option<(&'a str, bool)>,
    /// The ids of the filter `id__in`; `None` without it.
    ids: Option<BTreeSet<u64>>,
    filters: Vec<ActiveFilter<'a>>,
}

impl<'a> ListCall<'a> {
    /// Parses the query of a call; 400 for an unknown filter or a value that does not fit it. The filters `others` are left to
    /// the caller.
    fn parse(
        request: &'a HttpRequest,
        filters: &[FilterSpec],
        others: &[&str],
        api: &LicenseSpring,
    ) -> Result<Self, Refusal> {
        let number = |name: &str| {
            request_parts::last_query_value(request, name).and_then(|text| text.parse().ok())
        };
        let limit: Option<usize> = number("limit").filter(|limit| *limit > 0);
        let mut listing = Self {
            request,
            limit: limit.unwrap_or(api.switches.page_size).min(MAX_LIMIT),
            offset: number("offset").unwrap_or(0),
            order_by: None,
            ids: None,
            filters: Vec::new(),
        };
        for (name, text) in &request.query {
            match name.as_str() {
                "limit" | "offset" => {}
                other if others.contains(&other) => {}
                "order_by" => listing.order_by = Some(parse_order(text)),
                // An empty filter is no filter, as in the framework.
                _ if text.is_empty() => {}
                "id__in" => listing.ids = Some(parse_ids(text)?),
                _ => match filters.iter().find(|(known, ..)| known == name) {
                    Some((_, member, comparison)) => {
                        let bad = match comparison {
                            Comparison::Number => text.parse::<u64>().is_err(),
                            Comparison::Flag => parse_flag(text).is_none(),
                            Comparison::Text | Comparison::Contains => false,
                        };
                        if bad {
                            return Err(field_error(name, "Enter a valid value."));
                        }
                        listing.filters.push(ActiveFilter {
                            member,
                            comparison: *comparison,
                            text,
                        });
                    }
                    None if api.switches.unknown_query == UnknownPolicy::Ignore => {}
                    None => return Err(field_error(name, "This filter is not known.")),
                },
            }
        }
        Ok(listing)
    }

    /// Parses the query of a list of orders.
    pub(super) fn orders(request: &'a HttpRequest, api: &LicenseSpring) -> Result<Self, Refusal> {
        Self::parse(request, &ORDER_FILTERS, &[], api)
    }

    /// Returns whether an object matches all filters.
    fn matches(&self, fields: &impl MemberLookup) -> bool {
        let listed = |ids: &BTreeSet<u64>| {
            let id = fields.member("id").and_then(Value::as_u64);
            id.is_some_and(|id| ids.contains(&id))
        };
        self.ids.as_ref().is_none_or(listed)
            && self.filters.iter().all(|filter| filter.matches(fields))
    }

    /// Returns the number of matching items and those on the requested page; linear unless the call sorts.
    ///
    /// `Err` is a 400: `order_by` names a member that not all items have or that has no order.
    pub(super) fn select_page<T, F: MemberLookup>(
        &self,
        items: impl Iterator<Item = T>,
        fields: impl Fn(&T) -> &F,
    ) -> Result<(usize, Vec<T>), Refusal> {
        let admitted = items.filter(|item| self.matches(fields(item)));
        let page_range = self.offset..self.offset.saturating_add(self.limit);
        if self.order_by.is_none() {
            // Only the page is collected: a large account is scanned for every page.
            let mut page = Vec::with_capacity(self.limit);
            let mut count = 0;
            for item in admitted {
                if page_range.contains(&count) {
                    page.push(item);
                }
                count += 1;
            }
            return Ok((count, page));
        }
        let mut all: Vec<T> = admitted.collect();
        if let Some((name, descending)) = self.order_by {
            let sortable = |item: &T| {
                let value = fields(item).member(name);
                value.is_some_and(|value| !value.is_object() && !value.is_array())
            };
            if !all.iter().all(sortable) {
                let words = format!("\"{name}\" is not one of the available choices.");
                return Err(field_error("order_by", &words));
            }
            all.sort_by(|a, b| {
                let order =
                    sort_rank(fields(a).member(name)).cmp(&sort_rank(fields(b).member(name)));
                if descending { order.reverse() } else { order }
            });
        }
        let count = all.len();
        let page = all.into_iter().skip(self.offset).take(self.limit);
        Ok((count, page.collect()))
    }

    /// Returns the link to another page: the same call with another offset, which is left out if 0.
    fn page_link(&self, offset: usize) -> String {
        let kept = |name: &str| name != "limit" && name != "offset";
        let mut pairs = vec![("limit".to_owned(), self.limit.to_string())];
        if offset > 0 {
            pairs.push(("offset".to_owned(), offset.to_string()));
        }
        let others = self.request.query.iter().filter(|(name, _)| kept(name));
        pairs.extend(others.cloned());
        let HttpRequest { base_url, path, .. } = self.request;
        format!("{base_url}{path}?{}", encode_query(&pairs))
    }

    /// Returns a page in the envelope, with links to its neighbours; `count` is the number of all matches.
    pub(super) fn envelope_reply<T: Serialize>(&self, count: usize, results: Vec<T>) -> HttpReply {
        let end = self.offset.saturating_add(self.limit);
        let next = (end < count).then(|| self.page_link(end));
        let before = self.offset.saturating_sub(self.limit);
        let previous = (self.offset > 0).then(|| self.page_link(before));
        let envelope = Envelope {
            count,
            next,
            previous,
            results,
        };
        HttpReply::serialized(200, &envelope)
    }
}

/// The envelope of a list.
#[derive(Serialize)]
struct Envelope<T> {
    count: usize,
    next: Option<String>,
    previous: Option<String>,
    results: Vec<T>,
}

/// Returns the sort key of a value: nulls first, then booleans, numbers, text.
fn sort_rank(value: Option<&Value>) -> (u8, u64, &str) {
    match value.unwrap_or(&Value::Null) {
        Value::Null | Value::Array(_) | Value::Object(_) => (0, 0, ""),
        Value::Bool(flag) => (1, u64::from(*flag), ""),
        Value::Number(number) => (2, number.as_u64().unwrap_or(0), ""),
        Value::String(text) => (3, 0, text),
    }
}

/// Parses `name` or `-name` into the member to sort by, and true for descending order.
fn parse_order(text: &str) -> (&str, bool) {
    match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    }
}

/// Parses ids separated by commas.
fn parse_ids(text: &str) -> Result<BTreeSet<u64>, Refusal> {
    let ids = text.split(',').map(|id| id.trim().parse::<u64>());
    ids.collect::<Result<_, _>>()
        .map_err(|_| field_error("id__in", "Enter a number."))
}

impl LicenseSpring {
    /// Answers with a page of licences.
    pub(super) fn list_licenses(&self, request: &HttpRequest) -> Result<HttpReply, Refusal> {
        let feature = request_parts::last_query_value(request, BY_FEATURE);
        let feature = match feature.filter(|text| !text.is_empty()) {
            Some(text) => match text.parse::<u64>() {
                Ok(id) => Some(id),
                Err(_) => return Err(field_error(BY_FEATURE, "Enter a number.")),
            },
            None => None,
        };
        let policy = request_parts::last_query_value(request, BY_POLICY);
        let others: &[&str] = match self.switches.policy_filter {
            PolicyFilter::Refused if policy.is_some() => {
                return Err(field_error(BY_POLICY, "This filter is not known."));
            }
            PolicyFilter::Heeded | PolicyFilter::Refused => &[BY_FEATURE],
            PolicyFilter::Ignored => &[BY_FEATURE, BY_POLICY],
        };
        let listing = ListCall::parse(request, &LICENSE_FILTERS, others, self)?;
        // With `id__in`, licences are looked up one by one, which saves a scan.
        let candidates: Box<dyn Iterator<Item = &License>> = match &listing.ids {
            Some(ids) => Box::new(ids.iter().filter_map(|id| self.account.license_by_id(*id))),
            None => Box::new(self.account.licenses()),
        };
        let candidates =
            candidates.filter(|license| feature.is_none_or(|id| self.has_feature(license, id)));
        let (count, page) = listing.select_page(candidates, |license| &license.fields)?;
        let shown = page
            .into_iter()
            .map(|license| self.account.license_view(license, &self.switches, false));
        Ok(listing.envelope_reply(count, shown.collect()))
    }

    /// Returns whether the filter `product_features__id` finds a licence; the page does not say whose id it takes.
    fn has_feature(&self, license: &License, id: u64) -> bool {
        match self.switches.feature_filter {
            FeatureFilter::Feature => license.rows.contains_key(&id),
            FeatureFilter::Row => license.rows.values().any(|row| row.id == id),
            FeatureFilter::Ignored => true,
        }
    }

    /// Answers with a page of license policies.
    pub(super) fn list_policies(&self, request: &HttpRequest) -> Result<HttpReply, Refusal> {
        self.refuse_order(request)?;
        let listing = ListCall::parse(request, &POLICY_FILTERS, &[], self)?;
        let asked = request_parts::last_query_value(request, "is_archived").is_some();
        let hides = self.switches.archived_policies == DeletedFeatures::Hide && !asked;
        let policies = self.account.policies.values();
        let policies = policies.filter(|policy| !hides || policy["is_archived"] != true);
        let (count, page) = listing.select_page(policies, |policy| *policy)?;
        let shown = page
            .into_iter()
            .map(|policy| self.policy_view(policy, false));
        Ok(listing.envelope_reply(count, shown.collect()))
    }

    /// Answers with a page of customer accounts; the page of this call names no filter.
    pub(super) fn list_customer_accounts(
        &self,
        request: &HttpRequest,
    ) -> Result<HttpReply, Refusal> {
        self.refuse_order(request)?;
        let listing = ListCall::parse(request, &[], &[], self)?;
        let accounts = self.account.customer_accounts.values();
        let (count, page) = listing.select_page(accounts, |account| *account)?;
        Ok(listing.envelope_reply(count, page))
    }

    /// Answers with a page of values of custom fields.
    pub(super) fn list_custom_fields(&self, request: &HttpRequest) -> Result<HttpReply, Refusal> {
        self.refuse_order(request)?;
        let listing = ListCall::parse(request, &VALUE_FILTERS, &[], self)?;
        let values = self.account.custom_fields.values();
        let (count, page) = listing.select_page(values, |value| *value)?;
        Ok(listing.envelope_reply(count, page))
    }

    /// Answers with a page of scheduled updates, by default in the order of their hours.
    pub(super) fn list_updates(&self, request: &HttpRequest) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &[], &[], self)?;
        let updates = self.account.scheduled_updates.values();
        let by_status = listing.order_by.filter(|(name, _)| *name == "status");
        if let (Some((_, descending)), StatusOrder::Listed) =
            (by_status, self.switches.status_order)
        {
            let rank = |update: &JsonObject| {
                let listed = ["pending", "applied", "cancelled", "failed"];
                listed.iter().position(|word| update["status"] == *word)
            };
            let mut updates: Vec<&JsonObject> = updates.collect();
            updates.sort_by_key(|update| rank(update));
            if descending {
                updates.reverse();
            }
            let page = updates.iter().skip(listing.offset).take(listing.limit);
            return Ok(listing.envelope_reply(updates.len(), page.collect()));
        }
        if listing.order_by.is_none() {
            let mut updates: Vec<&JsonObject> = updates.collect();
            updates.sort_by_key(|update| {
                let text = |name: &str| update[name].as_str().map(str::to_owned);
                (text("scheduled_at"), text("created_at"))
            });
            let (count, page) = listing.select_page(updates.into_iter(), |update| *update)?;
            return Ok(listing.envelope_reply(count, page));
        }
        let (count, page) = listing.select_page(updates, |update| *update)?;
        Ok(listing.envelope_reply(count, page))
    }

    /// Refuses an order of a list whose page names none.
    fn refuse_order(&self, request: &HttpRequest) -> Result<(), Refusal> {
        let ordered = request_parts::last_query_value(request, "order_by").is_some();
        match ordered && self.switches.unknown_query == UnknownPolicy::Refuse {
            true => Err(field_error("order_by", "This filter is not known.")),
            false => Ok(()),
        }
    }

    /// Answers with a page of product features.
    pub(super) fn list_product_features(
        &self,
        request: &HttpRequest,
    ) -> Result<HttpReply, Refusal> {
        self.refuse_order(request)?;
        let listing = ListCall::parse(request, &FEATURE_FILTERS, &[], self)?;
        let hides = self.switches.deleted_features == DeletedFeatures::Hide;
        let features: Box<dyn Iterator<Item = &JsonObject>> = match self.switches.feature_order {
            FeatureOrder::OldestFirst => Box::new(self.account.features()),
            FeatureOrder::NewestFirst => Box::new(self.account.features().rev()),
        };
        let features = features.filter(|feature| !hides || feature["is_deleted"] != true);
        let (count, page) = listing.select_page(features, |feature| *feature)?;
        let shown = page.into_iter().map(product_features::read_view);
        Ok(listing.envelope_reply(count, shown.collect()))
    }
}
