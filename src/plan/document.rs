//! The plan as the JSON contract shows it, and what every rendering is made from.
//!
//! Additive changes raise the minor of `FORMAT_VERSION`; readers refuse an unknown major. Keys come in
//! the order of these structs and objects in the order of their addresses, so equal inputs give equal
//! bytes, apart from `created_at`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use super::change_entry::ChangeEntry;
use super::change_entry::is_zero;
use super::coming::ComingChanges;
use super::estimate::{self, Pace};
use super::field_descent::FieldDescent;
use super::left::LeftEntry;
use super::problem::{ProblemEntry, list_problems};
use super::source_facts::SourceFacts;
use super::{Disposition, Planned, fingerprint, provenance};
use crate::model::{
    Address, Desired, Diagnostics, Ids, Method, Outcome, Risk, Severity, same_json,
};

pub const FORMAT_VERSION: &str = "1.1";

/// A plan, or what became of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "entitle plan")]
pub struct PlanDocument {
    /// Major and minor version of this format.
    pub format_version: String,
    /// The program that made the plan.
    pub tool: Tool,
    /// When the plan was made, in UTC.
    pub created_at: String,
    /// Hash of everything below but the time.
    pub digest: String,
    /// What the plan was made from.
    pub source: SourceFacts,
    pub summary: Summary,
    /// Problems of connections, by which some objects could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemEntry>,
    /// One entry per object, in the order of their addresses.
    pub objects: Vec<ObjectEntry>,
    /// Objects that no manifest names any more. Nothing is written to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_longer_managed: Vec<LeftEntry>,
    /// Findings about the manifests.
    pub diagnostics: Vec<DiagnosticEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

impl Tool {
    /// Returns the name and version of this program.
    pub fn this() -> Self {
        Self {
            name: "entitle".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// Counts over the objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub objects: usize,
    pub in_sync: usize,
    pub update: usize,
    /// Objects that are created; left out if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub create: usize,
    /// Objects that are removed; left out if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub remove: usize,
    pub observe_only: usize,
    pub suspended: usize,
    /// Objects that are missing or could not be read or planned; after an apply also those whose write failed.
    pub failed: usize,
    /// Changes that take something away.
    pub reduce: usize,
    /// Changes that take away what is in use.
    pub strand: usize,
    /// Writes that an apply sends.
    pub requests: usize,
    /// How long those writes take, about.
    pub estimated_seconds: f64,
    /// Objects by how they ended; there after an apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converged: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub already: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconverged: Option<usize>,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectEntry {
    /// Kind and name.
    pub address: String,
    /// The short name of the vendor, as in connections.
    pub vendor: String,
    /// The name of the connection by which it is reached.
    pub connection: String,
    /// The vendor's ids of the object.
    pub identity: Ids,
    pub origin: OriginEntry,
    /// The edition of the object, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// The set of which the object is a row, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// Hash of what the manifest, its policy and its connection said; not in plans of format 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_fingerprint: Option<String>,
    /// Of an object that is to be written, short hashes of each managed field and policy member. They name what moved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub manifest_fields: BTreeMap<String, String>,
    /// The members of the identity and the fields that are ids of other objects of the manifests, with these objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Vec<String>>,
    pub action: Disposition,
    /// The objects of the plan that are written before this one: it needs their ids, or is needed by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    pub changes: Vec<ChangeEntry>,
    /// Where the changed values come from, each once; left out where nothing changes. The digest does not cover it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descent: Vec<FieldDescent>,
    pub calls: Vec<CallEntry>,
    /// Hash of the live values that the changes were computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// After an apply: how the object ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why it could not be planned or written, in the vendor's words where it has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The code of the problem of its connection by which it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// After an apply: fields that changed though nobody asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side_effects: Vec<String>,
    /// What changes later by date; nothing of it is written before.
    #[serde(default, skip_serializing_if = "ComingChanges::is_empty")]
    pub coming: ComingChanges,
}

/// Where an object stands in the manifests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OriginEntry {
    pub file: String,
    pub line: u32,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallEntry {
    pub method: Method,
    pub path: String,
    pub body: Json,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosticEntry {
    #[schemars(with = "String")]
    pub severity: Severity,
    /// A stable name such as `unknown-field`.
    pub code: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl DiagnosticEntry {
    /// The code of the finding that tells why a run ended early, other than by errors in the manifests.
    pub const STOPPED: &str = "stopped";

    /// Returns a problem of a connection as a finding, for renderings that show both.
    pub fn of_problem(problem: &ProblemEntry) -> Self {
        Self {
            severity: Severity::Error,
            code: problem.code.clone(),
            message: problem.sentence(),
            file: problem.file.clone(),
            line: problem.line,
            column: problem.column,
            hint: problem.hint.clone(),
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Summary {
    /// Returns how many objects an apply writes.
    pub fn writing(&self) -> usize {
        self.update + self.create + self.remove
    }
}

impl PlanDocument {
    /// Creates the document of a plan. `paces` are those of each connection in use.
    pub fn new(
        planned: &[Planned],
        source: SourceFacts,
        paces: &BTreeMap<String, Pace>,
        findings: &Diagnostics,
        now: Timestamp,
    ) -> Self {
        let objects: Vec<ObjectEntry> = planned
            .iter()
            .map(|planned| ObjectEntry::new(planned, &source))
            .collect();
        let summary = summarize_objects(&objects, estimate::estimate_seconds(planned, paces));
        let mut document = Self {
            format_version: FORMAT_VERSION.into(),
            tool: Tool::this(),
            created_at: now.to_string(),
            digest: String::new(),
            source,
            summary,
            problems: list_problems(planned.iter().filter_map(|one| one.fault.as_deref())),
            objects,
            no_longer_managed: Vec::new(),
            diagnostics: diagnostic_entries(&with_planned(findings, planned)),
        };
        document.seal();
        document
    }

    /// Returns everything that is wrong beside single objects: the findings, then the problems of connections.
    pub fn all_findings(&self) -> Vec<DiagnosticEntry> {
        let problems = self.problems.iter().map(DiagnosticEntry::of_problem);
        self.diagnostics.iter().cloned().chain(problems).collect()
    }

    /// Creates the document of a run that ended before it had a plan: the sources that were read, and why it ended.
    pub fn stopped(source: SourceFacts, findings: &Diagnostics, now: Timestamp) -> Self {
        Self::new(&[], source, &BTreeMap::new(), findings, now)
    }

    /// Marks the plan as the inverse of a run. `left` lists the changes that the inverse does not take back.
    pub fn inverse_of(mut self, run: &str, left: &Diagnostics) -> Self {
        self.source.undo = Some(run.to_string());
        self.diagnostics.extend(diagnostic_entries(left));
        self.seal();
        self
    }

    /// Names the objects that no manifest names any more.
    pub fn with_left(mut self, left: Vec<LeftEntry>) -> Self {
        self.no_longer_managed = left;
        self.seal();
        self
    }

    /// Sets the digest, after which nothing but the outcome may change.
    fn seal(&mut self) {
        #[derive(Serialize)]
        struct Sealed<'a> {
            format_version: &'a str,
            tool: &'a Tool,
            source: &'a SourceFacts,
            objects: &'a [ObjectEntry],
            #[serde(skip_serializing_if = "<[LeftEntry]>::is_empty")]
            no_longer_managed: &'a [LeftEntry],
            diagnostics: &'a [DiagnosticEntry],
        }
        self.digest = fingerprint::json_digest(&Sealed {
            format_version: &self.format_version,
            tool: &self.tool,
            source: &self.source,
            objects: &self.objects,
            no_longer_managed: &self.no_longer_managed,
            diagnostics: &self.diagnostics,
        });
    }
}

impl ObjectEntry {
    /// Creates the entry of an object that was planned from the manifests that `source` describes.
    pub fn new(planned: &Planned, source: &SourceFacts) -> Self {
        let desired = &planned.desired;
        let manifest_fields = match planned.action {
            Disposition::Update | Disposition::Create | Disposition::Remove => {
                provenance::manifest_fields(desired)
            }
            Disposition::None
            | Disposition::Observe
            | Disposition::Suspend
            | Disposition::Missing
            | Disposition::Error => BTreeMap::new(),
        };
        Self {
            address: desired.address.to_string(),
            vendor: desired.vendor.0.to_string(),
            connection: desired.connection.to_string(),
            identity: desired.ids(),
            origin: OriginEntry {
                file: desired.origin.source.name.clone(),
                line: desired.origin.mark.line,
            },
            edition: desired.layers.edition().map(str::to_string),
            set: desired.layers.set().map(str::to_string),
            manifest_fingerprint: Some(provenance::manifest_fingerprint(desired, source)),
            manifest_fields,
            references: reference_entries(desired),
            action: planned.action,
            after: planned.after.iter().map(Address::to_string).collect(),
            changes: change_entries(planned),
            descent: Vec::new(),
            calls: planned
                .step
                .iter()
                .flat_map(|step| &step.writes)
                .map(|write| CallEntry::new(&write.call))
                .collect(),
            fingerprint: planned.fingerprint.clone(),
            outcome: None,
            message: planned.message.clone(),
            problem: planned.fault.as_ref().map(|fault| fault.kind.code().into()),
            side_effects: Vec::new(),
            coming: ComingChanges::of(desired),
        }
    }

    /// Returns the highest risk of the object's changes.
    pub fn risk(&self) -> Risk {
        let risks = self.changes.iter().map(|change| change.risk);
        risks.max().unwrap_or_default()
    }
}

/// Returns the objects to which an object refers, by the names of members and fields.
pub fn reference_entries(desired: &Desired) -> BTreeMap<String, Vec<String>> {
    let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for reference in desired.references.iter() {
        let referents = entries
            .entry(reference.spot.name().to_string())
            .or_default();
        let referent = reference.referent.to_string();
        if !referents.contains(&referent) {
            referents.push(referent);
        }
    }
    entries
}

/// Returns the changes of an object as the contract shows them.
pub fn change_entries(planned: &Planned) -> Vec<ChangeEntry> {
    let changes = planned.changes.iter().enumerate();
    let call_of = |index| planned.step.as_ref()?.position_of(index);
    changes
        .map(|(index, change)| ChangeEntry::new(change, call_of(index).unwrap_or(0)))
        .collect()
}

impl CallEntry {
    pub fn new(call: &crate::model::Call) -> Self {
        Self {
            method: call.method,
            path: call.path.clone(),
            body: call.body.clone().unwrap_or(Json::Null),
        }
    }

    /// Reports whether both send the same request; bodies are compared by value.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { method, path, body } = self;
        (method, path) == (&other.method, &other.path) && same_json(body, &other.body)
    }
}

/// Counts what a plan of these objects does.
pub fn summarize_objects(objects: &[ObjectEntry], estimated_seconds: f64) -> Summary {
    let acting = |actions: &[Disposition]| {
        objects
            .iter()
            .filter(|o| actions.contains(&o.action))
            .count()
    };
    let risky = |risk: Risk| {
        objects
            .iter()
            .filter(|object| object.action.writes())
            .flat_map(|object| &object.changes)
            .filter(|change| change.risk == risk)
            .count()
    };
    Summary {
        objects: objects.len(),
        in_sync: acting(&[Disposition::None]),
        update: acting(&[Disposition::Update]),
        create: acting(&[Disposition::Create]),
        remove: acting(&[Disposition::Remove]),
        observe_only: acting(&[Disposition::Observe]),
        suspended: acting(&[Disposition::Suspend]),
        failed: acting(&[Disposition::Missing, Disposition::Error]),
        reduce: risky(Risk::Reduce),
        strand: risky(Risk::Strand),
        requests: objects.iter().map(|object| object.calls.len()).sum(),
        estimated_seconds,
        ..Summary::default()
    }
}

/// Joins the findings of the manifests with those of planning, which come last.
fn with_planned(findings: &Diagnostics, planned: &[Planned]) -> Diagnostics {
    let mut all = findings.clone();
    for finding in planned.iter().flat_map(|planned| &planned.findings) {
        all.push(finding.clone());
    }
    all
}

/// Returns findings as the contract shows them.
pub fn diagnostic_entries(findings: &Diagnostics) -> Vec<DiagnosticEntry> {
    findings
        .iter()
        .map(|finding| DiagnosticEntry {
            severity: finding.severity,
            code: finding.code.into(),
            message: finding.message.clone(),
            file: finding
                .origin
                .as_ref()
                .map(|origin| origin.source.name.clone()),
            line: finding.origin.as_ref().map(|origin| origin.mark.line),
            column: finding.origin.as_ref().map(|origin| origin.mark.column),
            hint: finding.hint.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
