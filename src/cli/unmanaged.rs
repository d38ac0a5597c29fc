//! `entitle unmanaged`: lists live objects that no manifest names.
//!
//! In: the manifests, and one connection or all. Out: one line per object, or a JSON document. Objects are
//! compared by identity only. Reading and matching are in `reconcile::import`; this module chooses and
//! prints.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::args::{Format, Kinds, Reach, SharedStore};
use super::exit::Exit;
use super::read_connections::{ReadConnections, ReadScope, read_connections};
use super::{output, setup};
use crate::cli::error::CommandResult;
use crate::model::compare_natural;
use crate::model::wording::pluralize;
use crate::plan::document::FORMAT_VERSION;
use crate::reconcile::import::{self, Ask, Identity, ManagedObjects, ReadObjects};
use crate::reconcile::{self, Checked};
use crate::render;
use crate::render::safe::make_visible;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle unmanaged licences\n  entitle unmanaged --connection lac licences\n  entitle unmanaged --sandbox --connection lac examples/lac"
)]
pub struct Unmanaged {
    /// Files or directories with manifests [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only this connection; without it all of them
    #[arg(long, value_name = "NAME", env = "ENTITLE_CONNECTION")]
    connection: Option<String>,
    #[command(flatten)]
    kinds: Kinds,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    store: SharedStore,
}

/// Reads every object of one account or of all, and prints those without a manifest.
///
/// Nothing is printed of a kind at a connection whose list is incomplete: a script that deletes or imports what is listed
/// must be able to rely on it. Unmanaged objects are no fault, so the exit is `Done` however many there are.
///
/// In text, the objects go to standard output and the counts to standard error, so that `entitle
/// unmanaged | wc -l` counts objects.
pub async fn run(args: Unmanaged) -> CommandResult<Exit> {
    let mut setup = setup::set_up_account(&args.paths, &args.reach).await?;
    setup.heed_others_if_told(&args.store).await;
    let accounts = reconcile::follow_references(&mut setup.checked, &setup.settings).await;
    let scope = ReadScope {
        connection: args.connection.as_deref(),
        kinds: &args.kinds.kind,
        ask: Ask::Everything,
        accounts,
    };
    let read = read_connections(&setup, &scope, "").await?;
    let lists: Vec<KindObjects<'_>> = read
        .reads
        .iter()
        .map(|read| KindObjects::new(&setup.checked, read))
        .collect();
    match args.format {
        Format::Json => print_document(&lists, &read)?,
        Format::Text => print_objects(&lists, &read)?,
    }
    Ok(read.exit)
}

/// The objects of one kind at one connection.
struct KindObjects<'a> {
    connection: &'a str,
    vendor: &'static str,
    kind: &'static str,
    managed: usize,
    unmanaged: Vec<&'a Identity>,
}

impl<'a> KindObjects<'a> {
    fn new(checked: &Checked, read: &'a ReadObjects) -> Self {
        let known = ManagedObjects::of(checked, &read.connection, read.kind);
        let (managed, unmanaged): (Vec<_>, Vec<_>) = read
            .objects
            .iter()
            .partition(|object| known.find(object).is_some());
        let mut unmanaged: Vec<&Identity> =
            unmanaged.iter().map(|object| &object.identity).collect();
        let ids = |identity| import::show_identity(identity);
        unmanaged.sort_by(|one, other| compare_natural(&ids(one), &ids(other)));
        Self {
            connection: &read.connection,
            vendor: read.kind.vendor().0,
            kind: read.kind.table().kind.0,
            managed: managed.len(),
            unmanaged,
        }
    }

    /// Returns the entries of the document, one for each object that has no manifest.
    fn entries(&self) -> impl Iterator<Item = UnmanagedObject<'a>> + use<'_, 'a> {
        self.unmanaged.iter().map(|identity| UnmanagedObject {
            id: import::show_identity(identity),
            identity: identity
                .iter()
                .map(|(name, id)| (*name, id.as_str()))
                .collect(),
            connection: self.connection,
            vendor: self.vendor,
            kind: self.kind,
        })
    }
}

/// The JSON of `entitle unmanaged`: live objects that no manifest names.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "entitle unmanaged")]
pub struct UnmanagedDocument<'a> {
    /// Major and minor version of this format.
    format_version: &'static str,
    /// The connection; left out if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    /// Its vendor; left out if there are several connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    /// The kind of the objects; left out if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    /// Live objects that have a manifest.
    managed: usize,
    unmanaged: Vec<UnmanagedObject<'a>>,
    /// An entry for each kind at each connection that was listed.
    connections: Vec<ListedKind<'a>>,
    /// What the vendor has no call to list.
    unlisted: Vec<UnlistedKind<'a>>,
}

/// A live object without a manifest.
#[derive(Serialize, JsonSchema)]
struct UnmanagedObject<'a> {
    /// Its id as `entitle import --id` takes it.
    id: String,
    /// The ids by which the vendor knows it.
    identity: BTreeMap<&'a str, &'a str>,
    connection: &'a str,
    vendor: &'a str,
    kind: &'a str,
}

/// How many objects of a kind a connection shows.
#[derive(Serialize, JsonSchema)]
struct ListedKind<'a> {
    connection: &'a str,
    vendor: &'a str,
    kind: &'a str,
    managed: usize,
    unmanaged: usize,
}

/// A kind at a connection that cannot be listed.
#[derive(Serialize, JsonSchema)]
struct UnlistedKind<'a> {
    connection: &'a str,
    kind: &'a str,
    /// Why it cannot be listed.
    message: &'a str,
}

/// Prints the document. With a single connection, its facts stand at the top of the document and in the list; so does
/// its kind, if it is the only one.
fn print_document(lists: &[KindObjects<'_>], read: &ReadConnections) -> CommandResult<()> {
    let counts = lists.iter().map(|it| ListedKind {
        connection: it.connection,
        vendor: it.vendor,
        kind: it.kind,
        managed: it.managed,
        unmanaged: it.unmanaged.len(),
    });
    let unlisted = read.unlisted.iter().map(|it| UnlistedKind {
        connection: &it.connection,
        kind: it.kind.0,
        message: &it.reason,
    });
    let only = only_connection(lists);
    let document = UnmanagedDocument {
        format_version: FORMAT_VERSION,
        connection: only.map(|it| it.connection),
        vendor: only.map(|it| it.vendor),
        kind: match lists {
            [only] => Some(only.kind),
            _ => None,
        },
        managed: lists.iter().map(|it| it.managed).sum(),
        unmanaged: lists.iter().flat_map(KindObjects::entries).collect(),
        connections: counts.collect(),
        unlisted: unlisted.collect(),
    };
    let mut out = output::data_stdout();
    render::json::write_document(&mut out, &document)?;
    Ok(out.flush()?)
}

/// Returns the first list if all are of its connection; `None` if there are several connections or none.
fn only_connection<'a, 'b>(lists: &'b [KindObjects<'a>]) -> Option<&'b KindObjects<'a>> {
    let (first, others) = lists.split_first()?;
    let is_only = others.iter().all(|it| it.connection == first.connection);
    is_only.then_some(first)
}

/// Prints a line for each object, with its connection where there are several, and the counts as notes.
fn print_objects(lists: &[KindObjects<'_>], read: &ReadConnections) -> CommandResult<()> {
    let mut out = output::buffered_stdout();
    let only = only_connection(lists);
    for one in lists {
        let connection = match only {
            Some(_) => String::new(),
            None => format!("  {}", one.connection),
        };
        for identity in &one.unmanaged {
            let line = format!(
                "{} {}{connection}",
                one.kind,
                import::show_identity(identity)
            );
            writeln!(out, "{}", make_visible(&line))?;
        }
    }
    out.flush()?;
    for one in lists {
        let others = lists.iter().filter(|it| it.connection == one.connection);
        output::print_note(&count_note(one, others.count() > 1));
    }
    read.note_unlisted();
    Ok(())
}

/// Returns the note on how many objects have a manifest. It names the kind if the connection shows several.
fn count_note(one: &KindObjects<'_>, with_kind: bool) -> String {
    let all = pluralize(one.managed + one.unmanaged.len(), "object");
    let all = match with_kind {
        true => format!("{all} of the kind {}", one.kind),
        false => all,
    };
    let (managed, connection, others) = (one.managed, one.connection, one.unmanaged.len());
    format!("{managed} of {all} at `{connection}` managed, {others} not")
}
