//! Puts a write that a vendor refused into words, with the lines of the manifest that it is about.
//!
//! Input is the vendor's reply, already taken apart by the provider; output is the message of a report. It
//! stands here and not in `apply`, because it reads the manifest, which `apply` does not know.

use crate::manifest;
use crate::model::{Desired, Field};
use crate::provider::audit;

/// Returns the vendor's words about a refused write, each with the line of the manifest it is about.
///
/// `words` is the reply as a whole, and returned if `fields` is empty. `fields` are pairs of field and
/// complaint: with `("activations_allowed", "too many")` the text is `activations_allowed: too many (a.yaml:7)`.
/// A field that the manifest does not have is named without a line, and a complaint with an empty field stands
/// alone.
///
/// The manifest is read once more for its lines: what was lowered from it is kept without its text.
pub fn describe_rejection(
    table: &'static [Field],
    desired: &Desired,
    words: &str,
    fields: &[(String, String)],
) -> String {
    if fields.is_empty() {
        return words.to_string();
    }
    let origin = &desired.origin;
    let document = manifest::document_at(&origin.source, origin.mark);
    let lowered = document
        .as_ref()
        .and_then(|it| it.get("spec")?.get("desired"));
    let location = |field: &str| audit::find_mark(table, lowered?, field);
    let parts: Vec<String> = fields
        .iter()
        .map(|(field, reason)| {
            if let Some(mark) = location(field) {
                format!(
                    "{field}: {reason} ({}:{})",
                    desired.origin.source.name, mark.line
                )
            } else if field.is_empty() {
                reason.clone()
            } else {
                format!("{field}: {reason}")
            }
        })
        .collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::diagnostic::Source;
    use crate::model::{Mark, Origin};
    use crate::provider::{self, testing::desired_object};

    #[test]
    fn a_refusal_stands_at_the_lines_of_the_manifest() {
        let text = "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {name: a}\nspec:\n  \
                    activationKey: A\n  desired:\n    activations_allowed: 25\n";
        let lac = provider::find_kind("LacLicenseOrder").unwrap();
        let desired = Desired {
            origin: Origin {
                source: Arc::new(Source::new("a.yaml".into(), text.into())),
                mark: Mark {
                    line: 1,
                    column: 1,
                    ..Mark::default()
                },
            },
            ..desired_object(lac.table(), &[("activationKey", "A")])
        };
        let reason = |fields: &[(&str, &str)]| {
            let to_owned_pair =
                |(field, words): &(&str, &str)| (field.to_string(), words.to_string());
            let fields: Vec<_> = fields.iter().map(to_owned_pair).collect();
            describe_rejection(lac.table().desired, &desired, "400: no", &fields)
        };
        assert_eq!(reason(&[]), "400: no");
        assert_eq!(
            reason(&[("activations_allowed", "too many")]),
            "activations_allowed: too many (a.yaml:7)"
        );
        assert_eq!(
            reason(&[("enabled", "required"), ("", "bad")]),
            "enabled: required; bad"
        );
    }
}
