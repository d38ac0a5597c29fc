//! Schemas: fresh, accepting what we accept, refusing what we refuse.

use std::path::Path;

use entitle::provider;
use entitle::render::schema;
use serde_json::Value as Json;

use super::cli::lac_workspace;
use super::examples::files_below;
use super::support::golden;

#[test]
fn the_schemas_in_the_repository_are_fresh() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let faults = entitle::cli::all_schemas().filter_map(|(name, schema)| {
        let text = serde_json::to_string_pretty(&schema).expect("JSON is printable") + "\n";
        assert!(!text.contains("`None`"), "{name} speaks of Rust");
        golden::compare(&dir.join(name), &text).err()
    });
    golden::all_well(faults.collect());
}

fn documents(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).expect("readable");
    serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).expect("YAML as JSON"))
        .collect()
}

#[test]
fn the_manifest_schema_accepts_every_example() {
    let validator = jsonschema::validator_for(&schema::manifest_schema()).expect("a valid schema");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    let folders = ["examples", "companies"].map(|name| files_below(&root.join(name)));
    for file in folders.concat() {
        let documents = documents(&file).into_iter();
        for document in documents.filter(|document| document.get("apiVersion").is_some()) {
            let faults = validator.iter_errors(&document);
            let faults: Vec<String> = faults.map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{}: {faults:?}", file.display());
            seen += 1;
        }
    }
    let kinds = provider::all_kinds().count();
    assert!(seen >= 3 * kinds, "only {seen} example documents");
}

#[test]
fn the_manifest_schema_accepts_every_member_of_our_own_kinds() {
    let validator = jsonschema::validator_for(&schema::manifest_schema()).expect("a valid schema");
    let file = golden::tests_dir().join("own-kinds/every-member.yaml");
    for document in documents(&file) {
        let faults = validator.iter_errors(&document);
        let faults: Vec<String> = faults.map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?} in {document:#}");
    }
}

#[test]
fn the_manifest_schema_refuses_what_one_document_shows_to_be_wrong() {
    let validator = jsonschema::validator_for(&schema::manifest_schema()).expect("a valid schema");
    // Codes whose fault a schema of one document can see.
    for name in [
        "unknown-field",
        "unknown-kind",
        "unknown-version",
        "wrong-type",
        "bad-choice",
        "out-of-range",
        "cannot-clear",
        "missing-field",
        "literal-secret",
        "bad-auth",
        "bad-secret",
        "empty-secret-source",
        "bad-notification",
        "bad-policy",
        "bad-name",
        "project",
        "accepted-drift",
        "unknown-vendor",
    ] {
        let file = golden::tests_dir()
            .join("invalid")
            .join(name)
            .join("manifest.yaml");
        let refused = documents(&file)
            .iter()
            .any(|document| !validator.is_valid(document));
        assert!(refused, "the schema accepts tests/invalid/{name}");
    }
}

#[test]
fn a_value_of_the_environment_may_stand_in_an_object_and_a_parameter_not() {
    use serde_json::json;
    let validator = jsonschema::validator_for(&schema::manifest_schema()).expect("a valid schema");
    let order = |key: Json, seats: Json| {
        let mut order = json!({
            "apiVersion": "entitle.dev/v1", "kind": "LacLicenseOrder", "metadata": {"name": "rivers"},
            "spec": {"desired": {"customer_id": 2}},
        });
        order["spec"]["activationKey"] = key;
        order["spec"]["desired"]["activations_allowed"] = seats;
        order
    };
    let named = |name: &str| json!({name: "seats.floor"});
    assert!(validator.is_valid(&order(json!("K-1"), json!(7))));
    assert!(validator.is_valid(&order(named("value"), named("value"))));
    assert!(!validator.is_valid(&order(named("param"), json!(7))));
    assert!(!validator.is_valid(&order(json!("K-1"), named("param"))));
    assert!(!validator.is_valid(&order(json!("K-1"), json!("many"))));
}

/// An edition of LAC's orders with these fields, as they are and from July on.
fn edition(desired: &Json) -> Json {
    serde_json::json!({
        "apiVersion": "entitle.dev/v1", "kind": "Edition", "metadata": {"name": "basic"},
        "spec": {
            "for": "LacLicenseOrder",
            "parameters": {"seats": {"type": "integer"}},
            "desired": desired,
            "changes": [{"from": "2027-07-01", "desired": desired}],
        },
    })
}

#[test]
fn the_fields_of_an_edition_are_those_of_its_kind() {
    use serde_json::json;
    let validator = jsonschema::validator_for(&schema::manifest_schema()).expect("a valid schema");
    let viewer = |member: &str, value: Json| {
        let mut viewer = json!({"name": "Viewer", "version": "2.0"});
        viewer[member] = value;
        json!({"Features": [viewer]})
    };
    for accepted in [
        json!({}),
        json!({"activations_allowed": 7, "enabled": true}),
        json!({"activations_allowed": {"param": "seats"}}),
        json!({"activations_allowed": {"value": "seats.floor"}}),
        json!({"Features": {"value": "features"}}),
        viewer("count", json!({"param": "seats"})),
        viewer("absent", json!(true)),
        viewer("version", json!({"param": "version"})),
    ] {
        let edition = edition(&accepted);
        let faults = validator.iter_errors(&edition);
        let faults: Vec<String> = faults.map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?} in {accepted}");
    }
    for refused in [
        json!({"activations_alowed": 7}),
        json!({"activations_allowed": "many"}),
        json!({"activations_allowed": {"parm": "seats"}}),
        json!({"activations_allowed": {"param": "seats", "value": "seats"}}),
        json!({"enabled": 1}),
        json!({"Features": [{"version": "2.0"}]}),
        viewer("cuont", json!(1)),
        viewer("absent", json!(false)),
        // A field of another kind.
        json!({"allowedActivations": 7}),
    ] {
        let mut now = edition(&refused);
        assert!(!validator.is_valid(&now), "{refused} is accepted");
        now["spec"]["desired"] = json!({});
        assert!(
            !validator.is_valid(&now),
            "{refused} is accepted in a change"
        );
        let object = json!({
            "apiVersion": "entitle.dev/v1", "kind": "LacLicenseOrder", "metadata": {"name": "rivers"},
            "spec": {
                "activationKey": "K-1", "desired": {"customer_id": 1},
                "changes": [{"from": "2027-07-01", "desired": refused}],
            },
        });
        assert!(
            !validator.is_valid(&object),
            "{refused} is accepted in an object's change"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_small_commands_are_as_their_schemas_say() {
    let workspace = lac_workspace(1, false).await;
    let commands: [(&str, &[&str]); 6] = [
        ("version.json", &["version", "--json"]),
        ("doctor.json", &["doctor", "--format", "json"]),
        ("doctor.json", &["doctor", "nowhere", "--format", "json"]),
        ("unmanaged.json", &["unmanaged", "--format", "json"]),
        ("validate.json", &["validate", "--format", "json"]),
        (
            "validate.json",
            &["validate", "lac.yaml", "--format", "json"],
        ),
    ];
    for (name, command) in commands {
        let ran = workspace.run(command);
        let document: Json = serde_json::from_str(&ran.stdout).expect("JSON");
        let schema = entitle::cli::all_schemas().find(|(file, _)| *file == name);
        let (_, mut schema) = schema.expect("there");
        let validator = jsonschema::validator_for(&schema).expect("a valid schema");
        let faults = validator.iter_errors(&document);
        let faults: Vec<String> = faults.map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?} in {document:#}");
        // Every member is described, and none is missing from the schema.
        schema["additionalProperties"] = false.into();
        let validator = jsonschema::validator_for(&schema).expect("a valid schema");
        assert!(validator.is_valid(&document), "{document:#}");
    }
}
