//! Reads files that users name: regular ones, of a bounded size, without waiting.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use super::kind;

/// How long a pipe may take where a run has no deadline of its own.
pub const PIPE_TIMEOUT: Duration = Duration::from_secs(60);

/// What is read at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of a file or pipe; one with more is refused and not cut.
    pub bytes: u64,
    /// How long a pipe such as `/dev/stdin` or `<(command)` may take until it ends; `None` refuses pipes.
    pub pipe: Option<Duration>,
}

impl Bounds {
    /// A regular file of at most `bytes`.
    pub const fn file(bytes: u64) -> Self {
        Self { bytes, pipe: None }
    }

    /// A regular file, or a pipe that ends within `timeout`.
    pub const fn or_pipe(bytes: u64, timeout: Duration) -> Self {
        Self {
            bytes,
            pipe: Some(timeout),
        }
    }
}

/// Whether a path leads to a pipe, such as `<(command)`, which can be read but once.
pub fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| kind::is_pipe(&meta))
}

/// Opens a regular file. Directories, pipes, devices and sockets are refused by name, without being opened: opening
/// a FIFO waits for a writer, and a device may act on it.
pub fn open(path: &Path) -> io::Result<File> {
    open_regular(path).map(|(file, _)| file)
}

/// Reads a whole file. The kind of the error is [`io::ErrorKind::FileTooLarge`] for one above the bounds and
/// [`io::ErrorKind::TimedOut`] for a pipe that did not end in time.
pub fn bytes(path: &Path, bounds: Bounds) -> io::Result<Vec<u8>> {
    if let Some(timeout) = bounds.pipe
        && kind::is_pipe(&fs::metadata(path)?)
    {
        return read_pipe(options().open(path)?, bounds.bytes, timeout);
    }
    let (file, size) = open_regular(path)?;
    let mut bytes = Vec::new();
    // One byte more than it has shows the end without another call.
    let size = usize::try_from(size.min(bounds.bytes)).unwrap_or(0);
    bytes.reserve_exact(size + 1);
    file.take(bounds.bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    within(bytes, bounds.bytes)
}

/// Reads a whole file that has to be UTF-8.
pub fn text(path: &Path, bounds: Bounds) -> io::Result<String> {
    String::from_utf8(bytes(path, bounds)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    kind::expect_regular(&fs::metadata(path)?)?;
    let file = options().open(path)?;
    // The name may have come to mean something else since.
    let meta = file.metadata()?;
    kind::expect_regular(&meta)?;
    Ok((file, meta.len()))
}

/// Opens without waiting for a writer, and without making a terminal ours.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options
}

fn within(bytes: Vec<u8>, most: u64) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 > most {
        return Err(too_large(most));
    }
    Ok(bytes)
}

/// Says that a file is above a bound, in the largest unit that has no fraction.
pub fn too_large(most: u64) -> io::Error {
    let size = match most {
        _ if most >= 1 << 20 && most.is_multiple_of(1 << 20) => format!("{} MiB", most >> 20),
        _ if most >= 1 << 10 && most.is_multiple_of(1 << 10) => format!("{} KiB", most >> 10),
        _ => format!("{most} bytes"),
    };
    let words = format!("it is larger than {size}, the most that is read");
    io::Error::new(io::ErrorKind::FileTooLarge, words)
}

fn read_pipe(pipe: File, most: u64, timeout: Duration) -> io::Result<Vec<u8>> {
    // What is beyond what clocks can tell is no bound.
    let deadline = Instant::now().checked_add(timeout);
    let deadline = deadline.unwrap_or_else(|| Instant::now() + PIPE_TIMEOUT);
    let mut bytes = Vec::new();
    Timed { pipe, deadline }
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    within(bytes, most)
}

/// A pipe that has to end in time. Elsewhere than on Unix it may take any.
struct Timed {
    pipe: File,
    deadline: Instant,
}

impl Read for Timed {
    #[cfg(unix)]
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            // Waiting comes first: a pipe that no writer has opened yet reads as one that has ended.
            let waiting = &mut [PollFd::new(&self.pipe, PollFlags::IN)];
            match poll(waiting, Some(&left)) {
                Ok(0) => {
                    let words = "the pipe did not end in time";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, words));
                }
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            match self.pipe.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    #[cfg(not(unix))]
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.pipe.read(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "1234").unwrap();
        assert_eq!(text(&path, Bounds::file(4)).unwrap(), "1234");
        let error = bytes(&path, Bounds::file(3)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(
            error.to_string(),
            "it is larger than 3 bytes, the most that is read"
        );
        assert!(too_large(64 << 20).to_string().contains("64 MiB"));
        let missing = bytes(&dir.path().join("none"), Bounds::file(4)).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        fs::write(&path, b"\xff").unwrap();
        assert!(text(&path, Bounds::file(4)).is_err());
    }

    #[test]
    fn directories_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let error = open(dir.path()).unwrap_err();
        assert_eq!(error.to_string(), "it is a directory: name a regular file");
    }

    #[cfg(unix)]
    fn fifo(dir: &Path) -> std::path::PathBuf {
        let path = dir.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        path
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let name = |path: &Path| open(path).unwrap_err().to_string();
        assert_eq!(name(&fifo(dir.path())), "it is a pipe: name a regular file");
        assert_eq!(
            name(Path::new("/dev/zero")),
            "it is a device: name a regular file"
        );
        // An allowed pipe allows no device.
        let bounds = Bounds::or_pipe(4, Duration::ZERO);
        assert!(bytes(Path::new("/dev/zero"), bounds).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn an_allowed_pipe_is_bounded_in_time_and_in_bytes() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let path = fifo(dir.path());
        // Nobody writes.
        let error = bytes(&path, Bounds::or_pipe(4, Duration::ZERO)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let write = |text: &'static str| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut file = OpenOptions::new().write(true).open(path).unwrap();
                // Whoever reads may have seen enough.
                let _ = file.write_all(text.as_bytes());
            })
        };
        let writer = write("1234");
        assert_eq!(
            text(&path, Bounds::or_pipe(4, PIPE_TIMEOUT)).unwrap(),
            "1234"
        );
        writer.join().unwrap();
        let writer = write("12345");
        let error = bytes(&path, Bounds::or_pipe(4, PIPE_TIMEOUT)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        writer.join().unwrap();
    }
}
