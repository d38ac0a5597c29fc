//! The kinds that no vendor has: what manifests say about accounts, people and the project.

#[derive(Clone, Copy)]
pub enum OwnKind {
    AcceptedDrift,
    Connection,
    Notification,
    Project,
}

impl OwnKind {
    pub const ALL: [Self; 4] = [
        Self::AcceptedDrift,
        Self::Connection,
        Self::Notification,
        Self::Project,
    ];

    /// As manifests spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AcceptedDrift => "AcceptedDrift",
            Self::Connection => "Connection",
            Self::Notification => "Notification",
            Self::Project => "Project",
        }
    }

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
