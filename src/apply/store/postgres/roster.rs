//! The replicas of daemons, a row each, and hints from one to another.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio_postgres::types::Type;

use super::accounts::{parse, text};
use super::connection::Fault;
use super::error::{Task, store_error};
use super::{Postgres, Shared};
use crate::apply::store::{Hint, Replica, Roster, StoreError};

/// Writes a replica down and removes those that were over an hour ago. What the statement returns is from before it, so
/// the replica itself is not among them.
const ATTEND: &str = "
WITH own AS (
  INSERT INTO entitle.replica (id, note, until) VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms')
  ON CONFLICT (id) DO UPDATE SET note = excluded.note, until = excluded.until),
old AS (DELETE FROM entitle.replica WHERE until < clock_timestamp() - interval '1 hour' AND id <> $1)
SELECT id, note FROM entitle.replica WHERE until >= clock_timestamp() AND id <> $1";

const LEAVE: &str = "DELETE FROM entitle.replica WHERE id = $1";

/// Notices may be 8,000 bytes long.
const LONGEST: usize = 7_000;

const PASS_ON: &str = "SELECT pg_notify('entitle_hint', $1)";

impl Roster for Postgres {
    fn attend<'a>(
        &'a self,
        replica: &'a Replica,
        term: Duration,
    ) -> BoxFuture<'a, Result<Vec<Replica>, StoreError>> {
        Box::pin(async move {
            let others = others(&self.shared, replica, term).await;
            let mut all = others.map_err(|fault| self.error(fault))?;
            all.push(replica.clone());
            Ok(all)
        })
    }

    fn leave<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let left = self.shared.leases.query(LEAVE, &[(&id, Type::TEXT)]).await;
            left.map(drop).map_err(|fault| self.error(fault))
        })
    }

    fn pass_on<'a>(&'a self, hint: &'a Hint) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let payload = payload(hint);
            if payload.len() > LONGEST {
                return Ok(());
            }
            let parameters = [(&payload as _, Type::TEXT)];
            let passed = self.shared.leases.query(PASS_ON, &parameters);
            passed.await.map(drop).map_err(|fault| self.error(fault))
        })
    }

    fn next_hint(&self) -> BoxFuture<'_, Hint> {
        Box::pin(self.shared.waking.next_hint())
    }
}

impl Postgres {
    fn error(&self, fault: Fault) -> StoreError {
        store_error(self.shared.address(), Task::Attend, fault)
    }
}

async fn others(shared: &Shared, replica: &Replica, term: Duration) -> Result<Vec<Replica>, Fault> {
    let term = term.as_secs_f64() * 1000.0;
    let parameters = [
        (&replica.id as _, Type::TEXT),
        (&replica.note as _, Type::TEXT),
        (&term as _, Type::FLOAT8),
    ];
    let rows = shared.leases.query(ATTEND, &parameters).await?;
    let other = |row: &tokio_postgres::Row| {
        Ok(Replica {
            id: row.try_get(0)?,
            note: row.try_get(1)?,
        })
    };
    rows.iter().map(other).collect()
}

/// A hint as a notice: the account, then the object.
fn payload(hint: &Hint) -> String {
    let id = hint.id.as_deref().unwrap_or_default();
    format!("{}\n{id}", text(&hint.account))
}

/// Reads a notice; `None` if it is none of this version's.
pub fn hint(payload: &str) -> Option<Hint> {
    let (account, id) = payload.split_once('\n')?;
    Some(Hint {
        account: parse(account)?,
        id: (!id.is_empty()).then(|| id.to_string()),
    })
}
