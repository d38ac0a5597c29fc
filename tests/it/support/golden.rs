//! Golden files: compared byte for byte, written anew with `ENTITLE_BLESS=1`.

use std::path::{Path, PathBuf};

use entitle::provider::ResourceKind;
use similar::TextDiff;

/// The folder `tests` of this crate.
pub fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The folder with the cases and replies of a kind.
pub fn kind_dir(kind: &dyn ResourceKind) -> PathBuf {
    tests_dir().join("vendors").join(kind_path(kind))
}

/// The folder of a kind below those of all vendors, for example `lac/license_order`: the kind's name without that of
/// its vendor.
pub fn kind_path(kind: &dyn ResourceKind) -> PathBuf {
    let vendor = kind.vendor().0;
    let mut folder = String::new();
    for c in kind.table().kind.0.chars().skip(vendor.len()) {
        if c.is_ascii_uppercase() && !folder.is_empty() {
            folder.push('_');
        }
        folder.push(c.to_ascii_lowercase());
    }
    Path::new(vendor).join(folder)
}

/// Says how `found` differs from the golden file, or blesses it.
pub fn compare(path: &Path, found: &str) -> Result<(), String> {
    if std::env::var_os("ENTITLE_BLESS").is_some() {
        if found.is_empty() {
            let _ = std::fs::remove_file(path);
        } else {
            std::fs::write(path, found).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        return Ok(());
    }
    // An absent golden file stands for an empty one.
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    if wanted == found {
        return Ok(());
    }
    let diff = TextDiff::from_lines(wanted.as_str(), found);
    Err(format!(
        "{} differs:\n{}",
        path.display(),
        diff.unified_diff()
    ))
}

/// The sub-folders of `dir`, in the order of their names.
pub fn folders(dir: &Path) -> Vec<PathBuf> {
    listing(dir)
        .into_iter()
        .filter(|path| path.is_dir())
        .collect()
}

/// The files of `dir` that end in `.ext`, in the order of their names.
pub fn files(dir: &Path, ext: &str) -> Vec<PathBuf> {
    let ends = |path: &PathBuf| path.extension().is_some_and(|found| found == ext);
    listing(dir).into_iter().filter(ends).collect()
}

fn listing(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .map(|entries| {
            entries
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .collect()
        })
        .unwrap_or_default();
    paths.sort();
    paths
}

/// Fails with every fault found.
#[track_caller]
pub fn all_well(faults: Vec<String>) {
    assert!(
        faults.is_empty(),
        "\n{}\n(ENTITLE_BLESS=1 writes golden files anew)",
        faults.join("\n")
    );
}
