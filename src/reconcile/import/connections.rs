//! Chooses the connections, and the kinds of objects there, that an import or a list of live objects is about.

use crate::model::{Kind, Vendor};
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
    #[error("`{connection}` has no objects of the kind {kind}: --kind must be one of {known}")]
    WithoutKind {
        connection: String,
        kind: Kind,
        known: String,
    },
    #[error("there is no connection of {vendor}, whose objects are of the kind {kind}")]
    NoVendor { vendor: Vendor, kind: Kind },
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

/// Returns the connection that is meant: the one named, or the only one there is that has objects of the kinds that are
/// named. `Err` lists those that could be meant.
pub fn choose_connection(
    checked: &Checked,
    named: Option<&str>,
    kinds: &[Kind],
) -> Result<String, NoConnection> {
    let mut chosen = choose_connections(checked, named, kinds)?;
    match (chosen.len(), chosen.pop()) {
        (1, Some(only)) => Ok(only),
        (_, last) => {
            chosen.extend(last);
            let known = KnownConnections(chosen);
            Err(NoConnection::NotNamed { known })
        }
    }
}

/// Returns the connections that are meant: the one named, or all; without those that have no objects of the kinds that
/// are named. `Err` if there is none, or if no connection has objects of one of the kinds.
pub fn choose_connections(
    checked: &Checked,
    named: Option<&str>,
    kinds: &[Kind],
) -> Result<Vec<String>, NoConnection> {
    let known = || KnownConnections(checked.connections.keys().cloned().collect());
    let mut chosen: Vec<String> = match named {
        Some(name) if checked.connections.contains_key(name) => vec![name.to_string()],
        Some(name) => {
            let (name, known) = (name.to_string(), known());
            return Err(NoConnection::Unknown { name, known });
        }
        None => checked.connections.keys().cloned().collect(),
    };
    if chosen.is_empty() {
        return Err(NoConnection::NotNamed { known: known() });
    }
    for kind in kinds {
        let has_kind = |name: &String| !kinds_at(checked, name, &[*kind]).is_empty();
        if !chosen.iter().any(has_kind) {
            return Err(without_kind(checked, named, *kind));
        }
    }
    chosen.retain(|name| !kinds_at(checked, name, kinds).is_empty());
    Ok(chosen)
}

/// Makes the error about a kind that the named connection does not have, or none of them.
fn without_kind(checked: &Checked, named: Option<&str>, kind: Kind) -> NoConnection {
    let Some(connection) = named else {
        let vendor = provider::find_kind(kind.0).map_or(Vendor(""), |it| it.vendor());
        return NoConnection::NoVendor { vendor, kind };
    };
    let known = kinds_at(checked, connection, &[]).into_iter();
    let known: Vec<&str> = known.map(|kind| kind.table().kind.0).collect();
    NoConnection::WithoutKind {
        connection: connection.to_string(),
        kind,
        known: known.join(", "),
    }
}

/// Returns the kinds of the objects at a connection: all of its vendor, or those of them that are `named`.
pub fn kinds_at(
    checked: &Checked,
    connection: &str,
    named: &[Kind],
) -> Vec<&'static dyn ResourceKind> {
    let vendor = checked.connections.get(connection).map(|it| it.vendor);
    let provider = vendor.and_then(provider::provider_of);
    let kinds = provider.map_or(&[][..], |it| it.kinds()).iter().copied();
    let is_meant =
        |kind: &&'static dyn ResourceKind| named.is_empty() || named.contains(&kind.table().kind);
    kinds.filter(is_meant).collect()
}
