//! Compares an inverse that was saved with the one that today's manifests and live values give.
//!
//! An undo is planned, reviewed and carried out later. What is sent is always the inverse made anew; this file
//! marks the objects for which it is not what was reviewed.

use std::collections::BTreeMap;

use super::{NOT_IN_MANIFESTS, Undone};
use crate::model::{Diagnostic, Diagnostics};
use crate::plan::document::{ObjectEntry, PlanDocument};
use crate::plan::movement;

impl Undone {
    /// Marks objects as stale whose manifest or live values moved since the inverse was saved.
    ///
    /// Returns a finding for each saved update whose object is not found any more; `in_scope` takes an address
    /// and limits these. An object is stale if its manifest changed, or if it has an update that is not the one
    /// saved. Example: the saved inverse sets `count` from 5 to 10, and by now 6 is live: the fingerprints
    /// differ, and nothing is sent.
    pub fn hold_to(
        &mut self,
        saved: &PlanDocument,
        in_scope: &dyn Fn(&str) -> bool,
    ) -> Diagnostics {
        let mut shown: BTreeMap<&str, &ObjectEntry> = saved
            .objects
            .iter()
            .map(|entry| (entry.address.as_str(), entry))
            .collect();
        let pass = &mut self.pass;
        for (planned, entry) in pass.planned.iter().zip(&pass.document.objects) {
            let shown = shown.remove(entry.address.as_str());
            let address = &planned.desired.address;
            let moved = shown.zip(self.manifests.get(address));
            let moved = moved.and_then(|(shown, manifest)| {
                let (then, now) = (&saved.source, &pass.document.source);
                movement::check_unmoved(shown, then, manifest, now).err()
            });
            let moved = moved.map(|moved| moved.to_string());
            let same = shown.is_some_and(|shown| is_same_work(entry, shown));
            let changed = !same && planned.action.writes();
            let why = "its live values changed after the plan was made: undo again";
            if let Some(why) = moved.or(changed.then(|| why.into())) {
                pass.moved.insert(address.clone(), why);
            }
        }
        let mut findings = Diagnostics::default();
        let is_gone = |entry: &&ObjectEntry| entry.action.writes() && in_scope(&entry.address);
        for entry in shown.into_values().filter(is_gone) {
            let address = &entry.address;
            let what =
                format!("{address}: its manifest is gone or has another name: nothing is sent");
            let finding = Diagnostic::warning(NOT_IN_MANIFESTS, what);
            findings.push(finding.hint("undo again"));
        }
        findings
    }
}

/// Reports whether both send the same calls from the same live values.
fn is_same_work(one: &ObjectEntry, other: &ObjectEntry) -> bool {
    let mut calls = one.calls.iter().zip(&other.calls);
    one.calls.len() == other.calls.len()
        && calls.all(|(one, other)| one.is_same(other))
        && one.fingerprint == other.fingerprint
}
