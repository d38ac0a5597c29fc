//! Remembers where the nodes of a composed tree come from.

use std::sync::Arc;

use crate::model::diagnostic::Source;
use crate::model::node::Entry;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Origin, Tree};

/// The origins of the nodes of one composed tree.
///
/// A mark has no file, and the nodes of a composed tree come from several. So each node gets a mark that is the index of
/// its origin here, in a source that stands for all of them. Whoever checks the tree reports findings as for any other;
/// [`Trace::locate`] then moves them to where their values were written.
///
/// A value may come by way of names: a cell of a table is named by `{column: seats}`, and that value by `{param: seats}`.
/// The node then has the place of the last name, and leads down to where the value was written.
#[derive(Clone)]
pub struct Trace {
    stand_in: Arc<Source>,
    nodes: Vec<TracedNode>,
    /// The number of nodes of the object itself; those behind them are of its editions.
    of_object: usize,
}

#[derive(Clone)]
struct TracedNode {
    origin: Origin,
    /// The node whose value this one names.
    names: Option<Mark>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            stand_in: Arc::new(Source::new("a composed object".into(), String::new())),
            nodes: Vec::new(),
            of_object: usize::MAX,
        }
    }
}

impl Trace {
    /// The source in which the marks of the tree are.
    pub fn source(&self) -> &Arc<Source> {
        &self.stand_in
    }

    /// Makes all further nodes those of editions.
    pub fn end_object(&mut self) {
        self.of_object = self.nodes.len();
    }

    /// Notes an origin, and returns the mark that stands for it. A mark of the trace itself stays as it is.
    pub fn mark(&mut self, source: &Arc<Source>, mark: Mark) -> Mark {
        if Arc::ptr_eq(source, &self.stand_in) {
            return mark;
        }
        let origin = Origin {
            source: Arc::clone(source),
            mark,
        };
        self.push(TracedNode {
            origin,
            names: None,
        })
    }

    /// Notes a place that names the value of the node `value`.
    pub fn mark_of_name(&mut self, source: &Arc<Source>, mark: Mark, value: Mark) -> Mark {
        let named_at = self.mark(source, mark);
        let Some(origin) = self.place_of(named_at).cloned() else {
            return value;
        };
        self.push(TracedNode {
            origin,
            names: Some(value),
        })
    }

    fn push(&mut self, node: TracedNode) -> Mark {
        // Trees are far smaller than what 32 bits can count.
        let index = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(node);
        Mark {
            start: index,
            end: index,
            ..Mark::default()
        }
    }

    /// Copies a tree of a source. `replace` may put another node in place of one, already with marks of this trace.
    pub fn adopt(
        &mut self,
        source: &Arc<Source>,
        node: &Node,
        replace: &mut dyn FnMut(&mut Self, &Node) -> Option<Node>,
    ) -> Node {
        if let Some(other) = replace(self, node) {
            return other;
        }
        let tree = match &node.tree {
            Tree::Map(entries) => Tree::Map(self.adopt_entries(source, entries, replace)),
            Tree::List(items) => {
                let items = items.iter();
                Tree::List(
                    items
                        .map(|item| self.adopt(source, item, replace))
                        .collect(),
                )
            }
            scalar => scalar.clone(),
        };
        Node {
            tree,
            mark: self.mark(source, node.mark),
        }
    }

    /// Copies the fields of an object, as [`Trace::adopt`] does a node. The map of the fields is no value itself, though a
    /// field may be called `value`.
    pub fn adopt_fields(
        &mut self,
        source: &Arc<Source>,
        fields: &Node,
        replace: &mut dyn FnMut(&mut Self, &Node) -> Option<Node>,
    ) -> Node {
        match &fields.tree {
            Tree::Map(entries) => Node {
                tree: Tree::Map(self.adopt_entries(source, entries, replace)),
                mark: self.mark(source, fields.mark),
            },
            _ => self.copy(source, fields),
        }
    }

    /// Copies the members of a map, as [`Trace::adopt`] does a node.
    pub fn adopt_entries(
        &mut self,
        source: &Arc<Source>,
        entries: &[Entry],
        replace: &mut dyn FnMut(&mut Self, &Node) -> Option<Node>,
    ) -> Vec<Entry> {
        let entries = entries.iter();
        entries
            .map(|entry| Entry {
                key: entry.key.clone(),
                key_mark: self.mark(source, entry.key_mark),
                value: self.adopt(source, &entry.value, replace),
            })
            .collect()
    }

    /// Copies a tree of a source as it is.
    pub fn copy(&mut self, source: &Arc<Source>, node: &Node) -> Node {
        self.adopt(source, node, &mut |_, _| None)
    }

    /// Returns the place of a mark of this trace.
    pub fn place_of(&self, mark: Mark) -> Option<&Origin> {
        self.nodes.get(mark.start as usize).map(|node| &node.origin)
    }

    /// Lists the places of a value: that of the name which stands for it first, and last where it was written.
    pub fn descent(&self, mark: Mark) -> impl Iterator<Item = &Origin> {
        let first = self.nodes.get(mark.start as usize);
        let nodes = std::iter::successors(first, |node| self.nodes.get(node.names?.start as usize));
        nodes.map(|node| &node.origin)
    }

    /// Returns where the value of a mark of this trace was written.
    pub fn origin_of(&self, mark: Mark) -> Option<&Origin> {
        self.descent(mark).last()
    }

    /// Moves findings about the composed tree to the origins of its nodes. Where a value is not the object's own, the
    /// finding also shows the object, or the place that names the value.
    pub fn locate(&self, findings: Diagnostics, object: &Origin) -> Diagnostics {
        findings.map(|finding| self.locate_one(finding, object))
    }

    fn locate_one(&self, mut finding: Diagnostic, object: &Origin) -> Diagnostic {
        if let Some((origin, words)) = &finding.related
            && self.is_ours(origin)
            && let Some(real) = self.origin_of(origin.mark)
        {
            finding.related = Some((real.clone(), words));
        }
        let Some(mark) = finding
            .origin
            .as_ref()
            .filter(|origin| self.is_ours(origin))
            .map(|origin| origin.mark)
        else {
            return finding;
        };
        let places: Vec<&Origin> = self.descent(mark).collect();
        let Some((real, names)) = places.split_last() else {
            return finding;
        };
        let finding = finding.at(&real.source, real.mark);
        if finding.related.is_some() {
            return finding;
        }
        let name = names
            .last()
            .filter(|name| name.source.name != real.source.name);
        match name {
            _ if real.source.name != object.source.name || self.is_of_edition(mark) => {
                finding.also(object.clone(), "this object has it")
            }
            Some(name) => finding.also((*name).clone(), "it is used here"),
            None => finding,
        }
    }

    /// Reports whether the value of a mark was written in an edition, also in one that stands in the file of the object.
    fn is_of_edition(&self, mark: Mark) -> bool {
        let next = |at: &usize| Some(self.nodes.get(*at)?.names?.start as usize);
        let last = std::iter::successors(Some(mark.start as usize), next).last();
        last.is_some_and(|last| last >= self.of_object)
    }

    fn is_ours(&self, origin: &Origin) -> bool {
        Arc::ptr_eq(&origin.source, &self.stand_in)
    }
}
