//! Opens the store that a command was given, and reads from it.
//!
//! In: `StoreArgs`. Out: a `Store` behind a trait, its records, or its memory of objects. This is the one
//! place that knows which URL leads to which engine, and which engines are built in.

use std::collections::BTreeSet;
#[cfg(feature = "bucket")]
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{SharedStore, StoreArgs};
use super::command_run::Access;
use super::{command_run, output, state, work_tree};
use crate::apply::Budgets;
#[cfg(feature = "postgres")]
use crate::apply::Tls;
use crate::apply::journal::Record;
use crate::apply::memory::ScopeReader;
use crate::apply::memory::history::RunNameError;
use crate::apply::memory::{Detail, Memory};
use crate::apply::records::Damaged;
#[cfg(feature = "bucket")]
use crate::apply::store::bucket::BucketStore;
use crate::apply::store::files::FileStore;
#[cfg(feature = "postgres")]
use crate::apply::store::postgres::PostgresStore;
use crate::apply::store::{
    Cursor, JournalLine, JournalScope, RecordQueue, Store, StoreAdmin, StoreError,
};
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::files::write::is_writable_directory;
use crate::model::AccountKey;
use crate::reconcile::Checked;

/// Opens the store of `--store`, or the files of this user without it.
///
/// Returns `Err` if it cannot be reached or created.
pub async fn open_store(args: &StoreArgs, access: Access) -> CommandResult<Arc<dyn Store>> {
    let store: Arc<dyn Store> = open_for_admin(args, access).await?;
    Ok(store)
}

/// Opens the same store with the operations of `entitle store`.
///
/// A shared store is opened once per command and closed after it. For a server, `access` makes no
/// difference, so that a command that reads and then writes has a single connection.
pub async fn open_for_admin(
    args: &StoreArgs,
    access: Access,
) -> CommandResult<Arc<dyn StoreAdmin>> {
    let Some(url) = &args.shared.url else {
        let journal = state::journal_path(args)?;
        let locks = locks_dir(args, access)?;
        return Ok(Arc::new(open_file_store(args, journal, locks, access)?));
    };
    // A connection to a server is the same for reading and for writing.
    let access = match url.starts_with("file:") {
        true => access,
        false => Access::Write,
    };
    if let Some(store) = command_run::find_store(url, access) {
        return Ok(store);
    }
    let store = connect_store(url, args, access).await?;
    command_run::close_later(url, access, &store);
    Ok(store)
}

/// Returns the directory of the locks: the user's own, so that all runs of the user on this machine share it. If it
/// cannot be used and a journal was named, one beside the journal: `j.jsonl` has `j.locks`.
///
/// A service without a home directory names a journal, and so a place where it can write.
fn locks_dir(args: &StoreArgs, access: Access) -> CommandResult<PathBuf> {
    let shared = state::state_dir().map(|dir| dir.join("locks"));
    let Some(journal) = &args.journal else {
        return shared;
    };
    let is_usable = |dir: &Path| match access {
        Access::Read => dir.is_dir(),
        Access::Write => is_writable_directory(dir),
    };
    match shared {
        Ok(dir) if is_usable(&dir) => Ok(dir),
        Ok(_) | Err(_) => Ok(journal.with_extension("locks")),
    }
}

/// Opens the engine that the scheme of a URL names.
///
/// Returns `Err` for an unknown scheme, without the URL in the message, since it may hold a password;
/// and for an engine that this build does not contain.
async fn connect_store(
    url: &str,
    args: &StoreArgs,
    access: Access,
) -> CommandResult<Arc<dyn StoreAdmin>> {
    match url.split_once(':') {
        Some(("file", path)) => {
            let dir = store_directory(path)?;
            let files =
                open_file_store(args, dir.join("journal.jsonl"), dir.join("locks"), access)?;
            Ok(Arc::new(files))
        }
        #[cfg(feature = "postgres")]
        Some(("postgres" | "postgresql", _)) => {
            let tls = Tls::default();
            Ok(Arc::new(PostgresStore::open(url, &tls).await?))
        }
        #[cfg(not(feature = "postgres"))]
        Some(("postgres" | "postgresql", _)) => Err(not_built_in("PostgreSQL", "postgres")),
        #[cfg(feature = "bucket")]
        Some(("s3" | "gs" | "az", _)) => {
            let text = |name: OsString| name.into_string().ok();
            let variables = std::env::vars_os();
            let variables = variables.filter_map(|(name, value)| Some((text(name)?, text(value)?)));
            Ok(Arc::new(BucketStore::open(url, variables)?))
        }
        #[cfg(not(feature = "bucket"))]
        Some(("s3" | "gs" | "az", _)) => Err(not_built_in("a bucket", "bucket")),
        // The text may hold a password, so it is not repeated.
        _ => bail!(
            "--store takes postgres://, s3://, gs://, az:// or file:DIRECTORY, and this is none of them"
        ),
    }
}

/// Returns the directory of a `file:` URL, given the text after the colon.
///
/// `/srv/entitle` and `///srv/entitle` give `/srv/entitle`, and `beside` the relative `beside`. After
/// two slashes a URL names a machine, so `//host/entitle` is an `Err`: no other machine is reached this
/// way.
fn store_directory(path: &str) -> CommandResult<PathBuf> {
    let dir = path.strip_prefix("//").unwrap_or(path);
    if dir.is_empty() || dir.len() < path.len() && !dir.starts_with('/') {
        bail!("--store file:{path} names no directory: write file:/srv/entitle")
    }
    Ok(PathBuf::from(dir))
}

/// Returns the error for an engine that this build does not contain, with the way to one that does.
#[cfg(not(all(feature = "postgres", feature = "bucket")))]
fn not_built_in(engine: &str, feature: &str) -> CommandError {
    super::error::user_error(format_args!(
        "this build keeps no store in {engine}: the released packages and images do, and so does `cargo build --features {feature}`"
    ))
}

/// Opens a store in files, with the hint for this user's own files if it cannot be opened.
fn open_file_store(
    args: &StoreArgs,
    journal: PathBuf,
    locks: PathBuf,
    access: Access,
) -> CommandResult<FileStore> {
    match access {
        Access::Read => Ok(FileStore::for_reading(&journal, &locks)),
        Access::Write => FileStore::open(&journal, &locks, &work_tree::link_policy())
            .map_err(|error| state::journal_fault(args, &journal, error)),
    }
}

/// Returns what is known of other processes that call the same accounts.
///
/// Without a shared store, or in a sandbox, nothing is known and the rates are not divided. Returns
/// `Err` if the store cannot be opened.
pub async fn shared_budgets(shared: &SharedStore, sandbox: bool) -> CommandResult<Budgets> {
    if shared.url.is_none() || sandbox {
        return Ok(Budgets::default());
    }
    let args = StoreArgs {
        shared: shared.clone(),
        ..StoreArgs::default()
    };
    Ok(Budgets {
        store: Some(open_store(&args, Access::Read).await?),
        processes: shared.share,
    })
}

/// Warns if `ENTITLE_STORE` is set but empty: CI services set it so if the job may not see the secret.
///
/// The run would then keep locks and journal on this machine, and not exclude runs on others.
pub fn warn_of_empty(args: &StoreArgs) {
    let is_empty = std::env::var_os("ENTITLE_STORE").is_some_and(|url| url.is_empty());
    if is_empty && args.shared.url.is_none() {
        output::print_warning(
            "ENTITLE_STORE is empty: this run locks and remembers on this machine only; unset it if that is meant",
        );
    }
}

/// Returns the queue before a store. Records that a shared store does not accept go to a file on this
/// machine, `orphans/RUN.jsonl` in the state directory, for `entitle store import`.
pub fn open_queue(
    args: &StoreArgs,
    store: Arc<dyn Store>,
    run: &str,
) -> CommandResult<Arc<RecordQueue>> {
    let orphans = match &args.shared.url {
        Some(_) => Some(state::state_dir()?.join(format!("orphans/{run}.jsonl"))),
        None => None,
    };
    Ok(RecordQueue::with_orphans(store, orphans))
}

/// Turns a store's error into that of a command, with a hint if the store's place was a default.
pub fn explain_store_error(args: &StoreArgs, error: StoreError) -> CommandError {
    CommandError::from(error).with_hint(args.shared.url.is_none().then_some(state::HINT))
}

/// Returns the words for a message about missing runs: this machine's journal was read, and others may
/// be in a shared store. `None` if the user named a store or a journal.
pub fn hint_at_shared_store(args: &StoreArgs) -> Option<&'static str> {
    let is_own = args.shared.url.is_none() && args.journal.is_none();
    is_own.then_some("the journal of this machine; --store names the one that a team shares")
}

/// Returns the error for a name that stands for no run, with the way to those that there are.
pub fn explain_run_name(args: &StoreArgs, error: RunNameError) -> CommandError {
    match error {
        RunNameError::Ambiguous { .. } => error.into(),
        RunNameError::Unknown(_) => {
            let hint = hint_at_shared_store(args);
            let elsewhere = hint.map_or(String::new(), |hint| format!(". It is {hint}"));
            user_error(format_args!("{error}; see `entitle history`{elsewhere}"))
        }
    }
}

/// Passes every record of a store to `take`, in order.
///
/// Damaged lines are skipped and returned, so that the caller decides if it warns. Returns `Err` if the
/// store cannot be read.
pub async fn read_records(
    store: &dyn Store,
    mut take: impl FnMut(Record) + Send,
) -> Result<Damage, StoreError> {
    let mut damaged = Damaged::default();
    let mut take_line = |line| match line {
        JournalLine::Record(record) => take(*record),
        JournalLine::Damaged(number) => damaged.add(number),
        JournalLine::Reset => {}
    };
    let mut cursor = Cursor::default();
    store
        .read(JournalScope::Everything, &mut cursor, &mut take_line)
        .await?;
    Ok(Damage(damaged.describe_cut(&store.name())))
}

/// Returns the accounts that the connections of the manifests lead to, each once and sorted.
pub fn manifest_accounts(checked: &Checked) -> Vec<AccountKey> {
    let accounts = checked.connections.values();
    let accounts: BTreeSet<AccountKey> = accounts
        .map(|connection| connection.account_key())
        .collect();
    accounts.into_iter().collect()
}

/// The damaged lines of a store, in words. Must be used, so that no caller forgets to warn.
#[must_use]
pub struct Damage(Option<String>);

impl Damage {
    /// Prints a warning if lines are damaged.
    pub fn warn(self) {
        if let Some(damaged) = self.0 {
            output::print_warning(&damaged);
        }
    }

    /// Discards the message, where another reading of the same store has printed it.
    pub fn known(self) {}
}

/// Reads a store's memory of the objects of these accounts, as `reader` sees it, and warns of damaged lines.
pub async fn read_memory(
    store: &dyn Store,
    reader: ScopeReader,
    accounts: &[AccountKey],
    detail: Detail,
) -> Result<Memory, StoreError> {
    let mut memory = Memory::of(store, accounts, detail).await?;
    memory.set_reader(reader);
    if let Some(damaged) = memory.damaged.describe_cut(&store.name()) {
        output::print_warning(&damaged);
    }
    Ok(memory)
}
