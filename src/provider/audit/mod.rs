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

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use super::canon::{self, Edge, Scalar};
use super::{ResourceKind, conditions, dates, exclusive};
use crate::model::dated::ComingStates;
use crate::model::draft::Draft;
use crate::model::field::{Elements, find_field, members_of};
use crate::model::json::json_number;
use crate::model::node::Entry;
use crate::model::{
    Clearing, Desired, Diagnostic, Diagnostics, ElementKey, Field, FieldPath, Fields, KindTable,
    LayerNames, Mark, Need, Node, Origin, PackedFields, Reference, ReferenceSpot, References,
    Shape, Text, Tree, Value,
};

mod identity;
mod lifecycle;
mod paths;
mod policy;
mod reference;

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
    let mut fields = auditor.fields(
        table.desired,
        draft.desired.entries(),
        &AuditSpot::Object,
        &[],
    );
    if draft.absent.is_none() {
        auditor.manifest_only(table, &fields, &draft);
    }
    auditor.lifecycle(kind, &draft, &fields);
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
        policy: policy.into(),
        labels: draft.labels,
        origin: draft.origin.clone(),
        references: References::new(references),
        layers: LayerNames::default(),
        coming: ComingStates::default(),
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
    auditor.fields(table.desired, entries, &AuditSpot::Object, &[]);
    findings
}

/// Names the field or element that is being checked. It becomes a path only in a finding: most objects have none, and
/// building a path for each field would cost more than the check.
#[derive(Clone, Copy)]
enum AuditSpot<'a> {
    Object,
    Field(&'a AuditSpot<'a>, &'static str),
    Element(&'a AuditSpot<'a>, &'a ElementKey),
}

impl AuditSpot<'_> {
    /// Builds the path from the object down to here.
    fn path(&self) -> FieldPath {
        match self {
            AuditSpot::Object => FieldPath::default(),
            AuditSpot::Field(above, name) => above.path().field(name),
            AuditSpot::Element(above, key) => above.path().element((*key).clone()),
        }
    }
}

impl fmt::Display for AuditSpot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().fmt(f)
    }
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

    /// Checks the fields of a map and returns the valid ones. `also` names members that are no fields: the keys of an
    /// element.
    fn fields(
        &mut self,
        table: &'static [Field],
        entries: &[Entry],
        at: &AuditSpot<'_>,
        also: &[&str],
    ) -> Fields {
        let mut fields = Fields::with_capacity(entries.len().saturating_sub(also.len()));
        for entry in entries {
            if also.contains(&entry.key.as_str()) {
                continue;
            }
            // The name of a member of an object is no key of a manifest.
            let field = find_field(table, &entry.key);
            let field = field.filter(|field| field.record_member().is_none());
            let Some(field) = field else {
                let members: Vec<_> = members_of(table, &entry.key).collect();
                if !members.is_empty() {
                    self.record(&members, entry, at, &mut fields);
                    continue;
                }
                let known = table
                    .iter()
                    .map(|field| {
                        field
                            .record_member()
                            .map_or(field.name, |(record, _)| record)
                    })
                    .chain(also.iter().copied());
                let location = match at {
                    AuditSpot::Object => "desired".into(),
                    AuditSpot::Field(..) | AuditSpot::Element(..) => at.to_string(),
                };
                let message = format!("unknown field `{}` in {location}", entry.key);
                let finding = Diagnostic::error("unknown-field", message);
                // The vendor's page prints the object's own id in the body; here it stands beside `desired`.
                let mut ids = self.table.identity.iter().map(|identity| identity.name);
                let id = ids.find(|id| id.eq_ignore_ascii_case(&entry.key));
                let finding = match id {
                    Some(id) => {
                        finding.hint(format!("the id is `spec.{id}`, not part of `desired`"))
                    }
                    None => finding.suggest(&entry.key, known),
                };
                self.report(finding, entry.key_mark);
                continue;
            };
            let path = AuditSpot::Field(at, field.name);
            if let Some(value) = self.value(field, &entry.value, &path) {
                fields.insert(field.name, value);
            }
        }
        fields
    }

    /// Checks an object whose members are fields, and adds the valid ones to `fields`. Null clears all of them.
    fn record(
        &mut self,
        members: &[(&'static str, &'static Field)],
        entry: &Entry,
        at: &AuditSpot<'_>,
        fields: &mut Fields,
    ) {
        let record = &entry.key;
        let mut check = |auditor: &mut Self, field: &'static Field, node: &Node| {
            let path = AuditSpot::Field(at, field.name);
            if let Some(value) = auditor.value(field, node, &path) {
                fields.insert(field.name, value);
            }
        };
        let inside = match &entry.value.tree {
            Tree::Map(inside) => inside,
            Tree::Null => {
                let all = members.iter();
                return all.for_each(|(_, field)| check(self, field, &entry.value));
            }
            _ => {
                let message = format!("`{record}` must be a map, not {}", entry.value.describe());
                return self.report(Diagnostic::error("wrong-type", message), entry.value.mark);
            }
        };
        for inner in inside {
            match members.iter().find(|(name, _)| *name == inner.key) {
                Some((_, field)) => check(self, field, &inner.value),
                None => {
                    let message = format!("unknown field `{}` in {record}", inner.key);
                    let finding = Diagnostic::error("unknown-field", message)
                        .suggest(&inner.key, members.iter().map(|(name, _)| *name));
                    self.report(finding, inner.key_mark);
                }
            }
        }
    }

    /// Checks one value against the shape of its field. `None` after a finding.
    ///
    /// Null clears a field and is refused where the vendor has no way to clear it; a list that is null is an empty
    /// list.
    fn value(&mut self, field: &'static Field, node: &Node, path: &AuditSpot<'_>) -> Option<Value> {
        let list = matches!(field.shape, Shape::Set(_) | Shape::Keyed(_));
        if node.tree == Tree::Null && field.clearing == Clearing::Impossible && !list {
            let message = format!("`{path}` cannot be cleared: the vendor has no way to say it");
            let finding = Diagnostic::error("cannot-clear", message)
                .hint("leave the field out to keep its live value");
            self.report(finding, node.mark);
            return None;
        }
        let is_free = matches!(field.shape, Shape::Object | Shape::Keyed(_));
        if !is_free && reference::is_reference(node) {
            let kind = field.refers_to.filter(|_| !list);
            let spot = ReferenceSpot::Field(field.name);
            return self.reference(node, spot, kind).map(Value::Text);
        }
        match (&field.shape, &node.tree) {
            (Shape::Set(inner), Tree::List(items)) => Some(self.set(field, inner, items, path)),
            (Shape::Keyed(elements), Tree::List(items)) => Some(self.items(elements, items, path)),
            (Shape::Object, Tree::Map(_)) => Some(Value::Json(Box::new(self.json(node, path)))),
            (shape, Tree::List(_) | Tree::Map(_)) => {
                let message = format!("`{path}` must be {}, not {}", shape.name(), node.describe());
                self.report(Diagnostic::error("wrong-type", message), node.mark);
                None
            }
            (Shape::Set(_) | Shape::Keyed(_) | Shape::Object, tree) if *tree != Tree::Null => {
                let shape = field.shape.name();
                let message = format!("`{path}` must be a {shape}, not {}", node.describe());
                self.report(Diagnostic::error("wrong-type", message), node.mark);
                None
            }
            (shape, _) => self.scalar(shape, field.clearing, node, path),
        }
    }

    /// Makes a scalar canonical, or reports why it does not fit and returns `None`.
    fn scalar(
        &mut self,
        shape: &Shape,
        clearing: Clearing,
        node: &Node,
        path: &AuditSpot<'_>,
    ) -> Option<Value> {
        match canon::canonical_scalar(shape, clearing, as_scalar(node), Edge::Manifest) {
            Ok(value) => Some(value),
            Err(misfit) => {
                let mut finding =
                    Diagnostic::error(misfit.code, format!("`{path}`: {}", misfit.message));
                finding.hint = misfit.hint;
                self.report(finding, node.mark);
                None
            }
        }
    }

    /// Checks the members of a set. An empty member is an error, one that occurs twice a warning.
    fn set(
        &mut self,
        field: &'static Field,
        inner: &Shape,
        items: &[Node],
        path: &AuditSpot<'_>,
    ) -> Value {
        let mut members = std::collections::BTreeSet::new();
        for item in items {
            if reference::is_reference(item) {
                let spot = ReferenceSpot::Member(field.name);
                let text = self.reference(item, spot, field.refers_to);
                members.extend(text);
                continue;
            }
            if item.tree == Tree::Null {
                let message = format!("`{path}` has an empty member");
                self.report(Diagnostic::error("wrong-type", message), item.mark);
                continue;
            }
            if let Some(Value::Text(text)) = self.scalar(inner, Clearing::Impossible, item, path) {
                if text.is_empty() {
                    let message = format!("`{path}` has an empty member");
                    self.report(Diagnostic::error("empty", message), item.mark);
                } else if !members.insert(text.clone()) {
                    let message = format!("`{path}` names {text:?} twice");
                    self.report(Diagnostic::warning("duplicate-member", message), item.mark);
                }
            }
        }
        Value::Set(Box::new(members))
    }

    /// Checks the elements of a keyed list. Two elements with one key are an error that shows both places: the second
    /// would silently replace the first.
    fn items(
        &mut self,
        elements: &'static Elements,
        items: &[Node],
        path: &AuditSpot<'_>,
    ) -> Value {
        let mut found: Vec<(ElementKey, Fields)> = Vec::with_capacity(items.len());
        let mut seen: BTreeMap<ElementKey, Mark> = BTreeMap::new();
        for item in items {
            if !matches!(item.tree, Tree::Map(_)) {
                let message = format!(
                    "an element of `{path}` must be a map, not {}",
                    item.describe()
                );
                self.report(Diagnostic::error("wrong-type", message), item.mark);
                continue;
            }
            let Some(key) = self.key(elements, item, path) else {
                continue;
            };
            let at = AuditSpot::Element(path, &key);
            if let Some(first) = seen.get(&key) {
                let finding = Diagnostic::error("duplicate-list-key", format!("{at} stands twice"))
                    .also(
                        Origin {
                            source: Arc::clone(&self.origin.source),
                            mark: *first,
                        },
                        "it stands here first",
                    );
                self.report(finding, item.mark);
                continue;
            }
            seen.insert(key.clone(), item.mark);
            let fields = self.fields(elements.fields, item.entries(), &at, elements.key);
            found.push((key, fields));
        }
        Value::Items(found.into())
    }

    /// Reads the key of an element. `None` after a finding: a part is missing, empty or no text.
    ///
    /// A number is not converted to text, because `1.10` and `1.1` are one number and two keys.
    fn key(
        &mut self,
        elements: &Elements,
        item: &Node,
        path: &AuditSpot<'_>,
    ) -> Option<ElementKey> {
        let mut parts = Vec::new();
        for name in elements.key {
            match item.get(name).map(|node| (node, &node.tree)) {
                Some((_, Tree::Text(text))) if !text.trim().is_empty() => {
                    parts.push(text.as_str().into())
                }
                Some((node, Tree::Text(_))) => {
                    let message = format!("`{path}[].{name}` must not be empty");
                    self.report(Diagnostic::error("wrong-type", message), node.mark);
                    return None;
                }
                Some((node, _)) => {
                    let message =
                        format!("`{path}[].{name}` must be text, not {}", node.describe());
                    let quoted = matches!(
                        node.tree,
                        Tree::Integer(_) | Tree::Number(_) | Tree::Bool(_)
                    );
                    let mut finding = Diagnostic::error("wrong-type", message);
                    if quoted {
                        finding = finding.hint("put the value in quotes");
                    }
                    self.report(finding, node.mark);
                    return None;
                }
                None => {
                    let message = format!("an element of `{path}` needs the field `{name}`");
                    self.report(Diagnostic::error("missing-field", message), item.mark);
                    return None;
                }
            }
        }
        Some(ElementKey::new(parts, elements.fold))
    }

    /// Returns a free-form node as JSON, its numbers with the digits that they are written with.
    fn json(&mut self, node: &Node, path: &AuditSpot<'_>) -> Json {
        match &node.tree {
            Tree::Null => Json::Null,
            Tree::Bool(value) => Json::from(*value),
            Tree::Integer(value) => Json::from(*value),
            Tree::Number(raw) => match json_number(raw) {
                Some(number) => Json::Number(number),
                None => {
                    let message = format!("`{path}` holds {raw}, which is no number in JSON");
                    let finding = Diagnostic::error("bad-number", message)
                        .hint("write it in decimal digits, or in quotes if it is text");
                    self.report(finding, node.mark);
                    Json::Null
                }
            },
            Tree::Text(text) => Json::from(text.as_str()),
            Tree::List(items) => items.iter().map(|item| self.json(item, path)).collect(),
            Tree::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), self.json(&entry.value, path)))
                .collect(),
        }
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

/// Returns the scalar of a node; `Null` for a list or map, which the caller has handled.
fn as_scalar(node: &Node) -> Scalar<'_> {
    match &node.tree {
        Tree::Null | Tree::List(_) | Tree::Map(_) => Scalar::Null,
        Tree::Bool(value) => Scalar::Bool(*value),
        Tree::Integer(value) => Scalar::Integer(*value),
        Tree::Number(raw) => Scalar::Number(raw),
        Tree::Text(text) => Scalar::Text(text),
    }
}
