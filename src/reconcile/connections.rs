//! Resolves connections: finds the one of each object, and those that notifications name.
//!
//! The input is the declared connections and the lowered objects; the output is names of connections and findings. No
//! connection is opened, and no secret is resolved here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contents::LoadedObject;
use crate::manifest::BrokenConnection;
use crate::model::dated::ReadingTime;
use crate::model::environment::EnvironmentSpec;
use crate::model::{
    Address, Connection, Desired, Diagnostic, Diagnostics, Mark, Notification, Origin, Vendor,
};

/// Options of the check.
#[derive(Clone, Default)]
pub struct CheckOptions {
    /// Set if an object of a vendor without a connection is an error; `validate` of single files only warns.
    pub need_connections: bool,
    /// The simulators, to which all connections are pointed; `None` for the vendors themselves.
    pub simulators: Option<Simulators>,
    pub environment: EnvironmentChoice,
    /// The time for which the manifests are read. By default no change has begun.
    pub time: ReadingTime,
}

/// How a run comes to its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EnvironmentChoice {
    /// There must be one at most.
    #[default]
    Only,
    /// Whichever comes first: what the run does is the same in each.
    Any,
    Named(String),
}

/// Simulators of vendors, to which connections are pointed.
#[derive(Clone)]
pub struct Simulators {
    /// One connection per vendor.
    pub connections: Vec<Connection>,
    /// Set if they end with this run: a later run starts others, so their address has no meaning there.
    pub end_with_run: bool,
}

impl Simulators {
    /// Simulators that end with the run.
    pub fn of_run(connections: Vec<Connection>) -> Self {
        Self {
            connections,
            end_with_run: true,
        }
    }
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

/// The connections that the manifests declare.
pub(super) struct DeclaredConnections<'a> {
    usable: &'a BTreeMap<String, Connection>,
    by_vendor: BTreeMap<Vendor, Vec<&'a str>>,
    /// They count as there: a finding reports each of them, and no further one is needed for each of its objects.
    broken: &'a [BrokenConnection],
    environment: Option<&'a EnvironmentSpec>,
}

impl<'a> DeclaredConnections<'a> {
    pub fn new(
        usable: &'a BTreeMap<String, Connection>,
        broken: &'a [BrokenConnection],
        environment: Option<&'a EnvironmentSpec>,
    ) -> Self {
        let mut by_vendor: BTreeMap<Vendor, Vec<&str>> = BTreeMap::new();
        for connection in usable.values() {
            let names = by_vendor.entry(connection.vendor).or_default();
            names.push(&connection.name);
        }
        Self {
            usable,
            by_vendor,
            broken,
            environment,
        }
    }

    /// Reports the connections that the environment names and that do not exist.
    pub fn check_environment(&self, findings: &mut Diagnostics) {
        let Some(environment) = self.environment else {
            return;
        };
        for mapped in &environment.connections {
            let name = &mapped.stands_for;
            let may_be_broken = self
                .broken
                .iter()
                .any(|one| one.name.as_ref().is_none_or(|known| known == name));
            if self.usable.contains_key(name) || may_be_broken {
                continue;
            }
            let message = format!("there is no connection `{name}`");
            let finding = Diagnostic::error("unknown-connection", message).suggest(
                name,
                self.usable.keys().map(String::as_str).take(MAX_COMPARED),
            );
            findings.push(finding.at(&environment.origin.source, mapped.mark));
        }
    }

    /// Returns the name of the connection that is meant in this environment.
    fn meant<'n>(&'n self, name: &'n str) -> &'n str {
        self.environment
            .map_or(name, |environment| environment.meant(name))
    }

    /// Returns the only connection of these that the environment means; `None` if there is none or several.
    fn only_meant<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        let environment = self.environment?;
        let is_meant = |name: &&&str| {
            environment
                .connections
                .iter()
                .any(|mapped| mapped.stands_for == **name)
        };
        let mut meant = names.iter().filter(is_meant);
        let only = meant.next()?;
        meant.next().is_none().then_some(*only)
    }

    /// Returns the connections in order, by name.
    pub fn usable(&self) -> &'a BTreeMap<String, Connection> {
        self.usable
    }

    /// Reports whether a vendor has no connection, not even a broken one.
    pub fn lacks(&self, vendor: Vendor) -> bool {
        !self.by_vendor.contains_key(&vendor) && !self.may_be_broken(None, vendor)
    }

    /// Reports whether an object may go through one of the broken connections.
    fn may_be_broken(&self, name: Option<&str>, vendor: Vendor) -> bool {
        let mut broken = self.broken.iter();
        broken.any(|broken| broken.may_be(name, vendor))
    }
}

/// Returns the name of the connection that an object goes through: the one that it names, or the only one of its vendor.
/// `None` if it is broken, if there are several, after an error, and if there is none.
pub(super) fn resolve_connection(
    object: &LoadedObject,
    declared: &DeclaredConnections<'_>,
    findings: &mut Diagnostics,
) -> Option<String> {
    let vendor = object.vendor;
    let at = |finding: Diagnostic, mark: Mark| match &object.template {
        Some(template) => finding.at(&template.source, template.mark),
        None => finding.at(&object.origin.source, mark),
    };
    let of_vendor = declared.by_vendor.get(&vendor);
    let of_vendor = of_vendor.map_or(&[][..], Vec::as_slice);
    let similar = || of_vendor.iter().copied().take(MAX_COMPARED);
    if let Some((name, mark)) = &object.connection {
        let name = declared.meant(name);
        match declared.usable.get(name) {
            Some(connection) if connection.vendor == vendor => return Some(name.to_string()),
            Some(connection) => {
                let message = format!(
                    "the connection `{name}` is one of {}, not of {vendor}",
                    connection.vendor
                );
                let finding = Diagnostic::error("unknown-connection", message);
                findings.push(at(finding, *mark).suggest(name, similar()));
            }
            None if declared.may_be_broken(Some(name), vendor) => {}
            None => {
                let message = format!("there is no connection `{name}`");
                let finding = Diagnostic::error("unknown-connection", message);
                findings.push(at(finding, *mark).suggest(name, similar()));
            }
        }
        return None;
    }
    if let Some(only) = declared.only_meant(of_vendor) {
        return Some(only.to_string());
    }
    match of_vendor {
        [only] => Some((*only).to_string()),
        // `refuse_lacking` reports this once for all objects of the vendor.
        [] => None,
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
            let finding = Diagnostic::error("unknown-connection", message);
            let hint = format!("one of {named}{more}");
            findings.push(at(finding, object.origin.mark).hint(hint));
            None
        }
    }
}

/// The objects of one vendor that need a connection where there is none.
pub(super) struct LackingObjects {
    pub first: Address,
    pub origin: Origin,
    pub count: usize,
}

/// Adds one finding for each vendor without a connection. It is an error if connections are `required`, otherwise a
/// warning.
pub(super) fn refuse_lacking(
    lacking: BTreeMap<Vendor, LackingObjects>,
    required: bool,
    findings: &mut Diagnostics,
) {
    for (
        vendor,
        LackingObjects {
            first,
            origin,
            count,
        },
    ) in lacking
    {
        let who = match count {
            1 => format!("{first} needs"),
            2 => format!("{first} and 1 more object need"),
            count => format!("{first} and {} more objects need", count - 1),
        };
        let message = format!("{who} a Connection of vendor {vendor}, and there is none");
        let finding = match required {
            true => Diagnostic::error("no-connection", message),
            false => Diagnostic::warning("no-connection", message),
        };
        let hint = "add a Connection document, or pass the file that has it as well";
        findings.push(finding.at(&origin.source, origin.mark).hint(hint));
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
    connections: &DeclaredConnections<'_>,
    findings: &mut Diagnostics,
) -> Vec<Notification> {
    let names = || connections.usable.keys().map(String::as_str);
    let is_broken = |name: &String| {
        let mut names = connections.broken.iter().map(|broken| &broken.name);
        names.any(|broken| broken.as_ref().is_none_or(|broken| broken == name))
    };
    for (notification, origin) in &declared {
        let unknown = notification
            .connections
            .iter()
            .filter(|name| !connections.usable.contains_key(*name) && !is_broken(name));
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
