//! The steps that `apply` and `undo` share: leases, journal, consent, the run itself and its exit.
//!
//! In: a `Setup`, the user's `Consent` and a plan. Out: writes at vendors, records in the store, an
//! `Exit`. The order is the point of this module:
//!
//! 1. Take the leases, so that no other run can make the plan stale.
//! 2. Look into writes that an earlier run left open.
//! 3. Show the plan and ask.
//! 4. Record the start, write, record the end.
//! 5. Show the outcome, and keep the journal short.
//!
//! What a step sends, and when one is refused, is decided in `plan` and `apply`; nothing here compares.

use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::sync::Arc;

use tokio::time::Instant;

use super::actor::find_actor;
use super::approval::{self, Question};
use super::args::{AllowedRisk, Consent};
use super::command_run::Access;
use super::exit::{self, Exit};
use super::outputs::Outputs;
use super::setup::Setup;
use super::signals::Signals;
use super::{left_objects, output, state, stores};
use crate::apply::clock;
use crate::apply::journal::{Purpose, Started};
use crate::apply::memory::{Detail, Memory, OpenIntent, VendorAccount, agreement};
use crate::apply::recorder::{ManifestNames, Recorder};
use crate::apply::store::compact::compact_if_long;
use crate::apply::store::{LeaseBusy, Leases, LostRecords, RecordQueue, Store};
use crate::apply::{Event, Outcome, Report};
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::model::{Connection, Risk};
use crate::plan::Refusal;
use crate::plan::document::PlanDocument;
use crate::plan::guard::{self, Accepted};
use crate::plan::max_changes::LimitBase;
use crate::reconcile::{self, Accounts, ApplyOptions, LeftObjects, ManifestCoverage, Pass};
use crate::render;
use crate::render::view::{RiskAdvice, Stage};

/// Returns `Err` if the run would have to ask, and no person is at the terminal.
///
/// `apply` and `undo` call this before they call a vendor, so that a CI job without `--auto-approve` does not
/// read 10,000 objects first. They call it after they have looked for the named files and the named run: a user who
/// follows the advice to pass `--auto-approve` must not apply the manifests in place of a plan file that is missing.
pub fn refuse_unattended(consent: &Consent) -> CommandResult<()> {
    let attended = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !consent.auto_approve && !attended {
        bail!("there is no terminal to ask at: pass --auto-approve to apply without asking");
    }
    Ok(())
}

/// A run that may write. Its leases are held until it is dropped.
pub struct WritingCommand<'a> {
    setup: &'a Setup,
    outputs: &'a Outputs,
    consent: &'a Consent,
    run: String,
    /// The queue before the journal; `None` for a trial run, which keeps no record.
    queue: Option<Arc<RecordQueue>>,
    memory: Memory,
    leases: Leases,
    /// The objects of the manifests, by which those without a manifest are found; `None` if that cannot be told.
    managed: Option<ManifestCoverage>,
    /// The accounts that are open so far, for the caller to plan with: a login is not made twice.
    pub accounts: Accounts,
}

impl<'a> WritingCommand<'a> {
    /// Opens the store, takes the leases and looks into what earlier runs left behind.
    ///
    /// `accounts` are those that are open already. Leases come before the first read, so that nothing
    /// another run of this program does can make the plan stale. Returns `CommandError::Locked` if
    /// another run holds an account for longer than `--lock-timeout`.
    pub async fn new(
        setup: &'a Setup,
        consent: &'a Consent,
        outputs: &'a Outputs,
        accounts: Accounts,
    ) -> CommandResult<Self> {
        Self::at(setup, consent, outputs, accounts, &BTreeSet::new()).await
    }

    /// Opens a run as `new` does, which may also write to the accounts at `places`.
    ///
    /// An undo uses it for objects that no manifest names any more. A sandbox run takes no lease, since
    /// its simulators are its own, and keeps a journal only if `--journal` names one.
    pub async fn at(
        setup: &'a Setup,
        consent: &'a Consent,
        outputs: &'a Outputs,
        accounts: Accounts,
        places: &BTreeSet<VendorAccount>,
    ) -> CommandResult<Self> {
        let run = clock::run_id();
        setup.settings.events.tell(|| Some(Event::version(&run)));
        // A trial run leaves no trace unless it is asked to.
        let trial = setup.is_trial();
        let remembers = !trial || consent.store.journal.is_some();
        let mut leases = Leases::default();
        let (mut queue, mut memory) = (None, Memory::default());
        if remembers {
            let args = setup.store_args(&consent.store);
            if !setup.settings.sandbox {
                stores::warn_of_empty(&args);
            }
            let store = stores::open_store(&args, Access::Write).await?;
            // The simulators of a run are its own: no other run can write to them.
            if !trial {
                match take_leases(setup, &*store, consent, places, &run).await? {
                    Ok(acquired) => leases = acquired,
                    Err(why) => return Err(CommandError::locked(why)),
                }
            }
            let accounts = stores::manifest_accounts(&setup.checked);
            memory = stores::read_memory(&*store, args.reader(), &accounts, Detail::Names).await?;
            queue = Some(stores::open_queue(&args, store, &run)?);
        }
        let mut writer = Self {
            setup,
            outputs,
            consent,
            run,
            queue,
            memory,
            leases,
            managed: None,
            accounts,
        };
        writer.examine_open_writes(!places.is_empty()).await?;
        Ok(writer)
    }

    /// Examines writes of earlier runs whose outcome is not in the journal, and records the findings.
    ///
    /// This precedes every other write: a plan must not build on a value that an unknown write may have
    /// changed. An open write that cannot be examined (its object is suspended, out of scope or
    /// unreadable) stays open, and a note says so. Returns `Err` if a finding cannot be recorded.
    async fn examine_open_writes(&mut self, unmanaged: bool) -> CommandResult<()> {
        let (checked, settings) = (&self.setup.checked, &self.setup.settings);
        let kept = &self.accounts;
        let examined =
            reconcile::examine_open_writes(&self.memory, checked, unmanaged, settings, kept).await;
        self.accounts = examined.accounts;
        let looked_at = |open: &OpenIntent| examined.found.iter().any(|(found, _)| found == open);
        for open in self.memory.open().filter(|open| !looked_at(open)) {
            let why = "it is suspended, out of scope or cannot be read, so that stays open";
            output::print_note(&format!(
                "{} Whether that was carried out: {why}.",
                cut_off(open)
            ));
        }
        for (open, finding) in examined.found {
            let words = finding.words();
            output::print_note(&format!("{} It was found {words}.", cut_off(&open)));
            let recorder = self.recorder(BTreeMap::new());
            let record = recorder.record_finding(&open, finding).await?;
            self.memory.follow(&record);
        }
        Ok(())
    }

    /// Returns a recorder for this run, with the account of each connection in `places`.
    fn recorder(&self, places: BTreeMap<String, VendorAccount>) -> Recorder {
        Recorder {
            leases: self.leases.clone(),
            scope: self.setup.store_args(&self.consent.store).scope,
            manifests: ManifestNames {
                environment: self.setup.checked.source.environment.clone(),
                files: left_objects::tree_names(),
            },
            ..Recorder::new(self.queue.clone(), &self.run, places, clock::now)
        }
    }

    /// Returns the run with the objects of all manifests, so that it tells which objects lost theirs.
    pub fn managing(self, managed: Option<ManifestCoverage>) -> Self {
        Self { managed, ..self }
    }

    /// Returns the objects that no manifest names any more.
    pub fn find_left(&self) -> LeftObjects {
        let managed = self.managed.as_ref();
        managed.map_or_else(LeftObjects::new, |managed| managed.find_left(&self.memory))
    }

    /// Returns the store, for `undo` to read the past run from. `Err` for a trial run, which has none.
    pub fn store(&self) -> CommandResult<&dyn Store> {
        let queue = self.queue.as_ref();
        let queue = queue.ok_or_else(|| user_error("a trial run has no past"))?;
        Ok(&**queue.store())
    }

    /// Shows a plan, asks, carries it out and reports the outcome.
    ///
    /// A `reviewed` plan (a saved one) was approved as it is, so nothing is asked. `--max-changes` is
    /// checked before the question: with a limit of 5 and 6 objects to update, every step is refused and
    /// nothing sent.
    ///
    /// Risks: where a person has agreed to the plan they saw, every risk in it is accepted. Without a
    /// question only the risks of `--allow` and of an object's own policy are, and the engine refuses
    /// the other steps.
    ///
    /// Returns `Exit::Error` after a "no". A signal's exit takes precedence over that of the steps. A
    /// journal with lost records turns `Done` into `Partly`, or into `Error` if nothing was to be
    /// written.
    pub async fn carry_out(self, pass: &Pass, reviewed: bool) -> CommandResult<Exit> {
        output::print_findings(&pass.findings())?;
        let document = &pass.document;
        let asked = !self.consent.auto_approve && !reviewed && document.summary.writing() > 0;
        let advice = match asked {
            true => RiskAdvice::Silent,
            false => RiskAdvice::Count,
        };
        self.outputs.preview(document, advice)?;
        if let Err(refusal) = self.check_limits(pass) {
            return self.refuse_all(pass, &refusal);
        }
        if asked && !approval::ask(&Question::about(&pass.planned))? {
            output::print_note("Nothing was changed.");
            return self.end(Stage::Planned, document, Exit::Error);
        }
        let settings = &self.setup.settings;
        let signals = Signals::listen(std::sync::Arc::clone(&settings.stop));
        let options = ApplyOptions {
            accepted: (!asked).then(|| highest_accepted(&self.consent.allow)),
            fail_fast: self.consent.fail_fast,
            recorder: self.recorder(pass.places()),
        };
        self.start(document, &options.recorder).await?;
        let reports = reconcile::apply_plan(pass, &options, settings).await;
        let interrupted = signals.exit();
        if document.summary.writing() > 0 {
            // The queue remembers what it could not write; `lost_record` reports it below.
            let _ = options.recorder.record_end(interrupted.is_some()).await;
        }
        let mut exit = interrupted.unwrap_or_else(|| exit::of_apply(&reports));
        match self.lost_record() {
            None => self.agree(&reports, pass, &options.recorder).await,
            Some(why) => {
                exit = exit::without_journal(exit, document.summary.writing() > 0);
                self.outputs.note(&why);
            }
        }
        let done = render::with_outcomes(document.clone(), &reports);
        let ended = self.end(Stage::Applied, &done, exit);
        self.compact().await;
        ended
    }

    /// Checks the plan against `--max-changes` and `--max-requests`.
    fn check_limits(&self, pass: &Pass) -> Result<(), Refusal> {
        let summary = &pass.document.summary;
        if let Some(most) = self.consent.max_changes {
            let (changing, objects) = (summary.writing(), summary.objects);
            guard::check_change_count(changing, objects, most, LimitBase::Plan)?;
        }
        match self.consent.requests.max_requests {
            Some(limit) => {
                guard::check_request_count(pass.count_requests(&self.setup.settings), limit)
            }
            None => Ok(()),
        }
    }

    /// Summarises the journal if it has grown long, after the leases are released.
    ///
    /// The next run then reads less. A failure is a warning only: the lines themselves are complete.
    async fn compact(self) {
        let Some(queue) = self.queue else { return };
        drop(self.leases);
        let accounts = stores::manifest_accounts(&self.setup.checked);
        let now = clock::now().to_string();
        let compacted = compact_if_long(&**queue.store(), &self.memory, &accounts, &now);
        if let Err(error) = compacted.await {
            output::print_warning(&with_causes(&error));
        }
    }

    /// Returns why the journal lacks records of this run, and how to add them; `None` if it is complete.
    fn lost_record(&self) -> Option<String> {
        let LostRecords { why, file } = self.queue.as_ref()?.lost_records()?;
        let file = file.map_or(String::new(), |file| {
            let file = file.display();
            format!("; once the store is back, `entitle store import {file}` tells it the rest")
        });
        Some(format!(
            "{}; it does not tell all that this run did: the next run looks at what it was writing{file}",
            with_causes(&*why)
        ))
    }

    /// Sends the summary event and shows how the run ended; returns `exit` unchanged.
    fn end(&self, stage: Stage, document: &PlanDocument, exit: Exit) -> CommandResult<Exit> {
        let summary = document.summary.clone();
        let exit_code = exit.code();
        self.setup
            .settings
            .events
            .tell(|| Some(Event::Summary { summary, exit_code }));
        self.outputs.finish_written(stage, document);
        Ok(exit)
    }

    /// Refuses every update of the plan for one reason, and reports it as a run that sent nothing.
    fn refuse_all(&self, pass: &Pass, refusal: &Refusal) -> CommandResult<Exit> {
        let why = refusal.to_string();
        let refused = |action: crate::plan::Disposition| action.writes();
        let reports = pass.planned.iter().map(|planned| {
            let outcome = refused(planned.action).then_some(Outcome::Refused);
            let words = outcome.map(|_| why.clone());
            Report::new(planned.clone(), outcome, words)
        });
        let reports: Vec<Report> = reports.collect();
        let done = render::with_outcomes(pass.document.clone(), &reports);
        // As text, the outcome below gives the reason once for all objects.
        if !self.outputs.prints_text() {
            output::print_refusal(&why);
        }
        self.end(Stage::Applied, &done, Exit::Refused)
    }

    /// Records who starts what, before the first write. A plan without updates leaves no record.
    ///
    /// Returns `Err` if the record cannot be written; then nothing is sent, because a write without a
    /// record could not be undone.
    async fn start(&self, document: &PlanDocument, recorder: &Recorder) -> CommandResult<()> {
        if document.summary.writing() == 0 {
            return Ok(());
        }
        let started = Started {
            by: find_actor(),
            commit: document.source.commit.clone(),
            plan: document.digest.clone(),
            objects: document.summary.writing(),
            sandbox: self.setup.settings.sandbox,
            purpose: match document.source.undo {
                Some(_) => Purpose::Undo,
                None => Purpose::Apply,
            },
            undoes: document.source.undo.clone(),
            request: None,
            paths: state::absolute_paths(&self.setup.checked.source.paths),
        };
        Ok(recorder.record_start(started).await?)
    }
}

impl WritingCommand<'_> {
    /// Records which objects are as the manifests say now; `drift` compares with these values later.
    ///
    /// An inverse plan is skipped: it brings back older values, which differ from those of the manifests. A
    /// failure is a warning only, because the writes themselves are recorded.
    async fn agree(&self, reports: &[Report], pass: &Pass, recorder: &Recorder) {
        let source = &pass.document.source;
        if source.undo.is_some() {
            return;
        }
        let agreed = reports.iter().filter_map(|report| {
            agreement::is_agreed(report, pass.fresh).then_some(&report.planned)
        });
        let sandbox = self.setup.settings.sandbox;
        let written = recorder.record_agreed(agreed, &self.memory, source.commit.as_ref(), sandbox);
        let written = match written.await {
            Ok(()) => recorder.record_left(&self.find_left()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            let why = with_causes(&*error);
            output::print_warning(&format!(
                "{why}; of objects in sync, `entitle drift` may know no base"
            ));
        }
    }
}

/// Takes the leases on all accounts that the run may write to.
///
/// These are the accounts of the desired objects, and for an undo the connections that may lead to one
/// of `places`. The wait is `--lock-timeout`, but never past the deadline of the run: with 60 s of
/// patience and 20 s left it is 20 s. Returns `Ok(Err(_))` if another run holds one, and `Err` if the
/// store fails.
async fn take_leases(
    setup: &Setup,
    store: &dyn Store,
    consent: &Consent,
    places: &BTreeSet<VendorAccount>,
    run: &str,
) -> CommandResult<Result<Leases, LeaseBusy>> {
    let checked = &setup.checked;
    let objects = checked.desired.iter();
    let mut names: BTreeSet<&str> = objects.map(|object| object.connection.as_str()).collect();
    let at_place = |name: &&String| {
        let account = reconcile::account_of(checked, name);
        places.iter().any(|known| known.may_be(&account))
    };
    let more = checked.connections.keys().filter(at_place);
    names.extend(more.map(String::as_str));
    let connections: Vec<&Connection> = names
        .iter()
        .filter_map(|name| checked.connections.get(*name))
        .collect();
    let left = setup
        .settings
        .deadline
        .saturating_duration_since(Instant::now());
    let holder = state::lease_holder(run);
    let patience = consent.lock_timeout.min(left);
    let taken = Leases::take_all(store, &connections, &holder, patience, &output::print_note).await;
    taken.map_err(|error| stores::explain_store_error(&consent.store, error))
}

/// Returns the sentence about a write that an earlier run left open.
fn cut_off(open: &OpenIntent) -> String {
    let OpenIntent {
        at,
        intent,
        unclear,
        ..
    } = open;
    let what = match unclear {
        true => "did not see what came of its write to",
        false => "was cut off while it wrote",
    };
    let (address, method, path) = (&intent.address, intent.method.as_str(), &intent.path);
    format!("A run of {at} {what} {address} ({method} {path}).")
}

/// Returns the highest risk that `--allow` names; none if it is not given. `strand` includes `reduce`.
fn highest_accepted(allow: &[AllowedRisk]) -> Accepted {
    let risk = allow.iter().map(|risk| match risk {
        AllowedRisk::Reduce => Risk::Reduce,
        AllowedRisk::Strand => Risk::Strand,
        AllowedRisk::Destroy => Risk::Destroy,
    });
    Accepted {
        risk: risk.max().unwrap_or_default(),
    }
}
