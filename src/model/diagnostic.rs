//! Findings about manifests: every one has a code, a place, a message and, where there is one, a hint.

use super::node::Mark;
use super::origin::Origin;
pub use super::origin::Source;
use super::wording::shorten;
use std::collections::HashMap;
use std::sync::Arc;

/// The severity of a finding. An error stops the run before any request.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// The most findings of each severity that a run keeps. More are of no use, and one hostile file could cause millions.
const MOST: usize = 1_000;

/// The most characters of a message. Messages repeat text from files, and a name there may have megabytes.
const LONGEST: usize = 600;

/// The code of the finding that counts those that were not kept.
const MORE: &str = "more-findings";

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    /// A stable name such as `unknown-field`.
    pub code: &'static str,
    pub message: String,
    pub origin: Option<Origin>,
    /// A second place that belongs to the finding, with what it is.
    pub related: Option<(Origin, &'static str)>,
    pub hint: Option<String>,
    /// Set if the source line must not be shown, because it may hold a secret.
    pub hidden: bool,
}

impl Diagnostic {
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: shorten(&message.into(), LONGEST).into_owned(),
            origin: None,
            related: None,
            hint: None,
            hidden: false,
        }
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    pub fn at(mut self, source: &Arc<Source>, mark: Mark) -> Self {
        self.origin = Some(Origin {
            source: source.excerpt(mark),
            mark,
        });
        self
    }

    pub fn also(mut self, mut origin: Origin, what: &'static str) -> Self {
        origin.source = origin.source.excerpt(origin.mark);
        self.related = Some((origin, what));
        self
    }

    pub fn hide(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(shorten(&hint.into(), LONGEST).into_owned());
        self
    }

    /// Sets the hint "did you mean …?" if a known name is near; otherwise keeps the hint there is.
    pub fn suggest<'a>(self, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match find_nearest(given, known) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Reports whether this finding only counts other findings, which were not kept.
    pub fn counts_others(&self) -> bool {
        self.code == MORE
    }

    /// The place and the message, on one line.
    pub fn line(&self) -> String {
        match &self.origin {
            Some(Origin { source, mark }) => {
                let Mark { line, column, .. } = mark;
                format!("{}:{line}:{column}: {}", source.name, self.message)
            }
            None => self.message.clone(),
        }
    }

    /// Sort key: file, place, code.
    fn location(&self) -> (&str, Mark, &'static str, &str) {
        let (name, mark) = self
            .origin
            .as_ref()
            .map_or(("", Mark::default()), |o| (o.source.name.as_str(), o.mark));
        (name, mark, self.code, &self.message)
    }
}

/// The findings of a run, up to a limit for each severity; beyond it they are only counted.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    /// Takes a finding. Errors and warnings are counted apart, so that neither pushes out the other.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let count = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MOST {
            self.kept.push(diagnostic);
        }
    }

    pub fn extend(&mut self, other: Diagnostics) {
        let (errors, warnings) = other.unkept();
        for diagnostic in other.kept {
            self.push(diagnostic);
        }
        self.errors += errors;
        self.warnings += warnings;
    }

    /// Changes each finding.
    pub fn map(mut self, change: impl FnMut(Diagnostic) -> Diagnostic) -> Self {
        self.kept = self.kept.into_iter().map(change).collect();
        self
    }

    /// Keeps the findings for which `is_kept` holds. Of those that were too many to keep only the count is known: it stays.
    pub fn filter(mut self, is_kept: impl FnMut(&Diagnostic) -> bool) -> Self {
        let (errors, warnings) = self.unkept();
        self.kept.retain(is_kept);
        let severities = self.kept.iter().map(|finding| finding.severity);
        let kept_errors = severities
            .filter(|severity| *severity == Severity::Error)
            .count();
        self.errors = errors + kept_errors;
        self.warnings = warnings + self.kept.len() - kept_errors;
        self
    }

    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Counts the findings of a severity, those that were not kept included.
    pub fn count(&self, severity: Severity) -> usize {
        match severity {
            Severity::Error => self.errors,
            Severity::Warning => self.warnings,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.kept.iter()
    }

    /// Returns the origins whose source is only a label, without text, so that their line cannot be shown yet.
    fn bare(&mut self) -> Vec<&mut Origin> {
        let origins = self.kept.iter_mut().flat_map(|finding| {
            let related = finding.related.as_mut().map(|(origin, _)| origin);
            finding.origin.as_mut().into_iter().chain(related)
        });
        origins.filter(|origin| origin.source.is_bare()).collect()
    }

    /// Returns the labels of files whose text is still needed to show the lines of findings.
    pub fn labels(&mut self) -> Vec<Arc<Source>> {
        let bare = self.bare().into_iter();
        bare.map(|origin| Arc::clone(&origin.source)).collect()
    }

    /// Replaces the labels of origins by the `sources` with the text, so that their lines can be shown.
    pub fn show(&mut self, sources: &[Arc<Source>]) {
        let bare = self.bare();
        if bare.is_empty() {
            return;
        }
        let by_name: HashMap<&str, &Arc<Source>> = sources
            .iter()
            .map(|source| (source.name.as_str(), source))
            .collect();
        for origin in bare {
            if let Some(source) = by_name.get(origin.source.name.as_str()) {
                origin.source = source.excerpt(origin.mark);
            }
        }
    }

    /// Errors and warnings that were counted and not kept.
    fn unkept(&self) -> (usize, usize) {
        (
            self.errors.saturating_sub(MOST),
            self.warnings.saturating_sub(MOST),
        )
    }

    /// The findings in the order of files and lines, so that equal inputs print equal bytes. Those that were
    /// not kept are counted in a last one.
    pub fn sorted(mut self) -> Self {
        self.kept.sort_by(|a, b| a.location().cmp(&b.location()));
        let (errors, warnings) = self.unkept();
        let more = |count: usize| match count {
            1 => "1 more finding like these is not shown".to_string(),
            count => format!("{count} more findings like these are not shown"),
        };
        if errors > 0 {
            self.kept.push(Diagnostic::error(MORE, more(errors)));
        }
        if warnings > 0 {
            self.kept.push(Diagnostic::warning(MORE, more(warnings)));
        }
        self
    }
}

/// Finds the known name that `given` most likely stands for; `None` if none is near.
///
/// The nearest takes the fewest edits, of which 1 and a quarter of the length are allowed, without regard to case,
/// spaces, `_` and `-`. For example `licenceType` is one edit from `license_type`, and `x` is near nothing.
pub fn find_nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No known name is as long, and computing the distance to a name of a megabyte takes seconds.
    const LONGEST_NAME: usize = 300;
    if given.len() > LONGEST_NAME {
        return None;
    }
    let flat = |text: &str| -> String {
        text.chars()
            .filter(|c| !matches!(c, '_' | '-' | ' '))
            .flat_map(char::to_lowercase)
            .collect()
    };
    let flat_given = flat(given);
    let most = 1 + flat_given.len() / 4;
    known
        .into_iter()
        .map(|name| (flat(name), name))
        // The difference in length is a lower bound for the number of edits, and much cheaper to compute.
        .filter(|(flat, _)| flat.chars().count().abs_diff(flat_given.chars().count()) <= most)
        .map(|(flat, name)| (strsim::osa_distance(&flat_given, &flat), name))
        .filter(|(edits, _)| *edits <= most)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_beyond_reading_are_counted_not_kept() {
        let mut all = Diagnostics::default();
        for number in 0..MOST + 5 {
            all.push(Diagnostic::warning("w", number.to_string()));
        }
        assert!(!all.has_errors());
        let mut part = Diagnostics::default();
        for number in 0..MOST + 2 {
            part.push(Diagnostic::error("e", number.to_string()));
        }
        all.extend(part);
        all.push(Diagnostic::error("e", "the last"));
        let all = all.sorted();
        assert!(all.has_errors());
        assert_eq!(all.iter().count(), 2 * MOST + 2);
        let last: Vec<_> = all.iter().skip(2 * MOST).collect();
        assert_eq!(last[0].message, "3 more findings like these are not shown");
        assert_eq!(last[1].message, "5 more findings like these are not shown");
    }

    #[test]
    fn a_message_does_not_repeat_megabytes() {
        let finding = Diagnostic::error("e", "ü".repeat(1 << 20)).hint("y".repeat(1 << 20));
        assert!(finding.message.len() < 2_000 && finding.message.ends_with('…'));
        assert!(finding.hint.is_some_and(|hint| hint.len() < 1_000));
        assert_eq!(find_nearest(&"x".repeat(1 << 20), ["x"]), None);
    }

    #[test]
    fn the_nearest_known_name_is_found() {
        let known = ["license_type", "licensee_type", "licensee", "enabled"];
        assert_eq!(find_nearest("licenseType", known), Some("license_type"));
        assert_eq!(find_nearest("licencee_type", known), Some("licensee_type"));
        assert_eq!(find_nearest("enable", known), Some("enabled"));
        assert_eq!(find_nearest("seats", known), None);
    }
}
