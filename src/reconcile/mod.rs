//! Drives one level-triggered pass: load → audit → observe → plan → guard → apply → verify.
//!
//! Every command and the daemon call these functions. The input is paths and a [`Settings`]: the time, the secrets and
//! the simulators' addresses are arguments. The output is a [`Pass`], a document or a list of reports. This layer
//! joins the pure layers with IO: `provider` knows the meaning of a field, `plan` finds differences, `apply` sends
//! calls, and `render` shows results.

mod carry_out;
mod check;
mod composed;
mod connections;
mod contents;
mod counted_findings;
mod dated;
pub mod descent;
mod disk_cache;
pub mod drift;
mod environments;
pub mod import;
mod incremental;
mod leaves;
mod left;
mod live_fields;
mod load;
mod lookup;
mod named_twice;
mod open_draft;
mod open_writes;
mod outline;
mod piece_store;
mod planner;
mod probe;
mod problems;
mod references;
mod rejection;
mod reload;
pub mod rendered;
mod request_cost;
mod restore;
mod routing;
mod saved;
mod step_order;
mod undo;
pub mod written;

use crate::apply::TlsError;
use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::apply::memory::{self, ObjectKey, VendorAccount};
use crate::apply::{
    Account, Budgets, Event, Listener, Opened, ReadPurpose, Secrets, Tls, observe_each,
};
use crate::model::{
    Address, ConnectionFault, Desired, Diagnostics, FaultKind, Live, Observed, PolicyMode,
    ReadFailure, Vendor, WriteChecks,
};
use crate::plan::document::PlanDocument;
use crate::plan::estimate::Pace;
use crate::plan::problem::keep_common_faults;
use crate::plan::source_facts::Destination;
use crate::plan::{Disposition, Planned};
use crate::provider;
use crate::provider::references::Referents;
pub use carry_out::{ApplyOptions, apply_plan};
pub use check::{Checked, check_manifests, digest_of};
pub use connections::{CheckOptions, EnvironmentChoice, Simulators};
pub use disk_cache::DiskCache;
pub use drift::{Bases, CommitBases, find_drift};
pub use environments::{check_each_environment, merge_findings};
pub use incremental::IncrementalLoader;
pub use left::{LeftObjects, ManifestCoverage, left_entries};
pub use live_fields::{LiveFields, read_live_fields};
pub use load::LoadedManifests;
use lookup::Lookup;
pub use lookup::follow_references;
pub use open_writes::{Examined, examine_open_writes};
pub use outline::{KeptAccounts, ObjectOutline};
use planner::Planner;
pub use probe::{Probe, probe_connections};
use problems::connection_findings;
pub use problems::{UnsetVariables, find_unset_at, find_unset_variables};
pub use reload::reload_objects;
pub use restore::{Standing, plan_restore};
pub use saved::{Saved, join_saved_plan};
use step_order::PassReferents;
pub use undo::{PastWrite, PreparedUndo, Take, Undone, past_writes, prepare_undo};

/// Settings that a pass needs beside the manifests.
pub struct Settings {
    /// Resolves references to secrets when an account is opened.
    pub secrets: Secrets,
    /// Certificates that are trusted, for all accounts.
    pub tls: Tls,
    /// The most calls of the whole run at one time, over all accounts.
    pub parallelism: usize,
    /// Moment after which no call is sent.
    pub deadline: Instant,
    /// Returns the time; tests give a fixed one.
    pub clock: fn() -> Timestamp,
    /// Set when no new step may start.
    pub stop: Arc<AtomicBool>,
    /// Set if the connections lead to simulators, of this run or of a sandbox that goes on.
    pub sandbox: bool,
    /// Receives the events of the run.
    pub events: Listener,
    /// The safeguards around each write.
    pub checks: WriteChecks,
    /// The accounts that the run opened, to be logged out at its end.
    pub opened: Opened,
    /// The store that knows of other processes which call the same accounts, and so use up the same limits.
    pub budgets: Budgets,
}

/// Open accounts by the name of their connection. A pass that gets open accounts continues to use their sessions and
/// limits.
pub type Accounts = BTreeMap<String, Arc<Account>>;

/// Returns the account to which a connection of the manifests leads, as the journal names it.
///
/// The URL is the one in the manifests; with simulators it stands for the sandbox, so that the records of a
/// trial are never taken for those of the vendor. A connection that does not exist gives an account with an
/// empty URL.
pub fn account_of(checked: &Checked, connection: &str) -> VendorAccount {
    let base_url = checked.source.connections.get(connection);
    let base_url = base_url.map(Destination::as_str).unwrap_or_default();
    VendorAccount::new(base_url, checked.connections.get(connection))
}

/// Keys under which the journal knows objects.
pub type Keys = BTreeSet<ObjectKey>;

/// Returns the keys of all objects of the manifests, in all spellings that a journal may have.
pub fn journal_keys(checked: &Checked) -> Keys {
    let objects = checked.desired.iter();
    objects
        .flat_map(|object| memory::object_keys(object, &account_of(checked, &object.connection)))
        .collect()
}

/// A finished plan with what is needed to carry it out.
pub struct Pass {
    pub planned: Vec<Planned>,
    pub document: PlanDocument,
    pub accounts: Accounts,
    /// Live values by object; empty for a saved plan, whose objects are read one by one.
    pub(crate) live: BTreeMap<Address, Live>,
    /// Objects of a saved plan whose manifest has changed since, and how. Nothing is sent for them.
    pub(crate) moved: BTreeMap<Address, String>,
    /// Standing of each object once a restore has nothing left to do for it; empty for other plans.
    pub standings: BTreeMap<Address, Standing>,
    /// The objects to which those of the plan refer.
    pub(crate) referents: PassReferents,
    /// Time before the first read.
    pub(crate) observed_at: Timestamp,
    /// Set if every object was read for this plan; a saved plan has the values of its own time.
    pub fresh: bool,
}

impl Pass {
    /// Returns the account to which each connection leads, for the journal.
    pub fn places(&self) -> BTreeMap<String, VendorAccount> {
        let connections = self.document.source.connections.iter();
        let places = connections.map(|(name, base_url)| {
            let account = self.accounts.get(name);
            let account = VendorAccount::new(
                base_url.as_str(),
                account.map(|account| &account.connection),
            );
            (name.clone(), account)
        });
        places.collect()
    }

    /// Returns the findings of planning about the manifests, which only live objects reveal, and the problems of
    /// connections that only calls reveal.
    pub fn findings(&self) -> Diagnostics {
        let mut findings = Diagnostics::default();
        for finding in self.planned.iter().flat_map(|planned| &planned.findings) {
            findings.push(finding.clone());
        }
        let planned = self.planned.iter();
        findings.extend(connection_findings(
            planned.filter_map(|one| one.fault.as_deref()),
        ));
        findings
    }

    /// Keeps the objects that `keep` accepts and builds the document again, so that summary, estimate and digest cover
    /// only these objects.
    pub fn only(&mut self, keep: impl Fn(&Planned) -> bool, settings: &Settings) {
        self.planned.retain(|planned| keep(planned));
        let source = self.document.source.clone();
        let paces = account_paces(&self.accounts, settings);
        let findings = Diagnostics::default();
        let now = (settings.clock)();
        self.document = PlanDocument::new(&self.planned, source, &paces, &findings, now);
    }
}

/// Reads the live objects of every connection in use, side by side, and plans them.
pub async fn plan_pass(checked: &Checked, settings: &Settings) -> Pass {
    plan_with(checked, settings, &Accounts::new()).await
}

/// Plans over accounts that earlier passes have opened. Every object is planned as soon as it is read.
///
/// `kept` may be empty or lack some accounts; these are opened. The plans are in the order of `checked.desired`.
pub async fn plan_with(checked: &Checked, settings: &Settings, kept: &Accounts) -> Pass {
    let observed_at = (settings.clock)();
    let mut planner = Planner::new(checked.desired.len(), observed_at);
    let found = &mut |index: usize, object: &Arc<Desired>, seen| planner.add(index, object, seen);
    let (accounts, referents) = look_each(checked, settings, kept, ReadPurpose::Plan, found).await;
    let (mut planned, live) = planner.finish().await;
    let read = planned
        .iter_mut()
        .filter(|one| one.action != Disposition::Suspend);
    keep_common_faults(read.map(|one| (one.desired.connection.as_str(), &mut one.fault)));
    let now = (settings.clock)();
    let document = plan_document(checked, &planned, &accounts, settings, now);
    Pass {
        planned,
        document,
        accounts,
        live,
        moved: BTreeMap::new(),
        standings: BTreeMap::new(),
        referents: PassReferents::read(referents),
        observed_at,
        fresh: true,
    }
}

/// Makes the document of a plan, with the findings of the check.
fn plan_document(
    checked: &Checked,
    planned: &[Planned],
    accounts: &Accounts,
    settings: &Settings,
    now: Timestamp,
) -> PlanDocument {
    PlanDocument::new(
        planned,
        checked.source.clone(),
        &account_paces(accounts, settings),
        &checked.findings,
        now,
    )
}

/// Returns the pace of each account, from which a plan estimates its time.
fn account_paces(accounts: &Accounts, settings: &Settings) -> BTreeMap<String, Pace> {
    let pace = |account: &Account| account.pace(settings.parallelism, settings.checks);
    accounts
        .iter()
        .map(|(name, account)| (name.clone(), pace(account)))
        .collect()
}

/// Opens an account for every connection in use.
///
/// If an account cannot be opened, `found` gets the error for each of its objects; the other accounts go on.
fn open_accounts(
    checked: &Checked,
    settings: &Settings,
    kept: &Accounts,
    found: &mut FoundAt<'_>,
) -> Accounts {
    let mut accounts = BTreeMap::new();
    for (name, objects) in objects_to_read(checked, &[], settings) {
        if let Some(account) = kept.get(name) {
            account.set_deadline(settings.deadline);
            accounts.insert(name.to_string(), Arc::clone(account));
            continue;
        }
        match open_account(checked, name, settings) {
            Ok(account) => {
                accounts.insert(name.to_string(), account);
            }
            Err(error) => {
                let why = with_causes(&error);
                let fault = ConnectionFault {
                    connection: name.to_string(),
                    origin: checked.connections.get(name).map(|one| one.origin.clone()),
                    ..ConnectionFault::new(FaultKind::UnsafeConnection, why.as_str())
                };
                for (index, _) in objects {
                    let failure = ReadFailure::odd(why.as_str()).with_fault(Some(fault.clone()));
                    found(index, Observed::Unread(failure));
                }
            }
        }
    }
    accounts
}

/// Receives an object that was read: its index in `checked.desired`, or beyond it that of an object which is read for its
/// id alone, and what was observed.
type FoundAt<'a> = dyn FnMut(usize, Observed) + Send + 'a;

/// Receives an object that was read: its index in `checked.desired`, the object with ids in place of references, and what
/// was observed.
type Found<'a> = dyn FnMut(usize, &Arc<Desired>, Observed) + Send + 'a;

/// Opens the accounts in use and reads every object. Each is given to `found` as soon as it is read, and once.
///
/// An object that no read returned is given as unread, so that none is missing from a plan. This holds for
/// suspended objects too, which are not read at all. Returns what is known of the objects to which others refer.
async fn look_each(
    checked: &Checked,
    settings: &Settings,
    kept: &Accounts,
    purpose: ReadPurpose,
    found: &mut Found<'_>,
) -> (Accounts, Referents) {
    let mut lookup = Lookup::new(checked, (settings.clock)());
    let (extra, referents) = (lookup.extra.clone(), lookup.referents.clone());
    let objects = checked.desired.iter().chain(&extra);
    let objects: Vec<&Arc<Desired>> = objects.collect();
    let mut seen = vec![false; objects.len()];
    let mut once = |index: usize, observed| {
        seen[index] = true;
        if let Some((object, observed)) = lookup.take(index, objects[index], observed)
            && index < checked.desired.len()
        {
            found(index, object, observed);
        }
    };
    let accounts = open_accounts(checked, settings, kept, &mut once);
    let reads = AccountReads {
        accounts: &accounts,
        objects: objects_to_read(checked, &extra, settings),
        referents: &referents,
        purpose,
        events: &settings.events,
    };
    reads.read(&mut once).await;
    let unread = seen.iter().take(checked.desired.len()).enumerate();
    let unread: Vec<usize> = unread
        .filter_map(|(index, seen)| (!seen).then_some(index))
        .collect();
    for index in unread {
        let observed = Observed::Unread("it was not read".into());
        if let Some((object, observed)) = lookup.take(index, objects[index], observed) {
            found(index, object, observed);
        }
    }
    let (waiting, referents) = lookup.finish(checked);
    for (index, object, observed) in waiting {
        found(index, &object, observed);
    }
    (accounts, referents)
}

/// All objects of a pass after they were read.
struct ReadPass {
    accounts: Accounts,
    /// Each with ids in place of references, in the order of `checked.desired`.
    seen: Vec<(Arc<Desired>, Observed)>,
    /// The objects to which others refer.
    referents: Referents,
}

/// Reads like [`look_each`], to see the objects, and returns all objects in their order, for callers that need them together.
async fn read_side_by_side(checked: &Checked, settings: &Settings, kept: &Accounts) -> ReadPass {
    let mut seen: Vec<Option<(Arc<Desired>, Observed)>> =
        checked.desired.iter().map(|_| None).collect();
    let take = &mut |index: usize, object: &Arc<Desired>, observed| {
        seen[index] = Some((Arc::clone(object), observed));
    };
    let (accounts, referents) = look_each(checked, settings, kept, ReadPurpose::Look, take).await;
    ReadPass {
        accounts,
        seen: seen.into_iter().flatten().collect(),
        referents,
    }
}

/// Objects to be read, by connection, with their indexes.
type ObjectsByConnection<'a> = BTreeMap<&'a str, Vec<(usize, &'a Desired)>>;

/// Returns the objects to be read: those of `checked` that are not suspended, and `extra`, whose indexes follow.
fn objects_to_read<'a>(
    checked: &'a Checked,
    extra: &'a [Arc<Desired>],
    settings: &Settings,
) -> ObjectsByConnection<'a> {
    let now = (settings.clock)();
    let active = checked.desired.iter().enumerate();
    let active = active.filter(|(_, object)| object.policy.mode_at(now) != PolicyMode::Suspend);
    let extra = (checked.desired.len()..).zip(extra);
    let mut desired = ObjectsByConnection::new();
    for (index, object) in active.chain(extra) {
        let indices = desired.entry(&object.connection).or_default();
        indices.push((index, object));
    }
    desired
}

/// The reads of a pass.
struct AccountReads<'a> {
    accounts: &'a Accounts,
    objects: ObjectsByConnection<'a>,
    /// The ids of objects to which others refer, as far as manifests have them.
    referents: &'a Referents,
    purpose: ReadPurpose,
    events: &'a Listener,
}

impl AccountReads<'_> {
    /// Reads every account side by side: one that is slow or down delays no other.
    async fn read(self, found: &mut FoundAt<'_>) {
        // All accounts run on one task and take turns, so this lock is never contended.
        let found = Mutex::new(found);
        let (accounts, referents, events) = (self.accounts, self.referents, self.events);
        let purpose = self.purpose;
        let mut reads: FuturesUnordered<_> = self
            .objects
            .into_iter()
            .filter_map(|(name, desired)| Some((accounts.get(name)?, desired)))
            .map(|(account, desired)| {
                let found = &found;
                async move {
                    let (places, objects): (Vec<usize>, Vec<&Desired>) =
                        desired.into_iter().unzip();
                    let (connection, count) = (&account.connection.name, objects.len());
                    events.tell(|| {
                        Some(Event::Observing {
                            connection: connection.clone(),
                            objects: count,
                        })
                    });
                    let each = &mut |index: usize, observed| {
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found(places[index], observed);
                    };
                    observe_each(account, &objects, purpose, referents, each).await;
                    events.tell(|| {
                        Some(Event::Observed {
                            connection: connection.clone(),
                            objects: count,
                        })
                    });
                }
            })
            .collect();
        while reads.next().await.is_some() {}
    }
}

/// The reason why an account cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    #[error("there is no connection `{0}`")]
    NoConnection(String),
    #[error("there is no provider for {0}")]
    NoProvider(Vendor),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Opens the account of one connection, and notes it in `settings.opened` to be logged out. No call is sent yet.
fn open_account(
    checked: &Checked,
    name: &str,
    settings: &Settings,
) -> Result<Arc<Account>, OpenError> {
    let connection = checked
        .connections
        .get(name)
        .ok_or_else(|| OpenError::NoConnection(name.to_string()))?;
    let vendor = connection.vendor;
    let provider = provider::provider_of(vendor).ok_or(OpenError::NoProvider(vendor))?;
    let account = Account::new(
        connection.clone(),
        provider,
        settings.secrets.clone(),
        &settings.tls,
        settings.deadline,
        &settings.budgets,
    )?;
    let account = Arc::new(account.with_events(settings.events.clone()));
    settings.opened.add(&account);
    Ok(account)
}

#[cfg(test)]
mod pace_tests;
#[cfg(test)]
mod testing;
