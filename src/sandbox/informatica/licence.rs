//! An organization's licence: three sets of elements, and the checks of a PUT body.
//!
//! From the vendor's *Licenses* page, checked 2026-11-21:
//!
//! | set | key | other members |
//! | --- | --- | --- |
//! | `customLicenses` | `licenseDef` | `licenseType`, `expirationDate` |
//! | `assignedEditions` | `edition` | `expirationDate` |
//! | `customLimits` | `limitDefinition` | `value`, where -1 is no maximum |
//!
//! A PUT replaces all three. What a missing set means is the switch `absent_key`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::switches::{
    AbsentKey, DateStrictness, EmptyStyle, ExpirationRequired, RuleEnforcement, Switches,
};
use crate::sandbox::strict_json::{self, JsonObject};

/// The licence of one organization. Elements have every member, in the order in which the page prints them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Licence {
    /// The elements of `customLicenses`.
    pub licenses: Vec<Value>,
    /// The elements of `assignedEditions`.
    pub editions: Vec<Value>,
    /// The elements of `customLimits`.
    pub limits: Vec<Value>,
}

/// The name of the set of licences and the key of its elements.
pub const LICENSES: (&str, &str) = ("customLicenses", "licenseDef");
/// The name of the set of editions and the key of its elements.
pub const EDITIONS: (&str, &str) = ("assignedEditions", "edition");
/// The name of the set of limits and the key of its elements.
pub const LIMITS: (&str, &str) = ("customLimits", "limitDefinition");

/// The licence types. One copy of the page prints the last as `NON`, the vendor's other copies as here.
const TYPES: &[&str] = &["TRIAL", "SUBSCRIPTION", "FREE", "NONE"];

impl Licence {
    /// Reads the three sets of a body; a missing one is empty or that of `live`, as `absent_key` says.
    ///
    /// `Err` names the element and what is wrong with it.
    pub fn read(body: &JsonObject, live: &Self, switches: &Switches) -> Result<Self, String> {
        let set =
            |(list, key), live: &[Value], element: &dyn Fn(&JsonObject, &str) -> ElementResult| {
                if body.contains_key(list) {
                    read_elements(
                        strict_json::require_array(body, "", list)?,
                        list,
                        key,
                        element,
                    )
                } else if switches.absent_key == AbsentKey::Leave {
                    Ok(live.to_vec())
                } else {
                    Ok(Vec::new())
                }
            };
        Ok(Self {
            licenses: set(LICENSES, &live.licenses, &|item, at| {
                read_license(item, at, switches)
            })?,
            editions: set(EDITIONS, &live.editions, &|item, at| {
                read_edition(item, at, switches)
            })?,
            limits: set(LIMITS, &live.limits, &read_limit)?,
        })
    }

    /// Writes the sets into a document, each rotated by `turn` elements.
    pub fn write(&self, into: &mut JsonObject, turn: usize, switches: &Switches) {
        let sets = [
            (LICENSES, &self.licenses),
            (EDITIONS, &self.editions),
            (LIMITS, &self.limits),
        ];
        for ((list, _), elements) in sets {
            let mut elements = elements.clone();
            if !elements.is_empty() {
                let by = turn % elements.len();
                elements.rotate_left(by);
            }
            if switches.no_expiration == EmptyStyle::LeftOut {
                let elements = elements.iter_mut().filter_map(Value::as_object_mut);
                elements.for_each(|element| element.retain(|_, value| !value.is_null()));
            }
            let empty = elements.is_empty();
            let shown = match switches.empty_lists {
                EmptyStyle::LeftOut if empty => continue,
                EmptyStyle::Null if empty => Value::Null,
                EmptyStyle::Shown | EmptyStyle::Null | EmptyStyle::LeftOut => elements.into(),
            };
            into.insert(list.to_owned(), shown);
        }
    }

    /// Checks a sub-organization's licence against its parent's, by the rules that are switched on.
    pub fn check_parent(&self, parent: &Self, switches: &Switches) -> Result<(), String> {
        let sets = [
            (LICENSES, &self.licenses, &parent.licenses),
            (EDITIONS, &self.editions, &parent.editions),
        ];
        for ((list, key), child, parent_elements) in sets {
            let parent_elements: BTreeMap<_, _> = parent_elements
                .iter()
                .map(|item| (item[key].as_str(), item))
                .collect();
            for (index, item) in child.iter().enumerate() {
                let at = format!("{list}[{index}]");
                let Some(above) = parent_elements.get(&item[key].as_str()) else {
                    if switches.parent_must_hold {
                        return Err(format!("{at}: the parent organization does not hold it"));
                    }
                    continue;
                };
                // Stored times have one form, which sorts as text; null is never.
                let extends = match (&item["expirationDate"], &above["expirationDate"]) {
                    (Value::String(child), Value::String(above)) => child > above,
                    (child, above) => child.is_null() && !above.is_null(),
                };
                if extends && switches.extend_past_parent == RuleEnforcement::Refuse {
                    return Err(format!(
                        "{at}.expirationDate is past the parent organization's"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// A checked element in its stored form, or what is wrong with it.
type ElementResult = Result<Value, String>;

/// Reads the elements of a set, whose keys must be unique.
fn read_elements(
    items: &[Value],
    list: &str,
    key: &str,
    element: &dyn Fn(&JsonObject, &str) -> ElementResult,
) -> Result<Vec<Value>, String> {
    let mut read = Vec::with_capacity(items.len());
    let mut keys = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let at = format!("{list}[{index}]");
        let item = strict_json::require_object(item, &at)?;
        let id = strict_json::require_string(item, &at, key)?;
        if id.is_empty() {
            return Err(format!("{at}.{key} must not be empty"));
        }
        if !keys.insert(id) {
            return Err(format!("{at}.{key} {id} is given twice"));
        }
        read.push(element(item, &at)?);
    }
    Ok(read)
}

/// Reads an element of `customLicenses`.
fn read_license(item: &JsonObject, at: &str, switches: &Switches) -> ElementResult {
    strict_json::refuse_unknown_members(
        item,
        at,
        &["licenseType", "expirationDate", "licenseDef"],
    )?;
    let kind = strict_json::require_choice(item, at, "licenseType", TYPES)?;
    let free = matches!(kind, "FREE" | "NONE");
    Ok(json!({
        "licenseType": kind,
        "expirationDate": read_expiration(item, at, free, switches)?,
        "licenseDef": item["licenseDef"],
    }))
}

/// Reads an element of `assignedEditions`.
fn read_edition(item: &JsonObject, at: &str, switches: &Switches) -> ElementResult {
    strict_json::refuse_unknown_members(item, at, &["expirationDate", "edition"])?;
    Ok(json!({
        "expirationDate": read_expiration(item, at, false, switches)?,
        "edition": item["edition"],
    }))
}

/// Reads an element of `customLimits`.
fn read_limit(item: &JsonObject, at: &str) -> ElementResult {
    strict_json::refuse_unknown_members(item, at, &["value", "limitDefinition"])?;
    let value = strict_json::require_integer(item, at, "value")?;
    // "Use -1 to indicate there is no maximum"; public clients use 32 bits for the value.
    if !(-1..=i64::from(i32::MAX)).contains(&value) {
        return Err(format!("{at}.value must be -1 or a 32-bit count"));
    }
    Ok(json!({"value": value, "limitDefinition": item["limitDefinition"]}))
}

/// Reads `expirationDate` in its stored form; `None` if it is absent or `null` where the switches allow that.
fn read_expiration(
    item: &JsonObject,
    at: &str,
    free: bool,
    switches: &Switches,
) -> Result<Option<String>, String> {
    let required = match switches.expiration_required {
        ExpirationRequired::UnlessFree => !free,
        ExpirationRequired::Always => true,
        ExpirationRequired::Never => false,
    };
    let text = match required {
        true => strict_json::require_string(item, at, "expirationDate")?,
        false => match strict_json::optional_string(item, at, "expirationDate")? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    normalize_instant(text, switches.dates)
        .map(Some)
        .ok_or_else(|| format!("{at}.expirationDate {text:?} is not a time"))
}

/// Returns a time in the stored form (whole seconds, UTC, a literal `Z`), `None` if the text is none.
///
/// If strict, only the stored form itself is accepted.
fn normalize_instant(text: &str, dates: DateStrictness) -> Option<String> {
    let time = match (text.parse::<Timestamp>(), text.parse::<Date>()) {
        (Ok(time), _) => time,
        (Err(_), Ok(date)) => date.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        (Err(_), Err(_)) => return None,
    };
    let stored = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    (dates == DateStrictness::Tolerant || stored == text).then_some(stored)
}
