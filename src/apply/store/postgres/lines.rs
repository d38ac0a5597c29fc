//! The journal: lines are appended in groups, behind the fence of the lease, and read per account.
//!
//! An append holds the row of its lease until it is committed. So the lines of one account become visible in the order
//! of their numbers, and a cursor per account misses none; a take-over waits for an append that is under way, and an
//! append that comes after it is refused. Lines of runs as a whole are ordered by a row of their own.

use std::collections::HashSet;

use tokio_postgres::types::Type;

use super::connection::{Fault, Retry};
use super::error::{Task, refused, store_error};
use super::lease::holder;
use super::{Shared, text};
use crate::apply::journal::{Record, decode, encode};
use crate::apply::store::{Cursor, Lease, Line, Reading, StoreError};

/// The row of the lease, if it is ours, held until the transaction ends.
const OURS: &str = "SELECT 1 FROM entitle.lease WHERE account = $1 AND epoch = $2 AND until > clock_timestamp() FOR NO KEY UPDATE";

/// The row that orders lines without a lease.
const ANYBODYS: &str =
    "SELECT 1 FROM entitle.lease WHERE account = $1 AND epoch = $2 FOR NO KEY UPDATE";

const INSERT: &str = "
INSERT INTO entitle.line (account, run, line)
SELECT $1, t.run, t.line FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS t (run, line, n)";

const THERE: &str = "SELECT line FROM entitle.line WHERE run = ANY($1) AND line = ANY($2)";

/// Lines that belong together, as the database gets them.
struct Group<'a> {
    key: String,
    epoch: i64,
    fence: &'static str,
    runs: Vec<&'a str>,
    lines: Vec<String>,
}

impl<'a> Group<'a> {
    fn new(records: &'a [Record], lease: Option<&dyn Lease>) -> std::io::Result<Self> {
        let encoded = records.iter().map(|record| {
            let line = encode(record)?;
            Ok(line.trim_end_matches('\n').to_string())
        });
        let (key, epoch, fence) = match lease {
            Some(lease) => (text(lease.account()), lease.epoch(), OURS),
            None => (String::new(), 0, ANYBODYS),
        };
        Ok(Self {
            key,
            epoch: i64::try_from(epoch).unwrap_or(i64::MAX),
            fence,
            runs: records.iter().map(|record| record.run.as_str()).collect(),
            lines: encoded.collect::<std::io::Result<_>>()?,
        })
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
    let group = Group::new(records, lease)
        .map_err(|error| refused(shared.name().into(), Task::Append, &error.to_string()))?;
    let appended = append_group(shared, &group).await;
    let appended = appended.map_err(|fault| store_error(shared.address(), Task::Append, fault))?;
    if appended {
        return Ok(());
    }
    let why = match holder(shared, &group.key).await {
        Ok(Some(holder)) => holder.deposes(group.epoch),
        Ok(None) => "its row is gone".into(),
        Err(fault) => shared.words(fault),
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
        let appended = if shared.doubts(&group.key) {
            append_missing(shared, group).await
        } else {
            append_at_once(shared, group).await
        };
        match appended {
            Ok(appended) => {
                shared.settle(&group.key);
                return Ok(appended);
            }
            Err(fault) => {
                if fault.is_lost() {
                    shared.doubt(&group.key);
                }
                retry.after(fault).await?;
            }
        }
    }
}

async fn append_at_once(shared: &Shared, group: &Group<'_>) -> Result<bool, Fault> {
    let sql = format!(
        "WITH ours AS MATERIALIZED ({}), new AS ({INSERT} WHERE EXISTS (SELECT 1 FROM ours) ORDER BY t.n RETURNING 1) \
         SELECT count(*) FROM new",
        group.fence
    );
    let parameters = [
        (&group.key as _, Type::TEXT),
        (&group.epoch as _, Type::INT8),
        (&group.runs as _, Type::TEXT_ARRAY),
        (&group.lines as _, Type::TEXT_ARRAY),
    ];
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
            (&group.key as _, Type::TEXT),
            (&group.epoch as _, Type::INT8),
        ];
        if transaction
            .query_typed(group.fence, &fence)
            .await?
            .is_empty()
        {
            return Ok(false);
        }
        let asked = [
            (&group.runs as _, Type::TEXT_ARRAY),
            (&group.lines as _, Type::TEXT_ARRAY),
        ];
        let rows = transaction.query_typed(THERE, &asked).await?;
        let there = rows.iter().map(|row| row.try_get::<_, &str>(0));
        let there: HashSet<&str> = there.collect::<Result<_, _>>()?;
        let missing = group.runs.iter().zip(&group.lines);
        let missing = missing.filter(|(_, line)| !there.contains(line.as_str()));
        let (runs, lines): (Vec<&str>, Vec<&str>) =
            missing.map(|(run, line)| (*run, line.as_str())).unzip();
        let sql = format!("{INSERT} WHERE $2 >= 0 ORDER BY t.n");
        let parameters = [
            (&group.key as _, Type::TEXT),
            (&group.epoch as _, Type::INT8),
            (&runs as _, Type::TEXT_ARRAY),
            (&lines as _, Type::TEXT_ARRAY),
        ];
        transaction.query_typed(&sql, &parameters).await?;
        transaction.commit().await?;
        Ok(true)
    };
    let silent = |_| Fault::Lost("it does not answer".into());
    let time = super::connection::ANSWERING;
    tokio::time::timeout(time, working).await.map_err(silent)?
}

/// All lines, when nothing was read before.
const FROM_THE_START: &str = "SELECT seq, account, line FROM entitle.line ORDER BY seq";

/// The lines behind a cursor: of all accounts there are, since each has its row, or of those that are named.
const OF_ALL: &str = "
SELECT l.seq, l.account, l.line FROM entitle.lease a
LEFT JOIN unnest($1::text[], $2::int8[]) AS c (account, seq) ON c.account = a.account
JOIN entitle.line l ON l.account = a.account AND l.seq > coalesce(c.seq, 0) ORDER BY l.seq";
const OF_SOME: &str = "
SELECT l.seq, l.account, l.line FROM unnest($1::text[], $2::int8[]) AS c (account, seq)
JOIN entitle.line l ON l.account = c.account AND l.seq > c.seq ORDER BY l.seq";

/// How many of the lines that were read last are not there.
const GONE: &str = "
SELECT count(*) FROM unnest($1::text[], $2::int8[]) AS c (account, seq)
WHERE NOT EXISTS (SELECT 1 FROM entitle.line l WHERE l.seq = c.seq AND l.account = c.account)";

/// Hands over the lines behind the cursor.
///
/// Those of runs as a whole come with every account: there are two of each run, and a run may write to any.
pub async fn read(
    shared: &Shared,
    reading: Reading<'_>,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(Line) + Send),
) -> Result<(), Fault> {
    if is_another(shared, cursor).await? {
        *cursor = Cursor::default();
        take(Line::Anew);
    }
    let (sql, at) = match reading {
        Reading::Everything if cursor.at.is_empty() => (FROM_THE_START, None),
        Reading::Everything => (OF_ALL, Some(positions(cursor))),
        Reading::Accounts(accounts) => {
            let mut keys: Vec<String> = accounts.iter().map(text).collect();
            keys.push(String::new());
            keys.sort();
            keys.dedup();
            let at = keys.iter().map(|key| at(cursor.at.get(key)));
            let at = at.collect();
            (OF_SOME, Some((keys, at)))
        }
    };
    let parameters: Vec<_> = match &at {
        None => Vec::new(),
        Some((keys, at)) => vec![(keys as _, Type::TEXT_ARRAY), (at as _, Type::INT8_ARRAY)],
    };
    let mut hand_over = |row: tokio_postgres::Row| {
        let seq: i64 = row.try_get(0)?;
        let account: &str = row.try_get(1)?;
        let line: &str = row.try_get(2)?;
        cursor.lines += 1;
        take(match decode(line) {
            Some(record) => Line::Record(Box::new(record)),
            None => Line::Damaged(cursor.lines),
        });
        let seq = u64::try_from(seq).unwrap_or_default();
        match cursor.at.get_mut(account) {
            Some(at) => *at = seq,
            None => {
                cursor.at.insert(account.to_string(), seq);
            }
        }
        Ok(())
    };
    shared.lines.each(sql, &parameters, &mut hand_over).await
}

fn at(seq: Option<&u64>) -> i64 {
    seq.map_or(0, |seq| i64::try_from(*seq).unwrap_or(i64::MAX))
}

fn positions(cursor: &Cursor) -> (Vec<String>, Vec<i64>) {
    let keys = cursor.at.keys().cloned().collect();
    let at = cursor.at.values().map(|seq| at(Some(seq))).collect();
    (keys, at)
}

/// Reports whether lines that were read are gone: the database was restored from a backup, or is another one.
async fn is_another(shared: &Shared, cursor: &Cursor) -> Result<bool, Fault> {
    if cursor.at.is_empty() {
        return Ok(false);
    }
    let (keys, at) = positions(cursor);
    let parameters = [(&keys as _, Type::TEXT_ARRAY), (&at as _, Type::INT8_ARRAY)];
    let rows = shared.lines.query_again(GONE, &parameters).await?;
    let gone: i64 = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    Ok(gone > 0)
}
