//! The kinds that no vendor has: what manifests say about accounts, people and the project.

use super::accepted::ACCEPTED_DRIFT;
use super::connection::CONNECTION;
use super::edition::EDITION;
use super::environment::ENVIRONMENT;
use super::notification::NOTIFICATION;
use super::object_set::OBJECT_SET;
use super::project::PROJECT;
use super::table::MapTable;

/// A kind of document that entitle itself defines, in contrast to the kinds of vendors' objects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OwnKind {
    AcceptedDrift,
    Connection,
    Edition,
    Environment,
    Notification,
    ObjectSet,
    Project,
}

impl OwnKind {
    /// Every kind, in alphabetical order.
    pub const ALL: [Self; 7] = [
        Self::AcceptedDrift,
        Self::Connection,
        Self::Edition,
        Self::Environment,
        Self::Notification,
        Self::ObjectSet,
        Self::Project,
    ];

    /// Gives the kind as manifests spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AcceptedDrift => "AcceptedDrift",
            Self::Connection => "Connection",
            Self::Edition => "Edition",
            Self::Environment => "Environment",
            Self::Notification => "Notification",
            Self::ObjectSet => "ObjectSet",
            Self::Project => "Project",
        }
    }

    /// Gives the table of the kind's `spec`.
    pub fn table(self) -> &'static MapTable {
        match self {
            Self::AcceptedDrift => &ACCEPTED_DRIFT,
            Self::Connection => &CONNECTION,
            Self::Edition => &EDITION,
            Self::Environment => &ENVIRONMENT,
            Self::Notification => &NOTIFICATION,
            Self::ObjectSet => &OBJECT_SET,
            Self::Project => &PROJECT,
        }
    }

    /// Returns the kind with this name; `None` for a vendor's kind and for an unknown one.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests;
