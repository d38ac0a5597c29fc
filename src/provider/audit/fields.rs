//! Checks the members of maps: which of them are fields, and those of objects whose members are fields.

use super::Auditor;
use super::spot::AuditSpot;
use crate::model::field::{find_field, members_of};
use crate::model::node::Entry;
use crate::model::{Diagnostic, Field, Fields, Node, Tree};

impl Auditor<'_> {
    /// Checks the members of `desired`. Returns those that every call may have, and those that only a creation takes.
    pub(super) fn desired(&mut self, entries: &[Entry]) -> (Fields, Fields) {
        let only = self.table.lifecycle.creation_fields();
        let names: Vec<&str> = only.iter().map(|field| field.name).collect();
        let fields = self.fields(self.table.desired, entries, &AuditSpot::Object, &names);
        let mut creation = Fields::new();
        for entry in entries {
            let Some(field) = find_field(only, &entry.key) else {
                continue;
            };
            let path = AuditSpot::Field(&AuditSpot::Object, field.name);
            if let Some(value) = self.value(field, &entry.value, &path) {
                creation.insert(field.name, value);
            }
        }
        (fields, creation)
    }

    /// Checks the fields of a map and returns the valid ones. `also` names members that are checked elsewhere: the keys of
    /// an element, and what only a creation takes.
    pub(super) fn fields(
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
}
