//! Turns one value of a manifest or a reply into its canonical form.
//!
//! In: a scalar, the shape of its field, and the edge that it comes from. Out: a `Value`, or a [`Misfit`] that says
//! what is wrong. Lists, members and paths are the business of `audit` and `decode`, which call this for each scalar.
//!
//! Both edges come through here, so one meaning has one value on both sides. They differ in strictness: a manifest is
//! checked to the letter, a vendor is understood in every form its pages show. A value that fits neither is an error,
//! never a default.
//!
//! ```text
//! shape     spelling                           canonical
//! instant   2025-12-25T16:49:43.2908281+01:00  2025-12-25T15:49:43Z
//! date      2027-01-31 23:59:59                2027-01-31            from a vendor; an error in a manifest
//! integer   40, 40.0, 4e1                      40
//! guid      F76AC030-DF89-41A9-A62A-…          f76ac030-df89-41a9-a62a-…
//! ```

use compact_str::format_compact;
use jiff::civil;

use crate::model::json::{Decimal, Whole};
use crate::model::wording::shorten;
use crate::model::{Clearing, Shape, Text, Value};

/// One scalar as the manifest or the reply writes it, before its field gives it a meaning.
#[derive(Clone, Copy, Debug)]
pub enum Scalar<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is not written as a 64-bit integer.
    Number(&'a str),
    Text(&'a str),
}

/// Names the edge that a value comes from. It decides how strict the reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Manifest,
    Vendor,
}

/// Says why a value does not fit its field. The caller adds the path.
///
/// `code` is the code of the diagnostic, for example `wrong-type`; `hint` is `None` if there is no advice.
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit {
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

impl Misfit {
    /// Makes a misfit without a hint.
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Returns the canonical value of an empty field: an empty set or list, 0 where the vendor clears with 0, otherwise
/// `Null`.
pub fn cleared_value(shape: &Shape, clearing: Clearing) -> Value {
    match (shape, clearing) {
        (Shape::Set(_), _) => Value::Set(Default::default()),
        (Shape::Keyed(_), _) => Value::Items(Default::default()),
        (_, Clearing::Zero) => Value::Integer(0),
        _ => Value::Null,
    }
}

/// Returns the canonical value of a scalar. `Err` if its type or spelling does not fit the shape.
///
/// Null is the empty value of the field. Bounds of numbers, lengths of texts and names of choices are checked for
/// manifests only: a vendor may exceed what its page states, and its value is still the live one.
pub fn canonical_scalar(
    shape: &Shape,
    clearing: Clearing,
    given: Scalar<'_>,
    edge: Edge,
) -> Result<Value, Misfit> {
    let wrong = || {
        let misfit = Misfit::new(
            "wrong-type",
            format!(
                "must be {}, not {}",
                shape.name(),
                describe_expected(shape, given)
            ),
        );
        match (shape, given) {
            (
                Shape::Text { .. } | Shape::Id,
                Scalar::Integer(_) | Scalar::Number(_) | Scalar::Bool(_),
            ) => misfit.hint("put the value in quotes"),
            _ => misfit,
        }
    };
    match (shape, given) {
        (_, Scalar::Null) => Ok(cleared_value(shape, clearing)),
        (Shape::Text { max }, Scalar::Text(text)) => text_value(text, *max, clearing, edge),
        (Shape::Integer { min, max, digits }, given) => {
            let number = match given {
                Scalar::Integer(number) => number,
                Scalar::Number(text) => parse_integer(text).ok_or_else(wrong)?,
                Scalar::Text(text) if *digits || edge == Edge::Vendor => {
                    parse_integer(text.trim()).ok_or_else(wrong)?
                }
                _ => return Err(wrong()),
            };
            if edge == Edge::Manifest && !(*min..=*max).contains(&number) {
                let message = format!("must be from {min} to {max}, not {number}");
                return Err(Misfit::new("out-of-range", message));
            }
            Ok(Value::Integer(number))
        }
        (Shape::Boolean, Scalar::Bool(value)) => Ok(Value::Bool(value)),
        (Shape::Choice { values, aliases }, Scalar::Text(text)) => {
            canonical_choice(text, values, aliases, edge)
        }
        (Shape::Date, Scalar::Text(text)) => canonical_date(text, edge),
        (Shape::Instant, Scalar::Text(text)) => canonical_instant(text),
        (Shape::Guid, Scalar::Text(text)) => canonical_guid(text, clearing),
        (Shape::Id, Scalar::Text(text)) => Ok(Value::Text(canonical_id(text))),
        _ => Err(wrong()),
    }
}

/// Returns a text. In a manifest, `""` is `Null` for a field that the vendor clears with it, and a text of more than
/// `max` characters is refused.
fn text_value(
    text: &str,
    max: Option<usize>,
    clearing: Clearing,
    edge: Edge,
) -> Result<Value, Misfit> {
    let clears = matches!(clearing, Clearing::Empty | Clearing::NullOrEmpty);
    if text.is_empty() && clears && edge == Edge::Manifest {
        return Ok(Value::Null);
    }
    if let Some(max) = max
        && edge == Edge::Manifest
        && text.chars().count() > max
    {
        let message = format!(
            "must have at most {max} characters, not {}",
            text.chars().count()
        );
        return Err(Misfit::new("out-of-range", message));
    }
    Ok(Value::Text(text.into()))
}

/// Returns the canonical name of a choice, replacing an alias. `Err` for an unknown name in a manifest.
fn canonical_choice(
    text: &str,
    values: &[&str],
    aliases: &[(&str, &str)],
    edge: Edge,
) -> Result<Value, Misfit> {
    let canonical = aliases
        .iter()
        .find(|(alias, _)| *alias == text)
        .map_or(text, |(_, name)| name);
    // The vendor may have added a choice since its page was read; its value is still the live one.
    if values.contains(&canonical) || edge == Edge::Vendor {
        return Ok(Value::Text(canonical.into()));
    }
    let misfit = Misfit::new(
        "bad-choice",
        format!("{text:?} is not one of {}", values.join(", ")),
    );
    Err(
        match crate::model::diagnostic::find_nearest(text, values.iter().copied()) {
            Some(name) => misfit.hint(format!("did you mean `{name}`?")),
            None => misfit,
        },
    )
}

/// Returns a day as `YYYY-MM-DD`. A manifest must spell it so; from a vendor a time of day is cut off, and a text that
/// is no date is kept.
fn canonical_date(text: &str, edge: Edge) -> Result<Value, Misfit> {
    let head = match edge {
        Edge::Manifest => text,
        // LAC's activation counters print `YYYY-MM-DD 23:59:59`; only the day matters.
        Edge::Vendor => text.get(..10).unwrap_or(text),
    };
    if is_day(head.as_bytes()) {
        return Ok(Value::Text(head.into()));
    }
    match edge {
        // LicenseSpring admits to having written `0000-00-00` (changelog 4.1.47). It is shown unchanged, so that
        // a manifest can correct it.
        Edge::Vendor => Ok(Value::Text(text.into())),
        Edge::Manifest => Err(Misfit::new("bad-date", format!("{text:?} is not a date"))
            .hint("write an existing day as YYYY-MM-DD")),
    }
}

/// Returns an instant in whole seconds of UTC. Without a zone it is read as UTC; fractions of a second are dropped.
fn canonical_instant(text: &str) -> Result<Value, Misfit> {
    if is_second(text.as_bytes()) {
        return Ok(Value::Text(text.into()));
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(moment) => Ok(Value::Text(whole_seconds(moment).into())),
        Err(_) => parse_zoneless(text)
            .map(|text| Value::Text(text.into()))
            .ok_or_else(|| {
                Misfit::new("bad-date", format!("{text:?} is not an instant"))
                    .hint("write it in UTC, for example 2027-01-31T00:00:00Z")
            }),
    }
}

/// Reports whether a text is an existing day in its canonical spelling: `2028-02-29` is, `2027-02-29` and `2027-1-1`
/// are not. Saves a parse for most dates.
fn is_day(text: &[u8]) -> bool {
    let [y @ .., b'-', m1, m2, b'-', d1, d2] = text else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (
        digits_to_number::<i16>(y),
        digits_to_number(&[*m1, *m2]),
        digits_to_number(&[*d1, *d2]),
    ) else {
        return false;
    };
    let date = civil::Date::new(year, month, day);
    y.len() == 4 && year > 0 && date.is_ok()
}

/// Reports whether a text is an instant in its canonical spelling, for example `2027-01-31T23:59:59Z`.
fn is_second(text: &[u8]) -> bool {
    let [day @ .., b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'Z'] = text else {
        return false;
    };
    let below = |a: &u8, b: &u8, end: u32| {
        digits_to_number(&[*a, *b]).is_some_and(|number: u32| number < end)
    };
    is_day(day) && below(h1, h2, 24) && below(m1, m2, 60) && below(s1, s2, 60)
}

/// Returns the number that ASCII digits write; `None` for another character or a number too large for `N`.
fn digits_to_number<N: TryFrom<u32>>(digits: &[u8]) -> Option<N> {
    let number = digits.iter().try_fold(0_u32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    N::try_from(number).ok()
}

/// Parses a date and time in UTC that jiff does not accept as a timestamp; `None` for any other text.
///
/// These are texts without a zone, and the last hours of the year 9999, which .NET (`DateTime.MaxValue`) and others
/// write for "never".
fn parse_zoneless(text: &str) -> Option<String> {
    let zone = ["Z", "z", "+00:00"];
    let time = zone
        .iter()
        .find_map(|zone| text.strip_suffix(zone))
        .unwrap_or(text);
    let time = time.contains(['T', 't', ' ']).then_some(time)?;
    let time: civil::DateTime = time.parse().ok()?;
    let whole = time.with().subsec_nanosecond(0).build().ok()?;
    Some(format!("{whole}Z"))
}

/// Formats an instant in whole seconds, with a literal `Z`.
fn whole_seconds(moment: jiff::Timestamp) -> String {
    // Whole seconds of a valid timestamp are a valid timestamp.
    let whole = jiff::Timestamp::from_second(moment.as_second()).unwrap_or(moment);
    whole.to_string()
}

/// Returns a GUID in lower case with hyphens. The nil GUID is `Null`, except for a field that cannot be empty.
fn canonical_guid(text: &str, clearing: Clearing) -> Result<Value, Misfit> {
    match uuid::Uuid::try_parse(text.trim()) {
        // .NET prints a missing Guid as zeros.
        Ok(id) if id.is_nil() && clearing != Clearing::Impossible => Ok(Value::Null),
        Ok(id) => Ok(Value::Text(format_compact!("{}", id.hyphenated()))),
        Err(_) => Err(Misfit::new("bad-guid", format!("{text:?} is not a GUID"))
            .hint("for example f76ac030-df89-41a9-a62a-b6fbbba5a58c")),
    }
}

/// Returns an id as it is compared: a UUID in lower case, any other id unchanged.
pub fn canonical_id(text: &str) -> Text {
    // Only the hyphenated spelling of a UUID has 36 characters.
    let uuid = text.len() == 36 && uuid::Uuid::try_parse(text).is_ok();
    match uuid {
        true => text.to_ascii_lowercase().into(),
        false => text.into(),
    }
}

/// Returns the integer that a number stands for: 40, 40.0 and 4e1 are 40. `None` for a fraction or over 64 bits.
pub fn parse_integer(text: &str) -> Option<i64> {
    text.parse()
        .ok()
        .or_else(|| match Decimal::parse(text)?.whole() {
            Whole::Fits(number) => Some(number),
            Whole::TooLarge | Whole::Fraction => None,
        })
}

/// Describes the given value for an error, for example `integer 7` or `number 0.5, which has a fraction`. Long values
/// are cut, so that a message stays one line.
fn describe_expected(shape: &Shape, given: Scalar<'_>) -> String {
    match given {
        Scalar::Null => "null".into(),
        Scalar::Bool(value) => format!("boolean {value}"),
        Scalar::Integer(value) => format!("integer {value}"),
        Scalar::Number(text) => {
            let whole = Decimal::parse(text).map(|decimal| decimal.whole());
            let flaw = match (shape, whole) {
                (Shape::Integer { .. }, Some(Whole::Fraction)) => ", which has a fraction",
                (Shape::Integer { .. }, Some(Whole::TooLarge)) => {
                    ", which does not fit into 64 bits"
                }
                _ => "",
            };
            format!("number {}{flaw}", shorten(text, 40))
        }
        Scalar::Text(text) if text.chars().count() > 40 => "a long text".into(),
        Scalar::Text(text) => format!("text {text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(shape: &Shape, clearing: Clearing, text: &str) -> Result<Value, Misfit> {
        canonical_scalar(shape, clearing, Scalar::Text(text), Edge::Manifest)
    }

    #[test]
    fn every_documented_spelling_of_an_instant_is_one_value() {
        for text in [
            "2025-12-25T15:49:43Z",
            "2025-12-25T15:49:43",
            "2025-12-25T15:49:43.2908281+00:00",
            "2025-12-25T15:49:43.2908281",
            "2025-12-25T15:49:43.2Z",
            "2025-12-25T16:49:43+01:00",
        ] {
            let value = read(&Shape::Instant, Clearing::Impossible, text);
            assert_eq!(
                value,
                Ok(Value::Text("2025-12-25T15:49:43Z".into())),
                "{text}"
            );
        }
    }

    #[test]
    fn the_end_of_all_times_is_an_instant() {
        for text in [
            "9999-12-31T23:59:59.9999999",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.9999999+00:00",
        ] {
            let value = read(&Shape::Instant, Clearing::Null, text);
            assert_eq!(
                value,
                Ok(Value::Text("9999-12-31T23:59:59Z".into())),
                "{text}"
            );
        }
    }

    #[test]
    fn canonical_days_and_seconds_are_those_of_the_parser() {
        for year in [0, 1, 4, 100, 400, 1900, 2000, 2023, 2024, 2100, 9999] {
            for (month, day) in (0..=13).flat_map(|month| (0..=32).map(move |day| (month, day))) {
                let date = format!("{year:04}-{month:02}-{day:02}");
                let parsed = date.parse::<civil::Date>();
                assert_eq!(
                    is_day(date.as_bytes()),
                    parsed.is_ok() && year > 0,
                    "{date}"
                );
            }
        }
        for time in [
            "00:00:00", "23:59:59", "24:00:00", "23:60:00", "23:59:60", "1:00:00", "01:00:0x",
        ] {
            let text = format!("2024-02-29T{time}Z");
            let same = text
                .parse()
                .is_ok_and(|moment| whole_seconds(moment) == text);
            assert_eq!(is_second(text.as_bytes()), same, "{text}");
        }
        for text in [
            "2024-02-2",
            "12024-02-02",
            "2024/02/02",
            "２024-02-02",
            "-024-02-02",
            "+024-02-02",
        ] {
            assert!(!is_day(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in [
            "2027-02-30",
            "2027-13-01",
            "2027-1-1",
            "20270101",
            "0000-01-01",
            "tomorrow",
            "2027-01-01T00:00:00Z",
        ] {
            assert!(read(&Shape::Date, Clearing::Null, text).is_err(), "{text}");
        }
        for text in [
            "2027-01-01",
            "2027-02-30T00:00:00Z",
            "now",
            "2027-01-01T25:00:00Z",
        ] {
            assert!(
                read(&Shape::Instant, Clearing::Null, text).is_err(),
                "{text}"
            );
        }
        assert!(read(&Shape::Date, Clearing::Null, "2028-02-29").is_ok());
        // What a vendor says is shown as it is, but for the time of a day.
        let vendor = |text| {
            canonical_scalar(
                &Shape::Date,
                Clearing::Null,
                Scalar::Text(text),
                Edge::Vendor,
            )
        };
        for (text, shown) in [
            ("2027-01-31 23:59:59", "2027-01-31"),
            ("0000-00-00", "0000-00-00"),
            ("soon", "soon"),
        ] {
            assert_eq!(vendor(text), Ok(Value::Text(shown.into())));
        }
    }

    #[test]
    fn numbers_are_strict_in_manifests_and_read_from_digits_at_the_vendor() {
        let count = Shape::COUNT;
        let vendor = |text| {
            canonical_scalar(
                &count,
                Clearing::Impossible,
                Scalar::Text(text),
                Edge::Vendor,
            )
        };
        assert_eq!(vendor("10"), Ok(Value::Integer(10)));
        assert!(vendor("ten").is_err());
        assert!(vendor("").is_err());
        assert!(read(&count, Clearing::Impossible, "10").is_err());
        let low = canonical_scalar(
            &count,
            Clearing::Impossible,
            Scalar::Integer(-1),
            Edge::Manifest,
        );
        assert_eq!(low.map_err(|m| m.code), Err("out-of-range"));
        let digits = Shape::Integer {
            min: 0,
            max: 9,
            digits: true,
        };
        assert_eq!(
            read(&digits, Clearing::Impossible, "7"),
            Ok(Value::Integer(7))
        );
    }

    #[test]
    fn a_whole_number_is_an_integer_and_any_other_says_what_is_wrong_with_it() {
        for edge in [Edge::Manifest, Edge::Vendor] {
            let count = |text| {
                canonical_scalar(
                    &Shape::COUNT,
                    Clearing::Impossible,
                    Scalar::Number(text),
                    edge,
                )
            };
            for (text, number) in [
                ("40.0", 40),
                ("4e1", 40),
                ("12.", 12),
                ("+1e3", 1000),
                ("-0.0", 0),
            ] {
                assert_eq!(count(text), Ok(Value::Integer(number)), "{text}");
            }
            for (text, words) in [
                (
                    "12.5",
                    "must be integer, not number 12.5, which has a fraction",
                ),
                (
                    "1e30",
                    "must be integer, not number 1e30, which does not fit into 64 bits",
                ),
                (".inf", "must be integer, not number .inf"),
            ] {
                assert_eq!(
                    count(text).map_err(|misfit| misfit.message),
                    Err(words.into())
                );
            }
        }
        let one = canonical_scalar(
            &Shape::Boolean,
            Clearing::Impossible,
            Scalar::Integer(1),
            Edge::Vendor,
        );
        assert_eq!(
            one.map_err(|misfit| misfit.message),
            Err("must be boolean, not integer 1".into())
        );
    }

    #[test]
    fn nothing_has_one_value_per_field() {
        assert_eq!(read(&Shape::TEXT, Clearing::Empty, ""), Ok(Value::Null));
        assert_eq!(
            read(&Shape::TEXT, Clearing::Null, ""),
            Ok(Value::Text("".into()))
        );
        let zero = canonical_scalar(&Shape::COUNT, Clearing::Zero, Scalar::Null, Edge::Vendor);
        assert_eq!(zero, Ok(Value::Integer(0)));
        let nil = read(
            &Shape::Guid,
            Clearing::Null,
            "00000000-0000-0000-0000-000000000000",
        );
        assert_eq!(nil, Ok(Value::Null));
    }

    #[test]
    fn an_id_that_is_a_uuid_has_no_case() {
        for (text, compared) in [
            (
                "F76AC030-DF89-41A9-A62A-B6FBBBA5A58C",
                "f76ac030-df89-41a9-a62a-b6fbbba5a58c",
            ),
            (
                "f76ac030-df89-41a9-a62a-b6fbbba5a58c",
                "f76ac030-df89-41a9-a62a-b6fbbba5a58c",
            ),
            ("Group-A", "Group-A"),
            (
                "F76AC030DF8941A9A62AB6FBBBA5A58C",
                "F76AC030DF8941A9A62AB6FBBBA5A58C",
            ),
            (
                "G76AC030-DF89-41A9-A62A-B6FBBBA5A58C",
                "G76AC030-DF89-41A9-A62A-B6FBBBA5A58C",
            ),
        ] {
            assert_eq!(canonical_id(text), compared);
        }
    }

    #[test]
    fn guids_lose_their_case() {
        let upper = read(
            &Shape::Guid,
            Clearing::Impossible,
            "F76AC030-DF89-41A9-A62A-B6FBBBA5A58C",
        );
        assert_eq!(
            upper,
            Ok(Value::Text("f76ac030-df89-41a9-a62a-b6fbbba5a58c".into()))
        );
    }

    #[test]
    fn a_choice_keeps_what_the_vendor_says_and_checks_what_a_manifest_says() {
        let shape = Shape::Choice {
            values: &["daily", "annually"],
            aliases: &[("annualy", "annually")],
        };
        assert_eq!(
            read(&shape, Clearing::Null, "annualy"),
            Ok(Value::Text("annually".into()))
        );
        assert!(read(&shape, Clearing::Null, "yearly").is_err());
        let vendor = canonical_scalar(&shape, Clearing::Null, Scalar::Text("yearly"), Edge::Vendor);
        assert_eq!(vendor, Ok(Value::Text("yearly".into())));
    }

    #[test]
    fn a_text_has_at_most_as_many_characters_as_its_page_allows() {
        let short = Shape::Text { max: Some(3) };
        let given = |text, edge| {
            let value = canonical_scalar(&short, Clearing::Null, Scalar::Text(text), edge);
            value.map_err(|misfit| misfit.message)
        };
        assert_eq!(given("üüü", Edge::Manifest), Ok(Value::Text("üüü".into())));
        let long = "must have at most 3 characters, not 4";
        assert_eq!(given("üüüü", Edge::Manifest), Err(long.into()));
        // What a vendor has is so.
        assert_eq!(given("üüüü", Edge::Vendor), Ok(Value::Text("üüüü".into())));
    }

    #[test]
    fn a_value_of_another_type_is_named_and_quoted_if_it_is_short() {
        let wrong = |shape: &Shape, given: Scalar<'_>| {
            let misfit =
                canonical_scalar(shape, Clearing::Null, given, Edge::Manifest).unwrap_err();
            (misfit.message, misfit.hint)
        };
        let hint = Some("put the value in quotes".to_string());
        for (given, words) in [
            (Scalar::Integer(7), "must be text, not integer 7"),
            (Scalar::Number("0.50"), "must be text, not number 0.50"),
            (Scalar::Bool(true), "must be text, not boolean true"),
        ] {
            assert_eq!(wrong(&Shape::TEXT, given), (words.into(), hint.clone()));
        }
        let (forty, more) = ("a".repeat(40), "a".repeat(41));
        let text = |text: &str| wrong(&Shape::Boolean, Scalar::Text(text));
        let short = format!("must be boolean, not text \"{forty}\"");
        assert_eq!(text(&forty), (short, None));
        assert_eq!(
            text(&more),
            ("must be boolean, not a long text".into(), None)
        );
    }
}
