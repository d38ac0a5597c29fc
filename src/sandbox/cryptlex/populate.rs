//! One more organization with many licences, and the manifests that match them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::account::{Account, License, Organization};
use super::templates::Templates;
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::strict_json::JsonObject;

/// The id of the added organization.
const ORGANIZATION: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c12";
/// The number of its user groups.
const GROUPS: usize = 8;

/// Returns the id of a user group; numbers from 8 start again at the first group.
fn group_id(number: usize) -> String {
    format!("a4f8d1b0-2222-4c22-8f33-{:012}", number % GROUPS + 1)
}

/// Returns the id of the licence at an index.
fn license_id(index: usize) -> String {
    format!("5d0e3c52-8a44-4b6f-9d0f-{:012x}", index + 1)
}

/// Returns the two groups of the licence at an index, and one that it does not have.
fn license_groups(index: usize) -> ([String; 2], String) {
    ([group_id(index), group_id(index + 3)], group_id(index + 5))
}

/// Returns the organization as a document to load, with one licence from which all are made.
fn model_organization() -> Value {
    let groups = (0..GROUPS).map(|number| {
        let id = group_id(number);
        json!({"id": id, "name": format!("Team {}", number + 1), "totalUsers": 10 + number})
    });
    json!({
        "id": ORGANIZATION,
        "createdAt": "2025-03-01T08:00:00Z",
        "name": "Delta Works",
        "email": "it@delta.example",
        "allowedUsers": 100_000,
        "userGroups": groups.collect::<Vec<_>>(),
        "licenses": [{
            "id": license_id(0),
            "createdAt": "2025-03-05T10:00:17.9361143Z",
            "updatedAt": "2025-09-15T07:44:51.2280094Z",
            "type": "hosted-floating",
            "validity": 31_536_000,
            "subscriptionInterval": "P1Y",
            "allowedActivations": 60,
            "allowedDeactivations": 10,
            "allowedFloatingClients": 60,
            "leaseDuration": 3600,
            "expiresAt": "2028-03-05T10:00:17.9361143Z",
            "effectiveDate": "2025-03-05T10:00:17.9361143Z",
            "metadata": [{
                "id": "3d5f1a80-7c44-4f0e-8f6b-2b9a6f3c5e02", "createdAt": "2025-03-05T10:00:17.9361143Z",
                "updatedAt": "2025-03-05T10:00:17.9361181Z", "key": "cost-centre", "value": "4712"
            }],
            "productVersion": {"displayName": "Professional"},
            "entitlementSet": {"name": "professional"},
        }],
    })
}

impl Account {
    /// Adds an organization with this many licences, which share all members but four.
    pub(super) fn populate(&mut self, objects: usize) {
        let templates = Templates::read();
        let loaded =
            templates.and_then(|templates| Organization::load(model_organization(), &templates));
        // The model is part of the program, and a test loads it.
        let Ok((organization, model)) = loaded else {
            return;
        };
        let Ok(owner) = self.organizations.add(ORGANIZATION, organization) else {
            return;
        };
        let shared = model.first().map(|license| license.fields.to_object());
        let shared: Arc<JsonObject> = Arc::new(shared.unwrap_or_default());
        for index in 0..objects {
            let id = license_id(index);
            let overrides = vec![
                ("id".into(), json!(id)),
                ("key".into(), json!(format!("SANDBOX-KEY-{id}"))),
                ("totalActivations".into(), json!(index % 50)),
            ];
            let license = License {
                organization: Some(owner),
                fields: LayeredObject::over(&shared, overrides),
                groups: license_groups(index).0.into(),
            };
            // The ids are counted, so none is taken.
            let _ = self.licenses.add(&id, license);
        }
    }
}

/// Writes the manifest of the licence at an index; one that `differs` desires one more group.
pub fn write_manifest(index: usize, _objects: usize, differs: bool) -> String {
    let ([first, second], third) = license_groups(index);
    let third = if differs {
        format!("      - {third}\n")
    } else {
        String::new()
    };
    format!(
        "\
apiVersion: entitle.dev/v1
kind: CryptlexOrganizationLicense
metadata:
  name: license-{number}
spec:
  organizationId: {ORGANIZATION}
  licenseId: {id}
  desired:
    userGroupIds:
      - {first}
      - {second}
{third}",
        number = index + 1,
        id = license_id(index),
    )
}
