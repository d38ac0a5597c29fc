//! Reads references to secrets: where a secret is kept, never the secret itself.
//!
//! In goes a node such as `{env: LAC_TOKEN}`, out comes a [`SecretRef`]. Nothing here looks a secret up: checking a
//! manifest needs no credentials and runs no program. `apply::secrets` resolves references when a call needs one.

use std::fmt;
use std::path::PathBuf;

use super::reader::MapReader;
use super::table::{SECRET, SECRET_HINT};
use crate::model::{Diagnostic, Node, SecretRef, Tree};

impl MapReader<'_> {
    /// Reads a reference to a secret; `None`, after a finding, for a literal, for two sources, and for an empty
    /// command.
    ///
    /// The finding about a literal hides its line: the manifest is in git already, a log need not repeat it.
    pub fn secret(&mut self, label: &dyn fmt::Display, node: &Node) -> Option<SecretRef> {
        if !matches!(node.tree, Tree::Map(_)) {
            let message = format!("{label} must say where the secret is kept, not what it is");
            let finding = Diagnostic::error("secret-in-manifest", message).hint(SECRET_HINT);
            self.report(finding.hide(), node.mark);
            return None;
        }
        let mut values = self.read_titled(&SECRET, label, node)?;
        let source = values.names().next()?;
        match source {
            "env" => values.take("env").map(SecretRef::Env),
            "file" => values
                .take::<String>("file")
                .map(|path| SecretRef::File(PathBuf::from(path))),
            _ => {
                let words: Vec<String> = values.take_list("command");
                (!words.is_empty()).then_some(SecretRef::Command(words))
            }
        }
    }
}
