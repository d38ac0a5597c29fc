//! The view of a LicenseSpring licence, as the vendor's list and update pages print it (checked 2026-11-21).
//!
//! Serialized member by member, without a JSON tree in between, which a page of a hundred licences would pay for.

use jiff::{Timestamp, Unit};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::account::{Account, License, NEWER, ROW, Row, is_yearly};
use super::switches::{PeriodSpelling, RowMembers, Switches};
use crate::sandbox::layered_object::MemberLookup;
use crate::sandbox::strict_json::JsonObject;

/// The members of a product feature inside a row, as the page of the write call prints it.
const NESTED: [&str; 13] = [
    "id",
    "created_at",
    "updated_at",
    "name",
    "code",
    "is_deleted",
    "feature_type",
    "max_consumption",
    "allow_overages",
    "max_overages",
    "reset_consumption",
    "consumption_period",
    "metadata",
];

impl Account {
    /// Returns a licence as the API shows it; `written` is whether it is the reply to a write.
    pub(super) fn license_view<'a>(
        &'a self,
        license: &'a License,
        switches: &'a Switches,
        written: bool,
    ) -> LicenseView<'a> {
        LicenseView {
            account: self,
            license,
            switches,
            written,
        }
    }
}

/// A licence as the API shows it, its rows in the order of their ids.
pub(super) struct LicenseView<'a> {
    account: &'a Account,
    license: &'a License,
    switches: &'a Switches,
    written: bool,
}

impl Serialize for LicenseView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let spelling = self.switches.period_spelling;
        let mut out = serializer.serialize_map(None)?;
        for (name, value) in self.license.fields.iter() {
            match name {
                "product_features" => out.serialize_entry(name, &self.rows())?,
                "license_template" if self.switches.row_members == RowMembers::Page => {}
                "updated_at" if !self.written => match whole_seconds(value) {
                    Some(rounded) => out.serialize_entry(name, &rounded)?,
                    None => out.serialize_entry(name, value)?,
                },
                _ => out.serialize_entry(name, &SpelledMember(name, value, spelling))?,
            }
        }
        out.end()
    }
}

impl LicenseView<'_> {
    /// Returns the rows in the order of their ids.
    fn rows(&self) -> Vec<RowView<'_>> {
        let rows = self.license.rows.iter();
        let rows = rows.map(|(feature, row)| RowView {
            nested: self.account.feature_fields(*feature),
            row,
            switches: self.switches,
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|shown| shown.row.id);
        rows
    }
}

/// Rounds `updated_at` to whole seconds; `None` if it is no time.
///
/// Only the reply to a write has microseconds; later reads are rounded, as in the vendor's update and list examples.
pub(super) fn whole_seconds(updated: &Value) -> Option<String> {
    let at: Timestamp = updated.as_str()?.parse().ok()?;
    Some(at.round(Unit::Second).ok()?.to_string())
}

/// A row with its product feature in full.
struct RowView<'a> {
    nested: Option<&'a JsonObject>,
    row: &'a Row,
    switches: &'a Switches,
}

impl Serialize for RowView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let spelling = self.switches.period_spelling;
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("id", &self.row.id)?;
        let nested = self.nested.map(|nested| FeatureView(nested, spelling));
        out.serialize_entry("product_feature", &nested)?;
        write_members(&mut out, &self.row.fields, &ROW, spelling)?;
        if self.switches.row_members == RowMembers::Newer {
            write_members(&mut out, &self.row.fields, &NEWER, spelling)?;
        }
        out.end()
    }
}

/// A product feature inside a row.
struct FeatureView<'a>(&'a JsonObject, PeriodSpelling);

impl Serialize for FeatureView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        write_members(&mut out, self.0, &NESTED, self.1)?;
        out.end()
    }
}

/// Writes the named members in this order, `null` for an absent one.
fn write_members<M: SerializeMap>(
    out: &mut M,
    from: &impl MemberLookup,
    names: &[&str],
    spelling: PeriodSpelling,
) -> Result<(), M::Error> {
    for name in names {
        let value = from.member(name).unwrap_or(&Value::Null);
        out.serialize_entry(name, &SpelledMember(name, value, spelling))?;
    }
    Ok(())
}

/// A member's name and value; a yearly period is spelled as the switch asks for.
struct SpelledMember<'a>(&'a str, &'a Value, PeriodSpelling);

impl Serialize for SpelledMember<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(name, value, spelling) = self;
        match name == &"consumption_period" && is_yearly(value) {
            true => spelling.word().serialize(serializer),
            false => value.serialize(serializer),
        }
    }
}
