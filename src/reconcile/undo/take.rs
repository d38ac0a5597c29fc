//! Which part of a run is taken back.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::field::canonical_name;
use crate::model::path::PatternPart;
use crate::model::{Address, Field, PathPattern};
use crate::plan;
use crate::plan::document::{ObjectEntry, PlanDocument};

/// Which part of a run is taken back.
#[derive(Clone, Debug, Default)]
pub struct Take {
    /// These fields only, and those also where they were changed since; empty for everything that was not.
    pub fields: Vec<PathPattern>,
    /// Objects that no manifest names any more as well.
    pub unmanaged: bool,
    /// The objects of a saved plan, each with the fields that it shows.
    pub shown: Option<BTreeMap<String, BTreeSet<String>>>,
    /// Those of them that no manifest named.
    pub shown_unmanaged: BTreeSet<String>,
}

impl Take {
    /// Whether a change of an object is to be taken back.
    pub fn names(&self, table: &[Field], address: &Address, path: &str) -> bool {
        match &self.shown {
            Some(shown) => shown.get(&address.to_string()).is_some_and(|paths| {
                // A plan of one element may show the element where the run changed a field of it.
                paths
                    .iter()
                    .any(|shown| plan::base::covers(shown, path) || plan::base::covers(path, shown))
            }),
            None if self.fields.is_empty() => true,
            None => self
                .fields
                .iter()
                .any(|pattern| covers(table, pattern, path)),
        }
    }

    /// What a saved plan shows, to be taken back once more. Objects that no manifest named then need none now.
    pub fn shown(saved: &PlanDocument) -> Self {
        let paths = |entry: &ObjectEntry| entry.changes.iter().map(|c| c.path.clone()).collect();
        let entries = saved.objects.iter();
        let unmanaged = entries
            .clone()
            .filter(|entry| entry.manifest_fingerprint.is_none());
        Self {
            shown_unmanaged: unmanaged.map(|entry| entry.address.clone()).collect(),
            shown: Some(
                entries
                    .map(|entry| (entry.address.clone(), paths(entry)))
                    .collect(),
            ),
            ..Self::default()
        }
    }

    pub fn takes_unmanaged(&self, address: &str) -> bool {
        self.unmanaged || self.shown_unmanaged.contains(address)
    }
}

/// Whether a pattern names the field at `path` or something around it.
pub fn covers(table: &[Field], pattern: &PathPattern, path: &str) -> bool {
    let Ok(path) = PathPattern::parse(path) else {
        return false;
    };
    pattern.parts.len() <= path.parts.len()
        && pattern
            .parts
            .iter()
            .zip(&path.parts)
            .all(|parts| match parts {
                (PatternPart::AnyElement, PatternPart::Element(_)) => true,
                // A manifest may say `userGroups` for what plans call `userGroupIds`.
                (PatternPart::Field(name), PatternPart::Field(other)) => {
                    canonical_name(table, name) == other
                }
                (one, other) => one == other,
            })
}
