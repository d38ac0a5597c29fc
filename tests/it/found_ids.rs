//! `import --update` of manifests that name their objects by a key: `tests/found-ids/<case>` has a file before, and the
//! golden files are the file afterwards and what the program says. Where the name of a case ends in `-made`, an apply
//! creates the object first.

use std::path::Path;

use crate::support::golden;
use crate::support::program::Workspace;

const VENDORS: [&str; 3] = ["cryptlex", "lac", "licensespring"];

async fn one(case: &Path) -> Vec<String> {
    let mut workspace = Workspace::new().await;
    for vendor in VENDORS {
        workspace.connect(vendor);
    }
    let before = std::fs::read_to_string(case.join("before.yaml")).expect("every case has one");
    workspace.write("own.yaml", &before);
    let name = case.display().to_string();
    if name.ends_with("-made") {
        let ran = workspace.run(&["apply", ".", "--auto-approve"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
    }
    let read = || std::fs::read_to_string(workspace.dir.path().join("own.yaml")).expect("text");
    let mut faults = Vec::new();
    let ran = workspace.run(&["import", "--update"]);
    assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    let after = read();
    faults.extend(golden::compare(&case.join("after.yaml"), &after).err());
    faults.extend(golden::compare(&case.join("shown.txt"), &shown).err());
    let again = workspace.run(&["import", "--update"]);
    if (again.code, again.stdout.as_str()) != (0, "") || read() != after {
        faults.push(format!(
            "{name}: a second update changes something: {again:?}"
        ));
    }
    let plan = workspace.run(&["plan", ".", "--format", "json"]).json();
    for object in plan["objects"].as_array().into_iter().flatten() {
        let expected = if after == before { "create" } else { "none" };
        if object["action"] != expected {
            faults.push(format!("{name}: the plan after it: {object}"));
        }
    }
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_puts_the_id_that_was_found_in_the_place_of_the_key() {
    let mut faults = Vec::new();
    let cases = golden::folders(&golden::tests_dir().join("found-ids"));
    assert!(cases.len() >= 8, "{cases:?}");
    for case in cases {
        faults.extend(one(&case).await);
    }
    golden::all_well(faults);
}

/// Nothing but `--update` writes an id: `import` leaves an object alone whose manifest names it by a key.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_import_touches_a_manifest_with_a_key() {
    let mut workspace = Workspace::new().await;
    workspace.connect("cryptlex");
    let case = golden::tests_dir().join("found-ids/cryptlex-group/before.yaml");
    let before = std::fs::read_to_string(case).expect("a case");
    workspace.write("groups/own.yaml", &before);
    let kind = ["--kind", "CryptlexUserGroup"];
    let ran = workspace.run(&[&["import", "--all", "--out", "groups"], &kind[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let path = workspace.dir.path().join("groups/own.yaml");
    assert_eq!(std::fs::read_to_string(path).expect("text"), before);
}
