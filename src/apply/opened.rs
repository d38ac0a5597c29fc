//! Collects the accounts of a run, so that their sessions end with it where the vendor has a log-out call.
//!
//! Accounts come in as they are opened, log-out calls go out at the end of the run or after a reload. An account
//! without a log-out call is not kept. Nothing here fails: a session that stays open expires at the vendor.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::transport::Account;

/// The longest time for all log-outs of a run together. A session that is left open expires by itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Accounts with a log-out call. Clones share one list.
#[derive(Clone, Default)]
pub struct Opened(Arc<Shared>);

#[derive(Default)]
struct Shared {
    accounts: Mutex<Vec<Arc<Account>>>,
    added: Notify,
}

impl Opened {
    /// Adds an account whose session ends with the run.
    pub fn add(&self, account: &Arc<Account>) {
        if account.logs_out() {
            self.accounts().push(Arc::clone(account));
            self.0.added.notify_one();
        }
    }

    /// Waits until an account was added. Only one task may wait at a time.
    pub async fn added(&self) {
        self.0.added.notified().await;
    }

    /// Logs out of every account.
    pub async fn log_out(&self) {
        let accounts = std::mem::take(&mut *self.accounts());
        end(accounts).await;
    }

    /// Logs out of the accounts that only this list still holds, in the background.
    ///
    /// The daemon calls it after a reload: accounts of the old configuration are free once the runs that use them have
    /// ended. One that is still in use stays in the list until the next call.
    pub fn log_out_of_unused(&self) {
        let unused = |account: &mut Arc<Account>| Arc::strong_count(account) == 1;
        let unused: Vec<_> = self.accounts().extract_if(.., unused).collect();
        if !unused.is_empty() {
            tokio::spawn(end(unused));
        }
    }

    fn accounts(&self) -> MutexGuard<'_, Vec<Arc<Account>>> {
        let accounts = self.0.accounts.lock();
        accounts.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs out of accounts concurrently. A failure is logged and has no other consequence.
async fn end(accounts: Vec<Arc<Account>>) {
    let all = accounts.iter().map(|account| {
        // The run may have used up its own time.
        account.set_deadline(Instant::now() + PATIENCE);
        account.log_out()
    });
    let all = futures::future::join_all(all);
    if timeout(PATIENCE, all).await.is_err() {
        tracing::debug!("some sessions were not logged out within {PATIENCE:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::apply::http::{Answered, Http, Outgoing, Wire};
    use crate::apply::{Secrets, TransportError, Trust};
    use crate::model::connection::Credential;
    use crate::model::{Auth, Call, SecretRef, Vendor};
    use crate::provider::{self, testing::reply};
    use futures::future::BoxFuture;

    /// A vendor that answers everything but a log-out.
    struct Deaf;

    impl Wire for Deaf {
        fn carry<'a>(
            &'a self,
            sent: &'a Outgoing<'_>,
        ) -> BoxFuture<'a, Result<Answered, TransportError>> {
            Box::pin(async {
                if sent.url.path().ends_with("/logout") {
                    std::future::pending::<()>().await;
                }
                let login = r#"{"products": [{"baseApiUrl": "https://lac.example.com/saas"}],
                                "userInfo": {"sessionId": "secret"}}"#;
                let reply = reply(200, login);
                Ok(Answered {
                    reply,
                    after: None,
                    date: None,
                })
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_vendor_that_does_not_answer_is_not_waited_for() {
        let mut connection = provider::testing::connection();
        let known = |text| Credential::Secret(SecretRef::Known(text));
        connection.vendor = Vendor("informatica");
        connection.auth = Auth::Login(vec![("username", known("u")), ("password", known("p"))]);
        let deadline = Instant::now() + Duration::from_secs(60);
        let http = Http::over(Box::new(Deaf), &connection.limits, deadline);
        let secrets = Secrets {
            environment: Arc::new(|_| None),
            trust: Trust::default(),
        };
        let provider = provider::provider_of(connection.vendor).expect("a provider");
        let account = Arc::new(Account::over(http, connection, provider, secrets));
        let opened = Opened::default();
        opened.add(&account);
        let call = Call::get("/public/core/v3/license/org/x");
        let read = account.read(call.as_read().expect("a read")).await;
        assert!(read.is_ok());
        let start = Instant::now();
        opened.log_out().await;
        assert_eq!(start.elapsed(), PATIENCE);
    }
}
