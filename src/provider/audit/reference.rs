//! Reads references in place of ids: `{ref: LacCustomer/rivers}`.
//!
//! In: a node that stands where an id may stand. Out: the text that keeps its spot, and the reference in the auditor's
//! list; or a finding. Whether there is such an object is known once all files are read; see `reconcile::references`.

use super::Auditor;
use crate::model::address::refuse_name;
use crate::model::{
    Address, Diagnostic, Kind, Node, Reference, ReferenceSpot, ReferenceState, Text, Tree,
};
use crate::provider;

/// The member that makes a map a reference.
const REF: &str = "ref";

/// Reports whether a node is meant as a reference.
pub(super) fn is_reference(node: &Node) -> bool {
    node.get(REF).is_some()
}

impl Auditor<'_> {
    /// Takes a reference at a spot that holds an id of `kind`, and returns the text that keeps the spot. `None` after a
    /// finding.
    pub(super) fn reference(
        &mut self,
        node: &Node,
        spot: ReferenceSpot,
        kind: Option<Kind>,
    ) -> Option<Text> {
        let name = spot.name();
        let Some(kind) = kind else {
            let message = format!("`{name}` takes no reference");
            let finding = Diagnostic::error("bad-reference", message)
                .hint("it is no id of an object that a manifest can describe: write the value");
            self.report(finding, node.mark);
            return None;
        };
        if let Some(other) = node.entries().iter().find(|entry| entry.key != REF) {
            let message = format!("unknown field `{}` in the reference", other.key);
            let finding = Diagnostic::error("unknown-field", message)
                .hint(format!("a reference is `{{ref: {kind}/NAME}}`"));
            self.report(finding, other.key_mark);
            return None;
        }
        let node = node.get(REF)?;
        let Tree::Text(text) = &node.tree else {
            let message = format!(
                "`ref` must be the Kind/name of an object, not {}",
                node.describe()
            );
            let finding = Diagnostic::error("bad-reference", message)
                .hint(format!("for example {kind}/rivers"));
            self.report(finding, node.mark);
            return None;
        };
        match parse_referent(text, kind) {
            Ok(referent) => {
                let text = Reference::text(&referent).into();
                self.references.push(Reference {
                    spot,
                    referent,
                    mark: node.mark,
                    state: ReferenceState::Open,
                });
                Some(text)
            }
            Err(finding) => {
                self.report(*finding, node.mark);
                None
            }
        }
    }
}

/// Reads `Kind/name`. `Err` for a text of another form, and for an object of another kind than the spot's.
fn parse_referent(text: &str, kind: Kind) -> Result<Address, Box<Diagnostic>> {
    let error = |message: String| Diagnostic::error("bad-reference", message);
    let Some((given, name)) = text.split_once('/') else {
        let message = format!("a reference is the Kind/name of an object, not {text:?}");
        let finding = error(message);
        let hint = match refuse_name(text) {
            None => format!("did you mean `{kind}/{text}`?"),
            Some(_) => format!("for example {kind}/rivers"),
        };
        return Err(Box::new(finding.hint(hint)));
    };
    if given != kind.0 {
        let message = match provider::find_kind(given) {
            Some(_) => format!("the id of a {kind} belongs here, and {text} is a {given}"),
            None => format!("unknown kind `{given}`: the id of a {kind} belongs here"),
        };
        return Err(Box::new(error(message).suggest(given, [kind.0])));
    }
    match refuse_name(name) {
        Some(why) => Err(Box::new(error(format!("the name in {text:?} {why}")))),
        None => Ok(Address {
            kind,
            name: name.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_an_object_of_the_right_kind() {
        let kind = Kind("LacCustomer");
        let parse = |text: &str| {
            let parsed = parse_referent(text, kind);
            let parsed = parsed.map(|referent| referent.to_string());
            parsed.map_err(|finding| (finding.message, finding.hint.unwrap_or_default()))
        };
        assert_eq!(parse("LacCustomer/rivers"), Ok("LacCustomer/rivers".into()));
        let faults = [
            (
                "rivers",
                "a reference is the Kind/name of an object, not \"rivers\"",
                "did you mean `LacCustomer/rivers`?",
            ),
            (
                "LacLicenseOrder/a",
                "the id of a LacCustomer belongs here, and LacLicenseOrder/a is a LacLicenseOrder",
                "",
            ),
            (
                "LacCustomers/a",
                "unknown kind `LacCustomers`: the id of a LacCustomer belongs here",
                "did you mean `LacCustomer`?",
            ),
        ];
        for (text, message, hint) in faults {
            assert_eq!(parse(text), Err((message.into(), hint.into())), "{text}");
        }
        let (message, _) = parse("LacCustomer/Rivers Inc").unwrap_err();
        assert!(message.starts_with("the name in \"LacCustomer/Rivers Inc\" must"));
    }
}
