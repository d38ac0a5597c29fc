//! `entitle plan`: what an apply would change.

use jiff::Timestamp;

use super::args::Plan;
use super::exit::Exit;
use super::{output, setup};
use crate::plan::document::PlanDocument;
use crate::reconcile::{self, Checked, Pass};

pub async fn run(args: Plan) -> anyhow::Result<Exit> {
    let Some(setup) = setup::setup(&args.selection, &args.reach).await? else {
        return Ok(Exit::Error);
    };
    let pass = reconcile::plan(&setup.checked, &setup.settings).await;
    let document = document(&setup.checked, &pass);
    output::plan(&document, args.format)?;
    let summary = &document.summary;
    Ok(if summary.failed > 0 {
        Exit::Error
    } else if args.detailed_exitcode && summary.update + summary.observe_only > 0 {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// The plan of a pass as the contract shows it.
pub fn document(checked: &Checked, pass: &Pass) -> PlanDocument {
    PlanDocument::new(
        &pass.planned,
        checked.source.clone(),
        &pass.limits,
        &checked.findings,
        Timestamp::now(),
    )
}
