//! Counts the files and directories that are not read, by reason.

use std::path::{Path, PathBuf};

/// Most names that are kept for each reason: enough to see what it is about.
const MAX_NAMES: usize = 3;

/// The names that were passed over for one reason. A directory counts as one, whatever is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    count: usize,
    first: Vec<PathBuf>,
}

impl Tally {
    pub(super) fn add(&mut self, shown: impl FnOnce() -> PathBuf) {
        self.count += 1;
        if self.first.len() < MAX_NAMES {
            self.first.push(shown());
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the first names that were found.
    pub fn first(&self) -> impl Iterator<Item = &Path> {
        self.first.iter().map(PathBuf::as_path)
    }
}

/// Everything below the named paths that is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Matched by a `.gitignore`.
    pub ignored: Tally,
    /// Hidden, by a dot.
    pub hidden: Tally,
    /// Files without the name of a manifest.
    pub unnamed: Tally,
    /// Read already, under another name.
    pub again: Tally,
    /// Links to nothing, and directories that went away.
    pub dangling: Tally,
    /// Pipes, sockets and devices.
    pub special: Tally,
}

impl PassedOver {
    /// Returns every reason with the names that were passed over for it.
    pub fn reasons(&self) -> [(&'static str, &Tally); 6] {
        let Self {
            ignored,
            hidden,
            unnamed,
            again,
            dangling,
            special,
        } = self;
        [
            ("by .gitignore", ignored),
            ("hidden", hidden),
            ("not named *.yaml or *.yml", unnamed),
            ("read already under another name", again),
            ("links to nothing", dangling),
            ("no regular files", special),
        ]
    }
}
