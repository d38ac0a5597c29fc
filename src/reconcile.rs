//! One level-triggered pass: load → audit → observe → plan → guard → apply → verify.
//!
//! Every command and the daemon drive these same functions. Data only comes in: the time, the secrets
//! and the simulators' addresses are arguments.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::apply::execute::Context;
use crate::apply::{Account, Outcome, Report, Secrets, execute, observe};
use crate::manifest::{Loaded, lower};
use crate::model::draft::Draft;
use crate::model::{
    Address, Connection, Desired, Diagnostic, Diagnostics, Limits, Live, Mode, Observed, Vendor,
};
use crate::plan::document::SourceFacts;
use crate::plan::guard::{self, Accepted};
use crate::plan::{self, Action, Planned};
use crate::provider;

/// Manifests that passed every check that needs no network.
pub struct Checked {
    pub desired: Vec<Arc<Desired>>,
    pub connections: BTreeMap<String, Connection>,
    pub source: SourceFacts,
    pub findings: Diagnostics,
}

/// How manifests are checked.
#[derive(Default)]
pub struct CheckOptions {
    /// Whether a vendor without any connection is an error; `validate` of single files only warns.
    pub need_connections: bool,
    /// The simulators: every connection is pointed at its vendor's, and vendors without one get it.
    pub simulators: Option<Vec<Connection>>,
}

/// Checks everything that can be checked offline.
pub fn check(loaded: Loaded, options: &CheckOptions) -> Checked {
    let mut manifests = lower::lower(&loaded.sources, &provider::kind_rows());
    let mut findings = loaded.findings;
    findings.extend(std::mem::take(&mut manifests.findings));
    for connection in &manifests.connections {
        if let Some(provider) = provider::of(connection.vendor) {
            provider::auth::audit(provider.auth(), connection, &mut findings);
        }
    }
    let connections = connections(manifests.connections, options.simulators.as_deref());
    let mut desired = Vec::new();
    for draft in &manifests.drafts {
        let connection = connection_of(draft, &connections, options, &mut findings);
        let provider = provider::of_kind(draft.address.kind.0);
        let audited = provider.and_then(|provider| {
            provider::audit::audit(
                provider,
                draft,
                connection.clone().unwrap_or_default(),
                &mut findings,
            )
        });
        if let (Some(audited), Some(_)) = (audited, connection) {
            desired.push(Arc::new(audited));
        }
    }
    refuse_equal_objects(&desired, &mut findings);
    desired.sort_by(|a, b| a.address.cmp(&b.address));
    let source = SourceFacts {
        files: manifests.files,
        documents: manifests.documents,
        skipped: manifests.skipped,
        commit: None,
    };
    Checked {
        desired,
        connections,
        source,
        findings: findings.sorted(),
    }
}

fn connections(
    given: Vec<Connection>,
    simulators: Option<&[Connection]>,
) -> BTreeMap<String, Connection> {
    let mut all: BTreeMap<String, Connection> = given
        .into_iter()
        .map(|connection| (connection.name.clone(), connection))
        .collect();
    for simulator in simulators.unwrap_or_default() {
        let mut own = all
            .values_mut()
            .filter(|c| c.vendor == simulator.vendor)
            .peekable();
        if own.peek().is_none() {
            all.insert(simulator.name.clone(), simulator.clone());
            continue;
        }
        for connection in own {
            connection.base_url = simulator.base_url.clone();
            connection.auth = simulator.auth.clone();
        }
    }
    all
}

/// The connection an object goes through: the one it names, or the only one of its vendor.
fn connection_of(
    draft: &Draft,
    connections: &BTreeMap<String, Connection>,
    options: &CheckOptions,
    findings: &mut Diagnostics,
) -> Option<String> {
    let vendor = draft.row.vendor;
    let source = &draft.origin.source;
    let own: Vec<&str> = connections
        .values()
        .filter(|connection| connection.vendor == vendor)
        .map(|connection| connection.name.as_str())
        .collect();
    if let Some((name, mark)) = &draft.connection {
        match connections.get(name) {
            Some(connection) if connection.vendor == vendor => return Some(name.clone()),
            Some(connection) => findings.push(
                Diagnostic::error(
                    "unknown-connection",
                    format!(
                        "the connection `{name}` is one of {}, not of {vendor}",
                        connection.vendor
                    ),
                )
                .at(source, *mark)
                .suggest(name, own),
            ),
            None => {
                let message = format!("there is no connection `{name}`");
                findings.push(
                    Diagnostic::error("unknown-connection", message)
                        .at(source, *mark)
                        .suggest(name, own),
                );
            }
        }
        return None;
    }
    match own.as_slice() {
        [only] => Some((*only).to_string()),
        [] => {
            let message = format!(
                "{} needs a Connection of vendor {vendor}, and there is none",
                draft.address
            );
            let finding = if options.need_connections {
                Diagnostic::error("no-connection", message)
            } else {
                Diagnostic::warning("no-connection", message)
            };
            let hint = "add a Connection document, or pass the file that has it as well";
            findings.push(finding.at(source, draft.origin.mark).hint(hint));
            (!options.need_connections).then(String::new)
        }
        several => {
            let message = format!(
                "{vendor} has {} connections, so `connection` must name one",
                several.len()
            );
            findings.push(
                Diagnostic::error("unknown-connection", message)
                    .at(source, draft.origin.mark)
                    .hint(format!("one of {}", several.join(", "))),
            );
            None
        }
    }
}

/// Two manifests for one object would undo each other at every apply.
fn refuse_equal_objects(desired: &[Arc<Desired>], findings: &mut Diagnostics) {
    let mut seen: BTreeMap<(Vendor, &str, Vec<&str>), &Desired> = BTreeMap::new();
    for object in desired {
        let ids = object.identity.iter().map(|(_, id)| id.as_str()).collect();
        let key = (object.vendor, object.connection.as_str(), ids);
        if let Some(first) = seen.get(&key) {
            let message = format!(
                "{} and {} are the same object at {}",
                first.address, object.address, object.vendor
            );
            findings.push(
                Diagnostic::error("duplicate-object", message)
                    .at(&object.origin.source, object.origin.mark)
                    .also(first.origin.clone(), "the other manifest of it"),
            );
        } else {
            seen.insert(key, object);
        }
    }
}

/// What a pass needs beside the manifests.
pub struct Settings {
    pub secrets: Secrets,
    /// Calls of the whole run at once.
    pub parallelism: usize,
    pub deadline: Instant,
    /// The time, as an argument.
    pub clock: fn() -> Timestamp,
}

/// A finished plan with what is needed to carry it out.
pub struct Pass {
    pub planned: Vec<Planned>,
    pub limits: BTreeMap<String, Limits>,
    live: BTreeMap<Address, Live>,
    accounts: BTreeMap<String, Account>,
    observed_at: Timestamp,
}

/// Reads the live objects of every connection in use, side by side, and plans.
pub async fn plan(checked: &Checked, settings: &Settings) -> Pass {
    let observed_at = (settings.clock)();
    let mut accounts = BTreeMap::new();
    let mut observed: BTreeMap<Address, Observed> = BTreeMap::new();
    let mut wanted: BTreeMap<&str, Vec<&Desired>> = BTreeMap::new();
    for object in checked
        .desired
        .iter()
        .filter(|object| object.policy.mode != Mode::Suspend)
    {
        wanted.entry(&object.connection).or_default().push(object);
    }
    for (name, objects) in &wanted {
        match account(checked, name, settings) {
            Ok(account) => {
                accounts.insert((*name).to_string(), account);
            }
            Err(why) => {
                for object in objects {
                    observed.insert(object.address.clone(), Observed::Unread(why.clone()));
                }
            }
        }
    }
    let mut reads: FuturesUnordered<_> = accounts
        .iter()
        .filter_map(|(name, account)| Some((account, wanted.get(name.as_str())?)))
        .map(|(account, objects)| async move { (objects, observe(account, objects).await) })
        .collect();
    while let Some((objects, found)) = reads.next().await {
        let addresses = objects.iter().map(|object| object.address.clone());
        observed.extend(addresses.zip(found));
    }
    drop(reads);
    let now = (settings.clock)();
    let unread = Observed::Unread("it was not read".into());
    let planned = checked
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
    let limits = accounts
        .iter()
        .map(|(name, account)| {
            (
                name.clone(),
                account.provider.limits_for(&account.connection),
            )
        })
        .collect();
    Pass {
        planned,
        limits,
        live,
        accounts,
        observed_at,
    }
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
}

/// How a plan is carried out.
pub struct ApplyOptions {
    /// Risks that this run accepts; nothing when a person has looked at the plan and said yes.
    pub accepted: Option<Accepted>,
    pub fail_fast: bool,
}

/// Carries out every step that the guard lets through. One object's failure stops no other, unless the
/// options say so. Reports come in the order of the plan.
pub async fn apply(pass: Pass, options: &ApplyOptions, settings: &Settings) -> Vec<Report> {
    let slots = Semaphore::new(settings.parallelism.max(1));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let Pass {
        planned,
        live,
        accounts,
        observed_at,
        ..
    } = &pass;
    let runs = planned.iter().map(|planned| {
        let (slots, stop) = (&slots, &stop);
        async move {
            let account = accounts.get(&planned.desired.connection);
            let before = live.get(&planned.desired.address);
            let (Action::Update, Some(account), Some(before)) = (planned.action, account, before)
            else {
                return Report::new(
                    planned.clone(),
                    unplanned(planned.action),
                    planned.message.clone(),
                );
            };
            let refusal = options
                .accepted
                .and_then(|accepted| guard::refusal(planned, accepted));
            if let Some(refusal) = refusal {
                return Report::new(planned.clone(), Some(Outcome::Refused), Some(refusal));
            }
            // The semaphore is never closed, so this waits for a slot and nothing else.
            let _slot = slots.acquire().await.ok();
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                let why = "an earlier step failed, and --fail-fast was given".to_string();
                return Report::new(planned.clone(), Some(Outcome::Skipped), Some(why));
            }
            let clock = settings.clock;
            let context = Context {
                account,
                observed_at: *observed_at,
                clock: &clock,
            };
            let report = execute(&context, planned.clone(), before).await;
            let ended_well = matches!(
                report.outcome,
                None | Some(Outcome::Converged | Outcome::Already)
            );
            if options.fail_fast && !ended_well {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            }
            report
        }
    });
    futures::future::join_all(runs).await
}

/// How an object without a step ends: a failure to read or plan it is a failure of the apply.
fn unplanned(action: Action) -> Option<Outcome> {
    match action {
        Action::Missing | Action::Error => Some(Outcome::Failed),
        Action::None | Action::Update | Action::Observe | Action::Suspend => None,
    }
}
