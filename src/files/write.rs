//! Writes files that users name.
//!
//! | what is there | [`Output`] | [`open_stream`](super::stream::open_stream) | [`open_private`] |
//! | --- | --- | --- | --- |
//! | nothing | created at the end, whole | created | created, for its owner only |
//! | a regular file | replaced at the end, whole, with its mode | truncated or appended to | kept as it is |
//! | `/dev/stdout`, a terminal, a pipe | written through | written through | refused |
//! | a directory, a socket, a block device | refused | refused | refused |
//!
//! Links are followed to their target: the link stays, and the target is replaced.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::kind;
use super::links::{self, LinkPolicy};
use super::stream::open_existing_stream;

/// The readers of a newly created file. A file that is replaced keeps its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// Only its owner.
    Private,
    /// Every user that the umask allows.
    Shared,
}

impl FileMode {
    /// Returns the mode for creating the file, before the umask.
    #[cfg(unix)]
    fn bits(self) -> u32 {
        match self {
            FileMode::Private => 0o600,
            FileMode::Shared => 0o666,
        }
    }
}

/// A file that is being written. Nothing of it is visible until [`commit`](Output::commit), unless it is a stream.
pub struct Output {
    to: OutputTarget,
    written: u64,
}

/// Where the bytes of an [`Output`] go.
enum OutputTarget {
    /// A temporary file beside the target, which replaces it at the end.
    Replace(NamedTempFile, PathBuf),
    /// A stream, which must not be replaced.
    Stream(File),
}

impl Output {
    /// Opens a file for writing, or fails if it cannot be written. The present content stays until the new one is
    /// complete.
    pub fn open(path: &Path, mode: FileMode, links: &LinkPolicy) -> io::Result<Self> {
        let target = links::resolve_links(path, links)?;
        let to = match fs::metadata(&target) {
            Ok(metadata) if metadata.is_file() && !links::is_open_file(&target) => {
                // Replacing needs write permission for the directory only, so a read-only file is refused here.
                OpenOptions::new().append(true).open(&target)?;
                let file = create_temporary(&target, mode)?;
                copy_owner_and_mode(file.as_file(), &metadata)?;
                OutputTarget::Replace(file, target)
            }
            Ok(metadata) => OutputTarget::Stream(open_existing_stream(&target, &metadata)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                OutputTarget::Replace(create_temporary(&target, mode)?, target)
            }
            Err(error) => return Err(error),
        };
        Ok(Self { to, written: 0 })
    }

    /// Opens a file that belongs to the file `like` and gets its owner and mode.
    pub fn open_beside(path: &Path, like: &Path, links: &LinkPolicy) -> io::Result<Self> {
        let target = links::resolve_links(path, links)?;
        if let Ok(metadata) = fs::symlink_metadata(&target) {
            kind::expect_regular(&metadata)?;
        }
        let file = create_temporary(&target, FileMode::Private)?;
        copy_owner_and_mode(file.as_file(), &fs::metadata(like)?)?;
        let to = OutputTarget::Replace(file, target);
        Ok(Self { to, written: 0 })
    }

    /// Returns how many bytes were written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Moves the file to its place and waits until it is on disk.
    pub fn commit(self) -> io::Result<()> {
        let (file, target) = match self.to {
            OutputTarget::Replace(file, target) => (file, target),
            OutputTarget::Stream(mut file) => return file.flush(),
        };
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        // The new name is durable once its directory is synced; only Unix can open a directory for that.
        #[cfg(unix)]
        File::open(parent_directory(&target)).and_then(|dir| dir.sync_all())?;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.to {
            OutputTarget::Replace(file, _) => file.write(bytes),
            OutputTarget::Stream(file) => file.write(bytes),
        }?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            OutputTarget::Replace(file, _) => file.flush(),
            OutputTarget::Stream(file) => file.flush(),
        }
    }
}

/// Writes a whole file at once: after an error the old content is still there.
pub fn write_whole_file(
    path: &Path,
    bytes: &[u8],
    mode: FileMode,
    links: &LinkPolicy,
) -> io::Result<()> {
    let mut output = Output::open(path, mode, links)?;
    output.write_all(bytes)?;
    output.commit()
}

/// Creates a file with its directories, whole or not at all. Returns `false` if the path exists already; it stays.
pub fn create_new_file(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(false);
    }
    fs::create_dir_all(parent_directory(path))?;
    let mut file = create_temporary(path, FileMode::Shared)?;
    file.write_all(bytes)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(fault) if fault.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(fault) => Err(fault.error),
    }
}

/// Opens a regular file that stays, such as a journal or a lock, with `options`. It and its directories are created
/// if missing, for their owner only; existing ones keep their mode.
pub fn open_private(
    path: &Path,
    options: &mut OpenOptions,
    links: &LinkPolicy,
) -> io::Result<File> {
    let target = links::resolve_links(path, links)?;
    match fs::metadata(&target) {
        Ok(metadata) => kind::expect_regular(&metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_private_dirs(parent_directory(&target))?;
        }
        Err(error) => return Err(error),
    }
    options.create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(FileMode::Private.bits());
    }
    let file = options.open(&target)?;
    // Another file may have taken the name since.
    kind::expect_regular(&file.metadata()?)?;
    Ok(file)
}

/// Creates a directory and its missing parents, for their owner only. Existing ones keep their mode.
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

/// Reports whether files can be made in a directory, which is created if it is missing.
pub fn is_writable_directory(dir: &Path) -> bool {
    create_private_dirs(dir).is_ok() && tempfile::tempfile_in(dir).is_ok()
}

/// Returns the directory of a path, `.` for a bare name.
fn parent_directory(path: &Path) -> &Path {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    dir.unwrap_or(Path::new("."))
}

/// Creates a temporary file in the directory of `target`, on the same file system.
///
/// We open the file here instead of in the crate, whose errors would name the temporary file: users did not choose that
/// name, and the file is gone when they read the error.
fn create_temporary(target: &Path, mode: FileMode) -> io::Result<NamedTempFile> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode.bits());
    #[cfg(not(unix))]
    let _ = mode;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".entitle-");
    builder.make_in(parent_directory(target), |path| options.open(path))
}

/// Gives `file` the owner, group and mode of a file that it replaces.
fn copy_owner_and_mode(file: &File, metadata: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let ours = file.metadata()?;
        if (ours.uid(), ours.gid()) != (metadata.uid(), metadata.gid()) {
            // Only root may give files away: a file written by another user becomes theirs, as with any editor.
            let _ = std::os::unix::fs::fchown(file, Some(metadata.uid()), Some(metadata.gid()));
        }
    }
    file.set_permissions(metadata.permissions())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn write(path: &Path, text: &str) -> io::Result<()> {
        write_whole_file(
            path,
            text.as_bytes(),
            FileMode::Private,
            &LinkPolicy::Follow,
        )
    }

    fn left_in(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn an_error_does_not_name_the_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing/file");
        let opened = Output::open(&missing, FileMode::Private, &LinkPolicy::Follow);
        let error = opened.err().expect("there is no such directory");
        assert_eq!(
            error.to_string(),
            io::Error::from_raw_os_error(2).to_string()
        );
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
        let mut output = Output::open(&link, FileMode::Shared, &LinkPolicy::Follow).unwrap();
        output.write_all(b"second").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "first");
        output.commit().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "second");
        assert_eq!(mode(&file), 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // An output that is dropped before its commit leaves no file behind.
        drop(Output::open(&file, FileMode::Private, &LinkPolicy::Follow).unwrap());
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
            std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
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
            open_private(path, options.append(true), &LinkPolicy::Follow)
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
    fn what_is_there_is_not_created_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/file");
        assert!(create_new_file(&path, b"ours").unwrap());
        assert!(!create_new_file(&path, b"again").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "ours");
    }
}
