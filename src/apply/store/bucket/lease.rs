//! The lease on an account: an object that its holder replaces again and again.
//!
//! Each renewal makes a new version (ETag). A waiter that has seen the same version for a whole term, by its own clock,
//! may replace the object, on condition that it still has that version. With a term of 60 s:
//!
//! ```text
//!  0 s   A puts the lease: ETag e1, epoch 7; A counts its term from before the request
//! 20 s   A renews: ETag e2
//! 25 s   B sees e2 and waits until 85 s
//! 30 s   A is cut off from the bucket; its term ends at 80 s: it sends nothing more
//! 85 s   B still sees e2: put epoch 8 if the ETag is e2. Of two waiters one succeeds
//! ```
//!
//! No two clocks are compared. A's term began before its request at 20 s went out, and no waiter can have seen e2
//! earlier than that, so A always stops before B starts.

use crate::apply::store::LeaseLost;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::account::{AccountState, AccountStates, LeasedLog};
use super::lease_body::{LeaseBody, holder_of};
use super::log::{self, AppendError, LogWriter};
use super::objects::{BucketError, ObjectVersion, SettledPut};
use super::segment::FORMAT;
use crate::apply::clock;
use crate::apply::store::term::{BootInstant, LeaseTerm};
use crate::apply::store::{Lease, LeaseClaim};
use crate::model::AccountKey;

/// The outcome of one try to take a lease.
pub enum LeaseAttempt {
    Held(BucketLease),
    Busy(String),
}

/// Tells whether a lease may be taken from a holder that still has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeMode {
    IfFree,
    /// Take it anyway, for a person who knows that the holder is gone.
    Force,
}

/// Tries once to take the lease on an account.
pub async fn take_lease(
    accounts: &Arc<AccountStates>,
    key: &AccountKey,
    claim: &LeaseClaim,
    manner: TakeMode,
) -> Result<LeaseAttempt, BucketError> {
    let state = accounts.state(key);
    let AccountStates {
        objects, layout, ..
    } = &**accounts;
    let path = layout.lease_path(&state.folder);
    let asking = BootInstant::now();
    let found = objects.get(&path).await?;
    let (epoch, hint) = match &found {
        None => (0, 0),
        Some(object) => {
            let body = LeaseBody::parse(object)?;
            if let Some(holder) = &body.holder
                && manner == TakeMode::IfFree
                && !state.is_abandoned(&body)
                && !state.has_expired(object, &body, asking)
            {
                return Ok(LeaseAttempt::Busy(holder.clone()));
            }
            (body.epoch, body.log)
        }
    };
    // The log knows the highest epoch even if the lease object was deleted.
    let (next, highest) = log::find_end(objects, &layout.log_folder(&state.folder), hint).await?;
    let body = LeaseBody {
        format: FORMAT,
        vendor: key.vendor.to_string(),
        base_url: key.base_url.clone(),
        account: key.account.clone(),
        holder: Some(claim.holder.clone()),
        epoch: 1 + epoch.max(highest),
        taking: clock::run_id(),
        put: 0,
        term_milliseconds: u64::try_from(claim.term.as_millis()).unwrap_or(u64::MAX),
        log: next,
    };
    let mut stray = UnconfirmedTaking {
        state: &state,
        taking: Some(body.taking.clone()),
    };
    let asked = BootInstant::now();
    let bytes = body.to_bytes()?;
    let put = match &found {
        None => objects.create(&path, &bytes).await?,
        Some(object) => objects.replace(&path, &bytes, &object.version).await?,
    };
    stray.taking = None;
    let version = match put {
        SettledPut::Done(version) => version,
        SettledPut::Found(object) => return Ok(LeaseAttempt::Busy(holder_of(&object))),
    };
    drop(stray);
    let term = Arc::new(LeaseTerm::new(asked, claim.term));
    let hold = LeaseKeeper {
        accounts: Arc::clone(accounts),
        state,
        path,
        body,
        version,
        term,
    };
    hold.open_log(key, claim).await
}

/// A taking under way. If it ends without an answer, it may have become a lease that no run knows it holds.
struct UnconfirmedTaking<'a> {
    state: &'a AccountState,
    taking: Option<String>,
}

impl Drop for UnconfirmedTaking<'_> {
    fn drop(&mut self) {
        self.state.abandoned().extend(self.taking.take());
    }
}

/// Renews the lease object of a lease that is ours, and gives it back.
struct LeaseKeeper {
    accounts: Arc<AccountStates>,
    state: Arc<AccountState>,
    path: String,
    body: LeaseBody,
    version: ObjectVersion,
    term: Arc<LeaseTerm>,
}

impl LeaseKeeper {
    /// Opens the log behind the previous holder and starts the renewals. From here on, the lease is given back even
    /// after an error.
    async fn open_log(
        self,
        key: &AccountKey,
        claim: &LeaseClaim,
    ) -> Result<LeaseAttempt, BucketError> {
        let (objects, state) = (self.accounts.objects.clone(), Arc::clone(&self.state));
        let (epoch, next, term) = (self.body.epoch, self.body.log, Arc::clone(&self.term));
        let log = self.accounts.layout.log_folder(&state.folder);
        let (stop, stopped) = oneshot::channel();
        let lease = BucketLease {
            key: key.clone(),
            epoch,
            term: Arc::clone(&term),
            stop: Some(stop),
            accounts: Arc::clone(&self.accounts),
        };
        tokio::spawn(self.renew_until_stopped(claim.term / 3, stopped));
        // Appends under an earlier lease of ours have ended, or the log refuses them from now on.
        let mut leased = state.leased_log.lock().await;
        match LogWriter::open(&objects, log, next, epoch, &claim.holder).await {
            Ok(writer) => {
                *leased = Some(LeasedLog { writer, term });
                Ok(LeaseAttempt::Held(lease))
            }
            Err(AppendError::Deposed(by)) => Ok(LeaseAttempt::Busy(by)),
            Err(AppendError::Bucket(error)) => Err(error),
        }
    }

    /// Renews the lease until it is dropped or lost.
    async fn renew_until_stopped(mut self, pause: Duration, mut stopped: oneshot::Receiver<()>) {
        let mut next = pause;
        loop {
            // Cancel-safe: the pause is only time, and a stop signal stays.
            tokio::select! {
                _ = &mut stopped => break,
                () = tokio::time::sleep(next) => {}
            }
            match self.renew().await {
                Ok(()) => next = pause,
                // Try again soon: most of the term is left.
                Err(error) if error.is_transient => {
                    tracing::warn!("cannot renew the lease {}: {}", self.path, error.source);
                    next = pause / 4;
                }
                Err(error) => self.term.mark_lost(LeaseLost::NotRenewable {
                    reason: error.source.to_string(),
                }),
            }
            if self.term.remaining(BootInstant::now()).is_none() {
                self.term.mark_lost(LeaseLost::Expired);
                let _ = stopped.await;
                break;
            }
        }
        self.release().await;
        self.state.released.notify_one();
        self.accounts.end_release();
    }

    /// Renews the lease once.
    async fn renew(&mut self) -> Result<(), BucketError> {
        let asked = BootInstant::now();
        let holder = self.body.holder.clone();
        if let Some(by) = self.put_body(holder).await? {
            self.term.mark_lost(LeaseLost::Taken { holder: by });
        } else if self.term.remaining(BootInstant::now()).is_some() {
            self.term.renew(asked, self.body.term());
        }
        Ok(())
    }

    /// Replaces the lease object with the holder `holder`. Returns the holder who replaced it before us; `None` if it
    /// is ours.
    async fn put_body(&mut self, holder: Option<String>) -> Result<Option<String>, BucketError> {
        let objects = self.accounts.objects.without_retries();
        self.body.holder = holder;
        loop {
            self.body.put += 1;
            let put = objects
                .replace(&self.path, &self.body.to_bytes()?, &self.version)
                .await?;
            match put {
                SettledPut::Done(version) => self.version = version,
                SettledPut::Found(object) => {
                    let ours =
                        LeaseBody::parse(&object).is_ok_and(|body| body.taking == self.body.taking);
                    if !ours {
                        return Ok(Some(holder_of(&object)));
                    }
                    // This is an earlier renewal of ours whose answer was lost.
                    self.version = object.version;
                    continue;
                }
            }
            return Ok(None);
        }
    }

    /// Gives the lease back, so that the next run need not wait until it expires. Does nothing if it is lost.
    async fn release(&mut self) {
        let mut leased = self.state.leased_log.lock().await;
        if let Some(ours) = leased.take_if(|leased| leased.writer.epoch() == Some(self.body.epoch))
        {
            self.body.log = ours.writer.next();
        }
        drop(leased);
        for _ in 0..RELEASE_TRIES {
            match self.put_body(None).await {
                Err(error) if error.is_transient => tokio::time::sleep(RETRY_PAUSE).await,
                _ => return,
            }
        }
    }
}

/// How often to try to give a lease back: for about as long as closing waits. After that it expires.
const RELEASE_TRIES: u32 = 20;
/// The pause between these tries.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The lease on an account by an object in a bucket.
pub struct BucketLease {
    key: AccountKey,
    epoch: u64,
    term: Arc<LeaseTerm>,
    stop: Option<oneshot::Sender<()>>,
    accounts: Arc<AccountStates>,
}

impl Lease for BucketLease {
    fn account(&self) -> &AccountKey {
        &self.key
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn covers(&self, call: Duration) -> Result<(), LeaseLost> {
        self.term.covers(BootInstant::now(), call)
    }
}

impl Drop for BucketLease {
    fn drop(&mut self) {
        self.term.mark_lost(LeaseLost::GivenBack);
        self.accounts.begin_release();
        let stop = self.stop.take();
        if stop.is_none_or(|stop| stop.send(()).is_err()) {
            // The runtime has ended, so the lease expires.
            self.accounts.end_release();
        }
    }
}
