//! Lock files in one directory, named by account. The system frees a lock when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::apply::store::{Lease, LeaseLost, LeaseState};
use crate::files::links::Links;
use crate::files::read::{self, Bounds};
use crate::files::write::open_private;
use crate::model::AccountKey;

/// More than a lock file ever holds.
const MOST_BYTES: u64 = 64 << 10;

/// Returns the lock file of an account. Two names for one account are one lock, two customers of one address are two.
pub fn path(dir: &Path, account: &AccountKey) -> PathBuf {
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

/// Whoever has locked a file, in their own words.
#[derive(Debug, PartialEq, Eq)]
pub struct Holder(pub String);

/// Locks a file and raises its epoch. The inner `Err` is who has it.
pub fn try_lock(
    path: PathBuf,
    account: &AccountKey,
    holder: &str,
) -> io::Result<Result<LockedFile, Holder>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).truncate(false);
    let mut file = open_private(&path, &mut options, &Links::Followed)?;
    match file.try_lock() {
        Ok(()) => {
            let mut text = String::new();
            (&mut file).take(MOST_BYTES).read_to_string(&mut text)?;
            let epoch = epoch_in(&text) + 1;
            write(&mut file, epoch, account, holder)?;
            Ok(Ok(LockedFile {
                account: account.clone(),
                file,
                path,
                epoch,
            }))
        }
        Err(TryLockError::WouldBlock) => Ok(Err(Holder(holder_in(&path)))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A lock file that this process has locked.
pub struct LockedFile {
    account: AccountKey,
    file: File,
    /// The name by which the next run would look for it.
    path: PathBuf,
    epoch: u64,
}

impl Lease for LockedFile {
    fn account(&self) -> &AccountKey {
        &self.account
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Such a lease has no end but can be lost: its file is deleted and made anew by another run.
    fn covers(&self, _: Duration) -> Result<(), LeaseLost> {
        // Elsewhere the system keeps a locked file from every other handle, ours too: nothing can be read.
        if cfg!(not(unix)) {
            return Ok(());
        }
        // By its name: our own handle would still show a file that was deleted under us.
        let text = read::text(&self.path, Bounds::file(MOST_BYTES));
        let text = text.map_err(|error| LeaseLost::UnreadableFile {
            reason: error.to_string(),
        })?;
        match epoch_in(&text) {
            epoch if epoch == self.epoch => Ok(()),
            epoch => Err(LeaseLost::TakenAt {
                holder: holder_in(&self.path),
                epoch,
                ours: self.epoch,
            }),
        }
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // The file stays, so that nobody holds a lock on a name that is gone, and so does the epoch; the
        // words about us must not.
        let _ = write(&mut self.file, self.epoch, &self.account, "");
    }
}

/// Writes the epoch into the first line, the account into the second and the holder into the rest.
fn write(file: &mut File, epoch: u64, account: &AccountKey, holder: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("epoch {epoch}\n{ACCOUNT}{account}\n{holder}").as_bytes())
}

/// What the second line begins with; older files have the holder there.
const ACCOUNT: &str = "account ";

/// Lists the leases that were ever taken in a directory.
pub fn list(dir: &Path) -> io::Result<Vec<LeaseState>> {
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
        let text = read::text(&path, Bounds::file(MOST_BYTES))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy());
        let account = account_in(&text).map(str::to_string);
        leases.push(LeaseState {
            account: account.unwrap_or_else(|| name.unwrap_or_default().into_owned()),
            epoch: epoch_in(&text),
            holder: is_locked(&path)?.then(|| holder_in(&path)),
            left: None,
        });
    }
    leases.sort_by(|one, other| one.account.cmp(&other.account));
    Ok(leases)
}

fn is_locked(path: &Path) -> io::Result<bool> {
    match File::open(path)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn account_in(text: &str) -> Option<&str> {
    text.lines().nth(1)?.strip_prefix(ACCOUNT)
}

/// Returns the epoch that a lock file states; 0 for one that was never taken.
fn epoch_in(text: &str) -> u64 {
    let first = text.lines().next().unwrap_or_default();
    let number = first.strip_prefix("epoch ");
    number.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

fn holder_in(path: &Path) -> String {
    match read::text(path, Bounds::file(MOST_BYTES)) {
        Ok(text) => {
            let lines = text.lines().skip(1);
            let who = lines.filter(|line| !line.starts_with(ACCOUNT) && !line.trim().is_empty());
            let who: Vec<&str> = who.collect();
            match who.is_empty() {
                true => "another run".into(),
                false => who.join(" "),
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

    fn take(dir: &Path, account: &AccountKey, holder: &str) -> Result<LockedFile, Holder> {
        try_lock(path(dir, account), account, holder).unwrap()
    }

    #[test]
    fn every_taking_has_a_higher_epoch() {
        let dir = tempfile::tempdir().unwrap();
        let account = connection().account_key();
        let path = path(dir.path(), &account);
        assert_eq!(epoch_in(""), 0);
        assert_eq!(epoch_in("somebody, process 7"), 0);
        std::fs::write(&path, "epoch 6\n").unwrap();
        let held = take(dir.path(), &account, "me").unwrap();
        assert_eq!(held.epoch(), 7);
        assert_eq!(holder_in(&path), "me");
        drop(held);
        assert_eq!(epoch_in(&std::fs::read_to_string(&path).unwrap()), 7);
        assert_eq!(holder_in(&path), "another run");
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_that_somebody_else_has_taken_is_not_ours_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let account = connection().account_key();
        let first = take(dir.path(), &account, "the first").unwrap();
        assert_eq!(first.covers(Duration::MAX), Ok(()));
        // What keeps two runs apart is the file, and somebody cleans up.
        let path = path(dir.path(), &account);
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
