//! The requests that a person can send to the daemon from its page, and the reasons to refuse one. Pure.
//!
//! A request lives as long as the process; a lasting change belongs into git. There are four requests:
//!
//! | request | does | ends |
//! | --- | --- | --- |
//! | look | wakes objects, as a webhook does | with the look |
//! | suspend | leaves an object alone, as `policy.mode: suspend` does | at its end, when resumed, or with the process |
//! | resume | ends a suspension of the page | |
//! | approve | lets one held-back change go, exactly as it was shown | with the write, or once the change moved |
//!
//! An approval names the digest of the change ([`change_digest`]). It is compared twice: when it is given, with what the
//! page shows, and in the pass that plans the object anew, right before the write. For example seats 10 → 5 are held back
//! and approved; if a colleague sets 8 at the vendor meanwhile, the plan says 8 → 5, its digest differs, and nothing is
//! written.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::plan::document::{CallEntry, ChangeEntry, ObjectEntry};
use crate::plan::fingerprint;

/// The longest suspension by the page: 30 days. A longer one belongs into the manifest.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;

/// A request of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageAction {
    /// Look at objects now.
    Look(LookTarget),
    /// Leave an object alone until a moment.
    Suspend {
        address: String,
        reason: String,
        until: Timestamp,
    },
    /// End the page's suspension of an object.
    Resume { address: String },
    /// Write the held-back change with this digest.
    Approve { address: String, digest: String },
}

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookTarget {
    Object(String),
    Connection(String),
}

impl PageAction {
    /// Returns the name for the journal and the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Look(_) => "look",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Approve { .. } => "approve",
        }
    }

    /// Returns the address of the object that the request is about; `None` if it is about a connection.
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Look(LookTarget::Object(address))
            | Self::Suspend { address, .. }
            | Self::Resume { address }
            | Self::Approve { address, .. } => Some(address),
            Self::Look(LookTarget::Connection(_)) => None,
        }
    }

    /// Returns the digest of the change that it approves; `None` if it approves none.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Approve { digest, .. } => Some(digest),
            Self::Look(_) | Self::Suspend { .. } | Self::Resume { .. } => None,
        }
    }

    /// Says what was asked for.
    pub fn describe(&self) -> String {
        match self {
            Self::Look(LookTarget::Object(_)) => "asked for a look".into(),
            Self::Look(LookTarget::Connection(name)) => {
                format!("asked for a look at everything of {name}")
            }
            Self::Suspend { reason, until, .. } => {
                format!(
                    "suspended until {}: {reason}",
                    until.strftime("%F %H:%M UTC")
                )
            }
            Self::Resume { .. } => "resumed".into(),
            Self::Approve { digest, .. } => format!("approved the change {}", short_digest(digest)),
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    #[error("the manifests in force name no {0}")]
    UnknownObject(String),
    #[error("the manifests in force have no connection {0}")]
    UnknownConnection(String),
    #[error("another replica looks after it: ask there")]
    Elsewhere,
    #[error("nothing of it is held back for a person")]
    NothingHeld,
    #[error("the change is not the one that was shown: look at it again")]
    Moved,
    #[error("this change is approved already, and is written with the next look")]
    Approved,
    #[error("the daemon only looks (--mode observe)")]
    ObserveOnly,
    #[error("its manifest suspends it: `entitle resume {0}` ends that")]
    SuspendedInManifest(String),
    #[error("it is not suspended")]
    NotSuspended,
    #[error("a suspension needs a reason of at most {LONGEST_REASON} characters")]
    BadReason,
    #[error(
        "a suspension ends after now, and within 30 days: what lasts longer belongs into the manifest"
    )]
    BadEnd,
    #[error("the daemon is stopping")]
    Stopping,
}

/// Checks reason and end of a suspension.
pub fn check_suspension(reason: &str, until: Timestamp, now: Timestamp) -> Result<(), ActionError> {
    if reason.trim().is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(ActionError::BadReason);
    }
    let length = until.duration_since(now);
    if !length.is_positive() || length > LONGEST {
        return Err(ActionError::BadEnd);
    }
    Ok(())
}

/// A suspension by the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSuspension {
    pub reason: String,
    pub until: Timestamp,
    /// The person who asked for the suspension.
    pub by: String,
}

/// The approval of one held-back change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub digest: String,
    /// The person who gave the approval.
    pub by: String,
}

/// Returns the digest of a planned write: the object, the values it starts from, the changes, and the calls.
///
/// Two plans with the same digest send the same bytes to the same object for the same reason.
pub fn change_digest(entry: &ObjectEntry) -> String {
    #[derive(Serialize)]
    struct Change<'a> {
        address: &'a str,
        connection: &'a str,
        identity: &'a crate::model::Ids,
        manifest: Option<&'a str>,
        live: Option<&'a str>,
        changes: &'a [ChangeEntry],
        calls: &'a [CallEntry],
    }
    fingerprint::json_digest(&Change {
        address: &entry.address,
        connection: &entry.connection,
        identity: &entry.identity,
        manifest: entry.manifest_fingerprint.as_deref(),
        live: entry.fingerprint.as_deref(),
        changes: &entry.changes,
        calls: &entry.calls,
    })
}

/// Returns the first 12 digits of a digest.
pub fn short_digest(digest: &str) -> &str {
    let bare = digest.strip_prefix("sha256:").unwrap_or(digest);
    bare.get(..12).unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Method, Risk};
    use crate::plan::document::OriginEntry;
    use crate::plan::{ChangeVerb, Disposition};

    fn entry() -> ObjectEntry {
        ObjectEntry {
            edition: None,
            set: None,
            address: "LacLicenseOrder/a".into(),
            vendor: "lac".into(),
            connection: "lac".into(),
            identity: [("activationKey", "k")].into_iter().collect(),
            origin: OriginEntry {
                file: "a.yaml".into(),
                line: 1,
            },
            manifest_fingerprint: Some("m".into()),
            manifest_fields: Default::default(),
            references: Default::default(),
            after: Vec::new(),
            action: Disposition::Update,
            problem: None,
            descent: Vec::new(),
            changes: vec![ChangeEntry {
                path: "activations_allowed".into(),
                verb: ChangeVerb::Replace,
                before: 10.into(),
                after: 5.into(),
                risk: Risk::Reduce,
                note: None,
                call: 0,
            }],
            calls: vec![CallEntry {
                method: Method::Patch,
                path: "/license-orders/k".into(),
                body: serde_json::json!({"activations_allowed": 5}),
            }],
            fingerprint: Some("f".into()),
            outcome: None,
            message: None,
            side_effects: Vec::new(),
            coming: Default::default(),
        }
    }

    #[test]
    fn the_digest_covers_everything_that_a_person_approves() {
        let digest = change_digest(&entry());
        assert_eq!(change_digest(&entry()), digest);
        let moves: [fn(&mut ObjectEntry); 7] = [
            |entry| entry.address.push('b'),
            |entry| entry.connection.push('b'),
            |entry| entry.manifest_fingerprint = None,
            |entry| entry.fingerprint = Some("g".into()),
            |entry| entry.changes[0].before = 8.into(),
            |entry| entry.changes[0].note = Some("5 allowed, 7 in use".into()),
            |entry| entry.calls[0].body = serde_json::json!({"activations_allowed": 4}),
        ];
        for change in moves {
            let mut moved = entry();
            change(&mut moved);
            assert_ne!(change_digest(&moved), digest, "{moved:?}");
        }
        let moved = ObjectEntry {
            origin: OriginEntry {
                file: "b.yaml".into(),
                line: 9,
            },
            ..entry()
        };
        assert_eq!(
            change_digest(&moved),
            digest,
            "the file's place is not written"
        );
    }

    #[test]
    fn a_suspension_has_a_reason_and_an_end_in_sight() {
        let now = Timestamp::UNIX_EPOCH;
        let check = |reason: &str, hours: i64| {
            check_suspension(reason, now + SignedDuration::from_hours(hours), now)
        };
        assert_eq!(check("a demo", 1), Ok(()));
        assert_eq!(check("a demo", 30 * 24), Ok(()));
        assert_eq!(check("a demo", 30 * 24 + 1), Err(ActionError::BadEnd));
        assert_eq!(check("a demo", 0), Err(ActionError::BadEnd));
        assert_eq!(check("a demo", -1), Err(ActionError::BadEnd));
        assert_eq!(check(" ", 1), Err(ActionError::BadReason));
        assert_eq!(check(&"x".repeat(301), 1), Err(ActionError::BadReason));
    }
}
