//! Encodes the contents of one piece of a manifest file.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::contents::{FileContents, LoadedObject, ObjectContent};
use crate::manifest::{Declarations, Piece};
use crate::model::{Address, Desired, Mark, Origin, PackedFields, Policy, Text};
use crate::provider;

/// A piece with nothing but objects and documents of other tools.
#[derive(Serialize, Deserialize)]
struct CacheRecord<'a> {
    documents: usize,
    skipped: usize,
    #[serde(borrow)]
    objects: Vec<Object<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Object<'a> {
    kind: &'a str,
    name: &'a str,
    #[serde(borrow)]
    labels: Vec<(&'a str, &'a str)>,
    #[serde(borrow)]
    connection: Option<(&'a str, PackedMark)>,
    /// Ids, in the order of the kind's table.
    #[serde(borrow)]
    identity: Vec<&'a str>,
    policy: Option<Policy>,
    mark: PackedMark,
    fields: &'a [u8],
}

/// Line, column, start and end of a mark.
type PackedMark = (u32, u32, u32, u32);

/// Encodes the contents of a piece. `None` unless they are objects in order and nothing else: connections and the like are
/// few, and findings have to be found again.
pub fn encode(contents: &FileContents) -> Option<Vec<u8>> {
    let declarations = &contents.declarations;
    if !declarations.is_only_counts() {
        return None;
    }
    let objects = contents
        .objects
        .iter()
        .map(pack_object)
        .collect::<Option<_>>()?;
    let record = CacheRecord {
        documents: declarations.documents,
        skipped: declarations.skipped,
        objects,
    };
    postcard::to_allocvec(&record).ok()
}

/// Decodes the contents of a piece. `None` if the bytes are not those of a record.
pub fn decode(bytes: &[u8], piece: &Piece) -> Option<FileContents> {
    let record: CacheRecord<'_> = postcard::from_bytes(bytes).ok()?;
    let objects = record.objects.into_iter();
    let objects = objects.map(|object| unpack_object(object, piece));
    Some(FileContents {
        objects: objects.collect::<Option<_>>()?,
        declarations: Declarations {
            documents: record.documents,
            skipped: record.skipped,
            ..Declarations::default()
        },
    })
}

fn pack_object(loaded: &LoadedObject) -> Option<Object<'_>> {
    let ObjectContent::Desired(desired) = &loaded.content else {
        return None;
    };
    let labels = desired.labels.iter();
    let connection = loaded.connection.as_ref();
    Some(Object {
        kind: loaded.address.kind.0,
        name: &loaded.address.name,
        labels: labels.map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        connection: connection.map(|(name, mark)| (name.as_str(), pack_mark(*mark))),
        identity: desired.identity.iter().map(|(_, id)| id.as_str()).collect(),
        policy: desired.policy.own().cloned(),
        mark: pack_mark(loaded.origin.mark),
        fields: desired.fields.bytes(),
    })
}

fn unpack_object(object: Object<'_>, piece: &Piece) -> Option<LoadedObject> {
    let table = provider::find_kind(object.kind)?.table();
    let names = table.identity.iter().map(|identity| identity.name);
    if object.identity.len() != table.identity.len() {
        return None;
    }
    let address = Address {
        kind: table.kind,
        name: object.name.into(),
    };
    let origin = Origin {
        source: Arc::clone(&piece.label),
        mark: unpack_mark(object.mark),
    };
    let labels = object.labels.into_iter();
    let desired = Desired {
        address: address.clone(),
        vendor: table.vendor,
        connection: Text::default(),
        identity: names
            .zip(object.identity.into_iter().map(Text::from))
            .collect(),
        fields: PackedFields::of_bytes(table.desired, object.fields)?,
        policy: object.policy.map(Into::into).unwrap_or_default(),
        labels: labels.map(|(k, v)| (k.into(), v.into())).collect(),
        origin: origin.clone(),
    };
    Some(LoadedObject {
        address,
        vendor: table.vendor,
        connection: object
            .connection
            .map(|(name, mark)| (name.into(), unpack_mark(mark))),
        origin,
        content: ObjectContent::Desired(Arc::new(desired)),
    })
}

fn pack_mark(mark: Mark) -> PackedMark {
    (mark.line, mark.column, mark.start, mark.end)
}

fn unpack_mark((line, column, start, end): PackedMark) -> Mark {
    Mark {
        line,
        column,
        start,
        end,
    }
}
