//! `entitle why`: shows where the values of an object come from.
//!
//! In: an object of the manifests, or a field of one. Out: each value with the places that it came by: the row, the edition,
//! the parameter, the environment, the dated change or the object's own line, and the commit that wrote it. It is offline.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::args::{AtTime, ResolvedManifests, Selection, Time};
use super::exit::Exit;
use super::{findings, git, output, setup};
use crate::cli::error::{CommandResult, bail};
use crate::manifest;
use crate::model::Address;
use crate::model::diagnostic::find_nearest;
use crate::reconcile::descent::descend;
use crate::reconcile::written::WrittenManifests;
use crate::reconcile::{self, CheckOptions, Checked};
use crate::render;
use crate::render::descent::write_descent;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle why rivers.activations_allowed\n  entitle why rivers licences --env staging --at 2027-07-01"
)]
pub struct Why {
    /// The object, and a field of it: Kind/name.field, or the name alone
    #[arg(value_name = "OBJECT[.FIELD]")]
    object: String,
    #[command(flatten)]
    manifests: ResolvedManifests,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_WHY_FORMAT", default_value = "text")]
    format: WhyFormat,
}

/// What the descent is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhyFormat {
    Text,
    Json,
}

/// The manifests of a run, checked, and as they were written.
pub(super) struct ReadManifests {
    pub checked: Checked,
    pub written: WrittenManifests,
}

impl ReadManifests {
    /// Reads and checks the manifests of a selection. `None` if they have errors, which are printed.
    pub fn read(
        selection: &Selection,
        at: &AtTime,
        time: Time,
    ) -> CommandResult<Option<ReadManifests>> {
        let limits = setup::read_limits(Some(time.timeout));
        let loaded = manifest::load(&selection.paths, &mut std::io::stdin(), &limits);
        let options = CheckOptions {
            time: setup::reading_time(at.at),
            environment: selection.environment_choice(),
            ..CheckOptions::default()
        };
        let copy = manifest::Loaded {
            sources: loaded.sources.clone(),
            row_files: loaded.row_files.clone(),
            ..manifest::Loaded::default()
        };
        let checked = reconcile::check_manifests(loaded, &options);
        findings::print_manifest_findings(&checked.findings, &selection.paths)?;
        if checked.findings.has_errors() {
            return Ok(None);
        }
        let written = WrittenManifests::of(&copy, &options);
        Ok(Some(ReadManifests { checked, written }))
    }
}

/// Prints the descent of the object. Returns `Exit::Error` for manifests with errors, and `Err` for an object or a field that
/// they do not have.
pub async fn run(args: Why) -> CommandResult<Exit> {
    let manifests = &args.manifests;
    let Some(read) = ReadManifests::read(&manifests.selection(), &manifests.at, manifests.time)?
    else {
        return Ok(Exit::Error);
    };
    let (address, field) = find_object(&read.checked, &args.object)?;
    let Some(object) = read.written.find(&address) else {
        bail!("{address} is not in the manifests as they were written");
    };
    let mut document = descend(&read.written, &object, field.as_deref());
    if document.values.is_empty() {
        let field = field.unwrap_or_default();
        bail!(
            "{address} says nothing of {field:?}: what a manifest leaves out keeps its live value"
        );
    }
    git::add_commits(&mut document).await;
    match args.format {
        WhyFormat::Text => {
            let mut out = output::buffered_stdout();
            write_descent(&mut out, &document)?;
            out.flush()?;
        }
        WhyFormat::Json => {
            let mut out = output::data_stdout();
            render::json::write_document(&mut out, &document)?;
            out.flush()?;
        }
    }
    Ok(Exit::Done)
}

/// Finds the object that a text begins with, and the field behind it. Names may have dots, so the longest name counts.
fn find_object(checked: &Checked, text: &str) -> CommandResult<(Address, Option<String>)> {
    let objects = checked.desired.iter().map(|object| &object.address);
    let rest_behind = |address: &Address| {
        let whole = address.to_string();
        // A path may hold a slash too, so it does not tell how the object is named.
        [whole.as_str(), address.name.as_str()]
            .into_iter()
            .find_map(|name| {
                let rest = text.strip_prefix(name)?;
                (rest.is_empty() || rest.starts_with('.')).then(|| (name.len(), rest.to_string()))
            })
    };
    let found = objects.filter_map(|address| Some((rest_behind(address)?, address)));
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|((length, _), _)| std::cmp::Reverse(*length));
    let Some(((length, rest), address)) = found.first() else {
        let names: Vec<String> = checked
            .desired
            .iter()
            .map(|object| object.address.to_string())
            .collect();
        let near = find_nearest(text, names.iter().map(String::as_str));
        let hint = match (near, names.first()) {
            (Some(near), _) => format!("; do you mean {near}?"),
            (None, Some(first)) => format!(": name one as plans print it, such as {first}"),
            (None, None) => String::new(),
        };
        bail!("the manifests have no object {text:?}{hint}");
    };
    if let Some((_, other)) = found.get(1).filter(|((other, _), _)| other == length) {
        bail!("{text:?} may be {address} or {other}: name its kind");
    }
    let field = rest.strip_prefix('.').map(str::to_string);
    Ok(((*address).clone(), field))
}
