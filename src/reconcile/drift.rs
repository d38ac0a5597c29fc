//! Drift: what is live beside what the manifests say and what was applied last. Reads, and cannot write.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::contents::{FileContents, ObjectContent};
use super::load::lower_sources;
use super::{Accounts, Checked, Settings, account_of, check, read_side_by_side};
use crate::apply::memory::{Memory, VendorAccount};
use crate::model::diagnostic::Source;
use crate::model::{Desired, Diagnostics, Field, Fields, Ids, Live, Observed, PolicyMode};
use crate::plan::base::Base;
use crate::plan::document::identity_of;
use crate::plan::drift::accepted::Ledger;
use crate::plan::drift::document::{Applied, BaseEntry, DriftDocument, DriftEntry, State};
use crate::plan::drift::{compare_fields, without_effect};
use crate::provider::{self, ResourceKind};

/// What live objects and manifests are compared with.
pub enum Bases {
    /// What the journal's applies wrote, or found to be so.
    Journal(Memory),
    Commit(CommitBases),
}

/// What the manifests of a commit say.
pub struct CommitBases {
    commit: String,
    by_address: BTreeMap<String, (Ids, Fields)>,
    /// Whether some manifests do not pass the checks of this version, and so are no base.
    pub partial: bool,
}

/// The base of one object, and the run that agreed on it.
type FoundBase = (Base, Option<Applied>);

/// Why an object has no base that it could be compared with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum NoBase {
    #[error("no base: commit {commit} has no valid manifest of it")]
    NotInCommit { commit: String },
    #[error("no base: it was another object of the vendor then")]
    OtherObject,
    #[error("no base: the journal has no apply of it")]
    NotInJournal,
}

impl CommitBases {
    pub fn new(commit: String, sources: &[Arc<Source>]) -> Self {
        let manifests = FileContents::merge(lower_sources(sources));
        let findings = manifests.declarations.findings;
        let mut by_address = BTreeMap::new();
        for object in manifests.objects {
            if let ObjectContent::Desired(desired) = object.content {
                let base = (identity_of(&desired), desired.fields.unpack());
                by_address.insert(object.address.to_string(), base);
            }
        }
        Self {
            commit,
            by_address,
            partial: findings.has_errors(),
        }
    }

    fn of(&self, desired: &Desired) -> Result<FoundBase, NoBase> {
        let Some((identity, fields)) = self.by_address.get(&desired.address.to_string()) else {
            let commit = short_commit(&self.commit).to_string();
            return Err(NoBase::NotInCommit { commit });
        };
        if *identity != identity_of(desired) {
            return Err(NoBase::OtherObject);
        }
        let base = Base {
            fields: fields.clone(),
            ..Base::default()
        };
        Ok((base, None))
    }
}

impl Bases {
    /// The base of an object that is now `live`, or why there is none.
    fn of(
        &self,
        table: &'static [Field],
        desired: &Desired,
        place: &VendorAccount,
        live: &Live,
    ) -> Result<FoundBase, NoBase> {
        match self {
            Self::Journal(memory) => memory
                .base(table, desired, place, &live.fields)
                .ok_or(NoBase::NotInJournal),
            Self::Commit(bases) => bases.of(desired),
        }
    }

    fn entry(&self) -> BaseEntry {
        match self {
            Self::Journal(_) => BaseEntry::Journal,
            Self::Commit(bases) => BaseEntry::Commit(bases.commit.clone()),
        }
    }
}

/// The beginning of a commit's name.
pub fn short_commit(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// Reads every object and says who changed what since its base. A `narrowed` run does not have every object.
pub async fn find_drift(
    checked: &Checked,
    bases: &Bases,
    narrowed: bool,
    settings: &Settings,
) -> (DriftDocument, Diagnostics) {
    let (_, seen) = read_side_by_side(checked, settings, &Accounts::new()).await;
    let now = (settings.clock)();
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut ledger = Ledger::new(&checked.accepted, today);
    let mut told = Diagnostics::default();
    let objects = seen
        .iter()
        .filter_map(|(desired, seen)| {
            let kind = provider::find_kind(desired.address.kind.0)?;
            Some(match seen {
                _ if desired.policy.mode == PolicyMode::Suspend => {
                    ledger.skip(desired);
                    DriftEntry::new(desired, State::Suspended, None)
                }
                Observed::Live(live) => {
                    let table = kind.table().desired;
                    for finding in without_effect(table, desired, live) {
                        told.push(finding);
                    }
                    let place = account_of(checked, &desired.connection);
                    let base = bases.of(table, desired, &place, live);
                    compare_object(kind, desired, live, base, &mut ledger, now)
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
    check::show_lines(&mut accepted);
    told.extend(accepted);
    findings.extend(told.clone());
    let from = bases.entry();
    let document = DriftDocument::new(from, checked.source.clone(), objects, &findings, now);
    (document, told)
}

fn compare_object(
    kind: &dyn ResourceKind,
    desired: &Desired,
    live: &Live,
    base: Result<FoundBase, NoBase>,
    ledger: &mut Ledger<'_>,
    now: Timestamp,
) -> DriftEntry {
    let table = kind.table().desired;
    let known = base.as_ref().ok().map(|(base, _)| base);
    let differences = match compare_fields(table, desired, known, live, now) {
        Ok(differences) => differences,
        Err(not_shown) => {
            ledger.skip(desired);
            return DriftEntry::new(desired, State::Error, Some(not_shown.to_string()));
        }
    };
    let accepted = ledger.accept(table, desired, &differences);
    let mut entry = DriftEntry::compared(desired, differences, &accepted);
    match base {
        Ok((_, applied)) => entry.applied = applied,
        Err(none) if !entry.differences.is_empty() => entry.message = Some(none.to_string()),
        Err(_) => {}
    }
    entry
}
