//! Renders a run as JUnit XML: one test per object, in a suite per vendor, and a suite for the manifests.
//!
//! Input is a [`RunView`], output the XML that GitLab, Jenkins and others show as test results. JUnit knows
//! passed, skipped, failure and error, and `object_case` holds the one mapping from outcomes to these. XML is
//! escaped by `quick_junit`; invisible characters are spelled out here before.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::change::describe_change;
use super::coming::describe_coming;
use super::safe::make_visible;
use super::text::format_location;
use super::view::{Level, RunView, Stage, describe_state};
use crate::model::Outcome;
use crate::model::wording::{pluralize, shorten};
use crate::plan::Disposition;
use crate::plan::document::ObjectEntry;

/// Characters of a message; longer ones are shortened.
const LONGEST: usize = 1_000;
/// Changes of one object that are listed; the rest is counted.
const CHANGES: usize = 50;

/// Writes the report: suite `manifests` first, then the vendors by name, their objects in the order of the
/// document.
///
/// Returns `Err` if `out` fails or the XML cannot be serialized.
pub fn write_junit(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let name = format!("entitle {}", view.stage.name().to_lowercase());
    let mut report = Report::new(name);
    report.add_test_suite(manifest_suite(view));
    let mut vendors: BTreeMap<&str, Vec<&ObjectEntry>> = BTreeMap::new();
    for object in &view.document.objects {
        vendors.entry(&object.vendor).or_default().push(object);
    }
    for (vendor, objects) in vendors {
        let mut suite = TestSuite::new(plain_text(vendor));
        suite.add_test_cases(
            objects
                .into_iter()
                .map(|object| object_case(view.stage, object)),
        );
        report.add_test_suite(suite);
    }
    report.serialize(&mut *out).map_err(io::Error::other)
}

/// Builds the suite of the manifests: one test per finding, or a single test that passes if there are none.
///
/// Errors are failures. Warnings are skipped tests, since JUnit has no word for a test that passed with a
/// warning.
fn manifest_suite(view: &RunView<'_>) -> TestSuite {
    let mut suite = TestSuite::new("manifests");
    let facts = &view.document.source;
    let mut valid = TestCase::new(
        format!(
            "{} in {}",
            pluralize(facts.documents, "document"),
            pluralize(facts.files, "file")
        ),
        TestCaseStatus::success(),
    );
    valid.set_classname("manifests");
    let found = view
        .annotations()
        .into_iter()
        .filter(|point| point.address.is_none());
    let findings: Vec<TestCase> = found
        .map(|point| {
            let mut status = match point.level {
                Level::Error => TestCaseStatus::non_success(NonSuccessKind::Failure),
                Level::Warning | Level::Notice => TestCaseStatus::skipped(),
            };
            status
                .set_message(plain_text(&point.message))
                .set_type(plain_text(point.rule));
            let at = point.file.map(|file| format!(" {file}:{}", point.line));
            let mut case = TestCase::new(
                plain_text(&format!("{}{}", point.rule, at.unwrap_or_default())),
                status,
            );
            case.set_classname("manifests");
            case
        })
        .collect();
    if findings.is_empty() {
        suite.add_test_case(valid);
    }
    suite.add_test_cases(findings);
    suite
}

/// Builds the test of one object.
///
/// A pending change passes in a plan: it is news, not a failure. A decision against a write (rejected, stale,
/// refused, unconverged) is a `failure`; what could not be read or carried out is an `error`; what was passed
/// over is `skipped`. An object that is only observed passes in a plan and is skipped in an apply, which did not
/// write it.
fn object_case(stage: Stage, object: &ObjectEntry) -> TestCase {
    let kind = match (object.outcome, object.action) {
        (Some(Outcome::Converged | Outcome::Already), _) => None,
        (Some(Outcome::Skipped), _) | (None, Disposition::Suspend) => {
            Some(TestCaseStatus::skipped())
        }
        (Some(Outcome::Rejected | Outcome::Stale | Outcome::Refused | Outcome::Unconverged), _) => {
            Some(TestCaseStatus::non_success(NonSuccessKind::Failure))
        }
        (Some(Outcome::Failed), _) | (None, Disposition::Missing | Disposition::Error) => {
            Some(TestCaseStatus::non_success(NonSuccessKind::Error))
        }
        (None, Disposition::Observe) if stage == Stage::Applied => Some(TestCaseStatus::skipped()),
        (
            None,
            Disposition::None
            | Disposition::Update
            | Disposition::Create
            | Disposition::Remove
            | Disposition::Observe,
        ) => None,
    };
    let status = match kind {
        None => TestCaseStatus::success(),
        Some(mut status) => {
            let problem = object.problem.as_ref();
            let problem =
                problem.map(|code| format!("{code}: see connection {}", object.connection));
            let message = problem.as_deref().or(object.message.as_deref());
            let message = message.unwrap_or(describe_state(object));
            status
                .set_message(plain_text(message))
                .set_type(describe_state(object));
            status.set_description(plain_text(&format_location(&object.origin)));
            status
        }
    };
    let mut case = TestCase::new(plain_text(&object.address), status);
    case.set_classname(plain_text(&object.vendor));
    let mut message: Vec<String> = object
        .changes
        .iter()
        .take(CHANGES)
        .map(|change| plain_text(&describe_change(change)))
        .collect();
    let over = object.changes.len().saturating_sub(CHANGES);
    if over > 0 {
        message.push(pluralize(over, "more change"));
    }
    message.extend(
        object
            .side_effects
            .iter()
            .map(|effect| plain_text(&format!("side effect: {effect}"))),
    );
    let coming = describe_coming(&object.coming);
    message.extend(coming.iter().map(|line| plain_text(line)));
    if !message.is_empty() {
        case.set_system_out(message.join("\n"));
    }
    case
}

/// Shortens a text to [`LONGEST`] characters and makes all of it visible.
fn plain_text(text: &str) -> String {
    make_visible(&shorten(text, LONGEST)).into_owned()
}
