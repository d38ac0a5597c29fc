//! The user groups of one organization by name, so that a manifest may say "Support" for an id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::model::diagnostic::nearest;

/// The groups seen so far, and the names that somebody asked for.
#[derive(Default)]
pub struct Groups {
    wanted: BTreeSet<String>,
    ids: BTreeMap<String, BTreeSet<String>>,
    seen: BTreeSet<String>,
    pub pages: usize,
    pub failure: Option<String>,
}

impl Groups {
    pub fn want(&mut self, names: &BTreeSet<String>) {
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
    pub fn page(&mut self, rows: &[Map<String, Json>], full: usize) -> Result<bool, String> {
        let before = self.seen.len();
        self.pages += 1;
        for row in rows {
            let text = |name: &str| {
                row.get(name)
                    .and_then(Json::as_str)
                    .ok_or_else(|| format!("a user group without the text `{name}`"))
            };
            let (id, name) = (text("id")?, text("name")?);
            self.seen.insert(id.to_string());
            let ids = self.ids.entry(name.to_string()).or_default();
            ids.insert(id.to_string());
        }
        let unknown = self.wanted.iter().any(|name| !self.ids.contains_key(name));
        Ok(self.seen.len() > before && (rows.len() >= full || unknown))
    }

    /// The ids of the named groups, or what is wrong with the names.
    pub fn resolve(
        &self,
        organization: &str,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, String> {
        if let Some(why) = &self.failure
            && !names.is_empty()
        {
            return Err(why.clone());
        }
        let mut ids = BTreeSet::new();
        let mut faults = Vec::new();
        for name in names {
            match self.ids.get(name) {
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
