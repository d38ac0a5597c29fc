//! What the daemon is doing, as plain data.
//!
//! Published whole on a `tokio::sync::watch` channel as `Arc<Status>` after every step of the loop: a
//! reader sees one moment and never half of one. Everything in it is bounded by the number of objects and
//! connections, and nothing in it is secret: values are those of managed fields, as plans show them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::mode::RunMode;
use crate::model::{Ids, Outcome, Risk};
use crate::plan::document::{ChangeEntry, OriginEntry};

/// Passes that are remembered: a page of them, however long the daemon runs.
pub const PASSES: usize = 100;

/// One moment of the daemon.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub started_at: Timestamp,
    pub mode: RunMode,
    /// Whether the connections lead to the built-in simulators.
    pub sandbox: bool,
    pub source: SourceStatus,
    /// In the order of addresses. Shared, so that a new moment costs pointers and not copies.
    #[serde(serialize_with = "each")]
    pub objects: Vec<Arc<ObjectStatus>>,
    /// The last `PASSES` passes, the newest last.
    pub passes: VecDeque<PassStatus>,
    /// By the name of the connection.
    pub connections: BTreeMap<String, ConnectionStatus>,
    pub brake: Brake,
    /// What is known of the other replicas; `None` where this process looks after all accounts.
    pub replicas: Option<Replicas>,
    /// Set once the daemon has been told to stop.
    pub stopping: bool,
}

/// Where the manifests come from, and which of them are in force.
#[derive(Clone, Debug, Serialize)]
pub struct SourceStatus {
    pub kind: SourceKind,
    /// The directory or the URL without credentials.
    pub place: String,
    /// The commit, or a hash of the files' contents; what is in force, not what failed.
    pub revision: Option<String>,
    /// When what is in force was read.
    pub loaded_at: Option<Timestamp>,
    /// Why the newest manifests are not in force; the last good ones are.
    pub problem: Option<String>,
    /// Why changes of the source go unseen.
    pub unfollowed: Option<String>,
    pub files: usize,
    pub documents: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    Directory,
    Git,
}

/// One object of the manifests in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObjectStatus {
    /// Kind and name.
    pub address: String,
    pub vendor: String,
    pub connection: String,
    /// The vendor's ids of the object.
    pub identity: Ids,
    pub origin: OriginEntry,
    pub state: ObjectState,
    /// Whether a pass is looking at it right now.
    pub running: bool,
    /// The highest risk of `changes`.
    pub risk: Risk,
    /// When it was last looked at, with or without success.
    pub last_pass: Option<Timestamp>,
    /// When it was last read and found, or made, as wanted.
    pub last_in_sync: Option<Timestamp>,
    /// When it is looked at again by itself.
    pub next_wake: Option<Timestamp>,
    /// What an apply would still change; empty when it is as wanted or could not be read.
    pub changes: Vec<ChangeEntry>,
    /// Why it is in this state, in the vendor's words where it has some.
    pub message: Option<String>,
    pub last_write: Option<Box<Write>>,
    pub suspended: Option<Box<Suspension>>,
    /// Fields that somebody else keeps changing back.
    pub fight: Option<Box<Fight>>,
}

/// How an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// Not looked at since the start.
    Unseen,
    /// As the manifests want it.
    InSync,
    /// Healing: as it was last applied. The manifests want something else since.
    AsApplied,
    /// Healing: nothing was ever applied to it, so there is nothing to go back to. It differs.
    NeverApplied,
    /// It differs, and the mode or the object's policy says to look only.
    Differs,
    /// It differs and is written once its change window opens.
    Waiting,
    /// It differs, and a guard or the brake does not let the write go.
    Refused,
    /// It differs, and healing it was given up: somebody changes it back.
    Fought,
    /// It could not be read, planned or written, or the write did not take.
    Failed,
    /// The vendor has no such object.
    Missing,
    /// Not even looked at, as its manifest says.
    Suspended,
    /// Not looked at here: another replica looks after its account, or none does yet.
    Elsewhere,
}

impl ObjectState {
    /// The name by which output knows it.
    pub fn name(self) -> &'static str {
        match self {
            ObjectState::Unseen => "unseen",
            ObjectState::InSync => "in_sync",
            ObjectState::AsApplied => "as_applied",
            ObjectState::NeverApplied => "never_applied",
            ObjectState::Differs => "differs",
            ObjectState::Waiting => "waiting",
            ObjectState::Refused => "refused",
            ObjectState::Fought => "fought",
            ObjectState::Failed => "failed",
            ObjectState::Missing => "missing",
            ObjectState::Suspended => "suspended",
            ObjectState::Elsewhere => "elsewhere",
        }
    }
}

/// The last write that was tried for an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Write {
    pub at: Timestamp,
    pub outcome: Outcome,
    /// What it changed.
    pub changes: Vec<ChangeEntry>,
    /// The run in the journal, for `entitle history` and `entitle undo`.
    pub run: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suspension {
    pub reason: Option<String>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fight {
    /// The contested fields.
    pub fields: Vec<String>,
    pub since: Timestamp,
    /// Who wins, and what to do about it.
    pub message: String,
}

/// One pass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassStatus {
    /// Counts from 1 without gaps; tells listeners what they have not seen yet.
    pub number: u64,
    pub started_at: Timestamp,
    pub seconds: f64,
    /// What woke it, for the log.
    pub reasons: Vec<String>,
    /// Objects it looked at.
    pub objects: usize,
    pub in_sync: usize,
    /// Objects whose write was carried out.
    pub written: usize,
    /// Objects that differ from their manifests and were left so: as last applied, observed, waiting, refused or fought.
    pub pending: usize,
    pub failed: usize,
    /// By connection: how long its share took and how it ended.
    pub connections: BTreeMap<String, PassShare>,
}

/// One connection's part of a pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PassShare {
    pub objects: usize,
    pub failed: usize,
    pub written: usize,
}

/// What was counted at one connection since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ConnectionStatus {
    pub vendor: String,
    /// Looks at objects by how they ended: the names of `ObjectState`, and `written`.
    pub results: BTreeMap<String, u64>,
    /// Answers by HTTP status; `lost` for calls without one.
    pub requests: BTreeMap<String, u64>,
    /// When an object of it was last found or made as wanted.
    pub last_success: Option<Timestamp>,
    /// Why nothing can be written: another run holds the lock, and who.
    pub locked: Option<String>,
    /// Who looks after it; `None` where accounts are not shared out.
    pub keeper: Option<Keeper>,
}

/// The replica that looks after an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Keeper {
    /// What it calls itself; `None` if none is known that does.
    pub replica: Option<String>,
    /// Whether it is this one, and stays so.
    pub own: bool,
    pub since: Option<Timestamp>,
}

impl Keeper {
    /// Says who looks after an account.
    pub fn words(&self) -> String {
        match (&self.replica, self.since) {
            (Some(replica), Some(since)) => {
                let since = since.strftime("%F %T");
                format!("{replica} looks after this account since {since} UTC")
            }
            (Some(replica), None) => format!("{replica} looks after this account"),
            (None, _) => "no replica is known to look after this account; it is claimed as soon as its lease is free".into(),
        }
    }
}

/// The replicas of the daemon that are alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replicas {
    /// What this one calls itself.
    pub name: String,
    /// Names of all, this one included.
    pub live: Vec<String>,
    /// Why accounts cannot be shared out at present. Those that are claimed are looked after until the claims run out.
    pub problem: Option<String>,
}

/// The brake on large changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Brake {
    pub engaged: bool,
    pub why: Option<String>,
}

fn each<S: Serializer>(objects: &[Arc<ObjectStatus>], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(objects.iter().map(AsRef::as_ref))
}
