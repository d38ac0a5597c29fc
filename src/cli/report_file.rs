//! A report that is whole or not there: opened before the run, put in its place after it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

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
