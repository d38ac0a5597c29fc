//! How a file looks from outside: what tells, without reading it, that it cannot have changed.

use std::path::Path;
use std::time::{Duration, SystemTime};

/// Clocks of file systems are as coarse as this: two writes within it may bear the same time.
const COARSE: Duration = Duration::from_secs(2);

/// Size, times and identity of a file. The time of change cannot be set by programs, so whoever writes a file
/// and puts its time of modification back is found out as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    size: u64,
    modified: SystemTime,
    changed: (i64, i64),
    inode: (u64, u64),
}

impl Stamp {
    /// The stamp of a file. There is none for one that was written just now, since a second write could not be
    /// told from that one, nor where the system does not tell what is needed.
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
        (age > COARSE).then_some(stamp)
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
        assert_eq!(Stamp::of(file.path(), now), None);
        let later = now + COARSE * 2;
        let stamp = Stamp::of(file.path(), later);
        assert!(stamp.is_some());
        assert_eq!(Stamp::of(file.path(), later), stamp);
        std::fs::write(file.path(), "a: 1").unwrap();
        assert_ne!(Stamp::of(file.path(), later + COARSE), stamp);
        // A clock that was set back tells nothing.
        assert_eq!(Stamp::of(file.path(), now - COARSE), None);
    }
}
