//! Whether a planned write may go. Pure: everything is an argument, and the answer is a reason.
//!
//! The risks of a plan are not judged here: `reconcile::apply` does that, as for every unattended run.

use super::mode::RunMode;
use super::window::Door;
use crate::plan::Action;
use crate::plan::document::ObjectEntry;

/// Why a write does not go.
#[derive(Clone, Debug, PartialEq)]
pub enum Hold {
    /// The daemon only looks.
    Mode,
    /// No window is open.
    Window(Door),
    /// Too much differs.
    Brake(String),
    /// This very write was tried and did not help.
    Tried(String),
    /// Somebody keeps changing these fields back.
    Fight(Vec<String>),
    /// Another run writes to the connection.
    Locked(String),
}

/// A write that was tried in vain.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The live values it started from; nothing while no look has been taken since.
    pub fingerprint: Option<String>,
    pub why: String,
}

/// What is known about an object beside its plan.
#[derive(Clone, Debug, Default)]
pub struct Past {
    pub tried: Option<Tried>,
    /// Fields that were healed so often that another change is a fight.
    pub contested: Vec<String>,
}

/// Why the write of an object may not go; nothing when it may or there is none.
pub fn hold(entry: &ObjectEntry, past: &Past, mode: RunMode, door: Door) -> Option<Hold> {
    if entry.action != Action::Update {
        return None;
    }
    if mode == RunMode::Observe {
        return Some(Hold::Mode);
    }
    let changed = |path: &&String| entry.changes.iter().any(|change| change.path == **path);
    let fought: Vec<String> = past.contested.iter().filter(changed).cloned().collect();
    if !fought.is_empty() {
        return Some(Hold::Fight(fought));
    }
    if let Some(tried) = &past.tried
        && (tried.fingerprint.is_none() || tried.fingerprint == entry.fingerprint)
    {
        return Some(Hold::Tried(tried.why.clone()));
    }
    match door {
        Door::Open => None,
        Door::Closed { .. } => Some(Hold::Window(door)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn entry(action: Action, fingerprint: &str) -> ObjectEntry {
        ObjectEntry {
            address: "LacLicenseOrder/a".into(),
            vendor: "lac".into(),
            connection: "lac".into(),
            identity: Default::default(),
            origin: crate::plan::document::OriginEntry {
                file: "a.yaml".into(),
                line: 1,
            },
            manifest_fingerprint: None,
            manifest_fields: Default::default(),
            action,
            changes: Vec::new(),
            calls: Vec::new(),
            fingerprint: Some(fingerprint.into()),
            outcome: None,
            message: None,
            side_effects: Vec::new(),
        }
    }

    #[test]
    fn a_write_in_vain_is_not_repeated_until_something_moved() {
        let held = |tried: Option<&str>, now: &str| {
            let past = Past {
                tried: Some(Tried {
                    fingerprint: tried.map(Into::into),
                    why: "422".into(),
                }),
                ..Past::default()
            };
            hold(
                &entry(Action::Update, now),
                &past,
                RunMode::Sync,
                Door::Open,
            )
        };
        assert_eq!(held(Some("x"), "x"), Some(Hold::Tried("422".into())));
        assert_eq!(held(None, "x"), Some(Hold::Tried("422".into())));
        assert_eq!(held(Some("x"), "y"), None);
    }

    #[test]
    fn only_writes_are_held() {
        let closed = Door::Closed { opens: None };
        for action in [
            Action::None,
            Action::Observe,
            Action::Suspend,
            Action::Missing,
        ] {
            let entry = entry(action, "x");
            assert_eq!(
                hold(&entry, &Past::default(), RunMode::Observe, closed),
                None
            );
        }
        let entry = entry(Action::Update, "x");
        let hold = |mode, door| hold(&entry, &Past::default(), mode, door);
        assert_eq!(hold(RunMode::Observe, Door::Open), Some(Hold::Mode));
        assert_eq!(hold(RunMode::Sync, closed), Some(Hold::Window(closed)));
        assert_eq!(hold(RunMode::Heal, Door::Open), None);
    }
}
