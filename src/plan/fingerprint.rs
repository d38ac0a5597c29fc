//! One hash for the live values that a diff was computed from.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::model::resource::{Fact, VERSION_FACT};
use crate::model::{Carry, Desired, Field, Fields, Live, Shape, Value};

/// A hash that moves when a managed or carried field of the object moves, and only then. Counters that
/// move with use are left out unless the manifest manages them: use must not make a plan stale.
pub fn of(table: &'static [Field], desired: &Desired, live: &Live) -> String {
    let managed = |name: &str| desired.fields.contains_key(name);
    let mut parts = canonical(table, &live.fields, &managed);
    if let Some(Fact::Text(version)) = live.facts.get(VERSION_FACT) {
        parts.insert("@version".into(), Json::from(version.as_str()));
    }
    digest(&serde_json::json!(parts))
}

fn canonical(
    table: &'static [Field],
    fields: &Fields,
    managed: &dyn Fn(&str) -> bool,
) -> BTreeMap<String, Json> {
    let mut parts = BTreeMap::new();
    for field in table {
        let Some(value) = fields.get(field.name) else {
            continue;
        };
        if field.carry == Carry::OnlyManaged && !managed(field.name) {
            continue;
        }
        let json = match (&field.shape, value) {
            (Shape::Keyed(elements), Value::Items(items)) => {
                let by_key: BTreeMap<String, Json> = items
                    .iter()
                    .map(|(key, fields)| {
                        let inner = canonical(elements.fields, fields, &|_| false);
                        (key.folded(), serde_json::json!(inner))
                    })
                    .collect();
                serde_json::json!(by_key)
            }
            (shape, value) => shape.json(value),
        };
        parts.insert(field.name.to_string(), json);
    }
    parts
}

/// `sha256:` and the hash of a value's bytes as JSON, which are never all in memory.
pub fn digest(value: &impl Serialize) -> String {
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
    let mut hashing = Hashing(Sha256::new());
    // Nothing that is hashed has keys other than text, which is all that could fail.
    let _ = serde_json::to_writer(&mut hashing, value);
    let hash = hashing.0.finalize();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
