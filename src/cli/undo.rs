//! `entitle undo`: the inverse of a past apply, planned and carried out like any other plan.

use std::path::PathBuf;

use clap::Args;

use super::args::{Consent, Reach, Rendering, Selection};
use super::carry_out::{self, Writer};
use super::exit::{Exit, Stale};
use super::outputs::Outputs;
use super::scope::Scope;
use super::setup::{self, Setup};
use super::{output, plan, state};
use crate::apply::past::{PastRun, runs_that_wrote};
use crate::plan::document::PlanDocument;
use crate::reconcile::{self, Undone};
use crate::render::view::Stage;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle undo latest\n  entitle undo 0199f3 licences --auto-approve --allow reduce"
)]
pub struct Undo {
    /// The run to take back, as `entitle history` names it; its beginning is enough
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
    #[command(flatten)]
    consent: Consent,
}

pub async fn run(args: Undo) -> anyhow::Result<Exit> {
    let events = args.consent.events.as_deref();
    let outputs = Outputs::open(&args.rendering, Stage::Applied, events)?;
    outputs.close(undone(&args, &outputs).await)
}

async fn undone(args: &Undo, outputs: &Outputs) -> anyhow::Result<Exit> {
    if args.out.is_none() {
        carry_out::refuse_unattended(&args.consent)?;
    }
    let run = find(&args.consent, &args.run)?;
    let mut past = past(&args.consent, &run)?;
    let mut setup = setup::setup(&args.selection.whole(), &args.reach).await?;
    Scope::new(&args.selection)?.narrow_run(&mut past, &setup.checked)?;
    setup.settings.events = outputs.listener(args.consent.events.as_deref())?;
    setup.settings.checks = args.consent.checks.of_writes();
    let writer = Writer::new(&setup, &args.consent, outputs).await?;
    let undone = inverse(&past, &setup).await?;
    if let Some(out) = &args.out {
        plan::save(out, &undone.pass.document)?;
        outputs.finish(Stage::Planned, &undone.pass.document)?;
        let (file, apply) = (out.display(), plan::apply_with(out, &args.selection));
        output::say(&format!(
            "Saved to {file}. Apply exactly this with: {apply}"
        ));
        return Ok(Exit::Done);
    }
    let exit = writer.carry_out(&undone.pass, false).await?;
    Ok(partly(exit, &undone))
}

/// Carries out an inverse plan that was saved. Lists are taken back from what they are now, so all of it
/// must still be as it was when the plan was made.
pub async fn apply(
    saved: &PlanDocument,
    run: &str,
    selection: &Selection,
    reach: &Reach,
    consent: &Consent,
    outputs: &Outputs,
) -> anyhow::Result<Exit> {
    let mut past = past(consent, run)?;
    let mut setup = setup::setup(&selection.whole(), reach).await?;
    Scope::new(selection)?.narrow_run(&mut past, &setup.checked)?;
    setup.settings.events = outputs.listener(consent.events.as_deref())?;
    setup.settings.checks = consent.checks.of_writes();
    let writer = Writer::new(&setup, consent, outputs).await?;
    let undone = inverse(&past, &setup).await?;
    if !undone.pass.document.same_work(saved) {
        let why = "the objects changed after the plan was made; nothing was sent: undo again";
        return Err(Stale(why.into()).into());
    }
    let exit = writer.carry_out(&undone.pass, true).await?;
    Ok(partly(exit, &undone))
}

fn partly(exit: Exit, undone: &Undone) -> Exit {
    if exit == Exit::Done && !undone.lost.is_empty() {
        Exit::Partly
    } else {
        exit
    }
}

/// Reads what a run wrote from the journal. Which lines are damaged is told where the journal is written.
fn past(consent: &Consent, run: &str) -> anyhow::Result<PastRun> {
    let (past, _) = state::read_journal(&consent.journal, |records| PastRun::of(run, records))?;
    Ok(past)
}

async fn inverse(past: &PastRun, setup: &Setup) -> anyhow::Result<Undone> {
    let mut undone = reconcile::undo(past, setup.checked.clone(), &setup.settings)
        .await
        .map_err(|why| anyhow::anyhow!(why))?;
    undone.pass.document = undone.pass.document.inverse_of(&past.run);
    for lost in &undone.lost {
        output::say(&format!("Cannot be taken back: {lost}"));
    }
    Ok(undone)
}

/// The run that the user named: `latest`, or the beginning of a name.
fn find(consent: &Consent, wanted: &str) -> anyhow::Result<String> {
    let (runs, _) = state::read_journal(&consent.journal, |records| runs_that_wrote(records))?;
    let found: Vec<&String> = match wanted {
        "latest" => runs.last().into_iter().collect(),
        name => runs.iter().filter(|run| run.starts_with(name)).collect(),
    };
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => anyhow::bail!(
            "the journal has no run {wanted} that wrote anything; see `entitle history`"
        ),
        several => anyhow::bail!(
            "{wanted} is the beginning of {} runs; write more of it",
            several.len()
        ),
    }
}
