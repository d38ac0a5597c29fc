//! Groups objects that would look the same, so that 499 equal changes are one entry and not 499.
//!
//! The input is objects in the order of display; the output is groups in that order. Only formats for people group;
//! JSON, JUnit and annotations list every object by itself.

use std::collections::BTreeMap;

use serde::Serialize;

use super::safe::make_visible;
use crate::model::wording::pluralize;
use crate::model::{Outcome, Risk};
use crate::plan::coming::ComingChanges;
use crate::plan::document::{ChangeEntry, ObjectEntry};
use crate::plan::field_descent::FieldDescent;
use crate::plan::{ChangeVerb, Disposition};

/// The least number of objects with equal changes that become one entry. Four of them fill a screen of 24 lines and
/// can still be read one by one; from five on, only the names differ between screens.
pub const LEAST: usize = 5;

/// Objects that are shown as one entry. Never empty.
#[derive(Clone, Debug)]
pub struct ObjectGroup<'a> {
    pub objects: Vec<&'a ObjectEntry>,
}

impl<'a> ObjectGroup<'a> {
    /// Returns the object that stands for all.
    pub fn first(&self) -> &'a ObjectEntry {
        self.objects[0]
    }

    /// Lists the values that come from the same places in all of its objects: those of an edition, and not those of rows.
    pub fn common_descent(&self) -> impl Iterator<Item = &'a FieldDescent> {
        let values = self.first().descent.iter();
        values.filter(|value| {
            let mut others = self.objects.iter().skip(1);
            others.all(|object| object.descent.contains(value))
        })
    }

    /// Reports whether it stands for more than one object.
    pub fn is_many(&self) -> bool {
        self.objects.len() > 1
    }

    /// Returns the kind of all objects; `None` if they are of several kinds.
    pub fn kind(&self) -> Option<&'a str> {
        let kind = split_address(self.first()).0;
        let mut kinds = self.objects.iter().map(|object| split_address(object).0);
        kinds.all(|other| other == kind).then_some(kind)
    }

    /// Returns the edition of all objects; `None` if they have none, or several.
    pub fn edition(&self) -> Option<&'a str> {
        let edition = self.first().edition.as_deref();
        let mut others = self.objects.iter().map(|object| object.edition.as_deref());
        edition.filter(|_| others.all(|other| other == edition))
    }

    /// Returns the address of the object, or how many there are and of what: `212 × LacLicenseOrder of edition professional`.
    pub fn title(&self) -> String {
        if !self.is_many() {
            return make_visible(&self.first().address).into_owned();
        }
        let kind = make_visible(self.kind().unwrap_or("object"));
        let title = format!("{} × {kind}", self.objects.len());
        match self.edition() {
            Some(edition) => format!("{title} of edition {}", make_visible(edition)),
            None => title,
        }
    }

    /// Returns the names in the order of display, without their kind if it is the same.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        let is_one_kind = self.kind().is_some();
        self.objects.iter().map(move |object| match is_one_kind {
            true => split_address(object).1,
            false => object.address.as_str(),
        })
    }

    /// Returns the remarks on the objects, each once, in the order of display.
    pub fn messages(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for message in self.objects.iter().filter_map(|one| describe_remark(one)) {
            if !found.contains(&message) {
                found.push(message);
            }
        }
        found
    }

    /// Returns the message of the group; `None` if it has none. If messages differ, the first is followed by the number
    /// of the others.
    pub fn describe_messages(&self) -> Option<String> {
        match &self.messages()[..] {
            [] => None,
            [message] => Some(message.clone()),
            [message, others @ ..] => {
                let others = pluralize(others.len(), "other remark");
                Some(format!("{message}; {others}: --full shows them"))
            }
        }
    }

    /// Returns the manifest files of the objects, each once, in the order of display.
    pub fn files(&self) -> Vec<&'a str> {
        let mut found: Vec<&str> = Vec::new();
        for object in &self.objects {
            let file = object.origin.file.as_str();
            if !found.contains(&file) {
                found.push(file);
            }
        }
        found
    }
}

/// Returns the kind and the name of an object.
pub fn split_address(object: &ObjectEntry) -> (&str, &str) {
    let address = object.address.as_str();
    address.split_once('/').unwrap_or(("", address))
}

/// Puts every object into a group of its own.
pub fn group_none<'a>(objects: &[&'a ObjectEntry]) -> Vec<ObjectGroup<'a>> {
    let alone = |object: &&'a ObjectEntry| ObjectGroup {
        objects: vec![*object],
    };
    objects.iter().map(alone).collect()
}

/// Groups objects by what is planned for them and how it ended.
///
/// Two objects are in one group if kind, edition, connection, action, outcome and all changes, coming ones included, are equal: path,
/// both values, risk and note. The note of a change that strands has the number in use, so a group never hides how many users one of its
/// objects has. Of objects without an outcome the message is only a remark on the licence and may differ.
pub fn group_changes<'a>(objects: &[&'a ObjectEntry]) -> Vec<ObjectGroup<'a>> {
    group_by_key(
        objects,
        |_| LEAST,
        |object| {
            let decides = object.outcome.is_some() || !object.action.writes();
            spell_key(&ChangeKey {
                kind: split_address(object).0,
                edition: object.edition.as_deref(),
                connection: &object.connection,
                action: object.action,
                outcome: object.outcome,
                message: object
                    .message
                    .as_deref()
                    .filter(|_| decides && !ended_well(object)),
                side_effects: &object.side_effects,
                changes: object.changes.iter().map(ChangePart::new).collect(),
                coming: &object.coming,
            })
        },
    )
}

/// Groups objects by how they ended.
///
/// If a run refused objects or never began them, the reason lies in the run and not in the object, so two of them are
/// enough for a group.
pub fn group_outcomes<'a>(objects: &[&'a ObjectEntry]) -> Vec<ObjectGroup<'a>> {
    let least = |object: &ObjectEntry| match object.outcome {
        Some(Outcome::Refused | Outcome::Skipped) => 2,
        _ => LEAST,
    };
    group_by_key(objects, least, |object| {
        let message = object.message.as_deref().filter(|_| !ended_well(object));
        let kind = Some(split_address(object).0).filter(|_| least(object) == LEAST);
        spell_key(&(kind, object.outcome, message, &object.side_effects))
    })
}

/// The most objects that a remark names; further ones are only counted.
const NAMED: usize = 3;

/// Returns what is to be known of an object beside its changes: its message, and before an apply which others go first.
pub fn describe_remark(object: &ObjectEntry) -> Option<String> {
    let (named, others) = object.after.split_at(object.after.len().min(NAMED));
    let others = match others.len() {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let is_to_go = object.outcome.is_none() && !named.is_empty();
    let order = is_to_go.then(|| format!("goes after {}{others}", named.join(", ")));
    let remarks: Vec<String> = object.message.iter().cloned().chain(order).collect();
    (!remarks.is_empty()).then(|| remarks.join("; "))
}

/// Reports whether an object ended as planned. Its message is then a remark, not the reason of a failure.
fn ended_well(object: &ObjectEntry) -> bool {
    matches!(object.outcome, Some(Outcome::Converged | Outcome::Already))
}

/// The key of a group: the properties that are equal in all of its objects.
#[derive(Serialize)]
struct ChangeKey<'a> {
    kind: &'a str,
    edition: Option<&'a str>,
    connection: &'a str,
    action: Disposition,
    outcome: Option<Outcome>,
    message: Option<&'a str>,
    side_effects: &'a [String],
    changes: Vec<ChangePart<'a>>,
    coming: &'a ComingChanges,
}

/// A change as a part of the key. Every member of the entry is in it.
#[derive(Serialize)]
struct ChangePart<'a> {
    path: &'a str,
    verb: ChangeVerb,
    before: &'a serde_json::Value,
    after: &'a serde_json::Value,
    risk: Risk,
    note: Option<&'a str>,
    call: usize,
}

impl<'a> ChangePart<'a> {
    fn new(change: &'a ChangeEntry) -> Self {
        let ChangeEntry {
            path,
            verb,
            before,
            after,
            risk,
            note,
            call,
        } = change;
        Self {
            path,
            verb: *verb,
            before,
            after,
            risk: *risk,
            note: note.as_deref(),
            call: *call,
        }
    }
}

/// Serializes a key to one text. Returns `None` if that fails; the object then is in no group.
fn spell_key(key: &impl Serialize) -> Option<String> {
    serde_json::to_string(key).ok()
}

/// Groups objects with equal keys. A group stands where its first object stood; objects of which there are fewer than
/// `least` stay alone, each in its own place.
fn group_by_key<'a>(
    objects: &[&'a ObjectEntry],
    least: impl Fn(&ObjectEntry) -> usize,
    key: impl Fn(&'a ObjectEntry) -> Option<String>,
) -> Vec<ObjectGroup<'a>> {
    let keys: Vec<Option<String>> = objects.iter().map(|object| key(object)).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for key in keys.iter().flatten() {
        *counts.entry(key).or_default() += 1;
    }
    let mut indexes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<ObjectGroup> = Vec::new();
    for (object, key) in objects.iter().zip(&keys) {
        let key = key.as_deref();
        let key = key.filter(|key| counts.get(key) >= Some(&least(object)));
        let index = key.map(|key| *indexes.entry(key).or_insert(groups.len()));
        match index.and_then(|index| groups.get_mut(index)) {
            Some(group) => group.objects.push(object),
            None => groups.extend(group_none(&[object])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Ids;
    use crate::plan::document::OriginEntry;

    fn object(name: &str, after: i64, note: &str) -> ObjectEntry {
        ObjectEntry {
            edition: None,
            set: None,
            problem: None,
            address: format!("LacLicenseOrder/{name}"),
            vendor: "lac".into(),
            connection: "lac".into(),
            identity: Ids::default(),
            origin: OriginEntry {
                file: "a.yaml".into(),
                line: 1,
            },
            manifest_fingerprint: None,
            manifest_fields: BTreeMap::new(),
            references: Default::default(),
            after: Vec::new(),
            action: Disposition::Update,
            descent: Vec::new(),
            changes: vec![ChangeEntry {
                path: "activations_allowed".into(),
                verb: ChangeVerb::Replace,
                before: 10.into(),
                after: after.into(),
                risk: Risk::Reduce,
                note: Some(note.into()).filter(|note: &String| !note.is_empty()),
                call: 0,
            }],
            calls: Vec::new(),
            fingerprint: None,
            outcome: None,
            message: Some(format!("a remark on {name}")),
            side_effects: Vec::new(),
            coming: Default::default(),
        }
    }

    fn named(groups: &[ObjectGroup]) -> Vec<String> {
        let names = |group: &ObjectGroup| group.names().collect::<Vec<_>>().join(" ");
        groups.iter().map(names).collect()
    }

    fn changes(objects: &[ObjectEntry]) -> Vec<String> {
        named(&group_changes(&objects.iter().collect::<Vec<_>>()))
    }

    #[test]
    fn five_equal_changes_are_one_entry_and_four_are_four() {
        let mut objects = ["a", "b", "c", "d"]
            .map(|name| object(name, 3, ""))
            .to_vec();
        objects.insert(1, object("x", 4, ""));
        assert_eq!(changes(&objects), ["a", "x", "b", "c", "d"]);
        objects.push(object("e", 3, ""));
        assert_eq!(changes(&objects), ["a b c d e", "x"]);
    }

    #[test]
    fn what_differs_in_anything_that_is_shown_stays_apart() {
        let base = || {
            ["a", "b", "c", "d", "e"]
                .map(|name| object(name, 3, ""))
                .to_vec()
        };
        assert_eq!(changes(&base()).len(), 1);
        let apart = |change: fn(&mut ObjectEntry)| {
            let mut objects = base();
            change(&mut objects[4]);
            changes(&objects).len()
        };
        assert_eq!(apart(|one| one.address = "Other/e".into()), 5);
        assert_eq!(apart(|one| one.connection = "other".into()), 5);
        assert_eq!(apart(|one| one.action = Disposition::Observe), 5);
        assert_eq!(apart(|one| one.side_effects = vec!["x".into()]), 5);
        assert_eq!(apart(|one| one.outcome = Some(Outcome::Failed)), 5);
        assert_eq!(apart(|one| one.changes[0].path = "other".into()), 5);
        assert_eq!(apart(|one| one.changes[0].before = 11.into()), 5);
        assert_eq!(apart(|one| one.changes[0].after = "3".into()), 5);
        assert_eq!(apart(|one| one.changes[0].risk = Risk::Strand), 5);
        // A different number of users makes a different change, even with equal values.
        assert_eq!(
            apart(|one| one.changes[0].note = Some("4 in use".into())),
            5
        );
        assert_eq!(apart(|one| one.changes.push(one.changes[0].clone())), 5);
        assert_eq!(apart(|one| one.message = None), 1, "a remark of its own");
        assert_eq!(apart(|one| one.origin.line = 9), 1);
    }

    #[test]
    fn one_reason_of_a_run_is_one_entry_from_two_objects_on() {
        let ended = |outcome: Outcome, reason: &str| {
            let end = |name: &str| ObjectEntry {
                outcome: Some(outcome),
                message: Some(reason.into()),
                ..object(name, 3, "")
            };
            let objects = ["a", "b"].map(end);
            named(&group_outcomes(&objects.iter().collect::<Vec<_>>())).len()
        };
        assert_eq!(ended(Outcome::Refused, "too many"), 1);
        assert_eq!(ended(Outcome::Skipped, "interrupted"), 1);
        let refused = |address: &str| ObjectEntry {
            address: address.into(),
            outcome: Some(Outcome::Refused),
            message: Some("too many".into()),
            ..object("a", 3, "")
        };
        let objects = ["A/a", "B/b"].map(refused);
        let groups = group_outcomes(&objects.iter().collect::<Vec<_>>());
        assert_eq!(named(&groups), ["A/a B/b"]);
        assert_eq!(ended(Outcome::Rejected, "400"), 2);
        assert_eq!(ended(Outcome::Converged, "3 in use"), 2);
    }
}
