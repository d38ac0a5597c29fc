//! `entitle unmanaged`: lists live objects that no manifest names.
//!
//! In: the manifests and one connection. Out: one line per object, or a JSON document. Objects are
//! compared by identity only. Reading and matching are in `reconcile::import`; this module chooses and
//! prints.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value as Json, json};

use super::args::{Format, Reach, SharedStore};
use super::exit::Exit;
use super::{output, setup};
use crate::cli::error::{CommandResult, bail};
use crate::model::wording::pluralize;
use crate::plan::document::FORMAT_VERSION;
use crate::reconcile::import::{self, Ask};
use crate::render;
use crate::render::safe::make_visible;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle unmanaged --connection lac licences\n  entitle unmanaged --sandbox --connection lac examples/lac"
)]
pub struct Unmanaged {
    /// Files or directories with manifests [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Connection to read from; may be left out when there is only one
    #[arg(long, value_name = "NAME", env = "ENTITLE_CONNECTION")]
    connection: Option<String>,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    store: SharedStore,
}

/// Reads every object of one connection's account and prints those without a manifest.
///
/// Returns `Err` if the list of the vendor is incomplete. A partial list would be misleading here: a
/// script that deletes or imports what is listed must be able to rely on it. Unmanaged objects are no
/// fault, so the exit is `Done` however many there are.
///
/// In text, the objects go to standard output and the count to standard error, so that `entitle
/// unmanaged | wc -l` counts objects.
pub async fn run(args: Unmanaged) -> CommandResult<Exit> {
    let mut setup = setup::set_up_account(&args.paths, &args.reach).await?;
    setup.heed_others_if_told(&args.store).await;
    let connection = import::choose_connection(&setup.checked, args.connection.as_deref())?;
    let kind = import::kind_at(&setup.checked, &connection)?;
    let seen = import::read_objects(
        &setup.checked,
        &connection,
        kind,
        &Ask::Everything,
        &setup.settings,
    )
    .await?;
    if let Some(failure) = seen.failures.first() {
        bail!("the list of objects is not complete: {failure}");
    }
    let kind = kind.table().kind;
    let known = import::managed_objects(&setup.checked, &connection, kind);
    let (managed, unmanaged): (Vec<_>, Vec<_>) = seen
        .objects
        .iter()
        .map(|found| &found.identity)
        .partition(|identity| known.contains_key(identity));
    match args.format {
        Format::Json => {
            let identity = |identity: &import::Identity| -> Json {
                let members = identity.iter();
                members
                    .map(|(name, id)| (name.to_string(), json!(id)))
                    .collect()
            };
            let objects: Vec<Json> = unmanaged
                .iter()
                .map(|one| json!({"id": import::show_identity(one), "identity": identity(one)}))
                .collect();
            let document = json!({
                "format_version": FORMAT_VERSION,
                "connection": connection,
                "vendor": seen.kind.vendor().0,
                "kind": kind.0,
                "managed": managed.len(),
                "unmanaged": objects,
            });
            let mut out = output::data_stdout();
            render::json::write_document(&mut out, &document)?;
            out.flush()?;
        }
        Format::Text => {
            let mut out = output::buffered_stdout();
            for identity in &unmanaged {
                writeln!(
                    out,
                    "{kind} {}",
                    make_visible(&import::show_identity(identity))
                )?;
            }
            out.flush()?;
            output::print_note(&format!(
                "{} of {} at `{connection}` managed, {} not",
                managed.len(),
                pluralize(seen.objects.len(), "object"),
                unmanaged.len()
            ));
        }
    }
    Ok(Exit::Done)
}
