//! Resolves connections: which one an object goes through, and which ones a notification names.
//!
//! Input are the declared connections and the lowered objects, output names of connections and findings. No
//! connection is opened, and no secret is resolved here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contents::LoadedObject;
use crate::model::{Connection, Desired, Diagnostic, Diagnostics, Notification, Origin, Vendor};

/// Options of the check.
#[derive(Default)]
pub struct CheckOptions {
    /// Set if an object of a vendor without a connection is an error; `validate` of single files only warns.
    pub need_connections: bool,
    /// The simulators, to which all connections are pointed; `None` for the vendors themselves.
    pub simulators: Option<Vec<Connection>>,
}

/// Returns the connections by name, pointed at the simulators if there are any.
///
/// With a simulator of vendor `lac`, each connection of `lac` gets its URL and credentials and keeps its name. A
/// vendor without a connection gets that of its simulator, so that manifests run on the sandbox without one.
pub(super) fn point_connections(
    given: Vec<Connection>,
    simulators: Option<&[Connection]>,
) -> BTreeMap<String, Connection> {
    let mut all: BTreeMap<String, Connection> = given
        .into_iter()
        .map(|connection| (connection.name.clone(), connection))
        .collect();
    for simulator in simulators.unwrap_or_default() {
        let mut of_vendor = all
            .values_mut()
            .filter(|c| c.vendor == simulator.vendor)
            .peekable();
        if of_vendor.peek().is_none() {
            all.insert(simulator.name.clone(), simulator.clone());
            continue;
        }
        for connection in of_vendor {
            connection.base_url = simulator.base_url.clone();
            connection.auth = simulator.auth.clone();
        }
    }
    all
}

/// Most connections that a hint names. There is a hint for each object, and there may be tens of thousands of both.
const MAX_NAMED: usize = 10;

/// Most connections that a wrong name is compared with.
const MAX_COMPARED: usize = 200;

/// Returns the name of the connection that an object goes through: the one that it names, or the only one of its vendor.
/// `None` if there is none or several, after an error. If a connection is not `required`, a vendor without one gives a
/// warning and an empty name.
pub(super) fn resolve_connection(
    object: &LoadedObject,
    connections: &BTreeMap<String, Connection>,
    by_vendor: &BTreeMap<Vendor, Vec<&str>>,
    required: bool,
    findings: &mut Diagnostics,
) -> Option<String> {
    let vendor = object.vendor;
    let source = &object.origin.source;
    let of_vendor = by_vendor.get(&vendor).map_or(&[][..], Vec::as_slice);
    let similar = || of_vendor.iter().copied().take(MAX_COMPARED);
    if let Some((name, mark)) = &object.connection {
        match connections.get(name) {
            Some(connection) if connection.vendor == vendor => return Some(name.clone()),
            Some(connection) => findings.push(
                Diagnostic::error(
                    "unknown-connection",
                    format!(
                        "the connection `{name}` is one of {}, not of {vendor}",
                        connection.vendor
                    ),
                )
                .at(source, *mark)
                .suggest(name, similar()),
            ),
            None => {
                let message = format!("there is no connection `{name}`");
                findings.push(
                    Diagnostic::error("unknown-connection", message)
                        .at(source, *mark)
                        .suggest(name, similar()),
                );
            }
        }
        return None;
    }
    match of_vendor {
        [only] => Some((*only).to_string()),
        [] => {
            let message = format!(
                "{} needs a Connection of vendor {vendor}, and there is none",
                object.address
            );
            let finding = if required {
                Diagnostic::error("no-connection", message)
            } else {
                Diagnostic::warning("no-connection", message)
            };
            let hint = "add a Connection document, or pass the file that has it as well";
            findings.push(finding.at(source, object.origin.mark).hint(hint));
            (!required).then(String::new)
        }
        several => {
            let message = format!(
                "{vendor} has {} connections, so `connection` must name one",
                several.len()
            );
            let more = if several.len() > MAX_NAMED {
                ", …"
            } else {
                ""
            };
            let named = several[..several.len().min(MAX_NAMED)].join(", ");
            findings.push(
                Diagnostic::error("unknown-connection", message)
                    .at(source, object.origin.mark)
                    .hint(format!("one of {named}{more}")),
            );
            None
        }
    }
}

/// Returns the object with the name of its connection. It is copied only if it had another.
pub(super) fn with_connection(mut object: Arc<Desired>, connection: String) -> Arc<Desired> {
    if object.connection != connection {
        Arc::make_mut(&mut object).connection = connection.into();
    }
    object
}

/// Returns the notifications, after a warning for every name of a connection that does not exist: nothing would ever be sent
/// for it.
pub(super) fn check_notifications(
    declared: Vec<(Notification, Origin)>,
    connections: &BTreeMap<String, Connection>,
    findings: &mut Diagnostics,
) -> Vec<Notification> {
    let names = || connections.keys().map(String::as_str);
    for (notification, origin) in &declared {
        let unknown = notification
            .connections
            .iter()
            .filter(|name| !connections.contains_key(*name));
        for name in unknown {
            let message = format!("there is no connection `{name}`");
            let finding = Diagnostic::warning("unknown-connection", message).suggest(name, names());
            findings.push(finding.at(&origin.source, origin.mark));
        }
    }
    declared
        .into_iter()
        .map(|(notification, _)| notification)
        .collect()
}
