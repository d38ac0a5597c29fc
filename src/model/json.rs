//! Free-form JSON by value: numbers are decimals of any length, and members of an object have no order.
//!
//! serde_json keeps a number as the digits it was written with (`arbitrary_precision`), so 1, 1.0 and 1e0 are
//! three values to `==`. All code that compares or hashes free-form JSON uses this module.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Number, Value as Json};

/// The most digits of a number that is spelled without an exponent when it is hashed.
const LONGEST_PLAIN: i64 = 40;

/// Reports whether two JSON values mean the same: `{"a": 1, "b": -0}` and `{"b": 0.0, "a": 10e-1}` do.
pub fn same_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => same_number(a.as_str(), b.as_str()),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            let found = |(name, a): (&String, &Json)| b.get(name).is_some_and(|b| same_json(a, b));
            a.len() == b.len() && a.iter().all(found)
        }
        (a, b) => a == b,
    }
}

/// Reports whether two spellings are one number. Numbers with an exponent beyond 64 bits are compared as texts.
pub fn same_number(a: &str, b: &str) -> bool {
    a == b || Decimal::parse(a).is_some_and(|a| Some(a) == Decimal::parse(b))
}

/// Spells a number of YAML's core schema as JSON does, with the digits it has: `+.5` is `0.5`, `6.` is `6` and
/// `01.50e1` is `1.50e+1`. None for infinity, for what is not a number and for other bases than ten.
pub fn json_number(text: &str) -> Option<Number> {
    let parts = Parts::of(text)?;
    let sign = if parts.negative { "-" } else { "" };
    let whole = match parts.whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let point = if parts.fraction.is_empty() { "" } else { "." };
    let (mark, exponent) = parts.exponent.map_or(("", ""), |exponent| ("e", exponent));
    let spelled = format!("{sign}{whole}{point}{}{mark}{exponent}", parts.fraction);
    spelled.parse().ok()
}

/// A decimal number in its normal form: `digits` × 10^`exponent`, without zeros at either end of the digits.
/// Zeros are never written out, so `1e999999999` costs no more than `1`.
#[derive(Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Empty for zero, which has no sign and no exponent.
    digits: String,
    exponent: i64,
}

/// The result of reading a number into a field that holds integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    Fits(i64),
    /// It is whole and needs more than 64 bits.
    TooLarge,
    Fraction,
}

impl Decimal {
    /// Reads a number of JSON or of YAML's core schema. None for any other text and for an exponent that 64 bits
    /// do not hold.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = Parts::of(text)?;
        let written = format!("{}{}", parts.whole, parts.fraction);
        let digits = written.trim_matches('0');
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        let zeros = written.len() - written.trim_end_matches('0').len();
        let exponent: i64 = parts.exponent.map_or(Some(0), |text| text.parse().ok())?;
        let exponent = exponent
            .checked_add(i64::try_from(zeros).ok()?)?
            .checked_sub(i64::try_from(parts.fraction.len()).ok()?)?;
        Some(Self {
            negative: parts.negative,
            digits: digits.to_string(),
            exponent,
        })
    }

    /// Returns the integer that this is: 5.0 and 50e-1 are `Fits(5)`, 0.5 is a fraction, 1e19 is too large.
    pub fn whole(&self) -> Whole {
        const LONGEST: i64 = 19;
        if self.exponent < 0 {
            return Whole::Fraction;
        }
        let Some(zeros) = self.zeros(LONGEST) else {
            return Whole::TooLarge;
        };
        let sign = if self.negative { "-" } else { "" };
        let text = format!("{sign}0{}{:0<zeros$}", self.digits, "");
        text.parse().map_or(Whole::TooLarge, Whole::Fits)
    }

    /// Returns the number of zeros behind the digits of a whole number; `None` for a fraction, and beyond `longest`
    /// digits in all.
    fn zeros(&self, longest: i64) -> Option<usize> {
        let digits = i64::try_from(self.digits.len()).ok()?;
        let fits = digits.checked_add(self.exponent)? <= longest;
        usize::try_from(self.exponent).ok().filter(|_| fits)
    }

    /// Returns the one spelling of this value. For example 1.20e1 gives `12`, .5 gives `0.5` and 15e299 gives
    /// `1.5e+300`.
    pub fn canonical(&self) -> String {
        let Self {
            negative,
            digits,
            exponent,
        } = self;
        if digits.is_empty() {
            return "0".into();
        }
        let sign = if *negative { "-" } else { "" };
        if let Some(zeros) = self.zeros(LONGEST_PLAIN) {
            return format!("{sign}{digits}{:0<zeros$}", "");
        }
        let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        // The number of digits before the point.
        let point = length.saturating_add(*exponent);
        match point {
            1.. if *exponent < 0 => {
                let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
                format!("{sign}{whole}.{fraction}")
            }
            -6..=0 => {
                let zeros = usize::try_from(-point).unwrap_or(0);
                format!("{sign}0.{:0<zeros$}{digits}", "")
            }
            _ => {
                let (first, rest) = digits.split_at(1);
                let dot = if rest.is_empty() { "" } else { "." };
                // With the sign of the exponent, as serde_json spells it.
                format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
            }
        }
    }
}

/// The parts of a decimal number as they are written.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// With its sign.
    exponent: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Cuts a number into its parts; `None` for any other text.
    fn of(text: &'a str) -> Option<Self> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let power = |text: &str| {
            let text = text.strip_prefix(['-', '+']).unwrap_or(text);
            !text.is_empty() && digits(text)
        };
        let some = !whole.is_empty() || !fraction.is_empty();
        let sound = some && digits(whole) && digits(fraction) && exponent.is_none_or(power);
        sound.then_some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }
}

/// Free-form JSON as it is hashed: members in the order of their names, numbers in their one spelling.
pub struct Canonical<'a>(pub &'a Json);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Number(number) => match Decimal::parse(number.as_str()) {
                Some(decimal) => {
                    let spelled: Option<Number> = decimal.canonical().parse().ok();
                    spelled.as_ref().unwrap_or(number).serialize(serializer)
                }
                None => number.serialize(serializer),
            },
            Json::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Canonical(item))?;
                }
                list.end()
            }
            Json::Object(members) => {
                let mut sorted: Vec<(&String, &Json)> = members.iter().collect();
                sorted.sort_by_key(|(name, _)| *name);
                let mut map = serializer.serialize_map(Some(sorted.len()))?;
                for (name, value) in sorted {
                    map.serialize_entry(name, &Canonical(value))?;
                }
                map.end()
            }
            Json::Null | Json::Bool(_) | Json::String(_) => self.0.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn numbers_are_equal_by_value_and_not_by_spelling() {
        for (a, b) in [
            ("1", "1.0"),
            ("1", "1e0"),
            ("100", "1e2"),
            ("-0", "0"),
            ("0.0", "-0e99999999999999999999"),
            ("12.50", "125E-1"),
            ("1e-7", "0.0000001"),
            ("12345678901234567890123", "1.2345678901234567890123e22"),
            ("1e999999999", "10e999999998"),
        ] {
            assert!(same_json(&json(a), &json(b)), "{a} {b}");
            assert!(same_json(&json(b), &json(a)), "{b} {a}");
        }
        for (a, b) in [
            ("1", "-1"),
            ("12345678901234567890123", "12345678901234567890124"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("0.1", "0.10000000000000001"),
            ("1e999999999", "1e999999998"),
            ("1e99999999999999999999", "1e99999999999999999998"),
            ("1", "\"1\""),
            ("0", "null"),
            ("[1]", "[1, 1]"),
            ("{\"a\": 1}", "{\"b\": 1}"),
        ] {
            assert!(!same_json(&json(a), &json(b)), "{a} {b}");
        }
        let (a, b) = (
            "{\"a\": [1, {\"x\": 2.0}], \"b\": null}",
            "{\"b\": null, \"a\": [1.0, {\"x\": 2}]}",
        );
        assert!(same_json(&json(a), &json(b)));
    }

    #[test]
    fn a_number_has_one_canonical_spelling_which_is_json() {
        for (text, canonical) in [
            ("12", "12"),
            ("-1.20e1", "-12"),
            ("0.50", "0.5"),
            ("-0.0", "0"),
            ("1E3", "1000"),
            ("1e-6", "0.000001"),
            ("1.50e-300", "1.5e-300"),
            ("1e999999999", "1e+999999999"),
            ("12345678901234567890123.5", "12345678901234567890123.5"),
        ] {
            let decimal = Decimal::parse(text).expect("a number");
            assert_eq!(decimal.canonical(), canonical, "{text}");
            assert!(same_number(text, canonical), "{text}");
            assert_eq!(json(canonical).to_string(), canonical);
        }
        let one = serde_json::to_string(&Canonical(&json("{\"b\": [1.0], \"a\": 1e400}")));
        assert_eq!(one.expect("JSON"), "{\"a\":1e+400,\"b\":[1]}");
    }

    #[test]
    fn numbers_of_yaml_are_spelled_anew_with_their_digits() {
        for (yaml, spelled) in [
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("+1.50", "1.50"),
            ("6.", "6"),
            ("0.", "0"),
            ("01.5", "1.5"),
            ("1.e3", "1e+3"),
            ("+1e3", "1e+3"),
            (".5e1", "0.5e+1"),
            ("1e-7", "1e-7"),
            ("00", "0"),
            ("12345678901234567890123", "12345678901234567890123"),
        ] {
            let number = json_number(yaml).expect(yaml);
            assert_eq!(number.to_string(), spelled, "{yaml}");
        }
        for text in [
            "", ".", "-", "+.", ".inf", "-.inf", ".nan", "1e", "e1", "0x1F", "1_000", "1.2.3",
            "1e+", "٣",
        ] {
            assert!(json_number(text).is_none(), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_integers_whatever_their_spelling() {
        let whole = |text| Decimal::parse(text).map(|decimal| decimal.whole());
        for (text, integer) in [
            ("40.0", 40),
            ("4e1", 40),
            ("-4.50e1", -45),
            ("0.0", 0),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808.0", i64::MIN),
        ] {
            assert_eq!(whole(text), Some(Whole::Fits(integer)), "{text}");
        }
        for text in ["9223372036854775808", "1e19", "1e999999999", "-1e400"] {
            assert_eq!(whole(text), Some(Whole::TooLarge), "{text}");
        }
        for text in ["0.5", "1e-1", "12.50", "1e-999999999"] {
            assert_eq!(whole(text), Some(Whole::Fraction), "{text}");
        }
    }
}
