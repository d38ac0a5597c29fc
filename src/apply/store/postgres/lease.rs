//! Leases: a row for each account, with an epoch that grows with every taking.
//!
//! ```text
//! account a   epoch 7   holder ann   until 12:01:00
//! bob takes at 12:00:30   no row is updated: busy, held by ann
//! ann renews at 12:00:40  until becomes 12:01:40
//! bob takes at 12:01:41   epoch 8, holder bob
//! ann renews at 12:01:42  no row with epoch 7: lost
//! ```
//!
//! In the database only the server's clock decides whether a lease is over. The holder counts by its own clock, from
//! before it asked, so it stops earlier. Advisory locks would not do: they belong to a session, which a stopped holder
//! keeps, a broken connection loses, and a pooler shares.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::PostgresState;
use super::account_name::account_name;
use super::connection::QueryError;
use crate::apply::store::term::{BootInstant, LeaseTerm};
use crate::apply::store::{Lease, LeaseClaim, LeaseLost, Taken};
use crate::model::AccountKey;

/// Takes a lease: one statement, one winner. A claim whose answer was lost finds its own token and takes again.
pub const TAKE : & str = "
INSERT INTO entitle.lease AS l (account, epoch, holder, token, since, until)
VALUES ($1, 1, $2, $3, clock_timestamp(), clock_timestamp() + $4 * interval '1 ms')
ON CONFLICT (account) DO UPDATE
SET epoch = l.epoch + 1, holder = excluded.holder, token = excluded.token, since = excluded.since, until = excluded.until
WHERE l.until IS NULL OR l.until < clock_timestamp() OR l.token = excluded.token
RETURNING epoch";

/// Extends a lease if it still has this epoch and was not given back.
const RENEW: &str = "
UPDATE entitle.lease SET until = clock_timestamp() + $3 * interval '1 ms'
WHERE account = $1 AND epoch = $2 AND until IS NOT NULL RETURNING epoch";

/// Gives a lease back and notifies the runs that wait for it.
pub const RELEASE : & str = "
WITH back AS (
  UPDATE entitle.lease SET until = NULL, holder = NULL, token = NULL WHERE account = $1 AND epoch = $2 RETURNING account
) SELECT pg_notify('entitle_free', left(account, 1000)) FROM back";

/// The epoch and holder of a lease, and whether it is running.
const SELECT_HOLDER : & str = "
SELECT epoch, coalesce(holder, ''), until IS NOT NULL AND until >= clock_timestamp() FROM entitle.lease WHERE account = $1" ;

/// Tries once to take the lease on an account, and starts to renew it.
pub async fn take_lease(
    shared: &Arc<PostgresState>,
    account: &AccountKey,
    claim: &LeaseClaim,
) -> Result<Taken, QueryError> {
    let key = account_name(account);
    // Tells this claim from all others: a claim that is sent again must not be refused because of itself.
    let token = Uuid::new_v4().simple().to_string();
    let length = to_milliseconds(claim.term);
    let asked = BootInstant::now();
    let parameters = [
        (&key as _, Type::TEXT),
        (&claim.holder as _, Type::TEXT),
        (&token as _, Type::TEXT),
        (&length as _, Type::FLOAT8),
    ];
    let taken = shared
        .lease_client
        .query_with_retry(TAKE, &parameters)
        .await?;
    let Some(row) = taken.first() else {
        let holder = find_holder(shared, &key).await?;
        let who = holder
            .map(|holder| holder.name)
            .filter(|who| !who.is_empty());
        return Ok(Taken::Busy(who.unwrap_or_else(|| "another run".into())));
    };
    let epoch: i64 = row.try_get(0)?;
    let term = Arc::new(LeaseTerm::new(asked, claim.term));
    let renewal = renew_until_lost(
        Arc::clone(shared),
        key.clone(),
        epoch,
        Arc::clone(&term),
        claim.term,
    );
    Ok(Taken::Held(Box::new(PostgresLease {
        shared: Arc::clone(shared),
        account: account.clone(),
        key,
        epoch,
        term,
        renewal: tokio::spawn(renewal).abort_handle(),
    })))
}

/// Converts a duration for an SQL interval.
fn to_milliseconds(length: Duration) -> f64 {
    length.as_secs_f64() * 1000.0
}

/// The holder of a lease, as its row says.
pub struct LeaseHolder {
    pub epoch: i64,
    name: String,
    is_current: bool,
}

impl LeaseHolder {
    /// Says why the holder with the epoch `ours` lost the lease.
    pub fn explain_loss(&self, ours: i64) -> LeaseLost {
        let holder = match self.name.as_str() {
            "" => "another run".to_string(),
            who => who.to_string(),
        };
        let number = |epoch: i64| u64::try_from(epoch).unwrap_or_default();
        let (epoch, is_ours) = (number(self.epoch), self.epoch == ours);
        let ours = number(ours);
        match (is_ours, self.is_current) {
            (true, true) => LeaseLost::RowNotRenewable,
            (true, false) => LeaseLost::RanOut,
            (false, true) => LeaseLost::TakenAt {
                holder,
                epoch,
                ours,
            },
            (false, false) => LeaseLost::WasTakenAt { epoch, ours },
        }
    }
}

/// Returns the present or last holder of a lease; `None` if the account has no row.
pub async fn find_holder(
    shared: &PostgresState,
    key: &str,
) -> Result<Option<LeaseHolder>, QueryError> {
    let rows = shared
        .lease_client
        .query_with_retry(SELECT_HOLDER, &[(&key, Type::TEXT)])
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(LeaseHolder {
        epoch: row.try_get(0)?,
        name: row.try_get(1)?,
        is_current: row.try_get(2)?,
    }))
}

/// How often a lease is renewed within its term.
const RENEWALS_PER_TERM: u32 = 3;

/// Renews a lease until it is lost. While the server does not answer, it tries again until the lease has run out, so a
/// restart of the server within the term costs nothing.
async fn renew_until_lost(
    shared: Arc<PostgresState>,
    key: String,
    epoch: i64,
    term: Arc<LeaseTerm>,
    length: Duration,
) {
    let mut why = None;
    let mut pause = length / RENEWALS_PER_TERM;
    loop {
        sleep(pause).await;
        let asked = BootInstant::now();
        let Some(left) = term.remaining(asked) else {
            let why = why.unwrap_or_else(|| "it was not renewed in time".into());
            return term.mark_lost(LeaseLost::ExpiredUnrenewed { reason: why });
        };
        let length_ms = to_milliseconds(length);
        let parameters = [
            (&key as _, Type::TEXT),
            (&epoch as _, Type::INT8),
            (&length_ms as _, Type::FLOAT8),
        ];
        // An answer after the end of the lease does not count.
        match timeout(left, shared.lease_client.query(RENEW, &parameters)).await {
            Ok(Ok(rows)) if !rows.is_empty() => {
                term.renew(asked, length);
                (why, pause) = (None, length / RENEWALS_PER_TERM);
            }
            Ok(Ok(_)) => {
                let holder = find_holder(&shared, &key).await.ok().flatten();
                let why = holder.map(|holder| holder.explain_loss(epoch));
                return term.mark_lost(why.unwrap_or(LeaseLost::RowGone));
            }
            Ok(Err(error)) => {
                why = Some(shared.describe_error(error));
                pause = (length / 20).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            }
            Err(_) => {
                why = Some(format!("{} does not answer", shared.name()));
                pause = Duration::ZERO;
            }
        }
    }
}

/// The pauses between two tries to renew while the server does not answer.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The lease on an account by a row that this process renews.
struct PostgresLease {
    shared: Arc<PostgresState>,
    account: AccountKey,
    key: String,
    epoch: i64,
    term: Arc<LeaseTerm>,
    renewal: AbortHandle,
}

impl Lease for PostgresLease {
    fn account(&self) -> &AccountKey {
        &self.account
    }

    fn epoch(&self) -> u64 {
        u64::try_from(self.epoch).unwrap_or_default()
    }

    fn covers(&self, call: Duration) -> Result<(), LeaseLost> {
        self.term.covers(BootInstant::now(), call)
    }
}

impl Drop for PostgresLease {
    fn drop(&mut self) {
        self.renewal.abort();
        let (shared, key, epoch) = (Arc::clone(&self.shared), self.key.clone(), self.epoch);
        self.shared.spawn_release(release_lease(shared, key, epoch));
    }
}

/// Gives a lease back. If that fails, it expires.
fn release_lease(shared: Arc<PostgresState>, key: String, epoch: i64) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let parameters = [(&key as _, Type::TEXT), (&epoch as _, Type::INT8)];
        if let Err(error) = shared
            .lease_client
            .query_with_retry(RELEASE, &parameters)
            .await
        {
            tracing::warn!(
                "a lease could not be given back and expires: {}",
                shared.describe_error(error)
            );
        }
    })
}
