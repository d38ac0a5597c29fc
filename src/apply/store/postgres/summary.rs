//! Summaries: what stands for the first lines of an account.
//!
//! Each version of this program has summaries of its own, since another may read them in another way. A summary is
//! replaced in one transaction; whoever reads in just that moment finds that some of it is gone, and starts anew.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::types::Type;

use super::Shared;
use super::accounts::{RUNS, UNKNOWN, text};
use super::connection::Fault;
use crate::apply::journal::encode;
use crate::apply::memory::{Form, Summary};
use crate::apply::store::Cursor;
use crate::model::AccountKey;

/// How far a summary goes, and how many records it has.
pub struct Head {
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

/// Heads of summaries whose last lines are in the journal still.
const HEADS: &str = "
SELECT account, writing, size, upto, upto_runs, upto_unknown, lines, lines_runs, lines_unknown, damaged
FROM entitle.summary s
WHERE account = ANY($1) AND writer = $2 AND NOT EXISTS (
  SELECT 1 FROM (VALUES (s.account, s.upto), ('runs', s.upto_runs), ('unknown', s.upto_unknown)) AS v (account, seq)
  WHERE v.seq > 0 AND NOT EXISTS (SELECT 1 FROM entitle.line l WHERE l.seq = v.seq AND l.account = v.account))";

/// Finds the summaries of accounts of which nothing was read before.
///
/// Lines of which nobody can tell the account are in every summary, so one that stands for such lines must not come
/// beside another: what it says of that one's objects may be older. `is_only` is for an account that is read by itself.
pub async fn find(shared: &Shared, fresh: &[String], is_only: bool) -> Result<Vec<Head>, Fault> {
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let writer = writer();
    let parameters = [(&fresh as _, Type::TEXT_ARRAY), (&writer as _, Type::TEXT)];
    let rows = shared.lines.query_again(HEADS, &parameters).await?;
    let heads = rows.iter().map(|row| {
        let number = |at| row.try_get::<_, i64>(at);
        let count = |at| number(at).map(|count| u64::try_from(count).unwrap_or_default());
        Ok(Head {
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
    let heads: Vec<Head> = heads.collect::<Result<_, tokio_postgres::Error>>()?;
    Ok(
        match is_only || heads.iter().all(|head| head.lines_unknown == 0) {
            true => heads,
            false => Vec::new(),
        },
    )
}

/// The values are packed, so the layout of the fields counts too.
fn writer() -> String {
    format!("{}, {}", Summary::WRITER, Summary::layout())
}

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

const INSERT: &str = "
INSERT INTO entitle.summary_line (account, writing, n, line)
SELECT $1, $2, $3 + t.n, t.line FROM unnest($4::text[]) WITH ORDINALITY AS t (line, n)";

/// Summaries that no program has written for a month are of versions that nobody runs any more.
const FORGET: &str = "
DELETE FROM entitle.summary WHERE account = $1 AND at < clock_timestamp() - interval '30 days'";

const CLEAR: &str = "
DELETE FROM entitle.summary_line l WHERE account = $1
AND NOT EXISTS (SELECT 1 FROM entitle.summary s WHERE s.account = $1 AND s.writing = l.writing)";

/// Records that are written at once.
const CHUNK: usize = 2000;

/// Time for a summary to be written.
const WRITING: Duration = Duration::from_secs(120);

/// Keeps a summary in the place of the one before.
pub async fn replace(shared: &Shared, account: &AccountKey, summary: Summary) -> Result<(), Fault> {
    let key = text(account);
    let upto = summary.upto();
    let [own, runs, unknown] = [&key, RUNS, UNKNOWN].map(|name| position(upto, name));
    let damaged = summary.damaged().numbers();
    let damaged: Vec<i64> = damaged
        .map(|seq| i64::try_from(seq).unwrap_or_default())
        .collect();
    let lines = summary.records(Form::Packed).map(|record| encode(&record));
    let lines: Vec<String> = lines
        .collect::<std::io::Result<_>>()
        .map_err(|error| Fault::Lost(error.to_string()))?;
    let size = i64::try_from(lines.len()).unwrap_or_default();
    drop(summary);
    let writing = async {
        let mut client = shared.connector.connect().await?;
        let transaction = client.transaction().await?;
        let writer = writer();
        let parameters = [
            (&key as _, Type::TEXT),
            (&writer as _, Type::TEXT),
            (&size as _, Type::INT8),
            (&own as _, Type::INT8),
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
    match timeout(WRITING, writing).await {
        Ok(written) => written,
        Err(_) => Err(Fault::Lost("it does not answer".into())),
    }
}

/// How far a cursor is in an account.
pub fn position(cursor: &Cursor, name: &str) -> i64 {
    let seq = cursor.at.get(name).copied().unwrap_or_default();
    i64::try_from(seq).unwrap_or(i64::MAX)
}
