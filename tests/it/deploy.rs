//! What `deploy/` says is true of the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use entitle::render::schema;
use serde_json::Value as Json;

use super::support::golden;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn documents(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).expect("readable");
    serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).expect("YAML as JSON"))
        .collect()
}

#[test]
fn the_notifications_to_copy_are_valid_for_schema_and_program() {
    let path = deploy().join("notifications.yaml");
    let validator = jsonschema::validator_for(&schema::manifest()).expect("a valid schema");
    for document in documents(&path) {
        let faults: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
    let mut program = Command::new(assert_cmd::cargo::cargo_bin!("entitle"));
    program.arg("validate").arg(&path).assert().success();
}

#[test]
fn every_setting_that_is_named_is_one_of_the_daemon() {
    let help = Command::new(assert_cmd::cargo::cargo_bin!("entitle"))
        .args(["watch", "--help"])
        .output()
        .expect("runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let mut named = BTreeSet::new();
    let folders = [deploy(), deploy().join("kubernetes")];
    for file in folders
        .iter()
        .flat_map(|dir| std::fs::read_dir(dir).expect("readable"))
    {
        let path = file.expect("an entry").path();
        if !path.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("readable");
        let word = |c: char| !c.is_ascii_uppercase() && c != '_';
        let words = text.split(word).filter(|word| word.starts_with("ENTITLE_"));
        named.extend(words.map(str::to_string));
    }
    assert!(named.len() > 5, "{named:?}");
    let unknown: Vec<_> = named
        .iter()
        .filter(|name| {
            !["=", "]"]
                .iter()
                .any(|end| help.contains(&format!("[env: {name}{end}")))
        })
        .collect();
    assert!(unknown.is_empty(), "the daemon knows no {unknown:?}");
}

#[test]
fn the_pod_is_held_as_tightly_as_it_says() {
    let watch = &documents(&deploy().join("kubernetes/watch.yaml"))[0];
    let pod = &watch["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(
        container["securityContext"]["capabilities"]["drop"][0],
        "ALL"
    );
    assert_eq!(watch["spec"]["replicas"], 1, "the lock is a file");
    for (probe, path) in [
        ("startupProbe", "/healthz"),
        ("livenessProbe", "/healthz"),
        ("readinessProbe", "/readyz"),
    ] {
        assert_eq!(container[probe]["httpGet"]["path"], path);
    }
    for file in golden::files(&deploy().join("kubernetes"), "yaml") {
        assert!(!documents(&file).is_empty(), "{}", file.display());
    }
}
