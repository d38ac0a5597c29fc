//! More licences with product features, and the manifests that match them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::account::{Account, License, Row, Templates};
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::population::OBJECTS_PER_CUSTOMER;
use crate::sandbox::strict_json::JsonObject;

/// The id of the first populated licence; the vendor's ids have sixteen digits.
const FIRST: u64 = 1_700_000_000_000_001;
/// The id of the first populated customer.
const FIRST_CUSTOMER: usize = 5001;

/// Returns the id of the licence at an index.
fn license_id(index: usize) -> u64 {
    FIRST + index as u64
}

/// Returns the `max_consumption` of feature f1 on the licence at an index.
fn consumption_limit(index: usize) -> usize {
    200 + index % 50
}

/// Returns a licence of a customer as a document to load, from which all of that customer are made.
fn model_license(customer: usize) -> Value {
    json!({
        "id": FIRST,
        "status": "Active",
        "customer": {
            "id": customer, "total_orders": 2, "total_licenses": OBJECTS_PER_CUSTOMER, "labels": [],
            "email": format!("licences@customer-{customer}.test"), "first_name": "", "last_name": "",
            "company_name": format!("Customer {customer} Ltd"), "phone": "", "reference": "", "address": "",
            "postcode": "", "city": "", "country": "", "state": "", "clabels_all": "", "cognito_user_pool_id": "",
            "metadata": {}, "company": 277, "license_user": null, "clabels": []
        },
        "product_features": [
            {"product_feature": "f1"},
            {"product_feature": "f3", "max_consumption": 50, "allow_overages": true, "max_overages": 10, "reset_consumption": true, "consumption_period": "monthly", "metadata": {"tier": "gold"}},
            {"product_feature": "f5"}
        ],
        "active": true,
        "license_type": "subscription",
        "validity_period": "2029-07-03",
        "max_activations": 10,
    })
}

impl Account {
    /// Adds this many licences, and a customer for every 50 of them.
    pub(super) fn populate(&mut self, objects: usize) {
        // The models are part of the program, and a test loads them.
        let Ok(templates) = Templates::read() else {
            return;
        };
        let customers = objects.div_ceil(OBJECTS_PER_CUSTOMER);
        let models: Vec<_> = (0..customers)
            .filter_map(|at| self.load_model(model_license(FIRST_CUSTOMER + at), &templates))
            .collect();
        let shared = |row: &Row| Arc::new(row.fields.to_object());
        let rows: Vec<(u64, Arc<JsonObject>)> = models
            .first()
            .into_iter()
            .flat_map(|model| {
                model
                    .rows
                    .iter()
                    .map(|(feature, row)| (*feature, shared(row)))
            })
            .collect();
        let models: Vec<_> = models
            .iter()
            .map(|model| Arc::new(model.fields.to_object()))
            .collect();
        for index in 0..objects {
            let Some(model) = models.get(index % customers) else {
                return;
            };
            let license = self.populated_license(index, model, &rows);
            self.licenses.insert(license_id(index), license);
        }
    }

    /// Loads a licence to get its defaults and takes it out of the account again.
    fn load_model(&mut self, model: Value, templates: &Templates) -> Option<License> {
        self.load_license(model, templates, &mut Vec::new()).ok()?;
        self.licenses.remove(&FIRST)
    }

    /// Returns the licence at an index, which shares most members with its model.
    fn populated_license(
        &mut self,
        index: usize,
        model: &Arc<JsonObject>,
        models: &[(u64, Arc<JsonObject>)],
    ) -> License {
        let overrides = vec![
            ("id".into(), json!(license_id(index))),
            ("order_store_id".into(), json!(format!("ord-{}", index + 1))),
            (
                "license_key".into(),
                json!(format!("SBXP-{:016}", index + 1)),
            ),
            ("times_activated".into(), json!(index % 10)),
        ];
        let mut rows = BTreeMap::new();
        for (at, (feature, shared)) in models.iter().enumerate() {
            // The first row is f1, whose limit differs between licences.
            let overrides = match at {
                0 => vec![
                    ("max_consumption".into(), json!(consumption_limit(index))),
                    ("total_consumptions".into(), json!(index % 200)),
                ],
                _ => Vec::new(),
            };
            let row = Row {
                id: self.new_row_id(),
                fields: LayeredObject::over(shared, overrides),
            };
            rows.insert(*feature, row);
        }
        License {
            fields: LayeredObject::over(model, overrides),
            rows,
        }
    }
}

/// Writes the manifest of the licence at an index; one that `differs` desires a limit higher by 100.
pub fn write_manifest(index: usize, _objects: usize, differs: bool) -> String {
    let uses = consumption_limit(index) + if differs { 100 } else { 0 };
    format!(
        "\
apiVersion: entitle.dev/v1
kind: LicenseSpringLicense
metadata:
  name: ord-{number}
spec:
  licenseId: {id}
  desired:
    product_features:
      - product_feature: f1
        max_consumption: {uses}
      - product_feature: f3
        max_consumption: 50
        allow_overages: true
        max_overages: 10
        reset_consumption: true
        consumption_period: monthly
        metadata: {{tier: gold}}
      - product_feature: f5
",
        number = index + 1,
        id = license_id(index),
    )
}
