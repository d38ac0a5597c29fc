//! Joins a saved plan with today's manifests, object by object, before any object is read.
//!
//! The plan determines which objects are written, and from which live values. The values to write, the connection and
//! the policy come from the manifests alone. An object whose manifest has changed is `stale`, and the others are
//! written; each of those is read right before its write, planned again and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Accounts, Checked, Pass, PassReferents, Settings, open_accounts};
use crate::model::diagnostic::Source;
use crate::model::resource::ComingStates;
use crate::model::{
    Address, CreationFields, Desired, Diagnostic, Diagnostics, Fields, LayerNames, Mark, Origin,
    OwnPolicy, PackedFields, References,
};
use crate::plan::document::{
    FORMAT_VERSION, ObjectEntry, OriginEntry, PlanDocument, diagnostic_entries, summarize_objects,
};
use crate::plan::source_facts::SourceFacts;
use crate::plan::{Disposition, Planned, movement};
use crate::provider;

/// The most addresses that a finding names; further ones are only counted.
const NAMED: usize = 20;

/// A saved plan that is ready to be carried out.
pub struct Saved {
    pub pass: Pass,
    /// Names the objects that are left alone: new ones, those whose manifest is gone, those out of scope.
    pub findings: Diagnostics,
}

/// Error about a kind in a saved plan that this version does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan has objects of the kind {0}, which this version does not know")]
pub struct UnknownKind(String);

/// Joins a saved plan with today's manifests; `in_scope` takes an address. `Err` only for a plan with an
/// unknown kind.
///
/// Example: the plan has A, B and C. A is as it was and goes; the manifest of B changed, so B is stale; C has no
/// manifest any more, so nothing is sent. D is new in the manifests, so it is left alone with a finding.
pub fn join_saved_plan(
    plan: PlanDocument,
    checked: &Checked,
    in_scope: &dyn Fn(&str) -> bool,
    settings: &Settings,
) -> Result<Saved, UnknownKind> {
    let mut join = Join::new(checked, &plan.source);
    let mut out = Vec::new();
    for entry in plan.objects {
        if in_scope(&entry.address) {
            join.add(entry)?;
        } else {
            join.unplanned.remove(&entry.address);
            out.push(entry.address);
        }
    }
    let new = join.unplanned.into_keys();
    let new: Vec<String> = new.filter(|address| in_scope(address)).collect();
    let findings = left_alone(&new, &join.gone, &out);
    let mut all = checked.findings.clone();
    all.extend(findings.clone());
    let document = PlanDocument {
        format_version: FORMAT_VERSION.into(),
        // What this run read: nothing is done by what the plan says there.
        source: checked.source.clone(),
        summary: summarize_objects(&join.entries, plan.summary.estimated_seconds),
        // Of the time of the plan, as are what its objects say of them.
        problems: Vec::new(),
        objects: join.entries,
        diagnostics: diagnostic_entries(&all),
        ..plan
    };
    let referents = PassReferents::of_saved(checked, &join.planned, settings);
    let pass = Pass {
        planned: join.planned,
        document,
        accounts: open_accounts(checked, settings, &Accounts::new(), &mut |_, _| {}),
        live: BTreeMap::new(),
        moved: join.moved,
        standings: BTreeMap::new(),
        referents,
        observed_at: (settings.clock)(),
        fresh: false,
    };
    Ok(Saved { pass, findings })
}

/// Collects the entries of a plan as they find their manifests.
struct Join<'a> {
    /// Facts about the manifests when the plan was made.
    then: &'a SourceFacts,
    /// Facts about the manifests as they are.
    now: &'a SourceFacts,
    /// Objects of the manifests that no entry has named so far.
    unplanned: BTreeMap<String, &'a Arc<Desired>>,
    /// Addresses of the entries so far, to find duplicates.
    seen: BTreeSet<String>,
    planned: Vec<Planned>,
    /// One for each of `planned`.
    entries: Vec<ObjectEntry>,
    /// Objects whose manifest changed since the plan, and how.
    moved: BTreeMap<Address, String>,
    /// Objects without a manifest, about which the plan does nothing.
    gone: Vec<String>,
}

impl<'a> Join<'a> {
    fn new(checked: &'a Checked, then: &'a SourceFacts) -> Self {
        let by_address = |object: &'a Arc<Desired>| (object.address.to_string(), object);
        Self {
            then,
            now: &checked.source,
            unplanned: checked.desired.iter().map(by_address).collect(),
            seen: BTreeSet::new(),
            planned: Vec::new(),
            entries: Vec::new(),
            moved: BTreeMap::new(),
            gone: Vec::new(),
        }
    }

    /// Adds one entry. A second entry of one address is ignored: an object has one write, whatever the file
    /// contains.
    fn add(&mut self, entry: ObjectEntry) -> Result<(), UnknownKind> {
        // One write per object, whatever the file says.
        if !self.seen.insert(entry.address.clone()) {
            return Ok(());
        }
        let Some(desired) = self.unplanned.remove(&entry.address) else {
            return self.without_manifest(entry);
        };
        let checked = movement::check_unmoved(&entry, self.then, desired, self.now);
        let moved = checked.err().map(|moved| moved.to_string());
        let mut desired = Arc::clone(desired);
        if entry.action == Disposition::Create && !desired.policy.create {
            // The plan was made with the permission to create.
            Arc::make_mut(&mut desired).policy.create = true;
        }
        self.push(desired, entry, moved);
        Ok(())
    }

    /// Adds an entry whose manifest is gone: as stale if it was an update, otherwise only by its address.
    fn without_manifest(&mut self, entry: ObjectEntry) -> Result<(), UnknownKind> {
        if !entry.action.writes() {
            self.gone.push(entry.address);
            return Ok(());
        }
        let OriginEntry { file, line } = &entry.origin;
        let why = format!("its manifest, then at {file}:{line}, is gone: nothing is sent");
        let desired = Arc::new(object_of_plan(&entry)?);
        self.push(desired, entry, Some(why));
        Ok(())
    }

    /// Keeps an entry, with what the manifest says of the object in place of what the plan says.
    fn push(&mut self, desired: Arc<Desired>, entry: ObjectEntry, moved: Option<String>) {
        let failed = matches!(entry.action, Disposition::Missing | Disposition::Error);
        let entry = ObjectEntry {
            vendor: desired.vendor.to_string(),
            connection: desired.connection.to_string(),
            identity: desired.ids(),
            origin: OriginEntry {
                file: desired.origin.source.name.clone(),
                line: desired.origin.mark.line,
            },
            outcome: None,
            // The problem dates from the plan: the connection may work by now.
            problem: None,
            side_effects: Vec::new(),
            ..entry
        };
        if let Some(why) = moved {
            self.moved.insert(desired.address.clone(), why);
        }
        self.planned.push(Planned {
            desired,
            action: entry.action,
            changes: Vec::new(),
            step: None,
            fingerprint: entry.fingerprint.clone(),
            message: entry.message.clone().filter(|_| failed),
            findings: Vec::new(),
            resolved: Vec::new(),
            fault: None,
            after: entry
                .after
                .iter()
                .filter_map(|text| address_of(text))
                .collect(),
        });
        self.entries.push(entry);
    }
}

/// Reads an address of a plan; `None` for a kind that this version does not have.
fn address_of(text: &str) -> Option<Address> {
    let (kind, name) = text.split_once('/')?;
    Some(Address {
        kind: provider::find_kind(kind)?.table().kind,
        name: name.to_string(),
    })
}

/// Makes an object that only the plan has, for the report. Nothing is sent for it.
fn object_of_plan(entry: &ObjectEntry) -> Result<Desired, UnknownKind> {
    let (kind, name) = entry.address.split_once('/').unwrap_or_default();
    let table = provider::find_kind(kind).map(|kind| kind.table());
    let table = table.ok_or_else(|| UnknownKind(kind.to_string()))?;
    let key = table.lifecycle.key;
    let keyed = key.is_some_and(|key| entry.identity.get(key.replaces).is_none());
    let ids = table.naming(keyed);
    let line = entry.origin.line;
    Ok(Desired {
        address: Address {
            kind: table.kind,
            name: name.to_string(),
        },
        vendor: table.vendor,
        connection: entry.connection.as_str().into(),
        identity: ids
            .filter_map(|id| Some((id.name, entry.identity.get(id.name)?.clone())))
            .collect(),
        fields: PackedFields::new(table.desired, &Fields::new()),
        creation: CreationFields::default(),
        policy: OwnPolicy::default(),
        labels: BTreeMap::new(),
        origin: Origin {
            source: Arc::new(Source::new(entry.origin.file.clone(), String::new())),
            mark: Mark {
                line,
                ..Mark::default()
            },
        },
        references: References::default(),
        layers: LayerNames::default(),
        coming: ComingStates::default(),
    })
}

/// Makes the findings about objects that are left alone: one for each of the three reasons.
fn left_alone(new: &[String], gone: &[String], out: &[String]) -> Diagnostics {
    let mut findings = Diagnostics::default();
    let mut tell = |code, addresses: &[String], what: &str, hint: Option<&str>| {
        if !addresses.is_empty() {
            let finding =
                Diagnostic::warning(code, format!("{what}: {}", list_addresses(addresses)));
            findings.push(match hint {
                Some(hint) => finding.hint(hint),
                None => finding,
            });
        }
    };
    let again = Some("plan again to include them");
    let what = "in the manifests and not in the plan, so left alone";
    tell("not-in-plan", new, what, again);
    let what = "in the plan and not in the manifests; the plan does nothing about them";
    tell("not-in-manifests", gone, what, None);
    tell("out-of-scope", out, "out of scope, so left alone", None);
    findings
}

/// Lists addresses for a finding: the first 20, then how many more there are.
fn list_addresses(addresses: &[String]) -> String {
    let named = &addresses[..addresses.len().min(NAMED)];
    let more = match addresses.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    named.join(", ") + &more
}
