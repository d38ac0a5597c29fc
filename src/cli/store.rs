//! `entitle store`: checks and looks after the store that a team shares.
//!
//! In: a store URL, or the files of this user, and a subtask. Out: text on standard output, or changed
//! journal lines. The module moves and shows records; what a record means to a plan is decided in
//! `apply::memory`, and how an engine keeps its promises in `apply::store`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::SignedDuration;

use super::args::StoreArgs;
use super::command_run::Access;
use super::duration::parse_duration;
use super::exit::Exit;
use super::{output, state, stores};
use crate::apply::clock;
use crate::apply::journal::{JournalEvent, Record, encode};
use crate::apply::records::Records;
use crate::apply::store::compact;
use crate::apply::store::{Lease, LeaseClaim, LeaseState, Store, StoreAdmin, Taken};
use crate::cli::error::{CommandError, CommandResult, bail};
use crate::model::wording::pluralize;
use crate::model::{AccountKey, Vendor};
use crate::provider;
use crate::render::safe::make_visible;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle store check --store postgres://entitle@db.example.com/entitle\n  entitle store show\n  entitle store prune --keep 400d\n\nThe store is the one of --store or ENTITLE_STORE, else the files of this user."
)]
pub struct StoreCommand {
    #[command(subcommand)]
    task: StoreTaskArgs,
}

#[derive(Subcommand)]
enum StoreTaskArgs {
    /// Prove that the store keeps its promises before it is trusted
    #[command(
        after_help = "Examples:\n  entitle store check --store s3://acme-entitle/licences\n\nOne of many wins each race, nothing of an old holder gets in, what was written is read."
    )]
    Check(Plain),
    /// Show who may write to which account
    #[command(after_help = "Examples:\n  entitle store show")]
    Show(Plain),
    /// Take the lease on an account away from a run that is gone
    #[command(
        after_help = "Examples:\n  entitle store unlock 'cryptlex https://api.cryptlex.com env CRYPTLEX_TOKEN'"
    )]
    Unlock(Unlock),
    /// Keep a summary of all lines, so that runs need not read them; runs that write do so now and then
    #[command(after_help = "Examples:\n  entitle store compact")]
    Compact(Plain),
    /// Delete old lines, of which history and undo then know nothing
    #[command(
        after_help = "Examples:\n  entitle store prune --keep 400d\n\nWhat was agreed on stays known: drift and healing go on as before. Of a journal file, stop the daemon meanwhile."
    )]
    Prune(Prune),
    /// Write all lines to standard output
    #[command(after_help = "Examples:\n  entitle store export > journal.jsonl")]
    Export(Plain),
    /// Add the lines of a journal, or of the file that a run left when its store was away
    #[command(
        after_help = "Examples:\n  entitle store import journal.jsonl --store file:/srv/entitle\n\nLines that are there already are not added again."
    )]
    Import(ImportJournals),
}

#[derive(Args)]
struct Plain {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args)]
struct Unlock {
    /// The account, or a part of its name that no other has
    account: String,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args)]
struct Prune {
    /// How long lines are kept, for example 400d
    #[arg(long, value_name = "DURATION", env = "ENTITLE_KEEP", value_parser = parse_duration)]
    keep: Duration,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args)]
struct ImportJournals {
    /// Journal files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

/// Opens the store with the access that the subtask needs, and runs the subtask.
///
/// `show`, `export` and `prune` open it for reading: a journal file that is open for writing cannot be
/// pruned.
pub async fn run(args: StoreCommand) -> CommandResult<Exit> {
    let (store, access) = match &args.task {
        // A journal file that is open for writing cannot be pruned.
        StoreTaskArgs::Show(Plain { store })
        | StoreTaskArgs::Export(Plain { store })
        | StoreTaskArgs::Prune(Prune { store, .. }) => (store, Access::Read),
        StoreTaskArgs::Check(Plain { store })
        | StoreTaskArgs::Compact(Plain { store })
        | StoreTaskArgs::Unlock(Unlock { store, .. })
        | StoreTaskArgs::Import(ImportJournals { store, .. }) => (store, Access::Write),
    };
    let store = stores::open_for_admin(store, access).await?;
    match &args.task {
        StoreTaskArgs::Check(_) => check_store(&*store).await,
        StoreTaskArgs::Show(_) => show_leases(&*store).await,
        StoreTaskArgs::Unlock(unlock) => unlock_account(&*store, &unlock.account).await,
        StoreTaskArgs::Compact(_) => compact_journal(&*store).await,
        StoreTaskArgs::Prune(prune) => delete_old(&*store, prune.keep).await,
        StoreTaskArgs::Export(_) => export_journal(&*store).await,
        StoreTaskArgs::Import(import) => import_journals(&*store, &import.files).await,
    }
}

/// Prints each promise of a store with `✓` or `✗`, and a verdict.
///
/// Returns `Exit::Error` if one promise is broken: a store that lets two runs write at once, or loses a
/// line, is worse than none.
async fn check_store(store: &dyn StoreAdmin) -> CommandResult<Exit> {
    let promises = store.check().await?;
    let mut out = output::buffered_stdout();
    let mut kept = true;
    for promise in promises {
        match &promise.kept {
            Ok(()) => writeln!(out, "✓ {}", promise.text)?,
            Err(why) => {
                kept = false;
                writeln!(
                    out,
                    "✗ {}: {}",
                    promise.text,
                    make_visible(&why.to_string())
                )?;
            }
        }
    }
    let name = store.name();
    match kept {
        true => writeln!(out, "{name} keeps what a store promises.")?,
        false => writeln!(out, "{name} cannot be trusted as a store.")?,
    }
    out.flush()?;
    Ok(if kept { Exit::Done } else { Exit::Error })
}

/// Prints the store's name and, per account, the holder of its lease with the time that is left.
async fn show_leases(store: &dyn StoreAdmin) -> CommandResult<Exit> {
    let leases = store.list_leases().await?;
    let mut out = output::buffered_stdout();
    writeln!(out, "{}", store.name())?;
    for lease in &leases {
        writeln!(out, "  {}", make_visible(&lease_line(lease)))?;
    }
    if leases.is_empty() {
        writeln!(out, "No account was written to yet.")?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Returns an account with the epoch and the holder of its lease, or `free`.
///
/// The epoch counts how often the lease was taken; the time left is in seconds.
fn lease_line(lease: &LeaseState) -> String {
    let LeaseState {
        account,
        epoch,
        holder,
        remaining: left,
    } = lease;
    let left = left.map_or(String::new(), |left| {
        format!(", for {} s unless it is renewed", left.as_secs())
    });
    match holder {
        Some(holder) => format!("{account}  epoch {epoch}  {holder}{left}"),
        None => format!("{account}  epoch {epoch}  free"),
    }
}

/// Takes the lease on the account `name` from its holder, for a run that is gone.
///
/// An exact name takes precedence; otherwise a part of a name that one account only has will do. Returns
/// `Err` if none or several match. If no run holds the lease, that is no error.
async fn unlock_account(store: &dyn StoreAdmin, name: &str) -> CommandResult<Exit> {
    let leases = store.list_leases().await?;
    let exact = leases.iter().filter(|lease| lease.account == name);
    let exact: Vec<&LeaseState> = exact.collect();
    let found = match exact.is_empty() {
        true => leases.iter().filter(|l| l.account.contains(name)).collect(),
        false => exact,
    };
    let [lease] = found[..] else {
        let count = found.len();
        bail!("{count} accounts are named {name:?}; see `entitle store show`")
    };
    let Some(holder) = &lease.holder else {
        output::print_note(&format!("There is no lease on {}.", lease.account));
        return Ok(Exit::Done);
    };
    store.unlock(&lease.account).await?;
    output::print_note(&format!(
        "Taken from {holder}. If that run still lives it can send nothing more; what it was writing, the next run looks into."
    ));
    Ok(Exit::Done)
}

/// Writes a summary of each account that has a lease, so that runs read the summary instead of all
/// lines.
async fn compact_journal(store: &dyn StoreAdmin) -> CommandResult<Exit> {
    let leases = store.list_leases().await?;
    let accounts: Vec<AccountKey> = leases
        .iter()
        .filter_map(|one| parse_account(&one.account))
        .collect();
    compact::compact_accounts(store, &accounts, 0, &clock::now().to_string()).await?;
    output::print_note("Runs start from a summary of all lines now.");
    Ok(Exit::Done)
}

/// Splits the name of an account into vendor, base URL and the rest, which may hold spaces.
///
/// For example, `cryptlex https://api.cryptlex.com env CRYPTLEX_TOKEN` has the account `env
/// CRYPTLEX_TOKEN`. Returns `None` for a name with fewer parts or with a vendor that this version does
/// not know.
fn parse_account(name: &str) -> Option<AccountKey> {
    let mut parts = name.splitn(3, ' ');
    let (vendor, base_url, account) = (parts.next()?, parts.next()?, parts.next()?);
    Some(AccountKey {
        vendor: known_vendor(vendor)?,
        base_url: base_url.to_string(),
        account: account.to_string(),
    })
}

/// Returns the vendor of this name; `None` for one that this version does not know.
fn known_vendor(name: &str) -> Option<Vendor> {
    let mut vendors = provider::ALL.iter().map(|provider| provider.vendor());
    vendors.find(|vendor| vendor.0 == name)
}

/// Deletes lines that are older than `keep`, and prints how many and from before which moment.
async fn delete_old(store: &dyn StoreAdmin, keep: Duration) -> CommandResult<Exit> {
    let keep = SignedDuration::try_from(keep)?;
    let before = clock::now().checked_sub(keep)?;
    let count = store.prune(before).await?;
    output::print_note(&format!(
        "Deleted {} from before {}.",
        pluralize(usize::try_from(count).unwrap_or(usize::MAX), "line"),
        before.strftime("%F %T UTC")
    ));
    Ok(Exit::Done)
}

/// Writes every readable record to standard output, one JSON line each, in the order of the store.
///
/// After the first failed write the rest is only read, since the reading cannot be stopped half-way; the
/// error is returned at its end. Damaged lines are left out with a warning.
async fn export_journal(store: &dyn StoreAdmin) -> CommandResult<Exit> {
    let mut out = std::io::BufWriter::new(output::line_stdout());
    let mut written = Ok(());
    let read = stores::read_records(store, |record| {
        if written.is_ok() {
            let line = encode(&record);
            written = line.and_then(|line| out.write_all(line.as_bytes()));
        }
    });
    read.await?.warn();
    written?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Number of lines in one append of an import, so that a large journal does not become one request.
const CHUNK: usize = 1000;

/// Adds the lines of the files that the store does not have yet, and prints their number.
///
/// Lines are compared in their encoded form, so that a file can be imported twice: of 120 lines of which
/// the store has 100, 20 are added. The lines of an account are appended under its lease, as a
/// run appends them.
///
/// Returns `Err` at the first file that cannot be read or is damaged, before anything is added.
async fn import_journals(store: &dyn StoreAdmin, files: &[PathBuf]) -> CommandResult<Exit> {
    let mut records = Vec::new();
    for file in files {
        records.extend(read_journal(file)?);
    }
    // Lines that the store has are not added again, so that a file may be imported twice.
    let mut known = HashSet::new();
    let read = stores::read_records(store, |record| {
        known.extend(encode(&record).ok());
    });
    read.await?.known();
    records.retain(|record| encode(record).is_ok_and(|line| !known.contains(&line)));
    let count = records.len();
    for (account, records) in by_account(records) {
        let lease = match &account {
            Some(account) => Some(take_lease(store, account).await?),
            None => None,
        };
        for chunk in records.chunks(CHUNK) {
            store.append(chunk, lease.as_deref()).await?;
        }
    }
    output::print_note(&format!("Added {}.", pluralize(count, "line")));
    Ok(Exit::Done)
}

/// Reads all records of a journal file. Returns `Err` if a line is damaged: an import of half the
/// lines would look complete.
fn read_journal(file: &PathBuf) -> CommandResult<Vec<Record>> {
    let fault =
        |error| CommandError::caused_by(format_args!("cannot read {}", file.display()), error);
    std::fs::metadata(file).map_err(fault)?;
    let mut records = Records::open(file).map_err(fault)?;
    let all = records.by_ref().collect();
    if let Some(damaged) = records
        .end()
        .map_err(fault)?
        .describe_cut(&file.display().to_string())
    {
        bail!("{damaged}: nothing was added")
    }
    Ok(all)
}

/// Takes the lease on an account for an import, for 60 seconds.
///
/// Returns `CommandError::Locked` with the holder's name if another run has it. An import does not wait:
/// a person can repeat it.
async fn take_lease(store: &dyn Store, account: &AccountKey) -> CommandResult<Box<dyn Lease>> {
    let claim = LeaseClaim {
        holder: state::lease_holder("import"),
        term: Duration::from_secs(60),
    };
    match store.take_lease(account, &claim).await? {
        Taken::Held(lease) => Ok(lease),
        Taken::Busy(holder) => Err(CommandError::Locked {
            name: account.to_string(),
            holder,
        }),
    }
}

/// Groups records by the account whose lease they need, and keeps their order within a group.
///
/// Only some events name an account. The others get theirs in this order:
///
/// 1. An outcome or a finding takes the account of the intent with the same run and address.
/// 2. Otherwise, and for the start and the end of a run, the account of the run counts if it has only
///    one.
/// 3. What is left goes to the group `None`.
///
/// For example, a run `r1` has intents for account `A` only, a run `r2` for `A` and `B`. Then the start
/// of `r1` belongs to `A`, the start of `r2` to `None`, and each outcome of `r2` to the account of its
/// intent.
fn by_account(records: Vec<Record>) -> Vec<(Option<AccountKey>, Vec<Record>)> {
    let mut writes: HashMap<(String, String), AccountKey> = HashMap::new();
    let mut accounts: BTreeMap<Option<AccountKey>, Vec<Record>> = BTreeMap::new();
    let mut runs: HashMap<String, Option<AccountKey>> = HashMap::new();
    for record in &records {
        let Some(account) = own_account(&record.event) else {
            continue;
        };
        if let JournalEvent::Intent(intent) = &record.event {
            let write = (record.run.clone(), intent.address.clone());
            writes.insert(write, account.clone());
        }
        let of_run = runs.entry(record.run.clone());
        let only = of_run.or_insert_with(|| Some(account.clone()));
        if only.as_ref() != Some(&account) {
            *only = None;
        }
    }
    for record in records {
        let write = |run: &String, address: &String| writes.get(&(run.clone(), address.clone()));
        let of_run = || runs.get(&record.run).cloned().flatten();
        let account = match &record.event {
            JournalEvent::Outcome(ended) => {
                write(&record.run, &ended.address).cloned().or_else(of_run)
            }
            JournalEvent::Found {
                of_run: run,
                address,
                ..
            } => write(run, address).cloned().or_else(of_run),
            JournalEvent::Started(_) | JournalEvent::Finished { .. } => of_run(),
            event => own_account(event),
        };
        accounts.entry(account).or_default().push(record);
    }
    accounts.into_iter().collect()
}

/// Returns the account that a line names; `None` in those of older versions.
fn own_account(event: &JournalEvent) -> Option<AccountKey> {
    let (vendor, base_url, account) = match event {
        JournalEvent::Intent(intent) => (&intent.vendor, &intent.base_url, &intent.account),
        JournalEvent::Agreed(agreed) => (&agreed.vendor, &agreed.base_url, &agreed.account),
        JournalEvent::Left(left) => (&left.vendor, &left.base_url, &left.account),
        JournalEvent::GaveUp(gave_up) => (&gave_up.vendor, &gave_up.base_url, &gave_up.account),
        _ => return None,
    };
    let vendor = known_vendor(vendor)?;
    (!account.is_empty()).then(|| AccountKey {
        vendor,
        base_url: base_url.trim_end_matches('/').to_string(),
        account: account.clone(),
    })
}
