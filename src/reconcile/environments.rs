//! Checks the same manifests in one environment after the other, for `entitle validate` where none is chosen.

use std::collections::{BTreeSet, HashMap};

use super::check::{Checked, settle_references};
use super::connections::{CheckOptions, EnvironmentChoice};
use super::counted_findings::{FindingKey, key_of};
use super::load::LoadedManifests;
use super::outline::KeptAccounts;
use crate::model::{Diagnostic, Diagnostics};

/// Returns the manifests as they are in each of several environments: those of `names`, or all of them. The files are read
/// once. Without names and with one environment at most it is one check, as of any command.
pub fn check_each_environment(
    manifests: impl Into<LoadedManifests>,
    options: &CheckOptions,
    names: &[String],
) -> Vec<Checked> {
    let kept = KeptAccounts::All;
    let (loaded, contents) = manifests.into().complete(None, &kept);
    let defined = contents
        .iter()
        .flat_map(|file| &file.declarations.environments);
    let defined: BTreeSet<String> = defined
        .map(|environment| environment.name.clone())
        .collect();
    let chosen: Vec<EnvironmentChoice> = match names {
        [] if defined.len() < 2 => vec![options.environment.clone()],
        [] => defined.into_iter().map(EnvironmentChoice::Named).collect(),
        names => names
            .iter()
            .cloned()
            .map(EnvironmentChoice::Named)
            .collect(),
    };
    let check = |environment| {
        let options = CheckOptions {
            environment,
            ..options.clone()
        };
        let known = Default::default();
        settle_references(loaded.clone(), contents.clone(), &options, &known, &kept)
    };
    chosen.into_iter().map(check).collect()
}

/// Returns the findings of several checks, each once. With several environments, one says in which it was found.
///
/// For example two errors in `staging`, one of which is in `production` too, come out as `… (in staging)` and `… (in all
/// environments)`.
pub fn merge_findings(checks: &[Checked]) -> Diagnostics {
    if let [only] = checks {
        return only.findings.clone();
    }
    let mut found: Vec<(&Diagnostic, Vec<&str>)> = Vec::new();
    let mut known: HashMap<FindingKey, usize> = HashMap::new();
    for checked in checks {
        let name = checked.source.environment.as_deref().unwrap_or("none");
        for finding in checked.findings.iter() {
            let index = *known.entry(key_of(finding)).or_insert_with(|| {
                found.push((finding, Vec::new()));
                found.len() - 1
            });
            found[index].1.push(name);
        }
    }
    let mut merged = Diagnostics::default();
    for (finding, names) in found {
        let mut finding = finding.clone();
        finding.message += &match names.len() == checks.len() {
            true => " (in all environments)".to_string(),
            false => format!(" (in {})", names.join(" and ")),
        };
        merged.push(finding);
    }
    merged.sorted()
}
