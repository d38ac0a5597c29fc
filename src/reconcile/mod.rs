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
use crate::manifest;
use crate::model::{Address, Connection, Desired, Diagnostics, Live, Mode, Observed};
use crate::plan::document::PlanDocument;
use crate::plan::estimate::Pace;
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
    /// Whether every object was read for it; a saved plan only says what was so.
    pub fresh: bool,
}

impl Pass {
    /// Leaves only the objects that `keep` says, with a plan of their own.
    pub fn only(&mut self, keep: impl Fn(&Planned) -> bool, parallelism: usize, now: Timestamp) {
        self.planned.retain(|planned| keep(planned));
        let source = self.document.source.clone();
        let paces = paces(&self.accounts, parallelism);
        let findings = Diagnostics::default();
        self.document = PlanDocument::new(&self.planned, source, &paces, &findings, now);
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
    let (accounts, seen) = look(checked, settings, kept).await;
    let now = (settings.clock)();
    let planned = manifest::side_by_side(&seen, |(object, seen)| {
        let provider = provider::of(object.vendor)?;
        Some(plan::plan(provider, object, seen, now))
    });
    let planned: Vec<Planned> = planned.into_iter().flatten().collect();
    let live = written(seen, &planned);
    let document = document(checked, &planned, &accounts, settings.parallelism, now);
    Pass {
        planned,
        document,
        accounts,
        live,
        observed_at,
        fresh: true,
    }
}

/// The live values of the objects that a write would start from; the others are of no more use.
fn written(seen: Vec<(&Arc<Desired>, Observed)>, planned: &[Planned]) -> BTreeMap<Address, Live> {
    seen.into_iter()
        .zip(planned)
        .filter(|(_, planned)| planned.step.is_some())
        .filter_map(|((object, seen), _)| match seen {
            Observed::Live(live) => Some((object.address.clone(), live)),
            Observed::Missing | Observed::Unread(_) => None,
        })
        .collect()
}

/// The plan as the contract shows it.
fn document(
    checked: &Checked,
    planned: &[Planned],
    accounts: &Accounts,
    parallelism: usize,
    now: Timestamp,
) -> PlanDocument {
    PlanDocument::new(
        planned,
        checked.source.clone(),
        &paces(accounts, parallelism),
        &checked.findings,
        now,
    )
}

fn paces(accounts: &Accounts, parallelism: usize) -> BTreeMap<String, Pace> {
    accounts
        .iter()
        .map(|(name, account)| (name.clone(), account.pace(parallelism)))
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
                let failed = |(_, object): &(usize, &Desired)| {
                    (object.address.clone(), Observed::Unread(why.clone()))
                };
                unread.extend(objects.iter().map(failed));
            }
        }
    }
    (accounts, unread)
}

/// Opens the accounts in use and reads every object, in the order of the objects.
async fn look<'a>(
    checked: &'a Checked,
    settings: &Settings,
    kept: &Accounts,
) -> (Accounts, Vec<(&'a Arc<Desired>, Observed)>) {
    let (accounts, mut unread) = accounts(checked, settings, kept);
    let mut seen: Vec<Option<Observed>> = vec![None; checked.desired.len()];
    for (place, found) in read(checked, &accounts, settings).await {
        seen[place] = Some(found);
    }
    let why = || Observed::Unread("it was not read".into());
    let seen = checked.desired.iter().zip(seen).map(|(object, seen)| {
        let seen = seen.or_else(|| unread.remove(&object.address));
        (object, seen.unwrap_or_else(why))
    });
    let seen = seen.collect();
    (accounts, seen)
}

/// The objects that are read, by connection, with their places among all.
fn wanted<'a>(
    checked: &'a Checked,
    settings: &Settings,
) -> BTreeMap<&'a str, Vec<(usize, &'a Desired)>> {
    let now = (settings.clock)();
    let mut wanted: BTreeMap<&str, Vec<(usize, &Desired)>> = BTreeMap::new();
    for (place, object) in checked.desired.iter().enumerate() {
        if object.policy.mode_at(now) != Mode::Suspend {
            let own = wanted.entry(&object.connection).or_default();
            own.push((place, object));
        }
    }
    wanted
}

/// Reads every account side by side: one that is slow or down delays no other.
async fn read(
    checked: &Checked,
    accounts: &Accounts,
    settings: &Settings,
) -> Vec<(usize, Observed)> {
    let mut reads: FuturesUnordered<_> = wanted(checked, settings)
        .into_iter()
        .filter_map(|(name, wanted)| Some((accounts.get(name)?, wanted)))
        .map(|(account, wanted)| async move {
            let (places, objects): (Vec<usize>, Vec<&Desired>) = wanted.into_iter().unzip();
            let (connection, count) = (&account.connection.name, objects.len());
            settings.events.tell(|| {
                Some(Event::Observing {
                    connection: connection.clone(),
                    objects: count,
                })
            });
            let found = observe(account, &objects).await;
            settings.events.tell(|| {
                Some(Event::Observed {
                    connection: connection.clone(),
                    objects: count,
                })
            });
            (places, found)
        })
        .collect();
    let mut observed = Vec::new();
    while let Some((places, found)) = reads.next().await {
        observed.extend(places.into_iter().zip(found));
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

#[cfg(test)]
mod pace_tests;
