//! One writer per connection.
//!
//! The trait is small because a cluster-wide lock comes behind it later; on one machine a lock file does,
//! which the system frees when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use crate::model::Connection;

/// Something that lets one run at a time write to a connection.
pub trait Lock: Send + Sync {
    /// Tries to take the lock for `connection`; the guard frees it when it is dropped.
    fn try_take(&self, connection: &Connection, who: &str) -> io::Result<Taken>;
}

/// What trying came to.
pub enum Taken {
    Held(Box<dyn Send>),
    /// Somebody else has it; the text says who.
    Busy(String),
}

/// Lock files in one directory, named by where connections lead.
pub struct LockFiles {
    pub dir: PathBuf,
}

impl LockFiles {
    /// Two names for one account are one lock.
    fn path(&self, connection: &Connection) -> PathBuf {
        let place = format!("{} {}", connection.vendor, connection.base_url);
        let hash = Sha256::digest(place.as_bytes());
        let name: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(format!("{}-{name}.lock", connection.vendor))
    }
}

impl Lock for LockFiles {
    fn try_take(&self, connection: &Connection, who: &str) -> io::Result<Taken> {
        std::fs::create_dir_all(&self.dir)?;
        let path = self.path(connection);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(who.as_bytes())?;
                Ok(Taken::Held(Box::new(HeldFile(file))))
            }
            Err(TryLockError::WouldBlock) => Ok(Taken::Busy(holder(&path))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

struct HeldFile(File);

impl Drop for HeldFile {
    fn drop(&mut self) {
        // The file stays, so that nobody holds a lock on a name that is gone; its words must not.
        let _ = self.0.set_len(0);
    }
}

fn holder(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_string(),
        _ => "another run".into(),
    }
}

/// Waiting for a lock is mentioned once it takes this long: shorter waits are nobody's concern.
const PATIENCE: Duration = Duration::from_millis(400);

/// Takes the locks of all `connections`, in their order, so that two runs never wait for each other.
///
/// The error is the connection that stayed busy and who holds it. `waiting` is told once about each wait.
pub async fn take_all(
    lock: &dyn Lock,
    connections: &[&Connection],
    who: &str,
    timeout: Duration,
    waiting: &(dyn Fn(&str) + Sync),
) -> io::Result<Result<Vec<Box<dyn Send>>, String>> {
    let start = Instant::now();
    let mut held = Vec::new();
    for connection in connections {
        let mut told = false;
        loop {
            let by = match lock.try_take(connection, who)? {
                Taken::Held(guard) => {
                    held.push(guard);
                    break;
                }
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
        }
    }
    Ok(Ok(held))
}
