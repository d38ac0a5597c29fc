//! Findings about manifests: every one has a code, a place, a message and, where there is one, a hint.

use super::node::Mark;
use super::origin::Origin;
pub use super::origin::Source;
use std::sync::Arc;

/// How bad a finding is. An error stops the run before any request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

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
    /// Whether the source line must not be shown, because it may hold a secret.
    pub hidden: bool,
}

impl Diagnostic {
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
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
            source: Arc::clone(source),
            mark,
        });
        self
    }

    pub fn also(mut self, origin: Origin, what: &'static str) -> Self {
        self.related = Some((origin, what));
        self
    }

    pub fn hide(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds "did you mean …?" when `nearest` found something.
    pub fn suggest<'a>(self, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(given, known) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Sort key: file, place, code.
    fn place(&self) -> (&str, Mark, &'static str, &str) {
        let (name, mark) = self
            .origin
            .as_ref()
            .map_or(("", Mark::default()), |o| (o.source.name.as_str(), o.mark));
        (name, mark, self.code, &self.message)
    }
}

/// All findings of a run.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    pub fn extend(&mut self, other: Diagnostics) {
        self.0.extend(other.0);
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// The findings in the order of files and lines, so that equal inputs print equal bytes.
    pub fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| a.place().cmp(&b.place()));
        self
    }
}

/// The known name that `given` most likely stands for: the fewest edits, within a third of its length.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let flat = |text: &str| -> String {
        text.chars()
            .filter(|c| !matches!(c, '_' | '-' | ' '))
            .flat_map(char::to_lowercase)
            .collect()
    };
    let wanted = flat(given);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&wanted, &flat(name)), name))
        .filter(|(edits, _)| *edits <= 1 + wanted.len() / 4)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_known_name_is_found() {
        let known = ["license_type", "licensee_type", "licensee", "enabled"];
        assert_eq!(nearest("licenseType", known), Some("license_type"));
        assert_eq!(nearest("licencee_type", known), Some("licensee_type"));
        assert_eq!(nearest("enable", known), Some("enabled"));
        assert_eq!(nearest("seats", known), None);
    }
}
