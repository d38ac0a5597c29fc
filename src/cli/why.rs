//! `entitle why`: shows where the values of an object come from.
//!
//! In: an object of the manifests, or a field of one. Out: each value with the places that it came by: the row, the edition,
//! the parameter, the environment, the dated change or the object's own line, and the commit that wrote it; and the run that
//! wrote it last, from the journal. No vendor is called but with `--live`, which reads the object and shows what differs.

use std::io::Write;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::args::{Reach, ResolvedManifests, Selection, StoreArgs};
use super::command_run::Access;
use super::exit::Exit;
use super::setup::{self, Files, Setup};
use super::{findings, git, output, stores};
use crate::apply::memory::{Detail, Memory, ObjectWrite, object_keys, read_object_writes};
use crate::cli::error::{CommandResult, bail};
use crate::manifest;
use crate::model::diagnostic::find_nearest;
use crate::model::{Address, Desired, Need};
use crate::plan::descent::{DescentDocument, LiveEntry, is_at_or_below};
use crate::provider;
use crate::reconcile::descent::DescentFinder;
use crate::reconcile::{self, Bases, CheckOptions, Checked, account_of};
use crate::render;
use crate::render::descent::write_descent;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle why rivers.activations_allowed\n  entitle why rivers licences --env staging --at 2027-07-01\n  entitle why rivers.policy.mode\n  entitle why rivers --live"
)]
pub struct Why {
    /// The object, and a field of it: Kind/name.field, or the name alone
    #[arg(value_name = "OBJECT[.FIELD]")]
    object: String,
    #[command(flatten)]
    manifests: ResolvedManifests,
    /// Read the object from its vendor too, or with --sandbox from its simulator, and show what differs and who changed it
    #[arg(long, env = "ENTITLE_LIVE")]
    live: bool,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_WHY_FORMAT", default_value = "text")]
    format: WhyFormat,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    store: StoreArgs,
}

/// What the descent is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhyFormat {
    Text,
    Json,
}

/// The object that is asked for, and the field of it.
struct Asked {
    object: Arc<Desired>,
    field: Option<String>,
}

/// Prints the descent of the object. Returns `Exit::Error` for manifests with errors, and `Err` for an object or a field that
/// they do not have.
pub async fn run(args: Why) -> CommandResult<Exit> {
    let selection = args.manifests.selection();
    if args.live {
        let time = setup::reading_time(args.manifests.at.at);
        let mut setup = setup::set_up_at(&selection, &args.reach, Files::Named, time).await?;
        let asked = find_object(&setup.checked, &args.object)?;
        let mut document = explain(&setup.checked, &asked)?;
        setup.checked.restrict_to(vec![Arc::clone(&asked.object)]);
        setup.tell_unset_variables()?;
        setup.heed_others_if_told(&args.store.shared).await;
        let store = setup.store_args(&args.store);
        let is_remembered = !setup.is_trial() || args.store.journal.is_some();
        if is_remembered {
            add_writes(&mut document, &setup.checked, &asked.object, &store).await;
        }
        let store = is_remembered.then_some(&store);
        document.live = Some(read_live(&setup, store, &asked).await?);
        return print(&args, document).await;
    }
    let Some(checked) = check_offline(&selection, &args)? else {
        return Ok(Exit::Error);
    };
    let asked = find_object(&checked, &args.object)?;
    let mut document = explain(&checked, &asked)?;
    let store = StoreArgs {
        scope: checked.store_scope(args.store.scope.as_deref()),
        ..args.store.clone()
    };
    add_writes(&mut document, &checked, &asked.object, &store).await;
    print(&args, document).await
}

/// Reads and checks the manifests without their connections. `None` if they have errors, which are printed.
fn check_offline(selection: &Selection, args: &Why) -> CommandResult<Option<Checked>> {
    let limits = setup::read_limits(Some(args.reach.time.timeout));
    let loaded = manifest::load(&selection.paths, &mut std::io::stdin(), &limits);
    let options = CheckOptions {
        time: setup::reading_time(args.manifests.at.at),
        environment: selection.environment_choice(),
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(loaded, &options);
    findings::print_manifest_findings(&checked.findings, &selection.paths)?;
    Ok((!checked.findings.has_errors()).then_some(checked))
}

fn explain(checked: &Checked, asked: &Asked) -> CommandResult<DescentDocument> {
    let (address, field) = (&asked.object.address, asked.field.as_deref());
    let mut finder = DescentFinder::new(checked);
    let Some(document) = finder.explain(&asked.object, field) else {
        bail!("{address} is not in the manifests as they were written");
    };
    if document.values.is_empty() {
        let field = field.unwrap_or_default();
        let all = finder.explain(&asked.object, None);
        let stated = all.iter().flat_map(|all| &all.values);
        let hint = match find_nearest(field, stated.map(|value| value.field.as_str())) {
            Some(near) => format!("do you mean {near}?"),
            None => "what a manifest leaves out keeps its live value".into(),
        };
        bail!("{address} says nothing of {field:?}: {hint}");
    }
    Ok(document)
}

/// Adds to each value the last write of it that was carried out, as far as the journal goes back. A journal that cannot be
/// read is a warning.
async fn add_writes(
    document: &mut DescentDocument,
    checked: &Checked,
    object: &Desired,
    store: &StoreArgs,
) {
    let writes = match read_writes(checked, object, store).await {
        Ok(writes) => writes,
        Err(why) => {
            output::print_warning(&format!(
                "no run is named, since the journal cannot be read: {why:#}"
            ));
            return;
        }
    };
    for value in &mut document.values {
        let mut writes = writes.iter().filter(|write| write.is_carried_out());
        let last = writes.find(|write| {
            write.changes.iter().any(|change| {
                is_at_or_below(&value.field, &change.path)
                    || is_at_or_below(&change.path, &value.field)
            })
        });
        value.last_write = last.map(ObjectWrite::summary);
    }
}

async fn read_writes(
    checked: &Checked,
    object: &Desired,
    store: &StoreArgs,
) -> CommandResult<Vec<ObjectWrite>> {
    let connection: &str = &object.connection;
    let Some(known) = checked.connections.get(connection) else {
        return Ok(Vec::new());
    };
    let reader = store.reader();
    let store = stores::open_store(store, Access::Read).await?;
    let keys = object_keys(object, &account_of(checked, connection));
    let account = known.account_key();
    Ok(read_object_writes(&*store, &reader, &account, &keys, usize::MAX).await?)
}

/// Reads the one object of the setup, and compares it with its manifest and with the journal.
async fn read_live(
    setup: &Setup,
    store: Option<&StoreArgs>,
    asked: &Asked,
) -> CommandResult<LiveEntry> {
    let memory = match store {
        Some(store) => {
            let reader = store.reader();
            let store = stores::open_store(store, Access::Read).await?;
            let accounts = stores::manifest_accounts(&setup.checked);
            stores::read_memory(&*store, reader, &accounts, Detail::Values).await?
        }
        None => Memory::new(Detail::Values),
    };
    let bases = Bases::Journal(memory);
    let (drift, found) = reconcile::find_drift(&setup.checked, &bases, true, &setup.settings).await;
    output::print_findings(&found)?;
    let created_at = drift.created_at;
    let Some(entry) = drift.objects.into_iter().next() else {
        bail!("the object was not read");
    };
    let mut differences = entry.differences;
    differences.retain(|one| {
        let field = asked.field.as_deref();
        field.is_none_or(|field| {
            is_at_or_below(&one.path, field) || is_at_or_below(field, &one.path)
        })
    });
    Ok(LiveEntry {
        read_at: created_at,
        state: entry.state,
        applied: entry.applied,
        differences,
        unseen: list_unseen(&asked.object),
        message: entry.message,
    })
}

/// Lists the fields of an object's kind that no read shows, so that nothing can be said of what live has.
fn list_unseen(object: &Desired) -> Vec<String> {
    let Some(kind) = provider::find_kind(object.address.kind.0) else {
        return Vec::new();
    };
    let table = kind.table();
    let unread = table.desired.iter();
    let unread = unread.filter(|field| field.need == Need::InManifest);
    let all = unread.chain(table.lifecycle.creation_fields());
    all.map(|field| field.name.to_string()).collect()
}

/// Prints the document, with the commits of its lines.
async fn print(args: &Why, mut document: DescentDocument) -> CommandResult<Exit> {
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
    let is_unread = document.live.is_some_and(|live| live.state.is_unread());
    Ok(if is_unread { Exit::Error } else { Exit::Done })
}

/// Finds the object that a text begins with, and the field behind it. Names may have dots, so the longest name counts.
fn find_object(checked: &Checked, text: &str) -> CommandResult<Asked> {
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
    let mut objects = checked.desired.iter();
    let Some(object) = objects.find(|object| object.address == **address) else {
        bail!("the manifests have no object {text:?}");
    };
    Ok(Asked {
        object: Arc::clone(object),
        field,
    })
}
