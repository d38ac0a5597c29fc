//! `entitle schema`: prints the JSON Schemas of manifests and of every JSON output.
//!
//! In: a name, or a directory. Out: one schema on standard output, or all of them as files. The schemas
//! are derived from the types of the documents, and that of manifests from the field tables; nothing is described here.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value as Json;

use super::doctor::DoctorDocument;
use super::exit::Exit;
use super::output;
use super::unmanaged::UnmanagedDocument;
use super::version::VersionDocument;
use crate::apply::event::Line;
use crate::apply::memory::history::HistoryDocument;
use crate::cli::error::{CommandError, CommandResult};
use crate::daemon::status::StatusDocument;
use crate::files::links::LinkPolicy;
use crate::files::write::{self, FileMode};
use crate::plan::calendar::CalendarDocument;
use crate::plan::comparison::ComparisonDocument;
use crate::plan::descent::DescentDocument;
use crate::plan::document::PlanDocument;
use crate::plan::drift::document::DriftDocument;
use crate::render;
use crate::render::report::CheckDocument;
use crate::render::schema::{document_schema, manifest_schema};

/// The schemas there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    Calendar,
    Diff,
    Doctor,
    Drift,
    Manifest,
    Plan,
    Events,
    History,
    Status,
    Unmanaged,
    Validate,
    Version,
    Why,
}

impl SchemaName {
    /// Returns the name of its file.
    fn file_name(self) -> &'static str {
        match self {
            Self::Calendar => "calendar.json",
            Self::Diff => "diff.json",
            Self::Doctor => "doctor.json",
            Self::Drift => "drift.json",
            Self::Manifest => "manifest.json",
            Self::Plan => "plan.json",
            Self::Events => "events.json",
            Self::History => "history.json",
            Self::Status => "status.json",
            Self::Unmanaged => "unmanaged.json",
            Self::Validate => "validate.json",
            Self::Version => "version.json",
            Self::Why => "why.json",
        }
    }

    fn schema(self) -> Json {
        match self {
            Self::Calendar => document_schema::<CalendarDocument>(),
            Self::Diff => document_schema::<ComparisonDocument>(),
            Self::Doctor => document_schema::<DoctorDocument<'_>>(),
            Self::Drift => document_schema::<DriftDocument>(),
            Self::Manifest => manifest_schema(),
            Self::Plan => document_schema::<PlanDocument>(),
            Self::Events => document_schema::<Line>(),
            Self::History => document_schema::<HistoryDocument>(),
            Self::Status => document_schema::<StatusDocument>(),
            Self::Unmanaged => document_schema::<UnmanagedDocument<'_>>(),
            Self::Validate => document_schema::<CheckDocument<'_>>(),
            Self::Version => document_schema::<VersionDocument>(),
            Self::Why => document_schema::<DescentDocument>(),
        }
    }
}

/// Returns every schema with the name of its file.
pub fn all_schemas() -> impl Iterator<Item = (&'static str, Json)> {
    let names = SchemaName::value_variants().iter();
    names.map(|name| (name.file_name(), name.schema()))
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
            let mut out = output::data_stdout();
            render::json::write_document(&mut out, &args.name.schema())?;
            out.flush()?;
        }
        Some(dir) => {
            let fault = |error| {
                CommandError::caused_by(format_args!("cannot write {}", dir.display()), error)
            };
            std::fs::create_dir_all(dir).map_err(fault)?;
            for (name, schema) in all_schemas() {
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
