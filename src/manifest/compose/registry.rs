//! Holds the editions of a run, checked among each other.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::parameters::check_parameters;
use crate::model::edition::{Edition, ParameterType};
use crate::model::{Diagnostic, Diagnostics, Kind};

/// All editions of a run by name.
#[derive(Default)]
pub struct Editions {
    editions: Vec<Edition>,
    by_name: HashMap<String, usize>,
    /// Names of editions that cannot be read.
    broken: HashSet<String>,
    /// For each edition those that it is made of, the lowest first and itself last; `None` if one of them has a fault.
    chains: Vec<Option<Vec<usize>>>,
}

impl Editions {
    /// Takes the editions of all files. Faults of what they extend and of their parameters are findings.
    ///
    /// Of two with one name the first counts; the second was reported before, as was what is wrong with those that are
    /// `broken`.
    pub fn new(
        editions: Vec<Edition>,
        broken: impl IntoIterator<Item = String>,
        findings: &mut Diagnostics,
    ) -> Self {
        let mut by_name = HashMap::new();
        for (index, edition) in editions.iter().enumerate() {
            by_name.entry(edition.name.clone()).or_insert(index);
        }
        let mut all = Self {
            editions,
            by_name,
            broken: broken.into_iter().collect(),
            chains: Vec::new(),
        };
        let chains = (0..all.editions.len()).map(|index| all.find_chain(index, findings));
        all.chains = chains.collect();
        for index in 0..all.editions.len() {
            let Some(chain) = all.chain_of(index) else {
                continue;
            };
            if !check_parameters(&chain, findings) {
                all.break_all_on(index);
            }
        }
        all
    }

    /// Lists the editions that were read.
    pub fn iter(&self) -> impl Iterator<Item = &Edition> {
        self.editions.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.editions.is_empty()
    }

    /// Returns the edition with this name; `None` if there is none.
    pub fn find(&self, name: &str) -> Option<&Edition> {
        Some(&self.editions[*self.by_name.get(name)?])
    }

    /// Reports whether an edition of this name cannot be read.
    pub fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// Lists the names of the editions for a kind.
    pub fn names_for(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let editions = self.editions.iter();
        let fitting = editions.filter(move |edition| edition.row.kind == kind);
        fitting.map(|edition| edition.name.as_str())
    }

    /// Returns the editions of which the named one is made, the lowest first; `None` if there is none of this name or one
    /// of them has a fault.
    pub fn chain(&self, name: &str) -> Option<Vec<&Edition>> {
        self.chain_of(*self.by_name.get(name)?)
    }

    /// Returns the types of the parameters that an edition takes, also those of the editions below it; none if there is no
    /// such edition.
    pub fn parameters_of(&self, name: &str) -> BTreeMap<&str, ParameterType> {
        let chain = self.chain(name).unwrap_or_default();
        let parameters = chain.into_iter().flat_map(|edition| &edition.parameters);
        parameters
            .map(|parameter| (parameter.name.as_str(), parameter.value_type))
            .collect()
    }

    fn chain_of(&self, index: usize) -> Option<Vec<&Edition>> {
        let chain = self.chains.get(index)?.as_ref()?;
        Some(chain.iter().map(|index| &self.editions[*index]).collect())
    }

    /// Marks an edition as one with a fault: no object can have it, nor one that builds on it.
    pub fn refuse(&mut self, name: &str) {
        if let Some(index) = self.by_name.get(name) {
            self.break_all_on(*index);
        }
    }

    fn break_all_on(&mut self, broken: usize) {
        let builds_on = |chain: &Vec<usize>| chain.contains(&broken);
        for chain in &mut self.chains {
            if chain.as_ref().is_some_and(builds_on) {
                *chain = None;
            }
        }
    }

    /// Follows `extends` down from an edition. `None`, after a finding, if it ends at none or comes back.
    fn find_chain(&self, top: usize, findings: &mut Diagnostics) -> Option<Vec<usize>> {
        let mut chain = vec![top];
        let mut index = top;
        while let Some((name, mark)) = &self.editions[index].extends {
            let edition = &self.editions[index];
            if self.broken.contains(name) {
                return None;
            }
            // A fault below is reported by the edition that has it.
            let is_own = index == top;
            let mut report = |finding: Diagnostic| {
                if is_own {
                    findings.push(finding.at(&edition.origin.source, *mark));
                }
            };
            let Some(below) = self.by_name.get(name).copied() else {
                let names = self.names_for(edition.row.kind);
                let message = format!("there is no edition `{name}`");
                report(Diagnostic::error("unknown-edition", message).suggest(name, names));
                return None;
            };
            let base = &self.editions[below];
            if base.row.kind != edition.row.kind {
                let (kind, of) = (edition.row.kind, base.row.kind);
                let message = format!("edition `{name}` is for {of}, not for {kind}");
                let finding = Diagnostic::error("edition-of-another-kind", message)
                    .also(base.origin.clone(), "it is defined here");
                report(finding);
                return None;
            }
            if below == top {
                findings.push(self.cycle(top, edition));
            }
            if chain.contains(&below) {
                return None;
            }
            chain.push(below);
            index = below;
        }
        chain.reverse();
        Some(chain)
    }

    /// Returns the finding that an edition extends itself, by way of `last`.
    fn cycle(&self, top: usize, last: &Edition) -> Diagnostic {
        let edition = &self.editions[top];
        let message = format!("edition `{}` extends itself", edition.name);
        let mark = edition
            .extends
            .as_ref()
            .map_or(edition.origin.mark, |(_, mark)| *mark);
        let finding = Diagnostic::error("edition-cycle", message).at(&edition.origin.source, mark);
        match last.name == edition.name {
            true => finding,
            false => finding.also(last.origin.clone(), "by way of this one"),
        }
    }
}
