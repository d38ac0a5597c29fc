//! Orders: `GET /orders/`, `PATCH …/{id}/`, and `POST /orders/create_order/`, which makes an order with its licences.
//!
//! Facts are from the pages "Create Order", "Update Order" and "List Orders", checked 2026-11-30. The caller chooses the
//! `id` of an order, which reads show as `store_id`; a second order with it is an error, unless it is to be appended to,
//! which is not served. `items` is required. The creation takes `metadata` as a text, and the customer account as
//! `customer_account_id`; `PATCH` takes an object and `customer_account`. Lists show the customer as an object, the reply to
//! `PATCH` its number. The reply to a creation is not stored; the page says that it has the keys of new licences.
//!
//! What the pages leave open are the switches `order_rows`, `order_account` and `order_taken_status`. A feature that the
//! product does not have is left out silently, or refused: the switch `unknown_feature`.
//!
//! # Worked example
//!
//! `POST {"id": "ord-7", "items": [{"product_code": "mch", "licenses": [{"max_activations": 2}]}]}` answers with an order
//! that has one licence, with a key, two activations, and all else from the default policy of the product.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{License, Order, Templates};
use super::list::ListCall;
use super::order_schema::{CREATE, UPDATE};
use super::request_body::member_error;
use super::switches::{OrderAccount, OrderRows, UnknownPolicy};
use super::values::micros;
use super::views::whole_seconds;
use super::{LicenseSpring, Refusal, detail_refusal};
use crate::sandbox::layered_object::MemberLookup;
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

/// The members of a row that every stored version of the list page shows.
const SHORT: [&str; 14] = [
    "id",
    "customer",
    "customer_account",
    "has_active_licenses",
    "created_at",
    "updated_at",
    "store_id",
    "type",
    "customer_email",
    "is_test",
    "customer_reference",
    "is_trial",
    "download_id",
    "language",
];

impl LicenseSpring {
    /// Answers with a page of orders.
    pub(super) fn list_orders(&self, request: &HttpRequest) -> Result<HttpReply, Refusal> {
        let listing = ListCall::orders(request, self)?;
        let orders = self.account.orders.values();
        let (count, page) = listing.select_page(orders, |order| *order)?;
        let shown = page.into_iter().map(|order| self.order_row(order));
        Ok(listing.envelope_reply(count, shown.collect::<Vec<Value>>()))
    }

    /// Changes an order and answers with it.
    pub(super) fn update_order(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let number = id.parse().ok();
        let found = number.and_then(|id| Some((id, self.account.orders.get(&id)?.clone())));
        let (id, mut order) = found.ok_or_else(|| detail_refusal(404, "Not found."))?;
        let body = self.parse_body(request, &UPDATE)?;
        self.check_owners(&body, "customer_account")?;
        if let Some(store_id) = body["store_id"].as_str() {
            self.refuse_taken(store_id, Some(id), 400)?;
        }
        self.merge_members(&mut order, &body, &UPDATE, now);
        let answer = HttpReply::json(200, &json!(order));
        self.account.orders.insert(id, order);
        Ok(answer)
    }

    /// Makes an order with its licences, and answers with it.
    pub(super) fn create_order(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &CREATE)?;
        let store_id = body["id"].as_str().unwrap_or_default();
        if body["append"] == true {
            return Err(member_error(
                "append",
                "The sandbox adds nothing to an order.",
            ));
        }
        self.refuse_taken(store_id, None, self.switches.order_taken_status)?;
        self.check_owners(&body, "customer_account_id")?;
        let templates = Templates::read().map_err(|why| detail_refusal(500, why))?;
        let mut order = templates.order;
        let id = self.account.orders.keys().last().map_or(1, |id| id + 1);
        let given = [
            ("id", json!(id)),
            ("store_id", json!(store_id)),
            ("created_at", json!(micros(now))),
            ("updated_at", json!(micros(now))),
            ("metadata", metadata_of(&body)?),
            ("customer_account", body["customer_account_id"].clone()),
        ];
        for (name, value) in given {
            order.insert(name.into(), value);
        }
        for name in ["is_test", "language", "campaign_params", "download_id"] {
            if let Some(value) = body.get(name) {
                order.insert(name.into(), value.clone());
            }
        }
        let licenses = self.make_licenses(&body, &order, &templates.license, now)?;
        let mut answer = order.clone();
        let shown = licenses.iter().map(|made| made.license.fields.to_object());
        let items = json!([{"id": id + 1, "licenses": shown.collect::<Vec<_>>()}]);
        answer.insert("order_items".into(), items);
        self.account.orders.insert(id, order);
        for NewLicense { license, values } in licenses {
            self.account.add_license(license, values);
        }
        Ok(HttpReply::json(200, &json!(answer)))
    }

    /// Refuses an id that another order has already.
    fn refuse_taken(&self, store_id: &str, own: Option<u64>, status: u16) -> Result<(), Refusal> {
        let mut orders = self.account.orders.iter();
        match orders.any(|(id, order)| order["store_id"] == store_id && Some(*id) != own) {
            true => Err(Refusal {
                status,
                ..member_error("id", "order with this id already exists.")
            }),
            false => Ok(()),
        }
    }

    /// Checks that the customer and the customer account of a body are there.
    fn check_owners(&self, body: &Value, account: &str) -> Result<(), Refusal> {
        let known = |name: &str, all: &dyn Fn(u64) -> bool| match body[name].as_u64() {
            Some(id) if !all(id) => {
                let words = format!("Invalid pk \"{id}\" - object does not exist.");
                Err(member_error(name, words))
            }
            _ => Ok(()),
        };
        known("customer", &|id| self.account.customers.contains_key(&id))?;
        known(account, &|id| {
            self.account.customer_accounts.contains_key(&id)
        })
    }

    /// Makes the licences of a new order.
    fn make_licenses(
        &mut self,
        body: &Value,
        order: &Order,
        template: &JsonObject,
        now: Timestamp,
    ) -> Result<Vec<NewLicense>, Refusal> {
        let refuse = |words: String| member_error("items", words);
        let mut made = Vec::new();
        let first = self.account.next_license_id();
        for item in body["items"].as_array().into_iter().flatten() {
            let code = item["product_code"].as_str().unwrap_or_default();
            let product = self.account.product_by_code(code).cloned();
            let product = product
                .ok_or_else(|| refuse(format!("Product with code {code} does not exist.")))?;
            for given in item["licenses"].as_array().into_iter().flatten() {
                let code = given["policy_code"].as_str();
                let policy = self.account.policy_of(&product["id"], code);
                let unknown = |_| refuse(format!("License policy {code:?} does not exist."));
                let mut fields = license_fields(template, policy.map_err(unknown)?, body, given);
                let id = first + made.len() as u64;
                let has_users = given["users"]
                    .as_array()
                    .is_some_and(|users| !users.is_empty());
                let key = match has_users {
                    true => Value::Null,
                    false => json!(format!("SBX9-{id:016}")),
                };
                let product = json!({"id": product["id"], "product_name": product["product_name"]});
                for (name, value) in [
                    ("id", json!(id)),
                    ("order", order["id"].clone()),
                    ("order_item", json!(order["id"].as_u64().unwrap_or(0) + 1)),
                    ("order_store_id", order["store_id"].clone()),
                    ("product", product),
                    ("license_key", key),
                    ("created_at", json!(micros(now))),
                    ("updated_at", json!(micros(now))),
                ] {
                    fields.insert(name.into(), value);
                }
                let license = License {
                    fields: fields.into(),
                    rows: Default::default(),
                };
                made.push(self.equip(license, given)?);
            }
        }
        Ok(made)
    }

    /// Gives a new licence its product features and the values of its custom fields.
    fn equip(&mut self, mut license: License, given: &Value) -> Result<NewLicense, Refusal> {
        let refuses = self.switches.unknown_feature == UnknownPolicy::Refuse;
        for row in given["product_features"].as_array().into_iter().flatten() {
            let code = row["code"].as_str().unwrap_or_default();
            match self.account.feature(&license, code) {
                Some(feature) => {
                    let mut new = self
                        .account
                        .row_of(feature, self.switches.new_row_max_overages);
                    if let Some(most) = row.get("max_consumption") {
                        new.fields.insert("max_consumption", most.clone());
                    }
                    license.rows.insert(feature, new);
                }
                None if refuses => {
                    let words = format!("Product feature {code:?} does not exist.");
                    return Err(member_error("items", words));
                }
                None => {}
            }
        }
        let mut values = Vec::new();
        for field in given["custom_fields"].as_array().into_iter().flatten() {
            let mut fields = self.account.product_custom_fields.iter();
            match fields.find(|(_, known)| known["name"] == field["name"]) {
                Some((id, _)) => values.push((*id, field["value"].clone())),
                None if refuses => {
                    let words = format!("Custom field {} does not exist.", field["name"]);
                    return Err(member_error("items", words));
                }
                None => {}
            }
        }
        Ok(NewLicense { license, values })
    }

    /// Returns an order as lists show it, with times in whole seconds.
    fn order_row(&self, order: &Order) -> Value {
        let mut shown = order.clone();
        for name in ["created_at", "updated_at"] {
            if let Some(rounded) = whole_seconds(&shown[name]) {
                shown.insert(name.into(), json!(rounded));
            }
        }
        let with_id = |all: &std::collections::BTreeMap<u64, JsonObject>, id: &Value| {
            let object = id.as_u64().and_then(|id| all.get(&id));
            object.map_or_else(|| id.clone(), |object| json!(object))
        };
        let customer = with_id(&self.account.customers, &order["customer"]);
        shown.insert("customer".into(), customer);
        if self.switches.order_account == OrderAccount::Object {
            let account = with_id(&self.account.customer_accounts, &order["customer_account"]);
            shown.insert("customer_account".into(), account);
        }
        let is_active = |license: &License| {
            let field = |name| license.fields.member(name);
            field("order") == Some(&order["id"]) && field("active") == Some(&json!(true))
        };
        let has_active = self.account.licenses().any(is_active);
        shown.insert("has_active_licenses".into(), json!(has_active));
        if self.switches.order_rows == OrderRows::Short {
            shown.retain(|name, _| SHORT.contains(&name.as_str()));
        }
        Value::Object(shown)
    }
}

/// A licence that an order makes.
struct NewLicense {
    license: License,
    /// The values of its custom fields, by the ids of the product's fields.
    values: Vec<(u64, Value)>,
}

/// Returns the members of a new licence: the defaults, over them those of its policy, of the order and of the licence.
fn license_fields(
    template: &JsonObject,
    policy: Option<&JsonObject>,
    body: &Value,
    given: &Value,
) -> JsonObject {
    let mut fields = template.clone();
    for (name, value) in policy.into_iter().flatten() {
        let name = match name.as_str() {
            "default_license_type" => "license_type",
            "id" | "created_at" | "updated_at" | "product" => continue,
            other => other,
        };
        if fields.contains_key(name) {
            fields.insert(name.into(), value.clone());
        }
    }
    fields.extend(
        body.get("prevent_vm")
            .map(|value| ("prevent_vm".into(), value.clone())),
    );
    for (name, value) in given.as_object().into_iter().flatten() {
        if fields.contains_key(name) && name != "product_features" {
            fields.insert(name.clone(), value.clone());
        }
    }
    fields
}

/// Returns the metadata of a creation, whose text must be an object.
fn metadata_of(body: &Value) -> Result<Value, Refusal> {
    let Some(text) = body["metadata"].as_str() else {
        return Ok(json!({}));
    };
    let parsed = serde_json::from_str::<Value>(text).ok();
    let object = parsed.filter(Value::is_object);
    object.ok_or_else(|| member_error("metadata", "Value must be valid JSON."))
}
