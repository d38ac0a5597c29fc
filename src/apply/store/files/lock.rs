//! Lock files in one directory, named by account. The system frees a lock when its holder dies.
//!
//! The file keeps the epoch after the lock is freed, so each taking has a higher one:
//!
//! ```text
//! epoch 7
//! account lac https://lac.example.com acme
//! ann, process 4711          absent while no run holds the lock
//! ```
//!
//! Two runs can hold "the" lock if a person or a cleanup job deletes the file: run A with epoch 7 keeps a lock on a
//! file without a name, and run B makes a new one. Before each call A therefore reads the file by its name. A stops if
//! the file is gone or has another epoch.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::apply::store::{Lease, LeaseLost, LeaseState};
use crate::files::links::LinkPolicy;
use crate::files::read::{self, ReadBounds};
use crate::files::write::open_private;
use crate::model::AccountKey;

/// The most bytes to read of a lock file.
const MAX_LOCK_BYTES: u64 = 64 << 10;

/// Returns the path of the lock file of an account. Two connections to one account share a lock; two customers of one
/// vendor do not.
pub fn lock_path(dir: &Path, account: &AccountKey) -> PathBuf {
    let AccountKey {
        vendor,
        base_url,
        account,
    } = account;
    let text = format!("{vendor}\n{base_url}\n{account}");
    let hash = Sha256::digest(text.as_bytes());
    let name = hex::encode(&hash[..8]);
    dir.join(format!("{vendor}-{name}.lock"))
}

/// The run that has locked a file, as it described itself.
#[derive(Debug, PartialEq, Eq)]
pub struct LockHolder(pub String);

/// Locks a file and raises its epoch. The inner `Err` names the holder that has it locked.
pub fn try_lock(
    path: PathBuf,
    account: &AccountKey,
    holder: &str,
) -> io::Result<Result<FileLease, LockHolder>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).truncate(false);
    let mut file = open_private(&path, &mut options, &LinkPolicy::Follow)?;
    match file.try_lock() {
        Ok(()) => {
            let mut text = String::new();
            (&mut file).take(MAX_LOCK_BYTES).read_to_string(&mut text)?;
            let epoch = parse_epoch(&text) + 1;
            write_lock_file(&mut file, epoch, account, holder)?;
            Ok(Ok(FileLease {
                account: account.clone(),
                file,
                path,
                epoch,
            }))
        }
        Err(TryLockError::WouldBlock) => Ok(Err(LockHolder(read_holder(&path)))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The lease on an account by a lock file that this process has locked.
pub struct FileLease {
    account: AccountKey,
    file: File,
    /// The path at which the next run looks for the file.
    path: PathBuf,
    epoch: u64,
}

impl Lease for FileLease {
    fn account(&self) -> &AccountKey {
        &self.account
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Checks that the file still has our epoch. Such a lease does not expire, but is lost when its file is deleted and
    /// created again by another run.
    fn covers(&self, _: Duration) -> Result<(), LeaseLost> {
        // Windows keeps a locked file from every other handle, ours too: nothing can be read.
        if cfg!(not(unix)) {
            return Ok(());
        }
        // By its path: our own handle would still show a file that was deleted.
        let text = read::read_text(&self.path, ReadBounds::file(MAX_LOCK_BYTES));
        let text = text.map_err(|error| LeaseLost::UnreadableFile {
            reason: error.to_string(),
        })?;
        match parse_epoch(&text) {
            epoch if epoch == self.epoch => Ok(()),
            epoch => Err(LeaseLost::TakenAt {
                holder: read_holder(&self.path),
                epoch,
                ours: self.epoch,
            }),
        }
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        // The file stays with its epoch, so that no run holds a lock on a deleted file. Only the holder's name is
        // removed.
        let _ = write_lock_file(&mut self.file, self.epoch, &self.account, "");
    }
}

/// Writes the epoch into the first line, the account into the second and the holder into the rest.
fn write_lock_file(
    file: &mut File,
    epoch: u64,
    account: &AccountKey,
    holder: &str,
) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("epoch {epoch}\n{ACCOUNT_PREFIX}{account}\n{holder}").as_bytes())
}

/// The prefix of the second line; files of older versions have the holder there.
const ACCOUNT_PREFIX: &str = "account ";

/// Lists the leases that were ever taken in a directory, sorted by account.
pub fn list_leases(dir: &Path) -> io::Result<Vec<LeaseState>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut leases = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let text = read::read_text(&path, ReadBounds::file(MAX_LOCK_BYTES))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy());
        let account = parse_account(&text).map(str::to_string);
        leases.push(LeaseState {
            account: account.unwrap_or_else(|| name.unwrap_or_default().into_owned()),
            epoch: parse_epoch(&text),
            holder: is_locked(&path)?.then(|| read_holder(&path)),
            remaining: None,
        });
    }
    leases.sort_by(|one, other| one.account.cmp(&other.account));
    Ok(leases)
}

/// Reports whether a process has a file locked.
fn is_locked(path: &Path) -> io::Result<bool> {
    match File::open(path)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns the account that a lock file names; `None` for a file of an older version.
fn parse_account(text: &str) -> Option<&str> {
    text.lines().nth(1)?.strip_prefix(ACCOUNT_PREFIX)
}

/// Returns the epoch that a lock file states; 0 for one that was never taken.
fn parse_epoch(text: &str) -> u64 {
    let first = text.lines().next().unwrap_or_default();
    let number = first.strip_prefix("epoch ");
    number.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

/// Returns the holder that a lock file names; "another run" if it names none or cannot be read.
fn read_holder(path: &Path) -> String {
    match read::read_text(path, ReadBounds::file(MAX_LOCK_BYTES)) {
        Ok(text) => {
            let lines = text.lines().skip(1);
            let holder_lines =
                lines.filter(|line| !line.starts_with(ACCOUNT_PREFIX) && !line.trim().is_empty());
            let holder_lines: Vec<&str> = holder_lines.collect();
            match holder_lines.is_empty() {
                true => "another run".into(),
                false => holder_lines.join(" "),
            }
        }
        Err(_) => "another run".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Auth, Connection, SecretRef};
    use crate::provider::testing::connection;

    fn take(dir: &Path, account: &AccountKey, holder: &str) -> Result<FileLease, LockHolder> {
        try_lock(lock_path(dir, account), account, holder).unwrap()
    }

    #[test]
    fn every_taking_has_a_higher_epoch() {
        let dir = tempfile::tempdir().unwrap();
        let account = connection().account_key();
        let path = lock_path(dir.path(), &account);
        assert_eq!(parse_epoch(""), 0);
        assert_eq!(parse_epoch("somebody, process 7"), 0);
        std::fs::write(&path, "epoch 6\n").unwrap();
        let lease = take(dir.path(), &account, "me").unwrap();
        assert_eq!(lease.epoch(), 7);
        assert_eq!(read_holder(&path), "me");
        drop(lease);
        assert_eq!(parse_epoch(&std::fs::read_to_string(&path).unwrap()), 7);
        assert_eq!(read_holder(&path), "another run");
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_that_somebody_else_has_taken_is_not_ours_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let account = connection().account_key();
        let first = take(dir.path(), &account, "the first").unwrap();
        assert_eq!(first.covers(Duration::MAX), Ok(()));
        // The file keeps two runs apart; here a cleanup deletes it.
        let path = lock_path(dir.path(), &account);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let why = first.covers(Duration::ZERO).unwrap_err();
        assert!(matches!(why, LeaseLost::UnreadableFile { .. }), "{why}");
        std::fs::write(&path, text).unwrap();
        let second = take(dir.path(), &account, "the second").unwrap();
        assert_eq!(second.epoch(), first.epoch() + 1);
        let why = first.covers(Duration::ZERO).unwrap_err();
        let words = "the second has it, with epoch 2 after our 1";
        assert_eq!(why.to_string(), words);
        assert_eq!(second.covers(Duration::ZERO), Ok(()));
    }

    #[test]
    fn two_customers_of_one_address_do_not_keep_each_other_out() {
        let dir = tempfile::tempdir().unwrap();
        let of = |variable: &str| Connection {
            auth: Auth::Token(SecretRef::Env(variable.into())),
            ..connection()
        };
        let taken = |connection: &Connection| take(dir.path(), &connection.account_key(), "me");
        let one = taken(&of("ONE"));
        assert!(one.is_ok());
        let renamed = Connection {
            name: "renamed".into(),
            ..of("ONE")
        };
        assert!(taken(&renamed).is_err());
        assert!(taken(&of("TWO")).is_ok());
    }
}
