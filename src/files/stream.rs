//! Opens what takes bytes as they are written: a file of lines, `/dev/stdout`, a terminal, a FIFO.
//!
//! What is there is never replaced; [`write`](mod@super::write) has the table of what happens to which file.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::kind;
use super::links::{self, LinkPolicy};

/// Where a stream begins in a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStart {
    /// At the beginning: the present content is deleted.
    Truncate,
    /// At the end, because other processes write to the file too.
    Append,
}

/// Opens a file whose lines are visible as they are written.
pub fn open_stream(path: &Path, start: StreamStart, links: &LinkPolicy) -> io::Result<File> {
    let target = links::resolve_links(path, links)?;
    match fs::metadata(&target) {
        Ok(metadata) if !metadata.is_file() || links::is_open_file(&target) => {
            return open_existing_stream(&target, &metadata);
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.create(true);
    match start {
        StreamStart::Truncate => options.write(true).truncate(true),
        StreamStart::Append => options.append(true),
    };
    options.open(target)
}

/// Opens a path that is not a regular file of the user's, if bytes can be written through it.
pub(super) fn open_existing_stream(target: &Path, metadata: &Metadata) -> io::Result<File> {
    if let Some(standard) = standard_stream(target) {
        return standard;
    }
    if kind::is_pipe(metadata) {
        return open_pipe(target);
    }
    if metadata.is_file() {
        // The file is open under another descriptor, and its position belongs to that.
        return OpenOptions::new().append(true).open(target);
    }
    if !kind::is_stream(metadata) {
        kind::expect_regular(metadata)?;
    }
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed());
    }
    options.open(target)
}

/// Returns a copy of our own standard output or error if `target` names it, otherwise `None`. If it were opened by name
/// and led to a file, writing would start again at the beginning of that file.
fn standard_stream(target: &Path) -> Option<io::Result<File>> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let standard = ["/dev/fd".into(), format!("/proc/{}/fd", std::process::id())];
        if !standard
            .iter()
            .any(|dir| target.parent() == Some(Path::new(dir)))
        {
            return None;
        }
        let copy = match target.file_name()?.to_str()? {
            "1" => io::stdout().as_fd().try_clone_to_owned(),
            "2" => io::stderr().as_fd().try_clone_to_owned(),
            _ => return None,
        };
        Some(copy.map(File::from))
    }
    #[cfg(not(unix))]
    {
        let _ = target;
        None
    }
}

/// How long a pipe may be without a reader: as long as it takes to start one.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a pipe for writing and waits for its reader up to a limit; an ordinary open would wait for ever.
fn open_pipe(target: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let start = Instant::now();
    let file = loop {
        match options.open(target) {
            Ok(file) => break file,
            Err(error) if !has_no_reader(&error) => return Err(error),
            Err(_) if start.elapsed() > READER_TIMEOUT => {
                let message = "it is a pipe without a reader: start its reader first";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    };
    #[cfg(unix)]
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty())?;
    Ok(file)
}

/// Reports whether opening a pipe failed because it has no reader.
fn has_no_reader(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::NXIO)
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_stream_is_cut_or_added_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events");
        for (start, after) in [
            (StreamStart::Truncate, "one"),
            (StreamStart::Append, "oneone"),
            (StreamStart::Truncate, "one"),
        ] {
            let mut file = open_stream(&path, start, &LinkPolicy::Follow).unwrap();
            file.write_all(b"one").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), after);
        }
        open_stream(
            Path::new("/dev/full"),
            StreamStart::Truncate,
            &LinkPolicy::Follow,
        )
        .unwrap();
    }
}
