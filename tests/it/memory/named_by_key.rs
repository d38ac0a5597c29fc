//! What is remembered of objects that manifests name by a key: each has a memory of its own.

use super::*;

const USES: &str = "max_consumption";

fn feature(code: &str, uses: i64) -> Object {
    let key = json!({"code": code, "product": 1_584_723_961_091_234_u64});
    let ids = json!({"productFeature": key});
    Object::new(
        "LicenseSpringProductFeature",
        code,
        ids,
        json!({USES: uses}),
    )
}

/// Two features of one product, with 100 and 20 uses before and 110 and 30 now.
async fn two_features() -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("licensespring");
    workspace.object(&feature("f1", 110));
    workspace.object(&feature("f2", 30));
    apply(&workspace);
    assert_eq!(uses(&workspace), [110, 30]);
    workspace
}

fn uses(workspace: &Workspace) -> [i64; 2] {
    let account = workspace.sandbox.state("licensespring");
    let features = account.expect("an account")["product_features"].clone();
    [0, 1].map(|at: usize| features[at][USES].as_i64().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_object_has_a_base_of_its_own() {
    let workspace = two_features().await;
    let mut account = workspace
        .sandbox
        .state("licensespring")
        .expect("an account");
    account["product_features"][0][USES] = json!(115);
    let set = workspace.sandbox.set_state("licensespring", account);
    set.expect("an account");

    assert_eq!(drift(&workspace).1, by(USES, "they"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_taken_back_also_where_no_manifest_names_the_object() {
    let workspace = two_features().await;
    std::fs::remove_file(workspace.dir.path().join("f1.yaml")).expect("removed");
    let ran = undo(&workspace, &["--include-unmanaged"]);
    assert_eq!(
        (ran.code, uses(&workspace)),
        (0, [100, 20]),
        "{}",
        ran.stderr
    );
}
