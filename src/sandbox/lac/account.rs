//! The LAC account: customers, products, templates and orders, loaded from and saved as JSON.
//!
//! The document has `customers`, `products` and `product_templates` in the form in which they are read, the last
//! with their `product_id`; `custom_tags`, the tag names that the administration has defined; `license_orders` in the
//! form in which they are written, with integers, plus what the server adds; `activation_counters` as read;
//! `keys_made`, from which new activation keys are derived.
//!
//! Orders are indexed by key and by customer, since clients look for orders by these two in every pass.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::order_schema;
use super::switches::Switches;
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::pseudo_random;
use crate::sandbox::strict_json::{self, JsonObject};

/// The members of a customer that an order shows, in this order.
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

/// The whole account.
#[derive(Clone, Default)]
pub struct Account {
    /// The customers by id, in the form in which they are read.
    pub customers: BTreeMap<i64, JsonObject>,
    /// The names of custom tags that are defined in the administration, those of all customers among them.
    pub custom_tags: BTreeSet<String>,
    /// The products by id, without their templates.
    pub products: BTreeMap<i64, JsonObject>,
    /// The product templates by id, with their `product_id`.
    pub templates: BTreeMap<i64, JsonObject>,
    /// The orders in the order of their creation; a position in here is an index.
    pub orders: Vec<Order>,
    /// The position of each order by its activation key.
    by_key: HashMap<String, usize>,
    /// The positions of each customer's orders, in the order of their creation.
    by_customer: HashMap<i64, BTreeSet<usize>>,
    /// The reply of `GET /activation-counters`.
    pub counters: Value,
    /// The highest id of a contact so far.
    last_contact_id: i64,
    /// The number of activation keys made, from which the next is derived.
    keys_made: u64,
}

/// A licence order.
#[derive(Clone)]
pub struct Order {
    /// The activation key, which is the order's id.
    pub key: String,
    /// The time of creation as `YYYY-MM-DD HH:MM:SS` in UTC. The other times have the same form.
    pub creation_time: String,
    /// The number of activated licences.
    pub activated: i64,
    /// The number of deactivations that are still allowed.
    pub deactivations_left: i64,
    /// When the removal of the licences was requested; `None` if it was not.
    pub removal_request_time: Option<String>,
    /// When the end user's machine confirmed the removal; `None` until then.
    pub removal_confirmation_time: Option<String>,
    /// The number of reads of the order since its removal was requested.
    pub removal_reads: u32,
    /// The members in the form in which they are written, see [`order_schema`]. All are there, so indexing is safe.
    pub settings: LayeredObject,
    /// The JSON text of the read form, cached when a list first shows the order, since large lists are read often.
    pub text: OnceCell<Box<[u8]>>,
}

/// The members of an order in the account document that no write may name.
const SERVER_MEMBERS: &[&str] = &[
    "activation_key",
    "creation_time",
    "activated_licenses_count",
    "deactivations_left",
    "removal_request_time",
    "removal_confirmation_time",
];

/// The time of loaded objects that have none, taken from the pages' examples.
const LONG_AGO: &str = "2019-08-14 10:57:03";

impl Account {
    /// Loads an account document; orders must satisfy the rules of a PATCH. `Err` names the element.
    pub fn load(state: &Value) -> Result<Self, String> {
        const PARTS: &[&str] = &[
            "customers",
            "custom_tags",
            "products",
            "product_templates",
            "license_orders",
            "activation_counters",
            "keys_made",
        ];
        let state = strict_json::require_object(state, "the account")?;
        strict_json::refuse_unknown_members(state, "", PARTS)?;
        let mut account = Self {
            products: load_by_id(state, "products", require_name)?,
            templates: load_by_id(state, "product_templates", require_name)?,
            counters: state
                .get("activation_counters")
                .cloned()
                .unwrap_or_default(),
            keys_made: state.get("keys_made").and_then(Value::as_u64).unwrap_or(0),
            ..Self::default()
        };
        for (id, customer) in load_by_id(state, "customers", complete_customer)? {
            account.put_customer(id, customer);
        }
        account.custom_tags = load_tags(state, &account.customers)?;
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

    /// Returns the account as a document that [`Self::load`] accepts.
    pub fn save(&self) -> Value {
        json!({
            "customers": self.customers.values().collect::<Vec<_>>(),
            "custom_tags": self.custom_tags,
            "products": self.products.values().collect::<Vec<_>>(),
            "product_templates": self.templates.values().collect::<Vec<_>>(),
            "license_orders": self.orders.iter().map(Order::to_saved).collect::<Vec<_>>(),
            "activation_counters": self.counters,
            "keys_made": self.keys_made,
        })
    }

    /// Loads an order, whose customer and template must be loaded already.
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

    /// Checks that the customer and the template of a body exist, and returns the product's licence manager.
    ///
    /// A body without them, or with values of other types, passes here and fails in [`order_schema`].
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

    /// Returns the licence manager of a template's product, `lm_x` unless the product names another.
    pub fn license_manager(&self, template: i64) -> &str {
        let product = self.product_of(template);
        let generator = product.and_then(|product| product.get("LicenseGenerator"));
        let manager = generator.and_then(|generator| generator["license_manager"].as_str());
        manager.unwrap_or("lm_x")
    }

    /// Returns the product of a template, `None` if there is no such template.
    pub fn product_of(&self, template: i64) -> Option<&JsonObject> {
        let template = self.templates.get(&template)?;
        self.products.get(&id_of(template, "product_id").ok()?)
    }

    /// Returns an id that no customer has.
    pub fn new_customer_id(&self) -> i64 {
        self.customers.keys().next_back().map_or(1, |last| last + 1)
    }

    /// Makes an id that no contact of any customer has.
    pub fn new_contact_id(&mut self) -> i64 {
        self.last_contact_id += 1;
        self.last_contact_id
    }

    /// Adds a customer, or replaces the one with this id, whose orders show it from now on.
    pub fn put_customer(&mut self, id: i64, customer: JsonObject) {
        let contacts = customer["Contacts"].as_array().into_iter().flatten();
        let ids = contacts.filter_map(|contact| id_of(contact.as_object()?, "id").ok());
        self.last_contact_id = ids.fold(self.last_contact_id, i64::max);
        self.customers.insert(id, customer);
        for position in self.positions_of(&BTreeSet::from([id])) {
            self.orders[position].text = OnceCell::new();
        }
    }

    /// Returns the order with this key, `None` if there is none.
    pub fn order(&self, key: &str) -> Option<&Order> {
        self.position_of(key).map(|at| &self.orders[at])
    }

    /// Returns the position of the order with this key, `None` if there is none.
    pub fn position_of(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// Returns the positions of all orders of these customers.
    pub fn positions_of(&self, customers: &BTreeSet<i64>) -> BTreeSet<usize> {
        let positions = customers.iter().filter_map(|id| self.by_customer.get(id));
        positions.flatten().copied().collect()
    }

    /// Appends an order, whose key must be new.
    pub fn add_order(&mut self, order: Order) {
        let position = self.orders.len();
        self.by_key.insert(order.key.clone(), position);
        let positions = self.by_customer.entry(order.customer()).or_default();
        positions.insert(position);
        self.orders.push(order);
    }

    /// Replaces the order that has the same key; does nothing if there is none.
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

    /// Makes a new activation key; the same account always makes the same ones.
    pub fn new_key(&mut self) -> String {
        loop {
            self.keys_made += 1;
            let key = activation_key_from(self.keys_made);
            if !self.by_key.contains_key(&key) {
                return key;
            }
        }
    }

    /// Lists the templates of a product.
    pub fn templates_of(&self, product: i64) -> impl Iterator<Item = &JsonObject> {
        let templates = self.templates.values();
        templates.filter(move |template| id_of(template, "product_id") == Ok(product))
    }
}

impl Order {
    /// Returns the id of the order's customer.
    pub fn customer(&self) -> i64 {
        // Orders are kept with an integer there.
        self.settings["customer_id"].as_i64().unwrap_or_default()
    }

    /// Returns the order as an element of the account document.
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

/// Returns an object as it is; `Err` if it has no name.
fn require_name(saved: &JsonObject) -> Result<JsonObject, String> {
    strict_json::require_string(saved, "", "name")?;
    Ok(saved.clone())
}

/// Returns a customer with every member that a read prints.
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

/// Loads the defined custom tags: those listed, and those that customers have.
fn load_tags(
    state: &JsonObject,
    customers: &BTreeMap<i64, JsonObject>,
) -> Result<BTreeSet<String>, String> {
    let mut tags = BTreeSet::new();
    for tag in optional_list(state, "custom_tags")? {
        let name = tag.as_str().ok_or("custom_tags must be strings")?;
        tags.insert(name.to_owned());
    }
    let of_customers = customers.values().map(|customer| &customer["CustomTags"]);
    let of_customers = of_customers.filter_map(Value::as_array).flatten();
    tags.extend(of_customers.filter_map(|tag| tag["tag_name"].as_str().map(str::to_owned)));
    Ok(tags)
}

/// Loads a list of objects by their `id`, which becomes a string, as reads print it.
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

/// Returns a list of the account document, empty if absent.
fn optional_list<'a>(state: &'a JsonObject, list: &str) -> Result<&'a [Value], String> {
    match state.contains_key(list) {
        true => strict_json::require_array(state, "", list),
        false => Ok(&[]),
    }
}

/// Returns an id, which may be written as a string or as an integer.
pub fn id_of(object: &JsonObject, name: &str) -> Result<i64, String> {
    let id = match object.get(name) {
        Some(Value::String(text)) => order_schema::parse_digits(text),
        other => other.and_then(Value::as_i64),
    };
    id.ok_or_else(|| format!("{name} must be an integer id"))
}

/// Returns whether a text is an activation key: four groups of five upper-case letters and digits.
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

/// Derives an activation key from a counter.
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
