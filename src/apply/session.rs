//! Manages the session of an account: opens it once for all calls, renews it when the vendor has ended it, and never
//! asks again once the vendor has refused it.
//!
//! In go the connection and its secrets, out comes a [`Session`] with a number, or a [`LoginFailure`] with every
//! secret cut out of its text. Calls are not sent here, only logins; the caller reports a lost session by its number.
//!
//! For example, calls A and B share session 1, and the vendor ends it. A gets a 401 and invalidates session 1; the
//! next call opens session 2. B gets its own 401 for session 1: session 2 is newer and stays, and B is sent again with
//! it. A 401 for session 2 before any call was answered opens no session 3: the vendor refuses something else than the
//! session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::event::{Event, Listener};
use super::http::{Answered, Body, Http, Outgoing, join};
use super::limiter::Urgency;
use super::login_error::LoginError;
use super::login_failure::LoginFailure;
use super::redact::Redactor;
use super::retry_after::describe_long_wait;
use super::secrets::{SecretError, Secrets, check_header};
use super::transport_error::Tries;
use crate::model::connection::Credential;
use crate::model::trusted_host::is_loopback;
use crate::model::{Auth, Connection, ConnectionFault, Method, Reply, SecretRef, with_causes};
use crate::provider::Provider;
use crate::provider::auth::{self, Session};

/// Tries of one login, the first included.
const LOGIN_TRIES: usize = 4;

/// Everything that opening a session needs.
pub struct Opener<'a> {
    pub connection: &'a Connection,
    pub provider: &'static dyn Provider,
    pub secrets: &'a Secrets,
    pub http: &'a Http,
    pub sessions: &'a Sessions,
    pub events: &'a Listener,
}

/// The session of one account, and every secret that was used for it.
pub struct Sessions {
    state: Mutex<SessionState>,
    /// Every secret that was resolved or obtained by a login so far.
    redactor: SyncMutex<Redactor>,
    /// Renewals after which no call has been answered yet. A second renewal would be useless: the vendor refuses
    /// something else than the session, and another login only counts against the account. Reads and writes are kept
    /// apart, since an account without the right to write looks like a lost session to every write.
    vain_renewals: VainRenewals,
}

/// Flags for renewals that no answered call has followed yet, one for reads and one for writes.
#[derive(Default)]
struct VainRenewals {
    reads: AtomicBool,
    writes: AtomicBool,
}

impl VainRenewals {
    fn of(&self, method: Method) -> &AtomicBool {
        match method {
            Method::Get => &self.reads,
            Method::Post | Method::Put | Method::Patch | Method::Delete => &self.writes,
        }
    }
}

/// The state of the session. The lock around it makes all calls wait for one login.
enum SessionState {
    Closed {
        /// Sessions opened so far; the next one gets the next number.
        opened: u64,
    },
    Open {
        session: Session,
        number: u64,
    },
    /// The vendor refused to open it; another try could only lock the account.
    Refused(LoginFailure),
}

impl Sessions {
    pub fn new() -> Self {
        Self {
            state: Mutex::new(SessionState::Closed { opened: 0 }),
            redactor: SyncMutex::default(),
            vain_renewals: VainRenewals::default(),
        }
    }

    /// Takes every secret of the account out of a text.
    pub fn redact(&self, words: &str) -> String {
        self.redactor().redact(words)
    }

    fn redactor(&self) -> std::sync::MutexGuard<'_, Redactor> {
        self.redactor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a call was answered, so that the session is good.
    pub fn mark_answered(&self, method: Method) {
        self.vain_renewals
            .of(method)
            .store(false, Ordering::Relaxed);
    }

    /// Returns the open session and its number, and opens one if there is none. All calls wait for the same login.
    pub async fn get_or_open(&self, opener: &Opener<'_>) -> Result<(Session, u64), LoginFailure> {
        let mut state = self.state.lock().await;
        let number = match &*state {
            SessionState::Open { session, number } => return Ok((session.clone(), *number)),
            SessionState::Refused(failure) => return Err(failure.clone()),
            SessionState::Closed { opened } => *opened,
        };
        // Commands that print secrets, and pipes that hold them, may take longer than the run has.
        let opened = timeout_at(opener.http.deadline(), opener.open()).await;
        let opened = opened.unwrap_or_else(|_| {
            let connection = opener.connection.name.to_string();
            Err(LoginError::Timeout { connection })
        });
        match opened {
            Ok(session) => {
                *state = SessionState::Open {
                    session: session.clone(),
                    number: number + 1,
                };
                Ok((session, number + 1))
            }
            Err(error) => {
                let failure = self.redact_error(&error);
                *state = SessionState::Refused(failure.clone());
                Err(failure)
            }
        }
    }

    /// Converts an error to one that may be shown: every secret is cut out, as any cause may repeat the login.
    fn redact_error(&self, error: &LoginError) -> LoginFailure {
        let text = self.redact(&with_causes(error));
        let fault = ConnectionFault::new(error.fault_kind(), text.as_str());
        let fault = fault.with_hint(error.hint().map(String::from));
        LoginFailure {
            text: text.into(),
            are_credentials_refused: matches!(error, LoginError::Refused { .. }),
            fault: Some(Box::new(fault)),
        }
    }

    /// Reports whether the vendor refused the credentials: another try would count against the account.
    pub async fn are_credentials_refused(&self) -> bool {
        matches!(&*self.state.lock().await, SessionState::Refused(failure) if failure.are_credentials_refused)
    }

    /// Takes the open session away, so that the caller can end it at the vendor.
    pub async fn take_open(&self) -> Option<Session> {
        let mut state = self.state.lock().await;
        let SessionState::Open { session, number } = &*state else {
            return None;
        };
        let (session, opened) = (session.clone(), *number);
        *state = SessionState::Closed { opened };
        Some(session)
    }

    /// Forgets the session with this number; a newer one stays. Returns whether another try of a call by `method` makes
    /// sense.
    pub async fn invalidate(&self, number: u64, method: Method) -> bool {
        let mut state = self.state.lock().await;
        match &*state {
            SessionState::Open { number: open, .. } if *open == number => {
                if self.vain_renewals.of(method).swap(true, Ordering::Relaxed) {
                    return false;
                }
                *state = SessionState::Closed { opened: number };
                true
            }
            SessionState::Open { .. } | SessionState::Closed { .. } => true,
            SessionState::Refused(_) => false,
        }
    }
}

impl Opener<'_> {
    /// Reports whether a reply says that the session has ended.
    pub fn is_session_lost(&self, reply: &Reply) -> bool {
        let renewable = !auth::login_secrets(&self.connection.auth).is_empty();
        renewable && self.provider.auth().lost == Some(reply.status)
    }

    /// Opens a session: takes a token as it is, or logs in. `Err` before anything is sent if the host is not trusted.
    ///
    /// A login may answer with another base URL. It is checked like the one of the manifest, since credentials go
    /// there from now on.
    async fn open(&self) -> Result<Session, LoginError> {
        let trust = &self.secrets.trust;
        trust.check_url(&self.connection.base_url)?;
        let names = self.secrets.unset_variables(&self.connection.auth);
        if !names.is_empty() {
            return Err(LoginError::Unset { names });
        }
        let session = match &self.connection.auth {
            Auth::Token(secret) | Auth::ApiKey(secret) | Auth::Session(secret) => {
                let token = self.resolve(secret).await?.expose_secret().to_string();
                Session { token, base: None }
            }
            Auth::Login(members) => {
                let Some(login) = self.provider.auth().login else {
                    return Err(LoginError::NoLogin(self.connection.vendor));
                };
                let members = self.resolve_all(members).await?;
                let plain: Vec<(&'static str, String)> = members
                    .iter()
                    .map(|(name, text)| (*name, text.expose_secret().into()))
                    .collect();
                let call = login(&plain);
                let url = join(&self.connection.base_url, call.path);
                let hint = format!("check `baseUrl`: it is everything before `{}`", call.path);
                let body = Body::Json(&call.body);
                let session = self.login(&url, body, &hint).await;
                session.map_err(|error| error.noting(&members))?
            }
            Auth::ClientCredentials { token_url, members } => {
                trust.check_url(token_url)?;
                let members = self.resolve_all(members).await?;
                let mut form = vec![("grant_type", "client_credentials".to_string())];
                for (name, text) in &members {
                    let name = match *name {
                        "clientId" => "client_id",
                        "clientSecret" => "client_secret",
                        other => other,
                    };
                    form.push((name, text.expose_secret().into()));
                }
                let (body, hint) = (Body::Form(&form), "check `tokenUrl`");
                let session = self.login(token_url, body, hint).await;
                session.map_err(|error| error.noting(&members))?
            }
        };
        self.sessions.redactor().add(&session.token);
        check_header(&session.token)?;
        if let Some(base) = &session.base {
            trust.check_url(base)?;
            let plain = base.scheme() != "https" && !is_loopback(base);
            if plain && !self.connection.allow_insecure_http {
                return Err(LoginError::InsecureBase(base.clone()));
            }
        }
        Ok(session)
    }

    /// Resolves the members of a login, in their order.
    async fn resolve_all(
        &self,
        members: &[(&'static str, Credential)],
    ) -> Result<Vec<(&'static str, SecretString)>, SecretError> {
        let mut found = Vec::new();
        for (name, credential) in members {
            let text = match credential {
                Credential::Plain(text) => SecretString::from(text.as_str()),
                Credential::Secret(secret) => self.resolve(secret).await?,
            };
            found.push((*name, text));
        }
        Ok(found)
    }

    /// Resolves a secret and remembers it, so that it is cut out of every later text of this account.
    async fn resolve(&self, secret: &SecretRef) -> Result<SecretString, SecretError> {
        let text = self.secrets.resolve(secret).await?;
        self.sessions.redactor().add(text.expose_secret());
        Ok(text)
    }

    /// Sends a login until it is answered. A refused one is not sent again, since the account could be locked for it.
    /// `hint` goes into the error if the server answers as no login does.
    async fn login(&self, url: &Url, body: Body<'_>, hint: &str) -> Result<Session, LoginError> {
        let login = format!(
            "login at {}{}",
            url.host_str().unwrap_or_default(),
            url.path()
        );
        let hint = hint.to_string();
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(LOGIN_TRIES - 1)
            .with_jitter()
            .build();
        let outgoing = Outgoing {
            method: Method::Post,
            url: url.clone(),
            credential: None,
            body,
            urgency: Urgency::Write,
            lease: None,
        };
        let started = Instant::now();
        let mut count = 0;
        loop {
            count += 1;
            let tries = || {
                let spent = started.elapsed();
                (count > 1).then_some(Tries { count, spent })
            };
            let (error, asked) = match self.http.exchange(&login, &outgoing).await {
                Ok(Answered { reply, .. }) if reply.is_success() => {
                    // The reply holds the session, so neither the reply nor a parser's excerpt of it is shown.
                    let Ok(json) = serde_json::from_str(&reply.body) else {
                        return Err(LoginError::NotJson { login, hint });
                    };
                    let session = (self.provider.auth().session)(&json);
                    return session.map_err(|source| LoginError::Malformed { login, source });
                }
                Ok(Answered { reply, after, .. }) if is_retryable(reply.status) => {
                    let left = self.http.deadline();
                    let left = left.saturating_duration_since(Instant::now());
                    let asked = after.and_then(|asked| describe_long_wait(asked, left));
                    let tries = tries().map(|tries| tries.to_string());
                    let remarks = asked.into_iter().chain(tries);
                    let remarks = remarks.map(|remark| format!("; {remark}")).collect();
                    let (login, status) = (login.clone(), reply.status);
                    let busy = LoginError::Busy {
                        login,
                        status,
                        remarks,
                    };
                    (busy, after)
                }
                Ok(Answered { reply, .. }) => {
                    return Err(self.explain_refusal(login, reply, hint));
                }
                Err(error) if error.error.is_lasting() => return Err(error.into()),
                Err(error) => (error.with_tries(tries()).into(), None),
            };
            match waits
                .next()
                .map(|wait| asked.unwrap_or(wait))
                .filter(|wait| Instant::now() + *wait < self.http.deadline())
            {
                Some(wait) => {
                    self.events.tell(|| {
                        let call = (Method::Post, url.path());
                        let tries = (count, LOGIN_TRIES);
                        let (name, why) = (&self.connection.name, with_causes(&error));
                        let why = self.sessions.redact(&why);
                        Some(Event::retried(name, call, tries, wait.as_secs_f64(), why))
                    });
                    sleep(wait).await;
                }
                None => return Err(error),
            }
        }
    }

    /// Converts a reply after which the login is not sent again to an error.
    fn explain_refusal(&self, login: String, mut reply: Reply, hint: String) -> LoginError {
        let status = reply.status;
        if !auth::is_login_refused(&reply) {
            let remarks = reply
                .remark
                .map_or(String::new(), |remark| format!("; {remark}"));
            return LoginError::Unexpected {
                login,
                status,
                hint,
                remarks,
            };
        }
        // The text may be cut in the middle of a secret that it repeats.
        reply.body = self.sessions.redact(&reply.body);
        LoginError::Refused {
            login,
            status,
            words: crate::provider::error_text::vendor_message(&reply),
            remarks: String::new(),
        }
    }
}

/// Reports whether another try may get another status: 408, 425, 429 and everything from 500 on.
pub fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}
