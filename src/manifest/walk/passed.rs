//! What was passed over, and why.

use std::path::{Path, PathBuf};

/// Names that are kept of each reason: enough to see what it is about.
const NAMED: usize = 3;

/// Names that were passed over for one reason. A directory counts as one, whatever is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    count: usize,
    first: Vec<PathBuf>,
}

impl Tally {
    pub(super) fn add(&mut self, shown: impl FnOnce() -> PathBuf) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(shown());
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The first names that were found.
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
    /// Every reason with what was passed over for it.
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
