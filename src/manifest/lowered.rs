//! What manifests say once they are lowered, and how they are.

use super::piece::Piece;
use super::project::Project;
use crate::model::draft::{Draft, KindRow};
use crate::model::{
    AcceptedDrift, Address, Connection, Diagnostics, Mark, Notification, Origin, Vendor,
};

/// Everything the manifests of a run say.
#[derive(Clone)]
pub struct Manifests<T> {
    pub objects: Vec<Lowered<T>>,
    pub connections: Vec<Connection>,
    pub accepted: Vec<AcceptedDrift>,
    pub projects: Vec<Project>,
    /// Who is told by the daemon, with the places for findings about their names.
    pub notifications: Vec<(Notification, Origin)>,
    pub files: usize,
    pub documents: usize,
    /// Documents that belong to other tools.
    pub skipped: usize,
    pub findings: Diagnostics,
}

/// An object whose envelope is in order, and what was made of its draft.
#[derive(Clone)]
pub struct Lowered<T> {
    pub address: Address,
    pub vendor: Vendor,
    /// The connection it names, if it names one.
    pub connection: Option<(String, Mark)>,
    pub origin: Origin,
    /// Nothing if the draft was not in order.
    pub object: Option<T>,
}

/// What pieces of files said in earlier runs.
pub trait Memory<T>: Sync {
    /// What a piece said; nothing if it was never read, or said anything that must be looked at again.
    fn recall(&self, piece: &Piece) -> Option<Manifests<T>>;

    /// Remembers what a piece says.
    fn keep(&self, piece: &Piece, said: &Manifests<T>);
}

/// How files are lowered.
pub struct Lowering<'a, T> {
    pub kinds: &'a [KindRow],
    pub each: &'a Each<'a, T>,
    pub memory: Option<&'a dyn Memory<T>>,
}

/// What becomes of a draft. It is called where the draft is made, so that no tree outlives its piece.
pub type Each<'a, T> = dyn Fn(Draft, &mut Diagnostics) -> Option<T> + Sync + 'a;

impl<T> Default for Manifests<T> {
    fn default() -> Self {
        Self {
            objects: Vec::new(),
            connections: Vec::new(),
            accepted: Vec::new(),
            projects: Vec::new(),
            notifications: Vec::new(),
            files: 0,
            documents: 0,
            skipped: 0,
            findings: Diagnostics::default(),
        }
    }
}

impl<T> Manifests<T> {
    /// Whether there are objects, documents of other tools, and nothing that has to be told.
    pub fn is_only_objects(&self) -> bool {
        self.connections.is_empty()
            && self.accepted.is_empty()
            && self.projects.is_empty()
            && self.notifications.is_empty()
            && self.findings.is_empty()
    }

    pub(super) fn take(&mut self, part: Self) {
        self.files += part.files;
        self.objects.extend(part.objects);
        self.connections.extend(part.connections);
        self.accepted.extend(part.accepted);
        self.projects.extend(part.projects);
        self.notifications.extend(part.notifications);
        self.documents += part.documents;
        self.skipped += part.skipped;
        self.findings.extend(part.findings);
    }
}
