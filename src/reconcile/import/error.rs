//! The reasons why objects are not imported.

use crate::model::{Kind, Vendor};
use crate::provider::{self, ResourceKind, audit};
use crate::reconcile::OpenError;

/// The reason why an object, or a whole connection, is not imported.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Identity(#[from] audit::IdentityError),
    /// None of its objects can be read.
    #[error("{message}{hint}")]
    Faulty { message: String, hint: String },
    /// Everything was asked for, and the vendor has no list.
    #[error(transparent)]
    NoList(#[from] NoList),
    /// An id was given without its kind, and the vendor has several.
    #[error(
        "`{connection}` has objects of several kinds: say with --kind which of them the id is of; there are {kinds}"
    )]
    SeveralKinds { connection: String, kinds: String },
    /// `--id` names an object that no manifest at the connection has.
    #[error("no manifest of `{connection}` names {id}")]
    NotManaged { connection: String, id: String },
    #[error("{0} has no such object")]
    Missing(Vendor),
    /// It could not be read, for the reason in the text.
    #[error("{0}")]
    Unread(String),
    /// It could not be planned, for the reason in the text.
    #[error("{0}")]
    Unplanned(String),
    /// The manifest could not be written as YAML.
    #[error("{0}")]
    Unspelled(String),
    #[error("its manifest would not be valid: {message} ({code})")]
    Invalid { message: String, code: &'static str },
    /// The reader found no object in the text, or several.
    #[error("its manifest would not be read as one object")]
    NotOneObject,
    /// A plan of the manifest would change this field, so it does not state what is live.
    #[error("its manifest would not say what is there: `{0}` would change")]
    WouldChange(String),
    #[error("the set would give {made} objects, not {expected}")]
    OtherCount { expected: usize, made: usize },
    /// A set does not give this object as its manifest does.
    #[error("the set would not give `{0}` as it is")]
    OtherInSet(String),
}

/// All objects of a kind were asked for, and the vendor has no call that lists them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{vendor} has no call that lists {}", self.objects_and_flags())]
pub struct NoList {
    vendor: Vendor,
    kind: Kind,
    /// The identity as `--id` takes it.
    id: String,
}

impl NoList {
    pub fn of(kind: &dyn ResourceKind) -> Self {
        let table = kind.table();
        let names: Vec<&str> = table.identity.iter().map(|id| id.name).collect();
        Self {
            vendor: table.vendor,
            kind: table.kind,
            id: names.join("/"),
        }
    }

    /// Reports whether the vendor has other kinds of objects as well.
    pub fn has_other_kinds(&self) -> bool {
        provider::provider_of(self.vendor).is_some_and(|provider| provider.kinds().len() > 1)
    }

    /// Names the objects, and the flags for one of them. The kind is named where the vendor has others.
    fn objects_and_flags(&self) -> String {
        let (kind, id) = (self.kind, &self.id);
        match self.has_other_kinds() {
            false => format!("its objects: name them with --id {id}"),
            true => format!("objects of the kind {kind}: name them with --kind {kind} --id {id}"),
        }
    }
}
