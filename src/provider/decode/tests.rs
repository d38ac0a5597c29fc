//! Decoding against a plain reading of trees, over well-formed and hostile rows of every vendor's table.

use proptest::prelude::*;

use super::*;
use crate::model::Shape;
use crate::model::field::members_of;
use crate::provider;

/// Every table, that of objects and those of their elements.
fn tables() -> Vec<(&'static [&'static str], &'static [Field])> {
    let mut tables = Vec::new();
    let mut left: Vec<_> = provider::all_kinds()
        .map(|it| (&[][..], it.table().desired))
        .collect();
    while let Some((key, table)) = left.pop() {
        tables.push((key, table));
        left.extend(table.iter().filter_map(|field| match field.shape {
            Shape::Keyed(elements) => Some((elements.key, elements.fields)),
            _ => None,
        }));
    }
    tables
}

#[test]
fn tables_are_such_that_a_member_has_one_meaning() {
    for (key, table) in tables() {
        let names: std::collections::BTreeSet<&str> = table
            .iter()
            .map(|field| field.name)
            .chain(key.iter().copied())
            .collect();
        assert_eq!(names.len(), table.len() + key.len(), "{names:?}");
        assert!(key.len() <= element::MOST_PARTS, "{key:?}");
        let records: std::collections::BTreeSet<&str> = table
            .iter()
            .filter_map(|field| Some(field.record_member()?.0))
            .collect();
        assert!(records.is_disjoint(&names), "{records:?}");
        assert!(
            records.is_empty() || key.is_empty(),
            "elements have no objects: {records:?}"
        );
    }
}

/// JSON that stands where something else should.
const HOSTILE: &[&str] = &[
    "null",
    "true",
    "7",
    "-0",
    "1.5",
    "\"\"",
    "\"text\"",
    "[]",
    "{}",
    "[null]",
    "[[1], {\"id\": 2}]",
    "{\"id\": {\"code\": 1}}",
    "18446744073709551615",
    "9223372036854775808",
    "1e3",
    "\"2026-02-30T00:00:00Z\"",
];

fn one_of(texts: &[&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(texts.to_vec())
        .prop_map(str::to_string)
        .boxed()
}

/// A value as a vendor might spell it, or something else.
fn spelled(shape: &'static Shape) -> BoxedStrategy<String> {
    let fitting = match shape {
        Shape::Text { .. } => one_of(&[r#""x""#, r#""""#, r#""a b""#, r#""\u00fc\n\ud83d\ude00""#]),
        Shape::Integer { .. } => one_of(&[
            "5",
            "0",
            "-1",
            r#""7""#,
            r#"" 8 ""#,
            "9223372036854775807",
            "40.0",
            "4e1",
            r#""4.0""#,
        ]),
        Shape::Boolean => one_of(&["true", "false"]),
        Shape::Choice { values, .. } => prop::sample::select(values.to_vec())
            .prop_map(|value| format!("{value:?}"))
            .boxed(),
        Shape::Date => one_of(&[
            r#""2026-01-31""#,
            r#""2028-02-29 23:59:59""#,
            r#""2027-02-29""#,
            r#""0000-00-00""#,
            r#""soon""#,
            r#""2027-W01-1""#,
        ]),
        Shape::Instant => one_of(&[
            r#""2026-01-31T00:00:00Z""#,
            r#""2026-01-31T01:00:00.123+01:00""#,
            r#""2026-01-31 10:00:00""#,
            r#""9999-12-31T23:59:59.9999999""#,
        ]),
        Shape::Id => one_of(&[r#""x""#, r#""F76AC030-df89-41a9-a62a-b6fbbba5a58c""#]),
        Shape::Guid => one_of(&[
            r#""F76AC030-df89-41a9-a62a-b6fbbba5a58c""#,
            r#""00000000-0000-0000-0000-000000000000""#,
        ]),
        Shape::Object => one_of(&[
            "{}",
            r#"{"a": {"b": [1, 2.5]}, "a": "\t"}"#,
            r#"{"n": 12345678901234567890123, "x": [0.10, 1e400, -0]}"#,
        ]),
        Shape::List(_) => unreachable!("no reply has a field that only a creation takes"),
        Shape::Set(inner) => list(spelled(inner)),
        Shape::Keyed(elements) => list(object(elements.key, elements.fields)),
    };
    prop_oneof![40 => fitting, 1 => one_of(HOSTILE)].boxed()
}

fn list(item: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop::collection::vec(item, 0..4)
        .prop_map(|items| format!("[{}]", items.join(",")))
        .boxed()
}

/// The name of a member; the first letter may be an escape.
fn name(name: &'static str) -> BoxedStrategy<String> {
    let escaped = format!("\"\\u{:04x}{}\"", u32::from(name.as_bytes()[0]), &name[1..]);
    prop_oneof![6 => Just(format!("\"{name}\"")), 1 => Just(escaped)].boxed()
}

/// An object with members in any order, some missing, some given twice, some that no table names.
fn object(key: &'static [&'static str], table: &'static [Field]) -> BoxedStrategy<String> {
    let parts = key.iter().map(|part| {
        let text = one_of(&[r#""a""#, r#""A""#, r#""b c""#, r#""\u0064""#]);
        (*part, prop_oneof![40 => text, 1 => one_of(HOSTILE)].boxed())
    });
    let plain = table.iter().filter(|field| field.record_member().is_none());
    let fields = plain.map(|field| (field.name, spelled(&field.shape)));
    let records = table.iter().filter_map(Field::record_member);
    let records: std::collections::BTreeSet<_> = records.map(|(record, _)| record).collect();
    let records = records.into_iter().map(|record| {
        let members = members_of(table, record).map(|(name, field)| {
            let member = spelled(&field.shape).prop_map(move |value| format!("{name:?}: {value}"));
            prop::option::weighted(0.9, member).boxed()
        });
        let members: Vec<_> = members.collect();
        let object = members.prop_map(|members| {
            format!(
                "{{{}}}",
                Vec::from_iter(members.into_iter().flatten()).join(", ")
            )
        });
        (
            record,
            prop_oneof![40 => object, 1 => one_of(HOSTILE)].boxed(),
        )
    });
    let members: Vec<_> = parts
        .chain(fields)
        .chain(records)
        .chain([("other", one_of(HOSTILE))])
        .map(|(known, value)| {
            let member = (name(known), value);
            let member = member
                .prop_map(|(name, value)| format!("{name} : {value}"))
                .boxed();
            (member.clone(), member, 0..40_u8).prop_map(|(first, second, times)| match times {
                0 => Vec::new(),
                1 => vec![first, second],
                _ => vec![first],
            })
        })
        .collect();
    members
        .prop_map(|members| members.concat())
        .prop_shuffle()
        .prop_map(|members| format!("{{{}}}", members.join(", ")))
        .boxed()
}

fn table(kind: usize) -> &'static [Field] {
    let kind = provider::all_kinds().nth(kind).expect("a kind");
    kind.table().desired
}

/// The number of a kind among all, and a row of its table.
pub fn rows() -> BoxedStrategy<(usize, String)> {
    let row = |vendor: usize| {
        let row = object(&[], table(vendor));
        row.prop_map(move |row| (vendor, row)).boxed()
    };
    proptest::strategy::Union::new((0..provider::all_kinds().count()).map(row)).boxed()
}

fn tree(text: &str) -> Map<String, Json> {
    serde_json::from_str(text).expect("an object")
}

fn by_text(columns: Columns, text: &str) -> Result<Fields, Malformed> {
    let rows = Rows::new(columns, []);
    let mut row = rows.one(text).expect("JSON").expect("an object");
    row.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn text_and_trees_are_decoded_as_the_table_says((vendor, text) in rows()) {
        let table = table(vendor);
        let expected = by_the_book::decode(table, &tree(&text));
        prop_assert_eq!(&decode_fields(table, &tree(&text)), &expected, "a tree");
        prop_assert_eq!(&by_text(Columns::of(table), &text), &expected, "a text");
    }

    /// What is found inside another member is what it would be under its own name.
    #[test]
    fn a_column_inside_an_object_is_one_of_its_own((vendor, text) in rows()) {
        let table = table(vendor);
        let mut moved = tree(&text);
        let mut columns = Columns::of(table);
        for field in table.iter().filter(|field| field.record_member().is_none()) {
            columns = columns.inside(field.name, "around", "it");
            moved.remove("around");
            if let Some(value) = moved.remove(field.name) {
                moved.insert("around".into(), serde_json::json!({"other": 1, "it": value}));
            }
            let around = Json::from(moved.clone()).to_string();
            let (found, reference) = (by_text(columns, &around), by_the_book::decode(table, &tree(&text)));
            prop_assert_eq!(found.is_ok(), reference.is_ok());
            if let (Ok(found), Ok(reference)) = (found, reference) {
                prop_assert_eq!(found, reference);
            }
            (moved, columns) = (tree(&text), Columns::of(table));
        }
    }

    /// A row that is not wanted costs nothing of its neighbours.
    #[test]
    fn rows_that_nobody_wants_are_read_over(rows in prop::collection::vec((rows(), 0..3_u8), 0..4)) {
        let text = |((_, row), id): &((usize, String), u8)| {
            format!(r#"{{"key": {{"no": "key"}}, "key": "k{id}", {}"#, row.trim_start_matches('{'))
        };
        let body = format!("[{}]", rows.iter().map(text).collect::<Vec<_>>().join(",")).replace(", }", "}");
        let read = Rows::new(Columns::of(&[]), [AtomShape::at("key")]);
        let list = read.list(&body, &|id| id.text() != Some("k1")).expect("JSON").expect("a list");
        prop_assert_eq!(list.rows.len(), rows.len());
        for (row, (_, id)) in list.rows.iter().zip(&rows) {
            prop_assert_eq!(row.beside[0].text(), Some(&*format!("k{id}")));
            prop_assert_eq!(row.slots.is_some(), *id != 1);
        }
    }
}

/// A row of a table made for one test.
fn row(text: &str) -> Result<Fields, Malformed> {
    static TABLE: &[Field] = &[
        Field::new("seats", Shape::COUNT, ""),
        Field::new("name", Shape::TEXT, ""),
        Field::new("bonus", Shape::COUNT, "")
            .optional()
            .clearing(crate::model::Clearing::Zero)
            .null("a page, 2026-11-21"),
    ];
    by_text(Columns::of(TABLE), text)
}

#[test]
fn what_is_given_last_counts_and_of_several_faults_the_first_of_the_table() {
    let fault = |text: &str| row(text).unwrap_err().0;
    let fields = row(r#"{"seats": "ten", "name": "x", "seats": 10}"#).unwrap();
    assert_eq!(fields["seats"], Value::Integer(10));
    assert!(fault(r#"{"name": "x", "seats": 10, "seats": []}"#).starts_with("`seats` must be"));
    for text in ["{}", r#"{"bonus": []}"#, r#"{"bonus": [], "name": 7}"#] {
        assert_eq!(fault(text), "`seats` is missing", "{text}");
    }
    assert_eq!(fault(r#"{"bonus": [], "seats": 1}"#), "`name` is missing");
}

#[test]
fn a_list_where_an_object_should_be_does_not_show_the_field() {
    static TABLE: &[Field] = &[Field::new("owner", Shape::TEXT, "").optional()];
    let columns = || Columns::of(TABLE).inside("owner", "customer", "name");
    let named = by_text(columns(), r#"{"customer": {"name": "x"}}"#).unwrap();
    assert_eq!(named["owner"], Value::Text("x".into()));
    for odd in ["[1, {}]", "7", "null", "{}"] {
        let fields = by_text(columns(), &format!(r#"{{"customer": {odd}}}"#)).unwrap();
        assert!(fields.get("owner").is_none(), "{odd}");
    }
}

#[test]
fn an_object_may_hold_a_field_and_a_member_beside_the_fields() {
    static TABLE: &[Field] = &[Field::new("template_id", Shape::COUNT, "").optional()];
    let columns = Columns::of(TABLE).inside("template_id", "template", "id");
    let spots = [AtomShape::at("key"), AtomShape::inside("template", "name")];
    let rows = Rows::new(columns, spots);
    let read = |template: &str| {
        let text = format!(r#"{{"key": "k", "template": {template}, "other": [7]}}"#);
        let mut row = rows.one(&text).expect("JSON").expect("an object");
        let id = row
            .finish()
            .map(|fields| fields.get("template_id").cloned());
        let [key, name] = &row.beside;
        assert_eq!(key.text(), Some("k"), "{template}");
        (id, name.text().map(str::to_string))
    };
    let id = |id| Ok(Some(Value::Integer(id)));
    let full = (id(7), Some("Trial".to_string()));
    assert_eq!(read(r#"{"id": "7", "x": {}, "name": "Trial"}"#), full);
    assert_eq!(read(r#"{"name": "Full", "name": "Trial", "id": 7}"#), full);
    assert_eq!(read(r#"{"id": 7}"#), (id(7), None));
    assert_eq!(read(r#"{"name": "Trial"}"#), (Ok(None), full.1));
    for odd in ["[1, {}]", "7", "null", "{}"] {
        assert_eq!(read(odd), (Ok(None), None), "{odd}");
    }
    let (fault, name) = read(r#"{"id": [], "name": "Trial"}"#);
    assert!(fault.unwrap_err().0.starts_with("`template_id` must be"));
    assert_eq!(name.as_deref(), Some("Trial"));
}

#[test]
fn null_is_what_the_page_says_it_is() {
    let fields = row(r#"{"seats": 1, "name": "x", "bonus": null}"#).unwrap();
    assert_eq!(fields["bonus"], Value::Integer(0));
}

#[test]
fn a_name_with_escapes_is_the_name_that_it_writes() {
    let fields = row(r#"{"se\u0061ts": 1, "n\u0061me": "x"}"#).unwrap();
    assert_eq!(fields["seats"], Value::Integer(1));
}

#[test]
fn a_row_that_is_no_object_is_told_by_its_number() {
    static TABLE: &[Field] = &[];
    let rows = Rows::new(Columns::of(TABLE), []);
    for odd in ["5", "[[]]", "\"x\"", "null"] {
        let body = format!("[{{}}, {{}}, {odd}, {{}}]");
        let list = rows.list(&body, &|_| true).unwrap().unwrap();
        assert!(list.rows.is_empty());
        assert_eq!(
            list.odd.words("").unwrap(),
            "a row that is no object (row 3)"
        );
    }
    let list = rows.list("[{}, {}]", &|_| true).unwrap().unwrap();
    assert_eq!((list.rows.len(), list.odd.words("")), (2, None));
}

#[test]
fn free_json_keeps_the_digits_of_its_numbers() {
    static FREE: [Field; 1] = [Field::new("free", Shape::Object, "")];
    let free = r#"{"n":12345678901234567890123,"x":[0.10,1e+400,-0,100000000000000000000000000000000000000000]}"#;
    let text = format!(r#"{{"free":{free}}}"#);
    let tree = decode_value(&FREE[0], &tree(&text)["free"], &"free").expect("a value");
    let row = by_text(Columns::of(&FREE), &text).expect("fields")["free"].clone();
    for value in [row, tree] {
        let Value::Json(json) = value else {
            panic!("no JSON: {value:?}");
        };
        assert_eq!(json.to_string(), free);
    }
}

#[test]
fn what_is_no_page_is_said_and_bad_json_is_an_error() {
    let rows = Rows::new(Columns::of(&[]), [AtomShape::at("id")]);
    for body in [
        "\"text\"",
        "1.5",
        "null",
        r#"{"error": {"id": [1, {"x": 2}]}}"#,
    ] {
        assert!(
            rows.list(body, &|_| true).expect("JSON").is_none(),
            "{body}"
        );
    }
    assert!(
        rows.list("[1, {}]", &|_| true)
            .expect("JSON")
            .expect("a list")
            .odd
            .words("an id")
            .is_some()
    );
    for body in ["[]", "[1, [2]]", "7"] {
        assert!(rows.page(body, "list", []).expect("JSON").list.is_none());
        assert!(rows.one(body).expect("JSON").is_none());
    }
    for body in [
        "",
        "[1",
        "[{\"a\": }]",
        "[] []",
        "<html>",
        "[{\"id\": 1}, {\"id\"",
    ] {
        assert!(rows.list(body, &|_| false).is_err(), "{body}");
        assert!(
            rows.page(body, "list", []).is_err() && rows.one(body).is_err(),
            "{body}"
        );
    }
}

#[test]
fn atoms_keep_scalars_and_the_members_that_are_asked_for() {
    let spots = [
        AtomShape::at("a"),
        AtomShape::inside("b", "c"),
        AtomShape::each("d", "e"),
        AtomShape::at("f"),
    ];
    let rows = Rows::new(Columns::of(&[]), spots);
    let read = |text: &'static str| rows.one(text).expect("JSON").expect("an object").beside;
    let [a, b, d, f] = read(
        r#"{"a": 18446744073709551615, "b": {"c": "x", "c": 2}, "d": [{"e": 1}, 7, {"e": [0]}]}"#,
    );
    assert_eq!(
        (a, b, f),
        (
            Atom::Number(u64::MAX.to_string()),
            Atom::Integer(2),
            Atom::Missing
        )
    );
    assert_eq!(
        d,
        Atom::Each(vec![Atom::Integer(1), Atom::Missing, Atom::List])
    );
    let [a, b, d, f] = read(r#"{"a": {"a": 1}, "b": [{"c": 1}], "d": {"e": 1}, "f": "12"}"#);
    assert_eq!((a, b, d), (Atom::Object, Atom::Missing, Atom::Object));
    assert_eq!(f.integer(), Some(12));
}

/// The same rules over a tree, as plainly as they can be said.
mod by_the_book {
    use super::*;
    use crate::model::{Clearing, Need};
    use crate::provider::canon::{self, Edge, Scalar};
    use crate::provider::codec::json_kind;

    /// Decodes the members that `table` names. Others are the vendor's own business and are not kept.
    pub fn decode(
        table: &'static [Field],
        object: &Map<String, Json>,
    ) -> Result<Fields, Malformed> {
        decode_at(table, object, &"")
    }

    fn decode_at(
        table: &'static [Field],
        object: &Map<String, Json>,
        location: &dyn Display,
    ) -> Result<Fields, Malformed> {
        let mut fields = Fields::with_capacity(object.len().min(table.len()));
        for field in table {
            let found = match field.record_member() {
                None => object.get(field.name),
                Some((record, name)) => match object.get(record) {
                    None | Some(Json::Null) => None,
                    Some(Json::Object(members)) => members.get(name),
                    Some(other) => {
                        let kind = json_kind(other);
                        return Err(Malformed(format!(
                            "`{location}{record}` must be an object, not {kind}"
                        )));
                    }
                },
            };
            match found {
                Some(json) => {
                    let value = value(field, json, &format_args!("{location}{}", field.name))?;
                    // A list that is null is unknown, not empty.
                    if value == Value::Null && field.is_list() {
                        continue;
                    }
                    let refused = value == Value::Null
                        && field.need == Need::Required
                        && field.clearing == Clearing::Impossible;
                    if refused {
                        return Err(Malformed(format!("`{location}{}` is null", field.name)));
                    }
                    fields.insert(field.name, value);
                }
                None if field.need == Need::Required && !field.is_list() => {
                    return Err(Malformed(format!("`{location}{}` is missing", field.name)));
                }
                None => {}
            }
        }
        Ok(fields)
    }

    /// One value of a field; `path` names it in the error.
    fn value(field: &'static Field, json: &Json, path: &dyn Display) -> Result<Value, Malformed> {
        let misfit = |misfit: canon::Misfit| Malformed(format!("`{path}` {}", misfit.message));
        match (&field.shape, json) {
            (_, Json::Null) if field.null.is_none() => Ok(Value::Null),
            (shape, Json::Null) => Ok(canon::cleared_value(shape, field.clearing)),
            (Shape::Object, Json::Object(_)) => Ok(Value::Json(Box::new(json.clone()))),
            (Shape::Set(inner), Json::Array(items)) => {
                let mut members = std::collections::BTreeSet::new();
                for item in items {
                    let member = canon::canonical_scalar(
                        inner,
                        Clearing::Impossible,
                        as_scalar(item),
                        Edge::Vendor,
                    );
                    match member.map_err(misfit)? {
                        Value::Text(text) => members.insert(text),
                        _ => {
                            return Err(Malformed(format!(
                                "`{path}` has a member that is no text"
                            )));
                        }
                    };
                }
                Ok(Value::Set(Box::new(members)))
            }
            (Shape::Keyed(elements), Json::Array(items)) => items_value(elements, items, path),
            (Shape::Object | Shape::Set(_) | Shape::Keyed(_), _)
            | (_, Json::Array(_) | Json::Object(_)) => Err(Malformed(format!(
                "`{path}` must be {}, not {}",
                field.shape.name(),
                json_kind(json)
            ))),
            (shape, _) => {
                canon::canonical_scalar(shape, field.clearing, as_scalar(json), Edge::Vendor)
                    .map_err(misfit)
            }
        }
    }

    fn items_value(
        elements: &'static Elements,
        items: &[Json],
        path: &dyn Display,
    ) -> Result<Value, Malformed> {
        let mut found: Vec<(ElementKey, Fields)> = Vec::with_capacity(items.len());
        for item in items {
            found.push(element_at(elements, item, path)?);
        }
        let mut seen = std::collections::BTreeSet::new();
        match found.iter().find(|(key, _)| !seen.insert(key)) {
            Some((key, _)) => Err(Malformed(format!("`{path}` has the element [{key}] twice"))),
            None => Ok(Value::Items(found.into())),
        }
    }

    fn element_at(
        elements: &'static Elements,
        item: &Json,
        path: &dyn Display,
    ) -> Result<(ElementKey, Fields), Malformed> {
        let Json::Object(object) = item else {
            return Err(Malformed(format!(
                "`{path}` has an element that is {}",
                json_kind(item)
            )));
        };
        let mut parts = Vec::new();
        for name in elements.key {
            match object.get(*name) {
                Some(Json::String(text)) => parts.push(text.as_str().into()),
                Some(other) => {
                    let kind = json_kind(other);
                    return Err(Malformed(format!(
                        "`{path}[].{name}` must be text, not {kind}"
                    )));
                }
                None => return Err(Malformed(format!("`{path}[].{name}` is missing"))),
            }
        }
        let key = ElementKey::new(parts, elements.fold);
        let fields = decode_at(elements.fields, object, &format_args!("{path}[{key}]."))?;
        Ok((key, fields))
    }

    fn as_scalar(json: &Json) -> Scalar<'_> {
        match json {
            Json::Bool(value) => Scalar::Bool(*value),
            Json::Number(number) => number
                .as_i64()
                .map_or(Scalar::Number(number.as_str()), Scalar::Integer),
            Json::String(text) => Scalar::Text(text),
            Json::Null | Json::Array(_) | Json::Object(_) => Scalar::Null,
        }
    }
}
