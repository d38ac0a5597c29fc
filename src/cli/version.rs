//! `entitle version`: which program this is, for people and for scripts.
//!
//! In: what the build script found out. Out: one line, or a JSON document. `--version` prints the same line.

use std::io::Write;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;
use super::output;
use crate::cli::error::CommandResult;
use crate::plan::document::FORMAT_VERSION;
use crate::render;

#[derive(Args)]
#[command(after_help = "Examples:\n  entitle version\n  entitle version --json")]
pub struct Version {
    /// Print a JSON document
    #[arg(long, env = "ENTITLE_VERSION_JSON", help_heading = "Output")]
    json: bool,
}

/// The commit that the program was built from; `None` for a debug build, and if the build could not
/// find it.
pub const COMMIT: Option<&str> = option_env!("ENTITLE_COMMIT");

/// The machine that it was built for, such as `x86_64-unknown-linux-gnu`.
const TARGET: Option<&str> = option_env!("ENTITLE_TARGET_TRIPLE");

/// The optional features, each with `true` if this build contains it.
const FEATURES: [(&str, bool); 4] = [
    ("bucket", cfg!(feature = "bucket")),
    ("jemalloc", cfg!(feature = "jemalloc")),
    ("otlp", cfg!(feature = "otlp")),
    ("postgres", cfg!(feature = "postgres")),
];

/// Prints the version.
pub fn run(args: &Version) -> CommandResult<Exit> {
    if args.json {
        let mut out = output::data_stdout();
        render::json::write_document(&mut out, &VersionDocument::new())?;
        out.flush()?;
    } else {
        writeln!(output::text_stdout(), "entitle {}", describe_version())?;
    }
    Ok(Exit::Done)
}

/// Returns the version with the commit in short form, and the features: `0.1.0 (a1b2c3d4e5f6, postgres)`.
pub fn describe_version() -> String {
    let commit = COMMIT.map(|commit| commit.chars().take(12).collect());
    let build = commit.or_else(|| cfg!(debug_assertions).then(|| "debug build".to_string()));
    let features = built_in().map(str::to_string);
    let more: Vec<String> = build.into_iter().chain(features).collect();
    let version = env!("CARGO_PKG_VERSION");
    match more.is_empty() {
        true => version.to_string(),
        false => format!("{version} ({})", more.join(", ")),
    }
}

/// Returns the features of this build, in order.
pub fn built_in() -> impl Iterator<Item = &'static str> {
    let present = FEATURES.iter().filter(|(_, present)| *present);
    present.map(|(name, _)| *name)
}

/// The JSON of `entitle version`: which program this is.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "entitle version")]
pub struct VersionDocument {
    /// Major and minor version of this format.
    format_version: &'static str,
    /// The name of the program.
    name: &'static str,
    /// The version of the program, after the rules of Semantic Versioning.
    version: &'static str,
    /// The commit that it was built from; null for a debug build, and if the build could not find it.
    commit: Option<&'static str>,
    /// The machine that it was built for, such as `x86_64-unknown-linux-gnu`; null if the build did not say.
    target: Option<&'static str>,
    /// True for a build without optimizations.
    debug: bool,
    /// The optional features of this build, in order.
    features: Vec<&'static str>,
}

impl VersionDocument {
    fn new() -> Self {
        Self {
            format_version: FORMAT_VERSION,
            name: "entitle",
            version: env!("CARGO_PKG_VERSION"),
            commit: COMMIT,
            target: TARGET,
            debug: cfg!(debug_assertions),
            features: built_in().collect(),
        }
    }
}
