//! What `apply` and `undo` share: locks, journal, consent, the run itself and its exit.

use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal};
use std::sync::Arc;

use tokio::time::Instant;

use super::args::{AllowedRisk, Consent};
use super::exit::{self, Exit};
use super::outputs::Outputs;
use super::setup::Setup;
use super::signals::Signals;
use super::stores::{self, Access};
use super::{output, state};
use crate::apply::clock;
use crate::apply::journal::{Purpose, Started};
use crate::apply::memory::{Detail, Memory, OpenIntent, VendorAccount, agreement};
use crate::apply::recorder::Recorder;
use crate::apply::store::compact::compact_if_long;
use crate::apply::store::{LeaseBusy, Leases, LostRecords, RecordQueue, Store};
use crate::apply::{Event, Outcome, Report};
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::model::wording::pluralize;
use crate::model::{Connection, Risk};
use crate::plan::Refusal;
use crate::plan::document::PlanDocument;
use crate::plan::guard::{self, Accepted, LimitBase};
use crate::reconcile::{self, Accounts, ApplyOptions, Pass};
use crate::render::{self, view::Stage};

/// Stops a run early that would have to ask where nobody can answer.
pub fn refuse_unattended(consent: &Consent) -> CommandResult<()> {
    let attended = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !consent.auto_approve && !attended {
        bail!("nobody can be asked here: pass --auto-approve to apply without asking");
    }
    Ok(())
}

/// A run that may write: its locks are held until it is dropped.
pub struct WritingCommand<'a> {
    setup: &'a Setup,
    outputs: &'a Outputs,
    consent: &'a Consent,
    run: String,
    /// `None` for trials, which nobody remembers.
    queue: Option<Arc<RecordQueue>>,
    memory: Memory,
    leases: Leases,
    /// What was opened to look into writes that were cut off.
    pub accounts: Accounts,
}

impl<'a> WritingCommand<'a> {
    /// Opens the store, takes the leases and looks into what earlier runs left behind, over `accounts` as far as they are
    /// open. Leases come before the first read, so that nothing another run of this program does can make the plan stale.
    pub async fn new(
        setup: &'a Setup,
        consent: &'a Consent,
        outputs: &'a Outputs,
        accounts: Accounts,
    ) -> CommandResult<Self> {
        Self::at(setup, consent, outputs, accounts, &BTreeSet::new()).await
    }

    /// The same for a run that may write to the accounts at `places` beside those that the manifests use.
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
        let sandbox = setup.settings.sandbox;
        let remembers = !sandbox || consent.store.journal.is_some();
        let mut leases = Leases::default();
        let (mut queue, mut memory) = (None, Memory::default());
        if remembers {
            let args = match sandbox {
                true => consent.store.own(),
                false => consent.store.clone(),
            };
            if !sandbox {
                stores::warn_of_empty(&args);
            }
            let store = stores::open_store(&args, Access::Write).await?;
            // The simulators of a run are its own: nobody else can write to them.
            if !sandbox {
                match take_leases(setup, &*store, consent, places, &run).await? {
                    Ok(held) => leases = held,
                    Err(why) => return Err(CommandError::locked(why)),
                }
            }
            let accounts = stores::manifest_accounts(&setup.checked);
            memory = stores::read_memory(&*store, &accounts, Detail::Agreements).await?;
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
            accounts,
        };
        writer.examine_open_writes(!places.is_empty()).await?;
        Ok(writer)
    }

    /// Looks into writes of earlier runs whose end nobody knows. Nothing else may be written before.
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

    fn recorder(&self, places: BTreeMap<String, VendorAccount>) -> Recorder {
        Recorder {
            leases: self.leases.clone(),
            scope: self.consent.store.scope.clone(),
            ..Recorder::new(self.queue.clone(), &self.run, places, clock::now)
        }
    }

    /// Returns the store, for what has to be read from it once more.
    pub fn store(&self) -> CommandResult<&dyn Store> {
        let queue = self.queue.as_ref();
        let queue = queue.ok_or_else(|| user_error("a trial run has no past"))?;
        Ok(&**queue.store())
    }

    /// Shows, asks, carries out and reports a plan. `reviewed` plans have been approved as they are.
    pub async fn carry_out(self, pass: &Pass, reviewed: bool) -> CommandResult<Exit> {
        output::print_findings(&pass.findings())?;
        let document = &pass.document;
        self.outputs.preview(document)?;
        if let Some(most) = self.consent.max_changes {
            let (changing, objects) = (document.summary.update, document.summary.objects);
            let checked = guard::check_change_count(changing, objects, most, LimitBase::Plan);
            if let Err(refusal) = checked {
                return self.refuse_all(pass, &refusal);
            }
        }
        let asked = !self.consent.auto_approve && !reviewed && document.summary.update > 0;
        if asked && !ask_for_approval(document)? {
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
        if document.summary.update > 0 {
            // The queue remembers what it could not write.
            let _ = options.recorder.record_end(interrupted.is_some()).await;
        }
        let mut exit = interrupted.unwrap_or_else(|| exit::of_apply(&reports));
        match self.lost_record() {
            None => self.agree(&reports, pass, &options.recorder).await,
            Some(why) => {
                exit = exit::without_journal(exit, document.summary.update > 0);
                self.outputs.note(&why);
            }
        }
        let done = render::with_outcomes(document.clone(), &reports);
        let ended = self.end(Stage::Applied, &done, exit);
        self.compact().await;
        ended
    }

    /// Keeps what the next run has to read short. Nobody has to wait for it.
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

    /// Says why the journal does not tell all that was done; `None` if it does.
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

    /// Tells and shows how the run ended.
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

    /// Refuses every step for one reason.
    fn refuse_all(&self, pass: &Pass, refusal: &Refusal) -> CommandResult<Exit> {
        let why = refusal.to_string();
        let refused = |action| action == crate::plan::Disposition::Update;
        let reports = pass.planned.iter().map(|planned| {
            let outcome = refused(planned.action).then_some(Outcome::Refused);
            let words = outcome.map(|_| why.clone());
            Report::new(planned.clone(), outcome, words)
        });
        let reports: Vec<Report> = reports.collect();
        let done = render::with_outcomes(pass.document.clone(), &reports);
        output::print_refusal(&why);
        self.end(Stage::Applied, &done, Exit::Refused)
    }

    async fn start(&self, document: &PlanDocument, recorder: &Recorder) -> CommandResult<()> {
        if document.summary.update == 0 {
            return Ok(());
        }
        let started = Started {
            by: state::find_actor(),
            commit: document.source.commit.clone(),
            plan: document.digest.clone(),
            objects: document.summary.update,
            sandbox: self.setup.settings.sandbox,
            purpose: match document.source.undo {
                Some(_) => Purpose::Undo,
                None => Purpose::Apply,
            },
            undoes: document.source.undo.clone(),
            paths: state::absolute_paths(&self.setup.checked.source.paths),
        };
        Ok(recorder.record_start(started).await?)
    }
}

impl WritingCommand<'_> {
    /// Writes down what is as the manifests want it now. An inverse wants something else.
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
        if let Err(error) = written.await {
            let why = with_causes(&*error);
            output::print_warning(&format!(
                "{why}; of objects in sync, `entitle drift` may know no base"
            ));
        }
    }
}

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
        let own = reconcile::account_of(checked, name);
        places.iter().any(|place| place.may_be(&own))
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

/// What an earlier run left behind.
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

fn highest_accepted(allow: &[AllowedRisk]) -> Accepted {
    let risk = allow.iter().map(|risk| match risk {
        AllowedRisk::Reduce => Risk::Reduce,
        AllowedRisk::Strand => Risk::Strand,
    });
    Accepted {
        risk: risk.max().unwrap_or_default(),
    }
}

/// Asks the person at the terminal; anything but a clear yes is a no.
fn ask_for_approval(document: &PlanDocument) -> CommandResult<bool> {
    let objects = pluralize(document.summary.update, "object");
    let danger = match (document.summary.strand, document.summary.reduce) {
        (0, 0) => "",
        (0, _) => " Some of it takes something away.",
        _ => " Some of it takes away what is in use.",
    };
    output::print_note("");
    output::print_question(&format!("Update {objects}?{danger} Only `yes` is a yes: "))?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}
