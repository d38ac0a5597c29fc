//! Which connection an object goes through, and what is told of which.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contents::LoadedObject;
use crate::model::{Connection, Desired, Diagnostic, Diagnostics, Notification, Origin, Vendor};

/// The connections by their names, each pointed at its vendor's simulator if there are any.
pub(super) fn connections(
    given: Vec<Connection>,
    simulators: Option<&[Connection]>,
) -> BTreeMap<String, Connection> {
    let mut all: BTreeMap<String, Connection> = given
        .into_iter()
        .map(|connection| (connection.name.clone(), connection))
        .collect();
    for simulator in simulators.unwrap_or_default() {
        let mut own = all
            .values_mut()
            .filter(|c| c.vendor == simulator.vendor)
            .peekable();
        if own.peek().is_none() {
            all.insert(simulator.name.clone(), simulator.clone());
            continue;
        }
        for connection in own {
            connection.base_url = simulator.base_url.clone();
            connection.auth = simulator.auth.clone();
        }
    }
    all
}

/// Connections that a hint names, and those that a wrong name is compared with. Both are done for every
/// object, and files may hold tens of thousands of either.
const NAMED: usize = 10;
const COMPARED: usize = 200;

/// The connection an object goes through: the one it names, or the only one of its vendor. Where none is
/// `required`, that there is none is a warning.
pub(super) fn connection_of(
    object: &LoadedObject,
    connections: &BTreeMap<String, Connection>,
    by_vendor: &BTreeMap<Vendor, Vec<&str>>,
    required: bool,
    findings: &mut Diagnostics,
) -> Option<String> {
    let vendor = object.vendor;
    let source = &object.origin.source;
    let own = by_vendor.get(&vendor).map_or(&[][..], Vec::as_slice);
    let near = || own.iter().copied().take(COMPARED);
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
                .suggest(name, near()),
            ),
            None => {
                let message = format!("there is no connection `{name}`");
                findings.push(
                    Diagnostic::error("unknown-connection", message)
                        .at(source, *mark)
                        .suggest(name, near()),
                );
            }
        }
        return None;
    }
    match own {
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
            let more = if several.len() > NAMED { ", …" } else { "" };
            let named = several[..several.len().min(NAMED)].join(", ");
            findings.push(
                Diagnostic::error("unknown-connection", message)
                    .at(source, object.origin.mark)
                    .hint(format!("one of {named}{more}")),
            );
            None
        }
    }
}

/// The object with the connection that it goes through.
pub(super) fn through(mut object: Arc<Desired>, connection: String) -> Arc<Desired> {
    if object.connection != connection {
        Arc::make_mut(&mut object).connection = connection.into();
    }
    object
}

/// The notifications, after a finding for every connection that one names and nobody has: it would be told
/// nothing, for ever.
pub(super) fn notifications(
    lowered: Vec<(Notification, Origin)>,
    connections: &BTreeMap<String, Connection>,
    findings: &mut Diagnostics,
) -> Vec<Notification> {
    let names = || connections.keys().map(String::as_str);
    for (told, origin) in &lowered {
        let unknown = told
            .connections
            .iter()
            .filter(|name| !connections.contains_key(*name));
        for name in unknown {
            let message = format!("there is no connection `{name}`");
            let finding = Diagnostic::warning("unknown-connection", message).suggest(name, names());
            findings.push(finding.at(&origin.source, origin.mark));
        }
    }
    lowered.into_iter().map(|(told, _)| told).collect()
}
