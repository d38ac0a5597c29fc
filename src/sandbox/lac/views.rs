//! The read views of LAC's orders and products, as the vendor's pages print them (checked 2026-11-21).
//!
//! An order has two: the one of PATCH and lists ([`OrderView`]), and the HAL document of the single GET. Both are
//! made here and nowhere else.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::account::{Account, Order};
use super::hostids;
use super::order_schema::IntegersAsStrings;
use crate::sandbox::strict_json::JsonObject;

impl Account {
    /// Returns a product with its templates, `None` if there is none with this id.
    pub fn product_view(&self, id: i64) -> Option<Value> {
        let mut product = self.products.get(&id)?.clone();
        let templates = self.templates_of(id);
        let brief = templates.map(|template| {
            json!({"id": template["id"], "name": template["name"], "product_id": product["id"]})
        });
        let brief: Vec<_> = brief.collect();
        product.insert("ProductTemplates".into(), brief.into());
        Some(product.into())
    }

    /// Returns an order as the PATCH page prints it.
    pub fn order_view<'a>(&'a self, order: &'a Order) -> OrderView<'a> {
        OrderView {
            account: self,
            order,
        }
    }

    /// Returns the same as JSON text, which is kept until the order is written.
    pub fn order_text<'a>(&'a self, order: &'a Order) -> &'a [u8] {
        let written = || serde_json::to_vec(&self.order_view(order));
        // Only maps whose keys are not strings fail to serialize, and orders have none.
        order
            .text
            .get_or_init(|| written().unwrap_or_default().into_boxed_slice())
    }

    /// Returns an order as the page of the single GET prints it, the HAL document of the end-user API.
    pub fn hal_document(&self, order: &Order, base: &str) -> Value {
        let settings = &order.settings;
        let template = settings["product_template_id"].as_i64().unwrap_or_default();
        let text = |of: Option<&JsonObject>, name: &str| {
            of.and_then(|object| object.get(name))
                .cloned()
                .unwrap_or_default()
        };
        let product = self.product_of(template);
        let hostids = settings["Hostids"].as_array().into_iter().flatten();
        let types = hostids.map(|hostid| {
            json!({
                "nameRaw": hostids::raw_name(hostid["name"].as_str().unwrap_or_default()),
                "name": hostid["name"],
                "min": hostid["min_amount"],
                "max": hostid["max_amount"],
            })
        });
        let types: Vec<_> = types.collect();
        json!({
            "activationKey": order.key,
            "customer": {"name": text(self.customer_of(order), "name")},
            "product": {
                "name": text(product, "name"),
                "version": text(product, "version"),
                "template": text(self.templates.get(&template), "name"),
                "licenseGeneratorType": self.license_manager(template),
            },
            "licenseType": settings["license_type"],
            "creationTime": format!("{}+00:00", order.creation_time.replace(' ', "T")),
            "activatedLicenses": order.activated,
            "bulkMax": settings["activations_allowed"],
            "hostid": {"types": types, "min": settings["min_hostids"]},
            "_links": {"self": {"href": format!("{base}/license-orders/{}", order.key)}},
        })
    }

    /// Returns the customer of an order, `None` if it does not exist.
    fn customer_of(&self, order: &Order) -> Option<&JsonObject> {
        self.customers.get(&order.customer())
    }

    /// Returns the product template of an order, `None` if it does not exist.
    fn template_of(&self, order: &Order) -> Option<&JsonObject> {
        let id = order.settings["product_template_id"].as_i64();
        self.templates.get(&id?)
    }
}

/// An order as reads print it: its customer without id, integers as strings, counters as numbers.
///
/// Serialized member by member, without a JSON tree in between, which a page of hundreds of orders would pay for.
pub struct OrderView<'a> {
    account: &'a Account,
    order: &'a Order,
}

impl Serialize for OrderView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const TEMPLATE: &[&str] = &["id", "name", "product_id"];
        let Self { account, order } = self;
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("customer", &account.customer_of(order).map(CustomerView))?;
        let template = account.template_of(order);
        out.serialize_entry(
            "product_template",
            &template.map(|of| PickedMembers(of, TEMPLATE)),
        )?;
        out.serialize_entry("activation_key", &order.key)?;
        out.serialize_entry("creation_time", &order.creation_time)?;
        // Settings are kept in the order in which they are read, so one pass writes every member in its place.
        for (name, value) in order.settings.iter() {
            match name {
                // Shown as a customer and a template above.
                "customer_id" | "product_template_id" => continue,
                _ => out.serialize_entry(name, &IntegersAsStrings(value))?,
            }
            match name {
                "activations_allowed" => {
                    out.serialize_entry("activated_licenses_count", &order.activated)?;
                }
                "removal" => {
                    out.serialize_entry("removal_request_time", &order.removal_request_time)?;
                    let confirmed = &order.removal_confirmation_time;
                    out.serialize_entry("removal_confirmation_time", confirmed)?;
                }
                "deactivations_allowed" => {
                    out.serialize_entry("deactivations_left", &order.deactivations_left)?;
                }
                _ => {}
            }
        }
        out.end()
    }
}

/// A customer as an order shows it: without ids and times.
struct CustomerView<'a>(&'a JsonObject);

impl Serialize for CustomerView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        // Customers are kept in the order in which they are read, too.
        for (name, value) in self.0 {
            let shown: &[&str] = match name.as_str() {
                "id" | "creation_time" | "update_time" => continue,
                "Contacts" => &["name", "email"],
                "CustomTags" => &["tag_name", "value"],
                _ => {
                    out.serialize_entry(name, value)?;
                    continue;
                }
            };
            let items = value.as_array().into_iter().flatten();
            let items = items.filter_map(Value::as_object);
            let brief: Vec<_> = items.map(|item| PickedMembers(item, shown)).collect();
            out.serialize_entry(name, &brief)?;
        }
        out.end()
    }
}

/// Some members of an object, in the order of their names given here; an absent one is `null`.
struct PickedMembers<'a>(&'a JsonObject, &'a [&'static str]);

impl Serialize for PickedMembers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(object, names) = self;
        serializer.collect_map(names.iter().map(|name| (name, object.get(*name))))
    }
}
