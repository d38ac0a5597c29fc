//! The objects of the manifests that a run is about: `--target`, `--exclude`, `--selector`.
//!
//! In: the patterns and labels that were typed, and checked manifests or a past run. Out: the same with
//! fewer objects, or an error for a pattern that matches none. A scope never adds an object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use globset::{Glob, GlobMatcher};

use super::args::Selection;
use crate::apply::memory::runs::PastRun;
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::model::Address;
use crate::model::diagnostic::find_nearest;
use crate::reconcile::{Checked, PastWrite};

/// The conditions on objects. An object is in scope if it matches a target (or none is given), no
/// exclusion, and every label.
pub struct Scope {
    target: Vec<Pattern>,
    exclude: Vec<Pattern>,
    labels: Vec<(String, String)>,
    /// The flag or argument in which the patterns of `target` were typed, for error messages.
    target_is: &'static str,
}

/// A glob over `Kind/name`, with the text that was typed for messages.
pub struct Pattern {
    text: String,
    glob: GlobMatcher,
}

impl Pattern {
    /// Compiles a glob. Returns `Err` if it is malformed.
    pub fn new(text: &str) -> CommandResult<Self> {
        let glob = Glob::new(text).map_err(|error| CommandError::caused_by("not a glob", error))?;
        Ok(Self {
            text: text.to_string(),
            glob: glob.compile_matcher(),
        })
    }

    /// Reports whether an address, such as `LacLicenseOrder/rivers`, matches.
    pub fn holds(&self, address: &str) -> bool {
        self.glob.is_match(address)
    }

    /// Reports whether the pattern is a plain name, without a wildcard.
    fn is_plain(&self) -> bool {
        !self.text.contains(['*', '?', '[', '{'])
    }

    /// Returns the sentence about a pattern that matches none of the `known` addresses.
    ///
    /// It suggests the address that was most likely meant, or else lists the first three. `flag` is
    /// where the pattern was typed.
    pub fn unmatched(&self, flag: &str, known: &BTreeSet<String>) -> String {
        let text = &self.text;
        let hint = match self.meant(known) {
            Some(address) => format!("; did you mean {address}?"),
            None => {
                let some: Vec<&str> = known.iter().map(String::as_str).take(3).collect();
                let more = if known.len() > some.len() {
                    ", …"
                } else {
                    ""
                };
                format!("; there are {}{more}", some.join(", "))
            }
        };
        format!(
            "{flag} {text} matches none of the {} objects{hint}",
            known.len()
        )
    }

    /// Returns the address that is nearest to the pattern; `None` if neither kind nor name is near.
    ///
    /// Kind and name are compared separately and without wildcards. For `LacLicenceOrder/rivrs` the
    /// nearest kind is `LacLicenseOrder` and the nearest name `rivers`; the address that has both is
    /// returned.
    fn meant<'a>(&self, known: &'a BTreeSet<String>) -> Option<&'a String> {
        let bare = self.text.replace(['*', '?'], "");
        let (kind, name) = match bare.split_once('/') {
            Some((kind, name)) => (kind, name),
            None => ("", bare.as_str()),
        };
        let names = known.iter().filter_map(|address| address.split_once('/'));
        let name =
            find_nearest(name, names.clone().map(|(_, name)| name)).filter(|_| !name.is_empty());
        let kind =
            find_nearest(kind, names.clone().map(|(kind, _)| kind)).filter(|_| !kind.is_empty());
        known.iter().find(|address| {
            let split = address.split_once('/');
            split.is_some_and(|(own_kind, own_name)| match (kind, name) {
                (Some(kind), Some(name)) => own_kind == kind && own_name == name,
                (None, Some(name)) => own_name == name,
                (Some(kind), None) => own_kind == kind,
                (None, None) => false,
            })
        })
    }
}

impl Scope {
    /// Builds the scope. Returns `Err` for a malformed glob, or a selector that is not `KEY=VALUE`.
    pub fn new(selection: &Selection) -> CommandResult<Self> {
        let patterns = |texts: &[String]| -> CommandResult<Vec<Pattern>> {
            texts.iter().map(|text| Pattern::new(text)).collect()
        };
        let labels = selection
            .selector
            .iter()
            .map(|text| {
                let (key, value) = text.split_once('=').ok_or_else(|| {
                    user_error(format_args!("--selector takes KEY=VALUE, not {text:?}"))
                })?;
                Ok((key.trim().to_string(), value.trim().to_string()))
            })
            .collect::<CommandResult<_>>()?;
        Ok(Self {
            target: patterns(&selection.target)?,
            exclude: patterns(&selection.exclude)?,
            labels,
            target_is: "--target",
        })
    }

    /// Builds the scope of a command whose objects are arguments instead of `--target`; messages name
    /// `OBJECT`.
    pub fn of_arguments(selection: &Selection) -> CommandResult<Self> {
        Ok(Self {
            target_is: "OBJECT",
            ..Self::new(selection)?
        })
    }

    /// Reports whether an object is in scope by its name and its labels.
    fn holds(&self, address: &Address, labels: &LabelSelector) -> bool {
        let is_labelled = |(key, value): &(String, String)| labels.get(key) == Some(value);
        self.names(&address.to_string()) && self.labels.iter().all(is_labelled)
    }

    /// Reports whether an address is in scope by its name, whatever its labels.
    pub fn names(&self, address: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|one| one.holds(address));
        (self.target.is_empty() || any(&self.target)) && !any(&self.exclude)
    }

    /// Removes the objects that are out of scope.
    ///
    /// Returns `Err` for a name or label that no object has, and for conditions that together leave no
    /// object. Such a typing error must not look like an empty plan; a misspelt `--exclude` would even
    /// apply the object that was to be left alone.
    pub fn narrow(&self, checked: &mut Checked) -> CommandResult<()> {
        let addresses = objects_of(checked).map(|(address, _)| address.to_string());
        let known: BTreeSet<String> = addresses.collect();
        if !known.is_empty() {
            self.refuse_unmatched(&known)?;
        }
        let count = objects_of(checked).count();
        let is_there = |(key, value): &(String, String)| {
            objects_of(checked).any(|(_, labels)| labels.get(key) == Some(value))
        };
        if let Some((key, value)) = self
            .labels
            .iter()
            .find(|label| count > 0 && !is_there(label))
        {
            bail!("{}", describe_unknown_label(checked, key, value));
        }
        let desired = checked.desired.iter();
        let desired = desired.filter(|object| self.holds(&object.address, &object.labels));
        let desired = desired.map(Arc::clone).collect();
        checked.restrict_to(desired);
        let outlines = &mut checked.outlines;
        outlines.retain(|object| self.holds(&object.address, &object.labels));
        let is_narrowed = !self.target.is_empty() || !self.labels.is_empty();
        if is_narrowed && count > 0 && objects_of(checked).next().is_none() {
            bail!(
                "none of the {count} objects is in the scope of {}, --exclude and --selector together",
                self.target_is
            );
        }
        Ok(())
    }

    /// Returns a test for the addresses of a saved plan.
    ///
    /// Labels are those of the manifests today. An object of the plan without a manifest has no labels,
    /// so a selector excludes it. Returns `Err` for a name or label that no manifest has.
    pub fn of_plan(&self, checked: &Checked) -> CommandResult<impl Fn(&str) -> bool + use<'_>> {
        let addresses = |checked: &Checked| -> BTreeSet<String> {
            let objects = checked.desired.iter();
            objects.map(|object| object.address.to_string()).collect()
        };
        let all = addresses(checked);
        let mut narrowed = checked.clone();
        self.narrow(&mut narrowed)?;
        let in_scope = addresses(&narrowed);
        Ok(move |address: &str| match all.contains(address) {
            true => in_scope.contains(address),
            false => self.labels.is_empty() && self.names(address),
        })
    }

    /// Removes the writes of a past run that are out of scope, by the names that the objects have today.
    ///
    /// Objects that no manifest names any more have no labels, so a selector excludes them. Returns
    /// `Err` for a name that neither the run nor the manifests know, and if nothing is left.
    pub fn narrow_run(
        &self,
        writes: &mut Vec<PastWrite>,
        past: &PastRun,
        checked: &Checked,
    ) -> CommandResult<()> {
        let mut known: BTreeSet<String> = writes.iter().map(PastWrite::address).collect();
        known.extend(past.addresses.iter().cloned());
        self.refuse_unmatched(&known)?;
        let labelled: BTreeSet<String> = checked
            .desired
            .iter()
            .filter(|object| self.holds(&object.address, &object.labels))
            .map(|object| object.address.to_string())
            .collect();
        let in_scope = |address: &str| {
            self.names(address) && (self.labels.is_empty() || labelled.contains(address))
        };
        let some = !writes.is_empty();
        writes.retain(|write| in_scope(&write.address()));
        if some && writes.is_empty() {
            bail!("nothing that the run {} wrote is in the scope", past.run);
        }
        Ok(())
    }

    /// Returns `Err` for a target that matches no known address, or a plain exclusion that names none.
    ///
    /// A glob in `--exclude` may match nothing: it says what to leave out if it is there.
    fn refuse_unmatched(&self, known: &BTreeSet<String>) -> CommandResult<()> {
        let unmatched = |pattern: &&Pattern| !known.iter().any(|one| pattern.holds(one));
        if let Some(pattern) = self.target.iter().find(unmatched) {
            bail!("{}", pattern.unmatched(self.target_is, known));
        }
        // A glob may match no object; a plain name that no object has is misspelt.
        let mut named = self.exclude.iter().filter(|pattern| pattern.is_plain());
        if let Some(pattern) = named.find(unmatched) {
            bail!("{}", pattern.unmatched("--exclude", known));
        }
        Ok(())
    }
}

/// The labels of an object, by key.
type LabelSelector = BTreeMap<String, String>;

/// Returns every object of the manifests, those of other replicas included.
fn objects_of(checked: &Checked) -> impl Iterator<Item = (&Address, &LabelSelector)> {
    let desired = checked.desired.iter();
    let desired = desired.map(|object| (&object.address, &object.labels));
    let outlines = checked.outlines.iter();
    desired.chain(outlines.map(|object| (&object.address, &object.labels)))
}

/// Returns the sentence about a label that no object has, with a suggestion.
///
/// If the key exists, its values are listed; otherwise the nearest key is suggested, or all keys are
/// listed.
fn describe_unknown_label(checked: &Checked, key: &str, value: &str) -> String {
    let labels = || objects_of(checked).flat_map(|(_, labels)| labels);
    let values: BTreeSet<&str> = labels()
        .filter(|(other_key, _)| *other_key == key)
        .map(|(_, value)| value.as_str())
        .collect();
    let hint = if values.is_empty() {
        let keys: BTreeSet<&str> = labels().map(|(key, _)| key.as_str()).collect();
        match find_nearest(key, keys.iter().copied()) {
            Some(near) => format!("; did you mean {near}?"),
            None if keys.is_empty() => "; no object has labels".into(),
            None => format!("; labels are {}", list_some(&keys)),
        }
    } else {
        format!("; {key} is {}", list_some(&values))
    };
    format!("--selector {key}={value} matches no object{hint}")
}

/// Joins the first five texts with commas; `…` stands for the others.
fn list_some(texts: &BTreeSet<&str>) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = texts.iter().copied().take(SHOWN).collect();
    let more = if texts.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
