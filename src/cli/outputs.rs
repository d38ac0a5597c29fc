//! Everything a run shows: standard output, reports, the runner of a CI job, progress.
//!
//! Reports are opened before the run does anything, so that a report that cannot be written ends the run
//! before a vendor is called. They are written whole or not at all, also when the run ends early: without
//! a new report, an older one in its place would look like the result of this run.

use std::cell::{Cell, OnceCell};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::args::{Printed, Rendering, ReportTo};
use super::events::Stream;
use super::exit::{self, Exit};
use super::github::Runner;
use super::progress::Progress;
use super::report_file::Reports;
use super::retries::Retries;
use super::{output, state, work_tree};
use crate::apply::Listener;
use crate::apply::clock;
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::plan::document::PlanDocument;
use crate::render::report::{self, ReportFormat};
use crate::render::source_host::SourceHost;
use crate::render::text;
use crate::render::view::{RiskAdvice, RunView, Stage};

/// The outputs of one run. Every method takes `&self`, since a run hands it to its steps by reference.
pub struct Outputs {
    stage: Stage,
    format: Printed,
    /// True if events own standard output (`--events -`); text goes to standard error then.
    streams: bool,
    reports: Reports<ReportFormat>,
    runner: Option<Runner>,
    base: String,
    /// True if equal changes are shown one by one (`--full`).
    full: bool,
    /// The git host of the repository, for links in pages.
    host: Option<SourceHost>,
    /// The command that carries the plan out.
    apply: OnceCell<String>,
    progress: Option<Progress>,
    retries: Retries,
    events: OnceCell<Arc<Stream>>,
    previewed: Cell<bool>,
    finished: Cell<bool>,
}

impl Outputs {
    /// Opens every report, and starts the progress bar. `events` is the file of `--events`.
    ///
    /// Returns `Err` if two outputs want standard output, if a format does not suit the stage (there is
    /// no GitLab report of a check of manifests), or if a report cannot be written.
    pub fn open(rendering: &Rendering, stage: Stage, events: Option<&Path>) -> CommandResult<Self> {
        let streams = events.is_some_and(|path| path == Path::new("-"));
        if streams && rendering.format != Printed::Text {
            bail!("--events - and --format both want standard output: give one a file");
        }
        let (mut files, mut runner) = (Vec::new(), None);
        for ReportTo { format, file } in &rendering.report {
            if !format.suits(stage) {
                bail!(
                    "there is no {} report of a check of manifests",
                    format.name()
                );
            }
            let Some(path) = file else {
                if streams || rendering.format == Printed::Json {
                    bail!(
                        "--report github writes to standard output, which holds JSON: give one a file"
                    );
                }
                runner = Some(Runner::new()?);
                continue;
            };
            files.push((*format, path.as_path()));
        }
        let has_page = files
            .iter()
            .any(|(format, _)| *format == ReportFormat::Html);
        Ok(Self {
            stage,
            format: rendering.format,
            streams,
            reports: Reports::open(&files)?,
            runner,
            base: work_tree::below_top(),
            full: rendering.full,
            host: has_page.then(state::source_host).flatten(),
            apply: OnceCell::new(),
            progress: Progress::start(),
            retries: Retries::default(),
            events: OnceCell::new(),
            previewed: Cell::new(false),
            finished: Cell::new(false),
        })
    }

    /// Returns the listener for events: the progress bar, the stream of `--events` if there is one, and the count of
    /// retries.
    ///
    /// Returns `Err` if the stream cannot be opened.
    pub fn listener(&self, events: Option<&Path>) -> CommandResult<Listener> {
        let stream = events.map(Stream::open).transpose()?.map(Arc::new);
        if let Some(stream) = &stream {
            let _ = self.events.set(Arc::clone(stream));
        }
        let progress = self.progress.clone();
        let retries = self.retries.clone();
        Ok(Listener::new(move |event| {
            retries.hear(event, progress.is_none());
            if let Some(stream) = &stream {
                stream.hear(event);
            }
            if let Some(progress) = &progress {
                progress.hear(event);
            }
        }))
    }

    /// Prints a plan as text before it is carried out. Other formats are printed once, at the end.
    ///
    /// `advice` selects the text about the risks: none if a question with their numbers follows.
    pub fn preview(&self, document: &PlanDocument, advice: RiskAdvice) -> io::Result<()> {
        self.clear_progress();
        self.retries.print_count();
        if self.format == Printed::Text {
            self.previewed.set(true);
            let view = RunView {
                advice,
                ..self.view(Stage::Planned, document)
            };
            self.text(|out| text::write_plan(out, &view))?;
        }
        Ok(())
    }

    /// Reports whether the run is printed as text.
    pub fn prints_text(&self) -> bool {
        self.format == Printed::Text
    }

    /// Sets the command that carries the plan out, for reports to show.
    pub fn offer_apply(&self, command: String) {
        let _ = self.apply.set(command);
    }

    /// Returns the view of a run that every output is rendered from.
    fn view<'a>(&'a self, stage: Stage, document: &'a PlanDocument) -> RunView<'a> {
        RunView {
            base: &self.base,
            full: self.full,
            host: self.host.as_ref(),
            apply: self
                .apply
                .get()
                .map(String::as_str)
                .filter(|_| stage == Stage::Planned && document.summary.writing() > 0),
            ..RunView::new(stage, document)
        }
    }

    /// Shows how the run ended: reports first, then standard output, which may be closed by then.
    ///
    /// A plan that `preview` has printed is not printed again. Returns `Err` if standard output cannot
    /// be written; faults of reports are kept for `close`.
    pub fn finish(&self, stage: Stage, document: &PlanDocument) -> io::Result<()> {
        self.clear_progress();
        self.retries.print_count();
        self.finished.set(true);
        let view = self.view(stage, document);
        self.write_reports(&view);
        match (self.format, stage) {
            (Printed::Text, Stage::Planned) if self.previewed.get() => {}
            (Printed::Text, Stage::Planned) => self.text(|out| text::write_plan(out, &view))?,
            (Printed::Text, Stage::Applied) => self.text(|out| text::write_outcome(out, &view))?,
            (Printed::Text, Stage::Checked) => {}
            (Printed::Json, _) => self.print(ReportFormat::Json, &view)?,
            (Printed::Markdown, _) => self.print(ReportFormat::Markdown, &view)?,
        }
        match &self.runner {
            Some(_) => self.print(ReportFormat::Github, &view),
            None => Ok(()),
        }
    }

    /// Shows the end of a run that has written to a vendor. A fault is kept for `close`: it does not
    /// undo a write, so it must not replace the exit of the run.
    pub fn finish_written(&self, stage: Stage, document: &PlanDocument) {
        let shown = self.finish(stage, document);
        self.reports.note(output::stdout_error(shown));
    }

    /// Keeps a fault of an output, not of the work itself, for `close` to print.
    pub fn note(&self, fault: &str) {
        self.reports.note(Err(user_error(fault)));
    }

    /// Reports whether an output shows where changed values come from.
    pub fn shows_descent(&self) -> bool {
        let mut reports = self.reports.formats();
        self.format == Printed::Json
            || reports.any(|format| matches!(format, ReportFormat::Json | ReportFormat::Html))
    }

    /// Ends the run, and returns its exit.
    ///
    /// A run that failed before its verdict still gets reports with its error. A report or an event that
    /// could not be written turns `Done` into `Error`, and leaves any other exit as it is.
    pub fn close(&self, ended: CommandResult<Exit>) -> CommandResult<Exit> {
        self.clear_progress();
        if let (Err(error), false) = (&ended, self.finished.get()) {
            let shown = self.stopped(error);
            self.reports.note(output::stdout_error(shown));
        }
        if let Some(stream) = self.events.get() {
            self.reports.note(stream.end());
        }
        self.reports.close(ended)
    }

    /// Shows a run that ended early: as text only its error, which is printed on standard error by
    /// `main`.
    fn stopped(&self, error: &CommandError) -> io::Result<()> {
        let (facts, findings) = exit::facts_and_findings(error);
        let document = PlanDocument::stopped(facts, &findings, clock::now());
        // As text, `main` prints the error itself last, on standard error.
        self.previewed.set(true);
        let stage = match self.stage {
            Stage::Checked => Stage::Checked,
            Stage::Planned | Stage::Applied => Stage::Planned,
        };
        self.finish(stage, &document)
    }

    /// Writes the report files and those of the CI runner. Faults are kept for `close`.
    fn write_reports(&self, view: &RunView<'_>) {
        self.reports
            .write(|out, format| report::write_report(out, format, view));
        if let Some(runner) = &self.runner {
            self.reports.note(runner.write(view));
        }
    }

    /// Writes text to standard output, or to standard error if events own standard output.
    fn text(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        if self.streams {
            let mut out = io::BufWriter::new(output::text_stderr());
            write(&mut out)?;
            return out.flush();
        }
        let mut out = output::buffered_stdout();
        write(&mut out)?;
        out.flush()
    }

    /// Writes the view in one format to standard output, without the filter for colours.
    fn print(&self, format: ReportFormat, view: &RunView<'_>) -> io::Result<()> {
        let mut out = output::data_stdout();
        report::write_report(&mut out, format, view)?;
        out.flush()
    }

    /// Removes the progress bar, so that text does not share its line.
    fn clear_progress(&self) {
        if let Some(progress) = &self.progress {
            progress.clear();
        }
    }
}
