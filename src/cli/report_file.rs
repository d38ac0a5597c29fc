//! Reports that are whole or not there: opened before the run, put in their places after it.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::{output, work_tree};
use crate::cli::error::{CommandError, CommandResult, Context, bail};
use crate::files::write::{FileMode, Output};

/// The reports of a run, each in a format.
pub struct Reports<F> {
    files: RefCell<Vec<(F, ReportFile)>>,
    failures: RefCell<Vec<CommandError>>,
}

impl<F: Copy> Reports<F> {
    /// Lists the formats of the reports.
    pub fn formats(&self) -> impl Iterator<Item = F> {
        let files = self.files.borrow();
        let formats: Vec<F> = files.iter().map(|(format, _)| *format).collect();
        formats.into_iter()
    }

    /// Opens all of them, so that one that cannot be written is known before a vendor is.
    pub fn open(requests: &[(F, &Path)]) -> CommandResult<Self> {
        let mut files = Vec::new();
        for (number, (format, path)) in requests.iter().enumerate() {
            if requests[..number].iter().any(|(_, other)| other == path) {
                bail!("two reports go to {}", path.display());
            }
            files.push((*format, ReportFile::open(path)?));
        }
        Ok(Self {
            files: RefCell::new(files),
            failures: RefCell::default(),
        })
    }

    /// Writes every report into its place. Faults are kept for `close`.
    pub fn write(&self, render: impl Fn(&mut dyn Write, F) -> io::Result<()>) {
        for (format, file) in self.files.borrow_mut().drain(..) {
            self.note(file.write(|out| render(out, format)));
        }
    }

    /// Keeps the fault of something beside the files, for `close` to print.
    pub fn note(&self, written: CommandResult<()>) {
        self.failures.borrow_mut().extend(written.err());
    }

    /// Prints the faults and returns the exit. A fault turns `Done` into `Error` and leaves other exits
    /// as they are.
    pub fn close(&self, ended: CommandResult<Exit>) -> CommandResult<Exit> {
        let failures = self.failures.borrow();
        for failure in failures.iter() {
            output::print_error(&failure.to_string());
        }
        match ended {
            Ok(Exit::Done) if !failures.is_empty() => Ok(Exit::Error),
            ended => ended,
        }
    }
}

/// One report, open but not in its place yet.
pub struct ReportFile {
    path: PathBuf,
    output: Output,
}

impl ReportFile {
    /// Shows that the report can be written. A report of an earlier run stays until this one is complete.
    pub fn open(path: &Path) -> CommandResult<Self> {
        // It holds no secret, and another user's job may have to read it.
        let output = Output::open(path, FileMode::Shared, &work_tree::link_policy());
        let output = output.map_err(|error| {
            CommandError::caused_by(
                format_args!("cannot write the report {}", path.display()),
                error,
            )
        })?;
        Ok(Self {
            path: path.into(),
            output,
        })
    }

    pub fn write(
        mut self,
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> CommandResult<()> {
        // Without colour: the reader is a file.
        let mut plain = anstream::StripStream::new(Vec::new());
        let written = render(&mut plain)
            .and_then(|()| self.output.write_all(&plain.into_inner()))
            .and_then(|()| self.output.commit());
        written.with_context(|| format!("cannot write the report {}", self.path.display()))
    }
}
