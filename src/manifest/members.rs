//! Reading the members of envelope maps: typed, with a finding for everything that is off.

use std::sync::Arc;
use std::time::Duration;

use crate::model::diagnostic::Source;
use crate::model::node::Entry;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Origin, Tree};

/// The longest duration: that of the longest window a vendor could count in. Clocks overflow at some
/// longer ones.
const LONGEST: Duration = Duration::from_secs(744 * 60 * 60);

/// The findings of one source, and how to read its nodes.
pub struct Reader<'a> {
    pub source: &'a Arc<Source>,
    pub findings: &'a mut Diagnostics,
    /// Whether what is read may be a secret written where none belongs: findings then show no text.
    pub secretive: bool,
}

impl Reader<'_> {
    pub fn report(&mut self, finding: Diagnostic, mark: Mark) {
        let mut finding = finding.at(self.source, mark);
        finding.hidden |= self.secretive;
        self.findings.push(finding);
    }

    pub fn origin(&self, mark: Mark) -> Origin {
        Origin {
            source: Arc::clone(self.source),
            mark,
        }
    }

    pub fn wrong_type(&mut self, what: &str, expected: &str, node: &Node) {
        let message = if self.secretive {
            format!("{what} must be {expected}")
        } else {
            format!("{what} must be {expected}, not {}", node.describe())
        };
        self.report(Diagnostic::error("wrong-type", message), node.mark);
    }

    /// The entries of a map, after a finding for every member that `known` does not name.
    pub fn members<'n>(&mut self, what: &str, node: &'n Node, known: &[&str]) -> &'n [Entry] {
        let Tree::Map(entries) = &node.tree else {
            self.wrong_type(what, "a map", node);
            return &[];
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                // `{token:x}`, without a space, is a field called `token:x`.
                let message = if self.secretive {
                    format!("unknown field in {what}")
                } else {
                    format!("unknown field `{}` in {what}", entry.key)
                };
                let finding = Diagnostic::error("unknown-field", message)
                    .suggest(&entry.key, known.iter().copied());
                self.report(finding, entry.key_mark);
            }
        }
        entries
    }

    pub fn text(&mut self, what: &str, node: &Node) -> Option<String> {
        match &node.tree {
            Tree::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            Tree::Text(_) => {
                self.report(
                    Diagnostic::error("empty", format!("{what} must not be empty")),
                    node.mark,
                );
                None
            }
            _ => {
                self.wrong_type(what, "text", node);
                None
            }
        }
    }

    pub fn boolean(&mut self, what: &str, node: &Node) -> Option<bool> {
        if let Tree::Bool(value) = node.tree {
            return Some(value);
        }
        self.wrong_type(what, "true or false", node);
        None
    }

    /// A whole number of at least 1.
    pub fn count(&mut self, what: &str, node: &Node) -> Option<u32> {
        match node.tree {
            Tree::Integer(value) if (1..=100_000).contains(&value) => u32::try_from(value).ok(),
            Tree::Integer(value) => {
                let message = format!("{what} must be from 1 to 100000, not {value}");
                self.report(Diagnostic::error("out-of-range", message), node.mark);
                None
            }
            _ => {
                self.wrong_type(what, "a whole number", node);
                None
            }
        }
    }

    pub fn texts(&mut self, what: &str, node: &Node) -> Vec<(String, Mark)> {
        let Tree::List(items) = &node.tree else {
            self.wrong_type(what, "a list of texts", node);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            if let Some(text) = self.text(&format!("an entry of {what}"), item) {
                texts.push((text, item.mark));
            }
        }
        texts
    }

    /// A positive duration such as `30s` or `1m 30s`.
    pub fn duration(&mut self, what: &str, node: &Node) -> Option<Duration> {
        let text = self.text(what, node)?;
        let parsed = text.parse::<jiff::SignedDuration>().ok();
        let duration = parsed.and_then(|span| Duration::try_from(span).ok());
        let finding = match duration.filter(|span| !span.is_zero()) {
            Some(duration) if duration <= LONGEST => return Some(duration),
            Some(_) => {
                let message = format!("{what} must be at most 744h, which is 31 days");
                Diagnostic::error("out-of-range", message)
            }
            None => {
                let message = format!("{what} must be a duration such as 30s or 2m, not {text:?}");
                Diagnostic::error("wrong-type", message)
            }
        };
        self.report(finding, node.mark);
        None
    }

    pub fn missing(&mut self, what: &str, name: &str, mark: Mark) {
        self.report(
            Diagnostic::error("missing-field", format!("{what} needs the field `{name}`")),
            mark,
        );
    }
}
