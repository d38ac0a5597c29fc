//! `entitle plan`: what an apply would change; with `--out`, saved to be applied exactly as shown.

use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Reach, Rendering, Selection, SharedStore};
use super::exit::Exit;
use super::output;
use super::outputs::Outputs;
use super::{project, setup};
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::files::read::{self, PIPE_TIMEOUT, ReadBounds};
use crate::files::write::{FileMode, Output};
use crate::plan::document::PlanDocument;
use crate::plan::saved;
use crate::reconcile;
use crate::render::view::Stage;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle plan\n  entitle plan licences --target 'Lac*/*' --detailed-exitcode\n  entitle plan --out plan.json --report markdown=plan.md --report github"
)]
pub struct Plan {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    rendering: Rendering,
    /// Exit with 2 when there are changes
    #[arg(long, env = "ENTITLE_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
    /// Save the plan, to be applied later exactly as shown
    #[arg(long, value_name = "FILE", env = "ENTITLE_OUT")]
    out: Option<PathBuf>,
    #[command(flatten)]
    store: SharedStore,
}

pub async fn run(args: Plan) -> CommandResult<Exit> {
    let outputs = Outputs::open(&args.rendering, Stage::Planned, None)?;
    outputs.close(make_plan(&args, &outputs).await)
}

async fn make_plan(args: &Plan, outputs: &Outputs) -> CommandResult<Exit> {
    let mut setup = setup::set_up(&args.selection, &args.reach).await?;
    setup.settings.events = outputs.listener(None)?;
    setup.heed_others_if_told(&args.store).await;
    let pass = reconcile::plan_pass(&setup.checked, &setup.settings).await;
    output::print_findings(&pass.findings())?;
    // The plan is saved before anything says that there is one.
    if let Some(path) = &args.out {
        save_plan(path, &pass.document)?;
    }
    outputs.finish(Stage::Planned, &pass.document)?;
    if let Some(path) = &args.out {
        let (file, apply) = (path.display(), apply_with(path, &args.selection));
        output::print_note(&format!(
            "Saved to {file}. Apply exactly this with: {apply}"
        ));
    }
    let summary = &pass.document.summary;
    let exit = if summary.failed > 0 {
        Exit::Error
    } else if args.detailed_exitcode && summary.update + summary.observe_only > 0 {
        Exit::Changes
    } else {
        Exit::Done
    };
    // The process ends with this: nobody waits until a hundred thousand objects are taken apart.
    mem::forget((pass, setup.checked));
    Ok(exit)
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle show plan.json\n  entitle show plan.json --format json"
)]
pub struct Show {
    /// A file that `plan --out` wrote
    #[arg(value_name = "PLANFILE")]
    file: PathBuf,
    #[command(flatten)]
    rendering: Rendering,
}

/// `entitle show`: a saved plan, offline.
pub fn show_plan(args: &Show) -> CommandResult<Exit> {
    let outputs = Outputs::open(&args.rendering, Stage::Planned, None)?;
    let shown = open_plan(&args.file).and_then(|document| {
        outputs.finish(Stage::Planned, &document)?;
        Ok(Exit::Done)
    });
    outputs.close(shown)
}

/// The command that applies a saved plan to the manifests that it was made from.
pub fn apply_with(plan: &Path, selection: &Selection) -> String {
    let mut command = format!("entitle apply {}", plan.display());
    if selection.paths != project::default_paths() {
        let paths = selection.paths.iter();
        command.extend(paths.map(|path| format!(" {}", path.display())));
    }
    command
}

/// The largest plan that is read, twice what 100,000 objects with a change each take.
pub const MOST_BYTES: u64 = 256 << 20;

/// Writes a plan, whole or not at all; a new file is for its owner only.
pub fn save_plan(path: &Path, document: &PlanDocument) -> CommandResult<()> {
    let fault = |error: io::Error| {
        CommandError::caused_by(format_args!("cannot write {}", path.display()), error)
    };
    let mut output = Output::open(path, FileMode::Private, &setup::link_policy()).map_err(fault)?;
    let mut out = io::BufWriter::new(&mut output);
    saved::write_sealed(document, &mut out).map_err(fault)?;
    out.flush().map_err(fault)?;
    drop(out);
    if output.written() > MOST_BYTES {
        bail!(
            "the plan is larger than {} MiB, the most that is read back: plan fewer objects with --target",
            MOST_BYTES >> 20
        );
    }
    output.commit().map_err(fault)
}

/// Reads a saved plan back, if it is one and unchanged.
pub fn open_plan(path: &Path) -> CommandResult<PlanDocument> {
    let bounds = ReadBounds::or_pipe(MOST_BYTES, PIPE_TIMEOUT);
    let text = read::read_text(path, bounds).map_err(|error| {
        CommandError::caused_by(format_args!("cannot read {}", path.display()), error)
    })?;
    open_text(path, &text)
}

/// The same of a text that was read already.
pub fn open_text(path: &Path, text: &str) -> CommandResult<PlanDocument> {
    saved::read_sealed(text).map_err(|why| user_error(format_args!("{}: {why}", path.display())))
}
