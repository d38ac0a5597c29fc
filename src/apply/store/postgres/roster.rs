//! The roster of replicas, a row each, and hints by NOTIFY.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio_postgres::types::Type;

use super::account_name::{account_name, parse_account};
use super::connection::QueryError;
use super::error::{StoreTask, store_error};
use super::{PostgresState, PostgresStore};
use crate::apply::store::{Hint, Roster, RosterEntry, StoreError};

/// Publishes the entry `$1`, deletes entries that ended over an hour ago and selects the live ones. A statement does
/// not see its own writes, so `$1` itself is not among the result.
const PUBLISH_ENTRY: &str = "
WITH own AS (
  INSERT INTO entitle.replica (id, note, until) VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms')
  ON CONFLICT (id) DO UPDATE SET note = excluded.note, until = excluded.until),
old AS (DELETE FROM entitle.replica WHERE until < clock_timestamp() - interval '1 hour' AND id <> $1)
SELECT id, note FROM entitle.replica WHERE until >= clock_timestamp() AND id <> $1";

const DELETE_ENTRY: &str = "DELETE FROM entitle.replica WHERE id = $1";

/// The most bytes of a hint; PostgreSQL allows 8,000 in a notification.
const MAX_PAYLOAD: usize = 7_000;

const NOTIFY_HINT: &str = "SELECT pg_notify('entitle_hint', $1)";

impl Roster for PostgresStore {
    fn heartbeat<'a>(
        &'a self,
        replica: &'a RosterEntry,
        term: Duration,
    ) -> BoxFuture<'a, Result<Vec<RosterEntry>, StoreError>> {
        Box::pin(async move {
            let others = publish_entry(&self.shared, replica, term).await;
            let mut all = others.map_err(|error| self.roster_error(error))?;
            all.push(replica.clone());
            Ok(all)
        })
    }

    fn leave<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let left = self
                .shared
                .lease_client
                .query(DELETE_ENTRY, &[(&id, Type::TEXT)])
                .await;
            left.map(drop).map_err(|error| self.roster_error(error))
        })
    }

    fn publish_hint<'a>(&'a self, hint: &'a Hint) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let payload = encode_hint(hint);
            if payload.len() > MAX_PAYLOAD {
                return Ok(());
            }
            let parameters = [(&payload as _, Type::TEXT)];
            let passed = self.shared.lease_client.query(NOTIFY_HINT, &parameters);
            passed
                .await
                .map(drop)
                .map_err(|error| self.roster_error(error))
        })
    }

    fn next_hint(&self) -> BoxFuture<'_, Hint> {
        Box::pin(self.shared.listener.next_hint())
    }
}

impl PostgresStore {
    /// Adds the database's name and the task to an error.
    fn roster_error(&self, error: QueryError) -> StoreError {
        store_error(self.shared.address(), StoreTask::Heartbeat, error)
    }
}

/// Publishes an entry and returns the live entries of the others.
async fn publish_entry(
    shared: &PostgresState,
    replica: &RosterEntry,
    term: Duration,
) -> Result<Vec<RosterEntry>, QueryError> {
    let term = term.as_secs_f64() * 1000.0;
    let parameters = [
        (&replica.id as _, Type::TEXT),
        (&replica.note as _, Type::TEXT),
        (&term as _, Type::FLOAT8),
    ];
    let rows = shared
        .lease_client
        .query(PUBLISH_ENTRY, &parameters)
        .await?;
    let other = |row: &tokio_postgres::Row| {
        Ok(RosterEntry {
            id: row.try_get(0)?,
            note: row.try_get(1)?,
        })
    };
    rows.iter().map(other).collect()
}

/// Encodes a hint as the payload of a notification: the account, a line feed, the object's id.
fn encode_hint(hint: &Hint) -> String {
    let id = hint.id.as_deref().unwrap_or_default();
    format!("{}\n{id}", account_name(&hint.account))
}

/// Parses the payload of a notification; `None` if it is not a hint of this version.
pub fn parse_hint(payload: &str) -> Option<Hint> {
    let (account, id) = payload.split_once('\n')?;
    Some(Hint {
        account: parse_account(account)?,
        id: (!id.is_empty()).then(|| id.to_string()),
    })
}
