//! Drift: what is live beside what the manifests say and what was applied last. Reads, and cannot write.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Accounts, Checked, Settings, check, look};
use crate::apply::journal::{Agreed, Event, Intent, Record};
use crate::apply::outcome::Outcome;
use crate::manifest::lower;
use crate::model::diagnostic::Source;
use crate::model::{Desired, Diagnostics, Fields, Ids, Live, Mode, Observed};
use crate::plan::drift::accepted::Ledger;
use crate::plan::drift::document::{Applied, BaseEntry, DriftDocument, DriftEntry, State};
use crate::plan::drift::{compare, recall, without_effect};
use crate::provider::{self, Provider};

/// What live objects and manifests are compared with.
pub struct Bases {
    pub from: BaseEntry,
    by_address: BTreeMap<String, Base>,
    /// Whether some manifests of the base do not pass the checks of this version, and so are no base.
    pub partial: bool,
}

/// The base of one object.
struct Base {
    identity: Ids,
    /// Where it was applied; manifests of a commit say nothing about that.
    place: Option<String>,
    fields: Fields,
    applied: Option<Applied>,
}

impl Bases {
    /// Takes what the journal's applies wrote, or found to be so. Those of trial runs count for trial runs only.
    pub fn journal(records: impl Iterator<Item = Record>, sandbox: bool) -> Self {
        let mut by_address: BTreeMap<String, Base> = BTreeMap::new();
        let mut commits: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut open: BTreeMap<(String, String), Box<Intent>> = BTreeMap::new();
        for Record { at, run, event } in records {
            match event {
                Event::Started(started) if started.sandbox == sandbox => {
                    commits.insert(run, started.commit);
                }
                Event::Intent(intent) => {
                    open.insert((run, intent.address.clone()), intent);
                }
                Event::Outcome(ended) => {
                    let agreed = matches!(ended.outcome, Outcome::Converged | Outcome::Already);
                    let commit = commits.get(&run).cloned();
                    let write = (run, ended.address);
                    let intent = open.remove(&write);
                    if let (Some(intent), Some(commit), true) = (intent, commit, agreed) {
                        let (run, _) = write;
                        agree(&mut by_address, &intent, Applied { run, at, commit });
                    }
                }
                Event::Agreed(agreed) if agreed.sandbox == sandbox => {
                    let commit = agreed.commit.clone();
                    if let Some(base) = whole(&agreed, Applied { run, at, commit }) {
                        by_address.insert(agreed.address, base);
                    }
                }
                Event::Started(_)
                | Event::Agreed(_)
                | Event::Found { .. }
                | Event::Finished { .. } => {}
            }
        }
        Self {
            from: BaseEntry::Journal,
            by_address,
            partial: false,
        }
    }

    /// What the manifests of a commit say.
    pub fn commit(commit: String, sources: &[Arc<Source>]) -> Self {
        let manifests = lower::lower(sources, &provider::kind_rows(), &check::audit);
        let findings = manifests.findings;
        let mut by_address = BTreeMap::new();
        for object in manifests.objects {
            if let Some(desired) = object.object {
                let base = Base {
                    identity: identity(&desired),
                    place: None,
                    fields: desired.fields.unpack(),
                    applied: None,
                };
                by_address.insert(object.address.to_string(), base);
            }
        }
        Self {
            from: BaseEntry::Commit(commit),
            by_address,
            partial: findings.has_errors(),
        }
    }

    /// The base of an object, or why there is none.
    fn of(&self, desired: &Desired, checked: &Checked) -> Result<&Base, String> {
        let Some(base) = self.by_address.get(&desired.address.to_string()) else {
            return Err(match &self.from {
                BaseEntry::Journal => "no base: the journal has no apply of it".into(),
                BaseEntry::Commit(commit) => {
                    format!(
                        "no base: commit {} has no valid manifest of it",
                        short(commit)
                    )
                }
            });
        };
        let moved = base.place.as_ref().is_some_and(|place| {
            checked.source.connections.get(desired.connection.as_str()) != Some(place)
        });
        if moved || base.identity != identity(desired) {
            return Err("no base: it was another object of the vendor then".into());
        }
        Ok(base)
    }
}

/// The beginning of a commit's name.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// Both sides agreed on everything that the manifest managed.
fn whole(agreed: &Agreed, applied: Applied) -> Option<Base> {
    let kind = agreed.address.split('/').next().unwrap_or_default();
    let table = provider::of_kind(kind)?.table().desired;
    Some(Base {
        identity: agreed.identity.clone(),
        place: Some(agreed.base_url.clone()),
        fields: recall(table, &agreed.managed),
        applied: Some(applied),
    })
}

/// Both sides agreed on what an apply wrote. An inverse wants only what it takes back, so the rest stays as
/// it was agreed on before.
fn agree(by_address: &mut BTreeMap<String, Base>, intent: &Intent, applied: Applied) {
    let kind = intent.address.split('/').next().unwrap_or_default();
    let Some(provider) = provider::of_kind(kind) else {
        return;
    };
    let fields = recall(provider.table().desired, &intent.managed);
    let place = Some(intent.base_url.clone());
    match by_address.get_mut(&intent.address) {
        Some(base) if base.identity == intent.identity && base.place == place => {
            base.fields.extend(fields);
            base.applied = Some(applied);
        }
        Some(_) | None => {
            let base = Base {
                identity: intent.identity.clone(),
                place,
                fields,
                applied: Some(applied),
            };
            by_address.insert(intent.address.clone(), base);
        }
    }
}

fn identity(desired: &Desired) -> Ids {
    crate::plan::document::identity_of(desired)
}

/// Reads every object and says who changed what since its base. A `narrowed` run does not have every object.
pub async fn drift(
    checked: &Checked,
    bases: &Bases,
    narrowed: bool,
    settings: &Settings,
) -> (DriftDocument, Diagnostics) {
    let (_, seen) = look(checked, settings, &Accounts::new()).await;
    let now = (settings.clock)();
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut ledger = Ledger::new(&checked.accepted, today);
    let mut told = Diagnostics::default();
    let objects = seen
        .iter()
        .filter_map(|(desired, seen)| {
            let provider = provider::of(desired.vendor)?;
            Some(match seen {
                _ if desired.policy.mode == Mode::Suspend => {
                    ledger.skip(desired);
                    DriftEntry::new(desired, State::Suspended, None)
                }
                Observed::Live(live) => {
                    let table = provider.table().desired;
                    for finding in without_effect(table, desired, live) {
                        told.push(finding);
                    }
                    let base = bases.of(desired, checked);
                    compared(provider, desired, live, base, &mut ledger, now)
                }
                Observed::Missing => {
                    ledger.skip(desired);
                    let why = format!("{} has no such object", desired.vendor);
                    DriftEntry::new(desired, State::Missing, Some(why))
                }
                Observed::Unread(why) => {
                    ledger.skip(desired);
                    DriftEntry::new(desired, State::Error, Some(why.clone()))
                }
            })
        })
        .collect();
    let mut findings = checked.findings.clone();
    let mut accepted = ledger.findings(narrowed);
    check::show(&mut accepted);
    told.extend(accepted);
    findings.extend(told.clone());
    let from = bases.from.clone();
    let document = DriftDocument::new(from, checked.source.clone(), objects, &findings, now);
    (document, told)
}

fn compared(
    provider: &dyn Provider,
    desired: &Desired,
    live: &Live,
    base: Result<&Base, String>,
    ledger: &mut Ledger<'_>,
    now: Timestamp,
) -> DriftEntry {
    let table = provider.table().desired;
    let fields = base.as_ref().ok().map(|base| &base.fields);
    let differences = match compare(table, desired, fields, live, now) {
        Ok(differences) => differences,
        Err(why) => {
            ledger.skip(desired);
            return DriftEntry::new(desired, State::Error, Some(why));
        }
    };
    let accepted = ledger.accept(table, desired, &differences);
    let mut entry = DriftEntry::compared(desired, differences, &accepted);
    match base {
        Ok(base) => entry.applied = base.applied.clone(),
        Err(why) if !entry.differences.is_empty() => entry.message = Some(why),
        Err(_) => {}
    }
    entry
}
