//! The account: product features and licences, loaded from and saved as JSON.
//!
//! A licence is kept in the vendor's reading form; its feature rows name their product feature by code in
//! the saved document and show the whole feature when read. Lookups by id and code are logarithmic.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::switches::{NewRowMaxOverages, PeriodSpelling};
use super::{Refusal, detail_refusal};
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::strict_json::JsonObject;
use crate::sandbox::wire;

/// A row after its `id` and `product_feature`, as the same page prints it.
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
/// What newer pages print on a row besides. The write call names the last four.
pub(super) const NEWER: [&str; 7] = [
    "allow_unlimited_consumptions",
    "allow_negative_consumptions",
    "valid_duration",
    "is_floating",
    "is_floating_cloud",
    "floating_users",
    "floating_timeout",
];

/// Row ids of the page's example start here.
const FIRST_ROW_ID: u64 = 1_605_023_917_125_630;

#[derive(Clone)]
pub(super) struct Account {
    features: BTreeMap<u64, JsonObject>,
    /// By product, or none for global ones, and code.
    codes: BTreeMap<(Option<u64>, String), u64>,
    pub(super) licenses: BTreeMap<u64, License>,
    next_row_id: u64,
}

#[derive(Clone)]
pub(super) struct License {
    pub(super) fields: LayeredObject,
    /// Rows by the id of their product feature.
    pub(super) rows: BTreeMap<u64, Row>,
}

#[derive(Clone)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) fields: LayeredObject,
}

impl License {
    fn product(&self) -> Option<u64> {
        self.fields["product"]["id"].as_u64()
    }
}

impl Account {
    /// Reads `{"product_features": […], "licenses": [{…, "product_features": [{"product_feature": "f5", …}]}]}`;
    /// a feature needs an id and a code, a licence an id, a row its feature; the rest has defaults.
    pub(super) fn load(state: Value) -> Result<Self, String> {
        let templates = Templates::read()?;
        let mut state = wire::expect_object(state, "the account")?;
        let features = wire::take_list(&mut state, "product_features")?;
        let licenses = wire::take_list(&mut state, "licenses")?;
        wire::expect_nothing_left(&state, "the account")?;
        let mut account = Self {
            features: BTreeMap::new(),
            codes: BTreeMap::new(),
            licenses: BTreeMap::new(),
            next_row_id: FIRST_ROW_ID,
        };
        for given in features {
            account.load_feature(given, &templates)?;
        }
        let mut unnumbered = Vec::new();
        for given in licenses {
            account.load_license(given, &templates, &mut unnumbered)?;
        }
        // Only now is it known which row ids are taken.
        for (license, feature) in unnumbered {
            let id = account.new_row_id();
            let license = account.licenses.get_mut(&license);
            if let Some(row) = license.and_then(|license| license.rows.get_mut(&feature)) {
                row.id = id;
            }
        }
        Ok(account)
    }

    fn load_feature(&mut self, given: Value, templates: &Templates) -> Result<(), String> {
        let given = wire::expect_object(given, "a product feature")?;
        let feature = wire::overlay_template(&templates.feature, given, "product feature")?;
        let id = id_of(&feature, "product feature")?;
        let code = match feature["code"].as_str() {
            Some(code) if !code.is_empty() => code.to_owned(),
            _ => return Err(format!("product feature {id}: code is required")),
        };
        let key = (feature["product"].as_u64(), code);
        if self.codes.contains_key(&key) || self.features.contains_key(&id) {
            return Err(format!("product feature {id} or its code is there twice"));
        }
        self.codes.insert(key, id);
        self.features.insert(id, feature);
        Ok(())
    }

    pub(super) fn load_license(
        &mut self,
        given: Value,
        templates: &Templates,
        unnumbered: &mut Vec<(u64, u64)>,
    ) -> Result<(), String> {
        let mut given = wire::expect_object(given, "a licence")?;
        let rows = wire::take_list(&mut given, "product_features")?;
        let fields = wire::overlay_template(&templates.license, given, "licence")?;
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
            let mut given = wire::expect_object(given, "a row")?;
            let code = given.shift_remove("product_feature").unwrap_or_default();
            let feature = code.as_str().and_then(|code| self.feature(&license, code));
            let Some(feature) = feature else {
                return Err(format!("licence {id}: product_feature {code} is not known"));
            };
            let mut fields = wire::overlay_template(&templates.row, given, "row")?;
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
            "licenses": licenses.collect::<Vec<_>>(),
        })
    }

    pub(super) fn new_row_id(&mut self) -> u64 {
        let id = self.next_row_id;
        self.next_row_id = self.next_row_id.saturating_add(1);
        id
    }

    pub(super) fn features(&self) -> impl Iterator<Item = &JsonObject> {
        self.features.values()
    }

    pub(super) fn feature_fields(&self, id: u64) -> Option<&JsonObject> {
        self.features.get(&id)
    }

    pub(super) fn licenses(&self) -> impl Iterator<Item = &License> {
        self.licenses.values()
    }

    pub(super) fn license_by_id(&self, id: u64) -> Option<&License> {
        self.licenses.get(&id)
    }

    /// The licence that a path names.
    pub(super) fn license(&self, id: &str) -> Result<&License, Refusal> {
        let id = id.parse().ok();
        let found = id.and_then(|id| self.license_by_id(id));
        found.ok_or_else(|| detail_refusal(404, "Not found."))
    }

    /// Replaces a licence that is there.
    pub(super) fn replace_license(&mut self, id: &str, license: License) {
        if let Ok(id) = id.parse() {
            self.licenses.insert(id, license);
        }
    }

    /// The feature that a code means on a licence: one of its product, or else a global one.
    pub(super) fn feature(&self, license: &License, code: &str) -> Option<u64> {
        let find = |product| self.codes.get(&(product, code.to_owned())).copied();
        find(license.product()).or_else(|| find(None))
    }

    /// The feature of that id, if the licence may have it.
    pub(super) fn feature_by_id(&self, license: &License, id: u64) -> Option<u64> {
        let product = self.features.get(&id)?["product"].as_u64();
        (product.is_none() || product == license.product()).then_some(id)
    }

    pub(super) fn is_deleted(&self, feature: u64) -> bool {
        let feature = self.features.get(&feature);
        feature.is_none_or(|feature| feature["is_deleted"] == true)
    }

    fn feature_code(&self, feature: u64) -> &str {
        let feature = self.features.get(&feature);
        feature
            .and_then(|feature| feature["code"].as_str())
            .unwrap_or("")
    }

    /// The members of a row that nobody has set yet.
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

/// Whether a period is a year, however it is spelled.
pub(super) fn is_yearly(period: &Value) -> bool {
    matches!(period.as_str(), Some("annualy" | "annually"))
}

/// Writes a yearly period the way the switch says.
pub(super) fn spell_period(fields: &mut JsonObject, spelling: PeriodSpelling) {
    if let Some(period) = fields.get_mut("consumption_period")
        && is_yearly(period)
    {
        *period = spelling.word().into();
    }
}

fn id_of(fields: &JsonObject, what: &str) -> Result<u64, String> {
    match fields["id"].as_u64() {
        Some(id) if id > 0 => Ok(id),
        _ => Err(format!("{what}: id is required")),
    }
}

/// What members a loaded object gets when the document leaves them out.
pub(super) struct Templates {
    feature: JsonObject,
    license: JsonObject,
    row: JsonObject,
}

impl Templates {
    pub(super) fn read() -> Result<Self, String> {
        let text = include_str!("defaults.json");
        let all: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let template = |name: &str| wire::expect_object(all[name].clone(), name);
        Ok(Self {
            feature: template("product_feature")?,
            license: template("license")?,
            row: template("row")?,
        })
    }
}
