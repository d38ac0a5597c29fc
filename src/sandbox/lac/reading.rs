//! How the objects of an account read, as the vendor's pages print them (checked 2026-11-21).

use serde_json::{Value, json};

use super::account::{Account, Order};
use super::hostids;
use super::schema;
use crate::sandbox::check::Object;

/// The members of a customer that an order shows, in its order.
pub const CUSTOMER: &[&str] = &[
    "name",
    "description",
    "phone_number",
    "fax_number",
    "street",
    "city",
    "country",
    "zip_code",
    "state",
];

impl Account {
    /// A product as read, with its templates.
    pub fn product(&self, id: i64) -> Option<Value> {
        let mut product = self.products.get(&id)?.clone();
        let own = self.templates_of(id);
        let brief = own.map(|template| {
            json!({"id": template["id"], "name": template["name"], "product_id": product["id"]})
        });
        let brief: Vec<_> = brief.collect();
        product.insert("ProductTemplates".into(), brief.into());
        Some(product.into())
    }

    /// An order as the PATCH page prints it: a customer without id, integers as strings, counters as numbers.
    pub fn reading(&self, order: &Order) -> Value {
        let settings = &order.settings;
        let spelled = |name: &str| schema::spelled(&settings[name]);
        json!({
            "customer": self.customer_of(order),
            "product_template": self.template_of(order),
            "activation_key": order.key,
            "creation_time": order.creation_time,
            "license_type": settings["license_type"],
            "licensee_type": settings["licensee_type"],
            "licensee": settings["licensee"],
            "hostid_match_rate": spelled("hostid_match_rate"),
            "min_hostids": spelled("min_hostids"),
            "activations_allowed": spelled("activations_allowed"),
            "activated_licenses_count": order.activated,
            "enabled": settings["enabled"],
            "description": settings["description"],
            "settings_description": settings["settings_description"],
            "removal": settings["removal"],
            "removal_request_time": order.removal_request_time,
            "removal_confirmation_time": order.removal_confirmation_time,
            "deactivations_allowed": spelled("deactivations_allowed"),
            "deactivations_left": order.deactivations_left,
            "Hostids": spelled("Hostids"),
            "Features": spelled("Features"),
        })
    }

    /// An order as the page of the single GET prints it, which is the end-user API's document.
    pub fn hal(&self, order: &Order, base: &str) -> Value {
        let settings = &order.settings;
        let template = settings["product_template_id"].as_i64().unwrap_or_default();
        let text = |of: Option<&Object>, name: &str| {
            of.and_then(|one| one.get(name))
                .cloned()
                .unwrap_or_default()
        };
        let product = self.product_of(template);
        let hostids = settings["Hostids"].as_array().into_iter().flatten();
        let types = hostids.map(|hostid| {
            json!({
                "nameRaw": hostids::raw(hostid["name"].as_str().unwrap_or_default()),
                "name": hostid["name"],
                "min": hostid["min_amount"],
                "max": hostid["max_amount"],
            })
        });
        let types: Vec<_> = types.collect();
        json!({
            "activationKey": order.key,
            "customer": {"name": self.customer_of(order)["name"]},
            "product": {
                "name": text(product, "name"),
                "version": text(product, "version"),
                "template": text(self.templates.get(&template), "name"),
                "licenseGeneratorType": self.manager(template),
            },
            "licenseType": settings["license_type"],
            "creationTime": format!("{}+00:00", order.creation_time.replace(' ', "T")),
            "activatedLicenses": order.activated,
            "bulkMax": settings["activations_allowed"],
            "hostid": {"types": types, "min": settings["min_hostids"]},
            "_links": {"self": {"href": format!("{base}/license-orders/{}", order.key)}},
        })
    }

    fn customer_of(&self, order: &Order) -> Value {
        let id = order.settings["customer_id"].as_i64().unwrap_or_default();
        let Some(customer) = self.customers.get(&id) else {
            return Value::Null;
        };
        let mut shown = Object::new();
        for name in CUSTOMER {
            shown.insert((*name).to_owned(), customer[*name].clone());
        }
        let brief = |list: &str, names: [&str; 2]| -> Value {
            let items = customer[list].as_array().into_iter().flatten();
            items
                .map(|item| json!({names[0]: item[names[0]], names[1]: item[names[1]]}))
                .collect()
        };
        shown.insert("Contacts".into(), brief("Contacts", ["name", "email"]));
        shown.insert(
            "CustomTags".into(),
            brief("CustomTags", ["tag_name", "value"]),
        );
        shown.into()
    }

    fn template_of(&self, order: &Order) -> Value {
        let id = order.settings["product_template_id"].as_i64();
        match id.and_then(|id| self.templates.get(&id)) {
            Some(template) => json!({
                "id": template["id"],
                "name": template["name"],
                "product_id": template["product_id"],
            }),
            None => Value::Null,
        }
    }
}
