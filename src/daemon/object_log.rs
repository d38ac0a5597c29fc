//! Logs the results of passes: one line for each object, or one line for many objects that are alike.
//!
//! The input is the objects whose state is new after a pass; the output is records of the log.
//! [`super::status_log`] ensures that a state is logged once, and not after every pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::status::{ObjectState, ObjectStatus};
use crate::model::wording::pluralize;
use crate::plan::document::ChangeEntry;
use crate::render::change::describe_change;

/// Objects of one state and message that are logged one by one; more of them share a line.
const ONE_BY_ONE: usize = 5;

/// Changes of an object that are named in its line, and objects that are named in a line that many share.
const NAMED: usize = 3;

/// An object whose state is news.
pub struct ObjectNews {
    pub object: Arc<ObjectStatus>,
    /// True if a write to it was carried out in this pass.
    pub is_written: bool,
}

impl ObjectNews {
    /// Returns the words for what happened.
    fn message(&self) -> &str {
        let message = self.object.message.as_deref().unwrap_or_default();
        match (self.is_written, self.object.state) {
            (true, ObjectState::InSync) => "written",
            _ => message,
        }
    }

    /// Returns the changes that were written, or that an apply would make.
    fn changes(&self) -> &[ChangeEntry] {
        match (&self.object.last_write, self.is_written) {
            (Some(write), true) => &write.changes,
            _ => &self.object.changes,
        }
    }
}

/// Logs the news of a pass.
///
/// A write has a line of its own. Of other news, up to five objects of one state and message have a line each, with their
/// changes. For example, if 62 objects differ while the daemon only looks, one line has their number and the first
/// three; the others follow at level `debug`.
pub fn log_news(news: &[ObjectNews]) {
    let mut alike: BTreeMap<(ObjectState, &str), Vec<&ObjectNews>> = BTreeMap::new();
    for one in news.iter().filter(|one| one.is_written) {
        log_object(one, one.message());
    }
    for one in news.iter().filter(|one| !one.is_written) {
        let key = (one.object.state, one.message());
        alike.entry(key).or_default().push(one);
    }
    for ((state, message), group) in alike {
        if group.len() <= ONE_BY_ONE {
            group.iter().for_each(|one| log_object(one, message));
            continue;
        }
        log_group(state, message, &group);
        for one in group {
            let (address, fields) = (&one.object.address, describe_changes(one.changes()));
            tracing::debug!(address, state = state.name(), fields, "{message}");
        }
    }
}

/// Logs one object: a failure as an error, an object that waits for a person as a warning.
fn log_object(one: &ObjectNews, message: &str) {
    let (address, state) = (&one.object.address, one.object.state);
    let (changes, fields) = (one.changes().len(), describe_changes(one.changes()));
    let name = state.name();
    match severity_of(state) {
        tracing::Level::ERROR => tracing::error!(address, state = name, "{message}"),
        tracing::Level::WARN => {
            tracing::warn!(address, state = name, changes, fields, "{message}");
        }
        _ if changes == 0 => tracing::info!(address, state = name, "{message}"),
        _ => tracing::info!(address, state = name, changes, fields, "{message}"),
    }
}

/// Logs many objects in one line.
fn log_group(state: ObjectState, message: &str, group: &[&ObjectNews]) {
    let named = group.iter().take(NAMED);
    let named: Vec<&str> = named.map(|one| one.object.address.as_str()).collect();
    let first = named.join(", ");
    let (objects, name) = (group.len(), state.name());
    match severity_of(state) {
        tracing::Level::ERROR => tracing::error!(objects, first, state = name, "{message}"),
        tracing::Level::WARN => tracing::warn!(objects, first, state = name, "{message}"),
        _ => tracing::info!(objects, first, state = name, "{message}"),
    }
}

/// Returns the level at which a state is logged.
fn severity_of(state: ObjectState) -> tracing::Level {
    match state {
        ObjectState::InSync
        | ObjectState::AsApplied
        | ObjectState::NeverApplied
        | ObjectState::Unseen
        | ObjectState::Suspended
        | ObjectState::Elsewhere => tracing::Level::INFO,
        ObjectState::Differs | ObjectState::Waiting | ObjectState::Refused => tracing::Level::WARN,
        ObjectState::Fought | ObjectState::Failed | ObjectState::Missing => tracing::Level::ERROR,
    }
}

/// Describes changes in one line: `activations_allowed 10 → 5 (reduces), description is added`, and how many more.
fn describe_changes(changes: &[ChangeEntry]) -> String {
    let mut parts: Vec<String> = changes.iter().take(NAMED).map(describe_change).collect();
    let more = changes.len().saturating_sub(NAMED);
    if more > 0 {
        parts.push(format!("and {}", pluralize(more, "more change")));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Risk;
    use crate::plan::ChangeVerb;

    fn change(path: &str) -> ChangeEntry {
        ChangeEntry {
            path: path.into(),
            verb: ChangeVerb::Replace,
            before: json!(10),
            after: json!(5),
            risk: Risk::Reduce,
            note: None,
            call: 0,
        }
    }

    #[test]
    fn the_changes_of_an_object_fit_a_line() {
        let changes = ["a", "b", "c", "d", "e"].map(change);
        assert_eq!(describe_changes(&changes[..1]), "a 10 → 5 (reduces)");
        let many = describe_changes(&changes);
        assert!(
            many.ends_with("c 10 → 5 (reduces), and 2 more changes"),
            "{many}"
        );
        assert_eq!(describe_changes(&[]), "");
    }
}
