//! Links of the manual: every file and anchor that a page names is there, and every page is in the summary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::blocks::blocks;
use super::markdown::anchor;
use super::source_dir;

/// Every page by its path below the source of the book.
pub fn pages() -> BTreeMap<PathBuf, String> {
    let files = files_below(&source_dir()).into_iter();
    let pages = files.filter(|path| path.extension().is_some_and(|ext| ext == "md"));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("readable");
        (
            path.strip_prefix(source_dir())
                .expect("below")
                .to_path_buf(),
            text,
        )
    };
    pages.map(read).collect()
}

/// Every file below a folder, in the order of their paths.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(files_below(&path)),
            path => files.push(path),
        }
    }
    files.sort();
    files
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let anchors: BTreeMap<&Path, BTreeSet<String>> = pages
        .iter()
        .map(|(path, text)| (path.as_path(), anchors_of(text)))
        .collect();
    let mut faults = Vec::new();
    let mut links = 0;
    for (path, text) in &pages {
        for target in links_of(text) {
            links += 1;
            if let Some(fault) = fault_of(path, &target, &anchors) {
                faults.push(format!("{}: {target}: {fault}", path.display()));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "links into the void:\n{}",
        faults.join("\n")
    );
    assert!(links > 50, "only {links} links were found");
}

#[test]
fn every_page_is_in_the_summary() {
    let mut pages = pages();
    let summary = pages.remove(Path::new("SUMMARY.md")).expect("a summary");
    let linked: BTreeSet<PathBuf> = links_of(&summary).into_iter().map(PathBuf::from).collect();
    let there: BTreeSet<PathBuf> = pages.into_keys().collect();
    assert_eq!(linked, there);
}

/// Says what is wrong with a link on the page `from`; `None` if it leads somewhere.
fn fault_of(
    from: &Path,
    target: &str,
    anchors: &BTreeMap<&Path, BTreeSet<String>>,
) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => from.to_path_buf(),
        _ => normal(&from.parent().unwrap_or(Path::new("")).join(file)),
    };
    let Some(known) = anchors.get(path.as_path()) else {
        // A picture, or another file that the book copies.
        let is_file = source_dir().join(&path).is_file();
        return (!is_file || path.extension().is_some_and(|ext| ext == "md"))
            .then(|| "no such page".into());
    };
    (!fragment.is_empty() && !known.contains(fragment)).then(|| "no such heading".into())
}

/// Resolves `..` without asking the file system.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Returns the lines of a page that are no code.
fn prose(text: &str) -> Vec<&str> {
    let code: BTreeSet<usize> = blocks(text)
        .into_iter()
        .flat_map(|block| block.range)
        .collect();
    let lines = text.lines().enumerate();
    lines
        .filter(|(index, _)| !code.contains(index))
        .map(|(_, line)| line)
        .collect()
}

/// Returns the anchors of a page's headings, with `-1` and so on behind those that occur again.
fn anchors_of(text: &str) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    let anchors = headings.map(|line| {
        let name = anchor(line.trim_start_matches('#'));
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        match *count {
            1 => name,
            more => format!("{name}-{}", more - 1),
        }
    });
    anchors.collect()
}

/// Returns the targets of the links and pictures of a page, outside of code.
fn links_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        // What stands between backticks is no link.
        let outside: Vec<&str> = line.split('`').step_by(2).collect();
        let line = outside.join("``");
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            if let Some((target, _)) = rest.split_once(')') {
                found.push(target.to_string());
            }
        }
    }
    found
}
