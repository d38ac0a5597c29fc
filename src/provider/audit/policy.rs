//! Checks policies: each name and path in them must be one that plans can contain.
//!
//! In: the `PolicyDraft` of a manifest. Out: a `Policy` with canonical names, and findings for those that name
//! nothing. Permission is not judged here: `plan` compares `allow` with the risk of a change.

use super::Auditor;
use super::paths::path_fault;
use crate::model::draft::PolicyDraft;
use crate::model::field::{canonical_name, find_field, members_of};
use crate::model::path::PatternPart;
use crate::model::{Diagnostic, Field, KindTable, PathPattern, Policy, Shape};

impl Auditor<'_> {
    /// Checks the policy of a draft. Faulty entries are reported and stay in the result, which is discarded on any
    /// error.
    pub(super) fn policy(&mut self, table: &KindTable, draft: &PolicyDraft) -> Policy {
        let lists = || {
            let list = |f: &&Field| matches!(f.shape, Shape::Set(_) | Shape::Keyed(_));
            table.desired.iter().filter(list)
        };
        for (name, mark) in &draft.keep_unlisted {
            if !lists().any(|field| field.name == name) {
                let message = format!(
                    "keepUnlisted names `{name}`, which is no list of {}",
                    table.kind
                );
                let finding = Diagnostic::error("unknown-field", message)
                    .suggest(name, lists().map(|field| field.name));
                self.report(finding, *mark);
            }
        }
        let ignore = draft.ignore.iter().map(|(pattern, mark)| {
            let pattern = in_plans(table, pattern);
            let fault = creation_fault(table, &pattern);
            let fault = fault.or_else(|| path_fault("ignore", table.desired, &pattern.parts));
            if let Some(finding) = fault {
                self.report(finding, *mark);
            }
            pattern
        });
        let ignore = ignore.collect();
        let absent_is_empty = draft.absent_is_empty.iter().map(|(pattern, mark)| {
            let pattern = in_plans(table, pattern);
            if let Some(finding) = self.never_empty(table, &pattern) {
                self.report(finding, *mark);
            }
            pattern
        });
        let absent_is_empty = absent_is_empty.collect();
        Policy {
            mode: draft.mode,
            keep_unlisted: draft
                .keep_unlisted
                .iter()
                .map(|(name, _)| canonical_name(table.desired, name).to_string())
                .collect(),
            ignore,
            given_up: Vec::new(),
            absent_is_empty,
            allow: draft.allow,
            until: draft.until,
            reason: draft.reason.clone(),
            resync: draft.resync,
            create: draft.create.is_some(),
            schedule: draft.schedule.is_some(),
            absent: false,
            only_read: false,
        }
    }

    /// Returns why a path of `absentIsEmpty` names nothing that can be empty; `None` if it can be.
    fn never_empty(&self, table: &KindTable, pattern: &PathPattern) -> Option<Diagnostic> {
        if let Some(fault) = path_fault("absentIsEmpty", table.desired, &pattern.parts) {
            return Some(fault);
        }
        let mut fields = table.desired;
        let mut named = None;
        for part in &pattern.parts {
            let PatternPart::Field(name) = part else {
                named = None;
                continue;
            };
            named = find_field(fields, name);
            if let Some(Shape::Keyed(elements)) = named.map(|field| &field.shape) {
                fields = elements.fields;
            }
        }
        let mut members = pattern
            .parts
            .iter()
            .flat_map(|part| match part {
                PatternPart::Field(name) => Some(members_of(table.desired, name)),
                PatternPart::Element(_) | PatternPart::AnyElement => None,
            })
            .flatten();
        if named.is_some_and(Field::can_be_empty) || members.any(|(_, field)| field.can_be_empty())
        {
            return None;
        }
        let message = "absentIsEmpty names what is never empty";
        Some(Diagnostic::error("bad-path", message).hint(
            "name a list, or a field that `null` clears: `customLimits`, `Features[*].comment`",
        ))
    }
}

/// Returns why there is nothing to ignore in a field that only a creation takes; `None` for any other field.
fn creation_fault(table: &KindTable, pattern: &PathPattern) -> Option<Diagnostic> {
    let Some(PatternPart::Field(name)) = pattern.parts.first() else {
        return None;
    };
    find_field(table.lifecycle.creation_fields(), name)?;
    let message = format!("ignore names `{name}`, which is only used at creation");
    let finding = Diagnostic::error("bad-path", message);
    Some(finding.hint("leave it out: nothing compares the field with the object that is there"))
}

/// Replaces the first name of a pattern by its canonical one: a policy may name a list as its manifest does,
/// `userGroups` for `userGroupIds`.
fn in_plans(table: &KindTable, pattern: &PathPattern) -> PathPattern {
    let mut pattern = pattern.clone();
    if let Some(PatternPart::Field(name)) = pattern.parts.first_mut() {
        *name = canonical_name(table.desired, name).to_string();
    }
    pattern
}
