//! The calls that all processes of an account may start, in one row an account.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use tokio_postgres::types::Type;

use super::Shared;
use super::connection::Fault;
use super::error::{Task, store_error};
use crate::apply::store::StoreError;
use crate::apply::store::budget::{Budget, SLACK};
use crate::model::RateLimit;

/// Hands out the next moments, in microseconds by the server's clock, and says what time it is there. The last ones stay
/// in the row, as many as the widest rate counts. A moment is as much later than the one that is `n` before it as the
/// window of that rate is long, never in a pause and never in the past.
///
/// One statement, so that the row is held for no longer than it takes.
const RESERVE: &str = "
INSERT INTO entitle.budget AS b (account, starts)
SELECT $1, array_fill((extract(epoch FROM clock_timestamp()) * 1000000)::int8, ARRAY[$2::int])
ON CONFLICT (account) DO UPDATE SET starts = (
  WITH now AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8 AS at),
  new AS (
    SELECT greatest(now.at, b.paused_until, (
      SELECT max(b.starts[cardinality(b.starts) + i - r.n] + r.length)
      FROM unnest($3::int8[], $4::int8[]) AS r (n, length))) AS start
    FROM now, generate_series(1, $2::int) AS i),
  last AS (
    SELECT start FROM (SELECT unnest(b.starts) AS start UNION ALL SELECT start FROM new) AS every
    ORDER BY start DESC LIMIT $5)
  SELECT array_agg(start ORDER BY start) FROM last)
RETURNING starts[greatest(1, cardinality(starts) - $2::int + 1):], (extract(epoch FROM clock_timestamp()) * 1000000)::int8";

const PAUSE: &str = "
INSERT INTO entitle.budget AS b (account, paused_until)
VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000000)::int8 + $2)
ON CONFLICT (account) DO UPDATE SET paused_until = greatest(b.paused_until, excluded.paused_until)";

/// What is left of the vendor's rates for an account.
pub struct Row {
    pub shared: Arc<Shared>,
    pub account: String,
    pub rates: Vec<RateLimit>,
}

impl Row {
    async fn reserved(&self, calls: u32) -> Result<Vec<Instant>, Fault> {
        let windows = self.rates.iter().map(|rate| micros(rate.per + SLACK));
        let windows: Vec<i64> = windows.collect();
        let counts = self
            .rates
            .iter()
            .map(|rate| i64::from(rate.requests.max(1)));
        let counts: Vec<i64> = counts.collect();
        // Of more than the tightest rate counts, the moments would go by each other.
        let tightest = counts.iter().copied().min().unwrap_or(1);
        let calls = i32::try_from(i64::from(calls).min(tightest)).unwrap_or(1);
        let kept = counts
            .iter()
            .copied()
            .max()
            .unwrap_or(1)
            .max(i64::from(calls));
        let parameters = [
            (&self.account as _, Type::TEXT),
            (&calls as _, Type::INT4),
            (&counts as _, Type::INT8_ARRAY),
            (&windows as _, Type::INT8_ARRAY),
            (&kept as _, Type::INT8),
        ];
        let rows = self.shared.budgets.query(RESERVE, &parameters).await?;
        let Some(row) = rows.first() else {
            return Ok(Vec::new());
        };
        let (starts, now): (Vec<i64>, i64) = (row.try_get(0)?, row.try_get(1)?);
        // The answer came a little after it was given, so the moments are a little late here and never early.
        let here = Instant::now();
        let wait = |start: &i64| u64::try_from(start - now).unwrap_or(0);
        Ok(starts
            .iter()
            .map(|start| here + Duration::from_micros(wait(start)))
            .collect())
    }

    fn error(&self, fault: Fault) -> StoreError {
        store_error(self.shared.address(), Task::Reserve, fault)
    }
}

impl Budget for Row {
    fn reserve(&self, calls: u32) -> BoxFuture<'_, Result<Vec<Instant>, StoreError>> {
        Box::pin(async move {
            let reserved = self.reserved(calls).await;
            reserved.map_err(|fault| self.error(fault))
        })
    }

    fn pause(&self, length: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let length = micros(length);
            let parameters = [(&self.account as _, Type::TEXT), (&length as _, Type::INT8)];
            let paused = self.shared.budgets.query(PAUSE, &parameters).await;
            paused.map(drop).map_err(|fault| self.error(fault))
        })
    }
}

/// More than 200,000 years do not occur.
fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
