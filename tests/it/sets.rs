//! Sets and environments: an object of a row is the same as one that is written out, and every fault is shown in its row.

use entitle::model::dated::ReadingTime;
use entitle::reconcile::{self, CheckOptions, Checked, EnvironmentChoice};

use super::support::layers::{self, CONNECTIONS, objects};
use super::support::pure;

const ENVIRONMENTS: &str = "
apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: staging}
spec:
  values: {seats: {floor: 5}, features: [Viewer]}
  connections: {lac: lac-staging}
---
apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: production}
spec:
  values: {seats: {floor: 50}}
  connections: {lac: lac-production}
";

const BASIC: &str = r#"
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: basic}
spec:
  for: LacLicenseOrder
  parameters:
    seats: {type: integer, default: 10, maximum: 100}
  desired: {enabled: true, activations_allowed: {param: seats}}
"#;

const SET: &str = r#"
apiVersion: entitle.dev/v1
kind: ObjectSet
metadata: {name: customers}
spec:
  for: LacLicenseOrder
  forEach: {rows: {file: customers.csv}}
  template:
    metadata:
      name: "{customer}-cad"
      labels: {tier: "{tier}"}
    spec:
      connection: lac-staging
      activationKey: "{key}"
      edition: {name: basic, with: {seats: {column: seats}}}
      desired:
        customer_id: {column: id}
        description: "{no pattern}"
        Features:
          - {name: Viewer, version: "2.0", count: {column: viewers, default: 1}}
"#;

/// The objects of [`ROWS`], written out.
const WRITTEN_OUT: &str = r#"
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: rivers-cad, labels: {tier: gold}}
spec:
  connection: lac-staging
  activationKey: K-1
  desired:
    enabled: true
    activations_allowed: 25
    customer_id: 1
    description: "{no pattern}"
    Features: [{name: Viewer, version: "2.0", count: 1}]
---
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: brooks-cad, labels: {tier: "silver; new"}}
spec:
  connection: lac-staging
  activationKey: K-2
  desired:
    enabled: true
    activations_allowed: 7
    customer_id: 2
    description: "{no pattern}"
    Features: [{name: Viewer, version: "2.0", count: 3}]
"#;

const ROWS: &str =
    "customer,id,key,seats,viewers,tier\nrivers,1,K-1,25,,gold\nbrooks,2,K-2,7,3,silver; new\n";

fn check(texts: &[(&str, &str)], rows: &[u8], environment: EnvironmentChoice) -> Checked {
    let loaded = layers::load(texts, ("team/customers.csv", rows));
    let options = CheckOptions {
        environment,
        ..CheckOptions::default()
    };
    reconcile::check_manifests(loaded, &options)
}

/// The set over some rows.
fn check_rows(rows: &[u8]) -> Checked {
    let texts = [
        ("c", CONNECTIONS),
        ("team/b", BASIC),
        ("team/set.yaml", SET),
    ];
    check(&texts, rows, EnvironmentChoice::Only)
}

/// The findings as a user sees their first lines.
fn findings(checked: &Checked) -> Vec<String> {
    let shown = checked.findings.iter().map(|finding| {
        let related = finding.related.as_ref();
        let related = related.map(|(origin, words)| {
            format!(" | {words} {}:{}", origin.source.name, origin.mark.line)
        });
        let origin = finding.origin.as_ref();
        let place = origin.map(|origin| format!("{}:{}: ", origin.source.name, origin.mark.line));
        let (place, related) = (place.unwrap_or_default(), related.unwrap_or_default());
        format!("{place}{}{related}", finding.message)
    });
    shown.collect()
}

#[test]
fn a_set_is_its_objects_written_out_whatever_writes_the_table() {
    let expected = objects(&pure::check(&[("c", CONNECTIONS), ("o", WRITTEN_OUT)]));
    let quoted = ROWS
        .replace("silver; new", "\"silver; new\"")
        .replace("rivers", "\"rivers\"");
    let semicolons = ROWS
        .replace("silver; new", "\"silver; new\"")
        .replace(',', ";");
    let cases = [
        ROWS.to_string(),
        quoted,
        format!("\u{feff}{semicolons}"),
        ROWS.replace(',', "\t"),
        ROWS.replace('\n', "\r\n"),
        ROWS.trim_end().to_string(),
        format!("{ROWS},,,,,\n\n"),
        ROWS.replace(",id,", ", id ,").replace(",1,", ", 1 ,"),
    ];
    for rows in cases {
        assert_eq!(objects(&check_rows(rows.as_bytes())), expected, "{rows}");
    }
}

#[test]
fn rows_in_the_manifest_and_in_json_have_the_types_that_are_written() {
    let expected = objects(&pure::check(&[("c", CONNECTIONS), ("o", WRITTEN_OUT)]));
    let rows = r#"[{"customer": "rivers", "id": 1, "key": "K-1", "seats": 25, "tier": "gold"},
        {"customer": "brooks", "id": 2, "key": "K-2", "seats": 7, "viewers": 3, "tier": "silver; new"}]"#;
    let here = SET.replace("{file: customers.csv}", rows);
    let texts = [("c", CONNECTIONS), ("b", BASIC), ("s", here.as_str())];
    assert_eq!(objects(&pure::check(&texts)), expected);
    let json = SET.replace("customers.csv", "customers.json");
    let texts = [("c", CONNECTIONS), ("b", BASIC), ("s", json.as_str())];
    let loaded = layers::load(&texts, ("customers.json", rows.as_bytes()));
    let checked = reconcile::check_manifests(loaded, &CheckOptions::default());
    assert_eq!(objects(&checked), expected);
}

#[test]
fn a_fault_of_a_cell_is_shown_in_its_row_with_the_place_that_uses_it() {
    let cases = [
        (
            ROWS.replace(",25,", ",many,"),
            "team/customers.csv:2: column `seats`: \"many\" is no integer | it is used here team/set.yaml:15",
        ),
        (
            ROWS.replace(",25,", ",,"),
            "team/customers.csv:2: column `seats` is empty | it is used here team/set.yaml:15",
        ),
        (
            ROWS.replace(",7,", ",700,"),
            "team/customers.csv:3: `seats` must be at most 100, not 700 | it is declared here team/b:8",
        ),
        (
            ROWS.replace(",7,3,", ",7,-3,"),
            "team/customers.csv:3: `Features[Viewer 2.0].count`: must be from 0 to 2147483647, not -3 | it is used here team/set.yaml:20",
        ),
        (
            ROWS.replace("brooks", "rivers"),
            "team/customers.csv:3: LacLicenseOrder/rivers-cad is defined twice | it is defined here first team/customers.csv:2",
        ),
        (
            ROWS.replace("rivers,", "Rivers GmbH,"),
            "team/customers.csv:2: the name \"Rivers GmbH-cad\" must consist of lower-case letters, digits, '-' and '.', and each part between dots must start and end with a letter or digit | it is used here team/set.yaml:10",
        ),
    ];
    for (rows, expected) in cases {
        assert_eq!(findings(&check_rows(rows.as_bytes())), [expected], "{rows}");
    }
}

#[test]
fn a_table_that_is_none_is_refused_where_it_goes_wrong() {
    let cases: [(Vec<u8>, &str); 9] = [
        (
            b"".into(),
            "team/customers.csv:1: the file has no line with the names of its columns",
        ),
        (
            ROWS.replace("gold", "gold,,").into(),
            "team/customers.csv:2: the line has 8 cells, and the table has 6 columns",
        ),
        (
            ROWS.replace(",25,", ",=A1+1,").into(),
            "team/customers.csv:2: the cell holds a formula, \"=A1+1\", and not its result",
        ),
        (
            ROWS.replace("viewers", "seats").into(),
            "team/customers.csv:1: two columns are called `seats`",
        ),
        (
            ROWS.replace("silver; new", "\"silver").into(),
            "team/customers.csv:3: the cell has no quote at its end",
        ),
        (
            ROWS.replace("viewers", "views").into(),
            "team/set.yaml:20: no row has a column `viewers`",
        ),
        (
            [b"customer,id,key,seats,viewers,tier\nm\xfcller,1,K,2,3,x\n".to_vec()].concat(),
            "team/set.yaml:7: the file is not UTF-8 text",
        ),
        (
            b"customer\0".into(),
            "team/set.yaml:7: the file has a NUL byte, so it is not a manifest",
        ),
        (
            ROWS.replace(',', ":").into(),
            "team/set.yaml:10: no row has a column `customer`",
        ),
    ];
    for (rows, expected) in cases {
        let found = findings(&check_rows(&rows));
        assert!(
            found
                .first()
                .is_some_and(|first| first.starts_with(expected)),
            "{expected}\n{found:?}"
        );
    }
}

#[test]
fn a_fault_of_the_template_is_told_once_for_all_rows() {
    let set = SET.replace("description:", "descripton:");
    let texts = [
        ("c", CONNECTIONS),
        ("team/b", BASIC),
        ("team/set.yaml", set.as_str()),
    ];
    let found = findings(&check(&texts, ROWS.as_bytes(), EnvironmentChoice::Only));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("team/set.yaml:18: unknown field `descripton`"),
        "{found:?}"
    );
}

/// An object that differs between environments in its id, its seats and its account.
const ORDER: &str = "
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: rivers}
spec:
  connection: lac
  activationKey: {value: keys.rivers}
  edition: {name: basic, with: {seats: {value: seats.floor}}}
  desired: {customer_id: {value: customer}}
";

fn environment(name: &str, seats: u32) -> String {
    format!(
        "
apiVersion: entitle.dev/v1
kind: Environment
metadata: {{name: {name}}}
spec:
  values: {{seats: {{floor: {seats}}}, keys: {{rivers: K-{name}}}, customer: {seats}}}
  connections: {{lac: lac-{name}}}
"
    )
}

#[test]
fn an_object_has_the_values_and_the_account_of_its_environment() {
    let (staging, production) = (environment("staging", 5), environment("production", 50));
    let texts = [
        ("c", CONNECTIONS),
        ("b", BASIC),
        ("s", &staging),
        ("p", &production),
        ("o", ORDER),
    ];
    for (name, seats) in [("staging", 5), ("production", 50)] {
        let written = format!(
            "
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {{name: rivers}}
spec:
  connection: lac-{name}
  activationKey: K-{name}
  desired: {{enabled: true, activations_allowed: {seats}, customer_id: {seats}}}
"
        );
        let expected = objects(&pure::check(&[("c", CONNECTIONS), ("o", &written)]));
        let checked = check(&texts, b"", EnvironmentChoice::Named(name.into()));
        assert_eq!(objects(&checked), expected);
        assert_eq!(checked.source.environment.as_deref(), Some(name));
    }
    let only = [texts[0], texts[1], texts[2], texts[4]];
    let checked = check(&only, b"", EnvironmentChoice::Only);
    assert_eq!(checked.source.environment.as_deref(), Some("staging"));
}

#[test]
fn an_environment_that_is_not_clear_is_refused() {
    let (staging, production) = (environment("staging", 5), environment("production", 50));
    let all = [
        ("c", CONNECTIONS),
        ("b", BASIC),
        ("s", &staging),
        ("p", &production),
        ("o", ORDER),
    ];
    let named = |name: &str| EnvironmentChoice::Named(name.into());
    let found = findings(&check(&all, b"", EnvironmentChoice::Only));
    let expected = "p:2: 2 environments are defined, and none is chosen | another one is here s:2";
    assert_eq!(found, [expected]);
    let found = findings(&check(&all, b"", named("stagin")));
    assert!(
        found
            .iter()
            .any(|one| one.contains("there is no environment `stagin`")),
        "{found:?}"
    );
    let none = [all[0], all[1], all[4]];
    let found = findings(&check(&none, b"", EnvironmentChoice::Only));
    assert!(
        found.iter().any(|one| one
            .starts_with("o:7: `keys.rivers` is a value of an environment, and none is chosen")),
        "{found:?}"
    );
    let lacking = staging.replace("floor", "least");
    let texts = [
        ("c", CONNECTIONS),
        ("b", BASIC),
        ("s", &lacking),
        ("o", ORDER),
    ];
    let found = findings(&check(&texts, b"", EnvironmentChoice::Only));
    assert_eq!(
        found,
        ["o:8: environment `staging` has no value `seats.floor`"]
    );
    let odd = staging.replace("floor: 5", "floor: five");
    let texts = [("c", CONNECTIONS), ("b", BASIC), ("s", &odd), ("o", ORDER)];
    let found = findings(&check(&texts, b"", EnvironmentChoice::Only));
    assert_eq!(
        found,
        ["s:6: `seats` must be an integer, not text \"five\" | it is declared here b:8"]
    );
    let lost = staging.replace("lac-staging", "lac-stage");
    let texts = [("c", CONNECTIONS), ("b", BASIC), ("s", &lost), ("o", ORDER)];
    let found = findings(&check(&texts, b"", EnvironmentChoice::Only));
    assert!(
        found
            .iter()
            .any(|one| one.starts_with("s:7: there is no connection `lac-stage`")),
        "{found:?}"
    );
}

#[test]
fn the_environments_of_one_file_are_as_the_texts_of_the_examples_say() {
    let texts = [("c", CONNECTIONS), ("e", ENVIRONMENTS)];
    let checked = check(&texts, b"", EnvironmentChoice::Named("production".into()));
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
}

#[test]
fn a_field_called_value_and_free_json_are_no_names() {
    let field = "
apiVersion: entitle.dev/v1
kind: LicenseSpringLicenseCustomField
metadata: {name: floor}
spec:
  licenseCustomField: {license: 7, product_custom_field: 51}
  desired: {value: seats.floor}
";
    let checked = pure::check(&[("f", field)]);
    let found = findings(&checked);
    assert!(
        !found.iter().any(|one| one.contains("environment")),
        "{found:?}"
    );
    let value = checked.desired[0].fields.get("value");
    assert_eq!(
        value,
        Some(entitle::model::Value::Text("seats.floor".into()))
    );
}

/// Its fields are one map with the one member `value`, which is no name of a value then.
#[test]
fn a_field_called_value_is_a_field() {
    let connection = CONNECTIONS
        .split("---")
        .next()
        .expect("one")
        .replace("vendor: lac", "vendor: licensespring")
        .replace("{token: ", "{apiKey: ");
    let object = |members: &str| {
        format!(
            "
apiVersion: entitle.dev/v1
kind: LicenseSpringLicenseCustomField
metadata: {{name: cores}}
spec:
  licenseCustomField: {{license: 1593781720493289, product_custom_field: 51}}
  {members}
"
        )
    };
    let edition = "
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: large}
spec: {for: LicenseSpringLicenseCustomField, desired: {value: '24'}}
";
    let environment = environment("staging", 24);
    let environment = environment.replace("connections: {lac: lac-staging}", "");
    let expected = objects(&pure::check(&[
        ("c", &connection),
        ("o", &object("desired: {value: '24'}")),
    ]));
    assert_eq!(expected.len(), 1);
    for members in [
        "edition: {name: large}",
        "edition: {name: large}\n  desired: {value: '24'}",
        "desired: {value: '3'}\n  changes: [{from: 2000-01-01, desired: {value: '24'}}]",
    ] {
        let object = object(members);
        let texts = [
            ("c", connection.as_str()),
            ("e", edition),
            ("v", &environment),
            ("o", &object),
        ];
        let loaded = layers::load(&texts, ("none.csv", b""));
        let options = CheckOptions {
            time: ReadingTime::now(pure::now()),
            ..CheckOptions::default()
        };
        let checked = reconcile::check_manifests(loaded, &options);
        assert_eq!(objects(&checked), expected, "{members}");
    }
}
