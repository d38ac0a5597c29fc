//! Defines the contents of a manifest file: its objects, audited and packed, and all other declarations.
//!
//! Contents follow from the text of the file alone, so they can be cached by the hash of the text. Facts that
//! depend on other files, such as the connection in force or a name given twice, are added by `check` and
//! `routing`.

use std::sync::Arc;

use super::outline::ObjectOutline;
use crate::manifest::Declarations;
use crate::model::draft::Draft;
use crate::model::{Address, Desired, Mark, Origin, Vendor};

/// Contents of a file, or of a piece of one. They follow from its text alone and depend on no other file.
#[derive(Clone, Default)]
pub struct FileContents {
    /// All objects, also invalid ones, in the order of their documents.
    pub objects: Vec<LoadedObject>,
    /// Connections, notifications, counts and findings.
    pub declarations: Declarations,
}

/// An object of a vendor whose envelope is in order.
#[derive(Clone)]
pub struct LoadedObject {
    pub address: Address,
    pub vendor: Vendor,
    /// The connection that it names, with its place; `None` if it goes through the only one of its vendor.
    pub connection: Option<(String, Mark)>,
    pub origin: Origin,
    /// For a row of a set whose connection no cell names: the place in the template that decides on it.
    pub template: Option<Origin>,
    /// The object as it was written, if it is composed: its content then depends on other files or on the time.
    pub draft: Option<Arc<Draft>>,
    /// Whether its content is made of several documents.
    pub is_composed: bool,
    pub content: ObjectContent,
}

impl LoadedObject {
    /// Takes the envelope of a draft, still without content.
    pub fn of(draft: &Draft) -> Self {
        Self {
            address: draft.address.clone(),
            vendor: draft.row.vendor,
            connection: draft.connection.clone(),
            origin: draft.origin.clone(),
            template: None,
            draft: None,
            is_composed: false,
            content: ObjectContent::Invalid,
        }
    }
}

/// The part of an object beside its envelope.
#[derive(Clone, Default)]
pub enum ObjectContent {
    /// Its fields are not valid, which a finding of its file reports; or the object is not in force.
    #[default]
    Invalid,
    /// It is valid, and kept in full.
    Desired(Arc<Desired>),
    /// It was valid when its file was read; another replica looks after it.
    Outline(Arc<ObjectOutline>),
}

impl ObjectContent {
    /// Reports whether the object was valid when its file was read.
    pub fn is_valid(&self) -> bool {
        !matches!(self, Self::Invalid)
    }

    /// Returns the object if it is kept in full.
    pub fn desired(&self) -> Option<&Arc<Desired>> {
        match self {
            Self::Desired(desired) => Some(desired),
            Self::Invalid | Self::Outline(_) => None,
        }
    }

    /// Replaces a desired object by its outline. Invalid objects and outlines stay as they are.
    pub fn forget(&mut self) {
        if let Self::Desired(desired) = self {
            *self = Self::Outline(Arc::new(ObjectOutline::from(&**desired)));
        }
    }
}

impl FileContents {
    /// Joins the contents of the pieces of a file, in order.
    pub fn join(pieces: impl IntoIterator<Item = Self>) -> Self {
        let mut pieces = pieces.into_iter();
        let mut joined = pieces.next().unwrap_or_default();
        for piece in pieces {
            joined.objects.extend(piece.objects);
            joined.declarations.append(piece.declarations);
        }
        joined
    }

    /// Adds a finding for every object whose name another one has.
    pub fn refuse_duplicate_objects(&mut self) {
        let objects = self.objects.iter();
        let names = objects.map(|object| (&object.address, &object.origin));
        self.declarations.refuse_duplicate_objects(names);
    }
}
