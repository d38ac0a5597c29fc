//! Reading: the lines of an account come in their order, each once.
//!
//! A cursor has a position for each account, since lines of two accounts may become visible in another order than they
//! were numbered: A commits 5, then B commits 4. A reader at 5 for both would miss 4; one at `{A: 5, B: 3}` does not.
//!
//! Lines about runs as a whole (account `runs`) come with every account: there are two of each run, and a run may write
//! to any. So do lines without a known account (`unknown`), as in journals of old versions.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::PostgresState;
use super::account_name::{RUNS, UNKNOWN, account_name};
use super::connection::QueryError;
use super::summary::{self, SummaryHead, cursor_position};
use crate::apply::journal::decode;
use crate::apply::store::{Cursor, JournalLine, JournalScope};

/// All lines, for a cursor at the beginning.
const ALL_LINES: &str = "SELECT 1, seq, account, line FROM entitle.line ORDER BY seq";

/// The lines behind a cursor, of every account that has a row.
const LINES_BEHIND_CURSOR: &str = "
SELECT 1, l.seq, l.account, l.line FROM entitle.lease a
LEFT JOIN unnest($1::text[], $2::int8[]) AS c (account, seq) ON c.account = a.account
JOIN entitle.line l ON l.account = a.account AND l.seq > coalesce(c.seq, 0) ORDER BY l.seq";
/// The lines behind a cursor, of the accounts `$1`.
const LINES_OF_ACCOUNTS: &str = "
SELECT 1 AS part, l.seq AS seq, l.account, l.line FROM unnest($1::text[], $2::int8[]) AS c (account, seq)
JOIN entitle.line l ON l.account = c.account AND l.seq > c.seq ORDER BY part, seq";
/// The same, behind the records of the summaries `$3` in their writings `$4`.
const SUMMARIES_AND_LINES: &str = "
SELECT 0 AS part, s.n AS seq, s.account, s.line FROM unnest($3::text[], $4::int8[]) AS h (account, writing)
JOIN entitle.summary_line s ON s.account = h.account AND s.writing = h.writing
UNION ALL
SELECT 1, l.seq, l.account, l.line FROM unnest($1::text[], $2::int8[]) AS c (account, seq)
JOIN entitle.line l ON l.account = c.account AND l.seq > c.seq ORDER BY part, seq";

/// How many of the lines at the positions of a cursor do not exist.
const COUNT_MISSING: &str = "
SELECT count(*) FROM unnest($1::text[], $2::int8[]) AS c (account, seq)
WHERE c.seq > 0 AND NOT EXISTS (SELECT 1 FROM entitle.line l WHERE l.seq = c.seq AND l.account = c.account)";

/// Passes the lines behind the cursor to `take` and advances the cursor.
pub async fn read_journal(
    shared: &PostgresState,
    reading: JournalScope<'_>,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(JournalLine) + Send),
) -> Result<(), QueryError> {
    if is_replaced(shared, cursor).await? {
        *cursor = Cursor::default();
        take(JournalLine::Reset);
    }
    let accounts = match reading {
        JournalScope::Everything => return read_everything(shared, cursor, take).await,
        JournalScope::Accounts(accounts) => accounts,
    };
    let mut keys: Vec<String> = accounts.iter().map(account_name).collect();
    keys.sort();
    keys.dedup();
    let unread = keys
        .iter()
        .filter(|key| !cursor.positions.contains_key(*key));
    let unread: Vec<String> = unread.cloned().collect();
    let is_only = cursor.positions.is_empty() && keys.len() == 1;
    let heads = summary::find_heads(shared, &unread, is_only).await?;
    let plan = JournalReadPlan::new(keys.clone(), &unread, heads, cursor);
    if read_planned(shared, plan, cursor, take).await? {
        return Ok(());
    }
    // A summary was replaced while it was read. All lines tell the same.
    *cursor = Cursor::default();
    take(JournalLine::Reset);
    let plan = JournalReadPlan::new(keys.clone(), &keys, Vec::new(), cursor);
    read_planned(shared, plan, cursor, take).await?;
    Ok(())
}

/// What to read of some accounts.
struct JournalReadPlan {
    heads: Vec<SummaryHead>,
    /// Accounts, and the line of each after which to start, by the same index.
    keys: Vec<String>,
    behind: Vec<i64>,
}

impl JournalReadPlan {
    /// Plans to read `keys`, of which `unread` are read for the first time, with the summaries `heads`.
    fn new(
        mut keys: Vec<String>,
        unread: &[String],
        heads: Vec<SummaryHead>,
        cursor: &Cursor,
    ) -> Self {
        let head = |key: &String| heads.iter().find(|head| head.account == *key);
        let start = |key: &String| match head(key) {
            Some(head) => head.upto,
            None => cursor_position(cursor, key),
        };
        let mut behind: Vec<i64> = keys.iter().map(start).collect();
        // A later position in `runs` may have skipped the runs of a new account: start from the earliest.
        let of_runs = |key: &String| head(key).map_or(0, |head| head.upto_runs);
        let first = unread.iter().map(of_runs).min();
        let before = cursor
            .positions
            .contains_key(RUNS)
            .then(|| cursor_position(cursor, RUNS));
        let runs = first.into_iter().chain(before).min().unwrap_or_default();
        let unknown = match (cursor.positions.is_empty(), &heads[..]) {
            (true, [only]) if keys.len() == 1 => only.upto_unknown,
            _ => cursor_position(cursor, UNKNOWN),
        };
        keys.extend([RUNS, UNKNOWN].map(String::from));
        behind.extend([runs, unknown]);
        Self {
            heads,
            keys,
            behind,
        }
    }

    /// Returns how many records the summaries have together.
    fn summary_records(&self) -> i64 {
        self.heads.iter().map(|head| head.size).sum()
    }

    /// Moves the cursor behind the lines that the summaries cover.
    fn skip_summarized(&self, cursor: &mut Cursor) {
        let new = !cursor.positions.contains_key(RUNS);
        for head in &self.heads {
            cursor
                .positions
                .insert(head.account.clone(), to_sequence(head.upto));
            cursor.lines += head.lines;
        }
        for (name, behind) in self.keys.iter().zip(&self.behind) {
            if *behind > 0 && !cursor.positions.contains_key(name) {
                cursor.positions.insert(name.clone(), to_sequence(*behind));
            }
        }
        let first = self.heads.iter().min_by_key(|head| head.upto_runs);
        if let Some(head) = first.filter(|head| new && self.start_of(RUNS) == head.upto_runs) {
            cursor.lines += head.lines_runs;
        }
        if let ([head], true) = (&self.heads[..], self.start_of(UNKNOWN) > 0) {
            cursor.lines += head.lines_unknown;
        }
    }

    /// Returns the line of an account after which to start; 0 if it is not read.
    fn start_of(&self, name: &str) -> i64 {
        let at = self.keys.iter().position(|key| key == name);
        at.and_then(|at| self.behind.get(at))
            .copied()
            .unwrap_or_default()
    }
}

/// Converts a sequence number of the database; a negative one is 0.
fn to_sequence(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Reads as planned. Returns `false` if a summary is not whole; the records that were passed are invalid then.
async fn read_planned(
    shared: &PostgresState,
    plan: JournalReadPlan,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(JournalLine) + Send),
) -> Result<bool, QueryError> {
    let names: Vec<&str> = plan
        .heads
        .iter()
        .map(|head| head.account.as_str())
        .collect();
    let writings: Vec<i64> = plan.heads.iter().map(|head| head.writing).collect();
    let mut parameters = vec![
        (&plan.keys as _, Type::TEXT_ARRAY),
        (&plan.behind as _, Type::INT8_ARRAY),
    ];
    let sql = if plan.heads.is_empty() {
        LINES_OF_ACCOUNTS
    } else {
        parameters.push((&names as _, Type::TEXT_ARRAY));
        parameters.push((&writings as _, Type::INT8_ARRAY));
        SUMMARIES_AND_LINES
    };
    let mut left = plan.summary_records();
    let mut is_summary = true;
    let mut is_whole = true;
    let mut end_summaries =
        |left: i64, cursor: &mut Cursor, take: &mut (dyn FnMut(JournalLine) + Send)| {
            if std::mem::take(&mut is_summary) {
                let damaged = plan.heads.iter().flat_map(|head| &head.damaged);
                damaged.for_each(|number| take(JournalLine::Damaged(to_sequence(*number))));
                plan.skip_summarized(cursor);
            }
            left == 0
        };
    let mut hand_over = |row: Row| {
        if row.try_get::<_, i32>(0)? == 0 {
            left -= 1;
            match decode(row.try_get::<_, &str>(3)?.trim_end()) {
                Some(record) => take(JournalLine::Record(Box::new(record))),
                None => is_whole = false,
            }
            return Ok(());
        }
        is_whole &= end_summaries(left, cursor, take);
        if is_whole {
            hand_over_line(&row, cursor, take)?;
        }
        Ok(())
    };
    shared
        .line_client
        .for_each_row(sql, &parameters, &mut hand_over)
        .await?;
    let is_whole = is_whole && end_summaries(left, cursor, take);
    // An account without lines was read too.
    for key in &plan.keys {
        cursor.positions.entry(key.clone()).or_default();
    }
    Ok(is_whole)
}

/// Passes all lines behind the cursor, without summaries.
async fn read_everything(
    shared: &PostgresState,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(JournalLine) + Send),
) -> Result<(), QueryError> {
    let (keys, at) = split_cursor(cursor);
    let mut parameters = Vec::new();
    let mut sql = ALL_LINES;
    if !cursor.positions.is_empty() {
        parameters.push((&keys as _, Type::TEXT_ARRAY));
        parameters.push((&at as _, Type::INT8_ARRAY));
        sql = LINES_BEHIND_CURSOR;
    }
    let mut hand_over = |row: Row| hand_over_line(&row, cursor, take);
    shared
        .line_client
        .for_each_row(sql, &parameters, &mut hand_over)
        .await
}

/// Passes a line to `take` and advances the cursor. A line of a run may come again, with another account; it is counted
/// once.
fn hand_over_line(
    row: &Row,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(JournalLine) + Send),
) -> Result<(), QueryError> {
    let seq = to_sequence(row.try_get(1)?);
    let account: &str = row.try_get(2)?;
    let line: &str = row.try_get(3)?;
    let at = match cursor.positions.get_mut(account) {
        Some(at) => at,
        None => cursor.positions.entry(account.to_string()).or_default(),
    };
    if *at < seq {
        *at = seq;
        cursor.lines += 1;
        match cursor.unsummarized.get_mut(account) {
            Some(count) => *count += 1,
            None => {
                cursor.unsummarized.insert(account.to_string(), 1);
            }
        }
    }
    take(match decode(line) {
        Some(record) => JournalLine::Record(Box::new(record)),
        None => JournalLine::Damaged(seq),
    });
    Ok(())
}

/// Returns the accounts of a cursor and their positions, by the same index.
fn split_cursor(cursor: &Cursor) -> (Vec<String>, Vec<i64>) {
    let keys: Vec<String> = cursor.positions.keys().cloned().collect();
    let at = keys
        .iter()
        .map(|key| cursor_position(cursor, key))
        .collect();
    (keys, at)
}

/// Reports whether lines that were read are gone: the database was restored from a backup, or is another one.
async fn is_replaced(shared: &PostgresState, cursor: &Cursor) -> Result<bool, QueryError> {
    if cursor.positions.is_empty() {
        return Ok(false);
    }
    let (keys, at) = split_cursor(cursor);
    let parameters = [(&keys as _, Type::TEXT_ARRAY), (&at as _, Type::INT8_ARRAY)];
    let rows = shared
        .line_client
        .query_with_retry(COUNT_MISSING, &parameters)
        .await?;
    let gone: i64 = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    Ok(gone > 0)
}
