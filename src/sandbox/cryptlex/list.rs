//! Cryptlex's list calls: `page`, `limit`, `sort`, `search` and the filters of `filter`.
//!
//! Facts are from the vendor's list pages and its clients, checked 2026-11-21: `page` starts at 1, `limit` goes from
//! 1 to 100, the default order is that of creation, and a page past the end is an empty array.
//!
//! Example: `?limit=2&page=2&sort=-name` of the groups a, b, c, d, e answers with c and b: the order is e, d, c, b,
//! a, page 1 has e and d.

use jiff::Timestamp;
use serde::Serialize;

use super::filter::{
    Filter, FilterField, FilterOperand, FilterValue, Filterable, LicenseRow, Operator,
};
use super::list_fields::{
    GROUP_FIELDS, LICENSE_FIELDS, ORGANIZATION_FIELDS, ORGANIZATION_LICENSE_FIELDS, USER_FIELDS,
};
use super::refusal::{Refusal, new_refusal};
use super::switches::{MAX_LIMIT, UnknownPolicy};
use super::templates::creation_order;
use super::{Cryptlex, HttpReply, HttpRequest};
use crate::sandbox::account_document;
use crate::sandbox::strict_json::JsonObject;

/// The parsed query of a list call.
struct ListCall {
    page: usize,
    limit: usize,
    /// The field to sort by and whether descending; `None` is the order of creation.
    sort: Option<(&'static str, bool)>,
    /// The text to search for, in lower case.
    search: Option<String>,
    filters: Vec<Filter>,
    /// The simulators' time with seven digits, as stored dates have.
    now: String,
}

impl ListCall {
    /// Parses the query of a call; 400 for a parameter that is unknown or has no valid value.
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
            now: account_document::format_seven_digits(now),
        };
        // "We ignore all the query params which are empty" (forum topic 1295, checked 2026-11-30).
        for (name, text) in request.query.iter().filter(|(_, text)| !text.is_empty()) {
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

    /// Returns the items of the requested page; linear unless the call sorts.
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

    /// Returns whether an item fits the search text and all filters.
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

    /// Returns the id that the filter `id` asks for; `None` without such a filter.
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
}

/// Parses a number from 1 to `max`; 400 for anything else.
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

/// Parses `name` or `-name` into the field to sort by and whether descending; 400 for an unknown field.
fn parse_sort(text: &str, fields: &[FilterField]) -> Result<(&'static str, bool), Refusal> {
    let name = text.strip_prefix('-').unwrap_or(text);
    match fields.iter().find(|(field, _)| *field == name) {
        Some((field, _)) => Ok((field, text.starts_with('-'))),
        None => Err(new_refusal(400, format!("sort: unknown field {name:?}"))),
    }
}

/// Returns a page as a bare JSON array.
fn array_reply<T: Serialize>(items: Vec<T>) -> HttpReply {
    HttpReply::serialized(200, &items)
}

impl Cryptlex {
    /// Answers with a page of organizations.
    pub(super) fn list_organizations(
        &self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &ORGANIZATION_FIELDS, self, now)?;
        let organizations = self.account.organizations.iter();
        let rows = organizations.map(|organization| &organization.fields);
        Ok(array_reply(listing.select_page(rows)))
    }

    /// Answers with a page of an organization's user groups.
    pub(super) fn list_groups(
        &self,
        organization: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &GROUP_FIELDS, self, now)?;
        let organization = self.account.organization(organization)?;
        let mut groups: Vec<&JsonObject> = organization.groups.values().collect();
        groups.sort_by_cached_key(|group| creation_order(*group));
        Ok(array_reply(listing.select_page(groups.into_iter())))
    }

    /// Answers with a page of an organization's users.
    pub(super) fn list_users(
        &self,
        organization: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &USER_FIELDS, self, now)?;
        let organization = self.account.organization(organization)?;
        let users = listing.select_page(organization.users.iter());
        let order = self.switches.group_order;
        let shown = users.iter().map(|user| organization.user_view(user, order));
        Ok(array_reply(shown.collect()))
    }

    /// Answers with a page of an organization's licences.
    pub(super) fn list_organization_licenses(
        &self,
        organization: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &ORGANIZATION_LICENSE_FIELDS, self, now)?;
        let index = Some(self.account.organization_index(organization)?);
        let organization = self.account.organization(organization)?;
        let rows = self.candidates(&listing);
        let rows = rows.filter(|row| row.license.organization == index);
        let order = self.switches.group_order;
        let page = listing.select_page(rows).into_iter();
        let shown = page.map(|row| organization.license_view(row.license, order));
        Ok(array_reply(shown.collect()))
    }

    /// Answers with a page of all licences of the account.
    pub(super) fn list_licenses(
        &self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let listing = ListCall::parse(request, &LICENSE_FIELDS, self, now)?;
        let page = listing.select_page(self.candidates(&listing)).into_iter();
        let shown = page.map(|row| self.account.license_view(row.license, &self.switches));
        Ok(array_reply(shown.collect()))
    }

    /// Lists the licences that can match: at most one if the call filters by id, which saves a scan.
    fn candidates(&self, listing: &ListCall) -> Box<dyn Iterator<Item = LicenseRow<'_>> + '_> {
        let account = &self.account;
        let row = |license| LicenseRow {
            license,
            organization: account.organization_of(license),
        };
        match listing.requested_id() {
            Some(id) => Box::new(account.licenses.get(id).into_iter().map(row)),
            None => Box::new(account.licenses.iter().map(row)),
        }
    }
}
