//! Hashes the live values that a diff was computed from, so that a later run can tell whether they have moved.
//!
//! In: the table, the manifest's fields and live. Out: `sha256:` and 64 hexadecimal digits. The hash is over JSON with
//! members in the order of their names, so it does not depend on the order of a reply:
//!
//! ```text
//! live    name: "x"   items: b {seats: 5, used: 2}, a {seats: 10, used: 7}
//! hashed  {"items":{"a":{"seats":10},"b":{"seats":5}},"name":"x"}      without the counters `used`
//! ```

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use sha2::{Digest, Sha256};

use crate::model::field::find_field;
use crate::model::json;
use crate::model::live::{Fact, VERSION_FACT};
use crate::model::{Carry, Desired, ElementKey, Field, Fields, Live, PackedFields, Shape, Value};

/// Returns a hash that changes when a managed or carried field of the object changes, and only then.
///
/// Counters that move with use are left out unless the manifest manages them: use must not make a plan stale.
pub fn fingerprint_of(table: &'static [Field], desired: &Desired, live: &Live) -> String {
    let version = match live.facts.get(VERSION_FACT) {
        Some(Fact::Text(version)) => Some(version.as_str()),
        Some(Fact::Number(_)) | None => None,
    };
    json_digest(&CanonicalJson {
        table,
        fields: &live.fields,
        managed: Some(&desired.fields),
        version,
    })
}

/// Writes the fields of an object or element straight into the hash: members in the order of their names, keyed lists
/// as maps.
struct CanonicalJson<'a> {
    table: &'static [Field],
    fields: &'a Fields,
    /// The manifest's fields; elements have none that a manifest manages apart.
    managed: Option<&'a PackedFields>,
    version: Option<&'a str>,
}

impl Serialize for CanonicalJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        // Before all names: those begin with letters.
        if let Some(version) = self.version {
            map.serialize_entry("@version", version)?;
        }
        for (name, value) in self.fields.iter() {
            let Some(field) = find_field(self.table, name) else {
                continue;
            };
            let managed = || self.managed.is_some_and(|fields| fields.contains_key(name));
            if field.carry == Carry::OnlyManaged && !managed() {
                continue;
            }
            match (&field.shape, value) {
                (Shape::Keyed(elements), Value::Items(items)) => {
                    map.serialize_entry(name, &ByKey(elements.fields, items))?;
                }
                (_, Value::Json(json)) => map.serialize_entry(name, &json::Canonical(json))?,
                (shape, value) => map.serialize_entry(name, &shape.json(value))?,
            }
        }
        map.end()
    }
}

/// The elements of a keyed list by their keys.
struct ByKey<'a>(&'static [Field], &'a [(ElementKey, Fields)]);

impl<'a> Serialize for ByKey<'a> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(table, items) = *self;
        let element = |(key, fields): &'a (ElementKey, Fields)| {
            let canonical = CanonicalJson {
                table,
                fields,
                managed: None,
                version: None,
            };
            (ElementKey::folded(key), canonical)
        };
        serializer.collect_map(items.iter().map(element))
    }
}

/// Returns `sha256:` and the hash of a value's JSON, in lower-case hexadecimal digits.
pub fn json_digest(value: &impl Serialize) -> String {
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in json_sha256(value) {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}

/// Hashes a value's JSON as it is written, so that the text is never in memory as a whole.
pub fn json_sha256(value: &impl Serialize) -> [u8; 32] {
    struct Hashing(Sha256);
    impl io::Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    // JSON comes in crumbs, a bracket or a comma at a time.
    let mut hashing = io::BufWriter::with_capacity(1 << 10, Hashing(Sha256::new()));
    // Nothing that is hashed has keys other than text, which is all that could fail.
    let _ = serde_json::to_writer(&mut hashing, value);
    let _ = hashing.flush();
    hashing.get_ref().0.clone().finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;
    use crate::provider::testing::desired_object;

    #[test]
    fn free_json_is_hashed_by_value_and_to_the_last_digit() {
        let license = provider::find_kind("LicenseSpringLicense").unwrap().table();
        let desired = desired_object(license, &[("licenseId", "1")]);
        let of_metadata = |metadata: &str| {
            let features = format!(
                r#"{{"product_features": [{{"product_feature": "f", "metadata": {metadata}}}]}}"#
            );
            let features = serde_json::from_str(&features).unwrap();
            let live = Live {
                fields: provider::decode::decode_fields(license.desired, &features).unwrap(),
                ..Live::default()
            };
            fingerprint_of(license.desired, &desired, &live)
        };
        let one = of_metadata(r#"{"a": 1, "b": 12345678901234567890123}"#);
        assert_eq!(
            one,
            of_metadata(r#"{"b": 1.2345678901234567890123e22, "a": 1.0}"#)
        );
        assert_ne!(
            one,
            of_metadata(r#"{"a": 1, "b": 12345678901234567890124}"#)
        );
    }

    #[test]
    fn use_alone_makes_no_plan_stale() {
        let license = provider::find_kind("LicenseSpringLicense").unwrap().table();
        let desired = desired_object(license, &[("licenseId", "1")]);
        let of_feature = |used: i64, allowed: i64| {
            let features = serde_json::json!([{
                "product_feature": "f", "total_consumptions": used, "max_consumption": allowed,
            }]);
            let features = [("product_features".to_string(), features)];
            let features = features.into_iter().collect();
            let live = Live {
                fields: provider::decode::decode_fields(license.desired, &features).unwrap(),
                ..Live::default()
            };
            fingerprint_of(license.desired, &desired, &live)
        };
        assert_eq!(of_feature(3, 10), of_feature(4, 10));
        assert_ne!(of_feature(3, 10), of_feature(3, 11));
    }

    #[test]
    fn a_digest_is_what_other_programs_compute() {
        assert_eq!(
            json_digest(&serde_json::json!({})),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }
}
