//! Reports that are whole or not there: opened before the run, put in their places after it.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::exit::Exit;
use super::output;

/// The reports of a run, each in a format.
pub struct Reports<F> {
    files: RefCell<Vec<(F, ReportFile)>>,
    failures: RefCell<Vec<String>>,
}

impl<F: Copy> Reports<F> {
    /// Opens all of them, so that one that cannot be written is known before a vendor is.
    pub fn open(wanted: &[(F, &Path)]) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for (number, (format, path)) in wanted.iter().enumerate() {
            if wanted[..number].iter().any(|(_, other)| other == path) {
                anyhow::bail!("two reports go to {}", path.display());
            }
            files.push((*format, ReportFile::open(path)?));
        }
        Ok(Self {
            files: RefCell::new(files),
            failures: RefCell::default(),
        })
    }

    /// Puts all of them in their places; what could not be written is told at the end.
    pub fn write(&self, render: impl Fn(&mut dyn Write, F) -> io::Result<()>) {
        for (format, file) in self.files.borrow_mut().drain(..) {
            self.note(file.write(|out| render(out, format)));
        }
    }

    /// Remembers that something beside the files could not be written.
    pub fn note(&self, written: Result<(), String>) {
        self.failures.borrow_mut().extend(written.err());
    }

    /// A report that could not be written does not hide how the run ended.
    pub fn close(&self, ended: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
        let failures = self.failures.borrow();
        for failure in failures.iter() {
            eprintln!("{}error:{:#} {failure}", output::DANGER, output::DANGER);
        }
        match ended {
            Ok(Exit::Done) if !failures.is_empty() => Ok(Exit::Error),
            ended => ended,
        }
    }
}

pub struct ReportFile {
    path: PathBuf,
    to: To,
}

enum To {
    /// Beside the report, which it replaces at once.
    Beside(NamedTempFile),
    /// A device or a pipe, which must not be replaced.
    Through(File),
}

impl ReportFile {
    /// Shows that the report can be written. A report of an earlier run stays until this one is complete.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let to = Self::target(path).map_err(|error| {
            anyhow::anyhow!("cannot write the report {}: {error}", path.display())
        })?;
        Ok(Self {
            path: path.into(),
            to,
        })
    }

    fn target(path: &Path) -> io::Result<To> {
        match std::fs::metadata(path) {
            Ok(known) if known.is_dir() => {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            Ok(known) if !known.is_file() => {
                return Ok(To::Through(OpenOptions::new().write(true).open(path)?));
            }
            // A file that may not be written is not replaced behind its owner's back.
            Ok(_) => drop(OpenOptions::new().append(true).open(path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".entitle-report-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // It holds no secret, and another user's job may have to read it; the umask still counts.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        Ok(To::Beside(
            builder.tempfile_in(dir.unwrap_or(Path::new(".")))?,
        ))
    }

    pub fn write(
        self,
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), String> {
        let path = self.path;
        let fault =
            |error: io::Error| format!("cannot write the report {}: {error}", path.display());
        // Without colour: the reader is a file.
        let mut plain = anstream::StripStream::new(Vec::new());
        render(&mut plain).map_err(fault)?;
        let bytes = plain.into_inner();
        match self.to {
            To::Through(mut file) => file.write_all(&bytes).map_err(fault),
            To::Beside(mut file) => {
                file.write_all(&bytes).map_err(fault)?;
                file.persist(&path)
                    .map(drop)
                    .map_err(|error| fault(error.error))
            }
        }
    }
}
