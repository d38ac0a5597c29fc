//! The lease on an account: an object that its holder replaces again and again.
//!
//! Whoever waits and sees the same version for a whole term, by a clock of its own, may put itself in the place of the
//! holder: each renewal makes a new version. So no two clocks are compared, and a holder counts its term from before
//! its request went out, which is earlier than anybody can have seen the version that it made.

use crate::apply::store::LeaseLost;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::account::{Accounts, Held, State};
use super::log::{self, Refusal, Writer};
use super::objects::{Fault, Object, Settled, Version};
use super::part::FORMAT;
use crate::apply::clock;
use crate::apply::store::term::{Moment, Term};
use crate::apply::store::{Claim, Lease};
use crate::model::AccountKey;

/// What the object says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub format: u32,
    pub vendor: String,
    pub base_url: String,
    pub account: String,
    /// Nothing where it was given back.
    pub holder: Option<String>,
    pub epoch: u64,
    /// This taking of the lease: no other has the same.
    pub taking: String,
    /// How often the holder has put the object.
    pub put: u64,
    pub term_milliseconds: u64,
    /// A number that the account's log has reached, so that nobody needs to list it from its beginning.
    pub log: u64,
}

impl Body {
    pub fn parse(object: &Object) -> Result<Self, Fault> {
        let read = serde_json::from_slice(&object.body);
        let body: Self =
            read.map_err(|error| Fault::lasting(format!("a lease is damaged: {error}")))?;
        if body.format > FORMAT {
            return Err(log::unknown(body.format));
        }
        Ok(body)
    }

    pub fn term(&self) -> Duration {
        Duration::from_millis(self.term_milliseconds)
    }

    fn bytes(&self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec(self).map_err(Fault::lasting)
    }
}

/// A version of a lease that somebody else holds, as a waiter sees it.
pub struct Seen {
    version: Version,
    /// The holder's term, counted from when this version was seen first.
    term: Term,
    pub length: Duration,
}

/// What trying to take a lease came to.
pub enum Attempt {
    Held(BucketLease),
    Busy(String),
}

/// Whether a lease is taken from somebody who still has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Waiting,
    /// As a person does who knows that the holder is gone.
    Forcing,
}

/// Tries once to take the lease on an account.
pub async fn take(
    accounts: &Arc<Accounts>,
    key: &AccountKey,
    claim: &Claim,
    manner: Manner,
) -> Result<Attempt, Fault> {
    let state = accounts.state(key);
    let Accounts {
        objects, layout, ..
    } = &**accounts;
    let path = layout.lease(&state.folder);
    let asking = Moment::now();
    let found = objects.get(&path).await?;
    let (epoch, hint) = match &found {
        None => (0, 0),
        Some(object) => {
            let body = Body::parse(object)?;
            if let Some(holder) = &body.holder
                && manner == Manner::Waiting
                && !state.is_stray(&body)
                && !state.has_expired(object, &body, asking)
            {
                return Ok(Attempt::Busy(holder.clone()));
            }
            (body.epoch, body.log)
        }
    };
    // The log tells it too, should the lease have been deleted.
    let (next, highest) = log::end(objects, &layout.log(&state.folder), hint).await?;
    let body = Body {
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
    let mut stray = Stray {
        state: &state,
        taking: Some(body.taking.clone()),
    };
    let asked = Moment::now();
    let bytes = body.bytes()?;
    let put = match &found {
        None => objects.create(&path, &bytes).await?,
        Some(object) => objects.replace(&path, &bytes, &object.version).await?,
    };
    stray.taking = None;
    let version = match put {
        Settled::Done(version) => version,
        Settled::Found(object) => return Ok(Attempt::Busy(holder_in(&object))),
    };
    drop(stray);
    let term = Arc::new(Term::new(asked, claim.term));
    let hold = Hold {
        accounts: Arc::clone(accounts),
        state,
        path,
        body,
        version,
        term,
    };
    hold.enter(key, claim).await
}

/// A taking under way. If it ends without an answer it may have become a lease all the same, which nobody holds then.
struct Stray<'a> {
    state: &'a State,
    taking: Option<String>,
}

impl Drop for Stray<'_> {
    fn drop(&mut self) {
        self.state.strays().extend(self.taking.take());
    }
}

fn holder_in(object: &Object) -> String {
    let holder = Body::parse(object).ok().and_then(|body| body.holder);
    holder.unwrap_or_else(|| "another run".into())
}

impl State {
    /// Reports whether a lease was put by a taking of ours that ended without it, because the answer was lost.
    fn is_stray(&self, body: &Body) -> bool {
        self.strays().contains(&body.taking)
    }

    /// Reports whether the holder of a lease has let its term go by, as seen from here, in a look that began at `asking`.
    fn has_expired(&self, object: &Object, body: &Body, asking: Moment) -> bool {
        let mut seen = self.seen();
        match &*seen {
            Some(seen) if seen.version == object.version => seen.term.left(asking).is_none(),
            _ => {
                *seen = Some(Seen {
                    version: object.version.clone(),
                    term: Term::new(Moment::now(), body.term()),
                    length: body.term(),
                });
                false
            }
        }
    }
}

/// A lease that is ours, as far as its object goes: what renews it and gives it back.
struct Hold {
    accounts: Arc<Accounts>,
    state: Arc<State>,
    path: String,
    body: Body,
    version: Version,
    term: Arc<Term>,
}

impl Hold {
    /// Opens the log behind whoever had the lease before, and sees to the renewals. From here on the lease is given
    /// back whatever happens.
    async fn enter(self, key: &AccountKey, claim: &Claim) -> Result<Attempt, Fault> {
        let (objects, state) = (self.accounts.objects.clone(), Arc::clone(&self.state));
        let (epoch, next, term) = (self.body.epoch, self.body.log, Arc::clone(&self.term));
        let log = self.accounts.layout.log(&state.folder);
        let (stop, stopped) = oneshot::channel();
        let lease = BucketLease {
            key: key.clone(),
            epoch,
            term: Arc::clone(&term),
            stop: Some(stop),
            accounts: Arc::clone(&self.accounts),
        };
        tokio::spawn(self.run(claim.term / 3, stopped));
        // Appends of an earlier lease of ours are over, or go nowhere from now on.
        let mut held = state.held.lock().await;
        match Writer::open(&objects, log, next, epoch, &claim.holder).await {
            Ok(writer) => {
                *held = Some(Held { writer, term });
                Ok(Attempt::Held(lease))
            }
            Err(Refusal::Deposed(by)) => Ok(Attempt::Busy(by)),
            Err(Refusal::Fault(fault)) => Err(fault),
        }
    }

    /// Renews the lease until it is dropped or lost.
    async fn run(mut self, pause: Duration, mut stopped: oneshot::Receiver<()>) {
        let mut next = pause;
        loop {
            // Neither loses anything when the other comes first: a pause is only time, and a stop stays one.
            tokio::select! {
                _ = &mut stopped => break,
                () = tokio::time::sleep(next) => {}
            }
            match self.renew().await {
                Ok(()) => next = pause,
                // The next try comes sooner: most of the term is still left.
                Err(fault) if fault.is_passing => {
                    tracing::warn!("cannot renew the lease {}: {}", self.path, fault.source);
                    next = pause / 4;
                }
                Err(fault) => self.term.lose(LeaseLost::NotRenewable {
                    reason: fault.source.to_string(),
                }),
            }
            if self.term.left(Moment::now()).is_none() {
                self.term.lose(LeaseLost::Expired);
                let _ = stopped.await;
                break;
            }
        }
        self.give_back().await;
        self.state.freed.notify_one();
        self.accounts.given_back();
    }

    async fn renew(&mut self) -> Result<(), Fault> {
        let asked = Moment::now();
        let holder = self.body.holder.clone();
        if let Some(by) = self.put(holder).await? {
            self.term.lose(LeaseLost::Taken { holder: by });
        } else if self.term.left(Moment::now()).is_some() {
            self.term.renew(asked, self.body.term());
        }
        Ok(())
    }

    /// Puts our object anew. Whoever else has put one instead comes back.
    async fn put(&mut self, holder: Option<String>) -> Result<Option<String>, Fault> {
        let objects = self.accounts.objects.once();
        self.body.holder = holder;
        loop {
            self.body.put += 1;
            let put = objects
                .replace(&self.path, &self.body.bytes()?, &self.version)
                .await?;
            match put {
                Settled::Done(version) => self.version = version,
                Settled::Found(object) => {
                    let ours =
                        Body::parse(&object).is_ok_and(|body| body.taking == self.body.taking);
                    if !ours {
                        return Ok(Some(holder_in(&object)));
                    }
                    // An earlier renewal of ours whose answer was lost.
                    self.version = object.version;
                    continue;
                }
            }
            return Ok(None);
        }
    }

    /// Gives the lease back, so that the next one need not wait until it expires. One that is lost is not ours to give.
    async fn give_back(&mut self) {
        let mut held = self.state.held.lock().await;
        if let Some(ours) = held.take_if(|held| held.writer.epoch() == Some(self.body.epoch)) {
            self.body.log = ours.writer.next();
        }
        drop(held);
        for _ in 0..GIVING_BACK {
            match self.put(None).await {
                Err(fault) if fault.is_passing => tokio::time::sleep(RETRY).await,
                _ => return,
            }
        }
    }
}

/// Tries to give a lease back, about as long as the end of a program waits for it; after that it expires.
const GIVING_BACK: u32 = 20;
const RETRY: Duration = Duration::from_millis(500);

/// The right to write to an account.
pub struct BucketLease {
    key: AccountKey,
    epoch: u64,
    term: Arc<Term>,
    stop: Option<oneshot::Sender<()>>,
    accounts: Arc<Accounts>,
}

impl Lease for BucketLease {
    fn account(&self) -> &AccountKey {
        &self.key
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn covers(&self, call: Duration) -> Result<(), LeaseLost> {
        self.term.covers(Moment::now(), call)
    }
}

impl Drop for BucketLease {
    fn drop(&mut self) {
        self.term.lose(LeaseLost::GivenBack);
        self.accounts.giving_back();
        let stop = self.stop.take();
        if stop.is_none_or(|stop| stop.send(()).is_err()) {
            // Its runtime is over: it expires.
            self.accounts.given_back();
        }
    }
}
