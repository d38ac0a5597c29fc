//! Defines the records of the journal, one for each line.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::agreed::Agreed;
use super::known_object::KnownObject;
use crate::apply::memory::{ObjectKey, Subject, kind_of_address};
use crate::apply::outcome::Outcome;
use crate::model::{Ids, Method};
use crate::plan::Disposition;
use crate::plan::document::{CallEntry, ChangeEntry};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub at: String,
    /// The run it belongs to.
    pub run: String,
    /// The team or repository that the run belongs to; `None` where they do not share a journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    pub event: JournalEvent,
}

/// The event that a record is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalEvent {
    /// A run is about to write.
    Started(Started),
    /// A write is about to be sent.
    Intent(Box<Intent>),
    /// A write, or the decision not to send it, has ended.
    Outcome(StepEnd),
    /// The finding of a later run about a write without a recorded end.
    Found {
        address: String,
        of_run: String,
        /// The finding as a sentence.
        found: String,
        /// `None` in older journals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finding: Option<Finding>,
    },
    /// Manifest and live of an object agreed.
    Agreed(Box<Agreed>),
    /// No manifest names an object any more, which an apply has told.
    Left(Box<Left>),
    /// The daemon leaves fields to another writer that keeps changing them.
    GaveUp(Box<GaveUp>),
    /// The sum of all earlier lines about an object: readers need none of them, so they may be pruned.
    Known(Box<KnownObject>),
    /// The run has ended by itself.
    Finished { interrupted: bool },
}

/// The result of comparing the object with an open write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    CarriedOut,
    NotCarriedOut,
    /// The first calls of the write were carried out, the later ones were not.
    FirstCalls {
        calls: usize,
    },
    /// The object is neither as before the write nor as after it.
    Neither,
}

impl Finding {
    /// Returns the text for people and for the journal.
    pub fn words(self) -> &'static str {
        match self {
            Self::CarriedOut => "carried out",
            Self::NotCarriedOut => "not carried out",
            Self::FirstCalls { .. } => "carried out in part: not all of its calls",
            Self::Neither => "neither as before the write nor as after it",
        }
    }
}

impl Record {
    /// Reports whether the record stands for earlier lines and belongs to no run.
    pub fn is_summary(&self) -> bool {
        matches!(self.event, JournalEvent::Known(_))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The person or program that ran it: the actor of the CI system, or the user.
    pub by: String,
    pub commit: Option<String>,
    /// Digest of the plan.
    pub plan: String,
    pub objects: usize,
    /// Set if the writes went to the built-in simulators.
    pub sandbox: bool,
    /// The purpose of the writes.
    #[serde(default, skip_serializing_if = "Purpose::is_apply")]
    pub purpose: Purpose,
    /// The run that an undo takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// The request of a person to the daemon, if the run consists of nothing else: such a run writes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<PersonRequest>,
    /// The paths of the manifests, as absolute paths; empty in older journals and for manifests from elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// A request that a person made to the daemon on its page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PersonRequest {
    /// `look`, `suspend`, `resume` or `approve`.
    pub action: String,
    /// The object of the request; left out if the request is about a whole connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The request as a sentence.
    pub words: String,
    /// The digest of the change; for an approval only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The purpose of the writes of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To make live what the manifests want.
    #[default]
    Apply,
    /// The same, by a daemon that follows the manifests.
    Sync,
    /// To put back what was last agreed on.
    Heal,
    /// To take back an earlier run.
    Undo,
}

impl Purpose {
    fn is_apply(&self) -> bool {
        *self == Self::Apply
    }

    /// Reports whether the writes carry out what today's manifests want, so that the manifests agree with what comes
    /// of them.
    pub fn follows_manifests(self) -> bool {
        match self {
            Self::Apply | Self::Sync => true,
            Self::Heal | Self::Undo => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub address: String,
    pub vendor: String,
    pub connection: String,
    /// The base URL that the connection led to.
    pub base_url: String,
    /// The vendor's own id of the customer, where the connection names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The account whose lock it was sent under: the customer's id, who logged in, or where the secret is kept. Epochs
    /// count for it alone. Nothing in older journals.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    pub identity: Ids,
    /// The members of the identity and the fields that are ids of other objects of the manifests. The object is known by
    /// these: the ids are found anew in every run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Vec<String>>,
    pub method: Method,
    pub path: String,
    /// The calls that follow the first, in the order in which they are sent. Each change names its call by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later_calls: Vec<CallName>,
    /// Set if the write creates or removes the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<WholeObject>,
    /// Managed fields with their values before and after.
    pub changes: Vec<ChangeEntry>,
    /// Fields that every write must carry and no read returns.
    pub unread: BTreeMap<String, Json>,
    /// Every managed field as the manifest states it: later drift is measured against it.
    #[serde(default)]
    pub managed: BTreeMap<String, Json>,
    /// The ids that names among the fields were resolved to: `{"userGroupIds": ["…"]}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resolved: BTreeMap<String, Json>,
    /// The paths that the policy ignored, and the lists that it left open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "spared")]
    pub policy_exclusions: Vec<String>,
    /// Fields that the daemon left to another writer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<String>,
    /// Set if the fields had been agreed on as they are written, and another writer had changed them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heals: bool,
    /// The person who approved the write, if the daemon had held it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// The epoch of the lock under which it was sent; `None` without a lock, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// What a write does to an object as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WholeObject {
    Created,
    Removed,
}

impl WholeObject {
    /// Returns what the write of a planned object does to it; `None` for an update.
    pub fn of(action: Disposition) -> Option<Self> {
        match action {
            Disposition::Create => Some(Self::Created),
            Disposition::Remove => Some(Self::Removed),
            Disposition::None
            | Disposition::Update
            | Disposition::Observe
            | Disposition::Suspend
            | Disposition::Missing
            | Disposition::Error => None,
        }
    }
}

/// A call without its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallName {
    pub method: Method,
    pub path: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepEnd {
    pub address: String,
    pub outcome: Outcome,
    /// The vendor's answer, or what failed.
    pub message: Option<String>,
    pub side_effects: Vec<String>,
    /// The fields that differ from the plan after the write, with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residual: Vec<Residual>,
    /// Set if a write was sent and its effect could not be seen. The next run looks at the object.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unclear: bool,
}

/// A field that has another value after a write than the write was to give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Residual {
    pub path: String,
    /// The value after the write; null if there is none.
    pub is: Json,
}

/// An object that no manifest names any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Left {
    pub address: String,
    pub vendor: String,
    pub base_url: String,
    /// As in [`Intent`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// The key of the object, since its manifest is gone.
    pub key: ObjectKey,
}

/// Fields that a daemon leaves to another writer until the manifest changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaveUp {
    pub address: String,
    pub vendor: String,
    pub connection: String,
    pub base_url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// As in [`Intent`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    pub identity: Ids,
    /// As in [`Intent`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Vec<String>>,
    pub fields: Vec<String>,
    /// The hash of the fields of the manifest.
    #[serde(rename = "wanted")]
    pub desired: String,
}

impl CallName {
    /// Returns the name of a call of a plan.
    pub fn of(call: &CallEntry) -> Self {
        Self {
            method: call.method,
            path: call.path.clone(),
        }
    }
}

impl Intent {
    /// Returns the object that the record is about.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            base_url: &self.base_url,
            tenant: self.tenant.as_deref(),
            kind: kind_of_address(&self.address),
            identity: &self.identity,
            references: &self.references,
        }
    }
}

impl GaveUp {
    /// Returns the object that the record is about.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            base_url: &self.base_url,
            tenant: self.tenant.as_deref(),
            kind: kind_of_address(&self.address),
            identity: &self.identity,
            references: &self.references,
        }
    }
}
