//! A LAC account in memory: what it holds, how it is loaded and saved.
//!
//! As JSON (what `state` gives): `customers`, `products` and `product_templates` in the reading form, the
//! last with their `product_id`; `license_orders` in the writing form with integers, plus what the server
//! adds; `activation_counters` as read; `keys_made`, from which new activation keys are derived.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::order_schema;
use super::switches::Switches;
use super::views::CUSTOMER;
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::pseudo_random;
use crate::sandbox::strict_json::{self, JsonObject};

#[derive(Clone, Default)]
pub struct Account {
    pub customers: BTreeMap<i64, JsonObject>,
    pub products: BTreeMap<i64, JsonObject>,
    pub templates: BTreeMap<i64, JsonObject>,
    /// In the order of their creation.
    pub orders: Vec<Order>,
    by_key: HashMap<String, usize>,
    /// The places of a customer's orders, in the order of their creation.
    by_customer: HashMap<i64, BTreeSet<usize>>,
    pub counters: Value,
    keys_made: u64,
}

#[derive(Clone)]
pub struct Order {
    pub key: String,
    /// `YYYY-MM-DD HH:MM:SS`, in UTC; so are the other times.
    pub creation_time: String,
    pub activated: i64,
    pub deactivations_left: i64,
    pub removal_request_time: Option<String>,
    pub removal_confirmation_time: Option<String>,
    /// How often the order was read since its removal was asked for.
    pub removal_reads: u32,
    /// The writing form, see [`order_schema`]: every member is there, so indexing it is safe.
    pub settings: LayeredObject,
    /// The reading form as text, kept once a list showed it, since large lists are read again and again.
    pub text: OnceCell<Box<[u8]>>,
}

/// The server's own members of an order in the saved account.
const SERVER_MEMBERS: &[&str] = &[
    "activation_key",
    "creation_time",
    "activated_licenses_count",
    "deactivations_left",
    "removal_request_time",
    "removal_confirmation_time",
];

/// A time for saved objects that leave theirs out.
const LONG_AGO: &str = "2019-08-14 10:57:03";

impl Account {
    /// Reads a saved account; orders must satisfy the same rules as a POST.
    pub fn load(state: &Value) -> Result<Self, String> {
        const PARTS: &[&str] = &[
            "customers",
            "products",
            "product_templates",
            "license_orders",
            "activation_counters",
            "keys_made",
        ];
        let state = strict_json::require_object(state, "the account")?;
        strict_json::refuse_unknown_members(state, "", PARTS)?;
        let mut account = Self {
            customers: load_by_id(state, "customers", complete_customer)?,
            products: load_by_id(state, "products", require_name)?,
            templates: load_by_id(state, "product_templates", require_name)?,
            counters: state
                .get("activation_counters")
                .cloned()
                .unwrap_or_default(),
            keys_made: state.get("keys_made").and_then(Value::as_u64).unwrap_or(0),
            ..Self::default()
        };
        for (id, template) in &account.templates {
            let product = id_of(template, "product_id")?;
            if !account.products.contains_key(&product) {
                return Err(format!("product template {id} names no known product"));
            }
        }
        for (index, saved) in optional_list(state, "license_orders")?.iter().enumerate() {
            let order = account
                .load_order(saved)
                .map_err(|words| format!("license_orders[{index}]: {words}"))?;
            if account.order(&order.key).is_some() {
                return Err(format!("license_orders[{index}]: activation_key is taken"));
            }
            account.add_order(order);
        }
        Ok(account)
    }

    pub fn save(&self) -> Value {
        json!({
            "customers": self.customers.values().collect::<Vec<_>>(),
            "products": self.products.values().collect::<Vec<_>>(),
            "product_templates": self.templates.values().collect::<Vec<_>>(),
            "license_orders": self.orders.iter().map(Order::to_saved).collect::<Vec<_>>(),
            "activation_counters": self.counters,
            "keys_made": self.keys_made,
        })
    }

    fn load_order(&self, saved: &Value) -> Result<Order, String> {
        let saved = strict_json::require_object(saved, "the order")?;
        let key = strict_json::require_string(saved, "", "activation_key")?;
        if !is_activation_key(key) {
            return Err("activation_key must be four groups of five letters and digits".into());
        }
        let count = |name: &str, default: i64| match saved.get(name) {
            None => Ok(default),
            Some(_) => strict_json::require_integer(saved, "", name),
        };
        let time = |name: &str| -> Result<_, String> {
            Ok(strict_json::optional_string(saved, "", name)?.map(str::to_owned))
        };
        let body: JsonObject = saved
            .iter()
            .filter(|(name, _)| !SERVER_MEMBERS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let manager = self.check_references(&body)?;
        let settings = order_schema::read_settings(&body, false, manager, &Switches::default())?;
        let allowed = settings["deactivations_allowed"].as_i64().unwrap_or(0);
        Ok(Order {
            key: key.to_owned(),
            creation_time: time("creation_time")?.unwrap_or_else(|| LONG_AGO.to_owned()),
            activated: count("activated_licenses_count", 0)?,
            deactivations_left: count("deactivations_left", allowed)?,
            removal_request_time: time("removal_request_time")?,
            removal_confirmation_time: time("removal_confirmation_time")?,
            removal_reads: 0,
            settings: settings.into(),
            text: OnceCell::new(),
        })
    }

    /// Checks that the customer and the template of a body exist and gives the product's licence manager.
    /// A body without them, or with other types, passes here and fails in [`order_schema`].
    pub fn check_references(&self, body: &JsonObject) -> Result<&str, String> {
        let id = |name: &str| match body.get(name) {
            Some(Value::String(text)) => order_schema::parse_digits(text),
            other => other.and_then(Value::as_i64),
        };
        if let Some(customer) = id("customer_id")
            && !self.customers.contains_key(&customer)
        {
            return Err(format!("customer_id: there is no customer {customer}"));
        }
        match id("product_template_id") {
            Some(template) if !self.templates.contains_key(&template) => Err(format!(
                "product_template_id: there is no product template {template}"
            )),
            Some(template) => Ok(self.license_manager(template)),
            None => Ok(""),
        }
    }

    /// The licence manager of a template's product, `lm_x` unless the product says otherwise.
    pub fn license_manager(&self, template: i64) -> &str {
        let product = self.product_of(template);
        let generator = product.and_then(|product| product.get("LicenseGenerator"));
        let manager = generator.and_then(|generator| generator["license_manager"].as_str());
        manager.unwrap_or("lm_x")
    }

    pub fn product_of(&self, template: i64) -> Option<&JsonObject> {
        let template = self.templates.get(&template)?;
        self.products.get(&id_of(template, "product_id").ok()?)
    }

    pub fn order(&self, key: &str) -> Option<&Order> {
        self.position_of(key).map(|at| &self.orders[at])
    }

    /// Where an order stands in the list.
    pub fn position_of(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// Where the orders of these customers stand, in the order of the list.
    pub fn positions_of(&self, customers: &BTreeSet<i64>) -> BTreeSet<usize> {
        let positions = customers.iter().filter_map(|id| self.by_customer.get(id));
        positions.flatten().copied().collect()
    }

    pub fn add_order(&mut self, order: Order) {
        let position = self.orders.len();
        self.by_key.insert(order.key.clone(), position);
        let positions = self.by_customer.entry(order.customer()).or_default();
        positions.insert(position);
        self.orders.push(order);
    }

    /// Puts an order in the place of the one that has its key.
    pub fn replace_order(&mut self, mut order: Order) {
        order.text = OnceCell::new();
        let Some(position) = self.position_of(&order.key) else {
            return;
        };
        let before = self.orders[position].customer();
        if let Some(positions) = self.by_customer.get_mut(&before) {
            positions.remove(&position);
        }
        let positions = self.by_customer.entry(order.customer()).or_default();
        positions.insert(position);
        self.orders[position] = order;
    }

    /// A new activation key; the same account always makes the same ones.
    pub fn new_key(&mut self) -> String {
        loop {
            self.keys_made += 1;
            let key = activation_key_from(self.keys_made);
            if !self.by_key.contains_key(&key) {
                return key;
            }
        }
    }

    pub fn templates_of(&self, product: i64) -> impl Iterator<Item = &JsonObject> {
        let templates = self.templates.values();
        templates.filter(move |template| id_of(template, "product_id") == Ok(product))
    }
}

impl Order {
    pub fn customer(&self) -> i64 {
        // Orders are kept with an integer there.
        self.settings["customer_id"].as_i64().unwrap_or_default()
    }

    fn to_saved(&self) -> Value {
        let mut saved = json!({
            "activation_key": self.key,
            "creation_time": self.creation_time,
            "activated_licenses_count": self.activated,
            "deactivations_left": self.deactivations_left,
            "removal_request_time": self.removal_request_time,
            "removal_confirmation_time": self.removal_confirmation_time,
        });
        for (name, value) in self.settings.iter() {
            saved[name] = value.clone();
        }
        saved
    }
}

/// Anything with a name, as it is.
fn require_name(saved: &JsonObject) -> Result<JsonObject, String> {
    strict_json::require_string(saved, "", "name")?;
    Ok(saved.clone())
}

/// A customer with every member that a read prints.
fn complete_customer(saved: &JsonObject) -> Result<JsonObject, String> {
    strict_json::require_string(saved, "", "name")?;
    let mut customer = JsonObject::new();
    customer.insert("id".into(), saved["id"].clone());
    let mut put = |name: &str, default: Value| {
        let value = saved.get(name).cloned().unwrap_or(default);
        customer.insert(name.to_owned(), value);
    };
    for name in CUSTOMER {
        put(name, Value::Null);
    }
    put("creation_time", LONG_AGO.into());
    put("update_time", LONG_AGO.into());
    put("Contacts", json!([]));
    put("CustomTags", json!([]));
    Ok(customer)
}

/// A list of saved objects by their `id`, which is a string when read.
fn load_by_id(
    state: &JsonObject,
    list: &str,
    complete: impl Fn(&JsonObject) -> Result<JsonObject, String>,
) -> Result<BTreeMap<i64, JsonObject>, String> {
    let mut all = BTreeMap::new();
    for (index, item) in optional_list(state, list)?.iter().enumerate() {
        let at = format!("{list}[{index}]");
        let saved = strict_json::require_object(item, &at)?;
        let placed = |words| format!("{at}: {words}");
        let id = id_of(saved, "id").map_err(placed)?;
        let mut object = complete(saved).map_err(placed)?;
        object.insert("id".into(), id.to_string().into());
        if let Ok(product) = id_of(saved, "product_id") {
            object.insert("product_id".into(), product.to_string().into());
        }
        if all.insert(id, object).is_some() {
            return Err(format!("{at}: id {id} is taken"));
        }
    }
    Ok(all)
}

fn optional_list<'a>(state: &'a JsonObject, list: &str) -> Result<&'a [Value], String> {
    match state.contains_key(list) {
        true => strict_json::require_array(state, "", list),
        false => Ok(&[]),
    }
}

/// An id that may be written as a string or as an integer.
pub fn id_of(object: &JsonObject, name: &str) -> Result<i64, String> {
    let id = match object.get(name) {
        Some(Value::String(text)) => order_schema::parse_digits(text),
        other => other.and_then(Value::as_i64),
    };
    id.ok_or_else(|| format!("{name} must be an integer id"))
}

/// Whether this is four groups of five upper-case letters and digits.
pub fn is_activation_key(text: &str) -> bool {
    let group = |part: &str| {
        part.len() == 5
            && part
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let parts: Vec<_> = text.split('-').collect();
    parts.len() == 4 && parts.into_iter().all(group)
}

/// A key of the right form from a counter.
pub fn activation_key_from(counter: u64) -> String {
    let symbols = pseudo_random::derive_text(counter, 20, pseudo_random::UPPER);
    let groups = [
        &symbols[..5],
        &symbols[5..10],
        &symbols[10..15],
        &symbols[15..],
    ];
    groups.join("-")
}
