//! What turned between two moments. Pure.
//!
//! A notice is about a turn and not about a state: what stays as it was is told once. Objects that turned the same
//! way at one connection are one notice, so that a vendor that is down is one message and not ten
//! thousand, and every list in it is cut with an honest count.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::daemon::serve::view::wants_attention;
use crate::daemon::status::{ObjectState, ObjectStatus, Status, Write};
use crate::model::Outcome;
use crate::model::notification::NoticeKind;
use crate::model::wording::shorten;
use crate::plan::document::{ChangeEntry, OriginEntry};

/// Objects that a notice names, fields of each, and characters of a text: what people read in a chat.
const OBJECTS: usize = 20;
const FIELDS: usize = 8;
const TEXT: usize = 400;
const VALUE: usize = 120;

/// One thing that turned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    pub kind: &'static str,
    /// Whether it turned for the better.
    pub good: bool,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<NoticeObject>,
    /// Objects that are not named.
    pub more: usize,
    #[serde(skip)]
    pub what: NoticeKind,
}

/// One object of a notice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoticeObject {
    pub address: String,
    pub state: ObjectState,
    pub origin: OriginEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What an apply would change, or what a write changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// Changes that are not shown.
    pub more: usize,
    /// The run of a write, for `entitle history` and `entitle undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// One field, its values cut to what is read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    pub path: String,
    pub before: String,
    pub after: String,
    pub risk: crate::model::Risk,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What turned from `before` to `after`, the gravest first.
pub fn transitions(before: &Status, after: &Status) -> Vec<Notice> {
    let mut notices = around(before, after);
    let known: BTreeMap<&str, &ObjectStatus> = before
        .objects
        .iter()
        .map(|object| (object.address.as_str(), object.as_ref()))
        .collect();
    let mut groups: BTreeMap<(NoticeKind, &str), Vec<&ObjectStatus>> = BTreeMap::new();
    for object in &after.objects {
        let was = known.get(object.address.as_str()).copied();
        if let Some(kind) = turned(was, object) {
            let group = groups.entry((kind, &object.connection)).or_default();
            group.push(object);
        }
    }
    for ((kind, connection), objects) in groups {
        notices.push(group(kind, connection, &objects));
    }
    notices.sort_by_key(|notice| notice.what);
    notices
}

/// How one object turned.
fn turned(was: Option<&ObjectStatus>, is: &ObjectStatus) -> Option<NoticeKind> {
    let before = was.map_or(ObjectState::Unseen, |was| was.state);
    if let Some(write) = new_write(was, is) {
        return match write.outcome {
            Outcome::Converged => Some(NoticeKind::Written),
            Outcome::Rejected | Outcome::Failed | Outcome::Unconverged => Some(NoticeKind::Failed),
            Outcome::Already | Outcome::Stale | Outcome::Refused | Outcome::Skipped => None,
        };
    }
    if before == is.state {
        return None;
    }
    let left = |state| matches!(state, ObjectState::Differs | ObjectState::Waiting);
    match is.state {
        ObjectState::Failed => Some(NoticeKind::Failed),
        ObjectState::Missing => Some(NoticeKind::Missing),
        ObjectState::Fought => Some(NoticeKind::Fight),
        ObjectState::Refused => Some(NoticeKind::Held),
        // The same difference under another rule is no news.
        ObjectState::Differs | ObjectState::Waiting => {
            let told = left(before) || matches!(before, ObjectState::Refused | ObjectState::Fought);
            (!told).then_some(NoticeKind::Drift)
        }
        // As agreed on is well, whatever the manifest wants since.
        ObjectState::InSync | ObjectState::AsApplied => {
            wants_attention(before).then_some(NoticeKind::Recovered)
        }
        ObjectState::Suspended => {
            let news = !matches!(before, ObjectState::Unseen | ObjectState::Elsewhere);
            news.then_some(NoticeKind::Suspended)
        }
        ObjectState::Unseen | ObjectState::NeverApplied | ObjectState::Elsewhere => None,
    }
}

fn new_write<'a>(was: Option<&ObjectStatus>, is: &'a ObjectStatus) -> Option<&'a Write> {
    let known = was.and_then(|was| was.last_write.as_ref());
    is.last_write
        .as_deref()
        .filter(|write| known.is_none_or(|known| known.at != write.at))
}

/// What turned beside the objects.
fn around(before: &Status, after: &Status) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut tell = |what: NoticeKind, good, title: String, message: Option<&String>| {
        notices.push(Notice {
            kind: what.name(),
            what,
            good,
            title,
            message: message.map(|text| clean(text, TEXT)),
            connection: None,
            objects: Vec::new(),
            more: 0,
        });
    };
    match (before.brake.engaged, after.brake.engaged) {
        (false, true) => {
            let why = after.brake.why.as_ref();
            tell(NoticeKind::Brake, false, "The brake is on".into(), why);
        }
        (true, false) => tell(
            NoticeKind::Brake,
            true,
            "The brake is off again".into(),
            None,
        ),
        _ => {}
    }
    match (&before.source.problem, &after.source.problem) {
        (None, Some(problem)) => {
            let title = "The newest manifests are not in force".into();
            tell(NoticeKind::Source, false, title, Some(problem));
        }
        (Some(_), None) => {
            let title = "The newest manifests are in force again".into();
            tell(NoticeKind::Source, true, title, None);
        }
        _ => {}
    }
    for (name, connection) in &after.connections {
        let held = before
            .connections
            .get(name)
            .is_some_and(|known| known.locked.is_some());
        match (held, &connection.locked) {
            (false, Some(who)) => {
                let title = format!("Another run holds the lock of {name}");
                tell(NoticeKind::Locked, false, title, Some(who));
            }
            (true, None) => {
                let title = format!("The lock of {name} is free again");
                tell(NoticeKind::Locked, true, title, None);
            }
            _ => {}
        }
    }
    notices
}

fn group(what: NoticeKind, connection: &str, objects: &[&ObjectStatus]) -> Notice {
    let one = objects.len() == 1;
    let who = match objects {
        [object] => object.address.clone(),
        _ => format!("{} objects", objects.len()),
    };
    let verb = match what {
        NoticeKind::Failed => "failed".to_string(),
        NoticeKind::Missing => format!("{} missing", if one { "is" } else { "are" }),
        NoticeKind::Fight => format!(
            "{} changed back by somebody",
            if one { "is" } else { "are" }
        ),
        NoticeKind::Held => format!("{} held back", if one { "is" } else { "are" }),
        NoticeKind::Drift => format!(
            "{} from the manifests",
            if one { "differs" } else { "differ" }
        ),
        NoticeKind::Written => format!("{} written", if one { "was" } else { "were" }),
        NoticeKind::Recovered => format!("{} in order again", if one { "is" } else { "are" }),
        NoticeKind::Suspended => format!("{} suspended", if one { "is" } else { "are" }),
        NoticeKind::Brake | NoticeKind::Source | NoticeKind::Locked => String::new(),
    };
    Notice {
        kind: what.name(),
        what,
        good: matches!(what, NoticeKind::Written | NoticeKind::Recovered),
        title: format!("{who} {verb} at {connection}"),
        message: None,
        connection: Some(connection.to_string()),
        objects: objects
            .iter()
            .take(OBJECTS)
            .map(|object| named(what, object))
            .collect(),
        more: objects.len().saturating_sub(OBJECTS),
    }
}

fn named(what: NoticeKind, object: &ObjectStatus) -> NoticeObject {
    let write = object
        .last_write
        .as_ref()
        .filter(|_| what == NoticeKind::Written);
    let changes = write.map_or(&object.changes, |write| &write.changes);
    let message = match (&object.fight, what) {
        (Some(fight), NoticeKind::Fight) => Some(&fight.message),
        _ => object.message.as_ref(),
    };
    NoticeObject {
        address: object.address.clone(),
        state: object.state,
        origin: object.origin.clone(),
        message: message.map(|text| clean(text, TEXT)),
        changes: changes.iter().take(FIELDS).map(field).collect(),
        more: changes.len().saturating_sub(FIELDS),
        run: write.map(|write| write.run.clone()),
    }
}

fn field(change: &ChangeEntry) -> FieldChange {
    let value = |value| clean(&crate::render::values::format_inline(value), VALUE);
    FieldChange {
        path: clean(&change.path, VALUE),
        before: value(&change.before),
        after: value(&change.after),
        risk: change.risk,
        note: change.note.as_ref().map(|note| clean(note, VALUE)),
    }
}

/// A text of bounded length on which no control character plays tricks.
fn clean(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let shown = shorten(text, most);
    shown.chars().map(plain).collect()
}

#[cfg(test)]
mod tests;
