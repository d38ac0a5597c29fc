//! Manifests in which objects are put together of everything: an environment, editions, a table, dated changes.

pub const FILES: [(&str, &str); 5] = [
    ("environments.yaml", ENVIRONMENTS),
    ("editions.yaml", EDITIONS),
    ("customers.yaml", CUSTOMERS),
    ("customers.csv", ROWS),
    ("order.yaml", ORDER),
];

const ENVIRONMENTS: &str = r#"apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: staging}
spec:
  values:
    seats: {floor: 5}
    keys: {brooks: K7Q2M-9ZB4T-X3WDN-5RC8V}
  connections: {lac: lac-staging}
  scope: licences-staging
  timeZone: Europe/Berlin
---
apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: production}
spec:
  values:
    seats: {floor: 50}
    keys: {brooks: K7Q2M-9ZB4T-X3WDN-5RC8V}
  connections: {lac: lac-production}
---
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac-staging}
spec: {vendor: lac, baseUrl: "https://lac-staging.example.com", auth: {token: {env: LAC_STAGING_TOKEN}}}
---
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac-production}
spec: {vendor: lac, baseUrl: "https://lac.example.com", auth: {token: {env: LAC_TOKEN}}}
"#;

const EDITIONS: &str = r#"apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: basic}
spec:
  for: LacLicenseOrder
  desired:
    enabled: true
    description: basic
---
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: professional}
spec:
  for: LacLicenseOrder
  extends: basic
  parameters:
    seats: {type: integer, default: 10, minimum: 1, maximum: 500}
  desired:
    activations_allowed: {param: seats}
  changes:
    - from: 2026-07-01
      desired: {description: professional since July}
"#;

const CUSTOMERS: &str = r#"apiVersion: entitle.dev/v1
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
      connection: lac
      activationKey: "{key}"
      edition: {name: professional, with: {seats: {column: seats, default: 7}}}
      desired:
        customer_id: {column: id}
"#;

const ROWS: &str = "customer,id,key,seats,tier\nrivers,1,II1HP-TX8EQ-R1QXZ-7LYXF,25,gold\n";

// A moment that no reader of today's files will see.
const ORDER: &str = r#"apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: brooks}
spec:
  connection: lac
  activationKey: {value: keys.brooks}
  desired:
    customer_id: 2
    activations_allowed: {value: seats.floor}
  changes:
    - from: 2026-06-01
      desired: {description: of the brooks}
    - from: 2199-10-01T06:00:00+02:00
      desired: {activations_allowed: 40}
"#;
