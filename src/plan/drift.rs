//! Compares manifest, live and base field by field, and reports who changed what.
//!
//! In: the desired object, live, the base and the time. Out: a difference for each field in which manifest and live
//! differ. The base is what the manifest stated when both sides last agreed: what an apply wrote, or the manifest of
//! an earlier commit. Nothing is written: healing is planned elsewhere.
//!
//! ```text
//! base 10   manifest 10   live 25   live changed
//! base 10   manifest 25   live 10   the manifest changed
//! base 10   manifest 25   live 40   both changed
//! base 10   manifest 25   live 25   no difference, both moved to the same value
//! ```

pub mod accepted;
pub mod document;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::base::{self, Base};
use super::change::Change;
use super::{carry, diff, effect, unseen};
use crate::model::field::{Elements, find_field};
use crate::model::{
    ConditionScope, Desired, Diagnostic, Field, FieldPath, Fields, Live, Need, PathPart, Risk,
    Shape, Value,
};

/// Who moved a field away from the base.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The manifest differs from the base, live does not: a change that waits for its apply.
    You,
    /// Live differs from the base, the manifest does not.
    They,
    /// Both differ from the base, and from each other.
    Both,
    /// There is no base to tell by.
    Unknown,
}

impl By {
    /// Reports whether live moved, as far as the base can tell. `Unknown` counts as drift.
    pub fn is_drift(self) -> bool {
        match self {
            By::You => false,
            By::They | By::Both | By::Unknown => true,
        }
    }
}

/// One field on which manifest and live differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub path: FieldPath,
    pub by: By,
    /// `None` if the base has no such field or element; the same for the two below.
    pub base: Option<Json>,
    pub manifest: Option<Json>,
    pub live: Option<Json>,
    /// What an apply of the manifest would do to the licensee.
    pub risk: Risk,
    pub note: Option<String>,
}

/// Returns every field on which `desired` and `live` differ, with who changed it since `base`.
///
/// Without a base, each difference is `Unknown`. `Err` where the read does not show a managed list.
pub fn compare_fields(
    table: &'static [Field],
    desired: &Desired,
    base: Option<&Base>,
    live: &Live,
    now: Timestamp,
) -> Result<Vec<Difference>, unseen::NotShown> {
    let live = &*unseen::fill_absent(table, &desired.policy, live);
    unseen::refuse_unseen_lists(table, desired, &carry::resolve_desired(desired, live), live)?;
    let next = carry::carry(table, desired, live);
    let changes = diff::diff(table, &next, live, now);
    let sides = base.map(|base| Sides::new(table, desired, base, live));
    let differences = changes.into_iter().map(|change| match &sides {
        Some(sides) => sides.difference(table, change),
        None => make_difference(change, By::Unknown, None),
    });
    Ok(differences.collect())
}

/// Returns warnings about wishes of `desired` that have no effect on the live object.
pub fn without_effect(table: &'static [Field], desired: &Desired, live: &Live) -> Vec<Diagnostic> {
    let live = &*unseen::fill_absent(table, &desired.policy, live);
    let next = carry::carry(table, desired, live);
    let idle = carry::without_effect(table, desired, live, &next);
    effect::warn_of_idle(table, desired, &idle)
}

fn make_difference(change: Change, by: By, base: Option<Json>) -> Difference {
    Difference {
        path: change.path,
        by,
        base,
        manifest: change.after,
        live: change.before,
        risk: change.risk,
        note: change.note,
    }
}

/// Holds the three states of one object: base, manifest (`mine`) and live (`theirs`).
struct Sides<'a> {
    base: &'a Base,
    /// The fields of the base, with names resolved.
    fields: Fields,
    mine: Fields,
    theirs: &'a Fields,
    /// Lists of which the base or the manifest covers only the named members. A further member is not a change of live.
    keeps: Vec<&'a str>,
    /// True if the base used a name that nothing resolves now.
    unclear: bool,
}

impl<'a> Sides<'a> {
    fn new(table: &'static [Field], desired: &'a Desired, base: &'a Base, live: &'a Live) -> Self {
        let (fields, unclear) = base::resolve_names(table, &base.fields, desired, live);
        let mut mine = desired.fields.unpack();
        for resolved in &live.resolved {
            mine.remove(resolved.given);
            mine.insert(resolved.field, resolved.value.clone());
        }
        let keeps = desired.policy.keep_unlisted.iter().chain(&base.kept);
        Self {
            base,
            fields,
            mine,
            theirs: &live.fields,
            keeps: keeps.map(String::as_str).collect(),
            unclear,
        }
    }

    fn difference(&self, table: &'static [Field], change: Change) -> Difference {
        if self.base.is_unsettled(&change.path.to_string()) {
            return make_difference(change, By::Unknown, None);
        }
        let (by, base) = self.at(table, change.path.parts());
        let by = match find_cause(table, &change) {
            // A field that goes because another field changes was changed by the side that changed the other field.
            Some(cause) => self.at(table, cause.parts()).0,
            None => by,
        };
        make_difference(change, by, base)
    }

    fn at(&self, table: &'static [Field], parts: &[PathPart]) -> (By, Option<Json>) {
        let (by, base) = locate_change(
            table,
            parts,
            (&self.fields, &self.mine, self.theirs),
            &self.keeps,
        );
        if self.unclear && base.is_none() && by == By::You {
            (By::Unknown, None)
        } else {
            (by, base)
        }
    }
}

/// Returns the field whose change removes the field of `change`; `None` if that is not why it goes.
fn find_cause(table: &'static [Field], change: &Change) -> Option<FieldPath> {
    if change.after.is_some() {
        return None;
    }
    let mut fields = table;
    let (mut path, mut trigger) = (FieldPath::default(), None);
    for part in change.path.parts() {
        match part {
            PathPart::Field(name) => {
                let field = find_field(fields, name)?;
                trigger = match field.need {
                    Need::When {
                        scope: ConditionScope::Here,
                        field,
                        ..
                    } => Some(path.field(field)),
                    Need::When {
                        scope: ConditionScope::Object,
                        field,
                        ..
                    } => Some(FieldPath::default().field(field)),
                    Need::Required | Need::InManifest | Need::Optional | Need::Never => None,
                };
                if let Shape::Keyed(elements) = &field.shape {
                    fields = elements.fields;
                }
                path = path.field(name);
            }
            PathPart::Element(key) => {
                trigger = None;
                path = path.element(key.clone());
            }
        }
    }
    trigger
}

/// Base, manifest and live.
type Three<'a> = (&'a Fields, &'a Fields, &'a Fields);

/// Follows a path through the three states; returns which side moved the value there, and its base.
fn locate_change(
    table: &'static [Field],
    parts: &[PathPart],
    (base, mine, theirs): Three<'_>,
    keeps: &[&str],
) -> (By, Option<Json>) {
    let Some((PathPart::Field(name), rest)) = parts.split_first() else {
        return (By::Unknown, None);
    };
    let Some(field) = find_field(table, name) else {
        return (By::Unknown, None);
    };
    let (was, mine, theirs) = (base.get(name), mine.get(name), theirs.get(name));
    let kept = keeps.contains(&field.name);
    let (Shape::Keyed(elements), Some((PathPart::Element(key), inner))) =
        (&field.shape, rest.split_first())
    else {
        return (
            of_field(field, was, mine, theirs, kept),
            was.map(|was| field.shape.json(was)),
        );
    };
    // The base does not cover this list: the manifest began to state it later, so the change is the manifest's.
    let Some(was) = was else {
        return (By::You, None);
    };
    let item = |value: Option<&'_ Value>| value.and_then(|value| value.item(key)).cloned();
    match (item(Some(was)), item(mine), item(theirs)) {
        (Some(was), Some(mine), Some(theirs)) if !inner.is_empty() => {
            locate_change(elements.fields, inner, (&was, &mine, &theirs), &[])
        }
        // The base does not exclude members beside the named ones, so the removal is a wish of the manifest.
        (None, None, Some(_)) if kept => (By::You, None),
        (was, mine, theirs) => {
            let same = |side: &Option<Fields>| same_element(elements, was.as_ref(), side.as_ref());
            let by = changed_by(same(&mine), same(&theirs));
            let shown = was.filter(|_| inner.is_empty());
            (by, shown.map(|was| elements.json(key, &was)))
        }
    }
}

fn of_field(
    field: &Field,
    was: Option<&Value>,
    mine: Option<&Value>,
    theirs: Option<&Value>,
    kept: bool,
) -> By {
    if was.is_none() && mine.is_some() {
        return By::You;
    }
    let same = |side: Option<&Value>| match (was, side) {
        (None | Some(Value::Null), None) => true,
        (Some(was), Some(side)) => field.alike(was, side),
        (Some(_), None) | (None, Some(_)) => false,
    };
    let theirs_same = match (was, theirs) {
        // Members of live beside those of the base are not a change of the set.
        (Some(Value::Set(was)), Some(Value::Set(theirs))) if kept => was.is_subset(theirs),
        _ => same(theirs),
    };
    match (same(mine), theirs_same) {
        // Both sides have the members of the base, so the manifest must have begun to exclude further members.
        (true, true) if kept => By::You,
        (mine, theirs) => changed_by(mine, theirs),
    }
}

/// Reports whether an element is as it was, in the fields that the base covers.
fn same_element(elements: &Elements, was: Option<&Fields>, is: Option<&Fields>) -> bool {
    match (was, is) {
        (None, None) => true,
        (Some(was), Some(is)) => was.iter().all(|(name, was)| {
            let field = find_field(elements.fields, name);
            match (field, is.get(name)) {
                (Some(field), Some(is)) => field.alike(was, is),
                // An element of the manifest that states fewer fields than before is still the same element.
                (_, None) => true,
                (None, Some(is)) => was == is,
            }
        }),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn changed_by(mine_same: bool, theirs_same: bool) -> By {
    match (mine_same, theirs_same) {
        (false, true) => By::You,
        (false, false) => By::Both,
        // Two sides that differ cannot both be as before; if they seem to, live is the one to look at.
        (true, false | true) => By::They,
    }
}

#[cfg(test)]
mod tests;
