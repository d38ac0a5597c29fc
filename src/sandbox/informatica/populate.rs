//! More sub-organizations, made from the vendor's example, and the manifests that match them.

use std::sync::Arc;

use serde_json::json;

use super::account::{Account, Org};
use super::licence::Licence;
use crate::sandbox::pseudo_random;

/// The counter from which the ids of populated organizations are derived, far from those of sessions.
const FIRST: u64 = 1 << 31;
/// The number of different licences: organizations differ in one limit only, so they share these.
const KINDS: usize = 8;

/// Returns the id of the organization at an index.
fn org_id(index: usize) -> String {
    pseudo_random::derive_text(FIRST + index as u64, 22, pseudo_random::ALPHANUMERIC)
}

/// Returns the limit of a licence by its number, from 0.
fn limit_value(kind: usize) -> usize {
    25 + 25 * kind
}

impl Account {
    /// Adds this many sub-organizations to the organization of the first user.
    pub fn populate(&mut self, objects: usize) {
        let Some(parent) = self.users.first().map(|user| user.org.clone()) else {
            return;
        };
        let kinds: Vec<Arc<Licence>> = (0..KINDS)
            .map(|kind| {
                Arc::new(Licence {
                    licenses: vec![json!({"licenseType": "SUBSCRIPTION", "expirationDate": "2030-06-30T23:59:59Z", "licenseDef": "a5Xjp3VF3sjcyZUDa6UaWh"})],
                    editions: vec![
                        json!({"expirationDate": "2030-06-30T23:59:59Z", "edition": "4sdvnCrYEjfcKjTvAoigEF"}),
                        json!({"expirationDate": "2029-10-06T18:00:08Z", "edition": "5SPzPwEFvBEds8LzVwXX4K"}),
                    ],
                    limits: vec![json!({"value": limit_value(kind), "limitDefinition": "09cX4Tmi1qSfrS997ORMYl"})],
                })
            })
            .collect();
        for index in 0..objects {
            self.add_org(Org {
                id: org_id(index),
                name: format!("Branch {}", index + 1),
                parent: Some(parent.clone()),
                licence: Arc::clone(&kinds[index % KINDS]),
            });
        }
    }
}

/// Writes the manifest of the organization at an index; one that `differs` desires a limit higher by 10.
pub fn write_manifest(index: usize, _objects: usize, differs: bool) -> String {
    let limit = limit_value(index % KINDS) + if differs { 10 } else { 0 };
    format!(
        "\
apiVersion: entitle.dev/v1
kind: InformaticaOrgLicense
metadata:
  name: branch-{number}
spec:
  orgId: {id}
  desired:
    customLicenses:
      - licenseDef: a5Xjp3VF3sjcyZUDa6UaWh
        licenseType: SUBSCRIPTION
        expirationDate: 2030-06-30T23:59:59Z
    assignedEditions:
      - edition: 4sdvnCrYEjfcKjTvAoigEF
        expirationDate: 2030-06-30T23:59:59Z
      - edition: 5SPzPwEFvBEds8LzVwXX4K
        expirationDate: 2029-10-06T18:00:08Z
    customLimits:
      - limitDefinition: 09cX4Tmi1qSfrS997ORMYl
        value: {limit}
",
        number = index + 1,
        id = org_id(index),
    )
}
