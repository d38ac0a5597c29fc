//! Appending: lines are inserted as groups, behind the fence of the lease.
//!
//! An append locks the row of its lease until it commits. Hence the lines of one account become visible in the order of
//! their numbers, so a cursor misses none, and the fence is exact:
//!
//! ```text
//! A (epoch 7)   locks the row where the epoch is 7, inserts lines 41 and 42, commits
//! B             UPDATE to epoch 8 waits for that lock until the commit
//! A (epoch 7)   looks for a row with epoch 7: there is none, nothing is inserted
//! ```
//!
//! Lines without a lease have lease rows of their own, for their order only.

use crate::apply::store::LeaseLost;
use std::collections::{BTreeSet, HashSet};

use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};

use super::PostgresState;
use super::account_name::{account_name, unleased_account};
use super::connection::{QueryError, RetryPause, STATEMENT_TIMEOUT};
use super::error::{StoreTask, refused_error, store_error};
use super::lease::find_holder;
use crate::apply::journal::{Record, encode};
use crate::apply::store::{Lease, StoreError};

/// The row of the lease, if it is ours; locked until the transaction ends.
pub const LEASE_FENCE: &str = "
SELECT account FROM entitle.lease
WHERE account = ANY($1) AND epoch = $2 AND until > clock_timestamp() FOR NO KEY UPDATE";

/// The rows that order lines without a lease, always locked in the same order.
const UNLEASED_FENCE : & str = "
SELECT account FROM entitle.lease WHERE account = ANY($1) AND epoch >= $2 ORDER BY account FOR NO KEY UPDATE" ;

/// Inserts lines in the order of the arrays; a `WHERE` or `ORDER BY` is added.
const INSERT : & str = "
INSERT INTO entitle.line (account, run, line)
SELECT t.account, t.run, t.line FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS t (account, run, line, n)";

/// Selects those of the given lines that were inserted before.
const SELECT_EXISTING: &str =
    "SELECT line FROM entitle.line WHERE run = ANY($1) AND line = ANY($2)";

/// Lines that are inserted together or not at all.
struct AppendGroup<'a> {
    /// The accounts of the lines, each once.
    keys: Vec<String>,
    epoch: i64,
    fence: &'static str,
    lines: Vec<NewLine<'a>>,
}

/// A line to insert.
struct NewLine<'a> {
    account: String,
    run: &'a str,
    line: String,
}

impl<'a> AppendGroup<'a> {
    /// Encodes records. Without a lease, each goes to the internal account for its kind.
    fn new(records: &'a [Record], lease: Option<&dyn Lease>) -> std::io::Result<Self> {
        let lines = records.iter().map(|record| {
            Ok(NewLine {
                account: match lease {
                    Some(lease) => account_name(lease.account()),
                    None => unleased_account(record).to_string(),
                },
                run: &record.run,
                line: encode(record)?.trim_end_matches('\n').to_string(),
            })
        });
        let lines: Vec<_> = lines.collect::<std::io::Result<_>>()?;
        let keys: BTreeSet<&String> = lines.iter().map(|line| &line.account).collect();
        let (epoch, fence) = match lease {
            Some(lease) => (lease.epoch(), LEASE_FENCE),
            None => (0, UNLEASED_FENCE),
        };
        Ok(Self {
            keys: keys.into_iter().cloned().collect(),
            epoch: i64::try_from(epoch).unwrap_or(i64::MAX),
            fence,
            lines,
        })
    }
}

/// The columns of lines, as array parameters of a statement.
struct LineColumns<'a> {
    accounts: Vec<&'a str>,
    runs: Vec<&'a str>,
    lines: Vec<&'a str>,
}

impl<'a> LineColumns<'a> {
    /// Collects the columns of lines.
    fn of(lines: impl Iterator<Item = &'a NewLine<'a>> + Clone) -> Self {
        Self {
            accounts: lines.clone().map(|line| line.account.as_str()).collect(),
            runs: lines.clone().map(|line| line.run).collect(),
            lines: lines.map(|line| line.line.as_str()).collect(),
        }
    }

    /// Returns the columns as parameters 1 to 3.
    fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 3] {
        [
            (&self.accounts, Type::TEXT_ARRAY),
            (&self.runs, Type::TEXT_ARRAY),
            (&self.lines, Type::TEXT_ARRAY),
        ]
    }
}

/// Appends records, all of them or none.
pub async fn append_records(
    shared: &PostgresState,
    records: &[Record],
    lease: Option<&dyn Lease>,
) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let group = AppendGroup::new(records, lease);
    let group =
        group.map_err(|error| refused_error(shared.name().into(), StoreTask::Append, error))?;
    let appended = append_group(shared, &group).await;
    if appended.map_err(|error| store_error(shared.address(), StoreTask::Append, error))? {
        return Ok(());
    }
    let why = match lease {
        Some(lease) => match find_holder(shared, &account_name(lease.account())).await {
            Ok(Some(holder)) => holder.explain_loss(group.epoch),
            Ok(None) => LeaseLost::RowGone,
            Err(error) => LeaseLost::Unknown {
                reason: shared.describe_error(error),
            },
        },
        None => LeaseLost::OrderGone,
    };
    Err(StoreError::LeaseLost(why))
}

/// Appends a group, however often the connection breaks meanwhile. Returns `false` if the lease is not ours.
///
/// After a connection breaks, it is unknown if the group was committed. So the next try first looks which of its lines
/// are there: at once, and if that does not help, with the next group of the account.
async fn append_group(shared: &PostgresState, group: &AppendGroup<'_>) -> Result<bool, QueryError> {
    let mut retry = RetryPause::new();
    loop {
        let appended = if shared.is_uncertain(&group.keys) {
            append_missing(shared, group).await
        } else {
            append_at_once(shared, group).await
        };
        match appended {
            Ok(appended) => {
                shared.clear_uncertain(&group.keys);
                return Ok(appended);
            }
            Err(error) => {
                if error.is_lost() {
                    shared.mark_uncertain(&group.keys);
                }
                retry.wait_after(error).await?;
            }
        }
    }
}

/// Returns the statement that inserts lines if all rows of the fence exist, and counts the lines.
pub fn fenced_insert(fence: &str) -> String {
    let fence = fence.replace("$1", "$4").replace("$2", "$5");
    format!(
        "WITH ours AS MATERIALIZED ({fence}), \
         new AS ({INSERT} WHERE (SELECT count(*) FROM ours) = cardinality($4::text[]) ORDER BY t.n RETURNING 1) \
         SELECT count(*) FROM new"
    )
}

/// Appends a group in one statement. Returns `false` if the lease is not ours.
async fn append_at_once(
    shared: &PostgresState,
    group: &AppendGroup<'_>,
) -> Result<bool, QueryError> {
    let sql = fenced_insert(group.fence);
    let columns = LineColumns::of(group.lines.iter());
    let [accounts, runs, lines] = columns.parameters();
    let keys = (&group.keys as _, Type::TEXT_ARRAY);
    let epoch = (&group.epoch as _, Type::INT8);
    let parameters = [accounts, runs, lines, keys, epoch];
    let rows = shared.line_client.query(&sql, &parameters).await?;
    let count: i64 = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    Ok(count > 0)
}

/// Appends those lines of a group that are missing, over a connection of its own. Locking the row of the lease waits
/// until an earlier connection has ended its transaction.
async fn append_missing(
    shared: &PostgresState,
    group: &AppendGroup<'_>,
) -> Result<bool, QueryError> {
    let working = async {
        let mut client = shared.connector.connect().await?;
        let transaction = client.transaction().await?;
        let fence = [
            (&group.keys as _, Type::TEXT_ARRAY),
            (&group.epoch as _, Type::INT8),
        ];
        let ours = transaction.query_typed(group.fence, &fence).await?;
        if ours.len() != group.keys.len() {
            return Ok(false);
        }
        let columns = LineColumns::of(group.lines.iter());
        let [_, runs, lines] = columns.parameters();
        let rows = transaction
            .query_typed(SELECT_EXISTING, &[runs, lines])
            .await?;
        let existing = rows.iter().map(|row| row.try_get::<_, &str>(0));
        let existing: HashSet<&str> = existing.collect::<Result<_, _>>()?;
        let missing = group.lines.iter();
        let missing = missing.filter(|line| !existing.contains(line.line.as_str()));
        let sql = format!("{INSERT} ORDER BY t.n");
        let columns = LineColumns::of(missing);
        transaction.query_typed(&sql, &columns.parameters()).await?;
        transaction.commit().await?;
        Ok(true)
    };
    match timeout(STATEMENT_TIMEOUT, working).await {
        Ok(appended) => appended,
        Err(_) => Err(QueryError::Lost("it does not answer".into())),
    }
}
