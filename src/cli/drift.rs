//! `entitle drift`: who changed what since the last apply, or since a commit.

use std::io::{BufWriter, Write};
use std::path::Path;

use super::args::{Drift, Format};
use super::exit::Exit;
use super::setup::{self, Files, Setup};
use super::{git, output, project, state};
use crate::apply::journal::History;
use crate::reconcile::{self, Bases};
use crate::render;

pub async fn run(args: Drift) -> anyhow::Result<Exit> {
    let accepted = project::accepted(args.accepted.as_deref())?;
    let files = accepted.as_deref().map_or(Files::Named, Files::And);
    let setup = setup::setup_with(&args.selection, &args.reach, files).await?;
    let bases = bases(&args, &setup).await?;
    if bases.partial {
        anstream::eprintln!(
            "Some manifests of the base do not pass the checks of this version: no base for those."
        );
    }
    let scope = &args.selection;
    let narrowed = (!scope.paths.is_empty() && scope.paths != project::paths())
        || !scope.target.is_empty()
        || !scope.exclude.is_empty()
        || !scope.selector.is_empty();
    let drift = reconcile::drift(&setup.checked, &bases, narrowed, &setup.settings);
    let (document, findings) = drift.await;
    output::findings(&findings)?;
    let mut out = BufWriter::new(output::stdout());
    if args.format == Format::Json {
        render::json::write(&mut out, &document)?;
    } else {
        render::drift::drift(&mut out, &document)?;
    }
    out.flush()?;
    Ok(if document.summary.failed > 0 {
        Exit::Error
    } else if document.summary.drifted > 0 {
        Exit::Changes
    } else {
        Exit::Done
    })
}

async fn bases(args: &Drift, setup: &Setup) -> anyhow::Result<Bases> {
    if let Some(commit) = &args.base {
        let snapshot = git::snapshot(commit, &args.selection.paths).await?;
        return Ok(Bases::commit(snapshot.commit, &snapshot.sources));
    }
    // A trial run has no past but the one it is shown.
    if setup.settings.sandbox && args.journal.journal.is_none() {
        return Ok(Bases::journal(&History::default(), true));
    }
    let path = state::journal(&args.journal)?;
    let history = read(&path)?;
    Ok(Bases::journal(&history, setup.settings.sandbox))
}

fn read(path: &Path) -> anyhow::Result<History> {
    let history = History::read(path)
        .map_err(|error| anyhow::anyhow!("cannot read the journal {}: {error}", path.display()))?;
    for line in &history.damaged {
        anstream::eprintln!(
            "warning: line {line} of the journal {} is damaged",
            path.display()
        );
    }
    Ok(history)
}
