//! Decides whether a planned write may go out. Pure: everything is an argument.
//!
//! The checks, in this order; the first that applies refuses the write:
//!
//! 1. The mode is `observe`.
//! 2. The write would change a field that is contested ([`super::fight`]).
//! 3. The same write failed before, and neither manifest nor live object changed since.
//! 4. No change window is open ([`super::window`]).
//!
//! The lease and the brake are checked by the pass, which knows the other objects. The risks of a plan are not judged
//! here: `reconcile::apply` does that, as for every unattended run.

use super::fight;
use super::mode::RunMode;
use super::window::WindowState;
use crate::plan::Refusal;
use crate::plan::document::ObjectEntry;

/// A write that was sent and failed.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedWrite {
    /// The live values it started from; `None` until the object was read again after it.
    pub fingerprint: Option<String>,
    pub why: String,
}

/// The outcome of earlier writes of an object.
#[derive(Clone, Debug, Default)]
pub struct WriteHistory {
    pub failed: Option<FailedWrite>,
    /// Fields that were healed so often that another change to them is a fight.
    pub contested: Vec<String>,
}

/// Checks that the write of an object may go out. An object without a write passes.
pub fn check_write(
    entry: &ObjectEntry,
    history: &WriteHistory,
    mode: RunMode,
    window: WindowState,
) -> Result<(), Refusal> {
    if !entry.action.writes() {
        return Ok(());
    }
    if mode == RunMode::Observe {
        return Err(Refusal::ObserveOnly);
    }
    let changed = |path: &&String| entry.changes.iter().any(|change| change.path == **path);
    let fought = history.contested.iter().filter(changed).cloned();
    let fought: Vec<String> = fought.collect();
    if !fought.is_empty() {
        return Err(fight::fight_refusal(fought));
    }
    if let Some(failed) = &history.failed
        && (failed.fingerprint.is_none() || failed.fingerprint == entry.fingerprint)
    {
        let why = failed.why.clone();
        return Err(Refusal::AlreadyFailed { why });
    }
    match window {
        WindowState::Open => Ok(()),
        WindowState::Closed { opens } => Err(Refusal::WindowClosed { opens }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Disposition;
    fn entry(action: Disposition, fingerprint: &str) -> ObjectEntry {
        ObjectEntry {
            edition: None,
            set: None,
            problem: None,
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
            references: Default::default(),
            after: Vec::new(),
            action,
            descent: Vec::new(),
            changes: Vec::new(),
            calls: Vec::new(),
            fingerprint: Some(fingerprint.into()),
            outcome: None,
            message: None,
            side_effects: Vec::new(),
            coming: Default::default(),
        }
    }

    #[test]
    fn a_write_in_vain_is_not_repeated_until_something_moved() {
        let is_held_back = |tried: Option<&str>, now: &str| {
            let history = WriteHistory {
                failed: Some(FailedWrite {
                    fingerprint: tried.map(Into::into),
                    why: "422".into(),
                }),
                ..WriteHistory::default()
            };
            let entry = entry(Disposition::Update, now);
            check_write(&entry, &history, RunMode::Sync, WindowState::Open)
        };
        let failed = || Err(Refusal::AlreadyFailed { why: "422".into() });
        assert_eq!(is_held_back(Some("x"), "x"), failed());
        assert_eq!(is_held_back(None, "x"), failed());
        assert_eq!(is_held_back(Some("x"), "y"), Ok(()));
    }

    #[test]
    fn only_writes_are_held() {
        let closed = WindowState::Closed { opens: None };
        let none = WriteHistory::default();
        for action in [
            Disposition::None,
            Disposition::Observe,
            Disposition::Suspend,
            Disposition::Missing,
        ] {
            let entry = entry(action, "x");
            let checked = check_write(&entry, &none, RunMode::Observe, closed);
            assert_eq!(checked, Ok(()));
        }
        let entry = entry(Disposition::Update, "x");
        let check = |mode, window| check_write(&entry, &none, mode, window);
        let open = WindowState::Open;
        assert_eq!(check(RunMode::Observe, open), Err(Refusal::ObserveOnly));
        let waits = Err(Refusal::WindowClosed { opens: None });
        assert_eq!(check(RunMode::Sync, closed), waits);
        assert_eq!(check(RunMode::Heal, open), Ok(()));
    }
}
