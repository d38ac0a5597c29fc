//! Checks what a manifest says about the object as a whole: that it may be created, or that it is to be gone.
//!
//! In: a draft and its fields. Out: findings where the vendor has no such call, or a creation lacks what it needs.

use super::Auditor;
use crate::model::draft::Draft;
use crate::model::{Desired, Diagnostic, Diagnostics, Fields, KindTable, Mark, Value};
use crate::provider::ResourceKind;

impl Auditor<'_> {
    /// Reports `create: true` and `state: absent` where the kind cannot do it, and both together.
    pub(super) fn lifecycle(
        &mut self,
        kind: &dyn ResourceKind,
        draft: &Draft,
        fields: &Fields,
        creation: &Fields,
    ) {
        if let Some(mark) = draft.absent {
            self.removal(kind, mark);
        }
        match (draft.policy.create, draft.absent) {
            (Some(mark), Some(_)) => {
                let message = "`create: true` and `state: absent` contradict each other";
                self.report(Diagnostic::error("bad-choice", message), mark);
            }
            (Some(mark), None) => {
                let stated = |name: &str| fields.get(name).or_else(|| creation.get(name));
                self.creation(kind, draft, &stated, mark);
            }
            (None, _) => {}
        }
    }

    /// Reports `schedule: vendor` where the vendor schedules nothing for objects of the kind.
    pub(super) fn schedule(&mut self, kind: &dyn ResourceKind, draft: &Draft) {
        let Some(mark) = draft.policy.schedule.filter(|_| kind.scheduler().is_none()) else {
            return;
        };
        let message = format!(
            "{} schedules no changes of {} objects",
            kind.vendor(),
            kind.table().kind
        );
        let finding = Diagnostic::error("no-schedule", message).hint(
            "leave `schedule` out: an apply or `watch` carries out each change at its moment",
        );
        self.report(finding, mark);
    }

    fn removal(&mut self, kind: &dyn ResourceKind, mark: Mark) {
        let table = kind.table();
        if table.lifecycle.remove.is_some() {
            return;
        }
        let message = format!("{} objects are never removed", table.kind);
        let finding = Diagnostic::error("no-removal", message);
        let hints = [kind.omissions().removal, table.lifecycle.off];
        self.report(hinted(finding, &hints), mark);
    }

    fn creation<'f>(
        &mut self,
        kind: &dyn ResourceKind,
        draft: &Draft,
        stated: &dyn Fn(&str) -> Option<&'f Value>,
        mark: Mark,
    ) {
        let table = kind.table();
        let lifecycle = &table.lifecycle;
        let Some(create) = lifecycle.create else {
            let message = format!("{} objects are never created", table.kind);
            let finding = Diagnostic::error("no-creation", message);
            return self.report(hinted(finding, &[kind.omissions().creation]), mark);
        };
        if let (Some(key), false) = (lifecycle.key, draft.is_keyed) {
            let message = "an object that is named by the vendor's id is there already";
            let finding = Diagnostic::error("no-creation", message).hint(format!(
                "name it by `{}` in place of its id, so that it is found before it is created",
                key.member
            ));
            return self.report(finding, mark);
        }
        let missing = create.missing(stated);
        let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
        if !names.is_empty() {
            let are = if names.len() == 1 { "is" } else { "are" };
            let message = format!(
                "{} {are} required to create a {}",
                names.join(", "),
                table.kind
            );
            let finding = Diagnostic::error("missing-field", message);
            self.report(finding, draft.desired.mark);
        }
    }
}

/// Adds the hints that are not empty, as one.
fn hinted(finding: Diagnostic, hints: &[&str]) -> Diagnostic {
    let hints: Vec<&str> = { hints.iter().copied() }
        .filter(|hint| !hint.is_empty())
        .collect();
    match hints.is_empty() {
        true => finding,
        false => finding.hint(hints.join("; ")),
    }
}

/// Reports a field that is stated with another value than a natural key has for it: the write would change the key, and the
/// next run would no longer find the object. For example `name: Selling` beside `userGroup: {name: Sales}`.
pub(super) fn refuse_other_key(
    table: &KindTable,
    desired: &Desired,
    location: &dyn Fn(&str) -> Mark,
    findings: &mut Diagnostics,
) {
    let Some(key) = table.lifecycle.key.filter(|_| desired.is_keyed(table)) else {
        return;
    };
    for member in key.fields {
        let named = desired.id(member.name);
        if named.is_empty() {
            continue; // the id or the key is not valid, which has been reported
        }
        let is_other = match desired.fields.get(member.name) {
            Some(Value::Text(stated)) => stated != named,
            Some(Value::Integer(stated)) => stated.to_string() != named,
            _ => false,
        };
        if is_other {
            let message = format!(
                "`{}` differs from the {named:?} by which `{}` names the object",
                member.name, key.member
            );
            let hint = format!("to change it, name the object by its `{}`", key.replaces);
            let finding = Diagnostic::error("bad-choice", message).hint(hint);
            findings.push(finding.at(&desired.origin.source, location(member.name)));
        }
    }
}
