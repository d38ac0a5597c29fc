//! `entitle import`: writes manifests of live objects, as files or as one stream; `--as-set`
//! writes those that are alike as rows of a table, and `--update` edits existing ones.
//!
//! In: one connection or all, and the objects to read. Out: new files, a stream on standard output, or edited
//! files. Reading, naming and writing YAML are in `reconcile::import`; this module decides where a text
//! goes and what is overwritten. No vendor is written to.

use crate::model::diagnostic::Source;
use crate::model::with_causes;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Kinds, Reach, SharedStore};
use super::exit::Exit;
use super::import_files::write_files;
use super::import_sets::write_sets;
use super::read_connections::{ReadScope, read_connections};
use super::{files, output, setup};
use crate::cli::error::{CommandResult, bail};
use crate::manifest::write;
use crate::model::wording::pluralize;
use crate::reconcile;
use crate::reconcile::import::{self, Ask, Imported, NameTemplate, ReadObjects};
use crate::render::safe::make_visible;

#[derive(Args)]
#[command(
    group(clap::ArgGroup::new("what").args(["id", "all", "as_set", "update"]).required(true).multiple(true)),
    after_help = "Examples:\n  entitle import --all --out licences\n  entitle import --connection lac --all --out licences --name '{customer}-{product}'\n  entitle import --connection lac --as-set --out licences\n  entitle import --connection lac --id II1HP-TX8EQ-R1QXZ-7LYXF\n  entitle import --connection lac --update licences\n  entitle import --sandbox --connection lac --all"
)]
pub struct Import {
    /// Files or directories with the connection and the manifests there are [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only this connection; without it all of them
    #[arg(long, value_name = "NAME", env = "ENTITLE_CONNECTION")]
    connection: Option<String>,
    #[command(flatten)]
    kinds: Kinds,
    /// This object, by its id; parts of an id are separated by `/`; may be given several times
    ///
    /// Where the vendor has several kinds of objects, `--kind` says which one it is of.
    #[arg(
        long,
        value_name = "ID",
        env = "ENTITLE_IMPORT_ID",
        value_delimiter = ','
    )]
    id: Vec<String>,
    /// Every object of the accounts
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
    /// Name the objects so, for example '{customer}-{product}': members of the live object in braces, made into
    /// a valid name that no other object has [default: their ids]
    #[arg(
        long,
        value_name = "TEMPLATE",
        env = "ENTITLE_IMPORT_NAME",
        conflicts_with = "update"
    )]
    name: Option<NameTemplate>,
    /// Write objects that are alike as rows of a table: an Edition of what they share, a set, and a CSV file
    ///
    /// All objects of the accounts, unless `--id` names some. Those that are like no other get a file each.
    #[arg(
        long,
        env = "ENTITLE_IMPORT_AS_SET",
        requires = "out",
        conflicts_with = "update"
    )]
    as_set: bool,
    /// Write over existing files in that directory
    #[arg(long, env = "ENTITLE_IMPORT_FORCE", requires = "out")]
    force: bool,
    /// Edit existing manifests instead: live values replace those of managed fields that differ, the vendor's id
    /// replaces a key by which an object was found, and nothing else in the files changes
    #[arg(long, env = "ENTITLE_IMPORT_UPDATE")]
    update: bool,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    store: SharedStore,
}

impl Import {
    /// Imports everything in the account of a connection that is defined in `folder`, into that folder.
    pub fn of_everything(connection: &str, folder: PathBuf, reach: Reach) -> Self {
        Self {
            paths: vec![folder.clone()],
            connection: Some(connection.to_string()),
            kinds: Kinds::default(),
            id: Vec::new(),
            all: true,
            out: Some(folder),
            name: None,
            as_set: false,
            force: false,
            update: false,
            reach,
            store: SharedStore::default(),
        }
    }
}

/// Reads the objects and writes their manifests.
///
/// Nothing is written of a kind at a connection whose list is incomplete: with `--all`, a missing object would look like
/// one that does not exist. Returns `Exit::Error` if a list could not be read, or single objects could not be turned into
/// manifests; the others are written.
pub async fn run(args: Import) -> CommandResult<Exit> {
    let mut setup = setup::set_up_account(&args.paths, &args.reach).await?;
    setup.heed_others_if_told(&args.store).await;
    let accounts = reconcile::follow_references(&mut setup.checked, &setup.settings).await;
    let checked = &setup.checked;
    let is_everything = args.all || args.as_set && args.id.is_empty();
    let ask = match (args.update, is_everything) {
        (true, _) => Ask::Managed(args.id.clone()),
        (false, true) => Ask::Everything,
        (false, false) => Ask::Ids(args.id.clone()),
    };
    let scope = ReadScope {
        connection: args.connection.as_deref(),
        kinds: &args.kinds.kind,
        ask,
        accounts,
    };
    let read = read_connections(&setup, &scope, ", so nothing is written").await?;
    read.note_unlisted();
    if args.update {
        return Ok(worse(update_manifests(&setup, &read.reads)?, read.exit));
    }
    let template = args.name.as_ref();
    let imported = import::import_objects(checked, &read.reads, template, &setup.settings)?;
    for one in &imported {
        for omitted in &one.omitted {
            let (kind, name) = (one.kind, &one.name);
            output::print_note(&format!("note: {kind}/{name} leaves out {omitted}"));
        }
    }
    let mut exit = read.exit;
    for one in &imported {
        if let Err(error) = &one.manifest {
            let (kind, id) = (one.kind, import::show_identity(&one.identity));
            output::print_error(&format!("{kind} {id}: {}", with_causes(error)));
            exit = Exit::Error;
        }
    }
    match &args.out {
        None => write_stream(&imported)?,
        Some(dir) if args.as_set => {
            let rest = write_sets(checked, imported, dir)?;
            if !rest.is_empty() {
                write_files(checked, &rest, dir, args.force)?;
            }
        }
        Some(dir) => write_files(checked, &imported, dir, args.force)?,
    }
    Ok(exit)
}

/// Returns `Exit::Error` if either of two ends is.
fn worse(one: Exit, other: Exit) -> Exit {
    if one == Exit::Error { one } else { other }
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

/// Replaces the values of managed fields that differ by the live ones, and prints the changed files.
///
/// Comments and fields that are not managed stay. An object that cannot be updated is reported and makes
/// the exit `Exit::Error`. Returns `Err` for standard input, which cannot be edited, and for a file that
/// was changed since it was read.
fn update_manifests(setup: &setup::Setup, reads: &[ReadObjects]) -> CommandResult<Exit> {
    let mut exit = Exit::Done;
    let mut changed = 0;
    let mut out = output::text_stdout();
    for updated in import::update_files(&setup.checked, reads, &setup.settings) {
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
        for (address, found) in &updated.named {
            let (name, id, key) = (found.name, make_visible(&found.id), found.key);
            output::print_note(&format!(
                "{address} is named by {name} {id}, in place of {key}"
            ));
        }
        writeln!(out, "{}", make_visible(&source.name))?;
    }
    output::print_note(&format!(
        "{} brought up to date",
        pluralize(changed, "manifest")
    ));
    Ok(exit)
}
