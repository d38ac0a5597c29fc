//! The LicenseSpring account: product features, license policies, customer accounts, values of custom fields and
//! licences, loaded from and saved as JSON.
//!
//! A licence has *rows*, one per product feature that it includes, with limits of their own. In the account document
//! a row names its product feature by code; reads show the whole feature. Lookups by id and code are logarithmic.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::switches::{NewRowMaxOverages, PeriodSpelling};
use super::{Refusal, detail_refusal};
use crate::sandbox::account_document;
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::strict_json::JsonObject;

/// The members of a row after `id` and `product_feature`, as the page of the write call prints them.
pub(super) const ROW: [&str; 8] = [
    "max_consumption",
    "total_consumptions",
    "expiry_date",
    "allow_overages",
    "max_overages",
    "reset_consumption",
    "consumption_period",
    "metadata",
];
/// The members of a row that only newer pages print. The write call accepts the last four.
pub(super) const NEWER: [&str; 7] = [
    "allow_unlimited_consumptions",
    "allow_negative_consumptions",
    "valid_duration",
    "is_floating",
    "is_floating_cloud",
    "floating_users",
    "floating_timeout",
];

/// The first row id, as in the page's example.
const FIRST_ROW_ID: u64 = 1_605_023_917_125_630;

/// The whole account.
#[derive(Clone)]
pub(super) struct Account {
    /// The product features by id, as the API shows them.
    pub(super) features: BTreeMap<u64, JsonObject>,
    /// The ids of product features by product (`None` for global ones) and code; of two with one code the older.
    codes: BTreeMap<(Option<u64>, String), u64>,
    /// The licences by id.
    pub(super) licenses: BTreeMap<u64, License>,
    /// The license policies by id, as the API shows them.
    pub(super) policies: BTreeMap<u64, JsonObject>,
    /// The customer accounts by id, as the API shows them.
    pub(super) customer_accounts: BTreeMap<u64, JsonObject>,
    /// The custom fields of products by id. No call shows them.
    pub(super) product_custom_fields: BTreeMap<u64, JsonObject>,
    /// The values of custom fields on licences by id, as the API shows them.
    pub(super) custom_fields: BTreeMap<u64, JsonObject>,
    /// The products by id. No call shows them.
    products: BTreeMap<u64, JsonObject>,
    /// The customers by id, as orders show them.
    pub(super) customers: BTreeMap<u64, JsonObject>,
    /// The scheduled updates by id, as the API shows them.
    pub(super) scheduled_updates: BTreeMap<u64, JsonObject>,
    /// The orders by id, with the numbers of their customers and customer accounts.
    pub(super) orders: BTreeMap<u64, Order>,
    next_row_id: u64,
}

/// An order, with the numbers of its customer and its customer account.
pub(super) type Order = JsonObject;

/// A licence and its rows.
#[derive(Clone)]
pub(super) struct License {
    /// Its members as the API shows them. The value of its `product_features` is not used; `rows` has the features.
    pub(super) fields: LayeredObject,
    /// Its rows by the id of their product feature.
    pub(super) rows: BTreeMap<u64, Row>,
}

/// A product feature on a licence.
#[derive(Clone)]
pub(super) struct Row {
    /// The id of the row, not of its product feature.
    pub(super) id: u64,
    /// Its members after `id` and `product_feature`.
    pub(super) fields: LayeredObject,
}

impl License {
    /// Returns the id of the licence's product.
    fn product(&self) -> Option<u64> {
        self.fields["product"]["id"].as_u64()
    }
}

impl Account {
    /// Loads `{"product_features": […], "license_templates": […], "customer_accounts": […], "licenses": [{…,
    /// "product_features": [{"product_feature": "f5", …}]}]}`.
    ///
    /// A feature needs an id and a code, a licence an id, a row its feature; all else has defaults. `Err` names the
    /// object and what is wrong with it.
    pub(super) fn load(state: Value) -> Result<Self, String> {
        let templates = Templates::read()?;
        let mut state = account_document::expect_object(state, "the account")?;
        let features = account_document::take_list(&mut state, "product_features")?;
        let licenses = account_document::take_list(&mut state, "licenses")?;
        let policies = account_document::take_list(&mut state, "license_templates")?;
        let accounts = account_document::take_list(&mut state, "customer_accounts")?;
        let product_fields = account_document::take_list(&mut state, "product_custom_fields")?;
        let custom_fields = account_document::take_list(&mut state, "license_custom_fields")?;
        let products = account_document::take_list(&mut state, "products")?;
        let customers = account_document::take_list(&mut state, "customers")?;
        let orders = account_document::take_list(&mut state, "orders")?;
        let updates = account_document::take_list(&mut state, "scheduled_updates")?;
        account_document::expect_nothing_left(&state, "the account")?;
        let mut account = Self {
            features: BTreeMap::new(),
            codes: BTreeMap::new(),
            licenses: BTreeMap::new(),
            policies: BTreeMap::new(),
            customer_accounts: BTreeMap::new(),
            product_custom_fields: BTreeMap::new(),
            custom_fields: BTreeMap::new(),
            products: BTreeMap::new(),
            customers: BTreeMap::new(),
            scheduled_updates: BTreeMap::new(),
            orders: BTreeMap::new(),
            next_row_id: FIRST_ROW_ID,
        };
        for given in features {
            account.load_feature(given, &templates)?;
        }
        let Templates {
            policy,
            customer_account,
            product_custom_field,
            custom_field,
            product,
            customer,
            order,
            scheduled_update,
            ..
        } = &templates;
        account.products = load_objects(products, product, "product")?;
        account.customers = load_objects(customers, customer, "customer")?;
        account.orders = load_objects(orders, order, "order")?;
        account.scheduled_updates = load_objects(updates, scheduled_update, "scheduled update")?;
        account.policies = load_objects(policies, policy, "license policy")?;
        account.customer_accounts = load_objects(accounts, customer_account, "customer account")?;
        account.product_custom_fields =
            load_objects(product_fields, product_custom_field, "product custom field")?;
        account.custom_fields = load_objects(custom_fields, custom_field, "license custom field")?;
        let mut unnumbered = Vec::new();
        for given in licenses {
            account.load_license(given, &templates, &mut unnumbered)?;
        }
        // Rows without an id get one at the end, when all ids in use are known.
        for (license, feature) in unnumbered {
            let id = account.new_row_id();
            let license = account.licenses.get_mut(&license);
            if let Some(row) = license.and_then(|license| license.rows.get_mut(&feature)) {
                row.id = id;
            }
        }
        Ok(account)
    }

    /// Loads a product feature, whose id must be new.
    fn load_feature(&mut self, given: Value, templates: &Templates) -> Result<(), String> {
        let given = account_document::expect_object(given, "a product feature")?;
        let feature =
            account_document::overlay_template(&templates.feature, given, "product feature")?;
        let id = id_of(&feature, "product feature")?;
        let code = match feature["code"].as_str() {
            Some(code) if !code.is_empty() => code.to_owned(),
            _ => return Err(format!("product feature {id}: code is required")),
        };
        let key = (feature["product"].as_u64(), code);
        if self.features.contains_key(&id) {
            return Err(format!("product feature {id} is there twice"));
        }
        let known = self.codes.entry(key).or_insert(id);
        *known = id.min(*known);
        self.features.insert(id, feature);
        Ok(())
    }

    /// Removes a license policy; licences that name it name none.
    pub(super) fn remove_policy(&mut self, id: u64) {
        self.policies.remove(&id);
        for license in self.licenses.values_mut() {
            if license.fields["license_template"] == id {
                license.fields.insert("license_template", Value::Null);
            }
        }
    }

    /// Adds a product feature, whose id is new.
    pub(super) fn add_feature(&mut self, id: u64, feature: JsonObject) {
        let code = feature["code"].as_str().unwrap_or_default().to_owned();
        let key = (feature["product"].as_u64(), code);
        self.codes.entry(key).or_insert(id);
        self.features.insert(id, feature);
    }

    /// Removes a product feature, and its rows from all licences.
    pub(super) fn purge_feature(&mut self, id: u64) {
        self.features.remove(&id);
        self.codes.clear();
        for (id, feature) in &self.features {
            let code = feature["code"].as_str().unwrap_or_default().to_owned();
            let key = (feature["product"].as_u64(), code);
            self.codes.entry(key).or_insert(*id);
        }
        for license in self.licenses.values_mut() {
            license.rows.remove(&id);
        }
    }

    /// Returns whether a product, or none, has a feature with this code.
    pub(super) fn has_code(&self, product: Option<u64>, code: &str) -> bool {
        self.codes.contains_key(&(product, code.to_owned()))
    }

    /// Loads a licence; rows without an id are added to `unnumbered` as licence and feature.
    pub(super) fn load_license(
        &mut self,
        given: Value,
        templates: &Templates,
        unnumbered: &mut Vec<(u64, u64)>,
    ) -> Result<(), String> {
        let mut given = account_document::expect_object(given, "a licence")?;
        let rows = account_document::take_list(&mut given, "product_features")?;
        let fields = account_document::overlay_template(&templates.license, given, "licence")?;
        let id = id_of(&fields, "licence")?;
        if let Some(text) = fields["updated_at"].as_str() {
            let parsed = text.parse::<Timestamp>();
            parsed.map_err(|error| format!("licence {id}: updated_at: {error}"))?;
        }
        let mut license = License {
            fields: fields.into(),
            rows: BTreeMap::new(),
        };
        for given in rows {
            let mut given = account_document::expect_object(given, "a row")?;
            let code = given.shift_remove("product_feature").unwrap_or_default();
            let feature = code.as_str().and_then(|code| self.feature(&license, code));
            let Some(feature) = feature else {
                return Err(format!("licence {id}: product_feature {code} is not known"));
            };
            let mut fields = account_document::overlay_template(&templates.row, given, "row")?;
            let row = fields.shift_remove("id").and_then(|id| id.as_u64());
            match row {
                Some(row) => self.next_row_id = self.next_row_id.max(row.saturating_add(1)),
                None => unnumbered.push((id, feature)),
            }
            let row = Row {
                id: row.unwrap_or(0),
                fields: fields.into(),
            };
            if license.rows.insert(feature, row).is_some() {
                return Err(format!("licence {id}: {code} is there twice"));
            }
        }
        match self.licenses.insert(id, license) {
            Some(_) => Err(format!("licence {id} is there twice")),
            None => Ok(()),
        }
    }

    /// Returns the account as a document that [`Self::load`] accepts.
    pub(super) fn save(&self) -> Value {
        let features = self.features.values().cloned().map(Value::Object);
        let licenses = self.licenses.values().map(|license| {
            let rows = license.rows.iter().map(|(feature, row)| {
                let mut saved = JsonObject::new();
                saved.insert("id".into(), json!(row.id));
                saved.insert("product_feature".into(), json!(self.feature_code(*feature)));
                saved.extend(row.fields.to_object());
                Value::Object(saved)
            });
            let mut fields = license.fields.to_object();
            fields.insert("product_features".into(), rows.collect());
            Value::Object(fields)
        });
        json!({
            "product_features": features.collect::<Vec<_>>(),
            "license_templates": self.policies.values().collect::<Vec<_>>(),
            "customer_accounts": self.customer_accounts.values().collect::<Vec<_>>(),
            "product_custom_fields": self.product_custom_fields.values().collect::<Vec<_>>(),
            "license_custom_fields": self.custom_fields.values().collect::<Vec<_>>(),
            "products": self.products.values().collect::<Vec<_>>(),
            "customers": self.customers.values().collect::<Vec<_>>(),
            "scheduled_updates": self.scheduled_updates.values().collect::<Vec<_>>(),
            "orders": self.orders.values().collect::<Vec<_>>(),
            "licenses": licenses.collect::<Vec<_>>(),
        })
    }

    /// Returns the next free id for a row; counted, so that every run makes the same ids.
    pub(super) fn new_row_id(&mut self) -> u64 {
        let id = self.next_row_id;
        self.next_row_id = self.next_row_id.saturating_add(1);
        id
    }

    /// Lists the product features in the order of their ids.
    pub(super) fn features(&self) -> impl DoubleEndedIterator<Item = &JsonObject> {
        self.features.values()
    }

    /// Returns a product feature, `None` if there is none with this id.
    pub(super) fn feature_fields(&self, id: u64) -> Option<&JsonObject> {
        self.features.get(&id)
    }

    /// Lists the licences in the order of their ids.
    pub(super) fn licenses(&self) -> impl Iterator<Item = &License> {
        self.licenses.values()
    }

    /// Returns a licence, `None` if there is none with this id.
    pub(super) fn license_by_id(&self, id: u64) -> Option<&License> {
        self.licenses.get(&id)
    }

    /// Returns the licence that a path names; 404 if there is none.
    pub(super) fn license(&self, id: &str) -> Result<&License, Refusal> {
        let id = id.parse().ok();
        let found = id.and_then(|id| self.license_by_id(id));
        found.ok_or_else(|| detail_refusal(404, "Not found."))
    }

    /// Replaces the licence that a path names.
    pub(super) fn replace_license(&mut self, id: &str, license: License) {
        if let Ok(id) = id.parse() {
            self.licenses.insert(id, license);
        }
    }

    /// Returns the id of the feature that a code means on a licence: one of its product, or else a global one.
    pub(super) fn feature(&self, license: &License, code: &str) -> Option<u64> {
        let find = |product| self.codes.get(&(product, code.to_owned())).copied();
        find(license.product()).or_else(|| find(None))
    }

    /// Returns the id itself if such a feature exists and the licence may have it.
    pub(super) fn feature_by_id(&self, license: &License, id: u64) -> Option<u64> {
        let product = self.features.get(&id)?["product"].as_u64();
        (product.is_none() || product == license.product()).then_some(id)
    }

    /// Returns whether a product feature is deleted or does not exist.
    pub(super) fn is_deleted(&self, feature: u64) -> bool {
        let feature = self.features.get(&feature);
        feature.is_none_or(|feature| feature["is_deleted"] == true)
    }

    /// Returns the code of a product feature, empty if it does not exist.
    fn feature_code(&self, feature: u64) -> &str {
        let feature = self.features.get(&feature);
        feature
            .and_then(|feature| feature["code"].as_str())
            .unwrap_or("")
    }

    /// Returns the product with this code; `None` if there is none.
    pub(super) fn product_by_code(&self, code: &str) -> Option<&JsonObject> {
        let mut products = self.products.values();
        products.find(|product| product["short_code"] == code)
    }

    /// Returns the policy of a product with this code, or its default one without a code; `Err` if there is no such code.
    pub(super) fn policy_of(
        &self,
        product: &Value,
        code: Option<&str>,
    ) -> Result<Option<&JsonObject>, UnknownCode> {
        let mut policies = self.policies.values();
        let mut find = |is_it: &dyn Fn(&JsonObject) -> bool| {
            policies.find(|policy| policy["product"] == *product && is_it(policy))
        };
        match code {
            Some(code) => find(&|policy| policy["code"] == code)
                .map(Some)
                .ok_or(UnknownCode),
            None => Ok(find(&|policy| policy["is_default"] == true)),
        }
    }

    /// Returns the next free id for a licence; counted, so that every run makes the same ids.
    pub(super) fn next_license_id(&self) -> u64 {
        self.licenses.keys().last().map_or(1, |id| id + 1)
    }

    /// Adds a licence, and the values of its custom fields by the ids of the product's fields.
    pub(super) fn add_license(&mut self, license: License, values: Vec<(u64, Value)>) {
        let Some(id) = license.fields["id"].as_u64() else {
            return;
        };
        for (field, value) in values {
            let number = self.custom_fields.keys().last().map_or(1, |id| id + 1);
            let value =
                json!({"id": number, "value": value, "license": id, "product_custom_field": field});
            if let Value::Object(value) = value {
                self.custom_fields.insert(number, value);
            }
        }
        self.licenses.insert(id, license);
    }

    /// Returns a new row of a product feature.
    pub(super) fn row_of(&mut self, feature: u64, max_overages: NewRowMaxOverages) -> Row {
        Row {
            id: self.new_row_id(),
            fields: self.new_row(feature, max_overages).into(),
        }
    }

    /// Returns the members of a new row: the defaults of its product feature, no consumption, no expiry.
    pub(super) fn new_row(&self, feature: u64, max_overages: NewRowMaxOverages) -> JsonObject {
        let mut row = JsonObject::new();
        for name in ROW.into_iter().chain(NEWER) {
            let default = self
                .features
                .get(&feature)
                .and_then(|feature| feature.get(name));
            let value = match name {
                "total_consumptions" => json!(0),
                "expiry_date" => Value::Null,
                "max_overages" if max_overages == NewRowMaxOverages::Fixed99 => json!(99),
                _ => default.cloned().unwrap_or_default(),
            };
            row.insert(name.into(), value);
        }
        row
    }
}

/// No object has the code.
#[derive(Debug)]
pub(super) struct UnknownCode;

/// Returns whether a period is a year, in either spelling.
pub(super) fn is_yearly(period: &Value) -> bool {
    matches!(period.as_str(), Some("annualy" | "annually"))
}

/// Spells a yearly `consumption_period` the way the switch asks for.
pub(super) fn spell_period(fields: &mut JsonObject, spelling: PeriodSpelling) {
    if let Some(period) = fields.get_mut("consumption_period")
        && is_yearly(period)
    {
        *period = spelling.word().into();
    }
}

/// Loads objects that are shown as they are kept, by id; `what` they are stands in messages.
fn load_objects(
    given: Vec<Value>,
    template: &JsonObject,
    what: &str,
) -> Result<BTreeMap<u64, JsonObject>, String> {
    let mut all = BTreeMap::new();
    for given in given {
        let given = account_document::expect_object(given, what)?;
        let object = account_document::overlay_template(template, given, what)?;
        let id = id_of(&object, what)?;
        if all.insert(id, object).is_some() {
            return Err(format!("{what} {id} is there twice"));
        }
    }
    Ok(all)
}

/// Returns the id of an object; `Err` if it has none.
fn id_of(fields: &JsonObject, what: &str) -> Result<u64, String> {
    match fields["id"].as_u64() {
        Some(id) if id > 0 => Ok(id),
        _ => Err(format!("{what}: id is required")),
    }
}

/// The members that a loaded object gets if the document lacks them.
pub(super) struct Templates {
    pub(super) feature: JsonObject,
    pub(super) policy: JsonObject,
    pub(super) customer_account: JsonObject,
    product_custom_field: JsonObject,
    pub(super) custom_field: JsonObject,
    product: JsonObject,
    customer: JsonObject,
    pub(super) order: JsonObject,
    pub(super) scheduled_update: JsonObject,
    pub(super) license: JsonObject,
    row: JsonObject,
}

impl Templates {
    /// Reads the templates from `defaults.json`, which is compiled in.
    pub(super) fn read() -> Result<Self, String> {
        let text = include_str!("defaults.json");
        let all: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let template = |name: &str| account_document::expect_object(all[name].clone(), name);
        Ok(Self {
            feature: template("product_feature")?,
            policy: template("license_template")?,
            customer_account: template("customer_account")?,
            product_custom_field: template("product_custom_field")?,
            custom_field: template("license_custom_field")?,
            product: template("product")?,
            customer: template("customer")?,
            order: template("order")?,
            scheduled_update: template("scheduled_update")?,
            license: template("license")?,
            row: template("row")?,
        })
    }
}
