//! `import --as-set`: objects that are alike become rows, and a plan right after it is empty.

use entitle::sandbox::{Options, Population};

use super::support::program::{Ran, Workspace};

const OBJECTS: usize = 20;

/// A workspace with connections to populated accounts.
async fn populated(vendors: &[&str]) -> Workspace {
    let population = Population {
        objects: OBJECTS,
        vendors: Vec::new(),
    };
    let options = Options {
        population,
        ..Options::default()
    };
    let mut workspace = Workspace::with(options).await;
    for vendor in vendors {
        workspace.connect(vendor);
    }
    workspace
}

/// The names of the files in the directory of the import with this ending.
fn files(workspace: &Workspace, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(workspace.dir.path().join("licences")).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

fn read(workspace: &Workspace, file: &str) -> String {
    let path = workspace.dir.path().join("licences").join(file);
    std::fs::read_to_string(path).expect("a file")
}

#[track_caller]
fn import(workspace: &Workspace, more: &[&str]) -> Ran {
    let args = ["import", "--as-set", "--out", "licences"];
    let ran = workspace.run(&[&args, more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran
}

/// A plan finds everything in sync. Returns how many objects that are.
#[track_caller]
fn count_in_sync(workspace: &Workspace) -> usize {
    let plan = workspace.run(&["plan", "--detailed-exitcode", "--format", "json"]);
    assert_eq!(plan.code, 0, "{}{}", plan.stdout, plan.stderr);
    let plan = plan.json();
    plan["objects"].as_array().expect("objects").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_after_an_import_as_sets_is_empty() {
    let workspace = populated(&["lac", "cryptlex"]).await;
    import(&workspace, &[]);
    let tables = files(&workspace, ".csv");
    let rows: usize = tables
        .iter()
        .map(|file| read(&workspace, file).lines().count() - 1)
        .sum();
    let single = files(&workspace, ".yaml").len() - tables.len();
    assert!(rows > single, "{rows} rows and {single} single manifests");
    assert_eq!(count_in_sync(&workspace), rows + single);
    // The orders of LAC, of which the sandbox has some more of its own.
    assert!(tables.contains(&"lac-license-order-1.csv".to_string()));
    let manifest = read(&workspace, "lac-license-order-1.yaml");
    assert!(manifest.contains("kind: Edition\n"), "{manifest}");
    assert!(manifest.contains("kind: ObjectSet\n"), "{manifest}");
    // One that was imported is not imported again.
    let before = files(&workspace, "");
    import(&workspace, &[]);
    assert_eq!(files(&workspace, ""), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_editions_that_are_there_stay() {
    let workspace = populated(&["lac"]).await;
    workspace.write("licences/lac-license-order-1.csv", "mine\n");
    // No object has it.
    let edition =
        "apiVersion: entitle.dev/v1\nkind: Edition\nmetadata: {name: lac-license-order-2}\n";
    let edition = format!("{edition}spec: {{for: LacLicenseOrder, desired: {{enabled: true}}}}\n");
    workspace.write("editions.yaml", &edition);
    import(&workspace, &["--kind", "LacLicenseOrder"]);
    assert_eq!(read(&workspace, "lac-license-order-1.csv"), "mine\n");
    let tables = files(&workspace, ".csv");
    assert!(tables.contains(&"lac-license-order-3.csv".to_string()));
    assert!(!tables.contains(&"lac-license-order-2.csv".to_string()));
    assert!(count_in_sync(&workspace) >= OBJECTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_need_a_directory() {
    let workspace = populated(&["lac"]).await;
    let ran = workspace.run(&["import", "--as-set"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("--out"), "{}", ran.stderr);
}
