//! Which objects of the manifests a run is about.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::args::Selection;
use crate::model::Desired;
use crate::reconcile::Checked;

pub struct Scope {
    target: Option<GlobSet>,
    exclude: GlobSet,
    labels: Vec<(String, String)>,
}

impl Scope {
    pub fn new(selection: &Selection) -> anyhow::Result<Self> {
        let target = globs(&selection.target)?;
        let labels = selection
            .selector
            .iter()
            .map(|text| {
                let (key, value) = text
                    .split_once('=')
                    .ok_or_else(|| anyhow::anyhow!("--selector takes KEY=VALUE, not {text:?}"))?;
                Ok((key.trim().to_string(), value.trim().to_string()))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            target: (!selection.target.is_empty()).then_some(target),
            exclude: globs(&selection.exclude)?,
            labels,
        })
    }

    fn holds(&self, desired: &Desired) -> bool {
        let address = desired.address.to_string();
        let labelled = |(key, value): &(String, String)| desired.labels.get(key) == Some(value);
        self.target
            .as_ref()
            .is_none_or(|target| target.is_match(&address))
            && !self.exclude.is_match(&address)
            && self.labels.iter().all(labelled)
    }

    /// Leaves only the objects in scope. A target that matches nothing is a mistake, not an empty plan.
    pub fn narrow(&self, checked: &mut Checked) -> anyhow::Result<()> {
        let before = checked.desired.len();
        checked.desired.retain(|desired| self.holds(desired));
        let asked = self.target.is_some() || !self.labels.is_empty();
        if asked && checked.desired.is_empty() && before > 0 {
            anyhow::bail!(
                "none of the {before} objects is in the scope of --target and --selector"
            );
        }
        Ok(())
    }
}

fn globs(patterns: &[String]) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(|error| anyhow::anyhow!("not a glob: {error}"))?);
    }
    Ok(set.build()?)
}
