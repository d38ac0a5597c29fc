//! The files by which a step of GitHub Actions speaks to its runner.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::apply::clock;
use crate::cli::error::{CommandError, CommandResult, Context};
use crate::files::links::LinkPolicy;
use crate::files::write::{self, StreamStart};
use crate::render::github;
use crate::render::view::RunView;

/// Opened before the run; both are appended to, since other programs of the step may write them too.
pub struct Runner {
    summary: Option<File>,
    outputs: Option<File>,
}

impl Runner {
    pub fn new() -> CommandResult<Self> {
        Ok(Self {
            summary: open_named_by("GITHUB_STEP_SUMMARY")?,
            outputs: open_named_by("GITHUB_OUTPUT")?,
        })
    }

    pub fn write(&self, view: &RunView<'_>) -> CommandResult<()> {
        if let Some(mut file) = self.summary.as_ref() {
            let written = file.metadata().map_or(0, |known| known.len());
            let page = github::step_summary(view, written);
            file.write_all(page.as_bytes())
                .with_context(|| "cannot write GITHUB_STEP_SUMMARY")?;
        }
        if let Some(mut file) = self.outputs.as_ref() {
            let delimiter = format!("entitle-{}", clock::run_id());
            let mut lines = Vec::new();
            github::write_outputs(&mut lines, view, &delimiter)
                .and_then(|()| file.write_all(&lines))
                .with_context(|| "cannot write GITHUB_OUTPUT")?;
        }
        Ok(())
    }
}

/// The file that a variable names, if it is set.
fn open_named_by(name: &str) -> CommandResult<Option<File>> {
    let Some(path) = std::env::var_os(name).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let file = write::open_stream(Path::new(&path), StreamStart::Append, &LinkPolicy::Follow);
    Ok(Some(file.map_err(|error| {
        CommandError::caused_by(format_args!("cannot write {name}"), error)
    })?))
}
