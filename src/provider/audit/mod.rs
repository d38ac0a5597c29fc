//! Audits drafts: checks every field of a manifest against the table and makes a desired object, before any request.
//!
//! In: a `Draft`, the tree of a manifest with the places of its nodes. Out: a `Desired` with canonical values, or
//! findings that each point to a place. Live is not known here: what only a comparison with live can show is found in
//! `plan`.
//!
//! The steps, each of which runs even if an earlier one found errors, so that one run reports everything:
//!
//! ```text
//! 1  identity        the ids beside `desired`
//! 2  fields          unknown names, types, bounds, duplicate keys
//! 3  manifest_only   fields that no read returns and so must be stated
//! 4  policy          `keepUnlisted`, `ignore`, `absentIsEmpty` name existing fields
//! 5  conditions      members that another one demands or makes meaningless
//! 6  dates           ends before their beginnings
//! 7  exclusive       fields that the vendor refuses in one body
//! 8  kind.audit      the vendor's own rules, only if there was no error before
//! ```

use std::sync::Arc;

use super::{ResourceKind, canon, conditions, dates, exclusive};
use crate::model::draft::Draft;
use crate::model::node::Entry;
use crate::model::resource::ComingStates;
use crate::model::{
    CreationFields, Desired, Diagnostic, Diagnostics, Fields, KindTable, LayerNames, Mark, Need,
    Origin, PackedFields, Reference, References, Text,
};

mod fields;
mod identity;
mod lifecycle;
mod paths;
mod policy;
mod reference;
mod spot;
mod values;

pub use identity::{IdentityError, identity_of};
pub use paths::{find_mark, path_fault};

/// Checks a draft and makes it desired. `None` if there was any error; warnings are reported and do not prevent it.
///
/// All findings go to `findings`, with their places in the manifest.
pub fn audit_draft(
    kind: &dyn ResourceKind,
    draft: Draft,
    findings: &mut Diagnostics,
) -> Option<Desired> {
    let table = kind.table();
    let mut object_findings = Diagnostics::default();
    let mut auditor = Auditor {
        origin: &draft.origin,
        findings: &mut object_findings,
        table,
        references: Vec::new(),
    };
    let identity = auditor.identity(table, &draft);
    let (mut fields, creation) = auditor.desired(draft.desired.entries());
    if draft.absent.is_none() {
        auditor.manifest_only(table, &fields, &draft);
    }
    auditor.lifecycle(kind, &draft, &fields, &creation);
    auditor.schedule(kind, &draft);
    let mut policy = auditor.policy(table, &draft.policy);
    policy.absent = draft.absent.is_some();
    let references = std::mem::take(&mut auditor.references);
    let location =
        |path: &str| find_mark(table.desired, &draft.desired, path).unwrap_or(draft.desired.mark);
    conditions::audit_conditions(table.desired, &mut fields, &mut |path, finding| {
        object_findings.push(finding.at(&draft.origin.source, location(path)));
    });
    for reversed in dates::find_reversed(table.desired, &fields) {
        let begin = Origin {
            source: Arc::clone(&draft.origin.source),
            mark: location(&reversed.begin.to_string()),
        };
        object_findings.push(
            Diagnostic::error("end-before-begin", reversed.words())
                .at(&draft.origin.source, location(&reversed.end.to_string()))
                .also(begin, "it begins here"),
        );
    }
    for (field, other) in exclusive::find_exclusive(table.desired, &fields) {
        let also = Origin {
            source: Arc::clone(&draft.origin.source),
            mark: location(other),
        };
        object_findings.push(
            Diagnostic::error("exclusive-fields", exclusive::describe(field, other))
                .at(&draft.origin.source, location(field))
                .also(also, "the other one stands here")
                .hint("leave out the one that the vendor shall keep as it is"),
        );
    }
    let desired = Desired {
        address: draft.address,
        vendor: table.vendor,
        connection: Text::default(),
        identity,
        fields: PackedFields::new(table.desired, &fields),
        creation: CreationFields::new(table.lifecycle.creation_fields(), &creation),
        policy: policy.into(),
        labels: draft.labels,
        origin: draft.origin.clone(),
        references: References::new(references),
        layers: LayerNames::default(),
        coming: match draft.policy.schedule {
            Some(_) => ComingStates::at_vendor(Vec::new()),
            None => ComingStates::default(),
        },
    };
    lifecycle::refuse_other_key(table, &desired, &location, &mut object_findings);
    if !object_findings.has_errors() {
        kind.audit(&desired, &location, &mut object_findings);
    }
    let whole = !object_findings.has_errors();
    findings.extend(object_findings);
    whole.then_some(desired)
}

/// Checks the fields of an edition by themselves: names, types, bounds and keys. What depends on an object is checked once
/// it has the edition.
pub fn audit_fields(kind: &dyn ResourceKind, entries: &[Entry], origin: &Origin) -> Diagnostics {
    let mut findings = Diagnostics::default();
    let table = kind.table();
    let mut auditor = Auditor {
        origin,
        findings: &mut findings,
        table,
        references: Vec::new(),
    };
    auditor.desired(entries);
    findings
}

/// Carries the manifest's origin, the findings so far and the table of the kind through the checks.
struct Auditor<'a> {
    origin: &'a Origin,
    findings: &'a mut Diagnostics,
    table: &'static KindTable,
    /// References in place of ids, as far as they are read.
    references: Vec<Reference>,
}

impl Auditor<'_> {
    /// Adds a finding at a place of the manifest.
    fn report(&mut self, finding: Diagnostic, mark: Mark) {
        self.findings.push(finding.at(&self.origin.source, mark));
    }

    /// Reports fields that the manifest must state because every write needs them and no read returns them. A natural key
    /// states its members.
    fn manifest_only(&mut self, table: &KindTable, fields: &Fields, draft: &Draft) {
        let desired = &draft.desired;
        let key = table.lifecycle.key.filter(|_| draft.is_keyed);
        let stated = |name| key.is_some_and(|key| key.names(name));
        for field in table.desired {
            if field.need == Need::InManifest
                && !fields.contains_key(field.name)
                && !stated(field.name)
            {
                // A field that was there but wrong has been reported.
                if desired.get(field.name).is_some() {
                    continue;
                }
                let message = format!("`{}` must be in the manifest", field.name);
                let finding = Diagnostic::error("missing-field", message)
                    .hint("every write sends it and no read returns it");
                self.report(finding, desired.mark);
            }
        }
    }
}
