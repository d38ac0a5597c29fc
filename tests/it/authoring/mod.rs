//! Authoring beyond one file for each object: what sets, editions, environments and dated changes make of it, and where
//! each value comes from.

mod commands;
mod descent;
mod environments;
mod left;
mod masses;
mod rendered;
mod rows;

use std::sync::Arc;

use entitle::manifest::Loaded;
use entitle::manifest::rows::RowFiles;
use entitle::model::dated::ReadingTime;
use entitle::model::diagnostic::Source;
use entitle::reconcile::written::WrittenManifests;
use entitle::reconcile::{self, CheckOptions, Checked, EnvironmentChoice};

type Texts<'a> = &'a [(&'a str, &'a str)];

const CONNECTIONS: &str = "
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac-staging}
spec: {vendor: lac, baseUrl: 'https://staging.example.com', auth: {token: {env: LAC_TOKEN}}}
---
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac-production}
spec: {vendor: lac, baseUrl: 'https://lac.example.com', auth: {token: {env: LAC_TOKEN}}}
";

const ENVIRONMENTS: &str = "apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: staging}
spec:
  values:
    seats: {floor: 5}
    key: K-STAGING
  connections: {lac: lac-staging}
---
apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: production}
spec:
  values:
    seats: {floor: 50}
    key: K-PRODUCTION
  connections: {lac: lac-production}
";

const BASIC: &str = r#"apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: basic}
spec:
  for: LacLicenseOrder
  parameters:
    seats: {type: integer, default: 10}
  desired:
    enabled: true
    activations_allowed: {param: seats}
    Features:
      - {count: 1, version: "2.0", name: Viewer}
      - {count: 2, version: "3.0", name: Viewer}
"#;

const SET: &str = r#"apiVersion: entitle.dev/v1
kind: ObjectSet
metadata: {name: customers}
spec:
  for: LacLicenseOrder
  forEach: {rows: {file: customers.csv}}
  template:
    metadata:
      name: "{customer}-cad"
      labels: {tier: "{tier}"}
      annotations: {sold-to: "{customer}"}
    spec:
      connection: lac
      activationKey: "{key}"
      policy: {mode: observe, reason: {column: tier}}
      edition: {name: basic, with: {seats: {column: seats}}}
      desired:
        customer_id: {column: id}
"#;

const ROWS: &str = "customer,id,key,seats,tier\nrivers,1,K-1,25,gold\nbrooks,2,K-2,7,silver\n";

const ORDER: &str = "apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: lakes, labels: {team: sales}, annotations: {ticket: T-1}}
spec:
  connection: lac
  activationKey: {value: key}
  policy: {mode: observe, reason: a trial}
  edition: {name: basic, with: {seats: {value: seats.floor}}}
  desired:
    customer_id: 7
    description: of the lakes
  changes:
    - from: 2027-07-01
      desired:
        description: of July
        activations_allowed: 99
";

/// All of the above, of which the order and the set have every layer.
const ALL: Texts<'static> = &[
    ("connections.yaml", CONNECTIONS),
    ("environments.yaml", ENVIRONMENTS),
    ("basic.yaml", BASIC),
    ("set.yaml", SET),
    ("order.yaml", ORDER),
];

fn load(texts: Texts<'_>, rows: &str) -> Loaded {
    let source =
        |(name, text): &(&str, &str)| Arc::new(Source::new((*name).into(), (*text).into()));
    Loaded {
        sources: texts.iter().map(source).collect(),
        row_files: RowFiles::of_commit([("customers.csv".to_string(), rows.into())]),
        ..Loaded::default()
    }
}

/// Options for an environment at the beginning of a day.
fn options(environment: EnvironmentChoice, day: &str) -> CheckOptions {
    let midnight = format!("{day}T00:00:00Z");
    CheckOptions {
        environment,
        time: ReadingTime::now(midnight.parse().expect("a moment")),
        ..CheckOptions::default()
    }
}

fn in_environment(name: &str, day: &str) -> CheckOptions {
    options(EnvironmentChoice::Named(name.into()), day)
}

fn write(texts: Texts<'_>, options: &CheckOptions) -> WrittenManifests {
    let findings = check(texts, options).findings;
    assert!(findings.is_empty(), "{findings:?}");
    WrittenManifests::of(&load(texts, ROWS), options)
}

fn check(texts: Texts<'_>, options: &CheckOptions) -> Checked {
    reconcile::check_manifests(load(texts, ROWS), options)
}
