//! The call budget of an account, in one row.
//!
//! The row keeps the last start moments, as many as the widest rate counts. With 3 calls in 10 s (10.25 s with slack),
//! the row `[0, 1, 2]`, and the time 5 s, the next three moments are:
//!
//! ```text
//! 10.25   three before it is 0      11.25   three before it is 1      12.25   three before it is 2
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use tokio_postgres::types::Type;

use super::PostgresState;
use super::connection::QueryError;
use super::error::{StoreTask, store_error};
use crate::apply::store::StoreError;
use crate::apply::store::budget::{CallBudget, WINDOW_SLACK};
use crate::model::RateLimit;

/// Reserves the next moments, in microseconds by the server's clock, and returns them with the server's time. A moment
/// is later than the one `n` before it by the window of each rate of `n` calls, never in a pause and never in the past.
///
/// It is one statement, so that the row is locked no longer than it runs.
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

/// Extends the pause of an account to `$2` microseconds from now; it never shortens one.
const PAUSE: &str = "
INSERT INTO entitle.budget AS b (account, paused_until)
VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000000)::int8 + $2)
ON CONFLICT (account) DO UPDATE SET paused_until = greatest(b.paused_until, excluded.paused_until)";

/// The row of an account.
pub struct BudgetRow {
    pub shared: Arc<PostgresState>,
    pub account: String,
    pub rates: Vec<RateLimit>,
}

impl BudgetRow {
    /// Reserves up to `calls` moments and converts them to this machine's clock.
    async fn reserve_starts(&self, calls: u32) -> Result<Vec<Instant>, QueryError> {
        let windows = self
            .rates
            .iter()
            .map(|rate| to_microseconds(rate.per + WINDOW_SLACK));
        let windows: Vec<i64> = windows.collect();
        let counts = self
            .rates
            .iter()
            .map(|rate| i64::from(rate.requests.max(1)));
        let counts: Vec<i64> = counts.collect();
        // More moments than the tightest rate counts would pass each other.
        let tightest = counts.iter().copied().min().unwrap_or(1);
        let calls = i32::try_from(i64::from(calls).min(tightest)).unwrap_or(1);
        let keep_count = counts
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
            (&keep_count as _, Type::INT8),
        ];
        let rows = self
            .shared
            .budget_client
            .query(RESERVE, &parameters)
            .await?;
        let Some(row) = rows.first() else {
            return Ok(Vec::new());
        };
        let (starts, now): (Vec<i64>, i64) = (row.try_get(0)?, row.try_get(1)?);
        // The answer took time to arrive, so the moments are slightly late here, never early.
        let here = Instant::now();
        let wait = |start: &i64| u64::try_from(start - now).unwrap_or(0);
        Ok(starts
            .iter()
            .map(|start| here + Duration::from_micros(wait(start)))
            .collect())
    }

    /// Adds the database's name and the task to an error.
    fn budget_error(&self, error: QueryError) -> StoreError {
        store_error(self.shared.address(), StoreTask::Reserve, error)
    }
}

impl CallBudget for BudgetRow {
    fn reserve(&self, calls: u32) -> BoxFuture<'_, Result<Vec<Instant>, StoreError>> {
        Box::pin(async move {
            let reserved = self.reserve_starts(calls).await;
            reserved.map_err(|error| self.budget_error(error))
        })
    }

    fn pause(&self, length: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let length = to_microseconds(length);
            let parameters = [(&self.account as _, Type::TEXT), (&length as _, Type::INT8)];
            let paused = self.shared.budget_client.query(PAUSE, &parameters).await;
            paused.map(drop).map_err(|error| self.budget_error(error))
        })
    }
}

/// Converts a duration to microseconds; more than 200,000 years do not occur.
fn to_microseconds(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
