//! Appending: lines go in as groups, behind the fence of the lease.
//!
//! An append holds the row of its lease until it is committed. So the lines of one account become visible in the order
//! of their numbers, and a cursor per account misses none; a take-over waits for an append that is under way, and an
//! append that comes after it is refused. Lines without a lease have rows of their own.

use crate::apply::store::LeaseLost;
use std::collections::{BTreeSet, HashSet};

use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};

use super::Shared;
use super::accounts::{text, unleased};
use super::connection::{ANSWERING, Fault, Retry};
use super::error::{Task, refused, store_error};
use super::lease::holder;
use crate::apply::journal::{Record, encode};
use crate::apply::store::{Lease, StoreError};

/// The row of the lease, if it is ours, held until the transaction ends.
pub const OURS: &str = "
SELECT account FROM entitle.lease
WHERE account = ANY($1) AND epoch = $2 AND until > clock_timestamp() FOR NO KEY UPDATE";

/// The rows that order lines without a lease, always in the same order.
const ANYBODYS: &str = "
SELECT account FROM entitle.lease WHERE account = ANY($1) AND epoch >= $2 ORDER BY account FOR NO KEY UPDATE";

const INSERT: &str = "
INSERT INTO entitle.line (account, run, line)
SELECT t.account, t.run, t.line FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS t (account, run, line, n)";

const THERE: &str = "SELECT line FROM entitle.line WHERE run = ANY($1) AND line = ANY($2)";

/// Lines that belong together, as the database gets them.
struct Group<'a> {
    /// The accounts that they are about.
    keys: Vec<String>,
    epoch: i64,
    fence: &'static str,
    lines: Vec<NewLine<'a>>,
}

struct NewLine<'a> {
    account: String,
    run: &'a str,
    line: String,
}

impl<'a> Group<'a> {
    fn new(records: &'a [Record], lease: Option<&dyn Lease>) -> std::io::Result<Self> {
        let lines = records.iter().map(|record| {
            Ok(NewLine {
                account: match lease {
                    Some(lease) => text(lease.account()),
                    None => unleased(record).to_string(),
                },
                run: &record.run,
                line: encode(record)?.trim_end_matches('\n').to_string(),
            })
        });
        let lines: Vec<_> = lines.collect::<std::io::Result<_>>()?;
        let keys: BTreeSet<&String> = lines.iter().map(|line| &line.account).collect();
        let (epoch, fence) = match lease {
            Some(lease) => (lease.epoch(), OURS),
            None => (0, ANYBODYS),
        };
        Ok(Self {
            keys: keys.into_iter().cloned().collect(),
            epoch: i64::try_from(epoch).unwrap_or(i64::MAX),
            fence,
            lines,
        })
    }
}

/// Members of lines as parameters of a statement.
struct Columns<'a> {
    accounts: Vec<&'a str>,
    runs: Vec<&'a str>,
    lines: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(lines: impl Iterator<Item = &'a NewLine<'a>> + Clone) -> Self {
        Self {
            accounts: lines.clone().map(|line| line.account.as_str()).collect(),
            runs: lines.clone().map(|line| line.run).collect(),
            lines: lines.map(|line| line.line.as_str()).collect(),
        }
    }

    fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 3] {
        [
            (&self.accounts, Type::TEXT_ARRAY),
            (&self.runs, Type::TEXT_ARRAY),
            (&self.lines, Type::TEXT_ARRAY),
        ]
    }
}

/// Appends records, all of them or none.
pub async fn append(
    shared: &Shared,
    records: &[Record],
    lease: Option<&dyn Lease>,
) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let group = Group::new(records, lease);
    let group = group.map_err(|error| refused(shared.name().into(), Task::Append, error))?;
    let appended = append_group(shared, &group).await;
    if appended.map_err(|fault| store_error(shared.address(), Task::Append, fault))? {
        return Ok(());
    }
    let why = match lease {
        Some(lease) => match holder(shared, &text(lease.account())).await {
            Ok(Some(holder)) => holder.deposes(group.epoch),
            Ok(None) => LeaseLost::RowGone,
            Err(fault) => LeaseLost::Unknown {
                reason: shared.words(fault),
            },
        },
        None => LeaseLost::OrderGone,
    };
    Err(StoreError::LeaseLost(why))
}

/// Appends a group, however often the connection breaks meanwhile. False if the lease is not ours.
///
/// A connection that breaks leaves it open whether the group was committed. So it is looked at before it is tried again:
/// at once, and if that does not help, with the next group of the account.
async fn append_group(shared: &Shared, group: &Group<'_>) -> Result<bool, Fault> {
    let mut retry = Retry::new();
    loop {
        let appended = if shared.doubts(&group.keys) {
            append_missing(shared, group).await
        } else {
            append_at_once(shared, group).await
        };
        match appended {
            Ok(appended) => {
                shared.settle(&group.keys);
                return Ok(appended);
            }
            Err(fault) => {
                if fault.is_lost() {
                    shared.doubt(&group.keys);
                }
                retry.after(fault).await?;
            }
        }
    }
}

/// The statement that inserts lines if the rows of its fence are all there, and counts them.
pub fn fenced(fence: &str) -> String {
    let fence = fence.replace("$1", "$4").replace("$2", "$5");
    format!(
        "WITH ours AS MATERIALIZED ({fence}), \
         new AS ({INSERT} WHERE (SELECT count(*) FROM ours) = cardinality($4::text[]) ORDER BY t.n RETURNING 1) \
         SELECT count(*) FROM new"
    )
}

async fn append_at_once(shared: &Shared, group: &Group<'_>) -> Result<bool, Fault> {
    let sql = fenced(group.fence);
    let columns = Columns::of(group.lines.iter());
    let [accounts, runs, lines] = columns.parameters();
    let keys = (&group.keys as _, Type::TEXT_ARRAY);
    let epoch = (&group.epoch as _, Type::INT8);
    let parameters = [accounts, runs, lines, keys, epoch];
    let rows = shared.lines.query(&sql, &parameters).await?;
    let count: i64 = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    Ok(count > 0)
}

/// Appends those of the lines that are not there, over a connection of its own. The row of the lease makes it wait for
/// what an earlier connection still does.
async fn append_missing(shared: &Shared, group: &Group<'_>) -> Result<bool, Fault> {
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
        let columns = Columns::of(group.lines.iter());
        let [_, runs, lines] = columns.parameters();
        let rows = transaction.query_typed(THERE, &[runs, lines]).await?;
        let there = rows.iter().map(|row| row.try_get::<_, &str>(0));
        let there: HashSet<&str> = there.collect::<Result<_, _>>()?;
        let missing = group.lines.iter();
        let missing = missing.filter(|line| !there.contains(line.line.as_str()));
        let sql = format!("{INSERT} ORDER BY t.n");
        let columns = Columns::of(missing);
        transaction.query_typed(&sql, &columns.parameters()).await?;
        transaction.commit().await?;
        Ok(true)
    };
    match timeout(ANSWERING, working).await {
        Ok(appended) => appended,
        Err(_) => Err(Fault::Lost("it does not answer".into())),
    }
}
