//! The drift of a run as the JSON contract shows it, and what every rendering is made from.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{By, Difference};
use crate::model::{AcceptedDrift, Desired, Diagnostics, Ids, Risk};
use crate::plan::document::{DiagnosticEntry, OriginEntry, Tool, diagnostic_entries};
use crate::plan::problem::ProblemEntry;
use crate::plan::source_facts::SourceFacts;

/// Additive changes raise the minor; readers refuse an unknown major.
pub const FORMAT_VERSION: &str = "1.1";

/// Who changed what since the base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "entitle drift")]
pub struct DriftDocument {
    /// Major and minor version of this format.
    pub format_version: String,
    /// The program that compared.
    pub tool: Tool,
    /// When the objects were read, in UTC.
    pub created_at: String,
    /// What manifests and live objects are compared with.
    pub base: BaseEntry,
    /// What the manifests were read from.
    pub source: SourceFacts,
    pub summary: DriftSummary,
    /// Problems of connections, by which some objects could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemEntry>,
    /// One entry per object, in the order of their addresses.
    pub objects: Vec<DriftEntry>,
    /// Findings about manifests and accepted drift.
    pub diagnostics: Vec<DiagnosticEntry>,
}

/// What manifests and live objects are compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BaseEntry {
    /// What the last apply of each object wrote.
    Journal,
    /// The manifests of this commit.
    Commit(String),
}

/// Counts over the objects and the fields that differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftSummary {
    pub objects: usize,
    pub in_sync: usize,
    /// Objects on which only the manifest moved.
    pub pending: usize,
    /// Objects on which live moved, or may have.
    pub drifted: usize,
    /// Objects whose drift is accepted, all of it.
    pub accepted: usize,
    pub suspended: usize,
    /// Objects that are missing or could not be read.
    pub failed: usize,
    /// Fields that differ and are not accepted, by who changed them.
    pub fields: FieldCounts,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldCounts {
    pub you: usize,
    pub they: usize,
    pub both: usize,
    pub unknown: usize,
    pub accepted: usize,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftEntry {
    /// Kind and name.
    pub address: String,
    pub vendor: String,
    pub connection: String,
    /// The vendor's ids of the object.
    pub identity: Ids,
    pub origin: OriginEntry,
    pub state: State,
    /// The apply that is its base; only with the journal as base, and only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    pub differences: Vec<DifferenceEntry>,
    /// Why it could not be compared, or why there is no base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The code of the problem of its connection by which it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What is to be said of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    InSync,
    Pending,
    Drifted,
    Accepted,
    Suspended,
    Missing,
    Error,
}

impl State {
    /// Reports whether the object is missing or could not be read.
    pub fn is_unread(self) -> bool {
        matches!(self, Self::Missing | Self::Error)
    }
}

/// An apply in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    pub run: String,
    pub at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// One field on which manifest and live differ. A side that has no such field or element is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceEntry {
    /// The field in the vendor's own names, for example `Features[Licstat 6.0].count`.
    pub path: String,
    /// `you`: the manifest moved. `they`: live moved. `both`: each its own way. `unknown`: there is no base.
    pub changed_by: By,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Json>,
    /// What an apply of the manifest would do to the licensee.
    pub risk: Risk,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The entry that accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AcceptedEntry>,
}

/// Why a difference is let be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedEntry {
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub until: String,
    pub origin: OriginEntry,
}

impl DriftDocument {
    pub fn new(
        base: BaseEntry,
        source: SourceFacts,
        objects: Vec<DriftEntry>,
        findings: &Diagnostics,
        now: Timestamp,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION.into(),
            tool: Tool::this(),
            created_at: now.to_string(),
            base,
            source,
            summary: summarize_drift(&objects),
            problems: Vec::new(),
            objects,
            diagnostics: diagnostic_entries(findings),
        }
    }

    /// Adds the problems of connections.
    pub fn with_problems(self, problems: Vec<ProblemEntry>) -> Self {
        Self { problems, ..self }
    }

    /// Returns everything that is wrong beside single objects: the findings, then the problems of connections.
    pub fn all_findings(&self) -> Vec<DiagnosticEntry> {
        let problems = self.problems.iter().map(DiagnosticEntry::of_problem);
        self.diagnostics.iter().cloned().chain(problems).collect()
    }

    /// Creates the document of a run that ended before it compared anything: what was read, and why it ended.
    pub fn stopped(
        base: BaseEntry,
        source: SourceFacts,
        findings: &Diagnostics,
        now: Timestamp,
    ) -> Self {
        Self::new(base, source, Vec::new(), findings, now)
    }
}

impl DriftEntry {
    /// Creates the entry of an object of which only the manifest is known.
    pub fn new(desired: &Desired, state: State, message: Option<String>) -> Self {
        Self {
            address: desired.address.to_string(),
            vendor: desired.vendor.to_string(),
            connection: desired.connection.to_string(),
            identity: desired.ids(),
            origin: OriginEntry {
                file: desired.origin.source.name.clone(),
                line: desired.origin.mark.line,
            },
            state,
            applied: None,
            differences: Vec::new(),
            message,
            problem: None,
        }
    }

    /// Creates the entry of an object that was compared.
    pub fn compared(
        desired: &Desired,
        differences: Vec<Difference>,
        accepted: &[Option<&AcceptedDrift>],
    ) -> Self {
        let entries: Vec<DifferenceEntry> = differences
            .into_iter()
            .zip(accepted)
            .map(|(difference, accepted)| DifferenceEntry::new(difference, *accepted))
            .collect();
        let mut entry = Self::new(desired, state_of(&entries), None);
        entry.differences = entries;
        entry
    }
}

fn state_of(differences: &[DifferenceEntry]) -> State {
    let drifts = |one: &DifferenceEntry| one.changed_by.is_drift();
    if differences
        .iter()
        .any(|d| drifts(d) && d.accepted.is_none())
    {
        State::Drifted
    } else if differences.iter().any(|d| !drifts(d)) {
        State::Pending
    } else if !differences.is_empty() {
        State::Accepted
    } else {
        State::InSync
    }
}

impl DifferenceEntry {
    fn new(difference: Difference, accepted: Option<&AcceptedDrift>) -> Self {
        Self {
            path: difference.path.to_string(),
            changed_by: difference.by,
            base: difference.base,
            manifest: difference.manifest,
            live: difference.live,
            risk: difference.risk,
            note: difference.note,
            accepted: accepted.map(|entry| AcceptedEntry {
                reason: entry.reason.clone(),
                until: entry.until.to_string(),
                origin: OriginEntry {
                    file: entry.origin.source.name.clone(),
                    line: entry.origin.mark.line,
                },
            }),
        }
    }
}

fn summarize_drift(objects: &[DriftEntry]) -> DriftSummary {
    let of = |states: &[State]| objects.iter().filter(|o| states.contains(&o.state)).count();
    let differences = || objects.iter().flat_map(|object| &object.differences);
    let by = |by: By| {
        differences()
            .filter(|one| one.changed_by == by && one.accepted.is_none())
            .count()
    };
    DriftSummary {
        objects: objects.len(),
        in_sync: of(&[State::InSync]),
        pending: of(&[State::Pending]),
        drifted: of(&[State::Drifted]),
        accepted: of(&[State::Accepted]),
        suspended: of(&[State::Suspended]),
        failed: of(&[State::Missing, State::Error]),
        fields: FieldCounts {
            you: by(By::You),
            they: by(By::They),
            both: by(By::Both),
            unknown: by(By::Unknown),
            accepted: differences().filter(|one| one.accepted.is_some()).count(),
        },
    }
}
