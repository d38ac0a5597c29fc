//! The Alinea account: licences and what they may refer to, loaded from and saved as JSON.
//!
//! A licence is kept under the names of the write call; the read views in `views` rename its members. Lookups by
//! id are logarithmic.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sandbox::account_document;
use crate::sandbox::body_schema;
use crate::sandbox::pseudo_random::splitmix64;
use crate::sandbox::strict_json::JsonObject;

/// A GUID; upper-case and lower-case digits are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Guid(Uuid);

impl Guid {
    /// The GUID of zeros, which a member missing from a body becomes.
    pub(super) const EMPTY: Self = Self(Uuid::nil());

    /// Returns the GUID at an index of a sequence; sequences that start 2^40 apart do not meet.
    pub(super) fn pseudo_random(sequence: u64, index: u64) -> Self {
        let index = sequence.wrapping_add(index.wrapping_mul(2));
        let halves = (splitmix64(index), splitmix64(index.wrapping_add(1)));
        Self(Uuid::from_u64_pair(halves.0, halves.1))
    }
}

impl TryFrom<String> for Guid {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let guid = body_schema::parse_guid(&text);
        guid.map(Self).ok_or_else(|| format!("{text:?} is no GUID"))
    }
}

impl From<Guid> for String {
    fn from(guid: Guid) -> Self {
        guid.to_string()
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

/// A JSON value that many licences share.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedValue(Arc<Value>);

impl Serialize for SharedValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(Arc::new(value)))
    }
}

/// One licence: its id and the sixteen members that PUT writes, then those that only reads show.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct License {
    pub(super) id: Guid,
    pub(super) license_name: String,
    pub(super) start_date: Option<Timestamp>,
    pub(super) end_date: Option<Timestamp>,
    pub(super) user_group_id: Guid,
    pub(super) owner_id: Guid,
    pub(super) available_seats: i32,
    pub(super) contact_person_name: Option<String>,
    pub(super) contact_phone: Option<String>,
    pub(super) contact_email: Option<String>,
    pub(super) buffer: Option<i32>,
    pub(super) grade: Option<String>,
    pub(super) license_category_id: Option<Guid>,
    pub(super) allowable_user_roles: Vec<Guid>,
    pub(super) is_paused: bool,
    pub(super) seat_user_group_ids: Vec<Guid>,
    pub(super) privileged_user_roles: Vec<Guid>,

    pub(super) account_id: Guid,
    pub(super) license_type: i32,
    pub(super) license_type_name: String,
    pub(super) access_type: i32,
    pub(super) access_type_name: String,
    pub(super) product_isbns: Vec<String>,
    pub(super) product_group: SharedValue,
    pub(super) user_ids: Vec<Guid>,
    pub(super) institutions_in_municipality: Vec<Value>,
    pub(super) agreement_start_date: Option<Timestamp>,
    pub(super) agreement_end_date: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Option<Timestamp>,
    pub(super) is_deleted: bool,
}

impl Default for License {
    fn default() -> Self {
        Self {
            id: Guid::EMPTY,
            license_name: "License".into(),
            start_date: None,
            end_date: None,
            user_group_id: Guid::EMPTY,
            owner_id: Guid::EMPTY,
            available_seats: 0,
            contact_person_name: None,
            contact_phone: None,
            contact_email: None,
            buffer: None,
            grade: None,
            license_category_id: None,
            allowable_user_roles: Vec::new(),
            is_paused: false,
            seat_user_group_ids: Vec::new(),
            privileged_user_roles: Vec::new(),
            account_id: Guid::EMPTY,
            license_type: 1,
            license_type_name: "School".into(),
            access_type: 1,
            access_type_name: "Full".into(),
            product_isbns: Vec::new(),
            product_group: SharedValue::default(),
            user_ids: Vec::new(),
            institutions_in_municipality: Vec::new(),
            agreement_start_date: None,
            agreement_end_date: None,
            created_at: Timestamp::UNIX_EPOCH,
            modified_at: None,
            is_deleted: false,
        }
    }
}

/// The owner of a licence.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Owner {
    pub(super) id: Guid,
    pub(super) name: String,
    pub(super) uvmid: Option<String>,
    pub(super) user_group_id: Guid,
    pub(super) r#type: i32,
    pub(super) type_name: String,
}

/// A user group: a school or municipality.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct UserGroup {
    pub(super) id: Guid,
    pub(super) name: String,
    pub(super) user_group_type: i32,
    pub(super) user_group_type_name: String,
    pub(super) institution_number: Option<String>,
    pub(super) commune_number: Option<String>,
    pub(super) zip_code: Option<String>,
    pub(super) city: Option<String>,
    pub(super) email: Option<String>,
    pub(super) has_ws17_agreement: bool,
    /// `LastSynchonized` is the vendor's spelling.
    pub(super) last_synchonized: Option<Timestamp>,
}

/// A category that licences can be sorted into.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct LicenseCategory {
    pub(super) id: Guid,
    pub(super) name: String,
    pub(super) type_id: i32,
    pub(super) type_name: String,
}

/// A user role, which a licence allows or gives privileges to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Role {
    pub(super) id: Guid,
    pub(super) name: String,
}

/// A group that seats are assigned to: single users, or a whole user group.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct SeatGroup {
    pub(super) id: Guid,
    pub(super) name: String,
    pub(super) is_user_group: bool,
}

/// Objects by their id.
type ById<T> = BTreeMap<Guid, T>;

/// The whole account, every list by id.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) owners: ById<Owner>,
    pub(super) user_groups: ById<UserGroup>,
    pub(super) categories: ById<LicenseCategory>,
    pub(super) roles: ById<Role>,
    pub(super) seat_groups: ById<SeatGroup>,
    pub(super) licenses: ById<License>,
}

impl Account {
    /// Loads an object of six lists; only ids are required, every other member has a default.
    ///
    /// `Err` names the list, the index and what is wrong.
    pub(super) fn load(state: Value) -> Result<Self, String> {
        let mut state = account_document::expect_object(state, "the account")?;
        let account = Self {
            owners: load_list(&mut state, "owners", |item: &Owner| item.id)?,
            user_groups: load_list(&mut state, "userGroups", |item: &UserGroup| item.id)?,
            categories: load_list(&mut state, "categories", |item: &LicenseCategory| item.id)?,
            roles: load_list(&mut state, "roles", |item: &Role| item.id)?,
            seat_groups: load_list(&mut state, "seatGroups", |item: &SeatGroup| item.id)?,
            licenses: load_list(&mut state, "licenses", |item: &License| item.id)?,
        };
        account_document::expect_nothing_left(&state, "the account")?;
        Ok(account)
    }

    /// Returns the account as a document that [`Self::load`] accepts.
    pub(super) fn save(&self) -> Value {
        json!({
            "owners": save_list(&self.owners),
            "userGroups": save_list(&self.user_groups),
            "categories": save_list(&self.categories),
            "roles": save_list(&self.roles),
            "seatGroups": save_list(&self.seat_groups),
            "licenses": save_list(&self.licenses),
        })
    }
}

/// Takes a list out of the account document and indexes it by id; an id must be there and unique.
fn load_list<T: DeserializeOwned>(
    state: &mut JsonObject,
    name: &str,
    id_of: impl Fn(&T) -> Guid,
) -> Result<ById<T>, String> {
    let mut all = ById::new();
    for (position, value) in account_document::take_list(state, name)?
        .into_iter()
        .enumerate()
    {
        let item: T = serde_json::from_value(value)
            .map_err(|error| format!("{name}[{position}]: {error}"))?;
        let id = id_of(&item);
        if id == Guid::EMPTY {
            return Err(format!("{name}[{position}]: Id is required"));
        }
        if all.insert(id, item).is_some() {
            return Err(format!("{name}[{position}]: {id} is there twice"));
        }
    }
    Ok(all)
}

/// Returns the objects of a list in the order of their ids.
fn save_list<T: Serialize>(all: &ById<T>) -> Vec<Value> {
    all.values().map(|item| json!(item)).collect()
}
