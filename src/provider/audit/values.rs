//! Checks single values against the shapes of their fields, and makes them canonical.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::spot::AuditSpot;
use super::{Auditor, canon, reference};
use crate::model::field::{Elements, find_field};
use crate::model::json::json_number;
use crate::model::{
    Clearing, Diagnostic, ElementKey, Field, Fields, Mark, Need, Node, Origin, ReferenceSpot,
    Shape, Tree, Value,
};
use crate::provider::canon::{Edge, Scalar};
use crate::provider::codec;

impl Auditor<'_> {
    /// Checks one value against the shape of its field. `None` after a finding.
    ///
    /// Null clears a field and is refused where the vendor has no way to clear it; a list that is null is an empty
    /// list.
    pub(super) fn value(
        &mut self,
        field: &'static Field,
        node: &Node,
        path: &AuditSpot<'_>,
    ) -> Option<Value> {
        let list = matches!(field.shape, Shape::Set(_) | Shape::Keyed(_));
        if node.tree == Tree::Null && field.clearing == Clearing::Impossible && !list {
            let message = format!("`{path}` cannot be cleared: the vendor has no way to say it");
            let is_used_once = find_field(self.table.lifecycle.creation_fields(), field.name);
            let hint = match is_used_once {
                Some(_) => "leave the field out: it is only used at creation",
                None => "leave the field out to keep its live value",
            };
            self.report(
                Diagnostic::error("cannot-clear", message).hint(hint),
                node.mark,
            );
            return None;
        }
        let is_free = matches!(
            field.shape,
            Shape::Object | Shape::Keyed(_) | Shape::List(_)
        );
        if !is_free && reference::is_reference(node) {
            let kind = field.refers_to.filter(|_| !list);
            let spot = ReferenceSpot::Field(field.name);
            return self.reference(node, spot, kind).map(Value::Text);
        }
        match (&field.shape, &node.tree) {
            (Shape::Set(inner), Tree::List(items)) => Some(self.set(field, inner, items, path)),
            (Shape::Keyed(elements), Tree::List(items)) => Some(self.items(elements, items, path)),
            (Shape::Object, Tree::Map(_)) => Some(Value::Json(Box::new(self.json(node, path)))),
            (Shape::List(members), Tree::List(items)) => Some(self.list(members, items, path)),
            (shape, Tree::List(_) | Tree::Map(_)) => {
                let message = format!("`{path}` must be {}, not {}", shape.name(), node.describe());
                self.report(Diagnostic::error("wrong-type", message), node.mark);
                None
            }
            (Shape::Set(_) | Shape::Keyed(_) | Shape::Object | Shape::List(_), tree)
                if *tree != Tree::Null =>
            {
                let shape = field.shape.name();
                let message = format!("`{path}` must be a {shape}, not {}", node.describe());
                self.report(Diagnostic::error("wrong-type", message), node.mark);
                None
            }
            (shape, _) => self.scalar(shape, field.clearing, node, path),
        }
    }

    /// Makes a scalar canonical, or reports why it does not fit and returns `None`.
    fn scalar(
        &mut self,
        shape: &Shape,
        clearing: Clearing,
        node: &Node,
        path: &AuditSpot<'_>,
    ) -> Option<Value> {
        match canon::canonical_scalar(shape, clearing, as_scalar(node), Edge::Manifest) {
            Ok(value) => Some(value),
            Err(misfit) => {
                let mut finding =
                    Diagnostic::error(misfit.code, format!("`{path}`: {}", misfit.message));
                finding.hint = misfit.hint;
                self.report(finding, node.mark);
                None
            }
        }
    }

    /// Checks the members of a set. An empty member is an error, one that occurs twice a warning.
    fn set(
        &mut self,
        field: &'static Field,
        inner: &Shape,
        items: &[Node],
        path: &AuditSpot<'_>,
    ) -> Value {
        let mut members = std::collections::BTreeSet::new();
        for item in items {
            if reference::is_reference(item) {
                let spot = ReferenceSpot::Member(field.name);
                let text = self.reference(item, spot, field.refers_to);
                members.extend(text);
                continue;
            }
            if item.tree == Tree::Null {
                let message = format!("`{path}` has an empty member");
                self.report(Diagnostic::error("wrong-type", message), item.mark);
                continue;
            }
            if let Some(Value::Text(text)) = self.scalar(inner, Clearing::Impossible, item, path) {
                if text.is_empty() {
                    let message = format!("`{path}` has an empty member");
                    self.report(Diagnostic::error("empty", message), item.mark);
                } else if !members.insert(text.clone()) {
                    let message = format!("`{path}` names {text:?} twice");
                    self.report(Diagnostic::warning("duplicate-member", message), item.mark);
                }
            }
        }
        Value::Set(Box::new(members))
    }

    /// Checks the elements of a keyed list. Two elements with one key are an error that shows both places: the second
    /// would silently replace the first.
    fn items(
        &mut self,
        elements: &'static Elements,
        items: &[Node],
        path: &AuditSpot<'_>,
    ) -> Value {
        let mut found: Vec<(ElementKey, Fields)> = Vec::with_capacity(items.len());
        let mut seen: BTreeMap<ElementKey, Mark> = BTreeMap::new();
        for item in items {
            if !matches!(item.tree, Tree::Map(_)) {
                let message = format!(
                    "an element of `{path}` must be a map, not {}",
                    item.describe()
                );
                self.report(Diagnostic::error("wrong-type", message), item.mark);
                continue;
            }
            let Some(key) = self.key(elements, item, path) else {
                continue;
            };
            let at = AuditSpot::Element(path, &key);
            if let Some(first) = seen.get(&key) {
                let finding = Diagnostic::error("duplicate-list-key", format!("{at} stands twice"))
                    .also(
                        Origin {
                            source: Arc::clone(&self.origin.source),
                            mark: *first,
                        },
                        "it stands here first",
                    );
                self.report(finding, item.mark);
                continue;
            }
            seen.insert(key.clone(), item.mark);
            let fields = self.fields(elements.fields, item.entries(), &at, elements.key);
            found.push((key, fields));
        }
        Value::Items(found.into())
    }

    /// Checks the elements of a list without keys, and returns them as the call has them. An element needs the members
    /// that the call requires.
    fn list(&mut self, members: &'static [Field], items: &[Node], path: &AuditSpot<'_>) -> Value {
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let number = ElementKey::new(vec![index.to_string().into()], false);
            let at = AuditSpot::Element(path, &number);
            if !matches!(item.tree, Tree::Map(_)) {
                let message = format!("`{at}` must be a map, not {}", item.describe());
                self.report(Diagnostic::error("wrong-type", message), item.mark);
                continue;
            }
            let fields = self.fields(members, item.entries(), &at, &[]);
            let required = members.iter().filter(|field| field.need == Need::Required);
            for field in required.filter(|field| item.get(field.name).is_none()) {
                let message = format!("`{at}` needs the field `{}`", field.name);
                self.report(Diagnostic::error("missing-field", message), item.mark);
            }
            list.push(Json::Object(codec::encode_fields(members, &fields)));
        }
        Value::Json(Box::new(Json::Array(list)))
    }

    /// Reads the key of an element. `None` after a finding: a part is missing, empty or no text.
    ///
    /// A number is not converted to text, because `1.10` and `1.1` are one number and two keys.
    fn key(
        &mut self,
        elements: &Elements,
        item: &Node,
        path: &AuditSpot<'_>,
    ) -> Option<ElementKey> {
        let mut parts = Vec::new();
        for name in elements.key {
            match item.get(name).map(|node| (node, &node.tree)) {
                Some((_, Tree::Text(text))) if !text.trim().is_empty() => {
                    parts.push(text.as_str().into())
                }
                Some((node, Tree::Text(_))) => {
                    let message = format!("`{path}[].{name}` must not be empty");
                    self.report(Diagnostic::error("wrong-type", message), node.mark);
                    return None;
                }
                Some((node, _)) => {
                    let message =
                        format!("`{path}[].{name}` must be text, not {}", node.describe());
                    let quoted = matches!(
                        node.tree,
                        Tree::Integer(_) | Tree::Number(_) | Tree::Bool(_)
                    );
                    let mut finding = Diagnostic::error("wrong-type", message);
                    if quoted {
                        finding = finding.hint("put the value in quotes");
                    }
                    self.report(finding, node.mark);
                    return None;
                }
                None => {
                    let message = format!("an element of `{path}` needs the field `{name}`");
                    self.report(Diagnostic::error("missing-field", message), item.mark);
                    return None;
                }
            }
        }
        Some(ElementKey::new(parts, elements.fold))
    }

    /// Returns a free-form node as JSON, its numbers with the digits that they are written with.
    fn json(&mut self, node: &Node, path: &AuditSpot<'_>) -> Json {
        match &node.tree {
            Tree::Null => Json::Null,
            Tree::Bool(value) => Json::from(*value),
            Tree::Integer(value) => Json::from(*value),
            Tree::Number(raw) => match json_number(raw) {
                Some(number) => Json::Number(number),
                None => {
                    let message = format!("`{path}` holds {raw}, which is no number in JSON");
                    let finding = Diagnostic::error("bad-number", message)
                        .hint("write it in decimal digits, or in quotes if it is text");
                    self.report(finding, node.mark);
                    Json::Null
                }
            },
            Tree::Text(text) => Json::from(text.as_str()),
            Tree::List(items) => items.iter().map(|item| self.json(item, path)).collect(),
            Tree::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), self.json(&entry.value, path)))
                .collect(),
        }
    }
}

/// Returns the scalar of a node; `Null` for a list or map, which the caller has handled.
fn as_scalar(node: &Node) -> Scalar<'_> {
    match &node.tree {
        Tree::Null | Tree::List(_) | Tree::Map(_) => Scalar::Null,
        Tree::Bool(value) => Scalar::Bool(*value),
        Tree::Integer(value) => Scalar::Integer(*value),
        Tree::Number(raw) => Scalar::Number(raw),
        Tree::Text(text) => Scalar::Text(text),
    }
}
