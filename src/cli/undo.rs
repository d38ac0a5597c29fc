//! `entitle undo`: plans the inverse of a past apply, and carries it out like any other plan.
//!
//! In: the name of a run, manifests, and the journal. Out: writes at vendors, or with `--out` a saved
//! inverse plan. Which value a field returns to is decided in `reconcile`; this module finds the run,
//! opens the store and shows the result. The inverse is compared with live objects first, so that a
//! later change by another person or program is not overwritten silently.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Consent, Reach, Rendering, Selection, StoreArgs};
use super::carry_out::{self, WritingCommand};
use super::command_run::Access;
use super::exit::Exit;
use super::outputs::Outputs;
use super::scope::Scope;
use super::setup::{self, Setup};
use super::{output, plan, state, stores};
use crate::apply::memory::VendorAccount;
use crate::apply::memory::history::{RunNameError, find_named_run};
use crate::apply::memory::runs::{PastRunReader, Runs, WritingRun};
use crate::apply::store::Store;
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::model::PathPattern;
use crate::plan::document::PlanDocument;
use crate::reconcile::{self, Accounts, Checked, Take, Undone};
use crate::render::view::Stage;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle undo latest\n  entitle undo 0199f3 licences --auto-approve --allow reduce\n  entitle undo latest --field activations_allowed"
)]
pub struct Undo {
    /// The run to take back, as `entitle history` names it; its beginning is enough. `latest` is the last one of these
    /// manifests that wrote something
    #[arg(value_name = "RUN|latest")]
    run: String,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    rendering: Rendering,
    /// Only plan, and save the inverse plan, to be applied later exactly as shown
    #[arg(long, value_name = "FILE", env = "ENTITLE_OUT")]
    out: Option<PathBuf>,
    /// Take back this field only, also where it was changed since; may be given several times
    #[arg(long, value_name = "PATH", env = "ENTITLE_FIELD", value_parser = PathPattern::parse)]
    field: Vec<PathPattern>,
    /// Take back objects too that no manifest names any more
    #[arg(long, env = "ENTITLE_INCLUDE_UNMANAGED")]
    include_unmanaged: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Opens the outputs, undoes the run, and closes the outputs after a success and after an error.
pub async fn run(args: Undo) -> CommandResult<Exit> {
    let events = args.consent.events.as_deref();
    let outputs = Outputs::open(&args.rendering, Stage::Applied, events)?;
    outputs.close(plan_and_undo(&args, &outputs).await)
}

/// Plans the inverse of the named run, then saves it (`--out`) or carries it out.
///
/// All manifests are loaded, and `--target` narrows the objects of the run afterwards: an object may
/// have been renamed since. With `--include-unmanaged` the leases also cover the accounts of the run
/// that are reached by no object of the manifests.
async fn plan_and_undo(args: &Undo, outputs: &Outputs) -> CommandResult<Exit> {
    let mut setup = setup::set_up(&args.selection.whole(), &args.reach).await?;
    setup.settings.events = outputs.listener(args.consent.events.as_deref())?;
    setup.settings.checks = args.consent.checks.of_writes();
    setup.heed_others(&args.consent.store.shared).await?;
    let store_args = setup.store_args(&args.consent.store);
    let store = stores::open_store(&store_args, Access::Read).await?;
    let wrote = find_run(&*store, &store_args, &args.run, &setup.checked).await?;
    if args.out.is_none() {
        carry_out::refuse_unattended(&args.consent)?;
    }
    let take = Take {
        fields: args.field.clone(),
        unmanaged: args.include_unmanaged,
        ..Take::default()
    };
    let places = if take.unmanaged {
        &wrote.places
    } else {
        &BTreeSet::new()
    };
    let writer = open_writer(&setup, &args.consent, outputs, places).await?;
    let scope = Scope::new(&args.selection)?;
    let undone = plan_inverse(
        &wrote.run,
        &take,
        &scope,
        &setup,
        writer.store()?,
        &writer.accounts,
    )
    .await?;
    if let Some(out) = &args.out {
        plan::save_plan(out, &undone.pass.document)?;
        outputs.finish(Stage::Planned, &undone.pass.document)?;
        let (file, apply) = (out.display(), plan::apply_with(out, &args.selection));
        output::print_note(&format!(
            "Saved to {file}. Apply exactly this with: {apply}"
        ));
        return Ok(exit_of_partial(Exit::Done, &undone));
    }
    let exit = writer.carry_out(&undone.pass, false).await?;
    Ok(exit_of_partial(exit, &undone))
}

/// Carries out a saved inverse plan, object by object.
///
/// An object whose inverse has changed since the plan was saved is stale and left out; the others are written.
/// Returns `Exit::Stale` if stale objects are the only fault. Called by `apply` for a plan with an `undo`
/// source.
pub async fn apply_saved_undo(
    saved: PlanDocument,
    selection: &Selection,
    reach: &Reach,
    consent: &Consent,
    outputs: &Outputs,
) -> CommandResult<Exit> {
    let run = saved.source.undo.clone().unwrap_or_default();
    let mut setup = setup::set_up(&selection.whole(), reach).await?;
    setup.settings.events = outputs.listener(consent.events.as_deref())?;
    setup.settings.checks = consent.checks.of_writes();
    setup.heed_others(&consent.store.shared).await?;
    let take = Take::shown(&saved);
    let store_args = setup.store_args(&consent.store);
    let store = stores::open_store(&store_args, Access::Read).await?;
    let wrote = find_run(&*store, &store_args, &run, &setup.checked).await?;
    let writer = open_writer(&setup, consent, outputs, &wrote.places).await?;
    let scope = Scope::new(selection)?;
    let mut undone = plan_inverse(
        &run,
        &take,
        &scope,
        &setup,
        writer.store()?,
        &writer.accounts,
    )
    .await?;
    let gone = undone.hold_to(&saved, &|address| scope.names(address));
    output::print_findings(&gone)?;
    let exit = writer.carry_out(&undone.pass, true).await?;
    Ok(match exit_of_partial(exit, &undone) {
        Exit::Done if gone.iter().next().is_some() => Exit::Stale,
        exit => exit,
    })
}

/// Opens a run that may write to the objects of the manifests, and to the accounts at `places`.
async fn open_writer<'a>(
    setup: &'a Setup,
    consent: &'a Consent,
    outputs: &'a Outputs,
    places: &BTreeSet<VendorAccount>,
) -> CommandResult<WritingCommand<'a>> {
    WritingCommand::at(setup, consent, outputs, Accounts::new(), places).await
}

/// Returns `Exit::Partly` for a successful exit if the inverse does not cover all that the run wrote.
fn exit_of_partial(exit: Exit, undone: &Undone) -> Exit {
    let whole = undone.findings.iter().next().is_none();
    if exit == Exit::Done && !whole {
        Exit::Partly
    } else {
        exit
    }
}

/// Reads the writes of a run from the journal, narrows them to the scope and plans their inverse.
///
/// The document is marked as the inverse of `run`, so that a later `apply` of it takes the path of an
/// undo. Findings about writes that cannot be undone are printed.
async fn plan_inverse(
    run: &str,
    take: &Take,
    scope: &Scope,
    setup: &Setup,
    store: &dyn Store,
    accounts: &Accounts,
) -> CommandResult<Undone> {
    let mut reader = PastRunReader::new(run);
    let damage = stores::read_records(store, |record| reader.add(&record));
    // Damaged lines are reported where the store is read into memory.
    damage.await?.known();
    let past = reader.end();
    let mut writes = reconcile::past_writes(&past, &setup.checked);
    scope.narrow_run(&mut writes, &past, &setup.checked)?;
    let checked = setup.checked.clone();
    let prepared = reconcile::prepare_undo(run, writes, take, checked)?;
    let unset = reconcile::find_unset_variables(prepared.checked(), &setup.settings);
    output::print_findings(&unset)?;
    let mut undone = prepared.plan(take, &setup.settings, accounts).await;
    let document = undone.pass.document;
    undone.pass.document = document.inverse_of(run, &undone.findings);
    output::print_findings(&undone.findings)?;
    Ok(undone)
}

/// Returns the run that the user named: by the beginning of its name, or as `latest`.
///
/// `latest` is the last run that wrote something and belongs to these manifests. Later runs on the same
/// accounts that are passed over are named in a note. With runs `0199f3a`, `0199f3b` and `0199f4c`,
/// `0199f4` names one run, while `0199f3` is an `Err` because it names two.
///
/// A run of another scope is refused, also by its name: it belongs to another environment or repository.
async fn find_run(
    store: &dyn Store,
    args: &StoreArgs,
    name: &str,
    checked: &Checked,
) -> CommandResult<WritingRun> {
    let (mut runs, reader) = (Runs::default(), args.reader());
    let damage = stores::read_records(store, |record| runs.add(&record));
    damage.await?.known();
    let is_idle = runs.has(name);
    let runs = runs.that_wrote();
    let is_visible = |run: &&WritingRun| match name {
        // `latest` is the latest run of these manifests; a name may be one from before there were scopes.
        "latest" => reader.owns(run.scope.as_deref()),
        _ => reader.sees(run.scope.as_deref()),
    };
    let (runs, others): (Vec<&WritingRun>, Vec<&WritingRun>) = runs.iter().partition(is_visible);
    if name == "latest" {
        let managed = ManagedRuns::new(checked);
        let at = runs.iter().rposition(|run| managed.has(run));
        let later = at.map_or(&[][..], |at| &runs[at + 1..]);
        let near = later.iter().filter(|run| managed.is_near(run));
        tell_later(near.copied());
        return at.map(|at| runs[at].clone()).ok_or_else(|| {
            let elsewhere = stores::hint_at_shared_store(args);
            let elsewhere = elsewhere.map_or(String::new(), |hint| format!(". It is {hint}"));
            user_error(format_args!(
                "the journal has no run of these manifests that wrote anything; see `entitle history`{elsewhere}"
            ))
        });
    }
    let names: BTreeSet<&str> = runs.iter().map(|run| run.run.as_str()).collect();
    let found = match find_named_run(name, &names) {
        Ok(found) => runs.into_iter().find(|run| run.run == found),
        Err(RunNameError::Unknown(_)) if let Some(other) = named_run(name, &others) => {
            return Err(refuse_scope(other, args));
        }
        Err(RunNameError::Unknown(name)) if is_idle => {
            bail!("the run {name} changed nothing, so there is nothing to take back")
        }
        Err(error) => return Err(stores::explain_run_name(args, error)),
    };
    let unknown = || RunNameError::Unknown(name.to_string()).into();
    found.cloned().ok_or_else(unknown)
}

/// Returns the first run whose name begins with `name`.
fn named_run<'a>(name: &str, runs: &[&'a WritingRun]) -> Option<&'a WritingRun> {
    runs.iter().find(|run| run.run.starts_with(name)).copied()
}

/// Returns the error for a run of another scope than the one of these manifests.
fn refuse_scope(run: &WritingRun, args: &StoreArgs) -> CommandError {
    let scope = |scope: &Option<String>| scope.clone().unwrap_or_default();
    user_error(format_args!(
        "the run {} belongs to the scope `{}`, and these manifests to `{}`: undo it with its own environment, or name its scope by --scope",
        run.run,
        scope(&run.scope),
        scope(&args.scope),
    ))
}

/// Prints a note with the runs that `latest` passed over, since one of them may have been meant.
fn tell_later<'a>(runs: impl Iterator<Item = &'a WritingRun>) {
    let names: Vec<&str> = runs.map(|run| run.run.as_str()).collect();
    if !names.is_empty() {
        let names = names.join(", ");
        output::print_note(&format!(
            "Not the latest run of the account: {names} wrote to objects that these manifests do not name."
        ));
    }
}

/// The objects, accounts and paths of the manifests, by which their own runs are recognised.
struct ManagedRuns {
    objects: reconcile::Keys,
    places: BTreeSet<VendorAccount>,
    paths: Vec<String>,
}

impl ManagedRuns {
    /// Collects the keys from the checked manifests.
    fn new(checked: &Checked) -> Self {
        let connections = checked.source.connections.keys();
        Self {
            objects: reconcile::journal_keys(checked),
            places: connections
                .map(|name| reconcile::account_of(checked, name))
                .collect(),
            paths: state::absolute_paths(&checked.source.paths),
        }
    }

    /// Reports whether a run belongs to these manifests: it wrote one of the objects, or ran on the same
    /// paths.
    ///
    /// Paths match if the run's path lies below one of ours. Records of older versions hold no paths;
    /// for those a shared account is enough.
    fn has(&self, run: &WritingRun) -> bool {
        let within = |one: &str, other: &str| Path::new(one).starts_with(other);
        let related = |path: &String| self.paths.iter().any(|managed| within(path, managed));
        run.objects.iter().any(|key| self.objects.contains(key))
            || run.paths.iter().any(related)
            || run.paths.is_empty() && self.is_near(run)
    }

    /// Reports whether a run wrote to one of the accounts.
    fn is_near(&self, run: &WritingRun) -> bool {
        let managed =
            |account: &VendorAccount| self.places.iter().any(|managed| managed.may_be(account));
        run.places.iter().any(managed)
    }
}
