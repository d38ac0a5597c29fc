//! The ids that name an object: from the manifest, and from the command line.

use compact_str::ToCompactString;

use super::{Auditor, canon};
use crate::model::draft::Draft;
use crate::model::{Diagnostic, KindTable, Shape, Text, Tree};
use crate::provider::listing::Identity;

impl Auditor<'_> {
    pub(super) fn identity(&mut self, table: &KindTable, draft: &Draft) -> Identity {
        let mut found = Vec::with_capacity(table.identity.len());
        for identity in table.identity {
            let Some(entry) = draft
                .identity
                .iter()
                .find(|entry| entry.key == identity.name)
            else {
                continue; // the envelope has reported it
            };
            let node = &entry.value;
            // Numeric ids are read as numbers or as text, since both are natural to write.
            let text = match &node.tree {
                Tree::Text(text) => Ok(text.clone()),
                Tree::Integer(number) if matches!(identity.shape, Shape::Integer { .. }) => {
                    Ok(number.to_string())
                }
                // More digits than a signed number has; `id_text` refuses what is no whole number.
                Tree::Number(raw) if matches!(identity.shape, Shape::Integer { .. }) => {
                    Ok(raw.clone())
                }
                _ => Err(format!(
                    "`{}` must be text, not {}",
                    identity.name,
                    node.describe()
                )),
            };
            match text.and_then(|text| id_text(&identity.shape, identity.name, &text)) {
                Ok(text) => found.push((identity.name, text)),
                Err(message) => {
                    let finding = Diagnostic::error("bad-id", message)
                        .hint(format!("for example {}", identity.example));
                    self.report(finding, node.mark);
                }
            }
        }
        found
    }
}

/// The identity in `text`: the members of the kind's identity, joined by `/`.
pub fn identity_of(table: &KindTable, text: &str) -> Result<Identity, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let names: Vec<&str> = table
        .identity
        .iter()
        .map(|identity| identity.name)
        .collect();
    if parts.len() != names.len() {
        let example: Vec<&str> = table.identity.iter().map(|id| id.example).collect();
        return Err(format!(
            "{} is named by {}, for example {}; not by {text:?}",
            table.kind,
            names.join("/"),
            example.join("/")
        ));
    }
    let named = table.identity.iter().zip(parts);
    named
        .map(|(identity, part)| {
            let id = id_text(&identity.shape, identity.name, part)?;
            Ok((identity.name, id))
        })
        .collect()
}

/// An id as it goes into a path: one segment, nothing that would be cut or read as a pattern.
fn id_text(shape: &Shape, name: &str, text: &str) -> Result<Text, String> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "/\\?#%*,".contains(c);
    if text.is_empty() || text.contains(odd) || text == "." || text == ".." {
        return Err(format!("`{name}` is not an id: {text:?}"));
    }
    match shape {
        Shape::Integer { .. } => match text.parse::<u64>() {
            Ok(number) => Ok(number.to_compact_string()),
            Err(_) => Err(format!(
                "`{name}` must be a whole number below 2^64, not {text}"
            )),
        },
        Shape::Guid => match uuid::Uuid::try_parse(text) {
            Ok(id) => Ok(id.hyphenated().to_compact_string()),
            Err(_) => Err(format!("`{name}` must be a GUID, not {text:?}")),
        },
        Shape::Id => Ok(canon::id(text)),
        _ => Ok(text.into()),
    }
}
