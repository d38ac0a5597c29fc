//! Chooses the connections, and the kind of objects there, that an import or a list of live objects is about.

use super::ImportError;
use crate::provider::{self, ResourceKind};
use crate::reconcile::Checked;

/// The reason for which it is not clear which connection is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoConnection {
    #[error("there is no connection `{name}`; {known}")]
    Unknown {
        name: String,
        known: KnownConnections,
    },
    #[error("{known}")]
    NotNamed { known: KnownConnections },
}

/// The connections that could be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownConnections(Vec<String>);

impl std::fmt::Display for KnownConnections {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_slice() {
            [] => out.write_str("there is no Connection: pass the file that has it"),
            all => write!(out, "--connection must be one of {}", all.join(", ")),
        }
    }
}

/// Returns the connection that is meant: the one named, or the only one there is. `Err` lists those that could
/// be meant.
pub fn choose_connection(checked: &Checked, named: Option<&str>) -> Result<String, NoConnection> {
    let mut chosen = choose_connections(checked, named)?;
    match (chosen.pop(), chosen.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(NoConnection::NotNamed {
            known: known_connections(checked),
        }),
    }
}

/// Returns the connections that are meant: the one named, or all. `Err` if there is none, or none of that name.
pub fn choose_connections(
    checked: &Checked,
    named: Option<&str>,
) -> Result<Vec<String>, NoConnection> {
    let all = checked.connections.keys();
    match named {
        Some(name) if checked.connections.contains_key(name) => Ok(vec![name.to_string()]),
        Some(name) => Err(NoConnection::Unknown {
            name: name.to_string(),
            known: known_connections(checked),
        }),
        None if checked.connections.is_empty() => Err(NoConnection::NotNamed {
            known: known_connections(checked),
        }),
        None => Ok(all.cloned().collect()),
    }
}

fn known_connections(checked: &Checked) -> KnownConnections {
    KnownConnections(checked.connections.keys().cloned().collect())
}

/// Returns the kind of the objects at a connection. `Err` if its vendor has several: which one is meant cannot be
/// told.
pub fn kind_at(
    checked: &Checked,
    connection: &str,
) -> Result<&'static dyn ResourceKind, ImportError> {
    let vendor = checked.connections.get(connection).map(|it| it.vendor);
    let kinds = vendor
        .and_then(provider::provider_of)
        .map_or(&[][..], |it| it.kinds());
    match kinds {
        [only] => Ok(*only),
        several => {
            let kinds = several.iter().map(|kind| kind.table().kind.0);
            Err(ImportError::SeveralKinds {
                connection: connection.to_string(),
                kinds: kinds.collect::<Vec<_>>().join(", "),
            })
        }
    }
}
