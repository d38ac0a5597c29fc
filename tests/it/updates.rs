//! `import` and `import --update` without a network: live values that are awkward to write, and files that are
//! awkward to change.

use std::sync::Arc;

use entitle::manifest::Loaded;
use entitle::model::diagnostic::Source;
use entitle::model::field::find_field;
use entitle::model::{Live, Observed};
use entitle::provider::{self, decode, listing::ListedObject};
use entitle::reconcile::import::{self, ReadObjects};
use entitle::reconcile::{self, CheckOptions, Checked};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::examples::settings;

const CONNECTIONS: &str = "
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac}
spec: {vendor: lac, baseUrl: 'https://lac.example.com', auth: {token: {env: T}}}
---
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: licensespring}
spec: {vendor: licensespring, baseUrl: 'https://ls.example.com', auth: {apiKey: {env: T}}}
---
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: alinea}
spec: {vendor: alinea, baseUrl: 'https://alinea.example.com', auth: {token: {env: T}}}
";

fn checked(manifests: &[&str]) -> Checked {
    let texts = [CONNECTIONS].into_iter().chain(manifests.iter().copied());
    let sources = texts
        .enumerate()
        .map(|(number, text)| Arc::new(Source::new(format!("{number}.yaml"), text.to_string())));
    let loaded = Loaded {
        sources: sources.collect(),
        ..Loaded::default()
    };
    let options = CheckOptions {
        need_connections: true,
        simulators: None,
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(loaded, &options);
    let errors: Vec<String> = checked.findings.iter().map(|f| f.message.clone()).collect();
    assert_eq!(errors, [""; 0], "{manifests:?}");
    checked
}

/// An object of a vendor with these live fields, in the words of the write call.
fn seen(vendor: &str, id: &str, live: &Json) -> ReadObjects {
    let mut all = provider::all_kinds();
    let kind = all.find(|kind| {
        let mut members = live.as_object().expect("an object").keys();
        let known = |name: &String| find_field(kind.table().desired, name).is_some();
        kind.vendor().0 == vendor && members.all(known)
    });
    let kind = kind.expect("a kind that has the fields");
    let table = kind.table();
    let fields = decode::decode_fields(table.desired, live.as_object().expect("an object"));
    let live = Live {
        fields: fields.expect("live fields"),
        ..Live::default()
    };
    ReadObjects {
        connection: vendor.into(),
        kind,
        objects: vec![ListedObject {
            identity: vec![(table.identity[0].name, id.into())],
            observed: Observed::Live(live),
        }],
        failures: Vec::new(),
    }
}

const ORDER: &str = "II1HP-TX8EQ-R1QXZ-7LYXF";
const LICENSE: &str = "1593781720493289";
const ALINEA: &str = "f76ac030-df89-41a9-a62a-b6fbbba5a58c";

/// The manifest as `import --update` leaves it.
fn updated(vendor: &str, id: &str, manifest: &str, live: &Json) -> Result<String, String> {
    let checked = checked(&[manifest]);
    let files = import::update_files(&checked, &[seen(vendor, id, live)], &settings());
    let [updated] = files.as_slice() else {
        panic!("one file");
    };
    match updated.failed.first() {
        Some((_, error)) => Err(error.to_string()),
        None => Ok(updated.file.text()),
    }
}

/// The manifest that `import` writes.
fn imported(vendor: &str, id: &str, live: &Json) -> Result<String, String> {
    let read = [seen(vendor, id, live)];
    let all = import::import_objects(&checked(&[]), &read, None, &settings());
    let all = all.expect("no template");
    let [imported] = all.as_slice() else {
        panic!("one object");
    };
    assert_eq!(imported.omitted, [""; 0]);
    imported.manifest.clone().map_err(|error| error.to_string())
}

fn order(spec: &str) -> String {
    format!(
        "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {{name: o}}\nspec:\n  connection: lac\n  activationKey: {ORDER}\n  desired:\n    customer_id: 1\n{spec}"
    )
}

fn live_order(members: Json) -> Json {
    let mut order = json!({
        "customer_id": 1, "product_template_id": 1, "license_type": "local", "licensee_type": "not_specified",
        "licensee": null, "hostid_match_rate": 100, "min_hostids": 1, "activations_allowed": 10, "enabled": true,
        "description": "", "settings_description": "", "removal": false, "deactivations_allowed": 0,
        "Hostids": [], "Features": []
    });
    let all = order.as_object_mut().expect("an object");
    all.extend(members.as_object().expect("an object").clone());
    order
}

fn feature(name: &str, members: Json) -> Json {
    let mut feature = json!({
        "name": name, "version": "1", "expiration_type": "no_expiration", "expiration_date": null,
        "days_from_activation": null, "issued_type": "not_issued", "issued_date": null, "options": "",
        "additional_settings": "", "enabled": true, "count": null, "maintenance_type": "no_maintenance",
        "maintenance_date": null, "maintenance_days_from_activation": null, "comment": ""
    });
    let all = feature.as_object_mut().expect("an object");
    all.extend(members.as_object().expect("an object").clone());
    feature
}

#[test]
fn removals_go_by_the_whole_way_so_that_no_other_element_is_meant() {
    let manifest = order(
        "    Features:
      - {name: X, version: '1'}
      - {name: A, version: '1', expiration_type: days_from_activation, days_from_activation: 7}
      - {name: B, version: '1', days_from_activation: 9}
",
    );
    let days = json!({"expiration_type": "days_from_activation", "days_from_activation": 9});
    let live = live_order(json!({"Features": [feature("A", json!({})), feature("B", days)]}));
    let text = updated("lac", ORDER, &manifest, &live).expect("an update");
    let expected = order(
        "    Features:
      - {name: A, version: '1', expiration_type: no_expiration}
      - {name: B, version: '1', days_from_activation: 9}
",
    );
    assert_eq!(text, expected);
}

#[test]
fn a_null_in_the_place_of_a_keyed_list_becomes_the_list() {
    let features = [feature("A", json!({})), feature("B", json!({}))];
    let live = live_order(json!({"Features": features}));
    let text = updated("lac", ORDER, &order("    Features: null\n"), &live).expect("an update");
    let read: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("name: "))
        .collect();
    assert_eq!(read.len(), 3, "{text}");
}

#[test]
fn what_only_follows_from_a_change_is_not_looked_for_in_the_file() {
    let live = live_order(json!({
        "license_type": "network", "Features": [feature("A", json!({"count": 10}))]
    }));
    let manifest = order("    license_type: local\n");
    let text = updated("lac", ORDER, &manifest, &live).expect("an update");
    assert_eq!(text, manifest.replace("local", "network"));
}

#[test]
fn a_number_is_compared_by_value_and_a_text_with_a_hash_is_no_comment() {
    let license = "apiVersion: entitle.dev/v1\nkind: LicenseSpringLicense\nmetadata: {name: l}\nspec:\n  connection: licensespring\n  licenseId: 1593781720493289\n  desired:\n    product_features:\n      - {product_feature: f1, max_consumption: 1}\n";
    let live: Json = serde_json::from_str(
        r#"{"product_features": [
            {"product_feature": "f1", "max_consumption": 2, "metadata": {}},
            {"product_feature": "f2", "metadata": {"n": 1e-07, "big": 12345678901234567890123, "x": 0.10}}
        ]}"#,
    )
    .expect("JSON");
    let text = updated("licensespring", LICENSE, license, &live).expect("an update");
    for digits in ["1.0e-07", "12345678901234567890123", "0.10"] {
        assert!(text.contains(digits), "{digits} in {text}");
    }

    let manifest = format!(
        "apiVersion: entitle.dev/v1\nkind: AlineaLicense\nmetadata: {{name: a}}\nspec:\n  connection: alinea\n  licenseId: {ALINEA}\n  desired:\n    ContactPhone: \"a #b\"  # the desk\n    AvailableSeats: 5\n"
    );
    let live = json!({
        "LicenseName": "n", "StartDate": null, "EndDate": null, "UserGroupId": ALINEA, "OwnerId": ALINEA,
        "AvailableSeats": 5, "ContactPersonName": null, "ContactPhone": "c", "ContactEmail": null, "Buffer": 0,
        "Grade": null, "LicenseCategoryId": null, "AllowableUserRoles": [], "IsPaused": false,
        "SeatUserGroupIds": [], "PrivilegedUserRoles": []
    });
    let text = updated("alinea", ALINEA, &manifest, &live).expect("an update");
    assert_eq!(text, manifest.replace("\"a #b\"", "\"c\""));
}

#[test]
fn a_text_keeps_the_quotes_of_the_one_that_it_replaces() {
    let manifest = order(
        "    description: \"old\"   # double\n    settings_description: 'it''s'\n    licensee: plain\n    licensee_type: fixed\n",
    );
    let live = live_order(json!({
        "description": "tab\tand \"é\u{2028}", "settings_description": "o'clock", "licensee": "a: b",
        "licensee_type": "fixed"
    }));
    let text = updated("lac", ORDER, &manifest, &live).expect("an update");
    let expected = order(
        "    description: \"tab\\tand \\\"é\\u2028\"   # double\n    settings_description: 'o''clock'\n    licensee: \"a: b\"\n    licensee_type: fixed\n",
    );
    assert_eq!(text, expected);
}

#[test]
fn a_manifest_in_json_stays_json() {
    let manifest = format!(
        r#"{{
  "apiVersion": "entitle.dev/v1",
  "kind": "LacLicenseOrder",
  "metadata": {{"name": "o"}},
  "spec": {{
    "connection": "lac",
    "activationKey": "{ORDER}",
    "desired": {{
      "customer_id": 1,
      "description": "old",
      "Features": [
        {{"name": "X", "version": "1"}},
        {{"name": "A", "version": "1", "expiration_type": "no_expiration"}}
      ]
    }}
  }}
}}
"#
    );
    let fixed = json!({"expiration_type": "fixed", "expiration_date": "2031-01-01"});
    let new = feature("B", json!({"comment": "two\nlines\u{85}"}));
    for (live, now) in [
        (json!({"description": "License order"}), "an easy change"),
        (
            json!({"description": null, "Features": [feature("A", fixed), new]}),
            "members and elements that come and go",
        ),
        (json!({"description": "x", "Features": []}), "an empty list"),
    ] {
        let text = updated("lac", ORDER, &manifest, &live_order(live)).expect(now);
        let read: Result<Json, _> = serde_json::from_str(&text);
        assert!(read.is_ok(), "{now}: {read:?}\n{text}");
    }
    let live = json!({"description": "new", "Features": [feature("X", json!({})), feature("A", json!({}))]});
    let text = updated("lac", ORDER, &manifest, &live_order(live)).expect("an update");
    assert_eq!(text, manifest.replace("\"old\"", "\"new\""));
}

#[test]
fn a_text_of_lines_that_begins_with_a_tab_is_imported() {
    for text in ["\tx\ny", "\tx\n", "\n\tx", " \tx\ny", "a\n\tx"] {
        let live = live_order(json!({"description": text}));
        let manifest = imported("lac", ORDER, &live).expect("a manifest");
        let other: Json = serde_yaml::from_str(&manifest).expect("YAML");
        assert_eq!(other["spec"]["desired"]["description"], text, "{manifest}");
    }
}

/// Texts that begin, end and go on in any way.
fn awkward() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\t\n\r ax:#'\"\\\\-]{1,12}",
        "\\PC{1,20}",
        any::<String>().prop_filter("not empty", |text| !text.is_empty())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_live_holds_can_be_imported(text in awkward(), key in awkward(), digits in "-?[1-9][0-9]{0,40}(\\.[0-9]{1,20})?(e-?[1-9][0-9]{0,3})?") {
        let live = live_order(json!({
            "description": text, "Features": [feature(&key, json!({"additional_settings": text}))]
        }));
        if !key.trim().is_empty() {
            prop_assert_eq!(imported("lac", ORDER, &live).err(), None);
        }
        let metadata: Json = serde_json::from_str(&format!("{{{}: [{digits}, {}]}}", json!(key), json!(text))).expect("JSON");
        let live = json!({"product_features": [{"product_feature": "f", "metadata": metadata}]});
        prop_assert_eq!(imported("licensespring", LICENSE, &live).err(), None);
    }
}
