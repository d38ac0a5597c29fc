//! `entitle import`: writes manifests of live objects, as files or as one stream; `--update` edits
//! existing ones.
//!
//! In: one connection and the objects to read. Out: new files, a stream on standard output, or edited
//! files. Reading, naming and writing YAML are in `reconcile::import`; this module decides where a text
//! goes and what is overwritten. No vendor is written to.

use crate::model::diagnostic::Source;
use crate::model::with_causes;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Reach, SharedStore};
use super::exit::Exit;
use super::{files, output, setup};
use crate::cli::error::{CommandError, CommandResult, bail};
use crate::files::write::create_new_file;
use crate::manifest::write;
use crate::model::wording::pluralize;
use crate::reconcile::import::{self, Ask, Imported, ReadObjects};
use crate::render::safe::make_visible;

#[derive(Args)]
#[command(
    group(clap::ArgGroup::new("what").args(["id", "all", "update"]).required(true).multiple(true)),
    after_help = "Examples:\n  entitle import --connection lac --all --out licences\n  entitle import --connection lac --id II1HP-TX8EQ-R1QXZ-7LYXF\n  entitle import --connection lac --update licences\n  entitle import --sandbox --connection lac --all"
)]
pub struct Import {
    /// Files or directories with the connection and the manifests there are [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Connection to read from; may be left out when there is only one
    #[arg(long, value_name = "NAME", env = "ENTITLE_CONNECTION")]
    connection: Option<String>,
    /// This object, by its id; parts of an id are separated by `/`; may be given several times
    #[arg(
        long,
        value_name = "ID",
        env = "ENTITLE_IMPORT_ID",
        value_delimiter = ','
    )]
    id: Vec<String>,
    /// Every object of the account
    #[arg(long, env = "ENTITLE_IMPORT_ALL", conflicts_with_all = ["id", "update"])]
    all: bool,
    /// Write one file per object into this directory, instead of all to standard output
    #[arg(
        long,
        value_name = "DIR",
        env = "ENTITLE_IMPORT_OUT",
        conflicts_with = "update"
    )]
    out: Option<PathBuf>,
    /// Write over existing files in that directory
    #[arg(long, env = "ENTITLE_IMPORT_FORCE", requires = "out")]
    force: bool,
    /// Edit existing manifests instead: live values replace those of managed fields that differ, and
    /// nothing else in the files changes
    #[arg(long, env = "ENTITLE_IMPORT_UPDATE")]
    update: bool,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    store: SharedStore,
}

/// Reads the objects and writes their manifests.
///
/// Returns `Err`, with nothing written, if the vendor's list is incomplete: with `--all`, a missing
/// object would look like one that does not exist. Returns `Exit::Error` if single objects could not be
/// turned into manifests; the others are written.
pub async fn run(args: Import) -> CommandResult<Exit> {
    let mut setup = setup::set_up_account(&args.paths, &args.reach).await?;
    setup.heed_others_if_told(&args.store).await;
    let checked = &setup.checked;
    let connection = import::choose_connection(checked, args.connection.as_deref())?;
    let ask = match (args.update, args.all) {
        (true, _) => Ask::Managed(args.id.clone()),
        (false, true) => Ask::Everything,
        (false, false) => Ask::Ids(args.id.clone()),
    };
    let kind = import::kind_at(checked, &connection)?;
    let seen = import::read_objects(checked, &connection, kind, &ask, &setup.settings).await?;
    if !seen.failures.is_empty() {
        let why = seen.failures.join("\n  ");
        bail!("the list of objects is not complete, so nothing is written: {why}");
    }
    if args.update {
        return update_manifests(&setup, &seen);
    }
    let imported = import::import_objects(checked, &seen, &setup.settings);
    for one in &imported {
        for omitted in &one.omitted {
            output::print_note(&format!("note: {} leaves out {omitted}", one.name));
        }
    }
    let failed = imported.iter().filter(|one| one.manifest.is_err()).count();
    for one in &imported {
        if let Err(error) = &one.manifest {
            let why = with_causes(error);
            output::print_error(&format!("{}: {why}", import::show_identity(&one.identity)));
        }
    }
    match &args.out {
        None => write_stream(&imported)?,
        Some(dir) => to_files(&imported, dir, args.force, &setup, &seen)?,
    }
    Ok(if failed > 0 { Exit::Error } else { Exit::Done })
}

/// Writes all manifests as one stream of documents, with a single schema line at its top.
///
/// Documents after the first are separated by `---`.
fn write_stream(imported: &[Imported]) -> CommandResult<()> {
    let mut out = output::data_stdout();
    let texts = imported.iter().filter_map(|one| one.manifest.as_ref().ok());
    for (number, text) in texts.enumerate() {
        let head = if number == 0 {
            write::modeline(&files::schema_of(Path::new(".")))
        } else {
            "---\n".into()
        };
        write!(out, "{head}{text}")?;
    }
    out.flush()?;
    Ok(())
}

/// Writes one file per object into `dir`, named after the object.
///
/// An object that a manifest names already, in any file, is not written again: two manifests of one
/// object are an error. An existing file is left as it is unless `force` is set. Files that were left
/// are listed, because `entitle import --update` is the command for them.
fn to_files(
    imported: &[Imported],
    dir: &Path,
    force: bool,
    setup: &setup::Setup,
    seen: &ReadObjects,
) -> CommandResult<()> {
    let known = import::managed_objects(&setup.checked, &seen.connection, seen.kind.table().kind);
    let head = write::modeline(&files::schema_of(dir));
    let (mut written, mut kept) = (0, BTreeSet::new());
    for one in imported {
        let Ok(text) = &one.manifest else { continue };
        let path = dir.join(format!("{}.yaml", one.name));
        let text = format!("{head}{text}");
        let fault = |error: std::io::Error| {
            CommandError::caused_by(format_args!("cannot write {}", path.display()), error)
        };
        let elsewhere = known
            .get(&one.identity)
            .map(|desired| PathBuf::from(&desired.origin.source.name))
            .filter(|other| !same_file(other, &path));
        if let Some(other) = elsewhere {
            kept.insert(other.display().to_string());
        } else if create_new_file(&path, text.as_bytes()).map_err(fault)? {
            written += 1;
        } else if force {
            files::replace_file(&path, &text).map_err(fault)?;
            written += 1;
        } else {
            kept.insert(path.display().to_string());
        }
    }
    output::print_note(&format!(
        "{} written to {}",
        pluralize(written, "manifest"),
        dir.display()
    ));
    for path in kept {
        output::print_note(&format!(
            "{path} is left as it is: `entitle import --update` brings it up to date"
        ));
    }
    Ok(())
}

/// Reports whether two paths lead to the same existing file; false if either cannot be resolved.
fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}

/// Replaces the values of managed fields that differ by the live ones, and prints the changed files.
///
/// Comments and fields that are not managed stay. An object that cannot be updated is reported and makes
/// the exit `Exit::Error`. Returns `Err` for standard input, which cannot be edited, and for a file that
/// was changed since it was read.
fn update_manifests(setup: &setup::Setup, seen: &ReadObjects) -> CommandResult<Exit> {
    let mut exit = Exit::Done;
    let mut changed = 0;
    let mut out = output::text_stdout();
    for updated in import::update_files(&setup.checked, seen, &setup.settings) {
        let source = updated.file.source();
        for (address, why) in &updated.failed {
            let name = &source.name;
            output::print_error(&format!("{address} in {name} is left as it is: {why}"));
            exit = Exit::Error;
        }
        if !updated.file.is_changed() {
            continue;
        }
        if source.name == Source::STDIN {
            bail!("--update edits files, and standard input is none");
        }
        let path = Path::new(&source.name);
        files::replace_unchanged(path, &source.text, &updated.file.text())?;
        changed += updated.changed.len();
        writeln!(out, "{}", make_visible(&source.name))?;
    }
    output::print_note(&format!(
        "{} brought up to date",
        pluralize(changed, "manifest")
    ));
    Ok(exit)
}
