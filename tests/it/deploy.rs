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
    let validator = jsonschema::validator_for(&schema::manifest_schema()).expect("a valid schema");
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

#[test]
fn replicas_share_a_store_and_nothing_else() {
    let dir = deploy().join("kubernetes");
    let watch = &documents(&dir.join("watch.yaml"))[0];
    let (spec, pod) = (&watch["spec"], &watch["spec"]["template"]["spec"]);
    assert_eq!(spec["replicas"], 3);
    let named = |list: &Json, name: &str| {
        let mut list = list.as_array().expect("a list").iter();
        list.find(|one| one["name"] == name).cloned()
    };
    // A volume that one pod has would keep the others from starting.
    let state = named(&pod["volumes"], "state").expect("there");
    assert!(state["emptyDir"].is_object());
    let text = std::fs::read_to_string(dir.join("watch.yaml")).expect("readable");
    let secrets = pod["containers"][0]["envFrom"].as_array().expect("a list");
    for secret in secrets {
        let name = secret["secretRef"]["name"].as_str().expect("a name");
        let made = format!("create secret generic {name} --from-literal=");
        assert!(text.contains(&made), "{name}");
    }
    assert!(text.contains("entitle-store --from-literal=ENTITLE_STORE='postgres://"));
    // Passes end within 25 s of the word to stop, answers within 6 s.
    assert!(pod["terminationGracePeriodSeconds"].as_u64() > Some(25 + 6));
    let labels = &spec["selector"]["matchLabels"];
    let apart = &pod["affinity"]["podAntiAffinity"];
    let apart = &apart["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"];
    assert_eq!(&apart["labelSelector"]["matchLabels"], labels);
    let budget = &documents(&dir.join("disruption.yaml"))[0];
    assert_eq!(budget["kind"], "PodDisruptionBudget");
    assert_eq!(&budget["spec"]["selector"]["matchLabels"], labels);
    let whole = &documents(&dir.join("kustomization.yaml"))[0]["resources"];
    for file in whole.as_array().expect("a list") {
        assert!(dir.join(file.as_str().expect("a name")).exists(), "{file}");
    }
    let network = std::fs::read_to_string(dir.join("network.yaml")).expect("readable");
    assert!(network.contains("port: 5432"));
}

/// The paths of the targets that Cargo.toml names; cargo refuses to build anything where one is missing.
fn named_targets() -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("readable");
    let (mut folder, mut found) = (None, Vec::new());
    for line in text.lines() {
        match line {
            "[[bench]]" => folder = Some("benches"),
            "[[test]]" => folder = Some("tests"),
            _ if line.starts_with('[') => folder = None,
            _ => {}
        }
        if let (Some(folder), Some(name)) = (folder, line.strip_prefix("name = ")) {
            let path = format!("{folder}/{}", name.trim_matches('"'));
            // A target is a file or a folder.
            let file = format!("{path}.rs");
            let is_file = manifest.with_file_name(&file).is_file();
            found.push(if is_file { file } else { path + "/main.rs" });
        }
    }
    found
}

/// Released builds are optimised and know every store, a build of a checkout is short.
#[test]
fn what_is_handed_out_has_every_store() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["deploy/Dockerfile", "action.yml"] {
        let text = std::fs::read_to_string(root.join(file)).expect("readable");
        let builds = text.lines().filter(|line| {
            let is_build = line.contains("cargo build ") || line.contains("cargo install ");
            is_build && !line.trim_start().starts_with('#')
        });
        let builds: Vec<&str> = builds.collect();
        let every =
            |line: &&str| line.contains(" --features dist ") && line.contains(" --profile dist ");
        assert!(
            !builds.is_empty() && builds.iter().all(every),
            "{file}: {builds:?}"
        );
    }
}

#[test]
fn the_image_is_built_with_every_file_that_cargo_asks_for() {
    let read = |name: &str| std::fs::read_to_string(deploy().join(name)).expect("readable");
    let (image, context) = (read("Dockerfile"), read("Dockerfile.dockerignore"));
    let copied = image
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"))
        .flat_map(str::split_whitespace);
    let copied: BTreeSet<&str> = copied.collect();
    let sent: BTreeSet<&str> = context
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    let targets = named_targets();
    assert!(
        targets.contains(&"benches/core.rs".to_string()),
        "{targets:?}"
    );
    for path in ["Cargo.toml", "Cargo.lock", "build.rs", ".cargo", "src"]
        .into_iter()
        .chain(targets.iter().map(String::as_str))
    {
        assert!(copied.contains(path), "{path} is not copied into the image");
        assert!(sent.contains(path), "{path} is kept from the image");
    }
}

#[test]
fn whoever_pushes_chooses_neither_hosts_nor_files() {
    let watch = &documents(&deploy().join("kubernetes/watch.yaml"))[0];
    let container = &watch["spec"]["template"]["spec"]["containers"][0];
    let set = |name: &str| {
        let mut variables = container["env"].as_array().into_iter().flatten();
        let found = variables.find(|variable| variable["name"] == name);
        found.map(|variable| variable["value"].to_string())
    };
    let unit = std::fs::read_to_string(deploy().join("entitle-watch.service")).expect("readable");
    for name in ["ENTITLE_TRUST_HOSTS", "ENTITLE_SECRET_DIR"] {
        assert!(set(name).is_some_and(|value| value.len() > 2), "{name}");
        assert!(unit.contains(&format!("{name}=")), "{name}");
    }
}
