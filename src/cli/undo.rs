//! `entitle undo`: the inverse of a past apply, planned and carried out like any other plan.

use std::io::Write;

use super::args::Undo;
use super::carry_out::{self, Writer};
use super::exit::Exit;
use super::{output, setup, state};
use crate::apply::journal::{Event, History};
use crate::reconcile;
use crate::render;

pub async fn run(args: Undo) -> anyhow::Result<Exit> {
    if args.out.is_none() {
        carry_out::refuse_unattended(&args.consent)?;
    }
    let path = state::journal(&args.consent.journal)?;
    let history = History::read(&path)
        .map_err(|error| anyhow::anyhow!("cannot read the journal {}: {error}", path.display()))?;
    let run = find(&history, &args.run)?;
    let Some(setup) = setup::setup(&args.selection, &args.reach).await? else {
        return Ok(Exit::Error);
    };
    let writer = match Writer::new(&setup, &args.consent).await? {
        Ok(writer) => writer,
        Err(exit) => return Ok(exit),
    };
    let checked = setup.checked.clone();
    let undone = reconcile::undo(&history, &run, checked, &setup.settings)
        .await
        .map_err(|why| anyhow::anyhow!(why))?;
    for lost in &undone.lost {
        anstream::eprintln!("Cannot be taken back: {lost}");
    }
    if let Some(out) = &args.out {
        output::plan(&undone.pass.document, args.format)?;
        let mut file = std::fs::File::create(out)?;
        render::json::write(&mut file, &undone.pass.document)?;
        file.flush()?;
        return Ok(Exit::Done);
    }
    let exit = writer.carry_out(&undone.pass, false, args.format).await?;
    Ok(if exit == Exit::Done && !undone.lost.is_empty() {
        Exit::Partly
    } else {
        exit
    })
}

/// The run that the user named: `latest`, or the beginning of a name.
fn find(history: &History, wanted: &str) -> anyhow::Result<String> {
    let wrote = |run: &str| {
        history
            .of(run)
            .any(|record| matches!(record.event, Event::Intent(_)))
    };
    let runs: Vec<&str> = history
        .runs()
        .into_iter()
        .filter(|run| wrote(run))
        .collect();
    let found: Vec<&str> = match wanted {
        "latest" => runs.last().copied().into_iter().collect(),
        name => runs
            .iter()
            .copied()
            .filter(|run| run.starts_with(name))
            .collect(),
    };
    match found.as_slice() {
        [one] => Ok((*one).to_string()),
        [] => anyhow::bail!(
            "the journal has no run {wanted} that wrote anything; see `entitle history`"
        ),
        several => anyhow::bail!(
            "{wanted} is the beginning of {} runs; write more of it",
            several.len()
        ),
    }
}
