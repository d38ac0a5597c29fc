//! Selects the part of a run that is taken back: by field, by object, or by what a saved plan shows.
//!
//! Input are flags or a saved plan, output the answer for one change. Today's policy is not asked here; it
//! applies afterwards, in the plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::field::canonical_name;
use crate::model::path::PatternPart;
use crate::model::{Address, Field, PathPattern};
use crate::plan;
use crate::plan::document::{ObjectEntry, PlanDocument};

/// The part of a run that is taken back. The default is every change that was not overwritten since.
#[derive(Clone, Debug, Default)]
pub struct Take {
    /// These fields only, and those also where they were changed since; empty for everything that was not.
    pub fields: Vec<PathPattern>,
    /// Set if objects that no manifest names any more are taken back as well.
    pub unmanaged: bool,
    /// The objects of a saved plan, each with the fields that it shows.
    pub shown: Option<BTreeMap<String, BTreeSet<String>>>,
    /// Those of them that no manifest named.
    pub shown_unmanaged: BTreeSet<String>,
}

impl Take {
    /// Reports whether a change of an object is to be taken back.
    ///
    /// The first of these that is set decides: the saved plan, the fields, everything. With the field
    /// `users[*].role` the change `users[a].role` is taken back, and `users[a].name` is not.
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

    /// Selects what a saved plan shows. Objects that no manifest named then need none now.
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

    /// Reports whether an object without a manifest is taken back.
    pub fn takes_unmanaged(&self, address: &str) -> bool {
        self.unmanaged || self.shown_unmanaged.contains(address)
    }
}

/// Reports whether a pattern names the field at `path` or something around it.
///
/// `users` covers `users[a].role`; `users[a].role` does not cover `users`. Names are compared as plans spell
/// them.
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
