//! What is written in several files of a release is the same in all of them, and everything in the checkout has an owner.

use std::path::{Path, PathBuf};

use entitle::provider::ALL;
use serde_json::Value as Json;

use super::support::kept;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The jobs of a workflow of this repository, by name.
fn jobs(path: &str) -> serde_json::Map<String, Json> {
    let workflow: Json = serde_yaml::from_str(&read(path)).expect("YAML");
    workflow["jobs"].as_object().expect("jobs").clone()
}

/// The platforms that a release is built for.
fn built_targets() -> Vec<String> {
    let build = &jobs(".github/workflows/release.yml")["build"];
    let matrix = build["strategy"]["matrix"]["include"].as_array();
    let targets = matrix.into_iter().flatten().map(|row| &row["target"]);
    targets
        .map(|target| target.as_str().expect("a name").to_string())
        .collect()
}

#[test]
fn whoever_takes_a_release_knows_every_platform_of_it() {
    let targets = built_targets();
    assert!(targets.len() >= 5, "{targets:?}");
    for target in &targets {
        for path in [
            "action.yml",
            "deploy/release/licences",
            "deploy/release/taps",
        ] {
            assert!(read(path).contains(target.as_str()), "{path}: {target}");
        }
        if !target.contains("windows") {
            // It puts the names together from what `uname` prints.
            let (processor, system) = target.split_once('-').expect("a triple");
            let system = system.trim_end_matches("-musl");
            let installer = read("deploy/install.sh");
            assert!(installer.contains(&format!("cpu={processor}")), "{target}");
            assert!(installer.contains(&format!("system={system}")), "{target}");
        }
    }
    // The examples and `entitle init` name an archive that is built.
    for path in ["examples/ci/gitlab.yaml", "src/cli/init/gitlab.yaml"] {
        let text = read(path);
        let line = text.lines().find(|line| line.starts_with("  RELEASE: "));
        let line = line.unwrap_or_else(|| panic!("{path} names no archive"));
        assert!(
            targets.iter().any(|target| line.contains(target.as_str())),
            "{path}: {line}"
        );
    }
}

#[test]
fn every_workflow_builds_with_the_compiler_of_releases() {
    let versions = read("deploy/release/versions");
    let rust = versions.lines().find_map(|line| line.strip_prefix("RUST="));
    let rust = rust.expect("a version");
    let oldest = format!("rust-version = \"{}\"", rust.trim_end_matches(".0"));
    assert!(read("Cargo.toml").contains(&oldest), "{oldest}");
    for path in [".github/workflows/ci.yml", ".github/workflows/release.yml"] {
        let text = read(path);
        let installs = text.matches("rustup toolchain install ").count();
        let right = text
            .matches(&format!("rustup toolchain install {rust} "))
            .count();
        assert!(
            installs > 0 && installs == right,
            "{path}: {right} of {installs}"
        );
    }
}

/// A tag alone publishes nothing: what writes waits for every check, and for a person.
#[test]
fn a_release_is_drafted_after_every_check() {
    let jobs = jobs(".github/workflows/release.yml");
    let needs = |name: &str| -> Vec<String> {
        match &jobs[name]["needs"] {
            Json::String(one) => vec![one.clone()],
            Json::Array(several) => several
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_string)
                .collect(),
            _ => Vec::new(),
        }
    };
    let (mut before, mut next) = (Vec::new(), needs("draft"));
    while let Some(name) = next.pop() {
        next.extend(needs(&name));
        before.push(name);
    }
    for name in ["build", "again", "check", "pack", "install"] {
        assert!(
            before.iter().any(|one| one == name),
            "draft does not wait for {name}"
        );
    }
    for (name, job) in &jobs {
        let writes = job["permissions"]
            .as_object()
            .is_some_and(|all| all.values().any(|one| one == "write"));
        assert_eq!(writes, ["draft", "pin"].contains(&name.as_str()), "{name}");
    }
    assert_eq!(jobs["draft"]["environment"], "release");
}

#[test]
fn every_vendor_has_owners() {
    let owners = read(".github/CODEOWNERS");
    let owned: Vec<&str> = owners
        .lines()
        .filter(|line| line.starts_with('/'))
        .collect();
    for line in &owned {
        let path = line.split_whitespace().next().unwrap_or_default();
        let file: PathBuf = root().join(path.trim_start_matches('/'));
        assert!(file.exists(), "{path} has owners and is not there");
    }
    for provider in ALL {
        let vendor = provider.vendor().0;
        for folder in [
            "src/provider",
            "src/sandbox",
            "tests/vendors",
            "examples",
            "companies",
        ] {
            let path = format!("/{folder}/{vendor}/ ");
            assert!(
                owned.iter().any(|line| line.starts_with(&path)),
                "nobody owns {path}"
            );
        }
    }
}

/// Runs `deploy/release/notes 0.1.0` beside this changelog.
#[cfg(unix)]
fn release_notes(changelog: &str) -> std::process::Output {
    let dir = tempfile::tempdir().expect("a directory");
    let script = dir.path().join("deploy/release/notes");
    std::fs::create_dir_all(script.parent().expect("a folder")).expect("made");
    std::fs::copy(root().join("deploy/release/notes"), &script).expect("copied");
    std::fs::write(dir.path().join("CHANGELOG.md"), changelog).expect("written");
    let mut notes = std::process::Command::new("bash");
    notes.arg(&script).arg("0.1.0").output().expect("bash runs")
}

#[cfg(unix)]
#[test]
fn a_release_is_told_by_its_section_of_the_changelog() {
    let notes = release_notes(
        "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2027-01-31\n\n### Added\n\n- One.\n\n\
         ## [0.0.9] - 2026-12-31\n\n- Zero.\n",
    );
    let text = String::from_utf8(notes.stdout).expect("UTF-8");
    assert!(notes.status.success(), "{text}");
    assert!(text.contains("### Added\n\n- One.\n"), "{text}");
    assert!(text.contains("sha256sum --check"), "{text}");
    assert!(!text.contains("Zero"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_tag_without_its_section_is_refused() {
    let head = "# Changelog\n\n## [Unreleased]\n\n";
    for (changelog, words) in [
        ("- One.\n", "has no section [0.1.0]: put `## [0.1.0] - 2"),
        // Neither of these is the version.
        ("## [0.1.0-rc.1] - 2027-01-30\n\n- One.\n", "has no section"),
        ("## [0.1.01] - 2027-01-30\n\n- One.\n", "has no section"),
        (
            "## [0.1.0]\n\n- One.\n",
            "which is no `## [0.1.0] - YYYY-MM-DD`",
        ),
        ("## [0.1.0] - soon\n\n- One.\n", "which is no `## [0.1.0] -"),
        ("## [0.1.0] - 2027-01-31\n\n", "says nothing in its section"),
        (
            "### Added\n\n- Two.\n\n## [0.1.0] - 2027-01-31\n\n- One.\n",
            "has lines under [Unreleased], which belong to [0.1.0]",
        ),
    ] {
        let notes = release_notes(&format!("{head}{changelog}"));
        let shown = String::from_utf8_lossy(&notes.stderr).into_owned();
        assert_eq!(notes.status.code(), Some(1), "{changelog}");
        assert_eq!(notes.stdout, b"", "{changelog}");
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
}

/// Whoever changes the version keeps what it writes.
#[test]
fn the_version_at_hand_is_kept() {
    assert_eq!(kept::folders().pop(), Some(kept::current_folder()));
}
