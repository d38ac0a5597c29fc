//! Warnings about manifests that only show once the live object is read, each logged once.
//!
//! An object is looked at every few minutes, and repeating a warning each time would bury the others. A warning is
//! logged again once it had disappeared, or when its text changes.

use std::collections::BTreeMap;

use crate::model::diagnostic::Severity;
use crate::model::{Address, Diagnostic};
use crate::plan::Planned;

/// The text of the warnings that hold at present, by object.
#[derive(Debug, Default)]
pub struct KnownWarnings(BTreeMap<Address, Vec<String>>);

impl KnownWarnings {
    /// Records the warnings of a pass and returns those that are new, with their objects.
    ///
    /// Errors are left out: what stops an object is its message and is logged as such.
    pub fn take_new<'a>(&mut self, planned: &'a [Planned]) -> Vec<(&'a Address, &'a Diagnostic)> {
        // An object that could not be read tells nothing about its warnings, so the known ones stay.
        let seen = planned
            .iter()
            .filter(|planned| planned.fingerprint.is_some());
        let mut news = Vec::new();
        for Planned {
            desired, findings, ..
        } in seen
        {
            let is_warning = |finding: &&Diagnostic| finding.severity == Severity::Warning;
            let warnings = findings.iter().filter(is_warning);
            let lines = Vec::from_iter(warnings.clone().map(Diagnostic::line));
            let before = match lines.is_empty() {
                true => self.0.remove(&desired.address),
                false => self.0.insert(desired.address.clone(), lines),
            };
            let before = before.unwrap_or_default();
            let is_new = |finding: &&Diagnostic| !before.contains(&finding.line());
            news.extend(
                warnings
                    .filter(is_new)
                    .map(|finding| (&desired.address, finding)),
            );
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Disposition;
    use crate::provider;
    use crate::provider::testing::desired_object;
    use std::sync::Arc;

    fn planned(read: bool, findings: &[Diagnostic]) -> [Planned; 1] {
        let lac = provider::find_kind("LacLicenseOrder").expect("a kind");
        let desired = Arc::new(desired_object(lac.table(), &[("activationKey", "K1")]));
        [Planned {
            fault: None,
            after: Vec::new(),
            desired,
            action: Disposition::None,
            changes: Vec::new(),
            step: None,
            fingerprint: read.then(String::new),
            message: None,
            findings: findings.to_vec(),
            resolved: Vec::new(),
        }]
    }

    #[test]
    fn a_warning_is_told_once_and_again_after_it_was_gone() {
        let mut known = KnownWarnings::default();
        let mut news =
            |read: bool, findings: &[Diagnostic]| known.take_new(&planned(read, findings)).len();
        let (one, other) = ("`licensee` has no effect", "`count` has no effect");
        let [one, other] = [one, other].map(|words| Diagnostic::warning("no-effect", words));
        let error = Diagnostic::error("reversed-dates", "ends before it begins");
        assert_eq!(
            news(true, &[one.clone(), error]),
            1,
            "the error is the message"
        );
        assert_eq!(news(true, std::slice::from_ref(&one)), 0);
        assert_eq!(news(false, &[]), 0);
        assert_eq!(news(true, &[one.clone(), other]), 1);
        assert_eq!(news(true, &[]), 0);
        assert_eq!(news(true, &[one]), 1);
    }
}
