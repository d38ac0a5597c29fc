//! The shape of the source, held by a test: imports run toward lower rank, crates have one door, no file
//! is forgotten, every vendor is complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use entitle::provider;

/// Modules by rank; a module may import from lower ranks and from itself. Those of one rank do not see
/// each other.
const RANKS: &[(&str, u8)] = &[
    ("model", 0),
    ("manifest", 1),
    ("provider", 1),
    ("plan", 2),
    ("apply", 3),
    ("reconcile", 4),
    ("render", 5),
    ("sandbox", 0),
    ("cli", 6),
    ("main", 7),
];

/// External crates and the only places that may name them.
const DOORS: &[(&str, &[&str])] = &[
    ("serde_saphyr", &["manifest/yaml.rs"]),
    ("serde_yaml", &["manifest/second.rs", "sandbox/"]),
    ("reqwest", &["apply/http.rs", "sandbox/"]),
    ("axum", &["sandbox/server.rs"]),
    ("clap", &["cli/"]),
    ("similar", &["render/text.rs"]),
    ("maud", &["render/html/"]),
    ("quick_junit", &["render/junit.rs"]),
    ("indicatif", &["cli/progress.rs"]),
    (
        "annotate_snippets",
        &["render/diagnostics.rs", "render/excerpt.rs"],
    ),
    ("tracing", &["apply/", "reconcile/", "cli/", "sandbox/"]),
    ("rustls", &["apply/http.rs"]),
    ("ignore::", &["manifest/load.rs"]),
    ("globset", &["cli/"]),
    ("anyhow", &["cli/"]),
    ("tokio", &["apply/", "reconcile/", "cli/", "sandbox/"]),
];

/// Every source file by its path below `src`, without its unit tests.
pub fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)
            .expect("src is readable")
            .flatten()
        {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path
                    .strip_prefix(&root)
                    .expect("below src")
                    .to_string_lossy()
                    .replace('\\', "/");
                let text = std::fs::read_to_string(&path).expect("source is readable");
                let own = text
                    .split("#[cfg(test)]")
                    .next()
                    .unwrap_or_default()
                    .to_string();
                if !name.ends_with("tests.rs") {
                    found.insert(name, own);
                }
            }
        }
    }
    found
}

fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or(file)
}

fn rank(module: &str) -> Option<u8> {
    RANKS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, rank)| *rank)
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn imports_run_toward_lower_rank() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let from = module(&file);
        if from == "lib" {
            continue;
        }
        let own = rank(from).unwrap_or_else(|| panic!("{file} belongs to no known module"));
        for line in code_lines(&text) {
            for (at, _) in line.match_indices("crate::") {
                let name: String = line[at + "crate::".len()..]
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                let Some(other) = rank(&name) else { continue };
                // The sandbox must not know us, and only the shell may start it.
                let sandboxed = name == "sandbox" && own < 6 || from == "sandbox";
                if name != from && (other >= own || sandboxed) {
                    faults.push(format!("{file} imports {name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "imports against the ranks:\n{}",
        faults.join("\n")
    );
}

#[test]
fn every_crate_has_one_door() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        for line in code_lines(&text) {
            for (name, doors) in DOORS {
                let named = line.match_indices(name).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    let after = line[at + name.len()..].chars().next();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '"')
                        && (name.ends_with("::") || after == Some(':'))
                });
                if named && !doors.iter().any(|door| file.starts_with(door)) {
                    faults.push(format!("{file} names {name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "crates behind the wrong door:\n{}",
        faults.join("\n")
    );
}

#[test]
fn only_the_command_line_prints() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let prints = ["println!(", "print!("]
            .iter()
            .any(|word| code_lines(&text).any(|l| l.contains(word)));
        if prints && module(&file) != "cli" {
            faults.push(file);
        }
    }
    assert!(
        faults.is_empty(),
        "these print below the command line: {faults:?}"
    );
}

#[test]
fn no_test_file_is_forgotten() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(dir.join("main.rs")).expect("main.rs is readable");
    for entry in std::fs::read_dir(dir)
        .expect("tests/it is readable")
        .flatten()
    {
        let name = entry
            .file_name()
            .to_string_lossy()
            .trim_end_matches(".rs")
            .to_string();
        assert!(
            name == "main" || main.contains(&format!("mod {name};")),
            "{name} is not in main.rs"
        );
    }
}

#[test]
fn every_vendor_is_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap_or_default();
    let mut faults = Vec::new();
    for provider in provider::ALL {
        let vendor = provider.vendor().0;
        for path in [
            format!("src/provider/{vendor}/mod.rs"),
            format!("src/provider/{vendor}/fields.rs"),
            format!("tests/vendors/{vendor}/cases"),
            format!("tests/vendors/{vendor}/replies"),
            format!("examples/{vendor}/connection.yaml"),
            format!("examples/{vendor}/minimal.yaml"),
            format!("examples/{vendor}/full.yaml"),
        ] {
            if !root.join(&path).exists() {
                faults.push(format!("{path} is missing"));
            }
        }
        if !readme.contains(provider.table().kind.0) {
            faults.push(format!("README.md does not name {}", provider.table().kind));
        }
    }
    let names: Vec<&str> = provider::ALL
        .iter()
        .map(|provider| provider.vendor().0)
        .collect();
    assert!(names.is_sorted(), "provider::ALL is in the order of names");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
