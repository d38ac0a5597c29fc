//! Environments: what differs between staging and production, said once.

use jiff::tz::TimeZone;

use super::node::{Mark, Node};
use super::origin::Origin;

/// Values and names of one environment.
#[derive(Clone, Debug)]
pub struct EnvironmentSpec {
    pub name: String,
    /// A tree of groups; its leaves are what `{value: seats.floor}` stands for.
    pub values: Node,
    /// The connections that objects name, each with the one that is meant here.
    pub connections: Vec<MappedConnection>,
    /// The name of the environment's runs in a store that several share.
    pub scope: Option<String>,
    /// The zone of dates without a time.
    pub time_zone: Option<TimeZone>,
    pub origin: Origin,
}

/// A name of a connection, and the connection that it stands for.
#[derive(Clone, Debug)]
pub struct MappedConnection {
    pub name: String,
    pub stands_for: String,
    pub mark: Mark,
}

impl EnvironmentSpec {
    /// Returns the name of the connection that is meant here by a name.
    pub fn meant<'n>(&'n self, name: &'n str) -> &'n str {
        let mut mapped = self.connections.iter().filter(|mapped| mapped.name == name);
        mapped.next().map_or(name, |mapped| &mapped.stands_for)
    }
}
