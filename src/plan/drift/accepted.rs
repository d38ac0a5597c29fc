//! Decides which differences are accepted, and finds acceptances that have expired or silence nothing.
//!
//! In: the `AcceptedDrift` entries of the manifests, the day, and the differences of each object. Out: for each
//! difference the entry that silences it, and findings about the entries. An entry holds up to and including the day
//! in `until`.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{By, Difference};
use crate::model::field::find_field;
use crate::model::{
    AcceptedDrift, Desired, Diagnostic, Diagnostics, Field, FieldPath, PathPart, Shape,
};

/// Matches entries with differences over a whole run, and records which entries were of use.
pub struct Ledger<'a> {
    entries: &'a [AcceptedDrift],
    today: Date,
    /// Entries that named a difference, silenced or not.
    met: BTreeSet<usize>,
    /// Objects that were compared.
    compared: BTreeSet<String>,
    /// Objects of the run that could not be compared.
    unread: BTreeSet<String>,
}

impl<'a> Ledger<'a> {
    /// Begins a run on the day `today` with these entries.
    pub fn new(entries: &'a [AcceptedDrift], today: Date) -> Self {
        Self {
            entries,
            today,
            met: BTreeSet::new(),
            compared: BTreeSet::new(),
            unread: BTreeSet::new(),
        }
    }

    /// Records an object that could not be compared. Its entries get no finding, since they may be of use.
    pub fn skip(&mut self, desired: &Desired) {
        self.unread.insert(desired.address.to_string());
    }

    /// Returns for each difference the entry that silences it, in the same order; `None` where none does.
    ///
    /// A change of the manifest's own side is no drift and is never silenced.
    pub fn accept(
        &mut self,
        table: &'static [Field],
        desired: &Desired,
        differences: &[Difference],
    ) -> Vec<Option<&'a AcceptedDrift>> {
        self.compared.insert(desired.address.to_string());
        let entries = self.entries;
        let matching: Vec<(usize, &AcceptedDrift)> = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.is_about(desired))
            .collect();
        differences
            .iter()
            .map(|difference| {
                let folds = folds_case(table, &difference.path);
                let mut silenced = None;
                for (number, entry) in &matching {
                    if !entry.covers(&difference.path, folds) {
                        continue;
                    }
                    self.met.insert(*number);
                    if difference.by != By::You && self.holds(entry) {
                        silenced = silenced.or(Some(*entry));
                    }
                }
                silenced
            })
            .collect()
    }

    /// Reports whether an entry has not expired.
    fn holds(&self, entry: &AcceptedDrift) -> bool {
        self.today <= entry.until
    }

    /// Returns a warning for each entry that has expired or silences nothing.
    ///
    /// `narrowed` is true for a run over some of the objects: then entries about other objects get no finding.
    pub fn findings(&self, narrowed: bool) -> Diagnostics {
        let mut findings = Diagnostics::default();
        for (number, entry) in self.entries.iter().enumerate() {
            let met = self.met.contains(&number);
            if let Some(finding) = self.finding(entry, met, narrowed) {
                findings.push(finding.at(&entry.origin.source, entry.origin.mark));
            }
        }
        findings.sorted()
    }

    /// Returns the warning about one entry; `met` is true if it named a difference of this run.
    fn finding(&self, entry: &AcceptedDrift, met: bool, narrowed: bool) -> Option<Diagnostic> {
        let AcceptedDrift { object, until, .. } = entry;
        if self.unread.contains(object) {
            return None;
        }
        if !self.compared.contains(object) {
            let message = format!("there is no {object} whose drift could be accepted");
            let known = self.compared.iter().map(String::as_str);
            let finding = Diagnostic::warning("accepted-unmatched", message);
            return (!narrowed).then(|| finding.suggest(object, known));
        }
        if !self.holds(entry) {
            let now = if met {
                "the field differs"
            } else {
                "nothing differs"
            };
            let message =
                format!("this drift of {object} was accepted until {until}, and {now} now");
            let hint = if met {
                "take it into the manifest, apply the manifest, or accept it until a later day"
            } else {
                "remove the entry"
            };
            return Some(Diagnostic::warning("accepted-expired", message).hint(hint));
        }
        let message = format!("nothing of {object} differs there, so nothing is accepted");
        let finding = Diagnostic::warning("accepted-unmatched", message);
        (!met).then(|| finding.hint("remove the entry"))
    }
}

/// Reports whether keys on a path are labels, as the list around them says.
fn folds_case(table: &'static [Field], path: &FieldPath) -> bool {
    let Some(PathPart::Field(name)) = path.parts().first() else {
        return false;
    };
    matches!(find_field(table, name).map(|field| &field.shape), Some(Shape::Keyed(elements)) if elements.fold)
}
