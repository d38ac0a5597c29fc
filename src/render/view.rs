//! One run as every format shows it: the plan document, and what in it wants attention.

use crate::model::Severity;
use std::fmt::Write;

use super::safe::visible;
use super::values::sentence;
use crate::model::wording::{pluralize, shorten};
use crate::model::{Outcome, Risk};
use crate::plan::Disposition;
use crate::plan::document::{DiagnosticEntry, ObjectEntry, PlanDocument, Summary};

/// How far a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Manifests were checked; there are findings and no objects.
    Checked,
    Planned,
    Applied,
}

impl Stage {
    /// The word by which verdicts begin and sticky comments are found.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Checked => "Validate",
            Stage::Planned => "Plan",
            Stage::Applied => "Apply",
        }
    }
}

/// What every format is made from.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub stage: Stage,
    pub document: &'a PlanDocument,
    /// Where the run took place below the top of the repository; empty at the top.
    pub base: &'a str,
}

/// How much attention something wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Notice,
}

/// Something that wants attention, at its place in the manifests.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<'a> {
    pub level: Level,
    /// A stable name, for example `unknown-field` or `strand`.
    pub rule: &'a str,
    /// The object it is about.
    pub address: Option<&'a str>,
    pub message: String,
    pub file: Option<&'a str>,
    pub line: u32,
    pub column: u32,
}

impl<'a> View<'a> {
    /// The verdict: one line without markup.
    pub fn verdict(&self) -> String {
        let findings = &self.document.diagnostics;
        let errors = findings.iter().filter(|finding| finding.is_error()).count();
        if let Some(why) = self.stopped() {
            return format!("stopped. {}", visible(&shorten(why, 300)));
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
            Stage::Planned => plan_words(&self.document.summary),
            Stage::Applied => apply_words(&self.document.summary),
        }
    }

    /// Why the run ended before it came to a verdict, in whoever's words.
    pub fn stopped(&self) -> Option<&'a str> {
        stopped(&self.document.diagnostics)
    }

    /// What the risks of a plan ask for.
    pub fn remark(&self) -> Option<String> {
        (self.stage == Stage::Planned).then(|| risk_words(&self.document.summary))?
    }

    /// Objects with something to tell, the worst first, otherwise by address.
    pub fn told(&self) -> Vec<&'a ObjectEntry> {
        let mut told: Vec<&ObjectEntry> =
            self.document.objects.iter().filter(|o| tells(o)).collect();
        told.sort_by_key(|object| rank(object));
        told
    }

    /// Everything that wants attention, the worst first: findings, failures and risks.
    pub fn points(&self) -> Vec<Point<'a>> {
        let findings = self.document.diagnostics.iter().map(finding);
        let objects = self
            .document
            .objects
            .iter()
            .flat_map(|object| self.of_object(object));
        let mut points: Vec<Point> = findings.chain(objects).collect();
        points.sort_by_key(|point| point.level);
        points
    }

    fn of_object(&self, object: &'a ObjectEntry) -> Vec<Point<'a>> {
        let at = |level, rule, message: String| Point {
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
            Disposition::Update => {
                for (risk, level, rule) in [
                    (Risk::Strand, Level::Warning, "strand"),
                    (Risk::Reduce, Level::Notice, "reduce"),
                ] {
                    let risky = object.changes.iter().filter(|change| change.risk == risk);
                    let risky: Vec<String> = risky.map(sentence).collect();
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

/// Whether there is more to say of an object than that it is in sync.
fn tells(object: &ObjectEntry) -> bool {
    match object.action {
        Disposition::Update | Disposition::Observe | Disposition::Missing | Disposition::Error => {
            true
        }
        Disposition::None | Disposition::Suspend => {
            object.message.is_some() || object.outcome.is_some()
        }
    }
}

/// The higher of two concerns: how it ended, and what the plan takes away.
fn rank(object: &ObjectEntry) -> u8 {
    match object.outcome {
        Some(Outcome::Rejected | Outcome::Failed | Outcome::Unconverged | Outcome::Stale) => {
            return 0;
        }
        Some(Outcome::Refused | Outcome::Skipped) => return 1,
        Some(Outcome::Converged | Outcome::Already) | None => {}
    }
    match object.action {
        Disposition::Missing | Disposition::Error => 0,
        Disposition::Update => match object.risk() {
            Risk::Strand => 2,
            Risk::Reduce => 3,
            Risk::Safe => 4,
        },
        Disposition::Observe => 5,
        Disposition::None | Disposition::Suspend => 6,
    }
}

/// How an object stands, in one word.
pub fn state_of(object: &ObjectEntry) -> &'static str {
    match (object.outcome, object.action) {
        (Some(outcome), _) => outcome.name(),
        (None, Disposition::None) => "in sync",
        (None, Disposition::Update) => "update",
        (None, Disposition::Observe) => "observed only",
        (None, Disposition::Suspend) => "suspended",
        (None, Disposition::Missing) => "missing",
        (None, Disposition::Error) => "failed",
    }
}

/// Why a run ended early, other than by errors in the manifests.
pub fn stopped(findings: &[DiagnosticEntry]) -> Option<&str> {
    let stop = findings
        .iter()
        .find(|finding| finding.code == DiagnosticEntry::STOPPED)?;
    Some(&stop.message)
}

/// A finding about the manifests.
pub fn finding(entry: &DiagnosticEntry) -> Point<'_> {
    let mut message = entry.message.clone();
    if let Some(hint) = &entry.hint {
        let _ = write!(message, " ({hint})");
    }
    Point {
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

fn plan_words(summary: &Summary) -> String {
    let mut parts = Vec::new();
    if summary.update > 0 {
        parts.push(format!("{} to update", summary.update));
    }
    parts.push(format!("{} in sync", summary.in_sync));
    for (number, word) in [
        (summary.observe_only, "observed only"),
        (summary.suspended, "suspended"),
        (summary.failed, "failed"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    let mut words = parts.join(", ") + ".";
    if summary.requests > 0 {
        let requests = pluralize(summary.requests, "request");
        let _ = write!(
            words,
            " {requests}, about {:.1} s.",
            summary.estimated_seconds
        );
    }
    words
}

/// What the riskiest changes of a plan need.
pub fn risk_words(summary: &Summary) -> Option<String> {
    let verb =
        |number: usize, one: &'static str, many: &'static str| if number == 1 { one } else { many };
    if summary.strand > 0 {
        let verb = verb(summary.strand, "strands", "strand");
        let changes = pluralize(summary.strand, "change");
        Some(format!(
            "{changes} {verb} users: apply needs --allow strand."
        ))
    } else if summary.reduce > 0 {
        let verb = verb(summary.reduce, "takes", "take");
        let changes = pluralize(summary.reduce, "change");
        Some(format!(
            "{changes} {verb} something away: apply needs --allow reduce."
        ))
    } else {
        None
    }
}

fn apply_words(summary: &Summary) -> String {
    let counts = [
        (summary.converged, Outcome::Converged),
        (summary.already, Outcome::Already),
        (summary.rejected, Outcome::Rejected),
        (Some(summary.failed), Outcome::Failed),
        (summary.unconverged, Outcome::Unconverged),
        (summary.stale, Outcome::Stale),
        (summary.refused, Outcome::Refused),
        (summary.skipped, Outcome::Skipped),
    ];
    let counts = counts.into_iter().filter_map(|(number, outcome)| {
        let number = number.filter(|number| *number > 0)?;
        Some(format!("{number} {}", outcome.name()))
    });
    let mut parts: Vec<String> = counts.collect();
    if parts.is_empty() {
        parts.push("nothing to do".into());
    }
    if summary.in_sync > 0 {
        parts.push(format!("{} in sync", summary.in_sync));
    }
    parts.join(", ") + "."
}
