//! A directory: events are hints that something was saved; what was saved is read and hashed elsewhere.
//!
//! Directories are watched, not files: editors and `git checkout` replace files by renaming others over
//! them, and a mounted configuration volume swaps one symbolic link for all of them. A watch on the old
//! file would stay with the old file. Which directories is said by [`super::points`]; that the watches stay with
//! them, by [`super::follow`]. Here are the system's events, and the thread that waits for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind};
use notify::{Config, ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::follow::{Follower, Note, Open, Refusal, Watches};
use super::points::Change;
use crate::daemon::trigger::Trigger;
use crate::manifest::walk::Disk;

/// Saved files are gathered this long; every save of a burst is one hint at the latest then.
const GATHER: Duration = Duration::from_millis(50);

/// How often the ways to the source are looked at. A few looks at names, however many files there are.
const LOOK: Duration = Duration::from_secs(1);

/// How many looks go by between two comparisons of what gives no events.
const POLL: u32 = 2;

/// Notes that wait at most: more would say nothing more.
const NOTES: usize = 4_096;

/// Follows a source as long as this lasts.
pub struct Following {
    stop: Arc<AtomicBool>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Follows named files and directories: sends [`Trigger::Source`] when they may have changed and
/// [`Trigger::Following`] when they can no longer be followed, or again. Watches are set when this returns. With
/// `poll` files are compared every few seconds instead of asking the system for events, which network file
/// systems do not have.
pub fn follow(
    paths: &[PathBuf],
    poll: bool,
    hints: mpsc::Sender<Trigger>,
) -> Result<Following, String> {
    let (notes, told) = sync_channel(NOTES);
    let missed: Arc<AtomicBool> = Arc::default();
    let open = (!poll).then(|| watcher(notes.clone(), Arc::clone(&missed)));
    let follower = Follower::new(paths, Box::new(Disk), open);
    let stop: Arc<AtomicBool> = Arc::default();
    let thread = Thread {
        follower,
        told,
        _notes: notes,
        missed,
        stop: Arc::clone(&stop),
        hints,
        broken: None,
        looks: 0,
    };
    std::thread::Builder::new()
        .name("following".into())
        .spawn(move || thread.run())
        .map_err(|error| format!("cannot follow the source: {error}"))?;
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

/// Makes watchers that put what they are told into `notes`, and set `missed` where there is no room.
fn watcher(notes: SyncSender<Note>, missed: Arc<AtomicBool>) -> Open<RecommendedWatcher> {
    Box::new(move || {
        let (notes, missed) = (notes.clone(), Arc::clone(&missed));
        let tell = move |event: notify::Result<Event>| {
            for note in notes_of(event) {
                if notes.try_send(note).is_err() {
                    missed.store(true, Ordering::Relaxed);
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
fn notes_of(event: notify::Result<Event>) -> Vec<Note> {
    let event = match event {
        Ok(event) if event.need_rescan() => return vec![Note::ANYTHING],
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(%error, "watching files: everything is read again");
            return vec![Note::ANYTHING];
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
    let notes = event.paths.into_iter().map(|path| Note {
        path: Some(path),
        change,
        lost,
    });
    notes.collect()
}

/// Waits for events, and looks every second.
struct Thread {
    follower: Follower<RecommendedWatcher>,
    told: Receiver<Note>,
    /// Keeps the channel open where there is no watcher.
    _notes: SyncSender<Note>,
    missed: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    hints: mpsc::Sender<Trigger>,
    /// What was said of it last.
    broken: Option<String>,
    looks: u32,
}

impl Thread {
    fn run(mut self) {
        let mut look = Instant::now() + LOOK;
        while self.say() && !self.stop.load(Ordering::Relaxed) {
            let wait = look.saturating_duration_since(Instant::now());
            // However many events there are, the look is not put off.
            let note = match wait.is_zero() {
                true => None,
                false => self.told.recv_timeout(wait).ok(),
            };
            if let Some(note) = note {
                self.events(note);
                continue;
            }
            self.looks = self.looks.wrapping_add(1);
            if self.follower.look(self.looks.is_multiple_of(POLL)) {
                self.hint();
            }
            look = Instant::now() + LOOK;
        }
    }

    fn events(&mut self, first: Note) {
        let (mut read, mut moved) = self.follower.take(&[first]);
        if read {
            let end = Instant::now() + GATHER;
            while let Ok(note) = self
                .told
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                moved |= self.follower.take(&[note]).1;
            }
        }
        if self.missed.swap(false, Ordering::Relaxed) {
            self.follower.take(&[Note::ANYTHING]);
            (read, moved) = (true, true);
        }
        if read {
            self.hint();
        }
        // A new watch hears nothing of what happened before it.
        if moved && self.follower.renew() {
            self.hint();
        }
    }

    fn hint(&self) {
        // A full channel holds hints already, and one is as good as many.
        let _ = self.hints.try_send(Trigger::Source);
    }

    /// Says whether the source is followed, when that is another answer than before. Returns whether anybody listens.
    fn say(&mut self) -> bool {
        let broken = self.follower.broken();
        if broken == self.broken {
            return !self.hints.is_closed();
        }
        self.broken.clone_from(&broken);
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
