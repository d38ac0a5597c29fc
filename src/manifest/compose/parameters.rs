//! Parameters of editions: which there are, and which value each has for one object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::trace::Trace;
use super::values::{ValueReader, value_in, value_of};
use crate::model::diagnostic::Source;
use crate::model::draft::{Draft, EditionUse};
use crate::model::edition::{Edition, Parameter};
use crate::model::environment::EnvironmentSpec;
use crate::model::node::Entry;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Origin, Tree};

/// The member that stands for the value of a parameter: `{param: seats}`.
const PARAM: &str = "param";

/// Returns the name in `{param: NAME}`, with its place; `None` for any other node.
fn parameter_in(node: &Node) -> Option<(&str, Mark)> {
    match &node.tree {
        Tree::Map(entries) => match entries.as_slice() {
            [Entry { key, value, .. }] if key == PARAM => Some((value.text()?, value.mark)),
            _ => None,
        },
        _ => None,
    }
}

/// Lists the parameters that stand in a tree, with their places.
fn parameters_in<'n>(node: &'n Node, found: &mut Vec<(&'n str, Mark)>) {
    if let Some(parameter) = parameter_in(node) {
        return found.push(parameter);
    }
    match &node.tree {
        Tree::Map(entries) => entries
            .iter()
            .for_each(|entry| parameters_in(&entry.value, found)),
        Tree::List(items) => items.iter().for_each(|item| parameters_in(item, found)),
        _ => {}
    }
}

/// Lists the trees of an edition: its fields, and those of each change.
fn trees_of(edition: &Edition) -> impl Iterator<Item = &Node> {
    let changes = edition.changes.iter();
    [&edition.desired]
        .into_iter()
        .chain(changes.map(|change| &change.desired))
}

/// The parameters of a chain of editions, by name. An edition may declare one of those below anew.
fn declared<'e>(chain: &[&'e Edition]) -> BTreeMap<&'e str, (&'e Parameter, &'e Edition)> {
    let editions = chain.iter();
    editions
        .flat_map(|edition| {
            let parameters = edition.parameters.iter();
            parameters.map(|parameter| (parameter.name.as_str(), (parameter, *edition)))
        })
        .collect()
}

/// Checks the parameters that the last edition of a chain declares and uses. Reports whether they are in order.
pub fn check_parameters(chain: &[&Edition], findings: &mut Diagnostics) -> bool {
    let Some((edition, below)) = chain.split_last() else {
        return true;
    };
    let (all, inherited) = (declared(chain), declared(below));
    let mut used = Vec::new();
    for tree in trees_of(edition) {
        parameters_in(tree, &mut used);
    }
    let source = &edition.origin.source;
    let mut is_in_order = true;
    for (name, mark) in &used {
        if !all.contains_key(name) {
            is_in_order = false;
            let message = format!("edition `{}` has no parameter `{name}`", edition.name);
            let finding = Diagnostic::error("unknown-parameter", message);
            findings.push(finding.suggest(name, all.keys().copied()).at(source, *mark));
        }
    }
    let used: BTreeSet<&str> = used.into_iter().map(|(name, _)| name).collect();
    for parameter in &edition.parameters {
        let name = parameter.name.as_str();
        if !used.contains(name) && !inherited.contains_key(name) {
            let message = format!(
                "nothing in edition `{}` uses the parameter `{name}`",
                edition.name
            );
            let finding = Diagnostic::warning("unused-parameter", message);
            findings.push(finding.at(source, parameter.mark));
        }
    }
    is_in_order
}

/// The values of all parameters for one object; none if it has no edition.
#[derive(Default)]
pub struct Arguments<'a> {
    values: BTreeMap<&'a str, (&'a Node, &'a Arc<Source>)>,
}

impl<'a> Arguments<'a> {
    /// Takes what an object chooses, and the defaults for the rest. `None` after a finding: a name that is no parameter,
    /// a value that does not fit, or a parameter without a value.
    pub fn read(
        chain: &[&'a Edition],
        draft: &'a Draft,
        chosen: &'a EditionUse,
        findings: &mut Diagnostics,
    ) -> Option<Self> {
        let all = declared(chain);
        let source = &draft.origin.source;
        let mut values = BTreeMap::new();
        let mut is_in_order = true;
        let mut report = |finding: Diagnostic, mark: Mark| {
            is_in_order = false;
            findings.push(finding.at(source, mark));
        };
        for entry in &chosen.with {
            let Some((parameter, edition)) = all.get(entry.key.as_str()) else {
                let message = format!("edition `{}` has no parameter `{}`", chosen.name, entry.key);
                let finding = Diagnostic::error("unknown-parameter", message)
                    .suggest(&entry.key, all.keys().copied());
                report(finding, entry.key_mark);
                continue;
            };
            match parameter.misfit(&entry.value) {
                None => drop(values.insert(parameter.name.as_str(), (&entry.value, source))),
                Some(misfit) => {
                    let finding = Diagnostic::error("bad-parameter", misfit)
                        .also(declared_at(parameter, edition), "it is declared here");
                    report(finding, entry.value.mark);
                }
            }
        }
        for (name, (parameter, edition)) in &all {
            let is_given = chosen.with.iter().any(|entry| entry.key == *name);
            match &parameter.default {
                _ if is_given => {}
                Some(default) => drop(values.insert(name, (default, &edition.origin.source))),
                None => {
                    let message = format!("edition `{}` needs a value for `{name}`", chosen.name);
                    let finding = Diagnostic::error("missing-parameter", message)
                        .hint(format!("add `with: {{{name}: …}}`"))
                        .also(declared_at(parameter, edition), "it is declared here");
                    report(finding, chosen.mark);
                }
            }
        }
        is_in_order.then_some(Self { values })
    }

    /// Copies a tree of an edition, with values in place of its parameters and of the names of the environment's.
    pub fn fill_in(
        &self,
        source: &Arc<Source>,
        tree: &Node,
        values: &mut ValueReader<'_>,
        trace: &mut Trace,
    ) -> Node {
        trace.adopt_fields(source, tree, &mut |trace, node| {
            let Some((name, mark)) = parameter_in(node) else {
                return values.replace(source, node, trace);
            };
            let (value, value_source) = self.values.get(name)?;
            let written = trace.copy(value_source, value);
            Some(Node {
                mark: trace.mark_of_name(source, mark, written.mark),
                ..written
            })
        })
    }
}

fn declared_at(parameter: &Parameter, edition: &Edition) -> Origin {
    Origin {
        source: Arc::clone(&edition.origin.source),
        mark: parameter.mark,
    }
}

/// Returns the fields of an edition that are known without an object, and those of each of its changes: defaults in place
/// of parameters, values of the environment, and nothing where there is none. Elements that take something out are left out,
/// and so are those of which a member has no value.
pub fn known_trees(chain: &[&Edition], environment: Option<&EnvironmentSpec>) -> Vec<Vec<Entry>> {
    let Some(edition) = chain.last() else {
        return Vec::new();
    };
    let defaults = declared(chain);
    let default_of = |name: &str| defaults.get(name)?.0.default.as_ref();
    let value = |node: &Node| match parameter_in(node) {
        Some((name, _)) => Some(default_of(name).map(|value| &value.tree)),
        None => {
            value_in(node).map(|(name, _)| value_of(environment, name).map(|value| &value.tree))
        }
    };
    let value: &KnownValue<'_> = &value;
    let known = |tree: &Node| {
        let fields = tree.entries().iter();
        let known = fields.filter_map(|entry| {
            Some(Entry {
                value: known_part(&entry.value, value)?,
                ..entry.clone()
            })
        });
        known.collect()
    };
    trees_of(edition).map(known).collect()
}

/// Tells for a node that stands for a value which one it is, if it has one without an object; `None` for any other node.
type KnownValue<'v> = dyn Fn(&Node) -> Option<Option<&'v Tree>> + 'v;

fn known_part(node: &Node, known: &KnownValue<'_>) -> Option<Node> {
    if let Some(value) = known(node) {
        return value.map(|value| Node {
            tree: value.clone(),
            // A value that does not fit its field is the fault of the field that names the parameter.
            mark: node.mark,
        });
    }
    let tree = match &node.tree {
        Tree::List(items) => {
            let items = items.iter();
            let is_left_out = |item: &Node| item.get(super::merge::ABSENT).is_some();
            let kept = items.filter(|item| !is_left_out(item));
            Tree::List(kept.filter_map(|item| known_part(item, known)).collect())
        }
        Tree::Map(entries) => {
            let entries = entries.iter().map(|entry| {
                Some(Entry {
                    value: known_part(&entry.value, known)?,
                    ..entry.clone()
                })
            });
            Tree::Map(entries.collect::<Option<_>>()?)
        }
        scalar => scalar.clone(),
    };
    Some(Node {
        tree,
        mark: node.mark,
    })
}
