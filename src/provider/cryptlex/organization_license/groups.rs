//! The user groups of one organization by name, so that a manifest may say "Support" for an id.
//!
//! A name counts as unique only once the whole list was read without a gap, because a group that was passed over could
//! have the same name. So the pages of the list overlap (`sheet`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use crate::model::diagnostic::find_nearest;
use crate::model::{ReadFailure, Text};
use crate::provider::canon;
use crate::provider::cryptlex::sheet::{FULL, Sheet};
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::overlap::{Joint, Overlap, READINGS, unsettled_list};
use crate::provider::reading::MOST_PAGES;

/// A user group as the list shows it: id and name.
pub static GROUPS: LazyLock<Rows<2>> = LazyLock::new(|| {
    let beside = [AtomShape::at("id"), AtomShape::at("name")];
    Rows::new(Columns::of(&[]), beside).identified(|id| id.text().is_some())
});

pub type GroupRow<'de> = Row<'static, 'de, 2>;

/// Holds the groups seen so far, and the names that manifests use.
#[derive(Default)]
pub struct Groups {
    named_groups: BTreeSet<Text>,
    pub failure: Option<GroupError>,
    /// The number of earlier readings that were abandoned because the list moved.
    before: usize,
    progress: Progress,
}

/// What one reading of the list has shown.
#[derive(Default)]
struct Progress {
    ids: BTreeMap<String, BTreeSet<String>>,
    seen: BTreeSet<String>,
    pages: usize,
    overlap: Overlap,
    /// The number of rows of the last page that had fewer than requested; `None` if every page was full.
    capped: Option<usize>,
}

impl Groups {
    pub fn want(&mut self, names: &BTreeSet<Text>) {
        self.named_groups.extend(names.iter().cloned());
    }

    /// Reports whether any manifest of the organization uses a name.
    pub fn needed(&self) -> bool {
        !self.named_groups.is_empty()
    }

    /// Returns the page to ask for next.
    pub fn sheet(&self) -> Sheet {
        let full = self.progress.capped.unwrap_or(FULL);
        Sheet::over(self.progress.overlap.end(), full)
    }

    /// Takes a page and returns whether another page must be read. `name` is the call's name in messages.
    ///
    /// A page that is not full ends the list, unless a name of a manifest is still unknown: the server may give fewer
    /// rows than requested, so the next page is read as well.
    pub fn page(&mut self, rows: &[GroupRow<'_>], name: &str) -> Result<bool, GroupError> {
        let sheet = self.sheet();
        let before = self.progress.seen.len();
        self.progress.pages += 1;
        let ids = self.keep(rows);
        let ids = ids.map_err(|member| GroupError::NoMember {
            call: name.to_string(),
            member,
        })?;
        if rows.len() < sheet.limit {
            self.progress.capped = Some(rows.len().max(1));
        }
        match self.progress.overlap.take(sheet.start(), ids) {
            Joint::Moved => return self.begin_again(name),
            Joint::First => return Ok(false),
            Joint::Follows => {}
        }
        let Progress {
            ids, seen, pages, ..
        } = &self.progress;
        let mut named_groups = self.named_groups.iter();
        let unknown = named_groups.any(|name| !ids.contains_key(name.as_str()));
        let more = seen.len() > before && (rows.len() >= sheet.limit || unknown);
        if more && *pages >= MOST_PAGES {
            return Err(GroupError::Endless {
                call: name.to_string(),
            });
        }
        Ok(more)
    }

    /// Records the names on a page and returns its ids; `Err` names the member that a row lacks.
    fn keep(&mut self, rows: &[GroupRow<'_>]) -> Result<Vec<String>, &'static str> {
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let [id, name] = &row.beside;
            let id = canon::canonical_id(id.text().ok_or("id")?).to_string();
            let name = name.text().ok_or("name")?;
            self.progress.seen.insert(id.clone());
            let ids = self.progress.ids.entry(name.to_string()).or_default();
            ids.insert(id.clone());
            shown.push(id);
        }
        Ok(shown)
    }

    /// Restarts the reading after the list moved; `Err` if it has moved in `READINGS` readings.
    fn begin_again(&mut self, name: &str) -> Result<bool, GroupError> {
        self.before += 1;
        self.progress = Progress::default();
        match self.before < READINGS {
            true => Ok(true),
            false => {
                let list = name.split('?').next().unwrap_or(name);
                Err(GroupError::Unread(unsettled_list(list).into()))
            }
        }
    }

    /// Returns the ids of the named groups; `Err` says what is wrong with the names.
    pub fn resolve(
        &self,
        organization: &str,
        names: &BTreeSet<Text>,
    ) -> Result<BTreeSet<String>, GroupError> {
        if let Some(why) = &self.failure
            && !names.is_empty()
        {
            return Err(why.clone());
        }
        let mut ids = BTreeSet::new();
        let mut faults = Vec::new();
        for name in names {
            match self.progress.ids.get(name.as_str()) {
                Some(found) if found.len() == 1 => ids.extend(found.iter().cloned()),
                Some(found) => faults.push(shared(organization, name, found)),
                None => faults.push(self.unknown(organization, name)),
            }
        }
        if faults.is_empty() {
            Ok(ids)
        } else {
            Err(GroupError::Names(faults.join("; ")))
        }
    }

    /// The id of every name that only one group has.
    pub fn list(&self) -> Arc<BTreeMap<Text, Text>> {
        let only = |(name, ids): (&String, &BTreeSet<String>)| match ids.first() {
            Some(id) if ids.len() == 1 => Some((name.as_str().into(), id.as_str().into())),
            _ => None,
        };
        Arc::new(self.progress.ids.iter().filter_map(only).collect())
    }

    fn unknown(&self, organization: &str, name: &str) -> String {
        let fault = format!("organization {organization} has no user group named {name:?}");
        match find_nearest(name, self.progress.ids.keys().map(String::as_str)) {
            Some(near) => format!("{fault}; did you mean {near:?}?"),
            None => fault,
        }
    }
}

/// Why the ids of named user groups are not known.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GroupError {
    #[error("{call} answered with a user group without the text `{member}`")]
    NoMember { call: String, member: &'static str },
    #[error("{call} answered with page {MOST_PAGES} of a list that does not end")]
    Endless { call: String },
    /// The list could not be read, in the words of its call.
    #[error("{0}")]
    Unread(ReadFailure),
    /// Names that no group has, or several have.
    #[error("{0}")]
    Names(String),
}

impl From<GroupError> for ReadFailure {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Unread(failure) => failure,
            other => Self::odd(other.to_string()),
        }
    }
}

/// Names should be unique, but only the status list of the create call hints at it (2026-11-21).
fn shared(organization: &str, name: &str, ids: &BTreeSet<String>) -> String {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    format!(
        "organization {organization} has {} user groups named {name:?}: {}; name one by its id in \
         `userGroupIds`",
        ids.len(),
        ids.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    #[test]
    fn a_list_that_does_not_end_is_left() {
        let mut groups = Groups::default();
        groups.want(&BTreeSet::from(["nobody".into()]));
        let end = (1..).find_map(|_| {
            let (sheet, row) = (
                groups.sheet(),
                |n| json!({"id": format!("id{n}"), "name": "name"}),
            );
            let rows = sheet.start()..sheet.start() + sheet.limit;
            let body = Json::from_iter(rows.map(row)).to_string();
            let page = GROUPS.list(&body, &|_| true).unwrap().unwrap();
            groups.page(&page.rows, "GET /groups?page=1000").err()
        });
        assert_eq!(
            end.map(|error| error.to_string()).as_deref(),
            Some("GET /groups?page=1000 answered with page 1000 of a list that does not end")
        );
    }
}
