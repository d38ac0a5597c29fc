//! The user groups of one organization by name, so that a manifest may say "Support" for an id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::model::Text;
use crate::model::diagnostic::nearest;
use crate::provider::canon;
use crate::provider::decode::{Columns, Row, Rows, Spot};
use crate::provider::reading::MOST_PAGES;

/// A user group as the list shows it: id and name.
pub static GROUPS: LazyLock<Rows<2>> = LazyLock::new(|| {
    let beside = [Spot::at("id"), Spot::at("name")];
    Rows::new(Columns::of(&[]), beside).identified(|id| id.text().is_some())
});

pub type GroupRow<'de> = Row<'static, 'de, 2>;

/// The groups seen so far, and the names that somebody asked for.
#[derive(Default)]
pub struct Groups {
    wanted: BTreeSet<Text>,
    ids: BTreeMap<String, BTreeSet<String>>,
    seen: BTreeSet<String>,
    pub pages: usize,
    pub failure: Option<String>,
}

impl Groups {
    pub fn want(&mut self, names: &BTreeSet<Text>) {
        self.wanted.extend(names.iter().cloned());
    }

    /// Whether any manifest of the organization uses a name.
    pub fn needed(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Takes a page and says whether there may be another one.
    ///
    /// A page that is not full ends the list, unless a name is still unknown: then a server that gives
    /// fewer rows than it was asked for is given the benefit of one more call.
    pub fn page(&mut self, rows: &[GroupRow<'_>], full: usize) -> Result<bool, String> {
        let before = self.seen.len();
        self.pages += 1;
        for row in rows {
            let [id, name] = &row.beside;
            let lacks = |name: &str| format!("a user group without the text `{name}`");
            let id = canon::id(id.text().ok_or_else(|| lacks("id"))?);
            let name = name.text().ok_or_else(|| lacks("name"))?;
            self.seen.insert(id.to_string());
            let ids = self.ids.entry(name.to_string()).or_default();
            ids.insert(id.to_string());
        }
        let unknown = self
            .wanted
            .iter()
            .any(|name| !self.ids.contains_key(name.as_str()));
        let more = self.seen.len() > before && (rows.len() >= full || unknown);
        if more && self.pages >= MOST_PAGES {
            return Err(format!("page {MOST_PAGES} of a list that does not end"));
        }
        Ok(more)
    }

    /// The ids of the named groups, or what is wrong with the names.
    pub fn resolve(
        &self,
        organization: &str,
        names: &BTreeSet<Text>,
    ) -> Result<BTreeSet<String>, String> {
        if let Some(why) = &self.failure
            && !names.is_empty()
        {
            return Err(why.clone());
        }
        let mut ids = BTreeSet::new();
        let mut faults = Vec::new();
        for name in names {
            match self.ids.get(name.as_str()) {
                Some(found) if found.len() == 1 => ids.extend(found.iter().cloned()),
                Some(found) => faults.push(shared(organization, name, found)),
                None => faults.push(self.unknown(organization, name)),
            }
        }
        if faults.is_empty() {
            Ok(ids)
        } else {
            Err(faults.join("; "))
        }
    }

    fn unknown(&self, organization: &str, name: &str) -> String {
        let fault = format!("organization {organization} has no user group named {name:?}");
        match nearest(name, self.ids.keys().map(String::as_str)) {
            Some(near) => format!("{fault}; did you mean {near:?}?"),
            None => fault,
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

    #[test]
    fn a_list_that_does_not_end_is_left() {
        let mut groups = Groups::default();
        groups.want(&BTreeSet::from(["nobody".into()]));
        let end = (1..).find_map(|number| {
            let body = format!(r#"{{"id": "id{number}", "name": "name{number}"}}"#);
            let row = GROUPS.one(&body).unwrap().unwrap();
            groups.page(&[row], 100).err()
        });
        assert_eq!(
            end.as_deref(),
            Some("page 1000 of a list that does not end")
        );
        assert_eq!(groups.pages, MOST_PAGES);
    }
}
