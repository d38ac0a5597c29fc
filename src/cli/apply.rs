//! `entitle apply`: plan, or take a saved plan; ask; carry out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Consent, Reach, Rendering, Selection};
use super::carry_out::{self, Writer};
use super::exit::Exit;
use super::outputs::Outputs;
use super::setup::Setup;
use super::{plan, setup, undo};
use crate::plan::document::PlanDocument;
use crate::reconcile;
use crate::render::view::Stage;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle apply\n  entitle apply licences --auto-approve --allow reduce\n  entitle apply plan.json\n  entitle apply examples --sandbox --auto-approve\n  entitle apply plan.json --events events.jsonl --report html=apply.html"
)]
pub struct Apply {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    rendering: Rendering,
    #[command(flatten)]
    consent: Consent,
}

pub async fn run(args: Apply) -> anyhow::Result<Exit> {
    let events = args.consent.events.clone();
    let outputs = Outputs::open(&args.rendering, Stage::Applied, events.as_deref())?;
    outputs.close(applied(args, &outputs).await)
}

async fn applied(mut args: Apply, outputs: &Outputs) -> anyhow::Result<Exit> {
    let saved = match args.selection.paths.as_slice() {
        [path] if is_plan(path) => Some(plan::open(path)?),
        _ => None,
    };
    if saved.is_none() {
        carry_out::refuse_unattended(&args.consent)?;
    }
    if let Some(document) = &saved {
        let sandboxed = document
            .source
            .connections
            .values()
            .any(|place| place == "the sandbox");
        if sandboxed != args.reach.sandbox && !document.source.connections.is_empty() {
            let flag = if sandboxed {
                "was made with"
            } else {
                "was made without"
            };
            anyhow::bail!("the plan {flag} --sandbox, and has to be applied the same way");
        }
        args.selection.paths = document.source.paths.iter().map(PathBuf::from).collect();
    }
    if let Some(document) = &saved
        && let Some(run) = &document.source.undo
    {
        let (selection, reach) = (&args.selection, &args.reach);
        return undo::apply(document, run, selection, reach, &args.consent, outputs).await;
    }
    let mut setup = setup::setup(&args.selection, &args.reach).await?;
    setup.settings.events = outputs.listener(args.consent.events.as_deref())?;
    let writer = Writer::new(&setup, &args.consent, outputs).await?;
    if let Some(document) = &saved {
        refuse_part(document, &setup, &args)?;
    }
    let reviewed = saved.is_some();
    let pass = match saved {
        Some(document) => reconcile::saved(document, &setup.checked, &setup.settings)
            .map_err(|why| anyhow::anyhow!(why))?,
        None => reconcile::plan(&setup.checked, &setup.settings).await,
    };
    writer.carry_out(&pass, reviewed).await
}

/// A saved plan is applied as it was reviewed: a scope that leaves some of it out is a misunderstanding.
fn refuse_part(document: &PlanDocument, setup: &Setup, args: &Apply) -> anyhow::Result<()> {
    let scope = &args.selection;
    let scoped = [&scope.target, &scope.exclude, &scope.selector]
        .iter()
        .any(|flag| !flag.is_empty());
    let held: BTreeSet<String> = setup
        .checked
        .desired
        .iter()
        .map(|object| object.address.to_string())
        .collect();
    let out = document
        .objects
        .iter()
        .find(|object| !held.contains(&object.address));
    match out.filter(|_| scoped) {
        Some(object) => anyhow::bail!(
            "{} is in the plan and not in the scope: a saved plan is applied whole, so plan again",
            object.address
        ),
        None => Ok(()),
    }
}

/// Whether a path names a saved plan rather than manifests.
fn is_plan(path: &Path) -> bool {
    let manifest = path
        .extension()
        .is_some_and(|ext| ext == "yaml" || ext == "yml");
    path.is_file() && !manifest
}
