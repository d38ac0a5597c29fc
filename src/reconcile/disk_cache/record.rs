//! Encodes the contents of one piece of a manifest file for the cache on disk.
//!
//! A record holds what lowering made of the text, but neither the text nor the name of the file: these come from
//! the piece that is looked up. The encoding is `postcard`, whose bytes do not describe themselves, so a record
//! must never be read by a version of other types; the cache keeps versions apart.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::contents::{FileContents, LoadedObject, ObjectContent};
use crate::manifest::{Declarations, Piece};
use crate::model::field::find_field;
use crate::model::policy::OwnPolicy;
use crate::model::resource::ComingStates;
use crate::model::{
    Address, CreationFields, Desired, KindTable, LayerNames, Mark, Origin, PackedFields, Policy,
    Reference, ReferenceSpot, ReferenceState, References, Text,
};
use crate::provider;

/// A piece with nothing but objects and documents of other tools.
#[derive(Serialize, Deserialize)]
struct CacheRecord<'a> {
    /// Documents in the piece, those of other tools included.
    documents: usize,
    /// Documents of other tools.
    skipped: usize,
    #[serde(borrow)]
    objects: Vec<Object<'a>>,
}

/// One object, its texts borrowed from the bytes of the record or from the object that is encoded.
#[derive(Serialize, Deserialize)]
struct Object<'a> {
    kind: &'a str,
    name: &'a str,
    #[serde(borrow)]
    labels: Vec<(&'a str, &'a str)>,
    /// The connection that the manifest names and where it does; `None` if it names none.
    #[serde(borrow)]
    connection: Option<(&'a str, PackedMark)>,
    /// Whether the object is named by its natural key and not by the vendor's ids.
    keyed: bool,
    /// Ids or members of the key, in the order of the kind's table.
    #[serde(borrow)]
    identity: Vec<&'a str>,
    policy: Option<Policy>,
    mark: PackedMark,
    /// The desired fields in their packed form, which is copied as it is.
    fields: &'a [u8],
    /// What only a creation takes, in the same form; empty for most objects.
    creation: &'a [u8],
    #[serde(borrow)]
    references: Vec<PackedReference<'a>>,
}

/// A reference to another object, whose kind is that of the spot.
#[derive(Serialize, Deserialize)]
struct PackedReference<'a> {
    spot: SpotForm,
    /// The name of the member or field.
    member: &'a str,
    referent: &'a str,
    mark: PackedMark,
}

/// The form of a [`ReferenceSpot`].
#[derive(Serialize, Deserialize)]
enum SpotForm {
    Id,
    Field,
    Member,
}

/// Line, column, start and end of a mark.
type PackedMark = (u32, u32, u32, u32);

/// Encodes the contents of a piece.
///
/// `None` unless all of it are objects in order: connections and the like are few, and findings have to be made
/// anew in every run.
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

/// Decodes the contents of `piece`. `None` if the bytes are no record, or name a kind or fields that do not
/// exist.
///
/// The caller then lowers the text, so a damaged cache costs time and nothing else.
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

/// Makes the record of an object; `None` if it is invalid or an outline.
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
        keyed: provider::find_kind(loaded.address.kind.0)
            .is_some_and(|kind| desired.is_keyed(kind.table())),
        identity: desired.identity.iter().map(|(_, id)| id.as_str()).collect(),
        policy: desired.policy.explicit().cloned(),
        mark: pack_mark(loaded.origin.mark),
        fields: desired.fields.bytes(),
        creation: desired.creation.bytes(),
        references: desired.references.iter().map(pack_reference).collect(),
    })
}

/// Makes an object from its record, with the file of `piece` as its origin.
///
/// `None` if the kind is unknown, or has another number of ids by now. The connection of the object itself stays
/// empty: it is resolved when all files are there.
fn unpack_object(object: Object<'_>, piece: &Piece) -> Option<LoadedObject> {
    let table = provider::find_kind(object.kind)?.table();
    let names = || table.naming(object.keyed).map(|identity| identity.name);
    if object.identity.len() != names().count() {
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
    let references = object.references.into_iter();
    let references = references.map(|reference| unpack_reference(reference, table));
    let policy: OwnPolicy = object.policy.map(Into::into).unwrap_or_default();
    // An object with changes is composed anew in every run.
    let coming = match policy.schedule {
        true => ComingStates::at_vendor(Vec::new()),
        false => ComingStates::default(),
    };
    let desired = Desired {
        address: address.clone(),
        vendor: table.vendor,
        connection: Text::default(),
        identity: names()
            .zip(object.identity.into_iter().map(Text::from))
            .collect(),
        fields: PackedFields::of_bytes(table.desired, object.fields)?,
        creation: CreationFields::of_bytes(table.lifecycle.creation_fields(), object.creation)?,
        policy,
        labels: labels.map(|(k, v)| (k.into(), v.into())).collect(),
        origin: origin.clone(),
        references: References::new(references.collect::<Option<_>>()?),
        layers: LayerNames::default(),
        coming,
    };
    Some(LoadedObject {
        template: None,
        draft: None,
        is_composed: false,
        address,
        vendor: table.vendor,
        connection: object
            .connection
            .map(|(name, mark)| (name.into(), unpack_mark(mark))),
        origin,
        content: ObjectContent::Desired(Arc::new(desired)),
    })
}

fn pack_reference(reference: &Reference) -> PackedReference<'_> {
    let spot = match reference.spot {
        ReferenceSpot::Id(_) => SpotForm::Id,
        ReferenceSpot::Field(_) => SpotForm::Field,
        ReferenceSpot::Member(_) => SpotForm::Member,
    };
    PackedReference {
        spot,
        member: reference.spot.name(),
        referent: &reference.referent.name,
        mark: pack_mark(reference.mark),
    }
}

/// Makes a reference from its record. `None` if the table has no such spot, or one that takes no reference.
fn unpack_reference(packed: PackedReference<'_>, table: &KindTable) -> Option<Reference> {
    let field = || find_field(table.desired, packed.member);
    let (spot, kind) = match packed.spot {
        SpotForm::Id => {
            let mut members = table.naming(false).chain(table.naming(true));
            let member = members.find(|id| id.name == packed.member)?;
            (ReferenceSpot::Id(member.name), member.refers_to)
        }
        SpotForm::Field => {
            let field = field()?;
            (ReferenceSpot::Field(field.name), field.refers_to)
        }
        SpotForm::Member => {
            let field = field()?;
            (ReferenceSpot::Member(field.name), field.refers_to)
        }
    };
    Some(Reference {
        spot,
        referent: Address {
            kind: kind?,
            name: packed.referent.into(),
        },
        mark: unpack_mark(packed.mark),
        state: ReferenceState::Open,
    })
}

/// Turns a mark into four numbers.
fn pack_mark(mark: Mark) -> PackedMark {
    (mark.line, mark.column, mark.start, mark.end)
}

/// Turns four numbers back into a mark.
fn unpack_mark((line, column, start, end): PackedMark) -> Mark {
    Mark {
        line,
        column,
        start,
        end,
    }
}
