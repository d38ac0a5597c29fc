//! `entitle plan` and `entitle show`: prints what an apply would change, or a plan that was saved.
//!
//! In: manifests, or a plan file. Out: the plan on standard output, in reports, and with `--out` in a
//! file that `apply` carries out exactly as shown. Nothing is written to a vendor.

use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{AtTime, Printed, Reach, Rendering, RequestLimit, Selection, StoreArgs};
use super::exit::Exit;
use super::outputs::Outputs;
use super::plan_environments::{Actions, actions_of, write_table};
use super::setup::{self, Files};
use super::{left_objects, output, project, work_tree};
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::files::read::{self, PIPE_TIMEOUT, ReadBounds};
use crate::files::write::{FileMode, Output};
use crate::plan::document::{PlanDocument, Summary};
use crate::plan::guard;
use crate::plan::saved;
use crate::reconcile;
use crate::reconcile::descent::add_descents;
use crate::render::view::Stage;

#[derive(Args, Clone)]
#[command(
    after_help = "Examples:\n  entitle plan\n  entitle plan licences --target 'Lac*/*' --detailed-exitcode\n  entitle plan --out plan.json --report markdown=plan.md --report github"
)]
pub struct Plan {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    time: AtTime,
    #[command(flatten)]
    rendering: Rendering,
    /// Exit with 2 when there are changes
    #[arg(long, env = "ENTITLE_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
    /// Save the plan, to be applied later exactly as shown
    #[arg(long, value_name = "FILE", env = "ENTITLE_OUT")]
    out: Option<PathBuf>,
    /// Create objects that the vendor does not have, as `create: true` in their policy does
    #[arg(long, env = "ENTITLE_CREATE")]
    create: bool,
    #[command(flatten)]
    requests: RequestLimit,
    #[command(flatten)]
    store: StoreArgs,
}

/// Opens the outputs, plans, and closes the outputs after a success and after an error.
pub async fn run(args: Plan) -> CommandResult<Exit> {
    let names = args.selection.environment.clone().unwrap_or_default();
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    if names.len() > 1 {
        return plan_environments(&args, &names).await;
    }
    let outputs = Outputs::open(&args.rendering, Stage::Planned, None)?;
    let made = make_plan(&args, &outputs).await;
    outputs.close(made.map(|(exit, _)| exit))
}

impl Plan {
    /// Returns the same for one environment.
    fn in_environment(&self, name: &str) -> Self {
        let mut one = self.clone();
        one.selection.environment = Some(name.to_string());
        one
    }

    /// Reports whether the plan is only printed for people.
    fn prints_text_only(&self) -> bool {
        let is_text = self.rendering.format == Printed::Text;
        is_text && self.out.is_none() && self.rendering.report.is_empty()
    }
}

/// Plans the environments one after the other, and prints a table of the objects with which something is to be done.
///
/// Returns the worst of their exits. `Err` for outputs that hold one plan only.
async fn plan_environments(args: &Plan, names: &[&str]) -> CommandResult<Exit> {
    if !args.prints_text_only() {
        bail!("--out, --report and --format hold one plan: name one environment");
    }
    let (mut exit, mut planned) = (Exit::Done, Vec::new());
    for name in names {
        let one = args.in_environment(name);
        let outputs = Outputs::open(&one.rendering, Stage::Planned, None)?;
        let mut actions = Actions::new();
        let ended = make_plan(&one, &outputs).await;
        let ended = ended.map(|(exit, found)| {
            actions = found;
            exit
        });
        exit = worse(exit, outputs.close(ended)?);
        planned.push((*name, actions));
        writeln!(output::text_stdout())?;
    }
    write_table(&mut output::text_stdout(), &planned)?;
    Ok(exit)
}

/// Returns the exit that matters more.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: &Exit| match exit {
        Exit::Done => 0,
        Exit::Changes => 1,
        Exit::Refused => 2,
        _ => 3,
    };
    if rank(&other) > rank(&one) {
        other
    } else {
        one
    }
}

/// Plans, saves the plan if asked to, and prints it.
///
/// Returns `Exit::Error` if an object could not be read or planned; `Exit::Refused` if an apply would take more requests
/// than `--max-requests`; `Exit::Changes`, with `--detailed-exitcode` only, if objects would change or differ in a way
/// that is only observed; else `Done`.
async fn make_plan(args: &Plan, outputs: &Outputs) -> CommandResult<(Exit, Actions)> {
    let time = setup::reading_time(args.time.at);
    let mut setup = setup::set_up_at(&args.selection, &args.reach, Files::Named, time).await?;
    if args.create {
        setup.checked.allow_creation();
    }
    setup.tell_unset_variables()?;
    setup.settings.events = outputs.listener(None)?;
    setup.heed_others_if_told(&args.store.shared).await;
    let managed = left_objects::note_managed(&setup.checked, &args.selection);
    let managed = managed.filter(|_| args.time.at.is_none());
    let (mut pass, left) = tokio::join!(
        reconcile::plan_pass(&setup.checked, &setup.settings),
        left_objects::find_left(&setup, &args.store, managed),
    );
    pass.document = pass.document.with_left(reconcile::left_entries(&left));
    if outputs.shows_descent() || args.out.is_some() {
        add_descents(&setup.checked, &pass.planned, &mut pass.document);
    }
    output::print_findings(&pass.findings())?;
    // The plan is saved before any output mentions it.
    if let Some(path) = &args.out {
        save_plan(path, &pass.document)?;
    }
    let summary = &pass.document.summary;
    if args.time.at.is_none() {
        outputs.offer_apply(offered_command(args, summary));
    }
    outputs.finish(Stage::Planned, &pass.document)?;
    if let Some(path) = &args.out {
        let (file, apply) = (path.display(), apply_with(path, &args.selection));
        output::print_note(&match args.time.at {
            None => format!("Saved to {file}. Apply exactly this with: {apply}"),
            Some(_) => format!("Saved to {file}, to be looked at with: entitle show {file}"),
        });
    }
    let limit = args.requests.max_requests;
    let checked = limit.map(|limit| {
        let cost = pass.count_requests(&setup.settings);
        guard::check_request_count(cost, limit)
    });
    let refusal = checked.and_then(Result::err);
    if let Some(refusal) = &refusal {
        output::print_refusal(&refusal.to_string());
    }
    let exit = if summary.failed > 0 {
        Exit::Error
    } else if refusal.is_some() {
        Exit::Refused
    } else if args.detailed_exitcode && summary.writing() + summary.observe_only > 0 {
        Exit::Changes
    } else {
        Exit::Done
    };
    let actions = match args.selection.environment {
        Some(_) => actions_of(&pass.document),
        None => Actions::new(),
    };
    // The process ends right after this. Dropping 100,000 objects would only delay the exit.
    mem::forget((pass, setup.checked));
    Ok((exit, actions))
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

/// Prints a saved plan. No network, secret or manifest is needed.
pub fn show_plan(args: &Show) -> CommandResult<Exit> {
    let outputs = Outputs::open(&args.rendering, Stage::Planned, None)?;
    let shown = open_plan(&args.file).and_then(|document| {
        outputs.finish(Stage::Planned, &document)?;
        Ok(Exit::Done)
    });
    outputs.close(shown)
}

/// Returns the command that applies a saved plan to the manifests that it was made from.
///
/// Paths are left out if they are the project's own: `entitle apply plan.json`.
pub fn apply_with(plan: &Path, selection: &Selection) -> String {
    let paths = typed_paths(selection).iter().map(|path| path.display());
    let all = std::iter::once(plan.display()).chain(paths);
    all.fold("entitle apply".into(), |command, path| {
        format!("{command} {}", quote_argument(&path.to_string()))
    })
}

/// Returns the command that a plan offers for copying: one that applies the saved plan, with the flag that its risks
/// need, or one for the same manifests and scope, which asks before it writes.
fn offered_command(args: &Plan, summary: &Summary) -> String {
    let selection = &args.selection;
    if let Some(plan) = &args.out {
        let allow = match (summary.strand, summary.reduce) {
            (0, 0) => "",
            (0, _) => " --allow reduce",
            _ => " --allow strand",
        };
        return apply_with(plan, selection) + allow;
    }
    let paths = typed_paths(selection).iter();
    let mut words: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    for (flag, values) in [
        ("--target", &selection.target),
        ("--exclude", &selection.exclude),
        ("--selector", &selection.selector),
    ] {
        words.extend(values.iter().flat_map(|value| [flag.into(), value.clone()]));
    }
    words.iter().fold("entitle apply".into(), |command, word| {
        format!("{command} {}", quote_argument(word))
    })
}

/// Returns the paths of a selection that have to be typed: none if they are the project's own.
fn typed_paths(selection: &Selection) -> &[PathBuf] {
    match selection.paths == project::default_paths() {
        true => &[],
        false => &selection.paths,
    }
}

/// Quotes an argument for a shell if it has characters with a special meaning there.
fn quote_argument(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Size limit of a plan file in bytes, twice the size of a plan with 100,000 objects and a change each.
pub const MOST_BYTES: u64 = 256 << 20;

/// Writes a plan, whole or not at all. A new file is readable by its owner only, since it holds live
/// values.
///
/// Returns `Err` if the plan exceeds `MOST_BYTES`: it could not be read back.
pub fn save_plan(path: &Path, document: &PlanDocument) -> CommandResult<()> {
    let fault = |error: io::Error| {
        CommandError::caused_by(format_args!("cannot write {}", path.display()), error)
    };
    let mut output =
        Output::open(path, FileMode::Private, &work_tree::link_policy()).map_err(fault)?;
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

/// Reads a saved plan from a file or a pipe. Returns `Err` if it is no plan, or was changed since it was
/// saved.
pub fn open_plan(path: &Path) -> CommandResult<PlanDocument> {
    let bounds = ReadBounds::or_pipe(MOST_BYTES, PIPE_TIMEOUT);
    let text = read::read_text(path, bounds).map_err(|error| {
        CommandError::caused_by(format_args!("cannot read {}", path.display()), error)
    })?;
    open_text(path, &text)
}

/// Reads a saved plan from a text. `path` is used in messages only.
pub fn open_text(path: &Path, text: &str) -> CommandResult<PlanDocument> {
    saved::read_sealed(text).map_err(|why| user_error(format_args!("{}: {why}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        for (word, quoted) in [
            ("licences/a-b_c.yaml", "licences/a-b_c.yaml"),
            ("team=sales", "team=sales"),
            ("Lac*/*", "'Lac*/*'"),
            ("my licences", "'my licences'"),
            ("it's; rm -rf $HOME", "'it'\\''s; rm -rf $HOME'"),
            ("", "''"),
        ] {
            assert_eq!(quote_argument(word), quoted);
        }
    }
}
