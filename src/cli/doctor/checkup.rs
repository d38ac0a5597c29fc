//! What a check-up found: a line for each part of the set-up, as text or JSON.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::wording::pluralize;
use crate::plan::document::FORMAT_VERSION;
use crate::render;
use crate::render::safe::make_visible;

/// The state of one part of the set-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Nothing is wrong.
    #[default]
    Ok,
    /// It works, and may not be meant.
    Warning,
    /// Runs will fail.
    Error,
}

/// The JSON of `entitle doctor`: the state of a set-up and of its parts.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "entitle doctor")]
pub struct DoctorDocument<'a> {
    /// Major and minor version of this format.
    format_version: &'static str,
    /// The worst health of all parts.
    health: Health,
    /// In the order in which they were looked at.
    parts: &'a [Part],
}

/// One part of the set-up.
#[derive(Serialize, JsonSchema)]
pub struct Part {
    /// What was looked at, such as `store` or `variables`. Several parts may have one name.
    name: &'static str,
    health: Health,
    /// What was found.
    message: String,
    /// What to do about it; left out if nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// All parts, in the order in which they were looked at.
#[derive(Default)]
pub struct Checkup(Vec<Part>);

impl Checkup {
    /// Adds a part that is well.
    pub fn add_ok(&mut self, name: &'static str, message: impl Into<String>) {
        self.add(name, Health::Ok, message.into(), None);
    }

    /// Adds a part that works and may not be meant, with what to do about it.
    pub fn add_warning(
        &mut self,
        name: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(name, Health::Warning, message.into(), Some(hint.into()));
    }

    /// Adds a part that is broken, with what to do about it.
    pub fn add_error(
        &mut self,
        name: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(name, Health::Error, message.into(), Some(hint.into()));
    }

    fn add(&mut self, name: &'static str, health: Health, message: String, hint: Option<String>) {
        self.0.push(Part {
            name,
            health,
            message,
            hint,
        });
    }

    /// Returns the worst health of all parts.
    pub fn worst(&self) -> Health {
        let parts = self.0.iter().map(|part| part.health);
        parts.max().unwrap_or_default()
    }

    /// Writes a line for each part, what to do below it, and the counts.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for part in &self.0 {
            let (word, style) = match part.health {
                Health::Ok => ("ok", AnsiColor::Green.on_default()),
                Health::Warning => ("warn", AnsiColor::Yellow.on_default()),
                Health::Error => ("error", AnsiColor::Red.on_default().bold()),
            };
            write_part(out, part, word, style)?;
        }
        let count = |health| self.0.iter().filter(|part| part.health == health).count();
        let (errors, warnings) = (count(Health::Error), count(Health::Warning));
        match (errors, warnings) {
            (0, 0) => writeln!(out, "\nNothing is wrong."),
            _ => writeln!(
                out,
                "\n{}, {}.",
                pluralize(errors, "error"),
                pluralize(warnings, "warning")
            ),
        }
    }

    /// Writes the document of `--format json`.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let document = DoctorDocument {
            format_version: FORMAT_VERSION,
            health: self.worst(),
            parts: &self.0,
        };
        render::json::write_document(out, &document)
    }
}

/// Columns before a message: `error  connection  `.
const INDENT: usize = 19;

/// Columns of a terminal that everything fits into.
const WIDTH: usize = 80;

/// Writes one part. Long texts go on below their beginning.
fn write_part(out: &mut dyn Write, part: &Part, word: &str, style: Style) -> io::Result<()> {
    let head = format!("{style}{word}{style:#}{:pad$}", "", pad = 7 - word.len());
    let name = format!("{:<12}", part.name);
    let message = wrap_words(&make_visible(&part.message));
    writeln!(out, "{head}{name}{message}")?;
    if let Some(hint) = &part.hint {
        let hint = wrap_words(&format!("→ {}", make_visible(hint)));
        writeln!(out, "{:INDENT$}{hint}", "")?;
    }
    Ok(())
}

/// Breaks a text at its spaces, so that it fits behind the indentation. A word that is wider stays whole.
fn wrap_words(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let room = WIDTH - INDENT;
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines.join(&format!("\n{:INDENT$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_part_counts_and_long_lines_are_broken() {
        let mut checkup = Checkup::default();
        assert_eq!(checkup.worst(), Health::Ok);
        checkup.add_ok("version", "entitle 1");
        checkup.add_warning("git", "no repository is here", "run `git init`");
        assert_eq!(checkup.worst(), Health::Warning);
        checkup.add_error("variables", "word ".repeat(20).trim(), "set it");
        assert_eq!(checkup.worst(), Health::Error);
        let mut text = Vec::new();
        checkup.write_text(&mut text).expect("memory");
        let text = anstream::adapter::strip_bytes(&text).into_vec();
        let text = String::from_utf8(text).expect("text");
        let words = "word ".repeat(12);
        let expected = format!(
            "ok     version     entitle 1\n\
             warn   git         no repository is here\n                   → run `git init`\n\
             error  variables   {}\n                   {}\n                   → set it\n\n\
             1 error, 1 warning.\n",
            words.trim(),
            "word ".repeat(8).trim()
        );
        assert_eq!(text, expected);
    }
}
