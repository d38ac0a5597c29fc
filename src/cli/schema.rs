//! `entitle schema`: prints the JSON Schemas of manifests, plans, drift, events, history and status.
//!
//! In: a name, or a directory. Out: one schema on standard output, or all of them as files. The schemas
//! are derived from the types in `render::schema` and `daemon::status`; nothing is described here.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::output;
use crate::cli::error::{CommandError, CommandResult};
use crate::daemon::status::{STATUS_SCHEMA, status_schema};
use crate::files::links::LinkPolicy;
use crate::files::write::{self, FileMode};
use crate::render;
use crate::render::schema;

/// The schemas there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    Drift,
    Manifest,
    Plan,
    Events,
    History,
    Status,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle schema > manifest.json\n  entitle schema plan\n  entitle schema --out schemas"
)]
pub struct Schema {
    /// Which schema to print
    #[arg(value_enum, default_value = "manifest")]
    name: SchemaName,
    /// Write all schemas into this directory instead
    #[arg(long, value_name = "DIR", env = "ENTITLE_SCHEMA_OUT")]
    out: Option<PathBuf>,
}

/// Prints one schema, or writes all of them into `--out`, which is created if needed.
///
/// Existing files are replaced, whole or not at all. Returns `Err` if the directory or a file cannot be
/// written.
pub fn run(args: &Schema) -> CommandResult<Exit> {
    match &args.out {
        None => {
            let schema = match args.name {
                SchemaName::Drift => schema::drift_schema(),
                SchemaName::Manifest => schema::manifest_schema(),
                SchemaName::Plan => schema::plan_schema(),
                SchemaName::Events => schema::event_schema(),
                SchemaName::History => schema::history_schema(),
                SchemaName::Status => status_schema(),
            };
            let mut out = output::data_stdout();
            render::json::write_document(&mut out, &schema)?;
            out.flush()?;
        }
        Some(dir) => {
            let fault = |error| {
                CommandError::caused_by(format_args!("cannot write {}", dir.display()), error)
            };
            std::fs::create_dir_all(dir).map_err(fault)?;
            let all = schema::all_schemas().into_iter();
            for (name, schema) in all.chain([(STATUS_SCHEMA, status_schema())]) {
                let mut text = Vec::new();
                render::json::write_document(&mut text, &schema)?;
                let path = dir.join(name);
                write::write_whole_file(&path, &text, FileMode::Shared, &LinkPolicy::Follow)
                    .map_err(fault)?;
            }
        }
    }
    Ok(Exit::Done)
}
