//! Values of the environment in place of `{value: seats.floor}`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::trace::Trace;
use crate::model::diagnostic::Source;
use crate::model::environment::EnvironmentSpec;
use crate::model::field::holds_free_json;
use crate::model::node::Entry;
use crate::model::{Diagnostic, Diagnostics, Field, Mark, Node, Tree};

/// The member that stands for a value of the environment.
const VALUE: &str = "value";

/// Returns the name in `{value: seats.floor}`, with its place; `None` for any other node.
pub fn value_in(node: &Node) -> Option<(&str, Mark)> {
    match &node.tree {
        Tree::Map(entries) => match entries.as_slice() {
            [Entry { key, value, .. }] if key == VALUE => Some((value.text()?, value.mark)),
            _ => None,
        },
        _ => None,
    }
}

/// Reports whether the fields of an object name a value of the environment.
///
/// A name stands in place of a value, and never of all fields: `desired: {value: x}` sets the field `value` of a kind that
/// has one. Free JSON is the user's own: nothing in it is a name.
pub fn fields_name_values(desired: &Node, fields: &[Field]) -> bool {
    let entries = desired.entries().iter();
    entries
        .filter(|entry| !holds_free_json(fields, &entry.key))
        .any(|entry| names_values(&entry.value))
}

/// Reports whether a value names a value of the environment, or one in it does.
pub fn names_values(node: &Node) -> bool {
    let is_in = |node: &Node| names_values(node);
    value_in(node).is_some()
        || match &node.tree {
            Tree::Map(entries) => entries.iter().any(|entry| is_in(&entry.value)),
            Tree::List(items) => items.iter().any(is_in),
            _ => false,
        }
}

/// Returns the value of this name, which is no group; `None` if there is none.
pub fn value_of<'a>(environment: Option<&'a EnvironmentSpec>, name: &str) -> Option<&'a Node> {
    let node = node_of(environment?, name)?;
    (!matches!(node.tree, Tree::Map(_))).then_some(node)
}

/// Returns the node of this name: `seats.floor` is the member `floor` of the group `seats`.
fn node_of<'a>(environment: &'a EnvironmentSpec, name: &str) -> Option<&'a Node> {
    let mut members = name.split('.');
    members.try_fold(&environment.values, |node, member| node.get(member))
}

/// The environment of a run.
#[derive(Clone, Copy, Debug, Default)]
pub enum RunEnvironment<'a> {
    #[default]
    None,
    Chosen(&'a EnvironmentSpec),
    /// It is not clear which one counts, which a finding reports.
    Unclear,
}

/// Looks values up, and collects what is wrong with their names.
pub struct ValueReader<'a> {
    environment: RunEnvironment<'a>,
    /// Marks of a trace.
    faults: Vec<(Diagnostic, Mark)>,
    is_whole: bool,
}

impl<'a> ValueReader<'a> {
    pub fn new(environment: RunEnvironment<'a>) -> Self {
        Self {
            environment,
            faults: Vec::new(),
            is_whole: true,
        }
    }

    /// Reports whether every name so far has a value.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns the value that a node stands for, with marks of the trace; `None` for any other node. A name without a
    /// value is noted, and gives null.
    pub fn replace(
        &mut self,
        source: &Arc<Source>,
        node: &Node,
        trace: &mut Trace,
    ) -> Option<Node> {
        let (name, mark) = value_in(node)?;
        match self.find(name) {
            Ok((value, environment)) => {
                let written = trace.copy(&environment.origin.source, value);
                Some(Node {
                    mark: trace.mark_of_name(source, mark, written.mark),
                    ..written
                })
            }
            Err(finding) => {
                let mark = trace.mark(source, mark);
                self.is_whole = false;
                self.faults.extend(finding.map(|finding| (*finding, mark)));
                Some(Node {
                    tree: Tree::Null,
                    mark,
                })
            }
        }
    }

    /// `Err` without a finding if it was reported that the environment is not clear.
    fn find(&self, name: &str) -> Result<(&'a Node, &'a EnvironmentSpec), Option<Box<Diagnostic>>> {
        let environment = match self.environment {
            RunEnvironment::Chosen(environment) => environment,
            RunEnvironment::Unclear => return Err(None),
            RunEnvironment::None => return Err(Some(Box::new(without_environment(name)))),
        };
        let value = value_of(Some(environment), name);
        let value = value.map(|node| (node, environment));
        value.ok_or_else(|| Some(Box::new(without_value(environment, name))))
    }

    /// Hands over what was found wrong, as findings about the composed tree. Returns whether every name has a value.
    pub fn report(self, trace: &Trace, findings: &mut Diagnostics) -> bool {
        for (finding, mark) in self.faults {
            findings.push(finding.at(trace.source(), mark));
        }
        self.is_whole
    }
}

/// Lists the names of an environment's values.
pub fn leaves(environment: &EnvironmentSpec) -> BTreeSet<String> {
    fn walk(node: &Node, path: &str, names: &mut BTreeSet<String>) {
        for entry in node.entries() {
            let path = match path {
                "" => entry.key.clone(),
                group => format!("{group}.{}", entry.key),
            };
            match &entry.value.tree {
                Tree::Map(_) => walk(&entry.value, &path, names),
                _ => drop(names.insert(path)),
            }
        }
    }
    let mut names = BTreeSet::new();
    walk(&environment.values, "", &mut names);
    names
}

fn without_environment(name: &str) -> Diagnostic {
    let message = format!("`{name}` is a value of an environment, and none is chosen");
    Diagnostic::error("no-environment", message)
        .hint("choose one by --env, or add the file that has it")
}

fn without_value(environment: &EnvironmentSpec, name: &str) -> Diagnostic {
    if node_of(environment, name).is_some() {
        let message = format!(
            "`{name}` is a group of values in environment `{}`",
            environment.name
        );
        return Diagnostic::error("unknown-value", message);
    }
    let names = leaves(environment);
    let message = format!("environment `{}` has no value `{name}`", environment.name);
    Diagnostic::error("unknown-value", message).suggest(name, names.iter().map(String::as_str))
}
