//! Collects the content of manifests beside the objects of vendors.

use std::collections::{BTreeSet, HashMap};

use super::project::Project;
use crate::model::draft::KindRow;
use crate::model::edition::Edition;
use crate::model::environment::EnvironmentSpec;
use crate::model::object_set::ObjectSet;
use crate::model::{
    AcceptedDrift, Address, Connection, Diagnostic, Diagnostics, Node, Notification, Origin, Vendor,
};

/// The documents of our own kinds in a file, or in a piece of one, and what was counted and found on the way.
#[derive(Clone, Default)]
pub struct Declarations {
    pub connections: Vec<Connection>,
    /// Connections that cannot be used, each after a finding.
    pub broken_connections: Vec<BrokenConnection>,
    pub accepted: Vec<AcceptedDrift>,
    pub editions: Vec<Edition>,
    /// Names of editions that cannot be read, each after a finding.
    pub broken_editions: Vec<String>,
    pub environments: Vec<EnvironmentSpec>,
    /// Names of environments that cannot be read, each after a finding.
    pub broken_environments: Vec<String>,
    pub sets: Vec<ObjectSet>,
    pub projects: Vec<Project>,
    /// Notifications of the daemon, each with its place for findings about the names in it.
    pub notifications: Vec<(Notification, Origin)>,
    /// Number of documents of every kind, those of vendors and of other tools included.
    pub documents: usize,
    /// Number of documents that belong to other tools.
    pub skipped: usize,
    pub findings: Diagnostics,
}

/// A `Connection` that cannot be used. It counts as there: that objects lack one is not what has to be mended.
#[derive(Clone, Debug, Default)]
pub struct BrokenConnection {
    /// `None` if it has no usable name.
    pub name: Option<String>,
    /// `None` if it names no known vendor.
    pub vendor: Option<Vendor>,
}

impl BrokenConnection {
    /// Reads what is usable of a document that may be a connection.
    pub fn of(document: &Node, kinds: &[KindRow]) -> Self {
        let text = |map: &str, name: &str| document.get(map)?.get(name)?.text();
        let vendor = text("spec", "vendor");
        let vendors = kinds.iter().map(|row| row.vendor);
        Self {
            name: text("metadata", "name").map(str::to_string),
            vendor: vendors.into_iter().find(|known| Some(known.0) == vendor),
        }
    }

    /// Reports whether an object could mean this one: an object of this vendor that names this connection, or none.
    pub fn may_be(&self, name: Option<&str>, vendor: Vendor) -> bool {
        let same_name = match (name, &self.name) {
            (Some(name), Some(given)) => name == given,
            (None, _) | (_, None) => true,
        };
        same_name && self.vendor.is_none_or(|given| given == vendor)
    }
}

impl Declarations {
    /// Reports whether there is nothing but the counts: no document of our own kinds and no finding.
    pub fn is_only_counts(&self) -> bool {
        self.connections.is_empty()
            && self.broken_connections.is_empty()
            && self.accepted.is_empty()
            && self.editions.is_empty()
            && self.broken_editions.is_empty()
            && self.environments.is_empty()
            && self.broken_environments.is_empty()
            && self.sets.is_empty()
            && self.projects.is_empty()
            && self.notifications.is_empty()
            && self.findings.is_empty()
    }

    /// Returns the names of all editions and sets.
    pub fn layer_names(&self) -> BTreeSet<String> {
        let editions = self.editions.iter().map(|edition| &edition.name);
        let names = editions.chain(self.sets.iter().map(|set| &set.name));
        names.chain(&self.broken_editions).cloned().collect()
    }

    /// Adds those of the next piece or file.
    pub fn append(&mut self, next: Self) {
        self.connections.extend(next.connections);
        self.broken_connections.extend(next.broken_connections);
        self.accepted.extend(next.accepted);
        self.editions.extend(next.editions);
        self.broken_editions.extend(next.broken_editions);
        self.environments.extend(next.environments);
        self.broken_environments.extend(next.broken_environments);
        self.sets.extend(next.sets);
        self.projects.extend(next.projects);
        self.notifications.extend(next.notifications);
        self.documents += next.documents;
        self.skipped += next.skipped;
        self.findings.extend(next.findings);
    }

    /// Adds an error for every name that two objects of one kind have. They come in the order in which they were read: the
    /// second of two is the one at fault.
    pub fn refuse_duplicate_objects<'a>(
        &mut self,
        objects: impl ExactSizeIterator<Item = (&'a Address, &'a Origin)>,
    ) {
        let mut first_by_address: HashMap<&Address, &Origin> =
            HashMap::with_capacity(objects.len());
        let mut findings = Vec::new();
        for (address, origin) in objects {
            match first_by_address.get(address) {
                Some(first) => findings.push(duplicate_name(&address.to_string(), first, origin)),
                None => drop(first_by_address.insert(address, origin)),
            }
        }
        for finding in findings {
            self.findings.push(finding);
        }
    }

    /// Adds an error for every name that two documents of one of our own kinds have.
    pub fn refuse_duplicate_declarations(&mut self) {
        let mut findings = Vec::new();
        let connections = self.connections.iter();
        let connections =
            connections.map(|declared| ("Connection", declared.name.as_str(), &declared.origin));
        let notifications = self.notifications.iter();
        let notifications = notifications
            .map(|(declared, origin)| ("Notification", declared.name.as_str(), origin));
        let editions = self.editions.iter();
        let editions =
            editions.map(|declared| ("Edition", declared.name.as_str(), &declared.origin));
        let environments = self.environments.iter();
        let environments =
            environments.map(|declared| ("Environment", declared.name.as_str(), &declared.origin));
        let sets = self.sets.iter();
        let sets = sets.map(|declared| ("ObjectSet", declared.name.as_str(), &declared.origin));
        let all = connections.chain(notifications).chain(editions);
        let mut first_by_name: HashMap<(&str, &str), &Origin> = HashMap::new();
        for (kind, name, origin) in all.chain(environments).chain(sets) {
            match first_by_name.get(&(kind, name)) {
                Some(first) => {
                    findings.push(duplicate_name(&format!("{kind}/{name}"), first, origin));
                }
                None => drop(first_by_name.insert((kind, name), origin)),
            }
        }
        for finding in findings {
            self.findings.push(finding);
        }
    }
}

fn duplicate_name(name: &str, first: &Origin, second: &Origin) -> Diagnostic {
    Diagnostic::error("duplicate-name", format!("{name} is defined twice"))
        .at(&second.source, second.mark)
        .also(first.clone(), "it is defined here first")
}
