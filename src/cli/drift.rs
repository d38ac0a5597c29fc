//! `entitle drift`: shows the changes since the last apply, or since a commit.
//!
//! In: manifests, live objects, and a base, which is the journal or the manifests of a commit. Out: a
//! `DriftDocument` on standard output and in reports. The three-way comparison is in `plan::drift` and
//! the reading in `reconcile`; this module finds the base and chooses the exit code. It writes to no
//! vendor.

use std::cell::Cell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use super::args::{Printed, Reach, ReportTo, Selection, StoreArgs};
use super::command_run::Access;
use super::exit::{self, Exit};
use super::github::Runner;
use super::report_file::Reports;
use super::setup::{self, Files, Setup};
use super::{git, output, project, state, stores, work_tree};
use crate::apply::clock;
use crate::apply::memory::{Detail, Memory};
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::plan::drift::document::{BaseEntry, DriftDocument};
use crate::plan::source_facts::SourceFacts;
use crate::reconcile::{self, Bases, CommitBases};
use crate::render;
use crate::render::report::{self, ReportFormat};
use crate::render::source_host::{SourceHost, SourceLinks};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle drift\n  entitle drift licences --base HEAD --format json\n  entitle drift licences --report html=drift.html --report github\n  entitle drift --target 'LacLicenseOrder/*' --accepted lets-be.yaml"
)]
pub struct Drift {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reach: Reach,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    format: Printed,
    /// Also write the drift as text, json, markdown, github, sarif or html; may be given several times. `github` needs
    /// no file: its annotations go to standard output, the rest to the runner's files
    #[arg(
        long,
        value_name = "FORMAT=FILE",
        env = "ENTITLE_REPORT",
        value_delimiter = ',',
        add = ArgValueCandidates::new(report_candidates)
    )]
    report: Vec<DriftReportTo>,
    /// Compare with the manifests of this commit instead of the last applies in the journal
    #[arg(long, value_name = "COMMIT", env = "ENTITLE_BASE")]
    base: Option<String>,
    /// Drift that is accepted [default: entitle-accepted.yaml beside the project file]
    #[arg(long, value_name = "FILE", env = "ENTITLE_ACCEPTED")]
    accepted: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

/// Returns the values to which a shell completes `--report`.
fn report_candidates() -> Vec<CompletionCandidate> {
    let named = ReportFormat::of_drift().map(|format| match format {
        ReportFormat::Github => format.name().into(),
        _ => format!("{}=", format.name()),
    });
    named.map(CompletionCandidate::new).collect()
}

/// One `--report FORMAT=FILE`. Drift has fewer report formats than a plan, so it has a type of its own.
#[derive(Clone, Debug)]
struct DriftReportTo {
    format: ReportFormat,
    file: Option<PathBuf>,
}

impl FromStr for DriftReportTo {
    type Err = String;

    /// Parses `markdown=drift.md`. Returns `Err` for a format that drift does not have, or one without a file.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        if !ReportFormat::of_drift().any(|format| format.name() == name) {
            let names: Vec<&str> = ReportFormat::of_drift().map(ReportFormat::name).collect();
            let names = names.join(", ");
            return Err(format!(
                "there is no {name:?} report of drift; one of {names}"
            ));
        }
        let ReportTo { format, file } = text.parse()?;
        Ok(Self { format, file })
    }
}

/// Opens the outputs, compares, and closes the outputs after every result of the comparison.
pub async fn run(args: Drift) -> CommandResult<Exit> {
    let shown = DriftOutputs::open(&args)?;
    let ended = compare_accounts(&args, &shown).await;
    shown.close(&args, ended)
}

/// Compares live objects with their bases and shows the result.
///
/// Returns `Exit::Error` if an object could not be compared, else `Exit::Changes` if one has drifted,
/// else `Exit::Done`. Accepted drift is not counted as drift.
///
/// With the journal as the base a store that is away ends the run, because it holds the base. With
/// `--base` the store only tells of other runs, so its absence is a warning.
async fn compare_accounts(args: &Drift, shown: &DriftOutputs) -> CommandResult<Exit> {
    let accepted = project::accepted_drift_file(args.accepted.as_deref())?;
    let files = accepted.as_deref().map_or(Files::Named, Files::And);
    let mut setup = setup::set_up_with(&args.selection, &args.reach, files).await?;
    setup.tell_unset_variables()?;
    match args.base {
        Some(_) => setup.heed_others_if_told(&args.store.shared).await,
        None => setup.heed_others(&args.store.shared).await?,
    }
    let deadline = setup.settings.deadline;
    let bases = tokio::time::timeout_at(deadline, read_bases(args, &setup)).await;
    let bases = bases.map_err(|_| user_error("git took longer than --timeout"))??;
    if let Bases::Commit(CommitBases { partial: true, .. }) = &bases {
        output::print_note(
            "Some manifests of the base do not pass the checks of this version: no base for those.",
        );
    }
    let scope = &args.selection;
    // An acceptance without an object is reported only by a run over everything: in a narrowed run the
    // object may be out of scope.
    let narrowed = (!scope.paths.is_empty() && scope.paths != project::default_paths())
        || !scope.target.is_empty()
        || !scope.exclude.is_empty()
        || !scope.selector.is_empty();
    let drift = reconcile::find_drift(&setup.checked, &bases, narrowed, &setup.settings);
    let (document, findings) = drift.await;
    output::print_findings(&findings)?;
    shown.finish(&document, false)?;
    Ok(if document.summary.failed > 0 {
        Exit::Error
    } else if document.summary.drifted > 0 {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// The reports and the standard output of one drift run, reports first.
struct DriftOutputs {
    format: Printed,
    reports: Reports<ReportFormat>,
    runner: Option<Runner>,
    base: String,
    host: Option<SourceHost>,
    finished: Cell<bool>,
}

impl DriftOutputs {
    /// Opens every report before anything is read. Returns `Err` if one cannot be written.
    fn open(args: &Drift) -> CommandResult<Self> {
        let reports = args.report.iter();
        let files: Vec<_> = reports
            .filter_map(|to| Some((to.format, to.file.as_deref()?)))
            .collect();
        let annotates = args.report.iter().any(|to| to.file.is_none());
        if annotates && args.format == Printed::Json {
            bail!("--report github writes to standard output, which holds JSON: give one a file");
        }
        let has_page = files
            .iter()
            .any(|(format, _)| *format == ReportFormat::Html);
        Ok(Self {
            format: args.format,
            reports: Reports::open(&files)?,
            runner: annotates.then(Runner::new).transpose()?,
            base: work_tree::below_top(),
            host: has_page.then(state::source_host).flatten(),
            finished: Cell::new(false),
        })
    }

    /// Writes the reports, then standard output.
    ///
    /// `early` is true for a run that failed: as text its error is printed on standard error, so
    /// standard output stays empty; JSON and Markdown still get a document.
    fn finish(&self, document: &DriftDocument, early: bool) -> io::Result<()> {
        self.finished.set(true);
        let links = SourceLinks {
            host: self.host.as_ref(),
            commit: document.source.commit.as_deref(),
            base: &self.base,
        };
        let print = |format| {
            let mut out = output::data_stdout();
            report::write_drift_report(&mut out, format, document, &links)?;
            out.flush()
        };
        self.reports
            .write(|out, format| report::write_drift_report(out, format, document, &links));
        if let Some(runner) = &self.runner {
            self.reports.note(runner.write_drift(document));
        }
        match self.format {
            // `main` prints the error itself last, on standard error.
            Printed::Text if early => {}
            Printed::Text => {
                let mut out = output::buffered_stdout();
                render::drift::write_drift(&mut out, document)?;
                out.flush()?;
            }
            Printed::Json => print(ReportFormat::Json)?,
            Printed::Markdown => print(ReportFormat::Markdown)?,
        }
        match &self.runner {
            Some(_) => print(ReportFormat::Github),
            None => Ok(()),
        }
    }

    /// Ends the run, and gives a run that compared nothing its reports all the same.
    ///
    /// A report that is missing would leave an older one in place, which might say that there is no
    /// drift.
    fn close(&self, args: &Drift, ended: CommandResult<Exit>) -> CommandResult<Exit> {
        if let (Err(error), false) = (&ended, self.finished.get()) {
            let shown = self.finish(&ended_early(args, error), true);
            self.reports.note(output::stdout_error(shown));
        }
        self.reports.close(ended)
    }
}

/// Returns the document of a run that compared nothing, over the paths that were asked for.
fn ended_early(args: &Drift, error: &CommandError) -> DriftDocument {
    let (facts, findings) = exit::facts_and_findings(error);
    let source = SourceFacts {
        paths: setup::selected_paths(&args.selection),
        ..facts
    };
    let base = args.base.clone();
    let base = base.map_or(BaseEntry::Journal, BaseEntry::Commit);
    DriftDocument::stopped(base, source, &findings, clock::now())
}

/// Reads the values to compare with: manifests of a commit with `--base`, else the last applies.
///
/// A sandbox run without `--journal` has no past, so its memory is empty and no object has a base.
/// Returns `Err` if git knows no such commit, or the store cannot be read.
async fn read_bases(args: &Drift, setup: &Setup) -> CommandResult<Bases> {
    if let Some(commit) = &args.base {
        let snapshot = git::read_snapshot(commit, &args.selection.paths).await?;
        let mut bases = CommitBases::new(
            snapshot.commit,
            &snapshot.sources,
            &snapshot.row_files,
            setup.checked.source.environment.as_deref(),
            snapshot.committed_at,
        );
        bases.partial |= snapshot.findings.has_errors();
        return Ok(Bases::Commit(bases));
    }
    // A trial run has no past except the journal that `--journal` names.
    if setup.is_trial() && args.store.journal.is_none() {
        return Ok(Bases::Journal(Memory::new(Detail::Values)));
    }
    let args = setup.store_args(&args.store);
    let store = stores::open_store(&args, Access::Read).await?;
    let accounts = stores::manifest_accounts(&setup.checked);
    let memory = stores::read_memory(&*store, args.reader(), &accounts, Detail::Values).await?;
    Ok(Bases::Journal(memory))
}
