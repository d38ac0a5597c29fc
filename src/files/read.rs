//! Reads files that users name: regular ones, of a bounded size, without waiting.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use super::kind;

/// The time that a pipe may take to end if the run has no deadline.
pub const PIPE_TIMEOUT: Duration = Duration::from_secs(60);

/// Limits of reading one file.
#[derive(Clone, Copy, Debug)]
pub struct ReadBounds {
    /// The most bytes of a file or pipe; a larger one is refused, not cut.
    pub bytes: u64,
    /// How long a pipe such as `/dev/stdin` or `<(command)` may take to end; `None` refuses pipes.
    pub pipe: Option<Duration>,
}

impl ReadBounds {
    /// Allows a regular file of at most `bytes`.
    pub const fn file(bytes: u64) -> Self {
        Self { bytes, pipe: None }
    }

    /// Allows a regular file, or a pipe that ends within `timeout`.
    pub const fn or_pipe(bytes: u64, timeout: Duration) -> Self {
        Self {
            bytes,
            pipe: Some(timeout),
        }
    }
}

/// Reports whether a path leads to a pipe, such as `<(command)`, which can be read only once.
pub fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| kind::is_pipe(&meta))
}

/// Opens a regular file. Directories, pipes, devices and sockets are refused by name, without being opened: opening
/// a FIFO waits for a writer, and opening a device may act on it.
pub fn open_regular_file(path: &Path) -> io::Result<File> {
    open_with_size(path).map(|(file, _)| file)
}

/// Reads a whole file. `Err` is [`io::ErrorKind::FileTooLarge`] for a file above the bounds and
/// [`io::ErrorKind::TimedOut`] for a pipe that did not end in time.
pub fn read_bytes(path: &Path, bounds: ReadBounds) -> io::Result<Vec<u8>> {
    if let Some(timeout) = bounds.pipe
        && kind::is_pipe(&fs::metadata(path)?)
    {
        return read_pipe(open_options().open(path)?, bounds.bytes, timeout);
    }
    let (file, size) = open_with_size(path)?;
    let mut bytes = Vec::new();
    // With room for one byte more than the size of the file, one read also reaches the end of the file.
    let size = usize::try_from(size.min(bounds.bytes)).unwrap_or(0);
    bytes.reserve_exact(size + 1);
    file.take(bounds.bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    check_size(bytes, bounds.bytes)
}

/// Reads a whole file that must be UTF-8; `Err` is [`io::ErrorKind::InvalidData`] if it is not.
pub fn read_text(path: &Path, bounds: ReadBounds) -> io::Result<String> {
    String::from_utf8(read_bytes(path, bounds)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Opens a regular file and returns it with its size in bytes.
fn open_with_size(path: &Path) -> io::Result<(File, u64)> {
    kind::expect_regular(&fs::metadata(path)?)?;
    let file = open_options().open(path)?;
    // Another file may have taken the name since.
    let meta = file.metadata()?;
    kind::expect_regular(&meta)?;
    Ok((file, meta.len()))
}

/// Returns options that open without waiting for a writer and without making a terminal the controlling one.
fn open_options() -> OpenOptions {
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

/// Returns `bytes`, or an error if there are more than `most`.
fn check_size(bytes: Vec<u8>, most: u64) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 > most {
        return Err(too_large_error(most));
    }
    Ok(bytes)
}

/// Creates the error for a file above a bound, in the largest unit without a fraction.
pub fn too_large_error(most: u64) -> io::Error {
    let size = match most {
        _ if most >= 1 << 20 && most.is_multiple_of(1 << 20) => format!("{} MiB", most >> 20),
        _ if most >= 1 << 10 && most.is_multiple_of(1 << 10) => format!("{} KiB", most >> 10),
        _ => format!("{most} bytes"),
    };
    let message = format!("it is larger than {size}, the most that is read");
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

/// Reads a pipe until it ends, for at most `timeout`.
fn read_pipe(pipe: File, most: u64, timeout: Duration) -> io::Result<Vec<u8>> {
    // A deadline beyond what the clock can represent falls back to the default.
    let deadline = Instant::now().checked_add(timeout);
    let deadline = deadline.unwrap_or_else(|| Instant::now() + PIPE_TIMEOUT);
    let mut bytes = Vec::new();
    TimedPipe { pipe, deadline }
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    check_size(bytes, most)
}

/// A pipe that must end before a deadline. Only Unix enforces the deadline.
struct TimedPipe {
    pipe: File,
    deadline: Instant,
}

impl Read for TimedPipe {
    #[cfg(unix)]
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            // Poll first: a pipe that no writer has opened yet reads as one that has ended.
            let waiting = &mut [PollFd::new(&self.pipe, PollFlags::IN)];
            match poll(waiting, Some(&left)) {
                Ok(0) => {
                    let message = "the pipe did not end in time";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, message));
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
        assert_eq!(read_text(&path, ReadBounds::file(4)).unwrap(), "1234");
        let error = read_bytes(&path, ReadBounds::file(3)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(
            error.to_string(),
            "it is larger than 3 bytes, the most that is read"
        );
        assert!(too_large_error(64 << 20).to_string().contains("64 MiB"));
        let missing = read_bytes(&dir.path().join("none"), ReadBounds::file(4)).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        fs::write(&path, b"\xff").unwrap();
        assert!(read_text(&path, ReadBounds::file(4)).is_err());
    }

    #[test]
    fn directories_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let error = open_regular_file(dir.path()).unwrap_err();
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
        let name = |path: &Path| open_regular_file(path).unwrap_err().to_string();
        assert_eq!(name(&fifo(dir.path())), "it is a pipe: name a regular file");
        assert_eq!(
            name(Path::new("/dev/zero")),
            "it is a device: name a regular file"
        );
        // An allowed pipe allows no device.
        let bounds = ReadBounds::or_pipe(4, Duration::ZERO);
        assert!(read_bytes(Path::new("/dev/zero"), bounds).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn an_allowed_pipe_is_bounded_in_time_and_in_bytes() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let path = fifo(dir.path());
        // The pipe has no writer.
        let error = read_bytes(&path, ReadBounds::or_pipe(4, Duration::ZERO)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let write = |text: &'static str| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut file = OpenOptions::new().write(true).open(path).unwrap();
                // The reader may have closed the pipe already.
                let _ = file.write_all(text.as_bytes());
            })
        };
        let writer = write("1234");
        assert_eq!(
            read_text(&path, ReadBounds::or_pipe(4, PIPE_TIMEOUT)).unwrap(),
            "1234"
        );
        writer.join().unwrap();
        let writer = write("12345");
        let error = read_bytes(&path, ReadBounds::or_pipe(4, PIPE_TIMEOUT)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        writer.join().unwrap();
    }
}
