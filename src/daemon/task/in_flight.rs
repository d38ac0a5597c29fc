//! What the loop has begun and not ended, and the accounts that passes leave open for the next ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::{ReloadedObjects, SourceReading};
use crate::apply::Account;
use crate::daemon::pass::FinishedPass;
use crate::model::Address;

/// Work that has begun and not ended: passes, readings, and the accounts they use.
#[derive(Default)]
pub(super) struct InFlight {
    pub(super) passes: JoinSet<FinishedPass>,
    /// Connection and objects of each pass, needed if it panics.
    pub(super) targets: BTreeMap<Id, (String, Vec<Address>)>,
    /// Open accounts by connection, kept from pass to pass so that a pass need not log in again.
    pub(super) accounts: BTreeMap<String, Arc<Account>>,
    /// Connections whose running pass uses an account from before a reload, or from before the connection changed.
    pub(super) outdated: BTreeSet<String>,
    /// By connection, the moment since when its vendor refuses the credentials.
    pub(super) refused_since: BTreeMap<String, Instant>,
    /// The reading of the source under way.
    pub(super) reading: Option<BoxFuture<'static, SourceReading>>,
    /// The loading of objects of claimed accounts under way.
    pub(super) reloading: Option<BoxFuture<'static, ReloadedObjects>>,
    /// When objects that could not be loaded are tried again.
    pub(super) reload_at: Option<Instant>,
    /// When the source is read next.
    pub(super) read_at: Option<Instant>,
    /// Readings of the source that failed in a row.
    pub(super) failures: u32,
    pub(super) reload: ReloadState,
    /// The status line that the service manager was last sent.
    pub(super) service_status: String,
}

/// How far a reload has come. It ends with the end of a reading that began after the command.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ReloadState {
    #[default]
    None,
    Asked,
    Reading,
}

impl InFlight {
    /// Makes the next pass of a connection open its account anew. A pass that is running keeps the account it has.
    pub(super) fn forget_account(&mut self, connection: &str) {
        self.accounts.remove(connection);
        if self
            .targets
            .values()
            .any(|(at_work, _)| at_work == connection)
        {
            self.outdated.insert(connection.to_string());
        }
    }

    /// Keeps the account of a finished pass for the next one, unless it was to be forgotten meanwhile.
    pub(super) fn keep_account(&mut self, done: &FinishedPass, now: Instant) {
        let connection = &done.batch.connection;
        if self.outdated.remove(connection) {
            return;
        }
        if done.refused {
            self.refused_since.entry(connection.clone()).or_insert(now);
        } else {
            self.refused_since.remove(connection);
        }
        match &done.account {
            Some(account) => self
                .accounts
                .insert(connection.clone(), Arc::clone(account)),
            None => self.accounts.remove(connection),
        };
    }
}
