//! What may be done with an object.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::path::{FieldPath, PathPattern};

/// The operations allowed on an object, and the fields that are left alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub mode: PolicyMode,
    /// Lists whose live elements survive though the manifest does not name them.
    pub keep_unlisted: Vec<String>,
    pub ignore: Vec<PathPattern>,
    /// Fields that the daemon has given up to another writer. No manifest can set this. The fields are left alone like
    /// ignored ones, and their baseline is kept.
    pub given_up: Vec<PathPattern>,
    /// Fields that the vendor leaves out of a read when they are empty.
    pub absent_is_empty: Vec<PathPattern>,
    /// The highest risk accepted for this object without a flag.
    pub allow: Risk,
    /// The time at which a suspension ends by itself.
    pub until: Option<Timestamp>,
    /// The reason of the suspension.
    pub reason: Option<String>,
    /// The interval at which the daemon reads the object without a trigger.
    pub resync: Option<Duration>,
    /// Whether the object is created if the vendor does not have it.
    pub create: bool,
    /// Whether the vendor carries out dated changes by itself: `schedule: vendor`.
    pub schedule: bool,
    /// Whether the object is to be gone: `spec.state: absent`.
    pub absent: bool,
    /// Set if the object is read for its id alone, since another one refers to it and it is out of the run's scope. No
    /// manifest can set this.
    pub only_read: bool,
}

/// The policy of one object, boxed: few objects have one, and in place it would take a third of every object.
#[derive(Clone, Debug, Default)]
pub struct OwnPolicy(Option<Box<Policy>>);

impl OwnPolicy {
    /// The policy of a manifest that has one.
    pub fn explicit(&self) -> Option<&Policy> {
        self.0.as_deref()
    }
}

impl From<Policy> for OwnPolicy {
    fn from(policy: Policy) -> Self {
        Self((policy != NO_POLICY).then(|| Box::new(policy)))
    }
}

impl Deref for OwnPolicy {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        self.0.as_deref().unwrap_or(&NO_POLICY)
    }
}

impl DerefMut for OwnPolicy {
    fn deref_mut(&mut self) -> &mut Policy {
        self.0.get_or_insert_default()
    }
}

/// The policy of an object whose manifest has none.
static NO_POLICY: Policy = Policy {
    mode: PolicyMode::Enforce,
    keep_unlisted: Vec::new(),
    ignore: Vec::new(),
    given_up: Vec::new(),
    absent_is_empty: Vec::new(),
    allow: Risk::Safe,
    until: None,
    reason: None,
    resync: None,
    create: false,
    schedule: false,
    absent: false,
    only_read: false,
};

impl Policy {
    /// Reports whether `path` is left out of diff and apply alike.
    pub fn ignores(&self, path: &FieldPath, folds: bool) -> bool {
        let mut patterns = self.left_alone();
        patterns.any(|pattern| pattern.names(path, folds))
    }

    /// Returns the fields that are left out of diff and apply: ignored ones and those given up.
    pub fn left_alone(&self) -> impl Iterator<Item = &PathPattern> {
        self.ignore.iter().chain(&self.given_up)
    }

    /// Reports whether the field at `path` is empty when a read does not show it.
    pub fn takes_absent_for_empty(&self, path: &FieldPath, folds: bool) -> bool {
        let mut patterns = self.absent_is_empty.iter();
        patterns.any(|pattern| pattern.names(path, folds))
    }

    /// Returns the mode in force at the time `now`: a suspension may have ended.
    pub fn mode_at(&self, now: Timestamp) -> PolicyMode {
        match (self.mode, self.until) {
            (PolicyMode::Suspend, Some(until)) if until <= now => PolicyMode::Enforce,
            (mode, _) => mode,
        }
    }
}

/// The mode of a policy: the object is written, only planned, or not even read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyMode {
    #[default]
    Enforce,
    Observe,
    Suspend,
}

/// What a change does to the licensee, from the least to the most.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    #[default]
    Safe,
    /// Makes an object that was not there.
    Create,
    /// Takes something away.
    Reduce,
    /// Takes away what is in use right now.
    Strand,
    /// Removes the object itself, for good.
    Destroy,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Risk::Safe => "safe",
            Risk::Create => "create",
            Risk::Reduce => "reduce",
            Risk::Strand => "strand",
            Risk::Destroy => "destroy",
        })
    }
}
