//! Writes files that users name.
//!
//! | what is there | [`Output`] | [`stream`] | [`open_private`] |
//! | --- | --- | --- | --- |
//! | nothing | created at the end, whole | created | created, for its owner only |
//! | a regular file | replaced at the end, whole, with its mode | cut or added to | kept as it is |
//! | `/dev/stdout`, a terminal, a pipe | written through | written through | refused |
//! | a directory, a socket, a block device | refused | refused | refused |
//!
//! Links lead to the file that they mean: they stay, and it is replaced.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::kind;
use super::links::{self, Links};

/// Who may read a file that is created. One that is replaced keeps its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its owner only.
    Private,
    /// Whomever the umask lets.
    Shared,
}

impl Mode {
    #[cfg(unix)]
    fn bits(self) -> u32 {
        match self {
            Mode::Private => 0o600,
            Mode::Shared => 0o666,
        }
    }
}

/// A file that is being written. Nothing of it shows until [`commit`](Output::commit), unless it is a stream.
pub struct Output {
    to: To,
    written: u64,
}

enum To {
    /// A temporary file beside the target, which it replaces at once.
    Beside(NamedTempFile, PathBuf),
    /// A stream, which must not be replaced.
    Through(File),
}

impl Output {
    /// Shows that the file can be written. What is there stays until the new content is complete.
    pub fn open(path: &Path, mode: Mode, links: &Links) -> io::Result<Self> {
        let target = links::resolve(path, links)?;
        let to = match fs::metadata(&target) {
            Ok(known) if known.is_file() && !links::is_open_file(&target) => {
                // A file that may not be written is not replaced behind its owner's back.
                OpenOptions::new().append(true).open(&target)?;
                let file = beside(&target, mode)?;
                keep_owner_and_mode(file.as_file(), &known)?;
                To::Beside(file, target)
            }
            Ok(known) => To::Through(open_stream(&target, &known)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                To::Beside(beside(&target, mode)?, target)
            }
            Err(error) => return Err(error),
        };
        Ok(Self { to, written: 0 })
    }

    /// The same for a file that stands by the file `like` and is for whoever may use that.
    pub fn open_beside(path: &Path, like: &Path, links: &Links) -> io::Result<Self> {
        let target = links::resolve(path, links)?;
        if let Ok(known) = fs::symlink_metadata(&target) {
            kind::expect_regular(&known)?;
        }
        let file = beside(&target, Mode::Private)?;
        keep_owner_and_mode(file.as_file(), &fs::metadata(like)?)?;
        let to = To::Beside(file, target);
        Ok(Self { to, written: 0 })
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Puts the file in its place, on disk.
    pub fn commit(self) -> io::Result<()> {
        let (file, target) = match self.to {
            To::Beside(file, target) => (file, target),
            To::Through(mut file) => return file.flush(),
        };
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        // The name is on disk with its directory; elsewhere a directory cannot be opened.
        #[cfg(unix)]
        File::open(directory(&target)).and_then(|dir| dir.sync_all())?;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.to {
            To::Beside(file, _) => file.write(bytes),
            To::Through(file) => file.write(bytes),
        }?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Beside(file, _) => file.flush(),
            To::Through(file) => file.flush(),
        }
    }
}

/// Writes a whole file at once.
pub fn whole(path: &Path, bytes: &[u8], mode: Mode, links: &Links) -> io::Result<()> {
    let mut output = Output::open(path, mode, links)?;
    output.write_all(bytes)?;
    output.commit()
}

/// Creates a file with its directories, whole or not at all; `false` if something is there already, which stays.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    fs::create_dir_all(directory(path))?;
    let mut file = beside(path, Mode::Shared)?;
    file.write_all(bytes)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(fault) if fault.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(fault) => Err(fault.error),
    }
}

/// Where a stream begins in a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the beginning: what is there goes.
    Anew,
    /// Behind what is there: others write it too.
    AtEnd,
}

/// Opens a file whose lines show as they are written.
pub fn stream(path: &Path, start: Start, links: &Links) -> io::Result<File> {
    let target = links::resolve(path, links)?;
    match fs::metadata(&target) {
        Ok(known) if !known.is_file() || links::is_open_file(&target) => {
            return open_stream(&target, &known);
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.create(true);
    match start {
        Start::Anew => options.write(true).truncate(true),
        Start::AtEnd => options.append(true),
    };
    options.open(target)
}

/// Opens a regular file that stays, such as a journal or a lock, with `options`. It and its directories are created
/// if need be, for their owner only; what is there keeps its mode.
pub fn open_private(path: &Path, options: &mut OpenOptions, links: &Links) -> io::Result<File> {
    let target = links::resolve(path, links)?;
    match fs::metadata(&target) {
        Ok(known) => kind::expect_regular(&known)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_private_dirs(directory(&target))?;
        }
        Err(error) => return Err(error),
    }
    options.create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(Mode::Private.bits());
    }
    let file = options.open(&target)?;
    // The name may have come to mean something else since.
    kind::expect_regular(&file.metadata()?)?;
    Ok(file)
}

/// Creates a directory and those above it that are missing, for their owner only. What is there keeps its mode.
pub fn create_private_dirs(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

fn directory(path: &Path) -> &Path {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    dir.unwrap_or(Path::new("."))
}

fn beside(target: &Path, mode: Mode) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".entitle-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode.bits()));
    #[cfg(not(unix))]
    let _ = mode;
    builder.tempfile_in(directory(target))
}

fn keep_owner_and_mode(file: &File, known: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let ours = file.metadata()?;
        if (ours.uid(), ours.gid()) != (known.uid(), known.gid()) {
            // Only root may give files away: for others it becomes theirs, as with any editor.
            let _ = std::os::unix::fs::fchown(file, Some(known.uid()), Some(known.gid()));
        }
    }
    file.set_permissions(known.permissions())
}

/// Opens what is no regular file of the user's, if bytes can be written through it.
fn open_stream(target: &Path, known: &Metadata) -> io::Result<File> {
    if let Some(standard) = standard_stream(target) {
        return standard;
    }
    if kind::is_pipe(known) {
        return open_pipe(target);
    }
    if known.is_file() {
        // Open under another number, with a position that is not ours.
        return OpenOptions::new().append(true).open(target);
    }
    if !kind::is_stream(known) {
        kind::expect_regular(known)?;
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

/// Our own standard output or error: opened by name, a file that stands behind it would be written from its
/// beginning once more.
fn standard_stream(target: &Path) -> Option<io::Result<File>> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let own = ["/dev/fd".into(), format!("/proc/{}/fd", std::process::id())];
        if !own
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

/// Opens a pipe that somebody reads; opened in the ordinary way it would wait for a reader for ever.
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
                let words = "it is a pipe that nobody reads: start its reader first";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
            }
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    };
    #[cfg(unix)]
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty())?;
    Ok(file)
}

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
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn write(path: &Path, text: &str) -> io::Result<()> {
        whole(path, text.as_bytes(), Mode::Private, &Links::Followed)
    }

    fn left_in(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_whole_with_its_mode_and_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        write(&file, "first").unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let link = dir.path().join("link");
        symlink("file", &link).unwrap();
        let mut output = Output::open(&link, Mode::Shared, &Links::Followed).unwrap();
        output.write_all(b"second").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "first");
        output.commit().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "second");
        assert_eq!(mode(&file), 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // What is not finished leaves nothing behind.
        drop(Output::open(&file, Mode::Private, &Links::Followed).unwrap());
        assert_eq!(left_in(dir.path()), 2);
        symlink("absent", dir.path().join("dangling")).unwrap();
        write(&dir.path().join("dangling"), "third").unwrap();
        assert_eq!(
            fs::read_to_string(dir.path().join("absent")).unwrap(),
            "third"
        );
    }

    #[test]
    fn devices_and_pipes_stay_what_they_are() {
        use std::os::unix::fs::FileTypeExt;
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        symlink("/dev/null", &link).unwrap();
        let before = mode(Path::new("/dev/null"));
        write(&link, "gone").unwrap();
        assert!(
            fs::metadata("/dev/null")
                .unwrap()
                .file_type()
                .is_char_device()
        );
        assert_eq!(mode(Path::new("/dev/null")), before);
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let reader = {
            let pipe = pipe.clone();
            thread::spawn(move || fs::read_to_string(pipe).unwrap())
        };
        write(&pipe, "through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        let error = write(dir.path(), "x").unwrap_err();
        assert_eq!(error.to_string(), "it is a directory: name a regular file");
    }

    #[test]
    fn a_private_file_is_regular_and_its_mode_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            open_private(path, options.append(true), &Links::Followed)
        };
        let path = dir.path().join("state/deep/journal");
        open(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&dir.path().join("state")), 0o700);
        assert_eq!(mode(&dir.path().join("state/deep")), 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        open(&path).unwrap();
        assert_eq!(mode(&path), 0o664);
        let error = open(Path::new("/dev/full")).unwrap_err();
        assert_eq!(error.to_string(), "it is a device: name a regular file");
    }

    #[test]
    fn a_stream_is_cut_or_added_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events");
        for (start, after) in [
            (Start::Anew, "one"),
            (Start::AtEnd, "oneone"),
            (Start::Anew, "one"),
        ] {
            let mut file = stream(&path, start, &Links::Followed).unwrap();
            file.write_all(b"one").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), after);
        }
        stream(Path::new("/dev/full"), Start::Anew, &Links::Followed).unwrap();
    }

    #[test]
    fn what_is_there_is_not_created_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/file");
        assert!(create(&path, b"ours").unwrap());
        assert!(!create(&path, b"again").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "ours");
    }
}
