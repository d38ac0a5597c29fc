//! Summaries: what is known after the first lines of an account.
//!
//! Each version of this program has summaries of its own, since versions may read the records differently. A summary is
//! replaced in one transaction; a reader at that moment finds some of its records missing and starts again without it.
//!
//! A head `account a, upto 40, upto_runs 12, lines 31` covers the lines of `a` up to number 40, of which there are 31,
//! and the lines of `runs` up to number 12; a reader takes its records and then the lines behind 40 and 12.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::types::Type;

use super::PostgresState;
use super::account_name::{RUNS, UNKNOWN, account_name};
use super::connection::QueryError;
use crate::apply::journal::SummaryForm;
use crate::apply::journal::encode;
use crate::apply::memory::JournalSummary;
use crate::apply::store::Cursor;
use crate::model::AccountKey;

/// How far a summary goes, and how many records it has.
pub struct SummaryHead {
    pub account: String,
    pub writing: i64,
    pub size: i64,
    pub upto: i64,
    pub upto_runs: i64,
    pub upto_unknown: i64,
    pub lines: u64,
    pub lines_runs: u64,
    pub lines_unknown: u64,
    pub damaged: Vec<i64>,
}

/// Heads of the summaries of `$1` whose last lines are still in the journal.
const HEADS: &str = "
SELECT account, writing, size, upto, upto_runs, upto_unknown, lines, lines_runs, lines_unknown, damaged
FROM entitle.summary s
WHERE account = ANY($1) AND writer = $2 AND NOT EXISTS (
  SELECT 1 FROM (VALUES (s.account, s.upto), ('runs', s.upto_runs), ('unknown', s.upto_unknown)) AS v (account, seq)
  WHERE v.seq > 0 AND NOT EXISTS (SELECT 1 FROM entitle.line l WHERE l.seq = v.seq AND l.account = v.account))";

/// Finds the summaries of accounts that were not read before.
///
/// Lines without an account are in every summary, so a summary that covers such lines must not be read beside another:
/// its state of the other's objects may be older. `is_only` says that one account is read by itself.
pub async fn find_heads(
    shared: &PostgresState,
    unread: &[String],
    is_only: bool,
) -> Result<Vec<SummaryHead>, QueryError> {
    if unread.is_empty() {
        return Ok(Vec::new());
    }
    let writer = writer_version();
    let parameters = [(&unread as _, Type::TEXT_ARRAY), (&writer as _, Type::TEXT)];
    let rows = shared
        .line_client
        .query_with_retry(HEADS, &parameters)
        .await?;
    let heads = rows.iter().map(|row| {
        let number = |at| row.try_get::<_, i64>(at);
        let count = |at| number(at).map(|count| u64::try_from(count).unwrap_or_default());
        Ok(SummaryHead {
            account: row.try_get(0)?,
            writing: number(1)?,
            size: number(2)?,
            upto: number(3)?,
            upto_runs: number(4)?,
            upto_unknown: number(5)?,
            lines: count(6)?,
            lines_runs: count(7)?,
            lines_unknown: count(8)?,
            damaged: row.try_get(9)?,
        })
    });
    let heads: Vec<SummaryHead> = heads.collect::<Result<_, tokio_postgres::Error>>()?;
    Ok(
        match is_only || heads.iter().all(|head| head.lines_unknown == 0) {
            true => heads,
            false => Vec::new(),
        },
    )
}

/// Returns the version that summaries are stored under. Values are packed, so it includes the layout of the fields.
fn writer_version() -> String {
    format!("{}, {}", JournalSummary::WRITER, JournalSummary::layout())
}

/// Inserts or replaces the head of a summary and gives it a new writing; counts the lines that it covers.
const REPLACE: &str = "
INSERT INTO entitle.summary AS s (account, writer, size, upto, upto_runs, upto_unknown, damaged, lines, lines_runs, lines_unknown)
SELECT $1, $2, $3, $4, $5, $6, $7,
  (SELECT count(*) FROM entitle.line WHERE account = $1 AND seq <= $4),
  (SELECT count(*) FROM entitle.line WHERE account = 'runs' AND seq <= $5),
  (SELECT count(*) FROM entitle.line WHERE account = 'unknown' AND seq <= $6)
ON CONFLICT (account, writer) DO UPDATE SET writing = DEFAULT, at = DEFAULT, size = excluded.size,
  upto = excluded.upto, upto_runs = excluded.upto_runs, upto_unknown = excluded.upto_unknown, damaged = excluded.damaged,
  lines = excluded.lines, lines_runs = excluded.lines_runs, lines_unknown = excluded.lines_unknown
RETURNING writing";

/// Inserts the records of a writing, numbered from `$3` on.
const INSERT: &str = "
INSERT INTO entitle.summary_line (account, writing, n, line)
SELECT $1, $2, $3 + t.n, t.line FROM unnest($4::text[]) WITH ORDINALITY AS t (line, n)";

/// Deletes summaries that no program has written for a month: that version is no longer in use.
const FORGET: &str = "
DELETE FROM entitle.summary WHERE account = $1 AND at < clock_timestamp() - interval '30 days'";

/// Deletes the records of replaced summaries.
const CLEAR: &str = "
DELETE FROM entitle.summary_line l WHERE account = $1
AND NOT EXISTS (SELECT 1 FROM entitle.summary s WHERE s.account = $1 AND s.writing = l.writing)";

/// How many records to insert with one statement.
const CHUNK: usize = 2000;

/// How long writing a summary may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(120);

/// Stores a summary in place of the one before.
pub async fn replace_summary(
    shared: &PostgresState,
    account: &AccountKey,
    summary: JournalSummary,
) -> Result<(), QueryError> {
    let key = account_name(account);
    let upto = summary.upto();
    let [account_upto, runs, unknown] =
        [&key, RUNS, UNKNOWN].map(|name| cursor_position(upto, name));
    let damaged = summary.damaged().numbers();
    let damaged: Vec<i64> = damaged
        .map(|seq| i64::try_from(seq).unwrap_or_default())
        .collect();
    let lines = summary
        .records(SummaryForm::Packed)
        .map(|record| encode(&record));
    let lines: Vec<String> = lines
        .collect::<std::io::Result<_>>()
        .map_err(|error| QueryError::Lost(error.to_string()))?;
    let size = i64::try_from(lines.len()).unwrap_or_default();
    drop(summary);
    let writing = async {
        let mut client = shared.connector.connect().await?;
        let transaction = client.transaction().await?;
        let writer = writer_version();
        let parameters = [
            (&key as _, Type::TEXT),
            (&writer as _, Type::TEXT),
            (&size as _, Type::INT8),
            (&account_upto as _, Type::INT8),
            (&runs as _, Type::INT8),
            (&unknown as _, Type::INT8),
            (&damaged as _, Type::INT8_ARRAY),
        ];
        let row = transaction.query_typed_one(REPLACE, &parameters).await?;
        let writing: i64 = row.try_get(0)?;
        for (number, chunk) in lines.chunks(CHUNK).enumerate() {
            let before = i64::try_from(number * CHUNK).unwrap_or_default();
            let parameters = [
                (&key as _, Type::TEXT),
                (&writing as _, Type::INT8),
                (&before as _, Type::INT8),
                (&chunk as _, Type::TEXT_ARRAY),
            ];
            transaction.execute_typed(INSERT, &parameters).await?;
        }
        for tidy in [FORGET, CLEAR] {
            transaction
                .execute_typed(tidy, &[(&key as _, Type::TEXT)])
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    };
    match timeout(WRITE_TIMEOUT, writing).await {
        Ok(written) => written,
        Err(_) => Err(QueryError::Lost("it does not answer".into())),
    }
}

/// Returns the position of a cursor in an account; 0 if it has none.
pub fn cursor_position(cursor: &Cursor, name: &str) -> i64 {
    let seq = cursor.positions.get(name).copied().unwrap_or_default();
    i64::try_from(seq).unwrap_or(i64::MAX)
}
