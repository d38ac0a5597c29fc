//! Stamps of files: what tells, without reading a file, that it cannot have changed.

use std::path::Path;
use std::time::{Duration, SystemTime};

/// Longest step of a file system's clock: two writes within it may leave the same times.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// Size, times and identity of a file. Programs cannot set the time of change, so a file that was written and given its
/// old time of modification back has another stamp all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    size: u64,
    modified: SystemTime,
    changed: (i64, i64),
    inode: (u64, u64),
}

impl FileStamp {
    /// Takes the stamp of a file. `None` for one that was written less than two seconds before `now`, since a second
    /// write could leave the same stamp, and on systems that do not tell what is needed.
    #[cfg(unix)]
    pub fn of(path: &Path, now: SystemTime) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(path).ok()?;
        let changed = (meta.ctime(), meta.ctime_nsec());
        let stamp = Self {
            size: meta.len(),
            modified: meta.modified().ok()?,
            changed,
            inode: (meta.dev(), meta.ino()),
        };
        let since = u64::try_from(changed.0).ok().map(Duration::from_secs)?;
        let latest = stamp
            .modified
            .max(SystemTime::UNIX_EPOCH.checked_add(since)?);
        let age = now.duration_since(latest).ok()?;
        (age > CLOCK_STEP).then_some(stamp)
    }

    #[cfg(not(unix))]
    pub fn of(_: &Path, _: SystemTime) -> Option<Self> {
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_just_now_has_no_stamp() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let now = SystemTime::now();
        assert_eq!(FileStamp::of(file.path(), now), None);
        let later = now + CLOCK_STEP * 2;
        let stamp = FileStamp::of(file.path(), later);
        assert!(stamp.is_some());
        assert_eq!(FileStamp::of(file.path(), later), stamp);
        std::fs::write(file.path(), "a: 1").unwrap();
        assert_ne!(FileStamp::of(file.path(), later + CLOCK_STEP), stamp);
        // A clock that was set back tells nothing.
        assert_eq!(FileStamp::of(file.path(), now - CLOCK_STEP), None);
    }
}
