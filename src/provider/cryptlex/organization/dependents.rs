//! Counts what belongs to an organization: its users, user groups and licenses.
//!
//! Nothing of their rows is kept but the ids, and those only until the count is made: rows of users are personal data,
//! rows of licenses have their keys.
//!
//! Sources: the lists of users, user groups and licenses of an organization, checked 2026-11-21 and 2026-11-29.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{LIST, fields};
use crate::model::{Call, Live, ReadFailure, Reply, Text};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{id_of, rows_of};
use crate::provider::cryptlex::sheet::{FULL, Sheet};
use crate::provider::decode::{AtomShape, Columns, Rows};
use crate::provider::{encode_segment, with_query};

/// A list of what belongs to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependents {
    Users,
    Groups,
    Licenses,
}

impl Dependents {
    pub const ALL: [Self; 3] = [Self::Users, Self::Groups, Self::Licenses];

    /// Returns the fact that counts them.
    pub fn fact(self) -> &'static str {
        match self {
            Self::Users => fields::USERS,
            Self::Groups => fields::GROUPS,
            Self::Licenses => fields::LICENSES,
        }
    }

    /// Returns the scope that the page of the list prints.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Users => "organization:user:read",
            Self::Groups => "organization:userGroup:read",
            Self::Licenses => "organization:license:read",
        }
    }

    /// Returns the path of the list.
    fn path(self, organization: &str) -> String {
        let list = match self {
            Self::Users => "users",
            Self::Groups => "user-groups",
            Self::Licenses => "licenses",
        };
        format!("{LIST}/{}/{list}", encode_segment(organization))
    }

    /// Returns the call of one page, of which a hundred rows are enough to warn.
    pub fn first_page(self, organization: &str) -> Call {
        let limit = FULL.to_string();
        Call::get(with_query(&self.path(organization), &[("limit", &limit)]))
    }
}

/// A row of which nothing but its id is read.
static ROWS: LazyLock<Rows<1>> = LazyLock::new(|| {
    Rows::new(Columns::of(&[]), [AtomShape::at("id")]).identified(|id| id.text().is_some())
});

/// Counts the rows of a page.
pub fn count_page(reply: &Reply, name: &str) -> Result<usize, ReadFailure> {
    let rows = rows_of(&ROWS, reply, name, &|_| true)?;
    Ok(rows.len())
}

/// Counts the users of one organization exactly, by pages that overlap.
#[derive(Default)]
pub struct UserCount {
    organization: String,
    walk: ListWalk,
    /// Users by id, each with the reading of the list that showed it last.
    found: BTreeMap<Text, usize>,
}

impl UserCount {
    pub fn new(organization: &str) -> Self {
        Self {
            organization: organization.to_string(),
            ..Self::default()
        }
    }

    /// Returns the next page and its call.
    pub fn next_call(&self) -> (Sheet, Call) {
        let sheet = self.walk.sheet();
        let path = Dependents::Users.path(&self.organization);
        (sheet, Call::get(sheet.of(&path)))
    }

    /// Takes a page. Returns the count once the list was read to its end; `None` if the next page is needed.
    pub fn take(
        &mut self,
        sheet: Sheet,
        reply: &Reply,
        name: &str,
    ) -> Result<Option<usize>, ReadFailure> {
        let rows = rows_of(&ROWS, reply, name, &|_| true)?;
        let ids: Vec<Text> = rows.iter().filter_map(id_of).collect();
        let reading = self.walk.reading();
        self.found
            .extend(ids.iter().map(|id| (id.clone(), reading)));
        let ids = ids.iter().map(ToString::to_string).collect();
        let path = Dependents::Users.path(&self.organization);
        match self.walk.take(sheet, ids, &path) {
            WalkStep::Ask => Ok(None),
            WalkStep::Abandon(why) => Err(ReadFailure::odd(why)),
            WalkStep::End => {
                let mut readings = self.found.values();
                Ok(Some(
                    readings
                        .by_ref()
                        .filter(|reading| self.walk.still_has(**reading))
                        .count(),
                ))
            }
        }
    }
}

/// Says what belongs to an organization that is to be removed; `None` for one of which only the users were counted.
pub fn note(live: &Live) -> Option<String> {
    let count = |list: Dependents, one: &str, several: &str| {
        let count = live.number(list.fact())?;
        let most = i64::try_from(FULL).unwrap_or(i64::MAX);
        Some(match count {
            1 => format!("1 {one}"),
            _ if count >= most => format!("at least {most} {several}"),
            _ => format!("{count} {several}"),
        })
    };
    let users = count(Dependents::Users, "user", "users")?;
    let groups = count(Dependents::Groups, "user group", "user groups")?;
    let licenses = count(Dependents::Licenses, "license", "licenses")?;
    Some(format!(
        "{users}, {groups} and {licenses} belong to it; the vendor does not say what becomes of them"
    ))
}
