//! A directory: events are hints that something was saved; what was saved is read and hashed elsewhere.
//!
//! Directories are watched, not files: editors and `git checkout` replace files by renaming others over
//! them, and a mounted configuration volume swaps one symbolic link for all of them. A watch on the old
//! file would stay with the old file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, EventKind};
use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use notify_debouncer_full::{DebounceEventResult, Debouncer, NoCache, new_debouncer_opt};
use tokio::sync::mpsc;

use crate::daemon::trigger::Trigger;

/// Saved files are gathered this long; every save of a burst is one hint at the latest then.
const GATHER: Duration = Duration::from_millis(50);

/// A watch that lasts as long as this does.
pub enum Watch {
    Events(Debouncer<RecommendedWatcher, NoCache>),
    Polled(Debouncer<PollWatcher, NoCache>),
}

/// Watches the directories of `paths`. `poll` compares contents in that interval instead of asking the
/// system for events, which network file systems do not have.
pub fn watch(
    paths: &[PathBuf],
    poll: Option<Duration>,
    hints: mpsc::Sender<Trigger>,
) -> Result<Watch, String> {
    let watch = match poll {
        Some(interval) => {
            let config = Config::default()
                .with_poll_interval(interval)
                .with_compare_contents(true);
            Watch::Polled(debouncer(paths, config, hints)?)
        }
        None => Watch::Events(debouncer(paths, Config::default(), hints)?),
    };
    Ok(watch)
}

fn debouncer<W: Watcher>(
    paths: &[PathBuf],
    config: Config,
    hints: mpsc::Sender<Trigger>,
) -> Result<Debouncer<W, NoCache>, String> {
    let tell = move |events: DebounceEventResult| {
        if is_hint(&events) {
            // A full channel holds hints already, and one is as good as many.
            let _ = hints.try_send(Trigger::Source);
        }
    };
    let mut debouncer = new_debouncer_opt::<_, W, NoCache>(GATHER, None, tell, NoCache, config)
        .map_err(|error| format!("cannot watch files: {error}"))?;
    for (directory, how) in directories(paths) {
        debouncer.watch(&directory, how).map_err(|error| {
            let directory = directory.display();
            format!("cannot watch {directory}: {error}. On a network file system use --poll")
        })?;
    }
    Ok(debouncer)
}

/// Whether something may have changed. Reading a file is no change, and an error may hide one: the
/// system's queue may have run over, or a watch may be lost.
fn is_hint(events: &DebounceEventResult) -> bool {
    match events {
        Ok(events) => events.iter().any(|event| {
            event.need_rescan()
                || match event.kind {
                    EventKind::Access(AccessKind::Close(notify::event::AccessMode::Write)) => true,
                    EventKind::Access(_) => false,
                    EventKind::Any
                    | EventKind::Create(_)
                    | EventKind::Modify(_)
                    | EventKind::Remove(_)
                    | EventKind::Other => true,
                }
        }),
        Err(errors) => {
            for error in errors {
                tracing::warn!(%error, "watching files: everything is read again");
            }
            true
        }
    }
}

/// What to watch, and how deep. Of a file it is the directory that it is in, since the file itself may be
/// replaced, and nothing below that.
fn directories(paths: &[PathBuf]) -> BTreeMap<PathBuf, RecursiveMode> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here[..] } else { paths };
    let mut directories = BTreeMap::new();
    for path in paths {
        if path.is_dir() {
            directories.insert(path.clone(), RecursiveMode::Recursive);
            continue;
        }
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new(".")).to_path_buf();
        directories
            .entry(parent)
            .or_insert(RecursiveMode::NonRecursive);
    }
    directories
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessMode, CreateKind, Event, Flag};
    use notify_debouncer_full::DebouncedEvent;

    fn hints(event: Event) -> bool {
        is_hint(&Ok(vec![DebouncedEvent::new(
            event,
            std::time::Instant::now(),
        )]))
    }

    #[test]
    fn reading_is_no_change_and_what_was_lost_may_be_one() {
        assert!(!hints(Event::new(EventKind::Access(AccessKind::Read))));
        let opened = AccessKind::Open(AccessMode::Any);
        assert!(!hints(Event::new(EventKind::Access(opened))));
        let written = AccessKind::Close(AccessMode::Write);
        assert!(hints(Event::new(EventKind::Access(written))));
        assert!(hints(Event::new(EventKind::Create(CreateKind::File))));
        // The system's queue ran over, or a watch was lost: anything may have changed.
        let read = EventKind::Access(AccessKind::Read);
        assert!(hints(Event::new(read).set_flag(Flag::Rescan)));
        assert!(is_hint(&Err(vec![notify::Error::generic("gone")])));
    }

    #[test]
    fn of_a_file_its_directory_is_watched() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a.yaml");
        std::fs::write(&file, "").expect("written");
        let watched = directories(&[file]);
        assert_eq!(
            watched,
            [(dir.path().to_path_buf(), RecursiveMode::NonRecursive)].into()
        );
        // What is to come, and what is meant when nothing is named, is watched as well.
        let coming = directories(&[PathBuf::from("coming.yaml")]);
        assert_eq!(coming.keys().collect::<Vec<_>>(), [Path::new(".")]);
        assert_eq!(directories(&[])[Path::new(".")], RecursiveMode::Recursive);
    }
}
