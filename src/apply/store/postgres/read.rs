//! Reading: lines come per account in their order, each once.
//!
//! Lines of runs as a whole come with every account: there are two of each run, and a run may write to any. So do lines of
//! which nobody can tell the account, as in journals of old versions.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::Shared;
use super::accounts::{RUNS, UNKNOWN, text};
use super::connection::Fault;
use super::summary::{self, Head, position};
use crate::apply::journal::decode;
use crate::apply::store::{Cursor, Line, Reading};

/// All lines, when nothing was read before.
const FROM_THE_START: &str = "SELECT 1, seq, account, line FROM entitle.line ORDER BY seq";

/// The lines behind a cursor: of all accounts there are, since each has its row, or of those that are named, behind the
/// records of summaries.
const OF_ALL: &str = "
SELECT 1, l.seq, l.account, l.line FROM entitle.lease a
LEFT JOIN unnest($1::text[], $2::int8[]) AS c (account, seq) ON c.account = a.account
JOIN entitle.line l ON l.account = a.account AND l.seq > coalesce(c.seq, 0) ORDER BY l.seq";
const OF_SOME: &str = "
SELECT 1 AS part, l.seq AS seq, l.account, l.line FROM unnest($1::text[], $2::int8[]) AS c (account, seq)
JOIN entitle.line l ON l.account = c.account AND l.seq > c.seq ORDER BY part, seq";
const BEHIND_SUMMARIES: &str = "
SELECT 0 AS part, s.n AS seq, s.account, s.line FROM unnest($3::text[], $4::int8[]) AS h (account, writing)
JOIN entitle.summary_line s ON s.account = h.account AND s.writing = h.writing
UNION ALL
SELECT 1, l.seq, l.account, l.line FROM unnest($1::text[], $2::int8[]) AS c (account, seq)
JOIN entitle.line l ON l.account = c.account AND l.seq > c.seq ORDER BY part, seq";

/// How many of the lines that were read last are not there.
const GONE: &str = "
SELECT count(*) FROM unnest($1::text[], $2::int8[]) AS c (account, seq)
WHERE c.seq > 0 AND NOT EXISTS (SELECT 1 FROM entitle.line l WHERE l.seq = c.seq AND l.account = c.account)";

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
    let accounts = match reading {
        Reading::Everything => return read_everything(shared, cursor, take).await,
        Reading::Accounts(accounts) => accounts,
    };
    let mut keys: Vec<String> = accounts.iter().map(text).collect();
    keys.sort();
    keys.dedup();
    let fresh = keys.iter().filter(|key| !cursor.at.contains_key(*key));
    let fresh: Vec<String> = fresh.cloned().collect();
    let is_only = cursor.at.is_empty() && keys.len() == 1;
    let heads = summary::find(shared, &fresh, is_only).await?;
    let plan = Plan::new(keys.clone(), &fresh, heads, cursor);
    if read_planned(shared, plan, cursor, take).await? {
        return Ok(());
    }
    // A summary was replaced while it was read. All lines tell the same.
    *cursor = Cursor::default();
    take(Line::Anew);
    let plan = Plan::new(keys.clone(), &keys, Vec::new(), cursor);
    read_planned(shared, plan, cursor, take).await?;
    Ok(())
}

/// What is to be read of some accounts.
struct Plan {
    heads: Vec<Head>,
    /// Accounts, and behind which of their lines.
    keys: Vec<String>,
    behind: Vec<i64>,
}

impl Plan {
    fn new(mut keys: Vec<String>, fresh: &[String], heads: Vec<Head>, cursor: &Cursor) -> Self {
        let head = |key: &String| heads.iter().find(|head| head.account == *key);
        let own = |key: &String| match head(key) {
            Some(head) => head.upto,
            None => position(cursor, key),
        };
        let mut behind: Vec<i64> = keys.iter().map(own).collect();
        // Whoever was at a later one may not have got the lines of the runs of a new account.
        let of_runs = |key: &String| head(key).map_or(0, |head| head.upto_runs);
        let first = fresh.iter().map(of_runs).min();
        let before = cursor.at.contains_key(RUNS).then(|| position(cursor, RUNS));
        let runs = first.into_iter().chain(before).min().unwrap_or_default();
        let unknown = match (cursor.at.is_empty(), &heads[..]) {
            (true, [only]) if keys.len() == 1 => only.upto_unknown,
            _ => position(cursor, UNKNOWN),
        };
        keys.extend([RUNS, UNKNOWN].map(String::from));
        behind.extend([runs, unknown]);
        Self {
            heads,
            keys,
            behind,
        }
    }

    /// How many records the summaries have.
    fn size(&self) -> i64 {
        self.heads.iter().map(|head| head.size).sum()
    }

    /// Puts the cursor behind the lines that the summaries stand for.
    fn skip(&self, cursor: &mut Cursor) {
        let new = !cursor.at.contains_key(RUNS);
        for head in &self.heads {
            cursor.at.insert(head.account.clone(), seq(head.upto));
            cursor.lines += head.lines;
        }
        for (name, behind) in self.keys.iter().zip(&self.behind) {
            if *behind > 0 && !cursor.at.contains_key(name) {
                cursor.at.insert(name.clone(), seq(*behind));
            }
        }
        let first = self.heads.iter().min_by_key(|head| head.upto_runs);
        if let Some(head) = first.filter(|head| new && self.behind(RUNS) == head.upto_runs) {
            cursor.lines += head.lines_runs;
        }
        if let ([head], true) = (&self.heads[..], self.behind(UNKNOWN) > 0) {
            cursor.lines += head.lines_unknown;
        }
    }

    fn behind(&self, name: &str) -> i64 {
        let at = self.keys.iter().position(|key| key == name);
        at.and_then(|at| self.behind.get(at))
            .copied()
            .unwrap_or_default()
    }
}

fn seq(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Reads what was planned. False if a summary is not whole, and what was handed over counts for nothing.
async fn read_planned(
    shared: &Shared,
    plan: Plan,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(Line) + Send),
) -> Result<bool, Fault> {
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
        OF_SOME
    } else {
        parameters.push((&names as _, Type::TEXT_ARRAY));
        parameters.push((&writings as _, Type::INT8_ARRAY));
        BEHIND_SUMMARIES
    };
    let mut left = plan.size();
    let mut is_summary = true;
    let mut is_whole = true;
    let mut end_summaries =
        |left: i64, cursor: &mut Cursor, take: &mut (dyn FnMut(Line) + Send)| {
            if std::mem::take(&mut is_summary) {
                let damaged = plan.heads.iter().flat_map(|head| &head.damaged);
                damaged.for_each(|number| take(Line::Damaged(seq(*number))));
                plan.skip(cursor);
            }
            left == 0
        };
    let mut hand_over = |row: Row| {
        if row.try_get::<_, i32>(0)? == 0 {
            left -= 1;
            match decode(row.try_get::<_, &str>(3)?.trim_end()) {
                Some(record) => take(Line::Record(Box::new(record))),
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
    shared.lines.each(sql, &parameters, &mut hand_over).await?;
    let is_whole = is_whole && end_summaries(left, cursor, take);
    // Of an account without lines nothing is to be caught up either.
    for key in &plan.keys {
        cursor.at.entry(key.clone()).or_default();
    }
    Ok(is_whole)
}

async fn read_everything(
    shared: &Shared,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(Line) + Send),
) -> Result<(), Fault> {
    let (keys, at) = positions(cursor);
    let mut parameters = Vec::new();
    let mut sql = FROM_THE_START;
    if !cursor.at.is_empty() {
        parameters.push((&keys as _, Type::TEXT_ARRAY));
        parameters.push((&at as _, Type::INT8_ARRAY));
        sql = OF_ALL;
    }
    let mut hand_over = |row: Row| hand_over_line(&row, cursor, take);
    shared.lines.each(sql, &parameters, &mut hand_over).await
}

/// Hands over a line and moves the cursor along. A line of a run may come a second time, for another account.
fn hand_over_line(
    row: &Row,
    cursor: &mut Cursor,
    take: &mut (dyn FnMut(Line) + Send),
) -> Result<(), Fault> {
    let seq = seq(row.try_get(1)?);
    let account: &str = row.try_get(2)?;
    let line: &str = row.try_get(3)?;
    let at = match cursor.at.get_mut(account) {
        Some(at) => at,
        None => cursor.at.entry(account.to_string()).or_default(),
    };
    if *at < seq {
        *at = seq;
        cursor.lines += 1;
        match cursor.unsummed.get_mut(account) {
            Some(count) => *count += 1,
            None => {
                cursor.unsummed.insert(account.to_string(), 1);
            }
        }
    }
    take(match decode(line) {
        Some(record) => Line::Record(Box::new(record)),
        None => Line::Damaged(seq),
    });
    Ok(())
}

fn positions(cursor: &Cursor) -> (Vec<String>, Vec<i64>) {
    let keys: Vec<String> = cursor.at.keys().cloned().collect();
    let at = keys.iter().map(|key| position(cursor, key)).collect();
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
