//! Names of files that are the same on every machine: `licences/orders/a.yaml` of the working tree `licences`, wherever it is
//! checked out.

use std::path::{Component, Path, PathBuf};

/// Names files after the working tree that they are in.
#[derive(Clone, Debug, Default)]
pub struct TreeNames {
    here: PathBuf,
    tree: Option<PathBuf>,
    /// What stands for the tree; by default the name of its directory.
    called: Option<String>,
}

impl TreeNames {
    /// Creates the names as seen from the directory `here`, which is in `tree`; without a tree files have whole paths.
    pub fn new(here: PathBuf, tree: Option<PathBuf>) -> Self {
        Self {
            here,
            tree,
            called: None,
        }
    }

    /// Returns the same with another name of the tree, whose directory is one of this machine.
    pub fn calling_tree(self, called: Option<String>) -> Self {
        Self { called, ..self }
    }

    /// Returns the name of a file or directory; `None` for standard input.
    ///
    /// In `/home/ann/licences/orders` with the tree `/home/ann/licences`, `./a.yaml` is `licences/orders/a.yaml`. Nothing is
    /// looked up: the file may be gone.
    pub fn name(&self, path: &Path) -> Option<String> {
        if path.as_os_str() == "-" || self.here.as_os_str().is_empty() {
            return None;
        }
        let whole = normalize(&self.here.join(path));
        let tree = self.tree.as_deref().map(normalize);
        let below = tree.as_deref().and_then(|tree| {
            let directory = tree.file_name()?.to_string_lossy().into_owned();
            let name = self.called.clone().unwrap_or(directory);
            Some(Path::new(&name).join(whole.strip_prefix(tree).ok()?))
        });
        let name = below.unwrap_or(whole);
        let mut name = name.to_string_lossy().replace('\\', "/");
        name.truncate(name.trim_end_matches('/').len());
        Some(name)
    }
}

/// Reports whether a file is at or below one of these files and directories, all by their names.
pub fn is_below(file: &str, named: &[String]) -> bool {
    named.iter().any(|one| {
        let rest = file.strip_prefix(one.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Removes `.` and `..` from an absolute path.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_name_of_its_tree() {
        let names = TreeNames::new(
            "/home/ann/licences/orders".into(),
            Some("/home/ann/licences".into()),
        );
        let name = |path: &str| names.name(Path::new(path));
        let some = |name: &str| Some(name.to_string());
        assert_eq!(name("./a.yaml"), some("licences/orders/a.yaml"));
        assert_eq!(name("../b.yaml"), some("licences/b.yaml"));
        assert_eq!(name("/home/ann/licences/c.yaml"), some("licences/c.yaml"));
        assert_eq!(name(".."), some("licences"));
        assert_eq!(name("/srv/d.yaml"), some("/srv/d.yaml"));
        assert_eq!(name("-"), None);
        assert_eq!(TreeNames::default().name(Path::new("a.yaml")), None);
    }

    #[test]
    fn a_file_is_below_the_directories_above_it() {
        let named = |name: &str| [name.to_string()];
        assert!(is_below("licences/a.yaml", &named("licences")));
        assert!(is_below("licences/a.yaml", &named("licences/a.yaml")));
        assert!(!is_below("licences/a.yaml", &named("licences/a")));
        assert!(!is_below("licences-2/a.yaml", &named("licences")));
    }
}
