//! Deletes old lines.
//!
//! A summary may not stand for lines that are gone: the next version of this program may not understand it. So the
//! state of each object of an account is first appended to the journal as a line, which any version reads, and in the
//! same transaction the old lines are deleted. Lines of runs with a write without an outcome stay.
//!
//! An account with lines 1 to 90 before the date and 91 to 100 after it, about two objects, has lines 91 to 102
//! afterwards: 101 and 102 are the two states.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::types::Type;

use super::account_name::internal_accounts;
use super::account_name::{account_name, parse_account};
use super::connection::QueryError;
use super::error::{StoreTask, refused_error};
use super::summary::cursor_position;
use super::{PostgresState, PostgresStore};
use crate::apply::clock;
use crate::apply::journal::SummaryForm;
use crate::apply::journal::encode;
use crate::apply::memory::JournalSummary;
use crate::apply::store::StoreError;
use crate::model::AccountKey;

/// Accounts with lines from before `$1`, except `$2`.
const SELECT_OLD_ACCOUNTS: &str = "
SELECT DISTINCT a.account FROM entitle.lease a
WHERE a.account <> ALL($2) AND EXISTS (
  SELECT 1 FROM entitle.line l WHERE l.account = a.account AND l.at < $1::text::timestamptz)";

/// One line without an account, if there is any.
const SELECT_UNNAMED: &str = "SELECT 1 FROM entitle.line WHERE account = 'unknown' LIMIT 1";

/// Locks the row of an account, so that nothing is appended meanwhile.
const LOCK_ACCOUNT: &str = "SELECT 1 FROM entitle.lease WHERE account = $1 FOR NO KEY UPDATE";

/// The number of the last line of an account; 0 if it has none.
const SELECT_LAST: &str = "SELECT coalesce(max(seq), 0) FROM entitle.line WHERE account = $1";

/// Appends lines that belong to no run.
const APPEND: &str =
    "INSERT INTO entitle.line (account, run, line) SELECT $1, '', unnest($2::text[])";

/// Deletes the lines of `$1` up to number `$2` from before `$3`, except those of the runs `$4`.
const DELETE: &str = "
DELETE FROM entitle.line WHERE account = $1 AND seq <= $2 AND at < $3::text::timestamptz AND run <> ALL($4)";

/// Deletes the lines of runs that have no other line left.
const DELETE_RUNS: &str = "
DELETE FROM entitle.line l WHERE account = 'runs' AND at < $1::text::timestamptz
AND NOT EXISTS (SELECT 1 FROM entitle.line o WHERE o.run = l.run AND o.account <> 'runs')";

/// How long deleting the lines of one account may take: those of years may be many.
const PRUNE_TIMEOUT: Duration = Duration::from_secs(600);

/// Deletes lines from before `before`, account by account, and returns how many.
pub async fn prune_lines(store: &PostgresStore, before: Timestamp) -> Result<u64, StoreError> {
    let shared = &store.shared;
    let (before, now) = (before.to_string(), clock::now().to_string());
    let old = store.name_task(StoreTask::Prune, old_accounts(shared, &before).await)?;
    let Some(old) = old else {
        let why = "it has imported lines of an old version, which do not name their account: what is known by them cannot \
                   be kept without them";
        return Err(refused_error(shared.name().into(), StoreTask::Prune, why));
    };
    let mut count = 0;
    for account in old.iter().filter_map(|name| parse_account(name)) {
        let summary = JournalSummary::read(store, std::slice::from_ref(&account), &now).await?;
        let deleted = with_timeout(
            PRUNE_TIMEOUT,
            prune_account(shared, &account, summary, &before),
        )
        .await;
        count += store.name_task(StoreTask::Prune, deleted)?;
    }
    let parameters = [(&before as _, Type::TEXT)];
    let deleting = async {
        let client = shared.connector.connect().await?;
        Ok(client.execute_typed(DELETE_RUNS, &parameters).await?)
    };
    let deleted = with_timeout(PRUNE_TIMEOUT, deleting).await;
    Ok(count + store.name_task(StoreTask::Prune, deleted)?)
}

/// Bounds the time of a transaction.
async fn with_timeout<T>(
    time: Duration,
    work: impl Future<Output = Result<T, QueryError>>,
) -> Result<T, QueryError> {
    match timeout(time, work).await {
        Ok(done) => done,
        Err(_) => Err(QueryError::Lost("it does not answer".into())),
    }
}

/// Returns the accounts that have old lines; `None` if there are lines without an account.
async fn old_accounts(
    shared: &PostgresState,
    before: &String,
) -> Result<Option<Vec<String>>, QueryError> {
    if !shared
        .line_client
        .query_with_retry(SELECT_UNNAMED, &[])
        .await?
        .is_empty()
    {
        return Ok(None);
    }
    let internal = internal_accounts();
    let parameters = [
        (before as _, Type::TEXT),
        (&internal as _, Type::TEXT_ARRAY),
    ];
    let rows = shared
        .line_client
        .query_with_retry(SELECT_OLD_ACCOUNTS, &parameters)
        .await?;
    let names = rows.iter().map(|row| Ok(row.try_get(0)?));
    names.collect::<Result<_, QueryError>>().map(Some)
}

/// Appends the state of the objects of an account to its lines and deletes the old ones. Returns 0 and does nothing if
/// lines were added meanwhile: the next pruning will do it.
async fn prune_account(
    shared: &PostgresState,
    account: &AccountKey,
    summary: JournalSummary,
    before: &String,
) -> Result<u64, QueryError> {
    let key = account_name(account);
    let upto = cursor_position(summary.upto(), &key);
    let (states, open): (Vec<_>, Vec<_>) = summary
        .records(SummaryForm::Plain)
        .partition(|record| record.is_summary());
    let open: BTreeSet<String> = open.into_iter().map(|record| record.run).collect();
    let open: Vec<String> = open.into_iter().collect();
    let states = states.iter().map(|record| {
        let line = encode(record).map_err(|error| QueryError::Lost(error.to_string()))?;
        Ok(line.trim_end().to_string())
    });
    let states: Vec<String> = states.collect::<Result<_, QueryError>>()?;
    drop(summary);
    let account_parameter = || (&key as _, Type::TEXT);
    let mut client = shared.connector.connect().await?;
    let transaction = client.transaction().await?;
    transaction
        .query_typed(LOCK_ACCOUNT, &[account_parameter()])
        .await?;
    let last = transaction
        .query_typed_one(SELECT_LAST, &[account_parameter()])
        .await?;
    if last.try_get::<_, i64>(0)? != upto {
        return Ok(0);
    }
    let lines = [account_parameter(), (&states as _, Type::TEXT_ARRAY)];
    transaction.execute_typed(APPEND, &lines).await?;
    let old = [
        account_parameter(),
        (&upto as _, Type::INT8),
        (before as _, Type::TEXT),
        (&open as _, Type::TEXT_ARRAY),
    ];
    let deleted = transaction.execute_typed(DELETE, &old).await?;
    transaction.commit().await?;
    Ok(deleted)
}
