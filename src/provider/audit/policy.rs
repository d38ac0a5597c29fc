//! Policies: what they name must be something that plans speak of.

use super::Auditor;
use super::paths::{in_plans, path_fault};
use crate::model::draft::PolicyDraft;
use crate::model::{Diagnostic, Field, KindTable, Policy, Shape};

impl Auditor<'_> {
    pub(super) fn policy(&mut self, table: &KindTable, draft: &PolicyDraft) -> Policy {
        let lists = || {
            let list = |f: &&Field| matches!(f.shape, Shape::Set(_) | Shape::Keyed(_));
            table.desired.iter().filter(list).filter(|f| in_plans(f))
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
        for (pattern, mark) in &draft.ignore {
            if let Some(finding) = path_fault("ignore", table.desired, &pattern.parts) {
                self.report(finding, *mark);
            }
        }
        Policy {
            mode: draft.mode,
            keep_unlisted: draft
                .keep_unlisted
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            ignore: draft
                .ignore
                .iter()
                .map(|(pattern, _)| pattern.clone())
                .collect(),
            allow: draft.allow,
            until: draft.until,
            reason: draft.reason.clone(),
            resync: draft.resync,
        }
    }
}
