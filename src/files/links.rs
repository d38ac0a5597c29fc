//! Follows symbolic links where a policy allows it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The policy for symbolic links in the path of an output.
#[derive(Clone, Debug, Default)]
pub enum LinkPolicy {
    #[default]
    Follow,
    /// Refuses links in this directory or below: the working tree of a CI job, whose links come from the author of the
    /// pull request. The path must be free of links itself.
    RefuseBelow(PathBuf),
}

impl LinkPolicy {
    /// Creates the policy that refuses the links of the working tree `tree`.
    pub fn refuse_below(tree: &Path) -> Self {
        Self::RefuseBelow(fs::canonicalize(tree).unwrap_or_else(|_| tree.to_path_buf()))
    }

    /// Returns an error that names `link` if it must not be followed.
    fn check(&self, link: &Path) -> io::Result<()> {
        match self {
            Self::RefuseBelow(tree) if link.starts_with(tree) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} is a link in the working tree, which is not followed with CI set: name a path without links",
                    link.display()
                ),
            )),
            Self::RefuseBelow(_) | Self::Follow => Ok(()),
        }
    }
}

/// The most links to follow in one path; as many as Linux.
const MOST_LINKS: usize = 40;

/// Resolves every link of a path, the last one included, to the path where a file is or would be created.
///
/// With `out -> build`, `out/report` becomes `build/report`. A link to an open file (`/dev/stdout` leads to
/// `/proc/self/fd/1`) stands for that file and not for a name of it: resolving ends there.
pub fn resolve_links(path: &Path, links: &LinkPolicy) -> io::Result<PathBuf> {
    let mut left = reversed_components(&std::path::absolute(path)?);
    let mut real = PathBuf::new();
    let mut followed = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            real.pop();
            continue;
        }
        real.push(part);
        let is_link = match fs::symlink_metadata(&real) {
            Ok(meta) => meta.is_symlink(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !is_link || is_open_file(&real) {
            continue;
        }
        links.check(&real)?;
        followed += 1;
        if followed > MOST_LINKS {
            return Err(io::Error::other("too many links lead from one to another"));
        }
        let target = fs::read_link(&real)?;
        real.pop();
        left.extend(reversed_components(&target));
    }
    Ok(real)
}

/// Returns the components of a path in reverse order. The root is one of them: pushed to a path, it replaces that.
fn reversed_components(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let mut parts: Vec<OsString> = parts.map(|part| part.as_os_str().into()).collect();
    parts.reverse();
    parts
}

/// Reports whether a path names a file descriptor of a process.
pub fn is_open_file(path: &Path) -> bool {
    let dir = path.parent().unwrap_or(path);
    dir == Path::new("/dev/fd") || dir.starts_with("/proc") && dir.ends_with("fd")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_is_resolved_whether_or_not_its_target_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        fs::create_dir_all(dir.join("a/b")).unwrap();
        symlink("a/b", dir.join("down")).unwrap();
        symlink("../../new", dir.join("a/b/up")).unwrap();
        symlink(dir.join("down/up"), dir.join("far")).unwrap();
        let real = |path: &str| resolve_links(&dir.join(path), &LinkPolicy::Follow).unwrap();
        assert_eq!(real("plain"), dir.join("plain"));
        assert_eq!(real("down/x"), dir.join("a/b/x"));
        assert_eq!(real("far"), dir.join("new"));
        assert_eq!(real("down/../x"), dir.join("a/x"));
        symlink("loop", dir.join("loop")).unwrap();
        assert!(resolve_links(&dir.join("loop"), &LinkPolicy::Follow).is_err());
    }

    #[test]
    fn an_open_file_is_where_its_name_ends() {
        if Path::new("/proc/self/fd").exists() {
            let real = resolve_links(Path::new("/dev/stdout"), &LinkPolicy::Follow).unwrap();
            assert!(is_open_file(&real), "{}", real.display());
        }
    }

    #[test]
    fn links_of_the_working_tree_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let tree = dir.join("tree");
        fs::create_dir_all(tree.join("real")).unwrap();
        symlink("real", tree.join("inside")).unwrap();
        symlink("/dev/null", tree.join("dangerous")).unwrap();
        symlink(&tree, dir.join("checkout")).unwrap();
        let links = LinkPolicy::refuse_below(&dir.join("checkout"));
        let refused = |path: &str| {
            let message = resolve_links(&dir.join(path), &links)
                .err()
                .map(|e| e.to_string());
            message.is_some_and(|message| message.contains("is a link in the working tree"))
        };
        assert!(refused("tree/dangerous"));
        assert!(refused("tree/inside/journal"));
        assert!(refused("checkout/dangerous"));
        assert!(refused("tree/real/../inside/x"));
        // A link to the checkout that the user made does not come from the pull request.
        assert!(!refused("checkout/real/x"));
        assert!(!refused("tree/real/x"));
    }
}
