//! A directory: events are hints that something was saved; what was saved is read and hashed elsewhere.
//!
//! Directories are watched, not files: editors and `git checkout` replace files by renaming others over
//! them, and a mounted configuration volume swaps one symbolic link for all of them. A watch on the old
//! file would stay with the old file. Which directories is said by `points`; that the watches stay with
//! them, by `follow`. Here are the system's events, and the thread that waits for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind};
use notify::{Config, ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::follow::{FileEvent, Follower, OpenWatcher, Refusal, Watches};
use super::points::Change;
use crate::daemon::trigger::Trigger;
use crate::manifest::walk::Disk;

/// Saved files are gathered this long; every save of a burst is one hint at the latest then.
const GATHER: Duration = Duration::from_millis(50);

/// How often the ways to the source are looked at. A few checks at names, however many files there are.
const CHECK: Duration = Duration::from_secs(1);

/// How many checks go by between two comparisons of what gives no events.
const POLL: u32 = 2;

/// Notes that wait at most: more would say nothing more.
const EVENTS: usize = 4_096;

/// Follows a source as long as this lasts.
pub struct Following {
    stop: Arc<AtomicBool>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The thread that follows a source could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot follow the source")]
pub struct FollowError(#[source] std::io::Error);

/// Follows named files and directories: sends [`Trigger::Source`] when they may have changed and
/// [`Trigger::Following`] when they can no longer be followed, or again. Watches are set when this returns. With
/// `poll` files are compared every few seconds instead of asking the system for events, which network file
/// systems do not have.
pub fn follow(
    paths: &[PathBuf],
    poll: bool,
    hints: mpsc::Sender<Trigger>,
) -> Result<Following, FollowError> {
    let (events, received) = sync_channel(EVENTS);
    let overflowed: Arc<AtomicBool> = Arc::default();
    let open = (!poll).then(|| watcher(events.clone(), Arc::clone(&overflowed)));
    let follower = Follower::new(paths, Box::new(Disk), open);
    let stop: Arc<AtomicBool> = Arc::default();
    let thread = Thread {
        follower,
        received,
        _sender: events,
        overflowed,
        stop: Arc::clone(&stop),
        hints,
        reported: None,
        checks: 0,
    };
    std::thread::Builder::new()
        .name("following".into())
        .spawn(move || thread.run())
        .map_err(FollowError)?;
    Ok(Following { stop })
}

impl Watches for RecommendedWatcher {
    fn watch(&mut self, directory: &Path) -> Result<(), Refusal> {
        let refusal = |error: notify::Error| match error.kind {
            ErrorKind::MaxFilesWatch => Refusal::Watches,
            ErrorKind::Io(error) => Refusal::Other(format!("{}: {error}", directory.display())),
            kind => Refusal::Other(
                notify::Error::new(kind)
                    .add_path(directory.into())
                    .to_string(),
            ),
        };
        Watcher::watch(self, directory, RecursiveMode::NonRecursive).map_err(refusal)
    }

    fn unwatch(&mut self, directory: &Path) {
        // The system may have dropped it already.
        let _ = Watcher::unwatch(self, directory);
    }
}

/// Makes watchers that send what the system reports into `events`, and set `overflowed` when there is no room.
fn watcher(
    events: SyncSender<FileEvent>,
    overflowed: Arc<AtomicBool>,
) -> OpenWatcher<RecommendedWatcher> {
    Box::new(move || {
        let (events, overflowed) = (events.clone(), Arc::clone(&overflowed));
        let tell = move |event: notify::Result<Event>| {
            for event in file_events(event) {
                if events.try_send(event).is_err() {
                    overflowed.store(true, Ordering::Relaxed);
                }
            }
        };
        RecommendedWatcher::new(tell, Config::default()).map_err(|error| match error.kind {
            ErrorKind::Io(error) if is_too_many_files(&error) => Refusal::Instances,
            _ => Refusal::Other(error.to_string()),
        })
    })
}

/// Whether a process, or a user, has all the descriptors that it may have. Linux answers so to the first watcher
/// beyond `fs.inotify.max_user_instances`.
fn is_too_many_files(error: &std::io::Error) -> bool {
    const EMFILE: i32 = 24;
    error.raw_os_error() == Some(EMFILE)
}

/// What an event says. Reading a file is no change, and an error may hide one: the system's queue may have run over,
/// or a watch may be lost.
fn file_events(event: notify::Result<Event>) -> Vec<FileEvent> {
    let event = match event {
        Ok(event) if event.need_rescan() => return vec![FileEvent::ANYTHING],
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(%error, "watching files: everything is read again");
            return vec![FileEvent::ANYTHING];
        }
    };
    let (change, lost) = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Data(_)) => (Change::Written, false),
        EventKind::Access(_) => return Vec::new(),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => (Change::Moved, true),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
            (Change::Moved, false)
        }
    };
    let events = event.paths.into_iter().map(|path| FileEvent {
        path: Some(path),
        change,
        lost,
    });
    events.collect()
}

/// Waits for events, and checks every second.
struct Thread {
    follower: Follower<RecommendedWatcher>,
    received: Receiver<FileEvent>,
    /// Keeps the channel open where there is no watcher.
    _sender: SyncSender<FileEvent>,
    overflowed: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    hints: mpsc::Sender<Trigger>,
    /// What [`Trigger::Following`] was last sent with.
    reported: Option<String>,
    checks: u32,
}

impl Thread {
    fn run(mut self) {
        let mut next_check = Instant::now() + CHECK;
        while self.report_broken() && !self.stop.load(Ordering::Relaxed) {
            let wait = next_check.saturating_duration_since(Instant::now());
            // However many events there are, the check is not put off.
            let event = match wait.is_zero() {
                true => None,
                false => self.received.recv_timeout(wait).ok(),
            };
            if let Some(event) = event {
                self.process(event);
                continue;
            }
            self.checks = self.checks.wrapping_add(1);
            if self.follower.check(self.checks.is_multiple_of(POLL)) {
                self.hint();
            }
            next_check = Instant::now() + CHECK;
        }
    }

    fn process(&mut self, first: FileEvent) {
        let (mut read, mut moved) = self.follower.process(&[first]);
        if read {
            let end = Instant::now() + GATHER;
            while let Ok(event) = self
                .received
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                moved |= self.follower.process(&[event]).1;
            }
        }
        if self.overflowed.swap(false, Ordering::Relaxed) {
            self.follower.process(&[FileEvent::ANYTHING]);
            (read, moved) = (true, true);
        }
        if read {
            self.hint();
        }
        // A new watch hears nothing of what happened before it.
        if moved && self.follower.refresh() {
            self.hint();
        }
    }

    fn hint(&self) {
        // A full channel holds hints already, and one is as good as many.
        let _ = self.hints.try_send(Trigger::Source);
    }

    /// Sends [`Trigger::Following`] when the answer is another one than before. Returns whether anybody listens.
    fn report_broken(&mut self) -> bool {
        let broken = self.follower.broken();
        if broken == self.reported {
            return !self.hints.is_closed();
        }
        self.reported.clone_from(&broken);
        self.hints.blocking_send(Trigger::Following(broken)).is_ok()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if !self.stop.load(Ordering::Relaxed) {
            let why = "the thread that follows it broke off: start again".to_string();
            let _ = self.hints.blocking_send(Trigger::Following(Some(why)));
        }
    }
}

#[cfg(test)]
mod tests;
