//! What the daemon is doing, as plain data.
//!
//! Published as `Arc<Status>` on a `tokio::sync::watch` channel after every turn of the loop, so that a reader sees
//! one moment and never half of one. Its size is bounded by the number of objects and connections. Nothing in it is
//! secret: values are those of managed fields, as plans show them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::activity::Activity;
use super::labels::Labels;
use super::mode::RunMode;
use super::window::WindowStatus;
use crate::model::wording::pluralize;
use crate::model::{Ids, Outcome, Risk};
use crate::plan::coming::ComingChanges;
use crate::plan::document::{ChangeEntry, OriginEntry};

/// Version of the JSON at `/status`, with the same promise as the plan format.
pub const FORMAT_VERSION: &str = "1.2";

/// The JSON at `/status`: the status with the version of its format.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "entitle status")]
pub struct StatusDocument {
    /// Major and minor version of this format.
    pub format_version: String,
    /// The version of the program.
    pub version: String,
    /// The change windows at this moment.
    pub windows: WindowStatus,
    #[serde(flatten)]
    pub status: Status,
}

/// Passes that are kept: one page of them, however long the daemon runs.
pub const PASSES: usize = 100;

/// The state of the daemon at one moment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    pub started_at: Timestamp,
    pub mode: RunMode,
    /// True if the connections lead to the built-in simulators.
    pub sandbox: bool,
    pub source: SourceStatus,
    /// In the order of addresses. Shared, so that a new moment costs pointers and not copies.
    #[serde(
        serialize_with = "serialize_shared",
        deserialize_with = "deserialize_shared"
    )]
    #[schemars(with = "Vec<ObjectStatus>")]
    pub objects: Vec<Arc<ObjectStatus>>,
    /// What happened lately, the newest first: writes, foreign edits and requests of people.
    #[serde(
        serialize_with = "serialize_shared",
        deserialize_with = "deserialize_shared"
    )]
    #[schemars(with = "Vec<Activity>")]
    pub recent: Vec<Arc<Activity>>,
    /// The last 100 passes, the newest last.
    pub passes: VecDeque<PassStatus>,
    /// By the name of the connection.
    pub connections: BTreeMap<String, ConnectionStatus>,
    pub brake: Brake,
    /// What is known of the replicas; null if this process looks after all accounts.
    pub replicas: Option<Replicas>,
    /// True if the daemon was told to stop.
    pub stopping: bool,
}

/// Where the manifests come from, and which of them are in force.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SourceStatus {
    pub kind: SourceKind,
    /// The directory, or the URL without credentials.
    #[serde(rename = "place")]
    pub location: String,
    /// The commit, or a hash of the files' contents, of the manifests in force.
    pub revision: Option<String>,
    /// The commit of the manifests in force, where git knows it.
    pub commit: Option<String>,
    /// When the manifests in force were read.
    pub loaded_at: Option<Timestamp>,
    /// Why the newest manifests are not in force; those before them are.
    pub problem: Option<String>,
    /// Why changes of the source go unseen.
    pub unfollowed: Option<String>,
    pub files: usize,
    pub documents: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    Directory,
    Git,
}

/// One object of the manifests in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectStatus {
    /// Kind and name.
    pub address: String,
    pub vendor: String,
    pub connection: String,
    /// The vendor's ids of the object.
    pub identity: Ids,
    /// The labels of its manifest.
    #[schemars(with = "BTreeMap<String, String>")]
    pub labels: Labels,
    pub origin: OriginEntry,
    pub state: ObjectState,
    /// True if a pass is looking at it at this moment.
    pub running: bool,
    /// The highest risk among `changes`.
    pub risk: Risk,
    /// When it was last looked at, with or without success.
    pub last_pass: Option<Timestamp>,
    /// When it was last found, or made, to match its manifest.
    pub last_in_sync: Option<Timestamp>,
    /// When it is looked at next without a trigger.
    pub next_wake: Option<Timestamp>,
    /// What an apply would still change; empty if it matches or could not be read.
    pub changes: Vec<ChangeEntry>,
    /// The write that would make these changes and was not sent.
    pub pending: Option<Box<PendingWrite>>,
    /// Failed looks in a row; after each the wait for the next is longer.
    pub failures: u32,
    /// Why it is in this state, in the vendor's words where there are any.
    pub message: Option<String>,
    /// The code of the problem of its connection by which it could not be read; null if nothing is wrong with that, or
    /// if the failure is the object's own.
    pub problem: Option<String>,
    pub last_write: Option<Box<LastWrite>>,
    pub suspended: Option<Box<SuspensionStatus>>,
    /// Fields that somebody else keeps changing back.
    pub fight: Option<Box<FightStatus>>,
    /// What changes later by date.
    #[serde(default, skip_serializing_if = "ComingChanges::is_empty")]
    pub coming: ComingChanges,
}

/// The state of one object.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// Not looked at since the start.
    Unseen,
    /// As its manifest wants it.
    InSync,
    /// `heal` mode: as it was last applied. The manifest asks for something else since.
    AsApplied,
    /// `heal` mode: it differs, and nothing was ever applied to it that could be gone back to.
    NeverApplied,
    /// It differs, and the mode or the object's policy only observes.
    Differs,
    /// It differs and is written once its change window opens or the lease is free.
    Waiting,
    /// It differs, and a guard or the brake holds the write.
    Refused,
    /// It differs, and healing was given up because somebody changes it back.
    Fought,
    /// It could not be read, planned or written, or the write did not take.
    Failed,
    /// The vendor has no such object.
    Missing,
    /// Not read, as its manifest says.
    Suspended,
    /// Not read here: another replica looks after its account, or none does yet.
    Elsewhere,
}

impl ObjectState {
    /// Returns the name that output uses.
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

/// A write that was planned and not sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingWrite {
    /// Hash of the object, what the write starts from, the changes and the calls.
    pub digest: String,
    /// Method and path of each call.
    pub calls: Vec<String>,
    /// True if it is held back for a person, who may let it go by approving the digest.
    pub needs_approval: bool,
    /// Who approved it; the next look writes it.
    pub approved_by: Option<String>,
}

/// The last write that was sent for an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LastWrite {
    pub at: Timestamp,
    pub outcome: Outcome,
    /// What it changed.
    pub changes: Vec<ChangeEntry>,
    /// The run in the journal, for `entitle history` and `entitle undo`.
    pub run: String,
}

/// Why an object is not read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuspensionStatus {
    pub reason: Option<String>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Who suspended it on the page, which git does not know of; null if its manifest does.
    pub by: Option<String>,
}

/// Fields that somebody else keeps changing back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FightStatus {
    /// The contested fields.
    pub fields: Vec<String>,
    pub since: Timestamp,
    /// Who wins, and what a person can do.
    pub message: String,
}

/// One finished pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PassStatus {
    /// Counts from 1 without gaps, so that readers know which passes they have not seen.
    pub number: u64,
    pub started_at: Timestamp,
    pub seconds: f64,
    /// What woke its objects.
    pub reasons: Vec<String>,
    /// Objects it looked at.
    pub objects: usize,
    pub in_sync: usize,
    /// Objects whose write was carried out.
    pub written: usize,
    /// Objects that differ from their manifests and were left so: as last applied, observed, waiting, refused or
    /// fought over.
    pub pending: usize,
    pub failed: usize,
    /// What it did at each connection.
    pub connections: BTreeMap<String, PassShare>,
}

/// One connection's part of a pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PassShare {
    pub objects: usize,
    pub failed: usize,
    pub written: usize,
}

/// What was counted at one connection since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionStatus {
    pub vendor: String,
    /// Looks at objects by how they ended: the names of [`ObjectState`], and `written`.
    pub results: BTreeMap<String, u64>,
    /// Replies by HTTP status; `lost` for calls without one.
    pub requests: BTreeMap<String, u64>,
    /// When one of its objects was last found, or made, to match its manifest.
    pub last_success: Option<Timestamp>,
    /// Which other run holds the lease, so that nothing can be written.
    pub locked: Option<String>,
    /// Which replica looks after it; null if accounts are not shared out.
    pub keeper: Option<AccountKeeper>,
    /// How much of the vendor's rates was left after the last pass.
    pub rates: Vec<RateStatus>,
    /// What is wrong with the connection as a whole, by which its objects cannot be read.
    #[serde(default)]
    pub problems: Vec<ConnectionProblem>,
    /// The last failure at it since the start.
    pub last_error: Option<ConnectionError>,
    /// When a webhook last said that something changed there.
    pub last_hook: Option<Timestamp>,
}

/// One rate of a vendor, as this process has used it up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateStatus {
    /// So many requests are allowed in `per_seconds`.
    pub requests: u32,
    pub per_seconds: f64,
    /// Requests that could still be sent at once after the last pass.
    pub left: u32,
    /// When all of them can be sent again.
    pub full_at: Timestamp,
}

/// A problem of a whole connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionProblem {
    /// A stable name such as `unset-variable`. The objects that it concerns have it as their `problem`.
    pub code: String,
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// The line that it is about; null for a built-in connection.
    pub origin: Option<OriginEntry>,
    /// When it was first seen.
    pub since: Timestamp,
    /// Objects that could not be read because of it at their last look.
    pub objects: usize,
}

impl ConnectionProblem {
    /// Returns the line that it is about as `lac.yaml:5`; `None` for a built-in connection.
    pub fn location(&self) -> Option<String> {
        let origin = self.origin.as_ref()?;
        Some(format!("{}:{}", origin.file, origin.line))
    }

    /// Returns the problem in one sentence: `lac cannot be read: LAC_TOKEN is not set (30 objects, lac.yaml:5)`.
    pub fn sentence(&self, connection: &str) -> String {
        let objects = pluralize(self.objects, "object");
        let line = self.location().map(|line| format!(", {line}"));
        let line = line.unwrap_or_default();
        format!(
            "{connection} cannot be read: {} ({objects}{line})",
            self.message
        )
    }
}

/// A failure at a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionError {
    pub at: Timestamp,
    /// The object that was read or written.
    pub address: String,
    pub message: String,
}

/// The replica that looks after an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountKeeper {
    /// The replica's name; null if none is known to look after the account.
    pub replica: Option<String>,
    /// True if it is this replica, and stays so.
    #[serde(rename = "own")]
    pub is_own: bool,
    pub since: Option<Timestamp>,
}

impl AccountKeeper {
    /// Says who looks after an account.
    pub fn describe(&self) -> String {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replicas {
    /// The name of this replica.
    pub name: String,
    /// The names of all live replicas, this one included.
    pub live: Vec<String>,
    /// Why accounts cannot be shared out at present. Claims hold until they run out.
    pub problem: Option<String>,
}

/// The brake on large changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Brake {
    pub engaged: bool,
    pub why: Option<String>,
}

fn serialize_shared<T: Serialize, S: Serializer>(
    entries: &[Arc<T>],
    out: S,
) -> Result<S::Ok, S::Error> {
    out.collect_seq(entries.iter().map(AsRef::as_ref))
}

fn deserialize_shared<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<Arc<T>>, D::Error> {
    let entries = Vec::<T>::deserialize(from)?;
    Ok(entries.into_iter().map(Arc::new).collect())
}
