//! Tells whether a saved plan still fits the manifests, and what moved if it does not.
//!
//! In: an entry of the plan and what it was made from, the present manifest and what that comes from. Out: `Ok`, or the
//! connection, its destination, its credentials or the members of the manifest that moved. Only the hashes of
//! `provenance` are compared.

use std::collections::BTreeSet;
use std::fmt;

use super::document::{ObjectEntry, reference_entries};
use super::provenance::{manifest_fields, manifest_fingerprint};
use super::source_facts::{Destination, SourceFacts};
use crate::model::Desired;

/// Tells how the manifest of an object moved since a plan was made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The plan was written by an older version, which did not hash the manifests.
    Unknown,
    Since {
        change: Movement,
        /// File and line of the manifest of now.
        at: String,
    },
}

/// The part of a manifest that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// The object goes through another connection.
    Connection {
        was: String,
        is: String,
    },
    /// Its connection leads to another place.
    Destination {
        connection: String,
        was: Destination,
        is: Destination,
    },
    Credentials {
        connection: String,
    },
    /// The members that changed; empty if the plan does not tell.
    Members(Vec<String>),
}

impl fmt::Display for Moved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Since { change, at } = self else {
            return out.write_str(
                "the plan is of an older version, which did not keep what the manifests said: plan again",
            );
        };
        match change {
            Movement::Connection { was, is } => {
                write!(out, "its connection was `{was}` and is `{is}`")
            }
            Movement::Destination {
                connection,
                was,
                is,
            } => write!(
                out,
                "the connection `{connection}` led to {was} and leads to {is}"
            ),
            Movement::Credentials { connection } => {
                write!(
                    out,
                    "the credentials of the connection `{connection}` changed"
                )
            }
            Movement::Members(names) if names.is_empty() => out.write_str("the manifest changed"),
            Movement::Members(names) => write!(out, "the manifest changed in {}", names.join(", ")),
        }?;
        write!(out, " after the plan was made ({at}): plan again")
    }
}

/// Checks that the present manifest states the same as when an entry of a plan was made; `Err` names what moved.
///
/// `then` are the facts of the plan, `now` those of the manifests that `desired` comes from.
pub fn check_unmoved(
    entry: &ObjectEntry,
    then: &SourceFacts,
    desired: &Desired,
    now: &SourceFacts,
) -> Result<(), Moved> {
    let Some(planned) = &entry.manifest_fingerprint else {
        return Err(Moved::Unknown);
    };
    if *planned == manifest_fingerprint(desired, now) {
        return Ok(());
    }
    let origin = &desired.origin;
    let change = if entry.connection != *desired.connection {
        Movement::Connection {
            was: entry.connection.clone(),
            is: desired.connection.to_string(),
        }
    } else if let Some(elsewhere) = moved_connection(&entry.connection, then, now) {
        elsewhere
    } else {
        Movement::Members(moved_members(entry, desired))
    };
    Err(Moved::Since {
        change,
        at: format!("{}:{}", origin.source.name, origin.mark.line),
    })
}

/// Returns how a connection moved: to another destination, or to other credentials. `None` if it did not.
fn moved_connection(name: &str, then: &SourceFacts, now: &SourceFacts) -> Option<Movement> {
    let connection = || name.to_string();
    let places = (then.connections.get(name)).zip(now.connections.get(name));
    if let Some((was, is)) = places.filter(|(was, is)| was != is) {
        return Some(Movement::Destination {
            connection: connection(),
            was: was.clone(),
            is: is.clone(),
        });
    }
    let fingerprints = |facts: &SourceFacts| facts.connection_fingerprints.get(name).cloned();
    (fingerprints(then) != fingerprints(now)).then(|| Movement::Credentials {
        connection: connection(),
    })
}

/// Returns the identity members, managed fields and policy members in which a manifest differs from the plan.
fn moved_members(entry: &ObjectEntry, desired: &Desired) -> Vec<String> {
    let identity = desired.ids();
    let references = reference_entries(desired);
    let ids = desired.identity.iter().map(|(name, _)| *name);
    let ids = ids.filter(|name| match references.get(*name) {
        Some(referents) => entry.references.get(*name) != Some(referents),
        None => entry.identity.get(name) != identity.get(name),
    });
    let mut moved: Vec<String> = ids.map(str::to_string).collect();
    if entry.manifest_fields.is_empty() {
        return moved;
    }
    let now = manifest_fields(desired);
    let names: BTreeSet<&String> = entry.manifest_fields.keys().chain(now.keys()).collect();
    let differs = |name: &&&String| entry.manifest_fields.get(**name) != now.get(**name);
    moved.extend(names.iter().filter(differs).map(|name| (*name).clone()));
    moved
}

#[cfg(test)]
mod tests;
