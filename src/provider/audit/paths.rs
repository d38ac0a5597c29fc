//! Looks up printed paths in the field table and in a manifest.
//!
//! In: a path such as `Features[A 1].count`. Out: the place of that field in the manifest, or the reason why the path
//! can name nothing of the kind. Live values are not consulted.

use crate::model::field::{Elements, find_field, members_of};
use crate::model::path::PatternPart;
use crate::model::{
    Diagnostic, ElementKey, Field, Mark, Need, Node, PathPattern, Shape, Text, Tree,
};

/// Returns the place of the field at a printed path under `desired`; `None` if the manifest does not have it.
///
/// Only findings need places, so they are not kept in the desired object: a later finding reads the document again.
pub fn find_mark(table: &'static [Field], desired: &Node, path: &str) -> Option<Mark> {
    let pattern = PathPattern::parse(path).ok()?;
    let (mut node, mut level, mut list) = (desired, table, None);
    for part in &pattern.parts {
        node = match part {
            PatternPart::Field(name) => {
                list = find_field(level, name).and_then(|field| match &field.shape {
                    Shape::Keyed(elements) => Some(*elements),
                    _ => None,
                });
                name.split('.')
                    .try_fold(node, |node, name| node.get(name))?
            }
            PatternPart::Element(texts) => {
                let elements: &'static Elements = list.take()?;
                level = elements.fields;
                let target = ElementKey::new(texts.clone(), elements.fold);
                let Tree::List(items) = &node.tree else {
                    return None;
                };
                let key = |item: &Node| {
                    let part = |name: &&str| item.get(name)?.text().map(Text::from);
                    let parts: Option<Vec<Text>> = elements.key.iter().map(part).collect();
                    Some(ElementKey::new(parts?, elements.fold))
                };
                items
                    .iter()
                    .find(|item| key(item).as_ref() == Some(&target))?
            }
            PatternPart::AnyElement => return None,
        };
    }
    Some(node.mark)
}

/// Returns why a path can name nothing of this kind, or `None` if it can name something.
///
/// `what` is the setting that holds the path, for example `ignore`; the message begins with it.
pub fn path_fault(
    what: &str,
    table: &'static [Field],
    parts: &[PatternPart],
) -> Option<Diagnostic> {
    let (Some(PatternPart::Field(name)), rest) = (parts.first(), parts.get(1..).unwrap_or(&[]))
    else {
        return Some(Diagnostic::error(
            "bad-path",
            "a path starts with a field name",
        ));
    };
    let known = table.iter().filter(|field| in_plans(field));
    if rest.is_empty() && members_of(table, name).next().is_some() {
        return None;
    }
    let Some(field) = known.clone().find(|field| field.name == name) else {
        if let Some((record, _)) = name.split_once('.')
            && known.clone().any(|field| field.name == record)
        {
            let message = format!("`{record}` has no fields inside");
            return Some(Diagnostic::error("bad-path", message));
        }
        let message = format!("{what} names the unknown field `{name}`");
        return Some(
            Diagnostic::error("unknown-field", message)
                .suggest(name, known.map(|field| field.name)),
        );
    };
    match (rest, &field.shape) {
        ([], _) => None,
        ([PatternPart::Element(_) | PatternPart::AnyElement], Shape::Keyed(_)) => None,
        ([PatternPart::Element(texts), PatternPart::Field(_), ..], Shape::Keyed(elements))
            if texts.len() != elements.key.len() =>
        {
            let message = format!(
                "an element of `{name}` is named by {}",
                elements.key.join(" and ")
            );
            Some(Diagnostic::error("bad-path", message))
        }
        ([_, rest @ ..], Shape::Keyed(elements)) => path_fault(what, elements.fields, rest),
        _ => Some(Diagnostic::error(
            "bad-path",
            format!("`{name}` has no fields inside"),
        )),
    }
}

/// Reports whether plans and policies may name a field. A convenience is replaced before planning, so a policy that
/// names it would have no effect.
pub(super) fn in_plans(field: &Field) -> bool {
    field.need != Need::Never
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    #[test]
    fn a_convenience_is_no_field_of_plans() {
        let kind = provider::find_kind("CryptlexOrganizationLicense").unwrap();
        let table = kind.table().desired;
        let fault = |path: &str| {
            let pattern = PathPattern::parse(path).unwrap();
            path_fault("ignore", table, &pattern.parts).map(|fault| fault.message)
        };
        let convenience = table
            .iter()
            .find(|field| field.need == Need::Never)
            .unwrap();
        let unknown = format!("ignore names the unknown field `{}`", convenience.name);
        assert_eq!(fault(convenience.name), Some(unknown));
        let other = table.iter().find(|field| in_plans(field)).unwrap();
        assert_eq!(fault(other.name), None);
    }
}
