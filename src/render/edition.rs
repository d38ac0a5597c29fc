//! Says what an edition changes in many objects of a plan, some of which change in other ways as well, so that they are no
//! group of equal changes.
//!
//! For example 212 objects of `professional` get the feature Reports, and 30 of them other seats too: the plan has a group of
//! 182 and 30 single objects, and one line says `Edition professional: 212 objects, + Features[Reports 1.0]`.

use std::collections::{BTreeMap, BTreeSet};

use super::change::describe_change;
use super::group::LEAST;
use super::safe::make_visible;
use crate::model::Risk;
use crate::model::wording::pluralize;
use crate::plan::document::{ChangeEntry, ObjectEntry};

/// The most changes that a line names; further ones are counted.
const NAMED: usize = 5;

/// Returns a line for each edition whose objects have changes in common, but not all of them.
pub fn describe_editions(objects: &[ObjectEntry]) -> Vec<String> {
    let mut editions: BTreeMap<&str, Vec<&ObjectEntry>> = BTreeMap::new();
    for object in objects.iter().filter(|object| !object.changes.is_empty()) {
        if let Some(edition) = &object.edition {
            editions.entry(edition).or_default().push(object);
        }
    }
    let editions = editions.iter();
    let lines = editions.flat_map(|(edition, objects)| describe_edition(edition, objects));
    lines.collect()
}

/// Returns a line for each number of objects that share changes, the largest first. None if all objects change the same: they
/// are a group then.
fn describe_edition(edition: &str, objects: &[&ObjectEntry]) -> Vec<String> {
    let described = objects.iter().map(|object| {
        let changes = object.changes.iter();
        changes.map(describe_bare).collect::<BTreeSet<String>>()
    });
    let described: Vec<BTreeSet<String>> = described.collect();
    if described.windows(2).all(|pair| pair[0] == pair[1]) {
        return Vec::new();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for change in described.iter().flatten() {
        *counts.entry(change).or_default() += 1;
    }
    let mut shared: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (change, count) in counts.into_iter().filter(|(_, count)| *count >= LEAST) {
        shared.entry(count).or_default().push(change);
    }
    let lines = shared.iter().rev().map(|(count, changes)| {
        let named: Vec<&str> = changes.iter().take(NAMED).copied().collect();
        let more = match changes.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {}", pluralize(more, "more change")),
        };
        let objects = pluralize(*count, "object");
        let line = format!("Edition {edition}: {objects}, {}{more}", named.join(", "));
        make_visible(&line).into_owned()
    });
    lines.collect()
}

/// Describes a change without its risk, which may differ from object to object.
fn describe_bare(change: &ChangeEntry) -> String {
    describe_change(&ChangeEntry {
        risk: Risk::Safe,
        note: None,
        ..change.clone()
    })
}
