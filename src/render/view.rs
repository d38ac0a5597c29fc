//! Holds one run as every format shows it: the plan document, and the annotations about what needs attention.
//!
//! The verdict, the order of objects and the annotations are made here, so that a comment, a terminal and a test
//! report never disagree. The texts carry no markup. Layout, escaping and limits of length belong to the
//! formats.

use crate::model::Severity;
use std::fmt::Write;

use super::change::describe_change;
use super::edition::describe_editions;
use super::group::{ObjectGroup, group_changes, group_none};
use super::left::describe_left;
use super::mass_change::describe_mass_changes;
use super::safe::make_visible;
use super::source_host::{SourceHost, SourceLinks};
use super::summary::{
    advise_on_risks, apply_headline, count_risks, plan_headline, summarize_apply, summarize_plan,
};
use crate::model::wording::{pluralize, shorten};
use crate::model::{Outcome, Risk, compare_natural};
use crate::plan::Disposition;
use crate::plan::document::{DiagnosticEntry, ObjectEntry, PlanDocument};
use crate::plan::mass_change::find_mass_changes;
use crate::plan::problem::ProblemEntry;

/// The last stage that a run reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Manifests were checked; there are findings and no objects.
    Checked,
    /// A plan was made and not carried out.
    Planned,
    /// The plan was carried out, as far as it could be.
    Applied,
}

impl Stage {
    /// Returns the word with which verdicts begin. It must not change: comments on pull requests are found by it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Checked => "Validate",
            Stage::Planned => "Plan",
            Stage::Applied => "Apply",
        }
    }
}

/// How the remarks of a plan mention its risks. It depends on what the run does after the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskAdvice {
    /// The run ends with the plan: the remark names the flag that a later apply needs.
    NameFlag,
    /// The plan is carried out without a question: the remark counts the risks.
    Count,
    /// No remark: a question follows, and it has the counts.
    Silent,
}

/// The facts of a run that every format is rendered from.
#[derive(Clone, Copy)]
pub struct RunView<'a> {
    pub stage: Stage,
    pub document: &'a PlanDocument,
    /// The directory of the run below the top of the repository; empty at the top.
    pub base: &'a str,
    /// Set if every object is shown by itself, even if several have the same changes.
    pub full: bool,
    pub advice: RiskAdvice,
    /// The git host of the repository; `None` if it is not known.
    pub host: Option<&'a SourceHost>,
    /// The command that carries the plan out; `None` if there is nothing to carry out.
    pub apply: Option<&'a str>,
}

/// The urgency of an annotation. The order of the variants is the order of display: errors come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The run fails because of it.
    Error,
    /// To be looked at before an apply.
    Warning,
    /// Worth a line, no reason to stop.
    Notice,
}

/// A note on something that needs attention, with its place in the manifests.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation<'a> {
    pub level: Level,
    /// A stable name, for example `unknown-field` or `strand`.
    pub rule: &'a str,
    /// The object it is about; `None` for a finding about the manifests.
    pub address: Option<&'a str>,
    pub message: String,
    /// The file as the run names it; `None` for findings about the run itself.
    pub file: Option<&'a str>,
    /// Line from 1; 0 if it is not known.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
}

impl<'a> RunView<'a> {
    /// Creates the view of a run at the top of a repository; host and commands are unknown.
    pub fn new(stage: Stage, document: &'a PlanDocument) -> Self {
        Self {
            stage,
            document,
            base: "",
            full: false,
            advice: match stage {
                Stage::Checked | Stage::Planned => RiskAdvice::NameFlag,
                Stage::Applied => RiskAdvice::Count,
            },
            host: None,
            apply: None,
        }
    }

    /// Returns what a page needs to link to commits and lines.
    pub fn links(&self) -> SourceLinks<'a> {
        SourceLinks {
            host: self.host,
            commit: self.document.source.commit.as_deref(),
            base: self.base,
        }
    }

    /// Returns the verdict: one line without markup.
    ///
    /// Examples: `3 documents in 2 files, all valid`, `2 to update, 5 in sync. 4 requests, about 1.2 s.`, `2
    /// converged, 1 failed, 5 in sync.` A run that stopped, and then errors in the manifests, come before
    /// anything that was counted.
    pub fn verdict(&self) -> String {
        let findings = &self.document.diagnostics;
        let errors = findings.iter().filter(|finding| finding.is_error()).count();
        if let Some(why) = self.stop_reason() {
            return format!("stopped. {}", make_visible(&shorten(why, 300)));
        }
        match self.stage {
            _ if errors > 0 => format!(
                "{} in the manifests, nothing was done",
                pluralize(errors, "error")
            ),
            Stage::Checked => {
                let facts = &self.document.source;
                let documents =
                    pluralize(facts.documents.saturating_sub(facts.skipped), "document");
                format!(
                    "{documents} in {}, all valid",
                    pluralize(facts.files, "file")
                )
            }
            Stage::Planned => summarize_plan(&self.document.summary),
            Stage::Applied => summarize_apply(&self.document.summary),
        }
    }

    /// Returns the most important result of the run, as a sentence without a full stop.
    ///
    /// Examples: `62 objects would change; 1 change strands users`, `Everything is in sync`, `2 of 60 objects were
    /// not updated`.
    pub fn headline(&self) -> String {
        let findings = &self.document.diagnostics;
        let errors = findings.iter().filter(|finding| finding.is_error()).count();
        let stage = self.stage.name();
        match self.stage {
            _ if self.stop_reason().is_some() => format!("{stage} stopped"),
            _ if errors > 0 => format!("{} in the manifests", pluralize(errors, "error")),
            Stage::Checked => "The manifests are valid".into(),
            Stage::Planned => plan_headline(&self.document.summary),
            Stage::Applied => apply_headline(&self.document.summary),
        }
    }

    /// Returns the reason why the run ended before it reached a verdict; `None` if it reached one. The text may come
    /// from a vendor.
    pub fn stop_reason(&self) -> Option<&'a str> {
        stop_reason(&self.document.diagnostics)
    }

    /// Returns remarks on a plan beyond its counts, one sentence each: its time if that was named, its risks, and objects
    /// that could not be planned. Returns none after any other stage.
    pub fn remarks(&self) -> Vec<String> {
        if self.stage != Stage::Planned {
            return Vec::new();
        }
        let summary = &self.document.summary;
        let risks = match self.advice {
            RiskAdvice::Silent => None,
            RiskAdvice::Count => count_risks(summary).map(|counts| counts + "."),
            RiskAdvice::NameFlag => advise_on_risks(summary),
        };
        let is_partial = summary.failed > 0 && summary.writing() > 0;
        let unplanned = (is_partial && self.advice == RiskAdvice::NameFlag).then(|| {
            let objects = pluralize(summary.failed, "object");
            format!("{objects} could not be planned: apply does the rest and exits with 3.")
        });
        let at = self.document.source.at.as_ref().map(|at| {
            let at = make_visible(at);
            format!("This is what is to be at {at}; an apply writes what is to be now.")
        });
        let environment = self.document.source.environment.as_ref();
        let environment = environment.map(|name| format!("Environment: {}.", make_visible(name)));
        let facts = environment.into_iter().chain(at);
        facts.chain(risks).chain(unplanned).collect()
    }

    /// Returns remarks on many objects of a plan, with texts of their manifests: what their editions change, what will be held
    /// back on a date, and what is no longer managed. Returns none after any other stage.
    pub fn object_remarks(&self) -> Vec<String> {
        if self.stage != Stage::Planned {
            return Vec::new();
        }
        let objects = &self.document.objects;
        let editions = describe_editions(objects).into_iter();
        let masses = describe_mass_changes(&find_mass_changes(objects));
        let left = describe_left(&self.document.no_longer_managed);
        editions.chain(masses).chain(left).collect()
    }

    /// Returns the objects with more to show than that they are in sync: the worst first, and equally bad ones in the
    /// natural order of their addresses.
    pub fn notable_objects(&self) -> Vec<&'a ObjectEntry> {
        let objects = self.document.objects.iter();
        let mut notable: Vec<&ObjectEntry> = objects.filter(|o| is_notable(o)).collect();
        notable.sort_by(|one, other| {
            let ranks = severity_rank(one).cmp(&severity_rank(other));
            ranks.then_with(|| compare_natural(&one.address, &other.address))
        });
        notable
    }

    /// Returns the notable objects, grouped by equal changes.
    pub fn groups(&self) -> Vec<ObjectGroup<'a>> {
        let notable = self.notable_objects();
        match self.full {
            true => group_none(&notable),
            false => group_changes(&notable),
        }
    }

    /// Returns the addresses of the objects in sync, in natural order.
    pub fn in_sync(&self) -> Vec<&'a str> {
        let objects = self.document.objects.iter();
        let in_sync = objects.filter(|object| object.action == Disposition::None);
        let mut addresses: Vec<&str> = in_sync.map(|object| object.address.as_str()).collect();
        addresses.sort_by(|one, other| compare_natural(one, other));
        addresses
    }

    /// Returns everything that needs attention, the worst first: findings, failures and risks.
    ///
    /// Within a level, findings come before objects, and both keep their order in the document.
    pub fn annotations(&self) -> Vec<Annotation<'a>> {
        let findings = self.document.diagnostics.iter().map(annotate_finding);
        let findings = findings.chain(self.document.problems.iter().map(annotate_problem));
        let objects = self
            .document
            .objects
            .iter()
            .flat_map(|object| self.annotate_object(object));
        let mut points: Vec<Annotation> = findings.chain(objects).collect();
        points.sort_by_key(|point| point.level);
        points
    }

    /// Returns the annotations of one object: none, one, or several. A problem of its connection is none of them: it
    /// is reported with the connection.
    ///
    /// After an apply the outcome counts and the plan does not: one annotation for an outcome that is not good,
    /// and one for each side effect. Before it, an update has one annotation per risk, with all changes of that
    /// risk joined: two changes that strand and one that reduces make two annotations.
    fn annotate_object(&self, object: &'a ObjectEntry) -> Vec<Annotation<'a>> {
        if object.problem.is_some() {
            return Vec::new();
        }
        let at = |level, rule, message: String| Annotation {
            level,
            rule,
            address: Some(&object.address),
            message,
            file: Some(&object.origin.file),
            line: object.origin.line,
            column: 1,
        };
        let words = |fallback: &str| {
            object
                .message
                .clone()
                .unwrap_or_else(|| fallback.to_string())
        };
        let mut points = Vec::new();
        if let Some(outcome) = object.outcome {
            let level = match outcome {
                Outcome::Converged | Outcome::Already => None,
                Outcome::Skipped => Some(Level::Warning),
                Outcome::Rejected
                | Outcome::Stale
                | Outcome::Refused
                | Outcome::Failed
                | Outcome::Unconverged => Some(Level::Error),
            };
            points.extend(level.map(|level| at(level, outcome.name(), words(outcome.name()))));
            let effects = object.side_effects.iter();
            points.extend(effects.map(|effect| at(Level::Warning, "side-effect", effect.clone())));
            return points;
        }
        match object.action {
            Disposition::Missing => points.push(at(
                Level::Error,
                "missing",
                words("the vendor has no such object"),
            )),
            Disposition::Error => points.push(at(
                Level::Error,
                "failed",
                words("it could not be read or planned"),
            )),
            Disposition::Update | Disposition::Create | Disposition::Remove => {
                for (risk, level, rule) in [
                    (Risk::Destroy, Level::Warning, "destroy"),
                    (Risk::Strand, Level::Warning, "strand"),
                    (Risk::Reduce, Level::Notice, "reduce"),
                ] {
                    let risky = object.changes.iter().filter(|change| change.risk == risk);
                    let risky: Vec<String> = risky.map(describe_change).collect();
                    if !risky.is_empty() {
                        points.push(at(level, rule, risky.join("; ")));
                    }
                }
            }
            Disposition::None | Disposition::Observe | Disposition::Suspend => {}
        }
        points
    }
}

/// Reports whether an object has more to show than that it is in sync, and than a problem of its connection.
fn is_notable(object: &ObjectEntry) -> bool {
    match object.action {
        _ if object.problem.is_some() => false,
        Disposition::Update
        | Disposition::Create
        | Disposition::Remove
        | Disposition::Observe
        | Disposition::Missing
        | Disposition::Error => true,
        Disposition::None | Disposition::Suspend => {
            let is_coming = !object.coming.is_empty() && object.action == Disposition::None;
            object.message.is_some() || object.outcome.is_some() || is_coming
        }
    }
}

/// Ranks an object for display; 0 is the worst, and equal ranks keep their order.
///
/// A bad outcome ranks 0 and a write held back 1. Otherwise the plan decides: unreadable 0, then updates that
/// strand 2, reduce 3 or are safe 4, observed 5, in sync 6. An update that converged ranks by what it took away.
fn severity_rank(object: &ObjectEntry) -> u8 {
    match object.outcome {
        Some(Outcome::Rejected | Outcome::Failed | Outcome::Unconverged | Outcome::Stale) => {
            return 0;
        }
        Some(Outcome::Refused | Outcome::Skipped) => return 1,
        Some(Outcome::Converged | Outcome::Already) | None => {}
    }
    match object.action {
        Disposition::Missing | Disposition::Error => 0,
        Disposition::Update | Disposition::Create | Disposition::Remove => match object.risk() {
            Risk::Destroy | Risk::Strand => 2,
            Risk::Reduce => 3,
            Risk::Create | Risk::Safe => 4,
        },
        Disposition::Observe => 5,
        Disposition::None | Disposition::Suspend => 6,
    }
}

/// Describes the state of an object in a word or two.
pub fn describe_state(object: &ObjectEntry) -> &'static str {
    match (object.outcome, object.action) {
        (Some(outcome), _) => outcome.name(),
        (None, Disposition::None) => "in sync",
        (None, Disposition::Update) => "update",
        (None, Disposition::Create) => "create",
        (None, Disposition::Remove) => "remove",
        (None, Disposition::Observe) => "observed only",
        (None, Disposition::Suspend) => "suspended",
        (None, Disposition::Missing) => "missing",
        (None, Disposition::Error) => "failed",
    }
}

/// Returns why a run ended early, other than by errors in the manifests; `None` if it did not.
pub fn stop_reason(findings: &[DiagnosticEntry]) -> Option<&str> {
    let stop = findings
        .iter()
        .find(|finding| finding.code == DiagnosticEntry::STOPPED)?;
    Some(&stop.message)
}

/// Turns a finding about the manifests into an annotation, with its hint in brackets behind the message.
pub fn annotate_finding(entry: &DiagnosticEntry) -> Annotation<'_> {
    let mut message = entry.message.clone();
    if let Some(hint) = &entry.hint {
        let _ = write!(message, " ({hint})");
    }
    Annotation {
        level: match entry.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        },
        rule: &entry.code,
        address: None,
        message,
        file: entry.file.as_deref(),
        line: entry.line.unwrap_or(0),
        column: entry.column.unwrap_or(1),
    }
}

/// Turns a problem of a connection into an annotation at its document.
pub fn annotate_problem(entry: &ProblemEntry) -> Annotation<'_> {
    let mut message = entry.sentence();
    if let Some(hint) = &entry.hint {
        let _ = write!(message, " ({hint})");
    }
    Annotation {
        level: Level::Error,
        rule: &entry.code,
        address: None,
        message,
        file: entry.file.as_deref(),
        line: entry.line.unwrap_or(0),
        column: entry.column.unwrap_or(1),
    }
}
