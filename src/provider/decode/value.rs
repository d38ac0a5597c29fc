//! Reads the value of one field, from text or from a tree.
//!
//! In: any JSON value. Out: a canonical `Value`, or a `Fault` with its place below the field. The input is read to its
//! end also after a fault, so that the members behind it can still be read.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess};
use serde_json::Value as Json;

use super::atom::{AtomReader, TakeAtom};
use super::columns::{Column, ItemColumns};
use super::element::ElementReader;
use super::reader::{Any, ObjectReader, scalar_kind, skip_list, skip_object};
use super::{Decoded, Fault};
use crate::model::{Clearing, ElementKey, Fields, Shape, Value};
use crate::provider::canon::{self, Edge, Misfit, Scalar};

/// Reads the value of a column. A fault has its place below the field.
#[derive(Clone, Copy)]
pub(super) struct ValueReader<'c>(pub &'c Column);

impl ValueReader<'_> {
    /// Makes the fault of a value of the wrong type, for example `must be map, not text`.
    fn misplaced(self, kind: &str) -> Box<Fault> {
        let desired = self.0.field.shape.name();
        Fault::new("", format!("must be {desired}, not {kind}"))
    }
}

/// Makes a fault of a misfit. Its hint is dropped: hints are advice for manifests.
fn misfit_fault(misfit: Misfit) -> Box<Fault> {
    Fault::new("", misfit.message)
}

impl<'de> ObjectReader<'de> for ValueReader<'_> {
    type Value = Decoded<Value>;

    fn scalar(self, given: Scalar<'_>) -> Self::Value {
        let field = self.0.field;
        match (&field.shape, given) {
            // Without a page that explains it, null is kept as it came, and plans take it for unknown.
            (_, Scalar::Null) if field.null.is_none() => Ok(Value::Null),
            (shape, Scalar::Null) => Ok(canon::cleared_value(shape, field.clearing)),
            (Shape::Object | Shape::Set(_) | Shape::Keyed(_), _) => {
                Err(self.misplaced(scalar_kind(given)))
            }
            (shape, _) => canon::canonical_scalar(shape, field.clearing, given, Edge::Vendor)
                .map_err(misfit_fault),
        }
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let decoded = match (&self.0.field.shape, &self.0.items) {
            (Shape::Set(inner), _) => decode_members(inner, &mut access)?,
            (_, Some(items)) => decode_elements(items, &mut access)?,
            _ => Err(self.misplaced("a list")),
        };
        if decoded.is_err() {
            skip_list(&mut access)?;
        }
        Ok(decoded)
    }

    fn object<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        if let Shape::Object = self.0.field.shape {
            let json = Json::deserialize(MapAccessDeserializer::new(access))?;
            return Ok(Ok(Value::Json(Box::new(json))));
        }
        skip_object(&mut access)?;
        Ok(Err(self.misplaced("an object")))
    }
}

/// Reads the members of a set, up to the first fault. The outer `Err` is broken JSON.
fn decode_members<'de, A: SeqAccess<'de>>(
    inner: &Shape,
    access: &mut A,
) -> Result<Decoded<Value>, A::Error> {
    let mut members = BTreeSet::new();
    while let Some(atom) = access.next_element_seed(Any(AtomReader(TakeAtom::Itself)))? {
        let member =
            canon::canonical_scalar(inner, Clearing::Impossible, atom.scalar(), Edge::Vendor);
        match member.map_err(misfit_fault) {
            Ok(Value::Text(text)) => members.insert(text),
            Ok(_) => return Ok(Err(Fault::new("", "has a member that is no text"))),
            Err(fault) => return Ok(Err(fault)),
        };
    }
    Ok(Ok(Value::Set(Box::new(members))))
}

/// Reads the elements of a keyed list, up to the first fault. An element key that occurs twice is a fault.
fn decode_elements<'de, A: SeqAccess<'de>>(
    items: &ItemColumns,
    access: &mut A,
) -> Result<Decoded<Value>, A::Error> {
    let mut found: Vec<(ElementKey, Fields)> = Vec::new();
    while let Some(element) = access.next_element_seed(Any(ElementReader(items)))? {
        match element {
            Ok(element) => found.push(element),
            Err(fault) => return Ok(Err(fault)),
        }
    }
    found.shrink_to_fit();
    Ok(match find_duplicate(&found) {
        Some(key) => Err(Fault::new("", format!("has the element [{key}] twice"))),
        None => Ok(Value::Items(found.into())),
    })
}

/// Returns the first key that occurs a second time; `None` if all keys differ.
fn find_duplicate(items: &[(ElementKey, Fields)]) -> Option<&ElementKey> {
    let mut seen = BTreeSet::new();
    let mut keys = items.iter().map(|(key, _)| key);
    keys.find(|key| items.len() > 1 && !seen.insert(*key))
}
