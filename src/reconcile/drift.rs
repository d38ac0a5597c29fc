//! Finds drift: compares live objects with the manifests and with the last apply. This module reads and cannot
//! write.
//!
//! The input is the checked manifests and the bases, from the journal or from a commit; the output is the drift
//! document and the findings to print. The three-way comparison of one object is [`compare_fields`]; this file only
//! reads the objects and finds the base of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::composed::compose_objects;
use super::connections::{CheckOptions, EnvironmentChoice};
use super::contents::{FileContents, ObjectContent};
use super::load::lower_sources;
use super::{
    Accounts, Checked, Settings, account_of, check, connection_findings, read_side_by_side,
};
use crate::apply::memory::{Memory, VendorAccount};
use crate::manifest::rows::RowFiles;
use crate::model::dated::ReadingTime;
use crate::model::diagnostic::Source;
use crate::model::{
    ConnectionFault, Desired, Diagnostics, Field, Fields, Ids, Live, Observed, PolicyMode,
};
use crate::plan::base::Base;
use crate::plan::drift::accepted::Ledger;
use crate::plan::drift::document::{Applied, BaseEntry, DriftDocument, DriftEntry, State};
use crate::plan::drift::{compare_fields, without_effect};
use crate::plan::problem::{keep_common_faults, list_problems};
use crate::plan::schedule::warn_of_differences;
use crate::provider::{self, ResourceKind};

/// The third side of the comparison, beside live objects and manifests.
pub enum Bases {
    /// The values that applies wrote or found live already, from the journal.
    Journal(Memory),
    /// The desired values in the manifests of a commit.
    Commit(CommitBases),
}

/// The manifests of a commit, as bases.
pub struct CommitBases {
    commit: String,
    /// Identity and fields by address, in today's tables.
    by_address: BTreeMap<String, (Ids, Fields)>,
    /// Set if some manifests do not pass the checks of this version; these are no base.
    pub partial: bool,
}

/// The base of one object, and the run that agreed on it.
type FoundBase = (Base, Option<Applied>);

/// The reason why an object has no base for the comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum NoBase {
    /// The commit has no manifest of this address, or no valid one.
    #[error("no base: commit {commit} has no valid manifest of it")]
    NotInCommit { commit: String },
    /// The address had another identity then, for example a name that was given to a new order.
    #[error("no base: it was another object of the vendor then")]
    OtherObject,
    /// No apply of the object is recorded.
    #[error("no base: the journal has no apply of it")]
    NotInJournal,
}

impl CommitBases {
    /// Lowers the manifests of a commit, and composes them as they were at its `time`: a dated change that began later is
    /// none of what the commit asked for. Invalid ones are left out and set `partial`.
    pub fn new(
        commit: String,
        sources: &[Arc<Source>],
        row_files: &RowFiles,
        environment: Option<&str>,
        time: Timestamp,
    ) -> Self {
        let mut manifests = FileContents::join(lower_sources(sources));
        let mut findings = std::mem::take(&mut manifests.declarations.findings);
        let choice = environment.map(|name| EnvironmentChoice::Named(name.to_string()));
        let options = CheckOptions {
            environment: choice.unwrap_or(EnvironmentChoice::Any),
            time: ReadingTime::now(time),
            ..CheckOptions::default()
        };
        compose_objects(&mut manifests, &options, row_files, &mut findings);
        let mut by_address = BTreeMap::new();
        for object in manifests.objects {
            if let ObjectContent::Desired(desired) = object.content {
                let base = (desired.ids(), desired.fields.unpack());
                by_address.insert(object.address.to_string(), base);
            }
        }
        Self {
            commit,
            by_address,
            partial: findings.has_errors(),
        }
    }

    /// Returns the base of an object, which a commit has without a run.
    fn of(&self, desired: &Desired) -> Result<FoundBase, NoBase> {
        let Some((identity, fields)) = self.by_address.get(&desired.address.to_string()) else {
            let commit = short_commit(&self.commit).to_string();
            return Err(NoBase::NotInCommit { commit });
        };
        let manifest = desired.manifest_form();
        if *identity != manifest.ids() {
            return Err(NoBase::OtherObject);
        }
        // A reference that stands there still stands for the same id.
        let (now, stated) = (desired.fields.unpack(), manifest.fields.unpack());
        let fields = fields.iter().map(|(name, value)| match now.get(name) {
            Some(found) if stated.get(name) == Some(value) => (name, found.clone()),
            _ => (name, value.clone()),
        });
        let base = Base {
            fields: fields.collect(),
            ..Base::default()
        };
        Ok((base, None))
    }
}

impl Bases {
    /// Returns the base of an object that is now `live`, and the run that agreed on it; `Err` is why there is none.
    fn of(
        &self,
        table: &'static [Field],
        desired: &Desired,
        account: &VendorAccount,
        live: &Live,
    ) -> Result<FoundBase, NoBase> {
        match self {
            Self::Journal(memory) => memory
                .base(table, desired, account, &live.fields)
                .ok_or(NoBase::NotInJournal),
            Self::Commit(bases) => bases.of(desired),
        }
    }

    /// Returns the source of the bases, for the document.
    fn entry(&self) -> BaseEntry {
        match self {
            Self::Journal(_) => BaseEntry::Journal,
            Self::Commit(bases) => BaseEntry::Commit(bases.commit.clone()),
        }
    }
}

/// Returns the first 12 characters of a commit's name, or the whole name if it is shorter.
pub fn short_commit(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// Reads every object and attributes each difference to the party that made it since the base.
///
/// `narrowed` is set if `checked` does not hold all objects (`--target`): an acceptance for an object that is
/// not there is then no finding. Returns the document and the findings that are new; the document has those of
/// the check as well.
///
/// Example: base 10, manifest 10, live 7 is a change of theirs, and the object is drifted. Base 10, manifest 5,
/// live 10 is a change of yours, and the object is pending.
pub async fn find_drift(
    checked: &Checked,
    bases: &Bases,
    narrowed: bool,
    settings: &Settings,
) -> (DriftDocument, Diagnostics) {
    let mut seen = read_side_by_side(checked, settings, &Accounts::new())
        .await
        .seen;
    // Objects that were read have no fault, and count as those that a problem does not concern.
    let mut no_faults = vec![None; seen.len()];
    let read = seen.iter_mut().zip(&mut no_faults);
    let read = read.filter(|((desired, _), _)| desired.policy.mode != PolicyMode::Suspend);
    keep_common_faults(read.map(|((desired, seen), no_fault)| {
        let fault = match seen {
            Observed::Unread(failure) => &mut failure.fault,
            Observed::Live(_) | Observed::Missing | Observed::Creatable(_) => no_fault,
        };
        (desired.connection.as_str(), fault)
    }));
    let now = (settings.clock)();
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut ledger = Ledger::new(&checked.accepted, today);
    let mut drift_findings = Diagnostics::default();
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
                    for finding in warn_of_differences(kind, desired, live, now) {
                        drift_findings.push(finding);
                    }
                    for finding in without_effect(table, desired, live) {
                        drift_findings.push(finding);
                    }
                    let account = account_of(checked, &desired.connection);
                    let base = bases.of(table, desired, &account, live);
                    compare_object(kind, desired, live, base, &mut ledger, now)
                }
                Observed::Missing | Observed::Creatable(_) => {
                    ledger.skip(desired);
                    let why = format!("{} has no such object", desired.vendor);
                    DriftEntry::new(desired, State::Missing, Some(why))
                }
                Observed::Unread(failure) => {
                    ledger.skip(desired);
                    let fault = failure.fault.as_ref();
                    DriftEntry {
                        problem: fault.map(|fault| fault.kind.code().into()),
                        ..DriftEntry::new(desired, State::Error, Some(failure.text.clone()))
                    }
                }
            })
        })
        .collect();
    let mut findings = checked.findings.clone();
    let mut accepted = ledger.findings(narrowed);
    check::show_lines(&mut accepted);
    drift_findings.extend(accepted);
    findings.extend(drift_findings.clone());
    let faults = || seen.iter().filter_map(|(_, seen)| fault_of(seen));
    drift_findings.extend(connection_findings(faults()));
    let from = bases.entry();
    let document = DriftDocument::new(from, checked.source.clone(), objects, &findings, now);
    (
        document.with_problems(list_problems(faults())),
        drift_findings,
    )
}

/// Returns the problem of its connection by which an object could not be read.
fn fault_of(seen: &Observed) -> Option<&ConnectionFault> {
    match seen {
        Observed::Unread(failure) => failure.fault.as_deref(),
        Observed::Live(_) | Observed::Missing | Observed::Creatable(_) => None,
    }
}

/// Compares one live object with manifest and base.
///
/// Without a base the object is still compared; if anything differs, its entry has the reason for the lack. A field
/// that the vendor did not show makes the comparison an error, since it may hide drift.
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
