//! Leases: a row per account, with an epoch that grows with every taking.
//!
//! The server's clock alone says when a lease is over there; the holder's own clock says so here, and counts from before
//! it asked. Never an advisory lock: that belongs to a session, which a stopped holder keeps and a broken connection
//! loses, and which a pooler shares out.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Shared;
use super::accounts::text;
use super::connection::Fault;
use crate::apply::store::term::{Moment, Term};
use crate::apply::store::{Claim, Lease, LeaseLost, Taken};
use crate::model::AccountKey;

/// One statement, one winner. A claim whose answer was lost finds its own token and takes again.
pub const TAKE: &str = "
INSERT INTO entitle.lease AS l (account, epoch, holder, token, since, until)
VALUES ($1, 1, $2, $3, clock_timestamp(), clock_timestamp() + $4 * interval '1 ms')
ON CONFLICT (account) DO UPDATE
SET epoch = l.epoch + 1, holder = excluded.holder, token = excluded.token, since = excluded.since, until = excluded.until
WHERE l.until IS NULL OR l.until < clock_timestamp() OR l.token = excluded.token
RETURNING epoch";

const RENEW: &str = "
UPDATE entitle.lease SET until = clock_timestamp() + $3 * interval '1 ms'
WHERE account = $1 AND epoch = $2 AND until IS NOT NULL RETURNING epoch";

/// Tells those who wait, if they listen.
pub const GIVE_BACK: &str = "
WITH back AS (
  UPDATE entitle.lease SET until = NULL, holder = NULL, token = NULL WHERE account = $1 AND epoch = $2 RETURNING account
) SELECT pg_notify('entitle_free', left(account, 1000)) FROM back";

const WHO: &str = "
SELECT epoch, coalesce(holder, ''), until IS NOT NULL AND until >= clock_timestamp() FROM entitle.lease WHERE account = $1";

/// Tries once to take the lease.
pub async fn take(
    shared: &Arc<Shared>,
    account: &AccountKey,
    claim: &Claim,
) -> Result<Taken, Fault> {
    let key = text(account);
    // Tells this claim from all others: a retried claim must not be kept out by itself.
    let token = Uuid::new_v4().simple().to_string();
    let length = milliseconds(claim.term);
    let asked = Moment::now();
    let parameters = [
        (&key as _, Type::TEXT),
        (&claim.holder as _, Type::TEXT),
        (&token as _, Type::TEXT),
        (&length as _, Type::FLOAT8),
    ];
    let taken = shared.leases.query_again(TAKE, &parameters).await?;
    let Some(row) = taken.first() else {
        let holder = holder(shared, &key).await?;
        let who = holder
            .map(|holder| holder.who)
            .filter(|who| !who.is_empty());
        return Ok(Taken::Busy(who.unwrap_or_else(|| "another run".into())));
    };
    let epoch: i64 = row.try_get(0)?;
    let term = Arc::new(Term::new(asked, claim.term));
    let renewing = renew(
        Arc::clone(shared),
        key.clone(),
        epoch,
        Arc::clone(&term),
        claim.term,
    );
    Ok(Taken::Held(Box::new(HeldRow {
        shared: Arc::clone(shared),
        account: account.clone(),
        key,
        epoch,
        term,
        renewing: tokio::spawn(renewing).abort_handle(),
    })))
}

fn milliseconds(length: Duration) -> f64 {
    length.as_secs_f64() * 1000.0
}

/// Who has a lease, as its row says.
pub struct Holder {
    pub epoch: i64,
    who: String,
    is_running: bool,
}

impl Holder {
    /// Why a holder with this epoch is none any more.
    pub fn deposes(&self, ours: i64) -> LeaseLost {
        let holder = match self.who.as_str() {
            "" => "another run".to_string(),
            who => who.to_string(),
        };
        let number = |epoch: i64| u64::try_from(epoch).unwrap_or_default();
        let (epoch, is_ours) = (number(self.epoch), self.epoch == ours);
        let ours = number(ours);
        match (is_ours, self.is_running) {
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

/// Returns who has a lease, or had it last.
pub async fn holder(shared: &Shared, key: &str) -> Result<Option<Holder>, Fault> {
    let rows = shared
        .leases
        .query_again(WHO, &[(&key, Type::TEXT)])
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(Holder {
        epoch: row.try_get(0)?,
        who: row.try_get(1)?,
        is_running: row.try_get(2)?,
    }))
}

/// The share of the term after which a lease is renewed.
const RENEWALS: u32 = 3;

/// Renews a lease until it is lost. While the server does not answer it is tried again until the lease has run out; a
/// server that restarts within the term costs nothing.
async fn renew(shared: Arc<Shared>, key: String, epoch: i64, term: Arc<Term>, length: Duration) {
    let mut why = None;
    let mut pause = length / RENEWALS;
    loop {
        sleep(pause).await;
        let asked = Moment::now();
        let Some(left) = term.left(asked) else {
            let why = why.unwrap_or_else(|| "nobody renewed it in time".into());
            return term.lose(LeaseLost::ExpiredUnrenewed { reason: why });
        };
        let length_ms = milliseconds(length);
        let parameters = [
            (&key as _, Type::TEXT),
            (&epoch as _, Type::INT8),
            (&length_ms as _, Type::FLOAT8),
        ];
        // A renewal that is answered after the lease has run out is none.
        match timeout(left, shared.leases.query(RENEW, &parameters)).await {
            Ok(Ok(rows)) if !rows.is_empty() => {
                term.renew(asked, length);
                (why, pause) = (None, length / RENEWALS);
            }
            Ok(Ok(_)) => {
                let holder = holder(&shared, &key).await.ok().flatten();
                let why = holder.map(|holder| holder.deposes(epoch));
                return term.lose(why.unwrap_or(LeaseLost::RowGone));
            }
            Ok(Err(fault)) => {
                why = Some(shared.words(fault));
                pause = (length / 20).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            }
            Err(_) => {
                why = Some(format!("{} does not answer", shared.name()));
                pause = Duration::ZERO;
            }
        }
    }
}

/// Between two tries to renew while the server does not answer.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A lease that is ours.
struct HeldRow {
    shared: Arc<Shared>,
    account: AccountKey,
    key: String,
    epoch: i64,
    term: Arc<Term>,
    renewing: AbortHandle,
}

impl Lease for HeldRow {
    fn account(&self) -> &AccountKey {
        &self.account
    }

    fn epoch(&self) -> u64 {
        u64::try_from(self.epoch).unwrap_or_default()
    }

    fn covers(&self, call: Duration) -> Result<(), LeaseLost> {
        self.term.covers(Moment::now(), call)
    }
}

impl Drop for HeldRow {
    fn drop(&mut self) {
        self.renewing.abort();
        let (shared, key, epoch) = (Arc::clone(&self.shared), self.key.clone(), self.epoch);
        self.shared.in_background(give_back(shared, key, epoch));
    }
}

/// Gives a lease back. One that cannot be given back expires.
fn give_back(shared: Arc<Shared>, key: String, epoch: i64) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let parameters = [(&key as _, Type::TEXT), (&epoch as _, Type::INT8)];
        if let Err(fault) = shared.leases.query_again(GIVE_BACK, &parameters).await {
            tracing::warn!(
                "a lease could not be given back and expires: {}",
                shared.words(fault)
            );
        }
    })
}
