//! Authoring beyond one file for each object: what sets, editions, environments and dated changes make of it, and where
//! each value comes from.

mod commands;
mod descent;
mod environments;
mod left;
mod masses;
mod rendered;
mod rows;

use entitle::manifest::Loaded;
use entitle::reconcile::written::WrittenManifests;
use entitle::reconcile::{self, CheckOptions, Checked, EnvironmentChoice};

use super::support::layers::{self, CONNECTIONS, Texts, options};

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

fn load(texts: Texts<'_>) -> Loaded {
    layers::load(texts, ("customers.csv", ROWS.as_bytes()))
}

fn in_environment(name: &str, day: &str) -> CheckOptions {
    options(EnvironmentChoice::Named(name.into()), day)
}

fn write(texts: Texts<'_>, options: &CheckOptions) -> WrittenManifests {
    let findings = check(texts, options).findings;
    assert!(findings.is_empty(), "{findings:?}");
    WrittenManifests::of(&load(texts), options)
}

fn check(texts: Texts<'_>, options: &CheckOptions) -> Checked {
    reconcile::check_manifests(load(texts), options)
}
