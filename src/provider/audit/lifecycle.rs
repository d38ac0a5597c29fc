//! Checks what a manifest says about the object as a whole: that it may be created, or that it is to be gone.
//!
//! In: a draft and its fields. Out: findings where the vendor has no such call, or a creation lacks what it needs.

use super::Auditor;
use crate::model::draft::Draft;
use crate::model::{Diagnostic, Fields, KindTable, Mark};

impl Auditor<'_> {
    /// Reports `create: true` and `state: absent` where the kind cannot do it, and both together.
    pub(super) fn lifecycle(&mut self, table: &KindTable, draft: &Draft, fields: &Fields) {
        if let Some(mark) = draft.absent {
            self.removal(table, mark);
        }
        match (draft.policy.create, draft.absent) {
            (Some(mark), Some(_)) => {
                let message = "`create: true` and `state: absent` contradict each other";
                self.report(Diagnostic::error("bad-choice", message), mark);
            }
            (Some(mark), None) => self.creation(table, draft, fields, mark),
            (None, _) => {}
        }
    }

    fn removal(&mut self, table: &KindTable, mark: Mark) {
        if table.lifecycle.remove.is_some() {
            return;
        }
        let message = format!("{} has no documented call that removes it", table.kind);
        let finding = Diagnostic::error("no-removal", message);
        let off = table.lifecycle.off;
        let finding = match off.is_empty() {
            true => finding,
            false => finding.hint(off.to_string()),
        };
        self.report(finding, mark);
    }

    fn creation(&mut self, table: &KindTable, draft: &Draft, fields: &Fields, mark: Mark) {
        let lifecycle = &table.lifecycle;
        let Some(create) = lifecycle.create else {
            let message = format!("{} has no documented call that creates it", table.kind);
            self.report(Diagnostic::error("no-creation", message), mark);
            return;
        };
        if let (Some(key), false) = (lifecycle.key, draft.is_keyed) {
            let message = "an object that is named by the vendor's id is there already";
            let finding = Diagnostic::error("no-creation", message).hint(format!(
                "name it by `{}` in place of its id, so that it is found before it is created",
                key.member
            ));
            return self.report(finding, mark);
        }
        let missing = create.missing(fields);
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
