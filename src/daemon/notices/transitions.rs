//! Compares two moments of the status and reports what changed. Pure.
//!
//! A notice is about a change and not about a state: an unchanged state is not reported again. Objects that changed
//! in the same way at one connection share a notice, so that a vendor that is down is one message and not ten
//! thousand. Every list in a notice is cut and says how much is left out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::daemon::serve::view::wants_attention;
use crate::daemon::status::{ConnectionProblem, LastWrite, ObjectState, ObjectStatus, Status};
use crate::model::Outcome;
use crate::model::notification::NoticeKind;
use crate::model::wording::shorten;
use crate::plan::document::{ChangeEntry, OriginEntry};

/// The largest number of objects in a notice, of fields of each, and of characters of a text: as much as people read in
/// a chat.
const OBJECTS: usize = 20;
const FIELDS: usize = 8;
const TEXT: usize = 400;
const VALUE: usize = 120;

/// One change to report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    pub kind: &'static str,
    /// True if it is a change for the better.
    pub good: bool,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<NoticeObject>,
    /// How many objects are left out.
    pub more: usize,
    #[serde(skip)]
    pub event: NoticeKind,
}

/// One object of a notice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoticeObject {
    pub address: String,
    pub state: ObjectState,
    pub origin: OriginEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The changes that an apply would make, or that a write has made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// How many changes are left out.
    pub more: usize,
    /// The run that wrote, for `entitle history` and `entitle undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// One changed field, its values shortened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    pub path: String,
    pub before: String,
    pub after: String,
    pub risk: crate::model::Risk,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Returns what changed from `before` to `after`, the gravest first.
pub fn find_transitions(before: &Status, after: &Status) -> Vec<Notice> {
    let mut notices = daemon_transitions(before, after);
    let known: BTreeMap<&str, &ObjectStatus> = before
        .objects
        .iter()
        .map(|object| (object.address.as_str(), object.as_ref()))
        .collect();
    let mut groups: BTreeMap<(NoticeKind, &str, Option<&str>), Vec<&ObjectStatus>> =
        BTreeMap::new();
    for object in &after.objects {
        let was = known.get(object.address.as_str()).copied();
        if let Some(kind) = object_transition(was, object) {
            let key = (kind, object.connection.as_str(), object.problem.as_deref());
            groups.entry(key).or_default().push(object);
        }
    }
    for ((kind, connection, problem), objects) in groups {
        let notice = group_notice(kind, connection, &objects);
        let problem = problem.and_then(|code| find_problem(after, connection, code));
        notices.push(match problem {
            Some(problem) => with_problem(notice, problem),
            None => notice,
        });
    }
    notices.sort_by_key(|notice| notice.event);
    notices
}

/// Returns how one object changed; `None` if that is no news. `was` is `None` for an object that is new.
fn object_transition(was: Option<&ObjectStatus>, is: &ObjectStatus) -> Option<NoticeKind> {
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
        // The same difference is no news if only the rule that holds back its write has changed.
        ObjectState::Differs | ObjectState::Waiting => {
            let was_reported =
                left(before) || matches!(before, ObjectState::Refused | ObjectState::Fought);
            (!was_reported).then_some(NoticeKind::Drift)
        }
        // An object with its last applied values is in order, even if the manifest has changed since.
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

/// Returns the last write of an object if it was sent since.
fn new_write<'a>(was: Option<&ObjectStatus>, is: &'a ObjectStatus) -> Option<&'a LastWrite> {
    let known = was.and_then(|was| was.last_write.as_ref());
    is.last_write
        .as_deref()
        .filter(|write| known.is_none_or(|known| known.at != write.at))
}

/// Returns what changed outside the objects: the brake, the source, the leases.
fn daemon_transitions(before: &Status, after: &Status) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut tell = |what: NoticeKind, good, title: String, message: Option<&String>| {
        notices.push(Notice {
            kind: what.name(),
            event: what,
            good,
            title,
            message: message.map(|text| clean_text(text, TEXT)),
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
        let held_back = before
            .connections
            .get(name)
            .is_some_and(|known| known.locked.is_some());
        match (held_back, &connection.locked) {
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

/// Makes one notice of objects that changed in the same way at one connection.
fn group_notice(what: NoticeKind, connection: &str, objects: &[&ObjectStatus]) -> Notice {
    let one = objects.len() == 1;
    let who = match objects {
        [object] => object.address.clone(),
        _ => format!("{} objects", objects.len()),
    };
    let verb = match what {
        NoticeKind::Failed => "failed".to_string(),
        NoticeKind::Missing => format!("{} missing", if one { "is" } else { "are" }),
        NoticeKind::Fight => format!(
            "{} changed back by another writer",
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
        event: what,
        good: matches!(what, NoticeKind::Written | NoticeKind::Recovered),
        title: format!("{who} {verb} at {connection}"),
        message: None,
        connection: Some(connection.to_string()),
        objects: objects
            .iter()
            .take(OBJECTS)
            .map(|object| notice_object(what, object))
            .collect(),
        more: objects.len().saturating_sub(OBJECTS),
    }
}

/// Returns the problem of a connection by its code.
fn find_problem<'a>(
    status: &'a Status,
    connection: &str,
    code: &str,
) -> Option<&'a ConnectionProblem> {
    let problems = &status.connections.get(connection)?.problems;
    problems.iter().find(|problem| problem.code == code)
}

/// Makes the problem of a connection the message of a notice, and leaves it out of the objects.
fn with_problem(mut notice: Notice, problem: &ConnectionProblem) -> Notice {
    let mut parts = vec![problem.message.clone()];
    parts.extend(problem.location().map(|line| format!("({line})")));
    notice.message = Some(clean_text(&parts.join(" "), TEXT));
    for object in &mut notice.objects {
        object.message = None;
    }
    notice
}

/// Describes one object of a notice.
fn notice_object(what: NoticeKind, object: &ObjectStatus) -> NoticeObject {
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
        message: message.map(|text| clean_text(text, TEXT)),
        changes: changes.iter().take(FIELDS).map(field_change).collect(),
        more: changes.len().saturating_sub(FIELDS),
        run: write.map(|write| write.run.clone()),
    }
}

/// Describes one changed field.
fn field_change(change: &ChangeEntry) -> FieldChange {
    let value = |value| clean_text(&crate::render::values::format_inline(value), VALUE);
    FieldChange {
        path: clean_text(&change.path, VALUE),
        before: value(&change.before),
        after: value(&change.after),
        risk: change.risk,
        note: change.note.as_ref().map(|note| clean_text(note, VALUE)),
    }
}

/// Returns a text of bounded length, with its control characters made visible.
fn clean_text(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let shown = shorten(text, most);
    shown.chars().map(plain).collect()
}

#[cfg(test)]
mod tests;
