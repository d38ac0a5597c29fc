//! Reading: lines come per account in their order, each once.
//!
//! Lines of runs as a whole come with every account: there are two of each run, and a run may write to any. So do lines of
//! which nobody can tell the account, as in journals of old versions.

use tokio_postgres::types::Type;

use super::Shared;
use super::accounts::{RUNS, UNKNOWN, text};
use super::connection::Fault;
use crate::apply::journal::decode;
use crate::apply::store::{Cursor, Line, Reading};

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
            keys.extend([RUNS, UNKNOWN].map(String::from));
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
        let seq = u64::try_from(seq).unwrap_or_default();
        cursor.lines += 1;
        take(match decode(line) {
            Some(record) => Line::Record(Box::new(record)),
            None => Line::Damaged(seq),
        });
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
