//! Matches `.gitignore` files as git does: the only door to the crate `ignore`.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::EntryKind;

/// The patterns of one `.gitignore`, and those of the directories above it.
pub struct IgnoreRules {
    patterns_here: Gitignore,
    /// The directory of the file.
    base: PathBuf,
    above: Option<Rc<IgnoreRules>>,
}

impl IgnoreRules {
    /// Parses the patterns of a file. A line that is no pattern is skipped, as by git.
    pub fn new(text: &str, base: &Path, above: Option<Rc<Self>>) -> Result<Self, ignore::Error> {
        // Paths are matched relative to the directory of the file.
        let mut patterns = GitignoreBuilder::new("");
        for line in text.trim_start_matches('\u{feff}').lines() {
            let _ = patterns.add_line(None, line);
        }
        Ok(Self {
            patterns_here: patterns.build()?,
            base: base.to_path_buf(),
            above,
        })
    }

    /// Reports whether a path is ignored. The patterns nearest to it decide. A link is ignored if a pattern matches
    /// either the link or the directory that it may lead to.
    pub fn ignores(&self, path: &Path, kind: EntryKind) -> bool {
        match kind {
            EntryKind::Link => self.matches(path, false) || self.matches(path, true),
            kind => self.matches(
                path,
                matches!(kind, EntryKind::Directory | EntryKind::Submodule),
            ),
        }
    }

    fn matches(&self, path: &Path, is_directory: bool) -> bool {
        let mut next = Some(self);
        while let Some(ignores) = next {
            let below = path.strip_prefix(&ignores.base).unwrap_or(path);
            let matched = ignores.patterns_here.matched(below, is_directory);
            if !matched.is_none() {
                return matched.is_ignore();
            }
            next = ignores.above.as_deref();
        }
        false
    }
}
