//! `entitle apply`: plans, or takes a saved plan; asks; carries it out.
//!
//! In: manifests, and possibly a plan file as the first path. Out: writes at vendors, and the exit of
//! the run. The run itself is in `carry_out`, which `undo` uses as well; this module finds out if the
//! first path is a plan or manifests.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;

use super::args::{Consent, Reach, Rendering, Selection};
use super::carry_out::{self, WritingCommand};
use super::exit::Exit;
use super::outputs::Outputs;
use super::sandbox_choice::SandboxChoice;
use super::scope::Scope;
use super::setup::{Files, Piped};
use super::{left_objects, output, plan, project, setup, undo, work_tree};
use crate::apply::clock;
use crate::cli::error::{CommandError, CommandResult, bail};
use crate::files::read::{self, ReadBounds};
use crate::plan::document::PlanDocument;
use crate::plan::source_facts::Destination;
use crate::reconcile::descent::add_descents;
use crate::reconcile::{self, Accounts};
use crate::render::safe::make_visible;
use crate::render::view::Stage;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle apply\n  entitle apply licences --auto-approve --allow reduce\n  entitle apply plan.json licences\n  entitle apply examples --sandbox --auto-approve"
)]
pub struct Apply {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    rendering: Rendering,
    /// Create objects that the vendor does not have, as `create: true` in their policy does
    #[arg(long, env = "ENTITLE_CREATE")]
    create: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Opens the outputs, plans and applies, and closes the outputs after a success and after an error.
pub async fn run(args: Apply) -> CommandResult<Exit> {
    let events = args.consent.events.clone();
    let outputs = Outputs::open(&args.rendering, Stage::Applied, events.as_deref())?;
    outputs.close(plan_and_apply(args, &outputs).await)
}

/// Applies a saved plan if the first path is one, and otherwise plans and applies in one run.
///
/// The time that a pipe took to deliver its text counts against `--timeout`: with 60 s and a writer that
/// took 15 s, the run has 45 s left.
async fn plan_and_apply(mut args: Apply, outputs: &Outputs) -> CommandResult<Exit> {
    let timeout = &mut args.reach.time.timeout;
    let start = Instant::now();
    let first = FirstPath::take(&mut args.selection.paths, *timeout)?;
    // The writer of a pipe has used some of the run's time.
    *timeout = timeout.saturating_sub(start.elapsed());
    let piped;
    let files = match first {
        FirstPath::Plan(document) => return apply_saved_plan(*document, &args, outputs).await,
        FirstPath::Piped(read) => {
            piped = read;
            Files::Piped(&piped)
        }
        FirstPath::Manifests => Files::Named,
    };
    let mut setup = setup::set_up_with(&args.selection, &args.reach, files).await?;
    if args.create {
        setup.checked.allow_creation();
    }
    carry_out::refuse_unattended(&args.consent)?;
    setup.tell_unset_variables()?;
    setup.settings.events = outputs.listener(args.consent.events.as_deref())?;
    setup.heed_others(&args.consent.store.shared).await?;
    setup.settings.checks = args.consent.checks.of_writes();
    let managed = left_objects::note_managed(&setup.checked, &args.selection);
    let writer = WritingCommand::new(&setup, &args.consent, outputs, Accounts::new()).await?;
    let writer = writer.managing(managed);
    let mut pass = reconcile::plan_with(&setup.checked, &setup.settings, &writer.accounts).await;
    let left = reconcile::left_entries(&writer.find_left());
    pass.document = pass.document.with_left(left);
    if outputs.shows_descent() {
        add_descents(&setup.checked, &pass.planned, &mut pass.document);
    }
    writer.carry_out(&pass, false).await
}

/// Carries out a saved plan: writes only the objects that the plan names, and only the changes that it shows.
///
/// Accounts without an object in the plan are not locked. Returns `Err` for a plan of the sandbox on a
/// real account or the reverse. A plan with an `undo` source goes to `undo`.
async fn apply_saved_plan(
    document: PlanDocument,
    args: &Apply,
    outputs: &Outputs,
) -> CommandResult<Exit> {
    let reach = &args.reach;
    let selection = &in_environment_of(&document, &args.selection)?;
    refuse_time_ahead(&document)?;
    refuse_other_simulators(&document, reach.sandbox == SandboxChoice::BuiltIn)?;
    work_tree::refuse_outside(&selection.paths)?;
    if document.source.undo.is_some() {
        return undo::apply_saved_undo(document, selection, reach, &args.consent, outputs).await;
    }
    let mut setup = setup::set_up(&selection.whole(), reach).await?;
    setup.settings.events = outputs.listener(args.consent.events.as_deref())?;
    setup.heed_others(&args.consent.store.shared).await?;
    tell_commit(&document, setup.checked.source.commit.as_deref());
    let scope = Scope::new(selection)?;
    let in_scope = scope.of_plan(&setup.checked)?;
    let saved = reconcile::join_saved_plan(document, &setup.checked, &in_scope, &setup.settings)?;
    output::print_findings(&saved.findings)?;
    let managed = left_objects::note_managed(&setup.checked, selection);
    let planned = saved.pass.planned.iter();
    // Accounts without an object in the plan are not locked.
    let planned = planned.map(|one| Arc::clone(&one.desired)).collect();
    setup.checked.restrict_to(planned);
    setup.tell_unset_variables()?;
    let accounts = saved.pass.accounts.clone();
    let writer = WritingCommand::new(&setup, &args.consent, outputs, accounts).await?;
    writer.managing(managed).carry_out(&saved.pass, true).await
}

/// Returns the selection in the environment that a plan was made for. `Err` if another one was typed.
fn in_environment_of(document: &PlanDocument, selection: &Selection) -> CommandResult<Selection> {
    let planned = &document.source.environment;
    if let (Some(typed), Some(planned)) = (&selection.environment, planned)
        && typed != planned
    {
        bail!(
            "the plan was made for the environment {}, and not for {typed}",
            make_visible(planned)
        );
    }
    Ok(Selection {
        environment: selection.environment.clone().or_else(|| planned.clone()),
        ..selection.clone()
    })
}

/// Returns `Err` for a plan of a time that lies ahead: an apply writes what is true now.
fn refuse_time_ahead(document: &PlanDocument) -> CommandResult<()> {
    let Some(at) = &document.source.at else {
        return Ok(());
    };
    match at.parse::<Timestamp>() {
        // What has changed since is found object by object.
        Ok(time) if time <= clock::now() => Ok(()),
        Ok(_) | Err(_) => bail!(
            "the plan shows what is to be at {}, and an apply writes what is to be now: plan again without --at",
            make_visible(at)
        ),
    }
}

/// Returns `Err` if a plan was made against simulators of its own run and is applied to accounts, or the reverse.
///
/// A sandbox that outlives the run counts as an account: for it the plan's addresses are compared.
fn refuse_other_simulators(document: &PlanDocument, sandbox: bool) -> CommandResult<()> {
    let places = &document.source.connections;
    let simulated = places
        .values()
        .any(|destination| *destination == Destination::Sandbox);
    if simulated == sandbox || places.is_empty() {
        return Ok(());
    }
    let flag = if simulated { "with" } else { "without" };
    bail!("the plan was made {flag} --sandbox, and has to be applied the same way")
}

/// Prints the commit at which the plan was made, and the one that is checked out.
///
/// The two commits may differ: each manifest is compared with the plan by its content.
fn tell_commit(document: &PlanDocument, here: Option<&str>) {
    let Some(commit) = &document.source.commit else {
        return;
    };
    let (commit, at) = (make_visible(commit), make_visible(&document.created_at));
    let here = match here {
        Some(here) if here == commit => "which is checked out".to_string(),
        Some(here) => format!("and {here} is checked out"),
        None => "and no commit is checked out here".to_string(),
    };
    output::print_note(&format!(
        "The plan was made {at} at commit {commit}, {here}."
    ));
}

/// The meaning of the first path of an apply.
enum FirstPath {
    Plan(Box<PlanDocument>),
    /// Manifests from a pipe. They were read already, because only their text distinguishes them from a plan.
    Piped(Piped),
    Manifests,
}

impl FirstPath {
    /// Removes a saved plan from the front of `paths` and reads it.
    ///
    /// The remaining paths name the manifests; if none remain, the paths of the project file are put in.
    /// A pipe is read once, and its text decides: a plan has `format_version` in its first 4 KiB.
    ///
    /// Returns `Err` for a `.json` path that does not exist, and for a plan that was changed since it
    /// was saved.
    fn take(paths: &mut Vec<PathBuf>, timeout: Duration) -> CommandResult<Self> {
        if let Some(missing) = paths.first().filter(|first| is_missing_plan(first)) {
            let path = missing.display();
            bail!("there is no plan file {path}: make one with `entitle plan --out {path}`");
        }
        let Some(first) = paths.first() else {
            return Ok(Self::Manifests);
        };
        let document = if read::is_pipe(first) {
            let bytes = read::read_bytes(first, ReadBounds::or_pipe(plan::MOST_BYTES, timeout));
            let bytes = bytes.map_err(|error| {
                CommandError::caused_by(format_args!("cannot read {}", first.display()), error)
            })?;
            if !begins_like_plan(&bytes) {
                let path = first.clone();
                return Ok(Self::Piped(Piped { path, bytes }));
            }
            plan::open_text(first, &String::from_utf8_lossy(&bytes))?
        } else if is_plan(first) {
            plan::open_plan(first)?
        } else {
            return Ok(Self::Manifests);
        };
        paths.remove(0);
        if paths.is_empty() {
            *paths = project::default_paths();
        }
        Ok(Self::Plan(Box::new(document)))
    }
}

/// Reports whether a path has the name of a plan file (`.json`) and does not exist.
///
/// If such a path counted as manifests, the run would advise `--auto-approve`, and the user would approve
/// changes that were never reviewed.
fn is_missing_plan(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == "json") && !path.exists()
}

/// Reports whether a path names a saved plan and not manifests, which may be JSON as well.
///
/// A file that cannot be read, or with no `apiVersion` in its first 4 KiB, counts as a plan: the error
/// is then about a broken plan, which is the more likely case.
fn is_plan(path: &Path) -> bool {
    let yaml = path
        .extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("yaml") || ext.eq_ignore_ascii_case("yml"));
    if yaml || !path.is_file() {
        return false;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    // A file without any word of a manifest is reported as a broken plan.
    read.is_err() || begins_like_plan(&head) || !contains_word(&head, "apiVersion")
}

/// Reports whether a text has the first member of a plan, `format_version`, in its first 4 KiB.
fn begins_like_plan(text: &[u8]) -> bool {
    let head = &text[..text.len().min(HEAD)];
    contains_word(head, "\"format_version\"")
}

/// Reports whether the bytes, read as text, contain a word.
fn contains_word(text: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(text).contains(word)
}

/// Bytes that show whether a file is a plan, which begins with its version.
const HEAD: usize = 4 << 10;
