//! `entitle unmanaged`: lists live objects that no manifest names.
//!
//! In: the manifests, and one connection or all. Out: one line per object, or a JSON document. Objects are
//! compared by identity only. Reading and matching are in `reconcile::import`; this module chooses and
//! prints.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value as Json, json};

use super::args::{Format, Kinds, Reach, SharedStore};
use super::exit::Exit;
use super::read_connections::{ReadConnections, ReadScope, read_connections};
use super::{output, setup};
use crate::cli::error::CommandResult;
use crate::model::compare_natural;
use crate::model::wording::pluralize;
use crate::plan::document::FORMAT_VERSION;
use crate::reconcile::Checked;
use crate::reconcile::import::{self, Ask, Identity, ReadObjects};
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
    let scope = ReadScope {
        connection: args.connection.as_deref(),
        kinds: &args.kinds.kind,
        ask: Ask::Everything,
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
        let kind = read.kind.table().kind;
        let known = import::managed_objects(checked, &read.connection, kind);
        let identities = read.objects.iter().map(|object| &object.identity);
        let (managed, mut unmanaged): (Vec<_>, Vec<_>) =
            identities.partition(|identity| known.contains_key(identity));
        let ids = |identity| import::show_identity(identity);
        unmanaged.sort_by(|one, other| compare_natural(&ids(one), &ids(other)));
        Self {
            connection: &read.connection,
            vendor: read.kind.vendor().0,
            kind: kind.0,
            managed: managed.len(),
            unmanaged,
        }
    }

    /// Returns the entries of the document, one for each object that has no manifest.
    fn entries(&self) -> impl Iterator<Item = Json> + use<'_, 'a> {
        self.unmanaged.iter().map(|identity| {
            let members = identity.iter();
            let members = members.map(|(name, id)| (name.to_string(), json!(id)));
            json!({
                "id": import::show_identity(identity),
                "identity": Json::Object(members.collect()),
                "connection": self.connection,
                "vendor": self.vendor,
                "kind": self.kind,
            })
        })
    }
}

/// Prints the document. With a single connection, its facts stand at the top of the document and in the list; so does
/// its kind, if it is the only one.
fn print_document(lists: &[KindObjects<'_>], read: &ReadConnections) -> CommandResult<()> {
    let counts = lists.iter().map(|it| {
        json!({
            "connection": it.connection,
            "vendor": it.vendor,
            "kind": it.kind,
            "managed": it.managed,
            "unmanaged": it.unmanaged.len(),
        })
    });
    let unlisted = read
        .unlisted
        .iter()
        .map(|it| json!({"connection": it.connection, "kind": it.kind.0, "message": it.reason}));
    let objects = lists.iter().flat_map(KindObjects::entries);
    let mut document = json!({
        "format_version": FORMAT_VERSION,
        "managed": lists.iter().map(|it| it.managed).sum::<usize>(),
        "unmanaged": objects.collect::<Vec<_>>(),
        "connections": counts.collect::<Vec<_>>(),
        "unlisted": unlisted.collect::<Vec<_>>(),
    });
    if let Some(only) = only_connection(lists) {
        document["connection"] = json!(only.connection);
        document["vendor"] = json!(only.vendor);
    }
    if let [only] = lists {
        document["kind"] = json!(only.kind);
    }
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
