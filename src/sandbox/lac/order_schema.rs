//! The members of a licence order as the PATCH page lists them (checked 2026-11-21), and their checks.
//!
//! An order is kept in the form in which it is written, with integers as numbers, every member present, and `null`
//! where a member does not apply. [`read_settings`] makes that form out of a request body; `Account::order_view`
//! prints it in the form in which it is read, where integers are strings.
//!
//! # Worked example
//!
//! A feature with `"expiration_type": "no_expiration", "expiration_date": "2030-01-01"` is accepted, and its date
//! dropped: `expiration_date` applies only beside `fixed`, so it is stored and read back as `null`. Without
//! `expiration_type` the feature is refused with `Features[0].expiration_type is required`.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::hostids;
use super::switches::{RuleEnforcement, Switches};
use crate::sandbox::strict_json::{self, JsonObject};

/// The type of a member.
enum ValueKind {
    /// An integer from 1.
    Id,
    /// An integer from 0.
    Count,
    /// An integer from 0 to 100.
    Percent,
    /// An integer or a string of digits: the page's table says string, its example sends an integer.
    Days,
    /// A boolean.
    Flag,
    /// A date as `YYYY-MM-DD`.
    Date,
    /// A string of any length.
    Text,
    /// A string of at most 1024 characters, the limit on the page of feature settings.
    Note,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// An array, whose elements are checked separately.
    List,
}

/// The writes in which a member must be present.
enum Requirement {
    /// In every write.
    Always,
    /// In none.
    Optional,
    /// In a POST; the default in a PATCH is `true`.
    ToCreate,
    /// If another member has this value; otherwise the member does not apply and is stored as `null`.
    When(&'static str, &'static str),
}

use Requirement::{Always, Optional, ToCreate, When};
use ValueKind::{Count, Date, Days, Flag, Id, List, Note, OneOf, Percent, Text};

/// The name, type and requirement of a member.
type MemberSpec = (&'static str, ValueKind, Requirement);

/// The values of `expiration_type`.
const FEATURE_TERMS: &[&str] = &["fixed", "days_from_activation", "no_expiration"];
/// The values of `maintenance_type`.
const MAINTENANCE_TERMS: &[&str] = &["fixed", "days_from_activation", "no_maintenance"];
/// The values of `issued_type`.
const ISSUED_TERMS: &[&str] = &["fixed", "not_issued", "activation_time"];

/// The members of an order, in the order in which they are read.
static ORDER: &[MemberSpec] = &[
    ("customer_id", Id, Always),
    ("product_template_id", Id, Always),
    ("license_type", OneOf(&["local", "network"]), Always),
    (
        "licensee_type",
        OneOf(&["fixed", "customer", "not_specified"]),
        Always,
    ),
    ("licensee", Text, When("licensee_type", "fixed")),
    ("hostid_match_rate", Percent, Always),
    ("min_hostids", Count, Always),
    ("activations_allowed", Count, Always),
    ("enabled", Flag, Always),
    ("description", Text, Optional),
    ("settings_description", Text, Optional),
    ("removal", Flag, Always),
    ("deactivations_allowed", Count, Optional),
    ("Hostids", List, Always),
    ("Features", List, Always),
];

/// The members of an element of `Hostids`.
static HOSTID: &[MemberSpec] = &[
    ("name", Text, Always),
    ("min_amount", Count, Always),
    ("max_amount", Count, Always),
];

/// The members of an element of `Features`, in the order in which they are read.
static FEATURE: &[MemberSpec] = &[
    ("name", Text, Always),
    ("version", Text, Always),
    ("expiration_type", OneOf(FEATURE_TERMS), Always),
    ("expiration_date", Date, When("expiration_type", "fixed")),
    ("issued_type", OneOf(ISSUED_TERMS), Always),
    ("issued_date", Date, When("issued_type", "fixed")),
    ("options", Note, Optional),
    ("additional_settings", Text, Optional),
    ("enabled", Flag, ToCreate),
    (
        "days_from_activation",
        Days,
        When("expiration_type", "days_from_activation"),
    ),
    // The licence type is the order's.
    ("count", Count, When("license_type", "network")),
    ("maintenance_type", OneOf(MAINTENANCE_TERMS), Always),
    ("maintenance_date", Date, When("maintenance_type", "fixed")),
    (
        "maintenance_days_from_activation",
        Days,
        When("maintenance_type", "days_from_activation"),
    ),
    ("comment", Note, Optional),
];

/// Lists the members of an order that a write may name.
pub fn order_members() -> Vec<&'static str> {
    ORDER.iter().map(|(name, ..)| *name).collect()
}

/// Lists the members of an order that a write may lack.
pub fn optional_members() -> impl Iterator<Item = &'static str> {
    let optional = ORDER.iter().filter(|(_, _, need)| matches!(need, Optional));
    optional.map(|(name, ..)| *name)
}

/// Checks a complete body and returns it in the form in which orders are kept.
///
/// `creating` is true if the write is a POST. `manager` is the licence manager of the order's product, which decides
/// which HostIDs exist. `Err` names the first member that does not fit.
pub fn read_settings(
    body: &JsonObject,
    creating: bool,
    manager: &str,
    switches: &Switches,
) -> Result<JsonObject, String> {
    let reader = OrderReader {
        creating,
        digit_strings: switches.digit_strings,
    };
    let mut order = reader.read_members(body, "", ORDER, &JsonObject::new())?;
    if order["deactivations_allowed"].is_null() {
        // The default of product templates.
        order["deactivations_allowed"] = json!(0);
    }

    let mut hostids = Vec::new();
    for (index, item) in list_member(&order, "Hostids").iter().enumerate() {
        let at = format!("Hostids[{index}]");
        let mut hostid =
            reader.read_members(strict_json::require_object(item, &at)?, &at, HOSTID, &order)?;
        let name = hostid["name"].as_str().unwrap_or_default();
        hostid["name"] = hostids::display_label(name, manager)
            .ok_or_else(|| format!("{at}.name: HostID type {name:?} is not supported"))?
            .into();
        if hostid["max_amount"].as_i64() < hostid["min_amount"].as_i64() {
            return Err(format!("{at}.max_amount must not be below min_amount"));
        }
        hostids.push(Value::Object(hostid));
    }
    if hostids.len() > 1 && !hostids::several_allowed(manager) {
        return Err("Hostids: only LM-X orders may have several HostID types".into());
    }
    let mut features = Vec::new();
    for (index, item) in list_member(&order, "Features").iter().enumerate() {
        let at = format!("Features[{index}]");
        let feature = reader.read_members(
            strict_json::require_object(item, &at)?,
            &at,
            FEATURE,
            &order,
        )?;
        features.push(Value::Object(feature));
    }
    if switches.duplicates == RuleEnforcement::Refuse {
        require_unique("Hostids", &hostids, &["name"])?;
        require_unique("Features", &features, &["name", "version"])?;
    }
    order["Hostids"] = hostids.into();
    order["Features"] = features.into();
    Ok(order)
}

/// Returns the elements of a list member, which a checked order has.
fn list_member<'a>(order: &'a JsonObject, name: &str) -> &'a [Value] {
    order[name].as_array().map_or(&[], Vec::as_slice)
}

/// Refuses a list in which two elements have the same values of the `key` members.
fn require_unique(list: &str, items: &[Value], key: &[&str]) -> Result<(), String> {
    let mut seen_keys = std::collections::BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let parts: Vec<_> = key.iter().map(|name| item[*name].as_str()).collect();
        if !seen_keys.insert(parts) {
            return Err(format!(
                "{list}[{index}] repeats the {} of an earlier one",
                key.join(" and ")
            ));
        }
    }
    Ok(())
}

/// The settings that the checks of a body depend on.
struct OrderReader {
    /// True if the write is a POST.
    creating: bool,
    /// True if a string of digits counts as an integer.
    digit_strings: bool,
}

impl OrderReader {
    /// Reads all members of one object; conditions look at the object first, then at `outer`.
    fn read_members(
        &self,
        object: &JsonObject,
        at: &str,
        members: &[MemberSpec],
        outer: &JsonObject,
    ) -> Result<JsonObject, String> {
        let known: Vec<_> = members.iter().map(|(name, ..)| *name).collect();
        strict_json::refuse_unknown_members(object, at, &known)?;
        let mut read = JsonObject::new();
        for (name, kind, need) in members {
            let applies = match need {
                Always | Optional | ToCreate => true,
                When(member, value) => {
                    let decider = object.get(*member).or_else(|| outer.get(*member));
                    decider.and_then(Value::as_str) == Some(value)
                }
            };
            let needed = match need {
                Always => true,
                Optional => false,
                ToCreate => self.creating,
                When(..) => applies,
            };
            let given = object.get(*name).filter(|value| !value.is_null());
            let value = match given {
                Some(value) => self.read_value(kind, value).map_err(|expected| {
                    let path = strict_json::member_path(at, name);
                    format!("{path} must be {expected}, not {value}")
                })?,
                None if needed => {
                    strict_json::require_member(object, at, name)?;
                    return Err(format!(
                        "{} must not be null",
                        strict_json::member_path(at, name)
                    ));
                }
                None if matches!(need, ToCreate) => Value::Bool(true),
                None => Value::Null,
            };
            // A value that does not apply, such as a date beside `no_expiration`, is dropped: reads show null.
            read.insert(
                (*name).to_owned(),
                if applies { value } else { Value::Null },
            );
        }
        Ok(read)
    }

    /// Returns a value in its stored form; `Err` says which type is expected.
    fn read_value(&self, kind: &ValueKind, value: &Value) -> Result<Value, String> {
        let integer = |digits_too: bool, range: std::ops::RangeInclusive<i64>| {
            let parsed = match value {
                Value::String(text) if digits_too => parse_digits(text),
                _ => value.as_i64(),
            };
            parsed
                .filter(|number| range.contains(number))
                .map(Value::from)
        };
        let text = |longest: usize| {
            let fits = value
                .as_str()
                .filter(|text| text.chars().count() <= longest);
            fits.map(Value::from)
        };
        // Every published client stores amounts in 32 bits.
        let most = i64::from(i32::MAX);
        let (read, expected) = match kind {
            Id => (integer(self.digit_strings, 1..=most), "an integer id"),
            Count => (integer(self.digit_strings, 0..=most), "an integer from 0"),
            Percent => (integer(self.digit_strings, 0..=100), "a percentage"),
            Days => (integer(true, 0..=most), "a number of days"),
            Flag => (value.as_bool().map(Value::from), "a boolean"),
            Date => {
                let date = value
                    .as_str()
                    .filter(|text| strict_json::parse_date(text).is_some());
                (date.map(Value::from), "a date as YYYY-MM-DD")
            }
            Text => (text(usize::MAX), "a string"),
            Note => (text(1024), "a string of at most 1024 characters"),
            List => (value.as_array().map(|items| json!(items)), "an array"),
            OneOf(choices) => {
                let chosen = value.as_str().filter(|text| choices.contains(text));
                let expected = || format!("one of {}", choices.join(", "));
                return chosen.map(Value::from).ok_or_else(expected);
            }
        };
        read.ok_or_else(|| expected.to_owned())
    }
}

/// Parses a non-empty string of ASCII digits, `None` for anything else.
pub fn parse_digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// A stored value as reads print it: integers become strings, at every depth.
pub struct IntegersAsStrings<'a>(pub &'a Value);

impl Serialize for IntegersAsStrings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => serializer.collect_str(number),
            Value::Array(items) => serializer.collect_seq(items.iter().map(IntegersAsStrings)),
            Value::Object(members) => serializer.collect_map(
                members
                    .iter()
                    .map(|(name, value)| (name, IntegersAsStrings(value))),
            ),
            other => other.serialize(serializer),
        }
    }
}
