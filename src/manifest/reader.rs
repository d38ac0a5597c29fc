//! Reads the format's own maps: turns a node into typed values by its table, with a finding for every mistake.
//!
//! The input is a [`MapTable`] and a [`Node`], the output [`Values`]. A mistake never ends the reading: it becomes a
//! finding with its place, and the member is left out, so that one run shows every mistake of a file. This module does
//! not decide what a value means for a connection or a policy; the modules with the tables do.
//!
//! For example the table of `login` and the node `{usrname: ann, password: {env: P}}` give values with `password`
//! alone, and one finding: unknown field `usrname`, with `username` suggested.

use std::fmt;
use std::sync::Arc;

use super::table::{Form, MapTable, Member, Rule};
use super::text_type::{GivenText, TextType, TextValue};
use super::values::{MemberValue, Values};
use crate::model::connection::Credential;
use crate::model::diagnostic::Source;
use crate::model::draft::KindRow;
use crate::model::node::Entry;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Origin, Tree};

/// The findings of one source, and how to read its nodes.
pub struct MapReader<'a> {
    pub source: &'a Arc<Source>,
    pub kinds: &'a [KindRow],
    pub findings: &'a mut Diagnostics,
    /// Set while the value that is read may be a secret in the wrong place: findings then show no text of the file.
    pub secretive: bool,
}

impl MapReader<'_> {
    /// Adds a finding at a place of this source; its line is hidden while a secret may be read.
    pub fn report(&mut self, finding: Diagnostic, mark: Mark) {
        let mut finding = finding.at(self.source, mark);
        finding.hidden |= self.secretive;
        self.findings.push(finding);
    }

    /// Returns a place of this source, for a value that later findings point to.
    pub fn origin(&self, mark: Mark) -> Origin {
        Origin {
            source: Arc::clone(self.source),
            mark,
        }
    }

    /// Reports a value of the wrong type. Returns `None` of any type, so that callers can return it as their result.
    pub fn wrong_type<T>(
        &mut self,
        label: &dyn fmt::Display,
        expected: &str,
        node: &Node,
    ) -> Option<T> {
        let message = if self.secretive {
            format!("{label} must be {expected}")
        } else {
            format!("{label} must be {expected}, not {}", node.describe())
        };
        self.report(Diagnostic::error("wrong-type", message), node.mark);
        None
    }

    /// Reports that a map lacks the required member `name`. `mark` is the place of the map.
    pub fn missing(&mut self, title: &dyn fmt::Display, name: &str, mark: Mark) {
        let message = format!("{title} needs the field `{name}`");
        self.report(Diagnostic::error("missing-field", message), mark);
    }

    /// Reads a map by its table. `None` if the node is no map or breaks the rule of the table.
    ///
    /// Values are returned even if a required member is missing or refused: the caller's `take` gives `None` for it.
    pub fn read<'n>(&mut self, table: &'static MapTable, node: &'n Node) -> Option<Values<'n>> {
        self.read_titled(table, &table.title, node)
    }

    /// Reads a map under the name `title`, which findings use. For tables that several members share.
    pub fn read_titled<'n>(
        &mut self,
        table: &'static MapTable,
        title: &dyn fmt::Display,
        node: &'n Node,
    ) -> Option<Values<'n>> {
        let outside = self.secretive;
        self.secretive |= table.secretive;
        let known = || table.members.iter().map(|member| member.name);
        let values = self.entries(title, node, known).and_then(|entries| {
            let mut values = Values::new(table, node);
            for entry in entries {
                if let Some(member) = table.members.iter().find(|member| member.name == entry.key) {
                    let value = self.read_member(table, member, entry);
                    values.push(member.name, &entry.value, value);
                }
            }
            for name in values.missing() {
                self.missing(title, name, node.mark);
            }
            let is_known = entries.len() == values.names().count();
            self.keeps(&table.rule, title, &values, is_known)
                .then_some(values)
        });
        self.secretive = outside;
        values
    }

    /// Returns the entries of a map, after a finding for each key that is not in `known`; `None` if it is no map.
    pub fn entries<'n, 'k, K: Iterator<Item = &'k str>>(
        &mut self,
        title: &dyn fmt::Display,
        node: &'n Node,
        known: impl Fn() -> K,
    ) -> Option<&'n [Entry]> {
        let Tree::Map(entries) = &node.tree else {
            return self.wrong_type(title, "a map", node);
        };
        for entry in entries {
            if !known().any(|name| name == entry.key) {
                // `{token:x}`, without a space, is a field called `token:x`.
                let message = if self.secretive {
                    format!("unknown field in {title}")
                } else {
                    format!("unknown field `{}` in {title}", entry.key)
                };
                let finding = Diagnostic::error("unknown-field", message);
                self.report(finding.suggest(&entry.key, known()), entry.key_mark);
            }
        }
        Some(entries)
    }

    /// Reads one member; `None` if its value is refused, or has a form that is never read.
    ///
    /// A member that only a flag may set gets its own finding here: its name is right, so it is no unknown field.
    fn read_member<'n>(
        &mut self,
        table: &MapTable,
        member: &'static Member,
        entry: &'n Entry,
    ) -> Option<MemberValue<'n>> {
        let label = format_args!("{}{}", table.prefix, member.name);
        if let Form::Refused(flag) = member.form {
            let message = format!("a project file cannot set `{label}`");
            let hint = format!("it comes with a pull request; pass {flag} where the run is set up");
            let finding = Diagnostic::error("not-in-project", message).hint(hint);
            self.report(finding, entry.key_mark);
        }
        self.value(&member.form, &label, &entry.value)
    }

    /// Reads one value by its form. Returns `None` after a finding, which names the value `label`, and for forms that
    /// other code reads.
    fn value<'n>(
        &mut self,
        form: &'static Form,
        label: &dyn fmt::Display,
        node: &'n Node,
    ) -> Option<MemberValue<'n>> {
        match form {
            Form::Text(text_type) => {
                let text = self.typed_text(text_type, label, node)?;
                Some(MemberValue::Parsed(text))
            }
            Form::Boolean => match node.tree {
                Tree::Bool(value) => Some(MemberValue::Boolean(value)),
                _ => self.wrong_type(label, "true or false", node),
            },
            Form::Count(max) => self.count(*max, label, node),
            Form::Integer => match node.tree {
                Tree::Integer(value) => Some(MemberValue::Integer(value)),
                _ => self.wrong_type(label, "a whole number", node),
            },
            Form::CountOrShare => self.count_or_share(label, node),
            Form::Choice(noun, values) => {
                let (text, values) = (self.text(label, node)?, values.iter().copied());
                let known = values.clone().find(|value| *value == text);
                self.expect_known("bad-choice", known, noun, values, node)
                    .map(|value| MemberValue::Parsed(TextValue::Text(value.into())))
            }
            Form::Vendor => {
                let text = self.text(label, node)?;
                let mut vendors: Vec<_> = self.kinds.iter().map(|row| row.vendor).collect();
                // A vendor has a row for each of its kinds.
                vendors.dedup();
                let vendors = vendors.into_iter();
                let known = vendors.clone().find(|vendor| vendor.0 == text);
                let names = vendors.map(|vendor| vendor.0);
                self.expect_known("unknown-vendor", known, "vendor", names, node)
                    .map(MemberValue::Vendor)
            }
            Form::Secret => self.secret(label, node).map(MemberValue::Secret),
            Form::TextOrSecret(text_type) => match &node.tree {
                Tree::Text(_) => match self.typed_text(text_type, label, node)? {
                    TextValue::Text(text) => Some(MemberValue::Credential(Credential::Plain(text))),
                    other => Some(MemberValue::Parsed(other)),
                },
                _ => {
                    let secret = self.secret(label, node)?;
                    Some(MemberValue::Credential(Credential::Secret(secret)))
                }
            },
            Form::List(items) => self.list(items, None, label, node),
            Form::ListOf(noun, items) => self.list(items, Some(noun), label, node),
            Form::OneOrListOf(noun, items) => match &node.tree {
                Tree::List(_) => self.list(items, Some(noun), label, node),
                _ => Some(MemberValue::List(vec![(
                    self.value(items, label, node)?,
                    node.mark,
                )])),
            },
            Form::TextMap => self.text_map(label, node),
            Form::Map(table) => self.read(table, node).map(MemberValue::Map),
            Form::Named(table) => self.named_maps(table, label, node),
            Form::Unread | Form::Refused(_) => None,
        }
    }

    /// Reads a list and drops refused elements, each after its finding; `None` if the node is no list.
    ///
    /// With a `noun` an empty list is reported as well: `command: []` "must name a program".
    fn list<'n>(
        &mut self,
        items: &'static Form,
        noun: Option<&str>,
        label: &dyn fmt::Display,
        node: &'n Node,
    ) -> Option<MemberValue<'n>> {
        let Tree::List(nodes) = &node.tree else {
            let is_text = matches!(items, Form::Text(_) | Form::Choice(..));
            let expected = if is_text { "a list of texts" } else { "a list" };
            return self.wrong_type(label, expected, node);
        };
        if let (Some(noun), []) = (noun, nodes.as_slice()) {
            let finding = Diagnostic::error("empty", format!("{label} must name {noun}"));
            self.report(finding, node.mark);
        }
        let label = format_args!("an entry of {label}");
        let items = nodes.iter().filter_map(|node| {
            let value = self.value(items, &label, node)?;
            Some((value, node.mark))
        });
        Some(MemberValue::List(items.collect()))
    }

    /// Reads a text; `None`, after a finding, for another type and for a text of blanks alone.
    pub fn text<'n>(&mut self, label: &dyn fmt::Display, node: &'n Node) -> Option<&'n str> {
        match &node.tree {
            Tree::Text(text) if !text.trim().is_empty() => Some(text),
            Tree::Text(_) => {
                let message = format!("{label} must not be empty");
                self.report(Diagnostic::error("empty", message), node.mark);
                None
            }
            _ => self.wrong_type(label, "text", node),
        }
    }

    /// Reads a text of a type, such as a duration or a URL; `None`, after the type's own finding, if it refuses the
    /// text.
    fn typed_text(
        &mut self,
        text_type: &TextType,
        label: &dyn fmt::Display,
        node: &Node,
    ) -> Option<TextValue> {
        let given = GivenText {
            text: self.text(label, node)?,
            label,
            kinds: self.kinds,
        };
        let value = (text_type.parse)(&given);
        value
            .map_err(|finding| self.report(*finding, node.mark))
            .ok()
    }

    /// Reads a whole number from 1 to `max`. Zero is refused: to set no count, a manifest leaves the member out.
    fn count<'n>(
        &mut self,
        max: u32,
        label: &dyn fmt::Display,
        node: &Node,
    ) -> Option<MemberValue<'n>> {
        let Tree::Integer(value) = node.tree else {
            return self.wrong_type(label, "a whole number", node);
        };
        let count = u32::try_from(value)
            .ok()
            .filter(|count| (1..=max).contains(count));
        if count.is_none() {
            let message = format!("{label} must be from 1 to {max}, not {value}");
            self.report(Diagnostic::error("out-of-range", message), node.mark);
        }
        count.map(MemberValue::Count)
    }

    /// Reads a count such as `20` or a share such as `10%`, and returns it as text.
    ///
    /// Accepted are whole numbers from 0 and whole percentages from `0%` to `100%`; `101%` and `-1` are findings.
    fn count_or_share<'n>(
        &mut self,
        label: &dyn fmt::Display,
        node: &Node,
    ) -> Option<MemberValue<'n>> {
        let percent = |text: &str| text.strip_suffix('%')?.parse::<u8>().ok();
        match &node.tree {
            Tree::Integer(count) if *count >= 0 => {
                Some(MemberValue::Parsed(TextValue::Text(count.to_string())))
            }
            Tree::Text(text) if percent(text).is_some_and(|percent| percent <= 100) => {
                Some(MemberValue::Parsed(TextValue::Text(text.clone())))
            }
            _ => self.wrong_type(label, "a number such as 20, or a share such as 10%", node),
        }
    }

    /// Returns `known`; if it is `None`, reports a finding that lists `names` first.
    fn expect_known<'k, T>(
        &mut self,
        code: &'static str,
        known: Option<T>,
        noun: &str,
        names: impl Iterator<Item = &'k str>,
        node: &Node,
    ) -> Option<T> {
        if known.is_none() {
            let (text, names) = (node.text().unwrap_or_default(), names.collect::<Vec<_>>());
            let finding = Diagnostic::error(code, format!("unknown {noun} {text:?}"))
                .hint(format!("one of {}", names.join(", ")))
                .suggest(text, names);
            self.report(finding, node.mark);
        }
        known
    }

    /// Reads a map of texts such as labels. Null is an empty map; a value that is no text is left out after its
    /// finding.
    fn text_map<'n>(&mut self, label: &dyn fmt::Display, node: &Node) -> Option<MemberValue<'n>> {
        if !matches!(node.tree, Tree::Map(_) | Tree::Null) {
            return self.wrong_type(label, "a map of texts", node);
        }
        let texts = node.entries().iter().filter_map(|entry| {
            let Tree::Text(text) = &entry.value.tree else {
                return self.wrong_type(
                    &format_args!("{label}.{}", entry.key),
                    "text",
                    &entry.value,
                );
            };
            Some((entry.key.clone(), text.clone()))
        });
        Some(MemberValue::TextMap(texts.collect()))
    }

    /// Reads maps of one table by names of the user's; a map that is refused is left out after its finding.
    fn named_maps<'n>(
        &mut self,
        table: &'static MapTable,
        label: &dyn fmt::Display,
        node: &'n Node,
    ) -> Option<MemberValue<'n>> {
        let Tree::Map(entries) = &node.tree else {
            return self.wrong_type(label, "a map of maps by name", node);
        };
        let maps = entries.iter().filter_map(|entry| {
            let title = format!("`{label}.{}`", entry.key);
            Some((entry, self.read_titled(table, &title, &entry.value)?))
        });
        Some(MemberValue::Named(maps.collect()))
    }

    /// Reports whether a map keeps the rule of its table. Adds a finding if it does not.
    ///
    /// No finding is added if the map has none of the members to choose from and `is_known` is false: the unknown
    /// member, which has a finding already, is most likely one of them misspelled.
    fn keeps(
        &mut self,
        rule: &Rule,
        title: &dyn fmt::Display,
        values: &Values<'_>,
        is_known: bool,
    ) -> bool {
        match rule {
            Rule::None => true,
            Rule::ExactlyOne {
                code,
                noun,
                names,
                hint,
            } => {
                let given = names.iter().filter(|name| values.is_given(name)).count();
                if given > 1 || given == 0 && is_known {
                    let message = format!("{title} must have exactly one {noun}");
                    self.report(
                        Diagnostic::error(code, message).hint(*hint),
                        values.node.mark,
                    );
                }
                given == 1
            }
            Rule::Together([a, b], title) => {
                let lacking = match (values.is_given(a), values.is_given(b)) {
                    (true, false) => b,
                    (false, true) => a,
                    (true, true) | (false, false) => return true,
                };
                self.missing(title, lacking, values.node.mark);
                false
            }
        }
    }
}
