//! An object between two checks: its envelope is in order, its fields are still as they were written.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::address::{Address, Kind, Vendor};
use super::dated::DatedChange;
use super::field::{Field, IdentityField};
use super::lifecycle::NaturalKey;
use super::node::{Entry, Mark, Node};
use super::origin::Origin;
use super::path::PathPattern;
use super::policy::{PolicyMode, Risk};

/// The facts about a vendor's kind that reading an envelope needs.
#[derive(Clone, Copy)]
pub struct KindRow {
    pub kind: Kind,
    pub vendor: Vendor,
    pub identity: &'static [IdentityField],
    /// The key that may stand in place of the ids.
    pub key: Option<NaturalKey>,
    pub desired: &'static [Field],
}

/// An object whose spec is in order; what it desires is still a tree.
#[derive(Clone)]
pub struct Draft {
    pub row: KindRow,
    /// Its name is empty if the manifest has no usable one, which a finding reports.
    pub address: Address,
    pub labels: BTreeMap<String, String>,
    /// The connection it names, if it names one.
    pub connection: Option<(String, Mark)>,
    pub identity: Vec<Entry>,
    /// Whether `identity` is the natural key and not the vendor's ids.
    pub is_keyed: bool,
    pub policy: PolicyDraft,
    /// The place of `state: absent`, where the manifest has it.
    pub absent: Option<Mark>,
    /// The edition that it has; its fields are not yet in `desired`.
    pub edition: Option<EditionUse>,
    pub desired: Node,
    /// Fields that begin on a date, in the order of the file; they are not in `desired`.
    pub changes: Vec<DatedChange>,
    pub origin: Origin,
}

/// What an object says of its edition: `edition: {name: professional, with: {seats: 25}}`.
#[derive(Clone)]
pub struct EditionUse {
    pub name: String,
    /// The place of the name.
    pub mark: Mark,
    /// The values of parameters that it chooses.
    pub with: Vec<Entry>,
}

impl Draft {
    /// Reports whether its fields are composed: what it is then depends on other files or on the time. The two tell
    /// whether a value, and whether fields, name values of the environment.
    pub fn is_composed(
        &self,
        names_values: impl Fn(&Node) -> bool,
        fields_name_values: impl Fn(&Node, &[Field]) -> bool,
    ) -> bool {
        let mut identity = self.identity.iter();
        self.edition.is_some()
            || !self.changes.is_empty()
            || identity.any(|entry| names_values(&entry.value))
            || fields_name_values(&self.desired, self.row.desired)
    }

    /// Reports whether it has a name. One without can be checked, and not be in force.
    pub fn is_named(&self) -> bool {
        !self.address.name.is_empty()
    }
}

/// A policy whose field names are still as they were written.
#[derive(Clone, Debug, Default)]
pub struct PolicyDraft {
    pub mode: PolicyMode,
    pub keep_unlisted: Vec<(String, Mark)>,
    pub ignore: Vec<(PathPattern, Mark)>,
    pub absent_is_empty: Vec<(PathPattern, Mark)>,
    pub allow: Risk,
    pub until: Option<Timestamp>,
    pub reason: Option<String>,
    pub resync: Option<Duration>,
    /// The place of `create: true`, where the manifest has it.
    pub create: Option<Mark>,
    /// The place of `schedule: vendor`, where the manifest has it.
    pub schedule: Option<Mark>,
}
