//! Deleting old lines.
//!
//! A summary would not do to stand for lines that are gone: the next version of this program may not understand it. So
//! what is known of each object of an account is appended as a line of its log first, which any version reads, and then
//! the first objects of the log are deleted that are old from their first line to their last. Killed in between, it
//! leaves lines that say the same twice. Lines of writes whose end nobody knows stay, and so does what comes after them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::layout::{self, UNLEASED};
use super::log;
use super::objects::Fault;
use super::{Bucket, PRUNE, READ};
use crate::apply::clock;
use crate::apply::journal::Record;
use crate::apply::memory::{Form, Summary};
use crate::apply::store::{Claim, Lease, Store, StoreError, Taken};
use crate::model::AccountKey;

/// Lines that are appended at once.
const CHUNK: usize = 1000;

/// Deletes lines from before `before`, account by account, and returns how many. Nobody else may write to the account
/// meanwhile.
pub async fn prune(store: &Bucket, claim: &Claim, before: Timestamp) -> Result<u64, StoreError> {
    let unleased = store.accounts.layout.log(UNLEASED);
    let unleased = store.accounts.objects.list(&unleased, None).await;
    if !unleased
        .map_err(|fault| store.error(READ, fault))?
        .is_empty()
    {
        let why = "it has imported lines of an old version, which do not name their account: what is known by them cannot \
                   be kept without them";
        return Err(store.error(PRUNE, Fault::lasting(why)));
    }
    let mut count = 0;
    for account in store.keys().await? {
        if !has_old(store, &account, before).await? {
            continue;
        }
        let lease = match store.take(&account, claim).await? {
            Taken::Held(lease) => lease,
            Taken::Busy(by) => {
                let why = format!("{account} is locked by {by}");
                return Err(store.error(PRUNE, Fault::lasting(why)));
            }
        };
        count += prune_account(store, &*lease, before).await?;
    }
    Ok(count)
}

/// Reports whether the first object of a log is old.
async fn has_old(
    store: &Bucket,
    account: &AccountKey,
    before: Timestamp,
) -> Result<bool, StoreError> {
    let old = async {
        let log = store.accounts.layout.log(&layout::folder(account));
        match store.accounts.objects.list(&log, None).await?.first() {
            Some(first) => is_old(store, first, before, &BTreeSet::new()).await,
            None => Ok(None),
        }
    };
    let old = old.await.map_err(|fault| store.error(READ, fault))?;
    Ok(old.is_some())
}

async fn prune_account(
    store: &Bucket,
    lease: &dyn Lease,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let account = lease.account();
    let now = clock::now().to_string();
    let summary = Summary::read(store, std::slice::from_ref(account), &now).await?;
    let (known, open): (Vec<Record>, Vec<Record>) = summary
        .records(Form::Plain)
        .partition(|record| record.is_summary());
    let open: BTreeSet<String> = open.into_iter().map(|record| record.run).collect();
    drop(summary);
    let log = store.accounts.layout.log(&layout::folder(account));
    let objects = &store.accounts.objects;
    let found = old_objects(store, &log, before, &open).await;
    let (old, lines) = found.map_err(|fault| store.error(READ, fault))?;
    if lines == 0 {
        return Ok(0);
    }
    for chunk in known.chunks(CHUNK) {
        store.append(chunk, Some(lease)).await?;
    }
    for path in old {
        let deleted = objects.objects().delete(&path).await;
        deleted.map_err(|fault| store.error(PRUNE, fault))?;
    }
    Ok(lines)
}

/// Returns the objects at the beginning of a log that are old, and how many lines they have that tell what happened.
async fn old_objects(
    store: &Bucket,
    log: &str,
    before: Timestamp,
    open: &BTreeSet<String>,
) -> Result<(Vec<String>, u64), Fault> {
    let (mut old, mut lines) = (Vec::new(), 0);
    let mut paths = store.accounts.objects.list(log, None).await?;
    // The last one stays whatever happens: its number is the fence.
    paths.pop();
    for path in paths {
        let Some(count) = is_old(store, &path, before, open).await? else {
            break;
        };
        old.push(path);
        lines += count;
    }
    Ok((old, lines))
}

/// Returns how many lines an object has that tell what happened, if all of it is old; `None` if anything of it is not, or
/// is of one of the runs that are `open`.
async fn is_old(
    store: &Bucket,
    path: &str,
    before: Timestamp,
    open: &BTreeSet<String>,
) -> Result<Option<u64>, Fault> {
    let Some(object) = store.accounts.objects.get(path).await? else {
        return Ok(Some(0));
    };
    let part = log::parse(&object.body)?;
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
