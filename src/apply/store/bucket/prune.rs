//! Deletes old lines.
//!
//! A summary may not stand for lines that are gone: the next version of this program may not understand it. So the
//! state of each object of an account is first appended to its log as lines, which any version reads; then the first
//! objects of the log that are old from their first line to their last are deleted. Killed in between, it leaves lines
//! that tell the same twice. Lines of runs with a write without an outcome stay, and so do all lines behind them.
//!
//! A log 0 to 9 of which 0 to 5 are old becomes 6 to 10, with the states in 10. The last object always stays: its
//! number is the fence.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::layout::{self, UNLEASED};
use super::log;
use super::objects::BucketError;
use super::{BucketStore, PRUNE, READ};
use crate::apply::clock;
use crate::apply::journal::Record;
use crate::apply::journal::SummaryForm;
use crate::apply::memory::JournalSummary;
use crate::apply::store::{Lease, LeaseClaim, Store, StoreError, Taken};
use crate::model::AccountKey;

/// How many lines to append at once.
const CHUNK: usize = 1000;

/// Deletes lines from before `before`, account by account, and returns how many. `Err` if another run holds a lease.
pub async fn prune_logs(
    store: &BucketStore,
    claim: &LeaseClaim,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let unleased = store.accounts.layout.log_folder(UNLEASED);
    let unleased = store.accounts.objects.list(&unleased, None).await;
    if !unleased
        .map_err(|error| store.store_error(READ, error))?
        .is_empty()
    {
        let why = "it has imported lines of an old version, which do not name their account: what is known by them cannot \
                   be kept without them";
        return Err(store.store_error(PRUNE, BucketError::permanent(why)));
    }
    let mut count = 0;
    for account in store.known_accounts().await? {
        if !has_old(store, &account, before).await? {
            continue;
        }
        let lease = match store.take_lease(&account, claim).await? {
            Taken::Held(lease) => lease,
            Taken::Busy(by) => {
                let why = format!("{account} is locked by {by}");
                return Err(store.store_error(PRUNE, BucketError::permanent(why)));
            }
        };
        count += prune_account(store, &*lease, before).await?;
    }
    Ok(count)
}

/// Reports whether the first object of a log is old.
async fn has_old(
    store: &BucketStore,
    account: &AccountKey,
    before: Timestamp,
) -> Result<bool, StoreError> {
    let old = async {
        let log = store
            .accounts
            .layout
            .log_folder(&layout::account_folder(account));
        match store.accounts.objects.list(&log, None).await?.first() {
            Some(first) => count_if_old(store, first, before, &BTreeSet::new()).await,
            None => Ok(None),
        }
    };
    let old = old.await.map_err(|error| store.store_error(READ, error))?;
    Ok(old.is_some())
}

/// Deletes the old lines of one account under its lease, and returns how many.
async fn prune_account(
    store: &BucketStore,
    lease: &dyn Lease,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let account = lease.account();
    let now = clock::now().to_string();
    let summary = JournalSummary::read(store, std::slice::from_ref(account), &now).await?;
    let (states, open): (Vec<Record>, Vec<Record>) = summary
        .records(SummaryForm::Plain)
        .partition(|record| record.is_summary());
    let open: BTreeSet<String> = open.into_iter().map(|record| record.run).collect();
    drop(summary);
    let log = store
        .accounts
        .layout
        .log_folder(&layout::account_folder(account));
    let objects = &store.accounts.objects;
    let found = find_old_segments(store, &log, before, &open).await;
    let (old, lines) = found.map_err(|error| store.store_error(READ, error))?;
    if lines == 0 {
        return Ok(0);
    }
    for chunk in states.chunks(CHUNK) {
        store.append(chunk, Some(lease)).await?;
    }
    for path in old {
        let deleted = objects.inner().delete(&path).await;
        deleted.map_err(|error| store.store_error(PRUNE, error))?;
    }
    Ok(lines)
}

/// Returns the old objects at the beginning of a log, and how many records of runs they have.
async fn find_old_segments(
    store: &BucketStore,
    log: &str,
    before: Timestamp,
    open: &BTreeSet<String>,
) -> Result<(Vec<String>, u64), BucketError> {
    let (mut old, mut lines) = (Vec::new(), 0);
    let mut paths = store.accounts.objects.list(log, None).await?;
    // The last one always stays: its number is the fence.
    paths.pop();
    for path in paths {
        let Some(count) = count_if_old(store, &path, before, open).await? else {
            break;
        };
        old.push(path);
        lines += count;
    }
    Ok((old, lines))
}

/// Returns how many records of runs an object has if all of it is old; `None` if any of it is new or belongs to one of
/// the runs in `open`.
async fn count_if_old(
    store: &BucketStore,
    path: &str,
    before: Timestamp,
    open: &BTreeSet<String>,
) -> Result<Option<u64>, BucketError> {
    let Some(object) = store.accounts.objects.get(path).await? else {
        return Ok(Some(0));
    };
    let part = log::parse_segment(&object.body)?;
    let is_new = |at: Timestamp| at >= before;
    if part.header.as_ref().is_none_or(|header| is_new(header.at)) {
        return Ok(None);
    }
    let mut count = 0;
    for record in part.records().flatten() {
        let at = record.at.parse::<Timestamp>();
        if at.is_ok_and(is_new) || open.contains(&record.run) {
            return Ok(None);
        }
        count += u64::from(!record.is_summary());
    }
    Ok(Some(count))
}
