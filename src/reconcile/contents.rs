//! What a manifest file says by itself: its objects audited and packed, everything else as declared.

use std::sync::Arc;

use super::outline::ObjectOutline;
use crate::manifest::Declarations;
use crate::model::{Address, Desired, Mark, Origin, Vendor};

/// What a file, or a piece of one, says. It follows from its text alone: nothing in it depends on another file.
#[derive(Clone, Default)]
pub struct FileContents {
    pub objects: Vec<LoadedObject>,
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
    pub content: ObjectContent,
}

/// What is known of an object beside its envelope.
#[derive(Clone, Default)]
pub enum ObjectContent {
    /// Its fields are not in order, which its file has a finding about; or it is not in force.
    #[default]
    Invalid,
    Desired(Arc<Desired>),
    /// It was in order when its file was read; another replica looks after it.
    Outline(Arc<ObjectOutline>),
}

impl ObjectContent {
    pub fn is_valid(&self) -> bool {
        !matches!(self, Self::Invalid)
    }

    /// Replaces a desired object by its outline.
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

    /// Joins the contents of all files of a run, with a finding for every name that is given twice.
    pub fn merge(files: impl IntoIterator<Item = Self>) -> Self {
        let mut merged = Self::join(files);
        let objects = merged.objects.iter();
        let names = objects.map(|object| (&object.address, &object.origin));
        merged.declarations.refuse_duplicate_names(names);
        merged
    }
}
