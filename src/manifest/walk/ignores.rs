//! `.gitignore` files, matched as git does: the only door to the crate of that name.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::Kind;

/// The patterns of one `.gitignore`, and those of the directories above it.
pub struct Ignores {
    own: Gitignore,
    /// The directory of the file.
    base: PathBuf,
    above: Option<Rc<Ignores>>,
}

impl Ignores {
    /// Reads patterns. A line that is none is passed over, as by git.
    pub fn new(text: &str, base: &Path, above: Option<Rc<Self>>) -> Result<Self, ignore::Error> {
        // What is matched is relative to the directory of the file.
        let mut patterns = GitignoreBuilder::new("");
        for line in text.trim_start_matches('\u{feff}').lines() {
            let _ = patterns.add_line(None, line);
        }
        Ok(Self {
            own: patterns.build()?,
            base: base.to_path_buf(),
            above,
        })
    }

    /// Whether a path is passed over. The patterns nearest to it decide; a link may be meant as what it leads to.
    pub fn holds(&self, path: &Path, kind: Kind) -> bool {
        match kind {
            Kind::Link => self.matches(path, false) || self.matches(path, true),
            kind => self.matches(path, matches!(kind, Kind::Directory | Kind::Submodule)),
        }
    }

    fn matches(&self, path: &Path, is_directory: bool) -> bool {
        let mut next = Some(self);
        while let Some(ignores) = next {
            let below = path.strip_prefix(&ignores.base).unwrap_or(path);
            let matched = ignores.own.matched(below, is_directory);
            if !matched.is_none() {
                return matched.is_ignore();
            }
            next = ignores.above.as_deref();
        }
        false
    }
}
