//! More orders and customers, made from the vendor's example order, and the manifests that match them.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::{Value, json};

use super::account::{Account, Order, activation_key_from};
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::population::OBJECTS_PER_CUSTOMER;
use crate::sandbox::strict_json::JsonObject;

/// The counter from which the keys of populated orders are derived, far from those of new orders.
const FIRST_KEY: u64 = 1 << 31;
/// The id of the first populated customer.
const FIRST_CUSTOMER: i64 = 1001;
/// The number of different seat counts; orders with the same one share most members.
const KINDS: usize = 5;

/// The members in which populated orders differ.
struct PopulatedOrder {
    key: String,
    customer: i64,
    activations: usize,
    seats: usize,
}

impl PopulatedOrder {
    fn new(index: usize, objects: usize) -> Self {
        let customers = objects.div_ceil(OBJECTS_PER_CUSTOMER);
        Self {
            // Indexes are far below 2^31, so keys differ from each other and from those of new orders.
            key: activation_key_from(FIRST_KEY + index as u64),
            customer: FIRST_CUSTOMER + (index % customers) as i64,
            activations: 10 + index % 90,
            seats: seat_count(index % KINDS),
        }
    }
}

/// Returns the seats of an order's first feature, by the number of its kind.
fn seat_count(kind: usize) -> usize {
    15 + 10 * kind
}

impl Account {
    /// Adds this many orders, and a customer for every 50 of them.
    pub fn populate(&mut self, objects: usize) {
        for at in 0..objects.div_ceil(OBJECTS_PER_CUSTOMER) {
            let id = FIRST_CUSTOMER + at as i64;
            self.put_customer(id, new_customer(id));
        }
        let Some(example) = self.orders.first().cloned() else {
            return;
        };
        let kinds: Vec<Arc<JsonObject>> = (0..KINDS)
            .map(|kind| {
                let mut shared = example.settings.to_object();
                shared["Features"][0]["count"] = json!(seat_count(kind));
                Arc::new(shared)
            })
            .collect();
        for index in 0..objects {
            let planted = PopulatedOrder::new(index, objects);
            let overrides = vec![
                ("customer_id".into(), json!(planted.customer)),
                ("activations_allowed".into(), json!(planted.activations)),
                ("description".into(), json!(order_description(index))),
            ];
            self.add_order(Order {
                key: planted.key,
                activated: (index % 10) as i64,
                settings: LayeredObject::over(&kinds[index % KINDS], overrides),
                text: OnceCell::new(),
                ..example.clone()
            });
        }
    }
}

/// Returns the description of the order at an index.
fn order_description(index: usize) -> String {
    format!("Order {}", index + 1)
}

/// Returns a customer with every member that a read prints.
fn new_customer(id: i64) -> JsonObject {
    let contact = |number: i64, name: &str| {
        let contact = 10 * id + number;
        json!({"id": contact.to_string(), "name": name, "email": format!("{number}@customer-{id}.test"),
            "customer_id": id.to_string(), "creation_time": MADE, "update_time": MADE})
    };
    const MADE: &str = "2019-08-14 10:57:03";
    let customer = json!({
        "id": id.to_string(), "name": format!("Customer {id} Ltd"), "description": "desc",
        "phone_number": "779.790.4969x1425", "fax_number": "(536)600-8229",
        "street": format!("{id} Santiago Groves"), "city": "Shortport", "country": "USA",
        "zip_code": "62448", "state": "South Carolina",
        "creation_time": MADE, "update_time": MADE,
        "Contacts": [contact(1, "James Taylor"), contact(2, "Victor Martinez")],
        "CustomTags": [{"tag_name": "custom_tag_1", "value": "Gouldton", "creation_time": MADE, "update_time": MADE}],
    });
    match customer {
        Value::Object(customer) => customer,
        _ => JsonObject::new(),
    }
}

/// Writes the manifest of the order at an index; one that `differs` desires five more activations.
pub fn write_manifest(index: usize, objects: usize, differs: bool) -> String {
    let PopulatedOrder {
        key,
        customer,
        activations,
        seats,
    } = PopulatedOrder::new(index, objects);
    let activations = activations + if differs { 5 } else { 0 };
    let description = order_description(index);
    format!(
        "\
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata:
  name: order-{number}
spec:
  activationKey: {key}
  desired:
    customer_id: {customer}
    product_template_id: 1
    license_type: network
    licensee_type: customer
    hostid_match_rate: 100
    min_hostids: 1
    activations_allowed: {activations}
    enabled: true
    description: {description}
    settings_description: Settings description
    removal: false
    deactivations_allowed: 10
    Hostids:
      - name: hostname
        min_amount: 1
        max_amount: 1
    Features:
      - name: Licstat
        version: \"6.0\"
        expiration_type: days_from_activation
        days_from_activation: 90
        issued_type: activation_time
        options: Feature options
        additional_settings: Additional settings
        enabled: true
        count: {seats}
        maintenance_type: fixed
        maintenance_date: \"2020-12-31\"
        comment: Feature comment
",
        number = index + 1
    )
}
