//! Chooses which findings a terminal shows, and counts the others by folder.
//!
//! A command in the wrong folder finds thousands of mistakes. Twenty are enough to see that, and the folders of the
//! others show which files were read by mistake.
//!
//! ```text
//! 644 more errors, not shown:
//!     412  tests/vendors
//!     232  tests/invalid
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::model::wording::pluralize;
use crate::model::{Diagnostic, Diagnostics, Severity};

/// The most findings that are shown one by one.
const MAX_SHOWN: usize = 20;

/// The most folders by which the other findings are counted.
const MAX_FOLDERS: usize = 8;

/// How many findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingLimit {
    /// Twenty, errors before warnings.
    Few,
    /// Every one that was kept.
    All,
}

/// The findings of a run, divided into those that are shown and those that are counted.
pub struct FindingList<'a> {
    /// In the order of their files.
    pub shown: Vec<&'a Diagnostic>,
    hidden: Vec<&'a Diagnostic>,
    errors: usize,
    warnings: usize,
    /// Files with a finding.
    files: usize,
}

impl<'a> FindingList<'a> {
    /// Divides findings. Of more than `limit` the first errors are shown, then the first warnings.
    pub fn new(findings: &'a Diagnostics, limit: FindingLimit) -> Self {
        let all = || findings.iter().filter(|finding| !finding.counts_others());
        let most = match limit {
            FindingLimit::Few => MAX_SHOWN,
            FindingLimit::All => usize::MAX,
        };
        let of = |severity| {
            all()
                .filter(move |finding| finding.severity == severity)
                .count()
        };
        let mut errors_left = of(Severity::Error).min(most);
        let mut warnings_left = most - errors_left;
        let is_shown = |finding: &&Diagnostic| {
            let left = match finding.severity {
                Severity::Error => &mut errors_left,
                Severity::Warning => &mut warnings_left,
            };
            let shown = *left > 0;
            *left = left.saturating_sub(1);
            shown
        };
        let (shown, hidden) = all().partition(is_shown);
        let files: BTreeSet<&str> = all().filter_map(file_of).collect();
        Self {
            shown,
            hidden,
            errors: findings.count(Severity::Error),
            warnings: findings.count(Severity::Warning),
            files: files.len(),
        }
    }

    /// Reports whether some findings are not shown.
    pub fn hides_some(&self) -> bool {
        self.shown.len() < self.errors + self.warnings
    }

    /// Reports whether there is an error, or more than one warning.
    pub fn are_worth_a_count(&self) -> bool {
        self.errors > 0 || self.warnings > 1
    }

    /// Counts all findings: `2 errors and 1 warning in 3 files`; `None` if there are none.
    pub fn total(&self) -> Option<String> {
        let counts = count_both(self.errors, self.warnings, "")?;
        Some(match self.files {
            0 => counts,
            files => format!("{counts} in {}", pluralize(files, "file")),
        })
    }

    /// Counts what is not shown, by folder; no line if everything is.
    pub fn describe_hidden(&self) -> Vec<String> {
        let of = |severity| {
            let shown = self.shown.iter();
            shown.filter(|finding| finding.severity == severity).count()
        };
        let errors = self.errors - of(Severity::Error);
        let warnings = self.warnings - of(Severity::Warning);
        let Some(both) = count_both(errors, warnings, "more ") else {
            return Vec::new();
        };
        let mut lines = vec![format!("{both}, not shown:")];
        let folders = count_folders(&self.hidden);
        let width = folders
            .first()
            .map_or(0, |(count, _)| count.to_string().len());
        let rest: usize = folders
            .iter()
            .skip(MAX_FOLDERS)
            .map(|(count, _)| count)
            .sum();
        // Beyond a thousand findings of each severity, only their number is kept.
        let rest = rest + (errors + warnings).saturating_sub(self.hidden.len());
        let folders = folders.into_iter().take(MAX_FOLDERS);
        let mut row =
            |count: usize, folder: &str| lines.push(format!("    {count:width$}  {folder}"));
        for (count, folder) in folders {
            row(count, &folder);
        }
        if rest > 0 {
            row(rest, "elsewhere");
        }
        lines
    }
}

/// Counts errors and warnings in words, each with `adjective` before it; `None` if there are none of either.
fn count_both(errors: usize, warnings: usize, adjective: &str) -> Option<String> {
    let words = |count, noun: &str| pluralize(count, &format!("{adjective}{noun}"));
    match (errors, warnings) {
        (0, 0) => None,
        (0, warnings) => Some(words(warnings, "warning")),
        (errors, 0) => Some(words(errors, "error")),
        (errors, warnings) => Some(format!(
            "{} and {}",
            words(errors, "error"),
            words(warnings, "warning")
        )),
    }
}

fn file_of(finding: &Diagnostic) -> Option<&str> {
    let origin = finding.origin.as_ref()?;
    Some(&origin.source.name)
}

/// Counts findings by folder, the largest count first. Uses the deepest level with at most [`MAX_FOLDERS`] folders:
/// those of `a/x/1.yaml` and `a/y/2.yaml` are `a/x` and `a/y`, unless `a` has more than eight folders.
fn count_folders(findings: &[&Diagnostic]) -> Vec<(usize, String)> {
    let folders: Vec<PathBuf> = findings
        .iter()
        .filter_map(|finding| Some(folder_of(file_of(finding)?)))
        .collect();
    let at_depth = |depth: usize| {
        let mut counts: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for folder in &folders {
            *counts
                .entry(folder.components().take(depth).collect())
                .or_default() += 1;
        }
        counts
    };
    let deepest = folders
        .iter()
        .map(|folder| folder.components().count())
        .max();
    let mut counts = at_depth(1);
    for depth in 2..=deepest.unwrap_or(0) {
        let deeper = at_depth(depth);
        if deeper.len() > MAX_FOLDERS {
            break;
        }
        counts = deeper;
    }
    let mut counts: Vec<(usize, String)> = counts
        .into_iter()
        .map(|(folder, count)| (count, show_folder(&folder)))
        .collect();
    // Equal counts stay in the order of the names.
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counts
}

/// Returns the folder of a file, without `.` at its beginning.
fn folder_of(file: &str) -> PathBuf {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let parts = folder.components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

fn show_folder(folder: &Path) -> String {
    match folder.as_os_str().is_empty() {
        true => ".".into(),
        false => folder.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Mark;
    use crate::model::diagnostic::Source;

    fn findings(files: impl IntoIterator<Item = (Severity, String)>) -> Diagnostics {
        let mut all = Diagnostics::default();
        for (severity, file) in files {
            let source = Arc::new(Source::new(file, "a: 1\n".into()));
            let finding = match severity {
                Severity::Error => Diagnostic::error("e", "wrong"),
                Severity::Warning => Diagnostic::warning("w", "odd"),
            };
            all.push(finding.at(&source, Mark::default()));
        }
        all.sorted()
    }

    fn of_folder(severity: Severity, folder: &str, count: usize) -> Vec<(Severity, String)> {
        let file = |number| (severity, format!("{folder}/{number:04}.yaml"));
        (0..count).map(file).collect()
    }

    #[test]
    fn few_findings_are_all_shown_in_their_order() {
        let mut files = of_folder(Severity::Warning, "a", 1);
        files.extend(of_folder(Severity::Error, "b", 2));
        let findings = findings(files);
        let list = FindingList::new(&findings, FindingLimit::Few);
        let codes: Vec<&str> = list.shown.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["w", "e", "e"]);
        assert!(!list.hides_some() && list.describe_hidden().is_empty());
        assert_eq!(list.total().unwrap(), "2 errors and 1 warning in 3 files");
    }

    #[test]
    fn errors_come_before_warnings_and_the_rest_is_counted_by_folder() {
        let mut files = of_folder(Severity::Warning, "a", 30);
        files.extend(of_folder(Severity::Error, "b/x", 15));
        files.extend(of_folder(Severity::Error, "b/y", 2));
        let findings = findings(files);
        let list = FindingList::new(&findings, FindingLimit::Few);
        let errors = list.shown.iter().filter(|finding| finding.code == "e");
        assert_eq!((errors.count(), list.shown.len()), (17, 20));
        let hidden = ["27 more warnings, not shown:", "    27  a"];
        assert_eq!(list.describe_hidden(), hidden);
        let all = FindingList::new(&findings, FindingLimit::All);
        assert_eq!(all.shown.len(), 47);
    }

    #[test]
    fn folders_are_as_deep_as_leaves_few_of_them() {
        let mut files = of_folder(Severity::Error, "./a/x", 40);
        files.extend((0..9).flat_map(|n| of_folder(Severity::Error, &format!("b/{n}"), 3)));
        files.extend([(Severity::Error, "top.yaml".to_string())]);
        let findings = findings(files);
        let list = FindingList::new(&findings, FindingLimit::Few);
        let hidden = [
            "48 more errors, not shown:",
            "    27  b",
            "    20  a",
            "     1  .",
        ];
        assert_eq!(list.describe_hidden(), hidden);
    }

    #[test]
    fn what_was_not_kept_is_elsewhere() {
        let findings = findings(of_folder(Severity::Error, "a", 1_200));
        let list = FindingList::new(&findings, FindingLimit::Few);
        let hidden = list.describe_hidden();
        assert_eq!(hidden[1..], ["    980  a", "    200  elsewhere"]);
        assert_eq!(list.total().unwrap(), "1200 errors in 1000 files");
    }
}
