//! The files by which a step of GitHub Actions passes results to its runner.
//!
//! In: `GITHUB_STEP_SUMMARY` and `GITHUB_OUTPUT`, which name the files, and the view of a run. Out: a
//! page for the summary, and outputs for later steps. The texts are made in `render::github`.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::apply::clock;
use crate::cli::error::{CommandError, CommandResult, Context};
use crate::files::links::LinkPolicy;
use crate::files::stream::{self, StreamStart};
use crate::plan::drift::document::DriftDocument;
use crate::render::view::RunView;
use crate::render::{drift, github, markdown};

/// The two files, opened before the run. `None` where the variable is not set, as outside of a runner.
///
/// Both are appended to, since other programs of the step may write them too.
pub struct Runner {
    summary: Option<File>,
    outputs: Option<File>,
}

impl Runner {
    /// Opens the files that the runner names. Returns `Err` if one cannot be opened for appending.
    pub fn new() -> CommandResult<Self> {
        Ok(Self {
            summary: open_named_by("GITHUB_STEP_SUMMARY")?,
            outputs: open_named_by("GITHUB_OUTPUT")?,
        })
    }

    /// Appends the page and the outputs of a plan or an apply.
    pub fn write(&self, view: &RunView<'_>) -> CommandResult<()> {
        self.append(
            |room| markdown::render_comment(view, room),
            |out, delimiter| github::write_outputs(out, view, delimiter),
        )
    }

    /// Appends the page of a drift run, and the output `has_drift`.
    pub fn write_drift(&self, document: &DriftDocument) -> CommandResult<()> {
        let has_drift = (document.summary.drifted > 0).to_string();
        self.append(
            |room| drift::markdown::render_page(document, room),
            |out, delimiter| github::write_output(out, "has_drift", &has_drift, delimiter),
        )
    }

    /// Appends a summary page and outputs.
    ///
    /// The page gets the size of the summary so far, because GitHub limits the size of a step's summary.
    /// The delimiter of the outputs holds a fresh run id, so that no text of a vendor can end a value
    /// early.
    fn append(
        &self,
        render: impl FnOnce(usize) -> String,
        write_outputs: impl FnOnce(&mut Vec<u8>, &str) -> std::io::Result<()>,
    ) -> CommandResult<()> {
        if let Some(mut file) = self.summary.as_ref() {
            let written = file.metadata().map_or(0, |known| known.len());
            let page = github::step_summary(render, written);
            file.write_all(page.as_bytes())
                .with_context(|| "cannot write GITHUB_STEP_SUMMARY")?;
        }
        if let Some(mut file) = self.outputs.as_ref() {
            let delimiter = format!("entitle-{}", clock::run_id());
            let mut lines = Vec::new();
            write_outputs(&mut lines, &delimiter)
                .and_then(|()| file.write_all(&lines))
                .with_context(|| "cannot write GITHUB_OUTPUT")?;
        }
        Ok(())
    }
}

/// Opens the file that a variable names; `None` if the variable is unset or empty.
fn open_named_by(name: &str) -> CommandResult<Option<File>> {
    let Some(path) = std::env::var_os(name).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let file = stream::open_stream(Path::new(&path), StreamStart::Append, &LinkPolicy::Follow);
    Ok(Some(file.map_err(|error| {
        CommandError::caused_by(format_args!("cannot write {name}"), error)
    })?))
}
