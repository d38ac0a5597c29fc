//! One account: its session, and calls that are tried until they are answered.
//!
//! Reading and writing are two types. An [`Account`] reads: code that holds one can log in and send the calls that
//! [`Read`] proves to be reads, and has no method for anything else. A `Writer` is made from an account inside `apply`
//! only, by the one function that carries out a step. So the compiler knows that `plan`, `drift` and every other caller
//! that never calls `execute` cannot write.

use std::collections::BTreeMap;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::budgets::Budgets;
use super::event::{Event, Listener};
use super::http::{Answered, Body, Http, Outgoing, join};
use super::limiter::{RateLeft, Urgency};
use super::retry_after::describe_long_wait;
use super::secrets::Secrets;
use super::session::{Opener, Sessions, is_retryable};
use super::store::Lease;
use super::tls::{Tls, TlsError};
use super::transport_error::{CallError, Tries};
use crate::model::{Call, Connection, Method, Read, Reply, WriteChecks};
use crate::plan::estimate::Pace;
use crate::provider::Provider;
use crate::provider::auth::{self, Session};

/// Tries of one call, the first included.
const TRIES: usize = 6;

/// One connection in use, for reading.
pub struct Account {
    pub connection: Connection,
    pub provider: &'static dyn Provider,
    http: Http,
    secrets: Secrets,
    sessions: Sessions,
    events: Listener,
}

impl Account {
    pub fn new(
        connection: Connection,
        provider: &'static dyn Provider,
        secrets: Secrets,
        tls: &Tls,
        deadline: Instant,
        budgets: &Budgets,
    ) -> Result<Self, TlsError> {
        let limits = provider.limits_for(&connection);
        let (limits, shared) = budgets.of(&connection.account_key(), limits);
        let http = Http::new(&connection, &limits, tls, deadline)?.sharing(shared);
        Ok(Self::over(http, connection, provider, secrets))
    }

    pub(crate) fn over(
        http: Http,
        connection: Connection,
        provider: &'static dyn Provider,
        secrets: Secrets,
    ) -> Self {
        Self {
            connection,
            provider,
            http,
            secrets,
            sessions: Sessions::new(),
            events: Listener::default(),
        }
    }

    /// Gives an account that outlives a run the deadline of the next one.
    pub fn set_deadline(&self, deadline: Instant) {
        self.http.set_deadline(deadline);
    }

    /// Returns the moment after which nothing more is sent.
    pub fn deadline(&self) -> Instant {
        self.http.deadline()
    }

    /// Reports whether a session of this account has to be logged out: one that a login opened, not one that the user
    /// gave.
    pub fn logs_out(&self) -> bool {
        self.logout_path().is_some()
    }

    /// Reports whether a session of this account begins with a login: it was not given by the user.
    pub fn logs_in(&self) -> bool {
        !auth::login_secrets(&self.connection.auth).is_empty()
    }

    fn logout_path(&self) -> Option<&'static str> {
        let opens = !auth::login_secrets(&self.connection.auth).is_empty();
        self.provider.auth().logout.filter(|_| opens)
    }

    /// Ends the open session, if there is one. A later call would open another.
    pub async fn log_out(&self) {
        let Some(path) = self.logout_path() else {
            return;
        };
        let Some(session) = self.sessions.take_open().await else {
            return;
        };
        let rules = self.provider.auth();
        let outgoing = Outgoing {
            method: Method::Post,
            url: join(&self.connection.base_url, path),
            credential: Some((rules.header, format!("{}{}", rules.prefix, session.token))),
            body: Body::None,
            urgency: Urgency::Write,
            lease: None,
        };
        let connection = &self.connection.name;
        match self.http.exchange("logout", &outgoing).await {
            Ok(answered) => {
                let status = answered.reply.status;
                tracing::debug!(connection, status, "logged out");
            }
            Err(error) => tracing::debug!(connection, why = error.text(), "not logged out"),
        }
    }

    /// Reports whether the vendor refused the credentials: another try would count against the account.
    pub async fn are_credentials_refused(&self) -> bool {
        self.sessions.are_credentials_refused().await
    }

    /// Returns how far the vendor's clock is ahead of ours, to the second; `None` if no reply had a date.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        self.http.clock_ahead()
    }

    /// Returns the number of exchanges by status since the last call; status 0 counts those without an answer.
    pub fn take_answered(&self) -> BTreeMap<u16, u64> {
        self.http.take_answered()
    }

    /// Returns how much of each of the vendor's rates this process has left.
    pub fn rates_left(&self) -> Vec<RateLeft> {
        self.http.rates_left()
    }

    /// Emits an event for every call that is sent again.
    pub fn with_events(mut self, events: Listener) -> Self {
        self.events = events;
        self
    }

    fn opener(&self) -> Opener<'_> {
        Opener {
            connection: &self.connection,
            provider: self.provider,
            secrets: &self.secrets,
            http: &self.http,
            sessions: &self.sessions,
            events: &self.events,
        }
    }

    /// Takes every secret of the account out of a text of the vendor or about it.
    pub fn redact(&self, words: &str) -> String {
        self.sessions.redact(words)
    }

    /// Returns the pace of the account for a run that makes `parallelism` calls at once, and the calls that its writes
    /// need beside themselves.
    pub fn pace(&self, parallelism: usize, checks: WriteChecks) -> Pace {
        let mut limits = self.provider.limits_for(&self.connection);
        limits.concurrency = limits.concurrency.min(parallelism);
        Pace::new(limits, checks)
    }

    /// Returns how many calls of this account may be out at once, at least 1.
    pub fn concurrency(&self) -> usize {
        self.provider
            .limits_for(&self.connection)
            .concurrency
            .max(1)
    }

    /// Reads for a plan. The call is sent again after every failure that may pass.
    pub async fn read(&self, read: Read<'_>) -> Result<Reply, CallError> {
        self.send(read.call(), Urgency::Read, None).await
    }

    /// Reads for a step that is under way: such reads go before the reads for a plan.
    pub async fn check(&self, read: Read<'_>) -> Result<Reply, CallError> {
        self.send(read.call(), Urgency::Check, None).await
    }

    /// Sends a call until it is answered or no further try is possible. Reads are sent again after any failure that may
    /// pass, writes only if the vendor cannot have carried them out. Private, so that a write needs a `Writer`.
    async fn send(
        &self,
        call: &Call,
        urgency: Urgency,
        lease: Option<&dyn Lease>,
    ) -> Result<Reply, CallError> {
        let mut waits = retry_waits();
        let started = Instant::now();
        let mut renewed = false;
        let mut count = 0;
        let mut earlier = None;
        loop {
            count += 1;
            let opener = self.opener();
            let (session, number) = self.sessions.get_or_open(&opener).await?;
            let tried = self.send_once(call, (urgency, lease), &session).await;
            if let Ok(Answered { reply, .. }) = &tried {
                if !opener.is_session_lost(reply) {
                    self.sessions.mark_answered(call.method);
                } else if !renewed && self.sessions.invalidate(number, call.method).await {
                    renewed = true;
                    continue;
                }
            }
            let (repeats, asked) = (may_repeat(call, &tried), asked_wait(&tried));
            let wait = waits.next().map(|wait| asked.unwrap_or(wait));
            let wait = wait.filter(|wait| Instant::now() + *wait < self.http.deadline());
            let Some(wait) = wait.filter(|_| repeats) else {
                let spent = started.elapsed();
                let tries = (count > 1).then_some(Tries { count, spent });
                let left = self.http.deadline();
                let left = left.saturating_duration_since(Instant::now());
                return match tried {
                    Ok(Answered { reply, .. }) => {
                        Ok(with_remarks(reply, tries, asked.filter(|_| repeats), left))
                    }
                    Err(error) => Err(error.with_earlier(earlier).with_tries(tries)),
                };
            };
            let why = describe_try(call, &tried);
            earlier = Some(why.clone());
            self.announce_retry(call, count, wait, why);
            if asked.is_some() {
                self.http.pause(wait).await;
            } else {
                sleep(wait).await;
            }
        }
    }

    /// Emits an event: a call is sent again after `wait`, for the reason `why`.
    fn announce_retry(&self, call: &Call, tries: usize, wait: Duration, why: String) {
        tracing::debug!(call = call.name(), ?wait, "trying again");
        self.events.tell(|| {
            let name = &self.connection.name;
            let made = (call.method, call.path.as_str());
            let wait = wait.as_secs_f64();
            Some(Event::retried(name, made, (tries, TRIES), wait, why))
        });
    }

    /// Sends a call once.
    async fn send_once(
        &self,
        call: &Call,
        (urgency, lease): (Urgency, Option<&dyn Lease>),
        session: &Session,
    ) -> Result<Answered, CallError> {
        let rules = self.provider.auth();
        let base = session.base.as_ref().unwrap_or(&self.connection.base_url);
        let outgoing = Outgoing {
            method: call.method,
            url: join(base, &call.path),
            credential: Some((rules.header, format!("{}{}", rules.prefix, session.token))),
            body: call.body.as_ref().map_or(Body::None, Body::Json),
            urgency,
            lease,
        };
        let mut answered = self.http.exchange(&call.shown(), &outgoing).await?;
        // The body of a success is not redacted: it is compared, and may become part of a write.
        let reply = &mut answered.reply;
        if !reply.is_success() {
            reply.body = self.redact(&reply.body);
            reply.remark = reply.remark.as_deref().map(|remark| self.redact(remark));
        }
        Ok(answered)
    }
}

/// Adds remarks to a reply that is no success: how often the call was tried, and whether the vendor asks for a longer
/// wait than is `left` of the run.
fn with_remarks(
    reply: Reply,
    tries: Option<Tries>,
    asked: Option<Duration>,
    left: Duration,
) -> Reply {
    if reply.is_success() {
        return reply;
    }
    let asked = asked.and_then(|asked| describe_long_wait(asked, left));
    let tries = tries.map(|tries| tries.to_string());
    let remarks = [reply.remark.clone(), asked, tries];
    let remarks: Vec<String> = remarks.into_iter().flatten().collect();
    let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
    Reply { remark, ..reply }
}

/// The right to write to an account.
pub(in crate::apply) struct Writer<'a> {
    account: &'a Account,
    lease: Option<&'a dyn Lease>,
}

impl<'a> Writer<'a> {
    /// Creates a writer that sends as long as `lease` covers its writes; `None` where no other run can write.
    pub fn new(account: &'a Account, lease: Option<&'a dyn Lease>) -> Self {
        Self { account, lease }
    }

    /// Sends a write. It is sent again only if the vendor cannot have carried it out.
    pub async fn send(&self, call: &Call) -> Result<Reply, CallError> {
        self.account.send(call, Urgency::Write, self.lease).await
    }
}

/// Returns the waits between the tries of a call, unless the vendor asks for others.
fn retry_waits() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(10))
        .with_max_times(TRIES - 1)
        .with_jitter()
        .build()
}

/// Reports whether a call may be sent again after this try.
fn may_repeat(call: &Call, tried: &Result<Answered, CallError>) -> bool {
    let is_read = call.method == Method::Get;
    match tried {
        Ok(Answered { reply, .. }) if is_cut_off(call, reply) => true,
        Ok(Answered { reply, .. }) if !is_retryable(reply.status) => {
            tracing::debug!(call = call.name(), status = reply.status, "answered");
            false
        }
        Ok(Answered { reply, .. }) => is_read || surely_not_applied(reply.status),
        Err(CallError { error, .. }) => {
            !error.is_lasting() && (is_read || !error.may_have_been_sent())
        }
    }
}

/// Reports whether a gateway cut a read off; the next try may pass. A write with such a reply was carried out.
fn is_cut_off(call: &Call, reply: &Reply) -> bool {
    call.method == Method::Get && reply.is_success() && reply.ends_early()
}

/// Returns how long the vendor asks to wait before the next try; `None` if it does not.
fn asked_wait(tried: &Result<Answered, CallError>) -> Option<Duration> {
    let busy = tried.as_ref().ok();
    busy.filter(|answered| is_retryable(answered.reply.status))?
        .after
}

/// Describes why a try is not the last one, for people.
fn describe_try(call: &Call, tried: &Result<Answered, CallError>) -> String {
    match tried {
        Ok(Answered { reply, .. }) if is_cut_off(call, reply) => {
            "the reply ends in the middle".into()
        }
        Ok(Answered { reply, .. }) => format!("answered {}", reply.status),
        Err(error) => error.error.short_reason(),
    }
}

/// Reports whether a status proves that a write was not carried out.
fn surely_not_applied(status: u16) -> bool {
    matches!(status, 425 | 429)
}
