//! The files by which a step of GitHub Actions speaks to its runner.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::apply::clock;
use crate::files::links::Links;
use crate::files::write::{self, Start};
use crate::render::github;
use crate::render::view::View;

/// Opened before the run; both are appended to, since other programs of the step may write them too.
pub struct Runner {
    summary: Option<File>,
    outputs: Option<File>,
}

impl Runner {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            summary: appended("GITHUB_STEP_SUMMARY")?,
            outputs: appended("GITHUB_OUTPUT")?,
        })
    }

    pub fn write(&self, view: &View<'_>) -> Result<(), String> {
        if let Some(mut file) = self.summary.as_ref() {
            let written = file.metadata().map_or(0, |known| known.len());
            let page = github::summary(view, written);
            file.write_all(page.as_bytes())
                .map_err(|error| format!("cannot write GITHUB_STEP_SUMMARY: {error}"))?;
        }
        if let Some(mut file) = self.outputs.as_ref() {
            let delimiter = format!("entitle-{}", clock::run_id());
            let mut lines = Vec::new();
            github::outputs(&mut lines, view, &delimiter)
                .and_then(|()| file.write_all(&lines))
                .map_err(|error| format!("cannot write GITHUB_OUTPUT: {error}"))?;
        }
        Ok(())
    }
}

/// The file that a variable names, if it is set.
fn appended(name: &str) -> anyhow::Result<Option<File>> {
    let Some(path) = std::env::var_os(name).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let file = write::stream(Path::new(&path), Start::AtEnd, &Links::Followed);
    Ok(Some(file.map_err(|error| {
        anyhow::anyhow!("cannot write {name}: {error}")
    })?))
}
