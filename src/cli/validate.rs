//! `entitle validate`: checks everything that needs neither network nor secrets.
//!
//! In: manifests from paths or standard input. Out: findings on standard error, a closing count, and the
//! reports that were asked for. The checks themselves are in `reconcile`; this module prints and chooses
//! the exit code. It must stay offline, so that it can run in an editor or on a pull request of a fork.

use std::io::Write;
use std::mem;

use clap::Args;

use super::args::{Printed, Rendering, Selection, Time};
use super::exit::Exit;
use super::outputs::Outputs;
use super::{findings, output, setup};
use crate::apply::clock;
use crate::cli::error::CommandResult;
use crate::model::Severity;
use crate::model::wording::pluralize;
use crate::plan::document::PlanDocument;
use crate::reconcile::{self, CheckOptions, Checked};
use crate::render::finding_list::{FindingLimit, FindingList};
use crate::render::view::Stage;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle validate\n  entitle validate licences connections.yaml\n  kustomize build . | entitle validate -\n  entitle validate -v licences\n  entitle validate --env staging\n\nWhere several environments are defined and --env names none, each is checked."
)]
pub struct Validate {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    time: Time,
    #[command(flatten)]
    rendering: Rendering,
    /// Also tell which files below the paths were passed over, and why
    #[arg(short, long, env = "ENTITLE_VERBOSE")]
    verbose: bool,
}

/// Checks the selected manifests. Reports are opened first, so that one that cannot be written fails
/// early.
pub fn run(args: &Validate) -> CommandResult<Exit> {
    let outputs = Outputs::open(&args.rendering, Stage::Checked, None)?;
    outputs.close(validate_selection(args, &outputs))
}

/// Checks and prints; returns `Exit::Error` if any finding is an error, and `Exit::Done` with warnings
/// only.
fn validate_selection(args: &Validate, outputs: &Outputs) -> CommandResult<Exit> {
    let options = CheckOptions {
        time: setup::reading_time(None),
        ..CheckOptions::default()
    };
    let checks = setup::check_environments(&args.selection, &options, args.time)?;
    let checked = join_checks(checks, args);
    if args.rendering.format == Printed::Text {
        print_summary(&checked, args)?;
    }
    if args.verbose {
        tell_passed(&checked);
    }
    let now = clock::now();
    let document = PlanDocument::stopped(checked.source.clone(), &checked.findings, now);
    outputs.finish(Stage::Checked, &document)?;
    let exit = if checked.findings.has_errors() {
        Exit::Error
    } else {
        Exit::Done
    };
    // The process ends right after this. Dropping 100,000 objects would only delay the exit.
    mem::forget(checked);
    Ok(exit)
}

/// Makes one of the checks of several environments: the facts of the first, and the findings of all.
fn join_checks(mut checks: Vec<Checked>, args: &Validate) -> Checked {
    let findings = reconcile::merge_findings(&checks);
    let names = checks
        .iter()
        .filter_map(|one| one.source.environment.clone());
    let names: Vec<String> = names.collect();
    let mut checked = checks.swap_remove(0);
    checked.findings = findings;
    let has_rows = checked.desired.iter().any(|one| one.layers.set().is_some());
    let source = &mut checked.source;
    source.paths = setup::selected_paths(&args.selection);
    source.objects = has_rows.then_some(checked.desired.len());
    if names.len() > 1 {
        (source.environment, source.environments) = (None, names);
    }
    checked
}

/// Prints the findings and a closing count, for example `12 documents in 3 files: valid`, or `12 documents, 3,040 objects in
/// 3 files: valid in production and staging` with sets and several environments.
///
/// The count goes to standard output when everything is valid, and to standard error with the errors
/// otherwise: a script that reads standard output sees either a verdict that holds or none. Documents of
/// other tools, such as a Kubernetes Deployment, are counted separately as skipped.
fn print_summary(checked: &Checked, args: &Validate) -> std::io::Result<()> {
    let limit = match args.rendering.full {
        true => FindingLimit::All,
        false => FindingLimit::Few,
    };
    let list = FindingList::new(&checked.findings, limit);
    findings::print_with_advice(&list, &args.selection.paths)?;
    let facts = &checked.source;
    let mut documents = pluralize(facts.documents - facts.skipped, "document");
    let broken = checked.findings.has_errors();
    if let Some(objects) = facts.objects.filter(|_| !broken) {
        documents += &format!(", {}", pluralize(objects, "object"));
    }
    let mut line = format!("{documents} in {}: ", pluralize(facts.files, "file"));
    let errors = pluralize(checked.findings.count(Severity::Error), "error");
    line += if broken { &errors } else { "valid" };
    if !facts.environments.is_empty() {
        line += &format!(" in {}", facts.environments.join(" and "));
    }
    match checked.findings.count(Severity::Warning) {
        0 => {}
        warnings => line += &format!(", {}", pluralize(warnings, "warning")),
    }
    if facts.skipped > 0 {
        let skipped = pluralize(facts.skipped, "document");
        line += &format!(" ({skipped} of other tools skipped)");
    }
    if broken {
        output::print_note(&line);
        Ok(())
    } else {
        writeln!(output::text_stdout(), "{line}")
    }
}

/// Prints the names below the paths that were not read, by reason, for `--verbose`.
///
/// Each reason shows its count and its first name; `…` stands for the others.
fn tell_passed(checked: &Checked) {
    let reasons = checked.passed.reasons();
    let all: usize = reasons.iter().map(|(_, tally)| tally.count()).sum();
    output::print_note(&format!("{} passed over", pluralize(all, "name")));
    for (why, tally) in reasons.iter().filter(|(_, tally)| tally.count() > 0) {
        let first = tally
            .first()
            .map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<String> = first.collect();
        if tally.count() > names.len() {
            names.push("…".into());
        }
        output::print_note(&format!("  {} {why}: {}", tally.count(), names.join(", ")));
    }
    if checked.source.skipped > 0 {
        let foreign = pluralize(checked.source.skipped, "document");
        output::print_note(&format!("{foreign} of other tools skipped"));
    }
}
