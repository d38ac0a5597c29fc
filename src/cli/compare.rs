//! `entitle diff`: compares what the manifests say of two environments.
//!
//! In: manifests and the names of two environments. Out: the objects and fields that differ, on standard output. It is
//! offline: whether the accounts are as the manifests say is for `plan`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{AtTime, Selection, Time};
use super::exit::Exit;
use super::{findings, output, setup};
use crate::cli::error::CommandResult;
use crate::model::Address;
use crate::plan::comparison::{ComparisonDocument, Side};
use crate::provider;
use crate::reconcile::{CheckOptions, Checked};
use crate::render;
use crate::render::comparison::write_comparison;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle diff staging production\n  entitle diff staging production licences --detailed-exitcode"
)]
pub struct Diff {
    /// The Environment to compare
    #[arg(value_name = "LEFT")]
    left: String,
    /// The Environment to compare with
    #[arg(value_name = "RIGHT")]
    right: String,
    /// Files or directories with manifests [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    at: AtTime,
    /// Exit with 2 when the environments differ
    #[arg(long, env = "ENTITLE_DETAILED_EXITCODE")]
    detailed_exitcode: bool,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_DIFF_FORMAT", default_value = "text")]
    format: DiffFormat,
    #[command(flatten)]
    time: Time,
}

/// What the comparison is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    Text,
    Json,
}

/// Compares and prints. Returns `Exit::Changes`, with `--detailed-exitcode` only, if something differs, and `Exit::Error` for
/// manifests with errors.
pub fn run(args: &Diff) -> CommandResult<Exit> {
    let (Some(left), Some(right)) = (check(args, &args.left)?, check(args, &args.right)?) else {
        return Ok(Exit::Error);
    };
    let table = |address: &Address| {
        provider::find_kind(address.kind.0).map_or(&[][..], |kind| kind.table().desired)
    };
    let document = ComparisonDocument::new(
        &side_of(&args.left, &left),
        &side_of(&args.right, &right),
        table,
    );
    match args.format {
        DiffFormat::Text => {
            let mut out = output::buffered_stdout();
            write_comparison(&mut out, &document)?;
            out.flush()?;
        }
        DiffFormat::Json => {
            let mut out = output::data_stdout();
            render::json::write_document(&mut out, &document)?;
            out.flush()?;
        }
    }
    Ok(
        match document.objects.is_empty() || !args.detailed_exitcode {
            true => Exit::Done,
            false => Exit::Changes,
        },
    )
}

fn side_of<'a>(name: &'a str, checked: &'a Checked) -> Side<'a> {
    Side {
        name,
        objects: &checked.desired,
    }
}

/// Checks the manifests in one environment; `None` if they have errors, which are printed.
fn check(args: &Diff, environment: &str) -> CommandResult<Option<Checked>> {
    let selection = Selection {
        environment: Some(environment.to_string()),
        ..Selection::all_of(&args.paths)
    };
    let options = CheckOptions {
        time: setup::reading_time(args.at.at),
        ..CheckOptions::default()
    };
    let checked = setup::check_selection(&selection, &options, args.time)?;
    findings::print_manifest_findings(&checked.findings, &selection.paths)?;
    Ok((!checked.findings.has_errors()).then_some(checked))
}
