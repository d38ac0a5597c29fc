//! One level-triggered pass: load → audit → observe → plan → guard → apply → verify.
//!
//! Every command and the daemon drive these same functions. Data only comes in: the time, the secrets
//! and the simulators' addresses are arguments.

mod carry_out;
mod check;
pub mod drift;
pub mod import;
mod restore;
mod saved;
mod undo;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::apply::{Account, Event, Listener, Secrets, observe};
use crate::model::{Address, Connection, Desired, Diagnostics, Limits, Live, Mode, Observed};
use crate::plan::document::PlanDocument;
use crate::plan::{self, Planned};
use crate::provider;
pub use carry_out::{ApplyOptions, apply};
pub use check::{CheckOptions, Checked, check, digest_of};
pub use drift::{Bases, drift};
pub use restore::{Applied, restore};
pub use saved::saved;
pub use undo::{Undone, undo};

/// What a pass needs beside the manifests.
pub struct Settings {
    pub secrets: Secrets,
    /// Calls of the whole run at once.
    pub parallelism: usize,
    pub deadline: Instant,
    /// The time, as an argument.
    pub clock: fn() -> Timestamp,
    /// Set when no new step may start.
    pub stop: Arc<AtomicBool>,
    /// Whether the connections lead to the built-in simulators.
    pub sandbox: bool,
    /// Who is told what happens.
    pub events: Listener,
}

/// Open accounts by connection. A pass that is given some goes on with their sessions and limits.
pub type Accounts = BTreeMap<String, Arc<Account>>;

/// A finished plan with what is needed to carry it out.
pub struct Pass {
    pub planned: Vec<Planned>,
    pub document: PlanDocument,
    pub accounts: Accounts,
    /// What was read; empty for a saved plan, whose objects are read one by one.
    pub(crate) live: BTreeMap<Address, Live>,
    pub(crate) observed_at: Timestamp,
}

impl Pass {
    /// Leaves only the objects that `keep` says, with a plan of their own.
    pub fn only(&mut self, keep: impl Fn(&Planned) -> bool, now: Timestamp) {
        self.planned.retain(|planned| keep(planned));
        let source = self.document.source.clone();
        let limits = limits(&self.accounts);
        let findings = Diagnostics::default();
        self.document = PlanDocument::new(&self.planned, source, &limits, &findings, now);
    }

    /// Whether the live object is known.
    pub fn was_read(&self, object: &Desired) -> bool {
        self.live.contains_key(&object.address)
    }

    /// The connections that writes would go to, in the order of their names.
    pub fn written(&self) -> Vec<&Connection> {
        let written = |name: &str| {
            self.document
                .objects
                .iter()
                .any(|entry| entry.connection == name && !entry.calls.is_empty())
        };
        self.accounts
            .iter()
            .filter(|(name, _)| written(name))
            .map(|(_, account)| &account.connection)
            .collect()
    }
}

/// Reads the live objects of every connection in use, side by side, and plans.
pub async fn plan(checked: &Checked, settings: &Settings) -> Pass {
    plan_with(checked, settings, &Accounts::new()).await
}

/// Plans over accounts that earlier passes have opened.
pub async fn plan_with(checked: &Checked, settings: &Settings, kept: &Accounts) -> Pass {
    let observed_at = (settings.clock)();
    let (accounts, mut observed) = accounts(checked, settings, kept);
    observed.extend(read(checked, &accounts, settings).await);
    let now = (settings.clock)();
    let unread = Observed::Unread("it was not read".into());
    let planned: Vec<Planned> = checked
        .desired
        .iter()
        .filter_map(|object| {
            let provider = provider::of(object.vendor)?;
            let seen = observed.get(&object.address).unwrap_or(&unread);
            Some(plan::plan(provider, object, seen, now))
        })
        .collect();
    let live = observed
        .into_iter()
        .filter_map(|(address, seen)| match seen {
            Observed::Live(live) => Some((address, live)),
            Observed::Missing | Observed::Unread(_) => None,
        })
        .collect();
    let document = document(checked, &planned, &accounts, now);
    Pass {
        planned,
        document,
        accounts,
        live,
        observed_at,
    }
}

/// The plan as the contract shows it.
fn document(
    checked: &Checked,
    planned: &[Planned],
    accounts: &Accounts,
    now: Timestamp,
) -> PlanDocument {
    PlanDocument::new(
        planned,
        checked.source.clone(),
        &limits(accounts),
        &checked.findings,
        now,
    )
}

fn limits(accounts: &Accounts) -> BTreeMap<String, Limits> {
    accounts
        .iter()
        .map(|(name, account)| {
            (
                name.clone(),
                account.provider.limits_for(&account.connection),
            )
        })
        .collect()
}

/// Opens an account for every connection in use. Objects whose account cannot be opened are unread.
fn accounts(
    checked: &Checked,
    settings: &Settings,
    kept: &Accounts,
) -> (Accounts, BTreeMap<Address, Observed>) {
    let (mut accounts, mut unread) = (BTreeMap::new(), BTreeMap::new());
    for (name, objects) in wanted(checked, settings) {
        if let Some(account) = kept.get(name) {
            account.until(settings.deadline);
            accounts.insert(name.to_string(), Arc::clone(account));
            continue;
        }
        match account(checked, name, settings) {
            Ok(account) => {
                accounts.insert(name.to_string(), Arc::new(account));
            }
            Err(why) => {
                let failed =
                    |object: &&Desired| (object.address.clone(), Observed::Unread(why.clone()));
                unread.extend(objects.iter().map(failed));
            }
        }
    }
    (accounts, unread)
}

/// The objects that are read, by connection.
fn wanted<'a>(checked: &'a Checked, settings: &Settings) -> BTreeMap<&'a str, Vec<&'a Desired>> {
    let now = (settings.clock)();
    let mut wanted: BTreeMap<&str, Vec<&Desired>> = BTreeMap::new();
    for object in checked
        .desired
        .iter()
        .filter(|object| object.policy.mode_at(now) != Mode::Suspend)
    {
        wanted.entry(&object.connection).or_default().push(object);
    }
    wanted
}

/// Reads every account side by side: one that is slow or down delays no other.
async fn read(
    checked: &Checked,
    accounts: &Accounts,
    settings: &Settings,
) -> BTreeMap<Address, Observed> {
    let wanted = wanted(checked, settings);
    let mut reads: FuturesUnordered<_> = accounts
        .iter()
        .filter_map(|(name, account)| Some((account, wanted.get(name.as_str())?)))
        .map(|(account, objects)| async move {
            let (connection, count) = (&account.connection.name, objects.len());
            settings.events.tell(|| {
                Some(Event::Observing {
                    connection: connection.clone(),
                    objects: count,
                })
            });
            let found = observe(account, objects).await;
            settings.events.tell(|| {
                Some(Event::Observed {
                    connection: connection.clone(),
                    objects: count,
                })
            });
            (objects, found)
        })
        .collect();
    let mut observed = BTreeMap::new();
    while let Some((objects, found)) = reads.next().await {
        let addresses = objects.iter().map(|object| object.address.clone());
        observed.extend(addresses.zip(found));
    }
    observed
}

fn account(checked: &Checked, name: &str, settings: &Settings) -> Result<Account, String> {
    let connection = checked
        .connections
        .get(name)
        .ok_or_else(|| format!("there is no connection `{name}`"))?;
    let provider = provider::of(connection.vendor)
        .ok_or_else(|| format!("there is no provider for {}", connection.vendor))?;
    Account::new(
        connection.clone(),
        provider,
        settings.secrets.clone(),
        settings.deadline,
    )
    .map(|account| account.telling(settings.events.clone()))
}
