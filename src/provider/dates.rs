//! Finds dates out of order: an end that comes before its beginning leaves no time between.
//!
//! In: the table, whose `not_before` pairs an end with its beginning, and the fields of an object. Out: a [`Reversed`]
//! for each pair out of order. Whether that is an error is the caller's decision.
//!
//! Used twice, as conditions are: on manifests, and on the object as a write would leave it, where one of the two
//! dates may come from live. Equal dates are in order: the page of Alinea's write call prints a pair of them.

use crate::model::{ConditionScope, Field, FieldPath, Fields, Need, Shape, Text, Value};

/// Names an end that comes before its beginning, with both dates.
#[derive(Clone, Debug, PartialEq)]
pub struct Reversed {
    pub end: FieldPath,
    pub begin: FieldPath,
    days: [Text; 2],
}

impl Reversed {
    /// Returns the problem as text: `EndDate` 2026-01-01T00:00:00Z is before `StartDate` 2027-01-01T00:00:00Z.
    pub fn words(&self) -> String {
        let Self { end, begin, days } = self;
        let [until, from] = days;
        format!("`{end}` {until} is before `{begin}` {from}")
    }
}

/// Lists the dates of an object and of the elements of its lists that may end something: those that have a meaning, but for
/// beginnings.
pub fn list_ends(table: &'static [Field], object: &Fields) -> Vec<(FieldPath, Text)> {
    let root = FieldPath::default();
    let mut found = ends_at(table, object, &root);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        for (key, element) in object.get(field.name).map_or(&[][..], Value::items) {
            let at = root.field(field.name).element(key.clone());
            found.extend(ends_at(elements.fields, element, &at));
        }
    }
    found
}

fn ends_at(table: &'static [Field], fields: &Fields, at: &FieldPath) -> Vec<(FieldPath, Text)> {
    let is_date = |field: &&Field| matches!(field.shape, Shape::Date | Shape::Instant);
    let is_begin = |field: &Field| {
        let mut others = table.iter();
        others.any(|other| other.not_before == Some(field.name))
    };
    let ends = table
        .iter()
        .filter(is_date)
        .filter(|field| !is_begin(field));
    ends.filter_map(|field| {
        Some((
            at.field(field.name),
            meaningful_date(field, fields)?.clone(),
        ))
    })
    .collect()
}

/// Finds the ends that come before their beginnings, in an object and in the elements of its lists.
pub fn find_reversed(table: &'static [Field], object: &Fields) -> Vec<Reversed> {
    let root = FieldPath::default();
    let mut found = reversed_at(table, object, &root);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        for (key, element) in object.get(field.name).map_or(&[][..], Value::items) {
            let at = root.field(field.name).element(key.clone());
            found.extend(reversed_at(elements.fields, element, &at));
        }
    }
    found
}

/// Finds the reversed pairs among the fields of one object or element. A pair with one date is in order.
fn reversed_at(table: &'static [Field], fields: &Fields, at: &FieldPath) -> Vec<Reversed> {
    let one = |field: &'static Field| {
        let before = field.not_before?;
        let before = table.iter().find(|other| other.name == before)?;
        let (until, from) = (
            meaningful_date(field, fields)?,
            meaningful_date(before, fields)?,
        );
        // Canonical dates of one shape sort as texts.
        (until < from).then(|| Reversed {
            end: at.field(field.name),
            begin: at.field(before.name),
            days: [until.clone(), from.clone()],
        })
    };
    table.iter().filter_map(one).collect()
}

/// Returns the date of a field; `None` if a condition makes it meaningless or the vendor uses it for "no date", as
/// with `0000-00-00`.
fn meaningful_date<'a>(field: &Field, fields: &'a Fields) -> Option<&'a Text> {
    let Value::Text(date) = fields.get(field.name)? else {
        return None;
    };
    let idle = match field.need {
        Need::When {
            scope: ConditionScope::Here,
            field: trigger,
            is,
        } => matches!(fields.get(trigger), Some(Value::Text(stated)) if stated != is),
        _ => false,
    };
    let sound = date.starts_with(|c: char| c.is_ascii_digit()) && !date.starts_with("0000");
    (sound && !idle).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ElementKey, Kind};
    use crate::provider;

    fn table(kind: Kind) -> &'static [Field] {
        let kind = provider::find_kind(kind.0).expect("a kind");
        kind.table().desired
    }

    fn texts(fields: &[(&'static str, &str)]) -> Fields {
        let text = |(name, text): &(&'static str, &str)| (*name, Value::Text((*text).into()));
        fields.iter().map(text).collect()
    }

    #[test]
    fn an_end_is_not_before_its_beginning() {
        let alinea = table(Kind("AlineaLicense"));
        let words = |from: &str, until: &str| -> Vec<String> {
            let fields = texts(&[("StartDate", from), ("EndDate", until)]);
            let found = find_reversed(alinea, &fields);
            found.iter().map(Reversed::words).collect()
        };
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
        assert_eq!(words(early, late), [""; 0]);
        assert_eq!(words(early, early), [""; 0]);
        assert_eq!(
            words(late, early),
            ["`EndDate` 2026-01-01T00:00:00Z is before `StartDate` 2026-01-01T00:00:01Z"]
        );
        // `0000-00-00` is how a vendor writes that there is none.
        assert_eq!(words(early, "0000-00-00"), [""; 0]);
        assert_eq!(words(early, "-"), [""; 0]);
        let open = texts(&[("EndDate", early)]);
        assert_eq!(find_reversed(alinea, &open), []);
    }

    #[test]
    fn dates_of_elements_count_where_they_mean_something() {
        let order = |expiration: &str| {
            let feature = texts(&[
                ("expiration_type", expiration),
                ("expiration_date", "2026-01-01"),
                ("issued_type", "fixed"),
                ("issued_date", "2026-01-02"),
            ]);
            let key = ElementKey::new(vec!["A".into(), "1".into()], false);
            Fields::from([("Features", Value::Items([(key, feature)].into()))])
        };
        let lac = table(Kind("LacLicenseOrder"));
        let found = find_reversed(lac, &order("fixed"));
        assert_eq!(found[0].end.to_string(), "Features[A 1].expiration_date");
        assert_eq!(found[0].begin.to_string(), "Features[A 1].issued_date");
        assert_eq!(find_reversed(lac, &order("no_expiration")), []);
    }

    /// A pair stands in one table, and both are dates of one shape.
    #[test]
    fn every_pair_is_of_two_fields_that_can_be_compared() {
        let mut left: Vec<&[Field]> = provider::all_kinds().map(|it| it.table().desired).collect();
        let mut pairs = 0;
        while let Some(table) = left.pop() {
            for field in table {
                if let Shape::Keyed(elements) = &field.shape {
                    left.push(elements.fields);
                }
                let Some(before) = field.not_before else {
                    continue;
                };
                let before = table.iter().find(|other| other.name == before);
                let shapes = (&field.shape, before.map(|before| &before.shape));
                assert!(
                    matches!(
                        shapes,
                        (Shape::Date, Some(Shape::Date)) | (Shape::Instant, Some(Shape::Instant))
                    ),
                    "{}",
                    field.name
                );
                pairs += 1;
            }
        }
        assert_eq!(pairs, 2);
    }
}
