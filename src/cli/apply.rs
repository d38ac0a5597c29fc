//! `entitle apply`: plan, ask, carry out.

use std::io::{BufRead, IsTerminal, Write};

use super::args::{AllowedRisk, Apply, Format};
use super::exit::{self, Exit};
use super::{output, plan, setup};
use crate::model::Risk;
use crate::plan::document::PlanDocument;
use crate::plan::guard::Accepted;
use crate::reconcile::{self, ApplyOptions};
use crate::render;

pub async fn run(args: Apply) -> anyhow::Result<Exit> {
    let attended = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !args.auto_approve && !attended {
        anyhow::bail!("nobody can be asked here: pass --auto-approve to apply without asking");
    }
    let Some(setup) = setup::setup(&args.selection, &args.reach).await? else {
        return Ok(Exit::Error);
    };
    let pass = reconcile::plan(&setup.checked, &setup.settings).await;
    let document = plan::document(&setup.checked, &pass);
    if args.format == Format::Text {
        output::plan(&document, args.format)?;
    }
    let asked = !args.auto_approve && document.summary.update > 0;
    if asked && !approved(&document)? {
        anstream::eprintln!("Nothing was changed.");
        return Ok(Exit::Error);
    }
    let options = ApplyOptions {
        accepted: (!asked).then(|| accepted(&args.allow)),
        fail_fast: args.fail_fast,
    };
    let reports = reconcile::apply(pass, &options, &setup.settings).await;
    let done = render::with_outcomes(document, &reports);
    output::outcome(&done, args.format)?;
    Ok(exit::of_apply(&reports))
}

fn accepted(allow: &[AllowedRisk]) -> Accepted {
    let risk = allow.iter().map(|risk| match risk {
        AllowedRisk::Reduce => Risk::Reduce,
        AllowedRisk::Strand => Risk::Strand,
    });
    Accepted {
        risk: risk.max().unwrap_or_default(),
    }
}

/// Asks the person at the terminal; anything but a clear yes is a no.
fn approved(document: &PlanDocument) -> anyhow::Result<bool> {
    let objects = render::text::count(document.summary.update, "object");
    let danger = match (document.summary.strand, document.summary.reduce) {
        (0, 0) => "",
        (0, _) => " Some of it takes something away.",
        _ => " Some of it takes away what is in use.",
    };
    anstream::eprint!("\nUpdate {objects}?{danger} Only `yes` is a yes: ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}
