//! Findings that many objects have in common, such as those about the template of a set: each is reported once, with the
//! number of objects that it concerns.

use std::collections::{BTreeSet, HashMap};

use crate::model::{Diagnostic, Diagnostics};

/// The findings of many objects, in the order in which they came up.
#[derive(Default)]
pub struct CountedFindings {
    findings: Vec<(Diagnostic, usize)>,
    known: HashMap<FindingKey, usize>,
    /// What was counted and not kept.
    more: Diagnostics,
}

/// What two findings have in common that are shown as one: code, message and place.
pub(super) type FindingKey = (&'static str, String, Option<(String, u32)>);

impl CountedFindings {
    /// Adds the findings of one object.
    pub fn add(&mut self, found: Diagnostics) {
        let mut counted = BTreeSet::new();
        for finding in found.iter() {
            let index = *self.known.entry(key_of(finding)).or_insert_with(|| {
                self.findings.push((finding.clone(), 0));
                self.findings.len() - 1
            });
            // A template may have the same fault twice in one object, by way of one value.
            if counted.insert(index) {
                self.findings[index].1 += 1;
            }
        }
        self.more.extend(found.filter(|_| false));
    }

    /// Returns each finding once. One of several objects says of how many.
    pub fn end(self) -> Diagnostics {
        let mut findings = Diagnostics::default();
        for (mut finding, objects) in self.findings {
            if objects > 1 {
                finding.message += &format!(" (the same for {objects} objects)");
            }
            findings.push(finding);
        }
        findings.extend(self.more);
        findings
    }
}

/// Returns what a finding has in common with those that are shown together with it.
pub(super) fn key_of(finding: &Diagnostic) -> FindingKey {
    let origin = finding.origin.as_ref();
    let found_at = origin.map(|origin| (origin.source.name.clone(), origin.mark.start));
    (finding.code, finding.message.clone(), found_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;

    fn found(messages: &[&str]) -> Diagnostics {
        let mut found = Diagnostics::default();
        for message in messages {
            found.push(Diagnostic::error("bad-value", *message));
        }
        found
    }

    #[test]
    fn a_finding_of_many_objects_says_of_how_many() {
        let mut counted = CountedFindings::default();
        for messages in [&["a", "b"][..], &["a", "a"], &["c"]] {
            counted.add(found(messages));
        }
        let findings = counted.end();
        let messages: Vec<&str> = findings.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(messages, ["a (the same for 2 objects)", "b", "c"]);
        assert_eq!(findings.count(Severity::Error), 3);
    }
}
