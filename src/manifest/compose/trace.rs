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
pub struct Trace {
    stand_in: Arc<Source>,
    origins: Vec<Origin>,
    /// The index of the first origin that is the object's own; those before it are of its editions.
    first_own: usize,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            stand_in: Arc::new(Source::new("a composed object".into(), String::new())),
            origins: Vec::new(),
            first_own: usize::MAX,
        }
    }
}

impl Trace {
    /// The source in which the marks of the tree are.
    pub fn source(&self) -> &Arc<Source> {
        &self.stand_in
    }

    /// Makes all further nodes those of the object itself.
    pub fn begin_own(&mut self) {
        self.first_own = self.origins.len();
    }

    /// Notes an origin, and returns the mark that stands for it.
    pub fn mark(&mut self, source: &Arc<Source>, mark: Mark) -> Mark {
        // Trees are far smaller than what 32 bits can count.
        let index = u32::try_from(self.origins.len()).unwrap_or(u32::MAX);
        self.origins.push(Origin {
            source: Arc::clone(source),
            mark,
        });
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
        replace: &dyn Fn(&mut Self, &Node) -> Option<Node>,
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

    /// Copies the members of a map, as [`Trace::adopt`] does a node.
    pub fn adopt_entries(
        &mut self,
        source: &Arc<Source>,
        entries: &[Entry],
        replace: &dyn Fn(&mut Self, &Node) -> Option<Node>,
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

    /// Returns the origin of a mark of this trace.
    pub fn origin_of(&self, mark: Mark) -> Option<&Origin> {
        self.origins.get(mark.start as usize)
    }

    /// Moves findings about the composed tree to the origins of its nodes. Where a value is not the object's own, the
    /// finding also shows the object.
    pub fn locate(&self, findings: Diagnostics, object: &Origin) -> Diagnostics {
        findings.map(|finding| self.locate_one(finding, object))
    }

    fn locate_one(&self, mut finding: Diagnostic, object: &Origin) -> Diagnostic {
        if let Some((origin, words)) = &finding.related
            && let Some(real) = self.find(origin)
        {
            finding.related = Some((real.clone(), words));
        }
        let Some(real) = finding.origin.as_ref().and_then(|origin| self.find(origin)) else {
            return finding;
        };
        let (source, mark) = (Arc::clone(&real.source), real.mark);
        let is_elsewhere = !self.is_own(&finding, object);
        let finding = finding.at(&source, mark);
        match finding.related {
            None if is_elsewhere => finding.also(object.clone(), "this object has it"),
            _ => finding,
        }
    }

    /// Reports whether the place of a finding is in the object's own document, also where an edition stands in the same
    /// file. The values that it gives to parameters are among the nodes of editions.
    fn is_own(&self, finding: &Diagnostic, object: &Origin) -> bool {
        let Some(index) = finding
            .origin
            .as_ref()
            .map(|origin| origin.mark.start as usize)
        else {
            return false;
        };
        let after_editions = self.origins.get(self.first_own..).unwrap_or_default();
        let last = after_editions.iter().map(|origin| origin.mark.line).max();
        let lines = object.mark.line..=last.unwrap_or(object.mark.line);
        let is_in_document = self.origins.get(index).is_some_and(|real| {
            real.source.name == object.source.name && lines.contains(&real.mark.line)
        });
        index >= self.first_own || is_in_document
    }

    fn find(&self, origin: &Origin) -> Option<&Origin> {
        let is_ours = Arc::ptr_eq(&origin.source, &self.stand_in);
        is_ours.then(|| self.origin_of(origin.mark)).flatten()
    }
}
