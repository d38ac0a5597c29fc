//! Checks references over all files: that each names an object of the manifests, at the same connection, in no circle,
//! and none that is to be gone before its dependents.
//!
//! Input are the routed objects and outlines, output are findings with both places. Kinds were checked with each file.
//! Nothing is read, so `validate` finds the same.
//!
//! ```text
//! order a   customer_id: {ref: LacCustomer/rivres}    there is no LacCustomer/rivres; did you mean LacCustomer/rivers?
//! order b   customer_id: {ref: LacCustomer/rivers}    LacCustomer/rivers is to be gone, and order b needs it
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::outline::ObjectOutline;
use super::routing::RoutedObjects;
use crate::model::resource::ComingStates;
use crate::model::{
    Address, Desired, Diagnostic, Diagnostics, Origin, Reference, References, Text,
};

/// What the check needs of an object.
struct Node<'a> {
    address: &'a Address,
    connection: &'a Text,
    origin: &'a Origin,
    references: &'a References,
    coming: Option<&'a ComingStates>,
    is_absent: bool,
}

impl<'a> Node<'a> {
    fn of_desired(object: &'a Arc<Desired>) -> Self {
        Self {
            address: &object.address,
            connection: &object.connection,
            origin: &object.origin,
            references: &object.references,
            coming: Some(&object.coming),
            is_absent: object.policy.absent,
        }
    }

    fn of_outline(object: &'a Arc<ObjectOutline>) -> Self {
        Self {
            address: &object.address,
            connection: &object.connection,
            origin: &object.origin,
            references: &object.references,
            coming: object.composed.as_ref().map(|whole| &whole.coming),
            is_absent: object.is_absent,
        }
    }

    /// Lists the references that the object has now, and those that it comes to have, each once.
    fn all_references(&self) -> impl Iterator<Item = &'a Reference> {
        let states = self.coming.into_iter().flat_map(ComingStates::iter);
        let coming = states.flat_map(|state| state.references.iter());
        let mut seen = BTreeSet::new();
        let all = self.references.iter().chain(coming);
        all.filter(move |reference| {
            seen.insert((reference.spot.name(), &reference.referent, reference.mark))
        })
    }

    /// Returns the place of one of the object's references.
    fn origin_of(&self, reference: &Reference) -> Origin {
        Origin {
            source: Arc::clone(&self.origin.source),
            mark: reference.mark,
        }
    }
}

/// Names that are there, valid or not: an object with an error of its own has been reported.
pub(super) type KnownNames = std::collections::BTreeSet<Address>;

/// Adds a finding for each reference that cannot be followed. `names` are those of all objects, also of invalid ones.
pub(super) fn check_references(
    routed: &RoutedObjects,
    names: &KnownNames,
    findings: &mut Diagnostics,
) {
    let desired = routed.desired.iter().map(Node::of_desired);
    let outlines = routed.outlines.iter().map(Node::of_outline);
    let all: Vec<Node<'_>> = desired.chain(outlines).collect();
    if all
        .iter()
        .all(|node| node.all_references().next().is_none())
    {
        return;
    }
    let nodes: BTreeMap<&Address, &Node<'_>> =
        all.iter().map(|node| (node.address, node)).collect();
    for node in &all {
        for reference in node.all_references() {
            let fault = match nodes.get(&reference.referent) {
                Some(referent) => find_fault(node, referent),
                None if names.contains(&reference.referent) => None,
                None => Some(unknown(reference, names)),
            };
            if let Some(finding) = fault {
                findings.push(finding.at(&node.origin.source, reference.mark));
            }
        }
    }
    refuse_circles(&nodes, findings);
}

/// Says that no manifest has the object that a reference names.
fn unknown(reference: &Reference, names: &KnownNames) -> Diagnostic {
    let Reference { referent, .. } = reference;
    let of_kind = names.iter().filter(|name| name.kind == referent.kind);
    let of_kind: Vec<String> = of_kind.map(ToString::to_string).collect();
    let message = format!("there is no {referent} in the manifests");
    Diagnostic::error("unknown-reference", message)
        .hint("add its manifest, or pass the file that has it as well")
        .suggest(&referent.to_string(), of_kind.iter().map(String::as_str))
}

/// Returns what is wrong about an object that refers to this other one.
fn find_fault(node: &Node<'_>, referent: &Node<'_>) -> Option<Diagnostic> {
    let name = referent.address;
    if node.connection != referent.connection {
        let message = format!(
            "{name} goes through the connection `{}`, and this through `{}`: ids hold within one account",
            referent.connection, node.connection
        );
        let finding = Diagnostic::error("reference-elsewhere", message);
        return Some(finding.also(referent.origin.clone(), "its manifest"));
    }
    if referent.is_absent && !node.is_absent {
        let message = format!("{name} is to be gone, and {} needs it", node.address);
        let finding = Diagnostic::error("reference-removed", message)
            .hint("remove both, of which the dependent one goes first, or name another object");
        return Some(finding.also(referent.origin.clone(), "its manifest"));
    }
    None
}

/// Adds an error for each circle of references, at the first of its objects by name, with the place of the next one.
fn refuse_circles(nodes: &BTreeMap<&Address, &Node<'_>>, findings: &mut Diagnostics) {
    let mut walk = Walk {
        nodes,
        states: BTreeMap::new(),
        path: Vec::new(),
    };
    for address in nodes.keys() {
        walk.visit(address, findings);
    }
}

/// Follows references in depth, each object once.
struct Walk<'a> {
    nodes: &'a BTreeMap<&'a Address, &'a Node<'a>>,
    /// Set once all that an object refers to was followed; `false` while it is on the path.
    states: BTreeMap<&'a Address, bool>,
    /// The references from the first object to the present one.
    path: Vec<(&'a Node<'a>, &'a Reference)>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, address: &'a Address, findings: &mut Diagnostics) {
        let Some(node) = self.nodes.get(address).copied() else {
            return;
        };
        match self.states.get(address) {
            Some(true) => return,
            Some(false) => return self.report(address, findings),
            None => {}
        }
        self.states.insert(address, false);
        for reference in node.references.iter() {
            self.path.push((node, reference));
            self.visit(&reference.referent, findings);
            self.path.pop();
        }
        self.states.insert(address, true);
    }

    /// Reports the circle that the path closes at `address`.
    fn report(&self, address: &Address, findings: &mut Diagnostics) {
        let begin = self
            .path
            .iter()
            .position(|(node, _)| node.address == address);
        let circle = &self.path[begin.unwrap_or(0)..];
        let [(first, reference), rest @ ..] = circle else {
            return;
        };
        let finding = match rest {
            [] => Diagnostic::error(
                "reference-circle",
                format!("{} refers to itself", first.address),
            ),
            [(second, back), ..] => {
                let names = circle.iter().map(|(node, _)| node.address.to_string());
                let names: Vec<String> = names.chain([address.to_string()]).collect();
                let message = format!("references in a circle: {}", names.join(" → "));
                Diagnostic::error("reference-circle", message)
                    .also(second.origin_of(back), "it goes on here")
            }
        };
        findings.push(finding.at(&first.origin.source, reference.mark));
    }
}

#[cfg(test)]
mod tests;
