//! Keeps watches where the source is: sets them, renews them, and polls where there can be none.
//!
//! A watch can be refused or lost, and neither may mean that a change is never seen. So every directory to watch (see
//! [`super::watch_points`]) is either *watched* or *polled*: the stamps of the names that count in it are compared
//! every few seconds.
//!
//! The thread that drives a [`Follower`] passes it what the system reports ([`Follower::process_events`]) and calls
//! [`Follower::check`] about once a second. Both return whether to read the source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::filesystem::{DirectoryId, FileSystem, PathEntry};
use super::watch_points::{FileChange, GITIGNORE, WatchPoints};
use crate::manifest::ReadLimits;

/// The longest time for the search for directories to watch: links may lead to a whole disk.
const LONGEST: Duration = Duration::from_secs(10);

/// Sets watches on single directories, without the directories below them.
pub trait DirectoryWatches {
    fn watch(&mut self, directory: &Path) -> Result<(), WatchRefusal>;

    fn unwatch(&mut self, directory: &Path);
}

/// Why a watch cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchRefusal {
    /// The system's limit of watches is reached; further attempts are useless.
    Watches,
    /// The system's limit of watchers is reached.
    Instances,
    Other(String),
}

impl std::fmt::Display for WatchRefusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Watches => out.write_str(
                "the limit of watches is reached; raise it with sysctl fs.inotify.max_user_watches",
            ),
            Self::Instances => out.write_str(
                "the limit of watchers or of open files is reached; raise it with sysctl fs.inotify.max_user_instances",
            ),
            Self::Other(why) => out.write_str(why),
        }
    }
}

/// A change that the system reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEvent {
    /// The path that changed; `None` if anything may have changed.
    pub path: Option<PathBuf>,
    pub change: FileChange,
    /// True if watches at and below the path may be gone.
    pub lost: bool,
}

impl FileEvent {
    /// Anything may have changed, and any watch may be lost.
    pub const ANYTHING: Self = Self {
        path: None,
        change: FileChange::Moved,
        lost: true,
    };
}

/// Opens a watcher, as often as it is called.
pub type OpenWatcher<W> = Box<dyn FnMut() -> Result<W, WatchRefusal> + Send>;

/// Follows a source.
pub struct Follower<W> {
    roots: Vec<PathBuf>,
    /// The working directory at the start, if a path is relative to it.
    working_directory: Option<(PathBuf, PathEntry)>,
    file_system: Box<dyn FileSystem + Send>,
    /// The watcher; `None` if every directory is polled.
    open: Option<OpenWatcher<W>>,
    watches: Option<W>,
    points: WatchPoints,
    watched: BTreeMap<PathBuf, DirectoryId>,
    /// The last stamp of each directory that is polled.
    polled: BTreeMap<PathBuf, u64>,
    /// The refusals that were logged.
    refusals: BTreeSet<WatchRefusal>,
}

impl<W: DirectoryWatches> Follower<W> {
    /// Starts to watch everything that can be watched. Without `open` everything is polled.
    pub fn new(
        roots: &[PathBuf],
        file_system: Box<dyn FileSystem + Send>,
        open: Option<OpenWatcher<W>>,
    ) -> Self {
        let roots = match roots {
            [] => vec![PathBuf::from(".")],
            roots => roots.to_vec(),
        };
        let relative = roots.iter().any(|root| root.is_relative());
        let working_directory = std::env::current_dir().ok().filter(|_| relative);
        let working_directory = working_directory.map(|path| {
            let node = file_system.entry_at(&path);
            (path, node)
        });
        let mut follower = Self {
            roots,
            working_directory,
            file_system,
            open,
            watches: None,
            points: WatchPoints::default(),
            watched: BTreeMap::new(),
            polled: BTreeMap::new(),
            refusals: BTreeSet::new(),
        };
        follower.refresh();
        follower
    }

    /// Returns why the source cannot be followed; `None` if it can.
    pub fn problem(&self) -> Option<String> {
        if let Some((path, node)) = &self.working_directory
            && self.file_system.entry_at(path) != *node
        {
            let path = path.display();
            return Some(format!(
                "the working directory {path} is another one now: start again, or name the source by its whole path"
            ));
        }
        self.points.problem.clone()
    }

    /// Takes in the system's events. Returns whether to read the source, and whether to call [`Self::refresh`].
    pub fn process_events(&mut self, events: &[FileEvent]) -> (bool, bool) {
        let (mut read, mut moved) = (false, false);
        for event in events {
            let concerns = event
                .path
                .as_ref()
                .is_none_or(|path| self.points.is_relevant(path, event.change));
            if !concerns {
                continue;
            }
            read = true;
            let ignores =
                event.path.as_ref().and_then(|path| path.file_name()) == Some(GITIGNORE.as_ref());
            moved |= event.change == FileChange::Moved || ignores;
            if event.lost {
                self.forget_watches(event.path.as_deref());
            }
        }
        (read, moved)
    }

    /// Gives up the watches at and below a path, or all of them.
    fn forget_watches(&mut self, path: Option<&Path>) {
        let Self {
            watches, watched, ..
        } = self;
        watched.retain(|directory, _| {
            let lost = path.is_none_or(|path| directory.starts_with(path));
            if lost && let Some(watches) = watches {
                watches.unwatch(directory);
            }
            !lost
        });
    }

    /// Compares where the named paths lead now with where they led before and, if `poll` is set, compares the stamps
    /// of directories without a watch. Returns whether to read the source.
    pub fn check(&mut self, poll: bool) -> bool {
        let mut read = !self.points.paths_unchanged(&*self.file_system);
        if poll {
            for (directory, before) in &mut self.polled {
                let now = self.points.stamp(directory, &*self.file_system);
                read |= now != *before;
                *before = now;
            }
        }
        if read {
            self.refresh();
        }
        read
    }

    /// Finds out what to watch, and watches it. Returns whether a directory is watched or polled that was not before:
    /// changes in it until now were not reported.
    pub fn refresh(&mut self) -> bool {
        let roots = self.roots.iter().map(std::path::absolute);
        let roots: Vec<PathBuf> = roots.flatten().collect();
        let limits = ReadLimits {
            inside: false,
            deadline: Some(Instant::now() + LONGEST),
        };
        self.points = WatchPoints::find(&roots, &*self.file_system, &limits);
        if roots.len() < self.roots.len() {
            let why = "the working directory is gone: start again".to_string();
            self.points.problem.get_or_insert(why);
        }
        self.drop_stale();
        let mut new = false;
        let mut refusals = BTreeSet::new();
        let directories: Vec<(PathBuf, DirectoryId)> = self
            .points
            .directories
            .iter()
            .filter(|(path, _)| !self.watched.contains_key(*path))
            .map(|(path, point)| (path.clone(), point.identity))
            .collect();
        for (path, identity) in directories {
            match self.watch(&path, &refusals) {
                Ok(()) => {
                    self.polled.remove(&path);
                    self.watched.insert(path, identity);
                    new = true;
                }
                Err(refusal) => {
                    refusals.extend(refusal);
                    if !self.polled.contains_key(&path) {
                        let stamp = self.points.stamp(&path, &*self.file_system);
                        self.polled.insert(path, stamp);
                        new = true;
                    }
                }
            }
        }
        self.log_refusals(refusals);
        new
    }

    /// Gives up watches of directories that are no longer to be watched or were replaced.
    fn drop_stale(&mut self) {
        let Self {
            watches,
            watched,
            polled,
            points,
            ..
        } = self;
        watched.retain(|path, identity| {
            let point = points.directories.get(path);
            let kept = point.is_some_and(|point| point.identity == *identity);
            if !kept && let Some(watches) = watches {
                watches.unwatch(path);
            }
            kept
        });
        polled.retain(|path, _| points.directories.contains_key(path));
    }

    /// Watches one directory. `Err(None)` if everything is to be polled.
    fn watch(
        &mut self,
        path: &Path,
        refused: &BTreeSet<WatchRefusal>,
    ) -> Result<(), Option<WatchRefusal>> {
        let open = self.open.as_mut().ok_or(None)?;
        for limit in [WatchRefusal::Instances, WatchRefusal::Watches] {
            if refused.contains(&limit) {
                return Err(Some(limit));
            }
        }
        if self.watches.is_none() {
            self.watches = Some(open()?);
        }
        let watches = self.watches.as_mut().ok_or(None)?;
        watches.watch(path).map_err(Some)
    }

    /// Logs refusals when they begin and when they are over.
    fn log_refusals(&mut self, refusals: BTreeSet<WatchRefusal>) {
        // One refusal stands for all of them: a thousand directories of another user are one line.
        if let Some(refusal) = refusals.difference(&self.refusals).next() {
            let directories = self.polled.len();
            tracing::warn!(
                directories,
                "not every directory can be watched, so some are compared every few seconds: {refusal}"
            );
        }
        if refusals.is_empty() && !self.refusals.is_empty() {
            tracing::info!("every directory is watched again");
        }
        self.refusals = refusals;
    }
}

#[cfg(test)]
mod tests;
