//! One writer per connection.
//!
//! The trait is small because a cluster-wide lock comes behind it later; on one machine a lock file does,
//! which the system frees when its holder dies.
//!
//! A lock can be lost while it is held: its file is deleted and made anew by another run, a lease runs out
//! behind a sleeping holder. So every taking has a higher epoch, writes ask before they go whether ours is
//! still the one in force, and the journal has it beside every intent.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use crate::files::links::Links;
use crate::files::read::{self, Bounds};
use crate::files::write::open_private;
use crate::model::{AccountKey, Connection};

/// Something that lets one run at a time write to a connection.
pub trait Lock: Send + Sync {
    /// Tries to take the lock for `connection`; it is freed when what is held is dropped.
    fn try_take(&self, connection: &Connection, who: &str) -> io::Result<Taken>;
}

/// What trying came to.
pub enum Taken {
    Held(Box<dyn Held>),
    /// Somebody else has it; the text says who.
    Busy(String),
}

/// A lock that is ours.
pub trait Held: Send + Sync {
    /// Grows with every taking of the lock, so that whoever has a higher one came later: a holder that
    /// was cut off and comes back can be told from the one in office.
    fn epoch(&self) -> u64;

    /// Whether nobody has taken it since; the error says who has, or why that cannot be told. Asked before
    /// every write, so an answer must be cheap.
    fn still_ours(&self) -> Result<(), String>;
}

/// The locks that a run holds, by connection. Without any, nobody else can write there.
#[derive(Default)]
pub struct Locks(BTreeMap<String, Arc<dyn Held>>);

impl Locks {
    pub fn of(&self, connection: &str) -> Option<&dyn Held> {
        self.0.get(connection).map(|held| &**held)
    }
}

/// More than a lock file ever holds.
const MOST_BYTES: u64 = 64 << 10;

/// Lock files in one directory, named by account.
pub struct LockFiles {
    pub dir: PathBuf,
}

impl LockFiles {
    /// Two names for one account are one lock, two customers of one address are two.
    fn path(&self, connection: &Connection) -> PathBuf {
        let AccountKey {
            vendor,
            base_url,
            account,
        } = connection.account_key();
        let text = format!("{vendor}\n{base_url}\n{account}");
        let hash = Sha256::digest(text.as_bytes());
        let name: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(format!("{}-{name}.lock", connection.vendor))
    }
}

impl Lock for LockFiles {
    fn try_take(&self, connection: &Connection, who: &str) -> io::Result<Taken> {
        let path = self.path(connection);
        let mut options = OpenOptions::new();
        options.read(true).write(true).truncate(false);
        let mut file = open_private(&path, &mut options, &Links::Followed)?;
        match file.try_lock() {
            Ok(()) => {
                let mut text = String::new();
                (&mut file).take(MOST_BYTES).read_to_string(&mut text)?;
                let epoch = epoch_in(&text) + 1;
                write(&mut file, epoch, who)?;
                Ok(Taken::Held(Box::new(HeldFile { file, path, epoch })))
            }
            Err(TryLockError::WouldBlock) => Ok(Taken::Busy(holder(&path))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

struct HeldFile {
    file: File,
    /// The name by which the next run would look for it.
    path: PathBuf,
    epoch: u64,
}

impl Held for HeldFile {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn still_ours(&self) -> Result<(), String> {
        // Elsewhere the system keeps a locked file from every other handle, ours too: nothing can be read.
        if cfg!(not(unix)) {
            return Ok(());
        }
        // By its name: our own handle would still show a file that was deleted under us.
        let text = read::text(&self.path, Bounds::file(MOST_BYTES));
        let text = text.map_err(|error| format!("its file cannot be read: {error}"))?;
        match epoch_in(&text) {
            epoch if epoch == self.epoch => Ok(()),
            epoch => Err(format!(
                "{} has it, with epoch {epoch} after our {}",
                holder(&self.path),
                self.epoch
            )),
        }
    }
}

impl Drop for HeldFile {
    fn drop(&mut self) {
        // The file stays, so that nobody holds a lock on a name that is gone, and so does the epoch; the
        // words about us must not.
        let _ = write(&mut self.file, self.epoch, "");
    }
}

/// The first line is the epoch, the rest says who.
fn write(file: &mut File, epoch: u64, who: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("epoch {epoch}\n{who}").as_bytes())
}

/// The epoch that a lock file tells; 0 for one that was never taken.
fn epoch_in(text: &str) -> u64 {
    let first = text.lines().next().unwrap_or_default();
    let number = first.strip_prefix("epoch ");
    number.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

fn holder(path: &Path) -> String {
    match read::text(path, Bounds::file(MOST_BYTES)) {
        Ok(text) => match text.split_once('\n') {
            Some((_, who)) if !who.trim().is_empty() => who.trim().to_string(),
            _ => "another run".into(),
        },
        Err(_) => "another run".into(),
    }
}

/// Waiting for a lock is mentioned once it takes this long: shorter waits are nobody's concern.
const PATIENCE: Duration = Duration::from_millis(400);

/// Takes the locks of all `connections`, in the order of their accounts, so that two runs never wait for each other.
/// Two names of one account are one lock, which one run must not take twice.
///
/// The error is the connection that stayed busy and who holds it. `waiting` is told once about each wait.
pub async fn take_all(
    lock: &dyn Lock,
    connections: &[&Connection],
    who: &str,
    timeout: Duration,
    waiting: &(dyn Fn(&str) + Sync),
) -> io::Result<Result<Locks, String>> {
    let start = Instant::now();
    let mut locks = Locks::default();
    let mut taken: BTreeMap<AccountKey, Arc<dyn Held>> = BTreeMap::new();
    let mut connections = connections.to_vec();
    connections.sort_by_key(|connection| connection.account_key());
    for connection in connections {
        let account = connection.account_key();
        let mut told = false;
        let held = loop {
            if let Some(held) = taken.get(&account) {
                break Arc::clone(held);
            }
            let by = match lock.try_take(connection, who)? {
                Taken::Held(held) => break Arc::from(held),
                Taken::Busy(by) => by,
            };
            if start.elapsed() >= timeout {
                return Ok(Err(format!(
                    "the connection `{}` is locked by {by}",
                    connection.name
                )));
            }
            if !told && start.elapsed() >= PATIENCE {
                told = true;
                waiting(&format!(
                    "waiting for the connection `{}`, locked by {by}",
                    connection.name
                ));
            }
            sleep(Duration::from_millis(50).min(timeout.saturating_sub(start.elapsed()))).await;
        };
        taken.insert(account, Arc::clone(&held));
        locks.0.insert(connection.name.clone(), held);
    }
    Ok(Ok(locks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Auth, SecretRef};
    use crate::provider::testing::connection;

    #[test]
    fn every_taking_has_a_higher_epoch() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .unwrap();
        assert_eq!(epoch_in(""), 0);
        assert_eq!(epoch_in("somebody, process 7"), 0);
        write(&mut file, 7, "me").unwrap();
        assert_eq!(holder(&path), "me");
        drop(HeldFile {
            file,
            path: path.clone(),
            epoch: 7,
        });
        assert_eq!(epoch_in(&std::fs::read_to_string(&path).unwrap()), 7);
        assert_eq!(holder(&path), "another run");
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_that_somebody_else_has_taken_is_not_ours_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let locks = LockFiles {
            dir: dir.path().into(),
        };
        let connection = connection();
        let take = |who: &str| match locks.try_take(&connection, who).unwrap() {
            Taken::Held(held) => held,
            Taken::Busy(by) => panic!("{by}"),
        };
        let first = take("the first");
        assert_eq!(first.still_ours(), Ok(()));
        // What keeps two runs apart is the file, and somebody cleans up.
        let path = locks.path(&connection);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let why = first.still_ours().unwrap_err();
        assert!(why.contains("cannot be read"), "{why}");
        std::fs::write(&path, text).unwrap();
        let second = take("the second");
        assert_eq!(second.epoch(), first.epoch() + 1);
        let why = first.still_ours().unwrap_err();
        assert!(why.contains("the second has it, with epoch 2"), "{why}");
        assert_eq!(second.still_ours(), Ok(()));
    }

    #[test]
    fn two_customers_of_one_address_do_not_keep_each_other_out() {
        let dir = tempfile::tempdir().unwrap();
        let locks = LockFiles {
            dir: dir.path().into(),
        };
        let of = |variable: &str| Connection {
            auth: Auth::Token(SecretRef::Env(variable.into())),
            ..connection()
        };
        let taken = |connection: &Connection| locks.try_take(connection, "me").unwrap();
        let one = taken(&of("ONE"));
        assert!(matches!(one, Taken::Held(_)));
        let renamed = Connection {
            name: "renamed".into(),
            ..of("ONE")
        };
        assert!(matches!(taken(&renamed), Taken::Busy(_)));
        assert!(matches!(taken(&of("TWO")), Taken::Held(_)));
    }

    struct Ours;

    impl Held for Ours {
        fn epoch(&self) -> u64 {
            1
        }

        fn still_ours(&self) -> Result<(), String> {
            Ok(())
        }
    }

    /// A lock that somebody else has for a while, and how often it was taken.
    struct BusyFor {
        start: Instant,
        time: Duration,
        taken: std::sync::atomic::AtomicUsize,
    }

    impl BusyFor {
        fn millis(millis: u64) -> Self {
            Self {
                start: Instant::now(),
                time: Duration::from_millis(millis),
                taken: Default::default(),
            }
        }
    }

    impl Lock for BusyFor {
        fn try_take(&self, _: &Connection, _: &str) -> io::Result<Taken> {
            if self.start.elapsed() < self.time {
                return Ok(Taken::Busy("them".into()));
            }
            self.taken
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(Taken::Held(Box::new(Ours)))
        }
    }

    /// Takes the locks with a second of patience: which are held, or why none is, and what was said meanwhile.
    async fn take(lock: &BusyFor, names: &[&str]) -> (Result<Vec<String>, String>, Vec<String>) {
        let connections: Vec<Connection> = names
            .iter()
            .map(|name| Connection {
                name: (*name).into(),
                ..connection()
            })
            .collect();
        let connections: Vec<&Connection> = connections.iter().collect();
        let told = std::sync::Mutex::new(Vec::new());
        let waiting = |words: &str| told.lock().unwrap().push(words.to_string());
        let second = Duration::from_secs(1);
        let taken = take_all(lock, &connections, "me", second, &waiting).await;
        let held = taken.unwrap().map(|locks| {
            let held = names.iter().filter(|name| locks.of(name).is_some());
            held.map(|name| (*name).to_string()).collect()
        });
        (held, told.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_lock_is_waited_for_and_a_long_wait_is_told_once() {
        let held = Ok(vec!["lac".to_string()]);
        assert_eq!(
            take(&BusyFor::millis(0), &["lac"]).await,
            (held.clone(), vec![])
        );
        assert_eq!(
            take(&BusyFor::millis(300), &["lac"]).await,
            (held.clone(), vec![])
        );
        let told = vec!["waiting for the connection `lac`, locked by them".to_string()];
        assert_eq!(
            take(&BusyFor::millis(900), &["lac"]).await,
            (held, told.clone())
        );
        let lock = BusyFor::millis(60_000);
        let busy = Err("the connection `lac` is locked by them".to_string());
        assert_eq!(take(&lock, &["lac"]).await, (busy, told));
        assert_eq!(lock.start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn two_names_of_one_account_are_one_lock() {
        let lock = BusyFor::millis(0);
        let (held, _) = take(&lock, &["lac", "same"]).await;
        assert_eq!(held, Ok(vec!["lac".into(), "same".into()]));
        assert_eq!(lock.taken.into_inner(), 1);
    }
}
