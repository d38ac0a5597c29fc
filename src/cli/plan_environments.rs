//! The plans of several environments side by side, for `entitle plan --env staging,production`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::plan::Disposition;
use crate::plan::document::PlanDocument;
use crate::render::safe::make_visible;

/// What is to be done with each object of one environment, by address.
pub type Actions = BTreeMap<String, Disposition>;

/// Returns the objects of a plan with their actions.
pub fn actions_of(document: &PlanDocument) -> Actions {
    let objects = document.objects.iter();
    objects
        .map(|object| (object.address.clone(), object.action))
        .collect()
}

/// Writes a line for each object with which something is to be done in one of the environments.
pub fn write_table(out: &mut impl Write, planned: &[(&str, Actions)]) -> io::Result<()> {
    let addresses: BTreeSet<&String> = planned
        .iter()
        .flat_map(|(_, actions)| actions.keys())
        .collect();
    let is_quiet = |address: &&&String| {
        let mut actions = planned
            .iter()
            .map(|(_, actions)| actions.get(address.as_str()));
        actions.all(|action| action == Some(&Disposition::None))
    };
    let (quiet, shown): (Vec<&String>, Vec<&String>) =
        addresses.iter().partition(|address| is_quiet(address));
    let width = shown
        .iter()
        .map(|address| address.chars().count())
        .max()
        .unwrap_or_default();
    let columns: Vec<usize> = planned
        .iter()
        .map(|(name, _)| name.chars().count().max(LONGEST_WORD))
        .collect();
    let heads = planned
        .iter()
        .zip(&columns)
        .map(|((name, _), column)| format!("{name:column$}"));
    writeln!(
        out,
        "{:width$}  {}",
        "",
        heads.collect::<Vec<_>>().join("  ").trim_end()
    )?;
    for address in shown {
        let words = planned.iter().zip(&columns).map(|((_, actions), column)| {
            let word = actions
                .get(address)
                .map_or("not there", |action| describe(*action));
            format!("{word:column$}")
        });
        let line = format!("{address:width$}  {}", words.collect::<Vec<_>>().join("  "));
        writeln!(out, "{}", make_visible(line.trim_end()))?;
    }
    if !quiet.is_empty() {
        writeln!(
            out,
            "{} in sync in all of them.",
            crate::model::wording::pluralize(quiet.len(), "object")
        )?;
    }
    Ok(())
}

/// Characters of the longest word for an action.
const LONGEST_WORD: usize = 9;

fn describe(action: Disposition) -> &'static str {
    match action {
        Disposition::None => "in sync",
        Disposition::Update => "update",
        Disposition::Create => "create",
        Disposition::Remove => "remove",
        Disposition::Observe => "observe",
        Disposition::Suspend => "suspended",
        Disposition::Missing => "missing",
        Disposition::Error => "failed",
    }
}
