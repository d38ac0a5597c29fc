//! Sixteen bytes as hex digits, as the journal spells keys and hashes.

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub fn text(bytes: [u8; 16]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

pub fn serialize<S: Serializer>(bytes: &[u8; 16], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&text(*bytes))
}

pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
    from.deserialize_str(Hex)
}

struct Hex;

impl Visitor<'_> for Hex {
    type Value = [u8; 16];

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("32 hex digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<[u8; 16], E> {
        let number = |text: &str| u128::from_str_radix(text, 16).ok();
        let digits = text.len() == 32 && text.bytes().all(|byte| DIGITS.contains(&byte));
        let number = Some(text).filter(|_| digits).and_then(number);
        let number =
            number.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self));
        Ok(number?.to_be_bytes())
    }
}
