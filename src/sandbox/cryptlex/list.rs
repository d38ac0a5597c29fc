//! List calls: `page`, `limit`, `sort`, `search` and filters of the form `field[op]=value`.
//!
//! Facts from the vendor's list pages and its clients, checked 2026-11-21: `page` starts at 1, `limit` goes
//! from 1 to 100, the default order is that of creation, and a page past the end is an empty array.

use jiff::Timestamp;
use serde::Serialize;

use super::account::{License, Organization};
use super::filter::{Field, Filter, Holds, Listed, Op, Seen, Wanted};
use super::switches::Unknown;
use super::{Answer, Asked, Cryptlex, Refusal, refusal};
use crate::sandbox::wire;

pub(super) const MAX_LIMIT: usize = 100;

const ORGANIZATION_FIELDS: [Field; 6] = [
    ("id", Holds::Text),
    ("name", Holds::Text),
    ("email", Holds::Text),
    ("resellerId", Holds::Text),
    ("createdAt", Holds::Date),
    ("updatedAt", Holds::Date),
];
const GROUP_FIELDS: [Field; 4] = [
    ("id", Holds::Text),
    ("name", Holds::Text),
    ("createdAt", Holds::Date),
    ("updatedAt", Holds::Date),
];
/// As the list page has it, except `entitlementSetId`: the object shows no such id.
const LICENSE_FIELDS: [Field; 20] = [
    ("id", Holds::Text),
    ("key", Holds::Text),
    ("userGroupId", Holds::Text),
    ("revoked", Holds::Flag),
    ("suspended", Holds::Flag),
    ("perpetual", Holds::Flag),
    ("expired", Holds::Flag),
    ("type", Holds::Text),
    ("validity", Holds::Number),
    ("subscriptionInterval", Holds::Text),
    ("allowedActivations", Holds::Number),
    ("allowedDeactivations", Holds::Number),
    ("totalActivations", Holds::Number),
    ("totalDeactivations", Holds::Number),
    ("notes", Holds::Text),
    ("metadata.key", Holds::Text),
    ("metadata.value", Holds::Text),
    ("expiresAt", Holds::Date),
    ("createdAt", Holds::Date),
    ("updatedAt", Holds::Date),
];

/// One list call, parsed.
struct Listing {
    page: usize,
    limit: usize,
    sort: Option<(&'static str, bool)>,
    search: Option<String>,
    filters: Vec<Filter>,
    now: String,
}

impl Listing {
    fn parse(
        asked: &Asked,
        fields: &[Field],
        api: &Cryptlex,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut listing = Self {
            page: 1,
            limit: api.switches.page_size,
            sort: None,
            search: None,
            filters: Vec::new(),
            now: wire::seven_digits(now),
        };
        for (name, text) in &asked.query {
            match name.as_str() {
                "page" => listing.page = number(name, text, usize::MAX)?,
                "limit" => listing.limit = number(name, text, MAX_LIMIT)?,
                "sort" => listing.sort = Some(sort(text, fields)?),
                "search" => listing.search = Some(text.to_lowercase()),
                _ => match Filter::parse(name, text, fields)? {
                    Some(filter) => listing.filters.push(filter),
                    None if api.switches.unknown_query == Unknown::Ignore => {}
                    None => {
                        return Err(refusal(400, format!("{name}: unknown query parameter")));
                    }
                },
            }
        }
        Ok(listing)
    }

    /// The items of the page asked for; linear unless another order is asked for.
    fn select<T: Listed>(&self, items: impl Iterator<Item = T>) -> Vec<T> {
        let admitted = items.filter(|item| self.admits(item));
        let skip = (self.page - 1).saturating_mul(self.limit);
        let Some((field, descending)) = self.sort else {
            return admitted.skip(skip).take(self.limit).collect();
        };
        let mut all: Vec<T> = admitted.collect();
        all.sort_by(|a, b| {
            let order = a.seen(field, &self.now).cmp(&b.seen(field, &self.now));
            if descending { order.reverse() } else { order }
        });
        all.into_iter().skip(skip).take(self.limit).collect()
    }

    fn admits<T: Listed>(&self, item: &T) -> bool {
        let found = self.search.as_ref().is_none_or(|wanted| {
            let mut values = item
                .searched()
                .iter()
                .flat_map(|field| item.seen(field, &self.now));
            values.any(|value| match value {
                Seen::Text(text) => text.to_lowercase().contains(wanted),
                Seen::Null | Seen::Flag(_) | Seen::Number(_) => false,
            })
        });
        let mut filters = self.filters.iter();
        found && filters.all(|filter| filter.admits(&item.seen(filter.field, &self.now)))
    }

    /// The one id that a filter asks for, if any.
    fn id(&self) -> Option<&str> {
        self.filters.iter().find_map(|filter| match &filter.wanted {
            Wanted::Text(id) if filter.field == "id" && filter.op == Op::Eq => Some(id.as_str()),
            Wanted::Text(_) | Wanted::Number(_) | Wanted::Flag(_) => None,
        })
    }

    /// The licences to look at: one when its id is asked for, so that such a call does not cost a scan.
    fn candidates<'a>(&self, of: &'a Organization) -> Box<dyn Iterator<Item = &'a License> + 'a> {
        match self.id() {
            Some(id) => Box::new(of.license(id).into_iter()),
            None => Box::new(of.licenses()),
        }
    }
}

fn number(name: &str, text: &str, max: usize) -> Result<usize, Refusal> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| {
        let range = match max {
            usize::MAX => "1 or more".to_owned(),
            max => format!("from 1 to {max}"),
        };
        refusal(400, format!("{name} must be an integer {range}"))
    })
}

fn sort(text: &str, fields: &[Field]) -> Result<(&'static str, bool), Refusal> {
    let name = text.strip_prefix('-').unwrap_or(text);
    match fields.iter().find(|(field, _)| *field == name) {
        Some((field, _)) => Ok((field, text.starts_with('-'))),
        None => Err(refusal(400, format!("sort: unknown field {name:?}"))),
    }
}

fn array<T: Serialize>(items: Vec<T>) -> Answer {
    Answer::serialized(200, &items)
}

impl Cryptlex {
    pub(super) fn list_organizations(
        &self,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let listing = Listing::parse(asked, &ORGANIZATION_FIELDS, self, now)?;
        Ok(array(listing.select(self.account.organizations())))
    }

    pub(super) fn list_groups(
        &self,
        organization: &str,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let listing = Listing::parse(asked, &GROUP_FIELDS, self, now)?;
        let organization = self.account.organization(organization)?;
        Ok(array(listing.select(organization.groups().into_iter())))
    }

    pub(super) fn list_licenses(
        &self,
        organization: &str,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let listing = Listing::parse(asked, &LICENSE_FIELDS, self, now)?;
        let organization = self.account.organization(organization)?;
        let licenses = listing.select(listing.candidates(organization));
        let order = self.switches.group_order;
        let shown = licenses
            .into_iter()
            .map(|one| organization.reading(one, order));
        Ok(array(shown.collect()))
    }
}
