//! Deleting old lines.
//!
//! A summary would not do to stand for lines that are gone: the next version of this program may not understand it. So
//! what is known of each object of an account is appended as a line of the journal first, which any version reads, and in
//! the same transaction the lines before it are deleted. Lines of writes whose end nobody knows stay.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::types::Type;

use super::accounts::{parse, text};
use super::connection::Fault;
use super::error::{Task, refused};
use super::summary::position;
use super::upkeep::internal;
use super::{Postgres, Shared};
use crate::apply::clock;
use crate::apply::journal::encode;
use crate::apply::memory::{Form, Summary};
use crate::apply::store::StoreError;
use crate::model::AccountKey;

const OLD: &str = "
SELECT DISTINCT a.account FROM entitle.lease a
WHERE a.account <> ALL($2) AND EXISTS (
  SELECT 1 FROM entitle.line l WHERE l.account = a.account AND l.at < $1::text::timestamptz)";

const UNNAMED: &str = "SELECT 1 FROM entitle.line WHERE account = 'unknown' LIMIT 1";

const HOLD: &str = "SELECT 1 FROM entitle.lease WHERE account = $1 FOR NO KEY UPDATE";

const LAST: &str = "SELECT coalesce(max(seq), 0) FROM entitle.line WHERE account = $1";

const APPEND: &str =
    "INSERT INTO entitle.line (account, run, line) SELECT $1, '', unnest($2::text[])";

const DELETE: &str = "
DELETE FROM entitle.line WHERE account = $1 AND seq <= $2 AND at < $3::text::timestamptz AND run <> ALL($4)";

/// Runs of which no other line is left.
const DELETE_RUNS: &str = "
DELETE FROM entitle.line l WHERE account = 'runs' AND at < $1::text::timestamptz
AND NOT EXISTS (SELECT 1 FROM entitle.line o WHERE o.run = l.run AND o.account <> 'runs')";

/// Time for the old lines of an account to be deleted: those of years may be many.
const PRUNING: Duration = Duration::from_secs(600);

/// Deletes lines from before `before`, account by account, and returns how many.
pub async fn prune(store: &Postgres, before: Timestamp) -> Result<u64, StoreError> {
    let shared = &store.shared;
    let (before, now) = (before.to_string(), clock::now().to_string());
    let old = store.explained(Task::Prune, old_accounts(shared, &before).await)?;
    let Some(old) = old else {
        let why = "it has imported lines of an old version, which do not name their account: what is known by them cannot \
                   be kept without them";
        return Err(refused(shared.name().into(), Task::Prune, why));
    };
    let mut count = 0;
    for account in old.iter().filter_map(|name| parse(name)) {
        let summary = Summary::read(store, std::slice::from_ref(&account), &now).await?;
        let deleted = within(PRUNING, prune_account(shared, &account, summary, &before)).await;
        count += store.explained(Task::Prune, deleted)?;
    }
    let parameters = [(&before as _, Type::TEXT)];
    let deleting = async {
        let client = shared.connector.connect().await?;
        Ok(client.execute_typed(DELETE_RUNS, &parameters).await?)
    };
    let deleted = within(PRUNING, deleting).await;
    Ok(count + store.explained(Task::Prune, deleted)?)
}

async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    match timeout(time, work).await {
        Ok(done) => done,
        Err(_) => Err(Fault::Lost("it does not answer".into())),
    }
}

/// Returns the accounts that have old lines; `None` if some lines do not name theirs.
async fn old_accounts(shared: &Shared, before: &String) -> Result<Option<Vec<String>>, Fault> {
    if !shared.lines.query_again(UNNAMED, &[]).await?.is_empty() {
        return Ok(None);
    }
    let internal = internal();
    let parameters = [
        (before as _, Type::TEXT),
        (&internal as _, Type::TEXT_ARRAY),
    ];
    let rows = shared.lines.query_again(OLD, &parameters).await?;
    let names = rows.iter().map(|row| Ok(row.try_get(0)?));
    names.collect::<Result<_, Fault>>().map(Some)
}

/// Puts what is known of an account behind its lines and deletes the old ones. Nothing if lines came meanwhile: the
/// next pruning will do.
async fn prune_account(
    shared: &Shared,
    account: &AccountKey,
    summary: Summary,
    before: &String,
) -> Result<u64, Fault> {
    let key = text(account);
    let upto = position(summary.upto(), &key);
    let (known, open): (Vec<_>, Vec<_>) = summary
        .records(Form::Plain)
        .partition(|record| record.is_summary());
    let open: BTreeSet<String> = open.into_iter().map(|record| record.run).collect();
    let open: Vec<String> = open.into_iter().collect();
    let known = known.iter().map(|record| {
        let line = encode(record).map_err(|error| Fault::Lost(error.to_string()))?;
        Ok(line.trim_end().to_string())
    });
    let known: Vec<String> = known.collect::<Result<_, Fault>>()?;
    drop(summary);
    let own = || (&key as _, Type::TEXT);
    let mut client = shared.connector.connect().await?;
    let transaction = client.transaction().await?;
    transaction.query_typed(HOLD, &[own()]).await?;
    let last = transaction.query_typed_one(LAST, &[own()]).await?;
    if last.try_get::<_, i64>(0)? != upto {
        return Ok(0);
    }
    let lines = [own(), (&known as _, Type::TEXT_ARRAY)];
    transaction.execute_typed(APPEND, &lines).await?;
    let old = [
        own(),
        (&upto as _, Type::INT8),
        (before as _, Type::TEXT),
        (&open as _, Type::TEXT_ARRAY),
    ];
    let deleted = transaction.execute_typed(DELETE, &old).await?;
    transaction.commit().await?;
    Ok(deleted)
}
