//! A directory: the events of the system are hints that something was saved, which is then read and hashed elsewhere.
//!
//! Directories are watched and not files. Editors and `git checkout` replace a file by renaming another over it, and
//! a mounted configuration volume swaps one symbolic link for all files; a watch on the old file would stay with the
//! old file. `watch_points` decides which directories to watch, and `follower` keeps the watches on them. This file
//! has the system's events and the thread that waits for them.
//!
//! # Example: a burst is one hint
//!
//! `git checkout` writes 300 files in 20 ms. The first event starts a wait of 50 ms (`GATHER`), in which the other
//! 299 are taken in; then one [`Trigger::Source`] is sent. The loop reads the source 50 ms later, and only objects
//! whose manifest asks for something else are woken.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind};
use notify::{Config, ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::follower::{DirectoryWatches, FileEvent, Follower, OpenWatcher, WatchRefusal};
use super::watch_points::FileChange;
use crate::daemon::trigger::Trigger;
use crate::manifest::walk::Disk;

/// How long events are gathered before the hint is sent.
const GATHER: Duration = Duration::from_millis(50);

/// The time between two checks of where the named paths lead. A check looks at a few names only, however many files
/// there are.
const CHECK: Duration = Duration::from_secs(1);

/// The number of checks between two polls of the directories without a watch.
const POLL: u32 = 2;

/// The largest number of waiting events. If more arrive, everything is read again.
const EVENTS: usize = 4_096;

/// Follows a source until it is dropped.
pub struct FollowerHandle {
    stop: Arc<AtomicBool>,
}

impl Drop for FollowerHandle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The error if the thread that follows a source could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot follow the source")]
pub struct FollowError(#[source] std::io::Error);

/// Follows named files and directories. Sends [`Trigger::Source`] when they may have changed, and
/// [`Trigger::FollowProblem`] when they can no longer be followed, or can again. The watches are set when this
/// returns.
///
/// With `poll`, files are compared every few seconds instead of asking the system for events, which network file
/// systems do not have.
pub fn follow_paths(
    paths: &[PathBuf],
    poll: bool,
    hints: mpsc::Sender<Trigger>,
) -> Result<FollowerHandle, FollowError> {
    let (events, received) = sync_channel(EVENTS);
    let overflowed: Arc<AtomicBool> = Arc::default();
    let open = (!poll).then(|| watcher_factory(events.clone(), Arc::clone(&overflowed)));
    let follower = Follower::new(paths, Box::new(Disk), open);
    let stop: Arc<AtomicBool> = Arc::default();
    let thread = FollowerThread {
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
    Ok(FollowerHandle { stop })
}

impl DirectoryWatches for RecommendedWatcher {
    fn watch(&mut self, directory: &Path) -> Result<(), WatchRefusal> {
        let refusal = |error: notify::Error| match error.kind {
            ErrorKind::MaxFilesWatch => WatchRefusal::Watches,
            ErrorKind::Io(error) => {
                WatchRefusal::Other(format!("{}: {error}", directory.display()))
            }
            kind => WatchRefusal::Other(
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

/// Returns a function that opens watchers. They send what the system reports into `events`, and set `overflowed` if
/// there is no room.
fn watcher_factory(
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
            ErrorKind::Io(error) if is_too_many_files(&error) => WatchRefusal::Instances,
            _ => WatchRefusal::Other(error.to_string()),
        })
    })
}

/// Reports whether an error means that a process or a user has reached its limit of descriptors. Linux returns it for
/// the first watcher beyond `fs.inotify.max_user_instances`.
fn is_too_many_files(error: &std::io::Error) -> bool {
    const EMFILE: i32 = 24;
    error.raw_os_error() == Some(EMFILE)
}

/// Translates an event of the system. Reading a file is no change. An error may hide one: the system's queue may have
/// overflowed, or a watch may be lost.
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
        | EventKind::Modify(ModifyKind::Data(_)) => (FileChange::Written, false),
        EventKind::Access(_) => return Vec::new(),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => (FileChange::Moved, true),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
            (FileChange::Moved, false)
        }
    };
    let events = event.paths.into_iter().map(|path| FileEvent {
        path: Some(path),
        change,
        lost,
    });
    events.collect()
}

/// The thread that waits for events and checks every second.
struct FollowerThread {
    follower: Follower<RecommendedWatcher>,
    received: Receiver<FileEvent>,
    /// Keeps the channel open where there is no watcher.
    _sender: SyncSender<FileEvent>,
    overflowed: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    hints: mpsc::Sender<Trigger>,
    /// The content of the last [`Trigger::FollowProblem`] that was sent.
    reported: Option<String>,
    checks: u32,
}

impl FollowerThread {
    fn run(mut self) {
        let mut next_check = Instant::now() + CHECK;
        while self.report_problem() && !self.stop.load(Ordering::Relaxed) {
            let wait = next_check.saturating_duration_since(Instant::now());
            // The check is not delayed, however many events arrive.
            let event = match wait.is_zero() {
                true => None,
                false => self.received.recv_timeout(wait).ok(),
            };
            if let Some(event) = event {
                self.process_burst(event);
                continue;
            }
            self.checks = self.checks.wrapping_add(1);
            if self.follower.check(self.checks.is_multiple_of(POLL)) {
                self.send_hint();
            }
            next_check = Instant::now() + CHECK;
        }
    }

    /// Gathers the events of a burst, then sends one hint and renews the watches.
    fn process_burst(&mut self, first: FileEvent) {
        let (mut read, mut moved) = self.follower.process_events(&[first]);
        if read {
            let end = Instant::now() + GATHER;
            while let Ok(event) = self
                .received
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                moved |= self.follower.process_events(&[event]).1;
            }
        }
        if self.overflowed.swap(false, Ordering::Relaxed) {
            self.follower.process_events(&[FileEvent::ANYTHING]);
            (read, moved) = (true, true);
        }
        if read {
            self.send_hint();
        }
        // A new watch does not report what happened before it was set.
        if moved && self.follower.refresh() {
            self.send_hint();
        }
    }

    /// Sends [`Trigger::Source`].
    fn send_hint(&self) {
        // A full channel contains hints already, and one is as good as many.
        let _ = self.hints.try_send(Trigger::Source);
    }

    /// Sends [`Trigger::FollowProblem`] if the problem changed. Returns whether the loop still listens.
    fn report_problem(&mut self) -> bool {
        let broken = self.follower.problem();
        if broken == self.reported {
            return !self.hints.is_closed();
        }
        self.reported.clone_from(&broken);
        self.hints
            .blocking_send(Trigger::FollowProblem(broken))
            .is_ok()
    }
}

impl Drop for FollowerThread {
    fn drop(&mut self) {
        if !self.stop.load(Ordering::Relaxed) {
            let why = "the thread that follows it broke off: start again".to_string();
            let _ = self.hints.blocking_send(Trigger::FollowProblem(Some(why)));
        }
    }
}

#[cfg(test)]
mod tests;
