//! Each rule alone: a step that breaks it and no other, and the nearest one that keeps it.

use std::sync::LazyLock;

use serde_json::json;

use super::*;
use crate::model::field::Elements;
use crate::model::{Call, Clearing, Method, PathPattern, Risk};

static ITEMS: Elements = Elements {
    key: &["id"],
    key_about: &["Id."],
    fold: true,
    fields: &[
        Field::new("seats", Shape::COUNT, "").optional(),
        Field::new("note", Shape::TEXT, "")
            .optional()
            .clearing(Clearing::Empty),
        Field::new("used", Shape::COUNT, "")
            .optional()
            .carry(Carry::OnlyManaged),
    ],
};

static TABLE: &[Field] = &[
    Field::new("name", Shape::TEXT, "").optional(),
    Field::new("comment", Shape::TEXT, "")
        .optional()
        .clearing(Clearing::Empty),
    Field::new("tags", Shape::Set(&Shape::TEXT), "").optional(),
    Field::new("items", Shape::Keyed(&ITEMS), "").optional(),
    Field::new("alias", Shape::TEXT, "").need(Need::Never),
];

/// Fields of a call that wants some of them together and some apart.
static COUPLED: &[Field] = &[
    Field::new("trial", Shape::Boolean, "").optional(),
    Field::new("days", Shape::COUNT, "")
        .optional()
        .sent_with("trial"),
    Field::new("span", Shape::TEXT, "")
        .optional()
        .excludes("end"),
    Field::new("end", Shape::TEXT, "").optional(),
];

/// Fields of a call that wants one of them in every body.
static LED: &[Field] = &[
    Field::new("name", Shape::TEXT, ""),
    Field::new("days", Shape::COUNT, "").optional(),
];

/// Fields of a call with an object of two members.
static ADDRESSED: &[Field] = &[
    Field::new("name", Shape::TEXT, "").optional(),
    Field::new("address.city", Shape::TEXT, "").optional(),
    Field::new("address.state", Shape::TEXT, "").optional(),
];

static NO_POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn key(id: &str) -> ElementKey {
    ElementKey::new(vec![id.into()], true)
}

fn seats(count: i64) -> Fields {
    [("seats", Value::Integer(count)), ("note", text("n"))].into()
}

fn list(items: &[(&str, Fields)]) -> Value {
    let items = items.iter().map(|(id, fields)| (key(id), fields.clone()));
    Value::Items(items.collect())
}

/// An object that shows every member.
fn whole() -> Fields {
    [
        ("name", text("x")),
        ("comment", text("c")),
        ("tags", Value::set(["a"])),
        ("items", list(&[("one", seats(1)), ("two", seats(2))])),
    ]
    .into()
}

fn with(mut fields: Fields, name: &'static str, value: Value) -> Fields {
    fields.insert(name, value);
    fields
}

fn without(mut fields: Fields, name: &str) -> Fields {
    fields.remove(name);
    fields
}

fn path(name: &'static str) -> FieldPath {
    FieldPath::default().field(name)
}

fn item(id: &str) -> FieldPath {
    path("items").element(key(id))
}

fn change(path: FieldPath, verb: ChangeVerb) -> Change {
    Change {
        path,
        verb,
        before: None,
        after: None,
        risk: Risk::Safe,
        note: None,
        users: None,
    }
}

/// A change of something that is no part of the case: a step needs one.
fn other() -> Change {
    change(path("elsewhere"), ChangeVerb::Replace)
}

fn run(
    mode: WriteMode,
    policy: &Policy,
    read: Fields,
    sent: Fields,
    changes: &[Change],
) -> Result<(), BrokenRule> {
    let read = Live {
        fields: read,
        ..Live::default()
    };
    let ground = Ground {
        table: TABLE,
        mode,
        policy,
        read: &read,
    };
    let call = Call::write(Method::Put, "/x".to_string(), json!({}));
    let write = StepWrite {
        purpose: crate::model::WritePurpose::Update(0),
        call,
        sent,
        changes: (0..changes.len()).collect(),
    };
    check_write(&ground, &write, changes)
}

/// The fault of an overwrite, or nothing.
fn fault(read: Fields, sent: Fields, changes: &[Change]) -> Option<BrokenRule> {
    run(WriteMode::Overwrite, &NO_POLICY, read, sent, changes).err()
}

fn is_about(broken: Option<BrokenRule>, words: &str) {
    let text = broken.expect("a broken rule").to_string();
    assert!(text.contains(words), "{text}");
}

#[test]
fn an_object_that_goes_out_as_it_was_read_is_well() {
    assert_eq!(fault(whole(), whole(), &[other()]), None);
}

#[test]
fn a_step_has_a_change_and_a_body() {
    is_about(fault(whole(), whole(), &[]), "a step without a change");
    let read = Live {
        fields: whole(),
        ..Live::default()
    };
    let ground = Ground {
        table: TABLE,
        mode: WriteMode::Overwrite,
        policy: &NO_POLICY,
        read: &read,
    };
    let write = |call: Call| StepWrite {
        purpose: crate::model::WritePurpose::Update(0),
        call,
        sent: whole(),
        changes: vec![0],
    };
    let bare = Call::bare(Method::Post, "/x");
    let fault = check_write(&ground, &write(bare.clone()), &[other()]).err();
    is_about(fault, "a write without a body");
    let bodiless = Ground {
        mode: WriteMode::Bodiless,
        ..ground
    };
    let full = Call::write(Method::Post, "/x", json!({}));
    let fault = check_write(&bodiless, &write(full), &[other()]).err();
    is_about(fault, "a body that its call does not take");
    assert_eq!(check_write(&bodiless, &write(bare), &[other()]), Ok(()));
}

#[test]
fn a_write_of_one_element_leaves_the_others_and_adds_none() {
    let one = |items: &[(&str, Fields)], changes: &[Change]| {
        let sent = Fields::from([("items", list(items))]);
        run(WriteMode::Element, &NO_POLICY, whole(), sent, changes).err()
    };
    let changed = [change(item("one").field("seats"), ChangeVerb::Replace)];
    let seats = |count: i64| Fields::from([("seats", Value::Integer(count))]);
    assert_eq!(one(&[("one", seats(9))], &changed), None);
    is_about(
        one(&[("two", seats(9))], &changed),
        "items[two].seats would change",
    );
    is_about(
        one(&[("three", seats(9))], &changed),
        "items[three] would be added",
    );
}

#[test]
fn a_member_that_is_required_goes_with_every_merge() {
    let read = Live {
        fields: [("name", text("x")), ("days", Value::Integer(2))].into(),
        ..Live::default()
    };
    let ground = Ground {
        table: LED,
        mode: WriteMode::Merge,
        policy: &NO_POLICY,
        read: &read,
    };
    let days = ("days", Value::Integer(3));
    let check = |sent: Fields| {
        let changes = [change(path("days"), ChangeVerb::Replace)];
        let write = StepWrite {
            purpose: crate::model::WritePurpose::Update(0),
            call: Call::write(Method::Patch, "/x", json!({})),
            sent,
            changes: vec![0],
        };
        check_write(&ground, &write, &changes).err()
    };
    is_about(
        check([days.clone()].into()),
        "name would be sent without the member",
    );
    assert_eq!(check([days.clone(), ("name", text("x"))].into()), None);
    is_about(check([days, ("name", text("y"))].into()), "name");
}

#[test]
fn a_member_goes_with_its_partner_and_never_with_one_that_it_excludes() {
    let lone = |sent: Fields| {
        let read = Live::default();
        let ground = Ground {
            table: COUPLED,
            mode: WriteMode::Merge,
            policy: &NO_POLICY,
            read: &read,
        };
        let changes: Vec<Change> = sent
            .iter()
            .map(|(name, _)| change(path(name), ChangeVerb::Add))
            .collect();
        let write = StepWrite {
            purpose: crate::model::WritePurpose::Update(0),
            call: Call::write(Method::Patch, "/x", json!({})),
            sent,
            changes: (0..changes.len()).collect(),
        };
        check_write(&ground, &write, &changes).err()
    };
    let (days, trial) = (("days", Value::Integer(3)), ("trial", Value::Bool(true)));
    is_about(
        lone([days.clone()].into()),
        "days would be sent without the member",
    );
    assert_eq!(lone([days, trial.clone()].into()), None);
    assert_eq!(lone([trial].into()), None);
    let (span, end) = (("span", text("1y")), ("end", text("2027-01-01")));
    is_about(
        lone([span.clone(), end.clone()].into()),
        "span would be sent",
    );
    assert_eq!((lone([span].into()), lone([end].into())), (None, None));
}

#[test]
fn an_element_goes_only_where_a_change_removes_it() {
    let sent = with(whole(), "items", list(&[("two", seats(2))]));
    let gone = "items[one] would vanish";
    is_about(fault(whole(), sent.clone(), &[other()]), gone);
    let replaced = [change(item("one"), ChangeVerb::Replace)];
    is_about(fault(whole(), sent.clone(), &replaced), gone);
    let another = [change(item("two"), ChangeVerb::Remove)];
    is_about(fault(whole(), sent.clone(), &another), gone);
    let removed = [change(item("one"), ChangeVerb::Remove)];
    assert_eq!(fault(whole(), sent.clone(), &removed), None);
    // A list that a merge leaves out stays as it is.
    let merged = run(
        WriteMode::Merge,
        &NO_POLICY,
        whole(),
        Fields::from([("tags", Value::set(["a"]))]),
        &[other()],
    );
    assert_eq!(merged, Ok(()));
    let merged = run(WriteMode::Merge, &NO_POLICY, whole(), sent, &[other()]);
    is_about(merged.err(), gone);
}

#[test]
fn an_element_joins_only_where_a_change_adds_it() {
    let sent = list(&[("one", seats(1)), ("two", seats(2)), ("three", seats(3))]);
    let sent = with(whole(), "items", sent);
    is_about(
        fault(whole(), sent.clone(), &[other()]),
        "items[three] would be added",
    );
    let added = [change(item("three"), ChangeVerb::Add)];
    assert_eq!(fault(whole(), sent, &added), None);
    // All fields that the manifest gives a new element count as asked for.
    let bare = list(&[("new", Fields::from([("note", text(""))]))]);
    let read = with(whole(), "items", list(&[]));
    let added = [change(item("new"), ChangeVerb::Add)];
    assert_eq!(fault(read, with(whole(), "items", bare), &added), None);
}

#[test]
fn a_value_changes_only_where_a_change_names_it() {
    for (name, value) in [("name", text("y")), ("tags", Value::set(["a", "b"]))] {
        let sent = with(whole(), name, value);
        let words = format!("{name} would change");
        is_about(fault(whole(), sent.clone(), &[other()]), &words);
        let named = [change(path(name), ChangeVerb::Replace)];
        assert_eq!(fault(whole(), sent.clone(), &named), None);
        // If the read does not show the field, any value is a new one.
        let read = without(whole(), name);
        is_about(fault(read.clone(), sent.clone(), &[other()]), &words);
        assert_eq!(fault(read, sent, &named), None);
    }
    for empty in [Value::Null, text("")] {
        let sent = with(whole(), "comment", empty);
        is_about(fault(whole(), sent, &[other()]), "comment would change");
    }
    // Two spellings of nothing are one value.
    let empty = with(whole(), "comment", text(""));
    let null = with(whole(), "comment", Value::Null);
    assert_eq!(fault(empty, null, &[other()]), None);
}

#[test]
fn a_member_of_an_element_changes_only_where_a_change_names_it() {
    let sent = with(
        whole(),
        "items",
        list(&[("one", seats(9)), ("two", seats(2))]),
    );
    let words = "items[one].seats would change";
    is_about(fault(whole(), sent.clone(), &[other()]), words);
    let its_neighbour = [change(item("two").field("seats"), ChangeVerb::Replace)];
    is_about(fault(whole(), sent.clone(), &its_neighbour), words);
    let named = [change(item("one").field("seats"), ChangeVerb::Replace)];
    assert_eq!(fault(whole(), sent, &named), None);
}

#[test]
fn a_counter_goes_out_only_where_a_change_names_it() {
    let counted = |used: i64| {
        let one = with(seats(1), "used", Value::Integer(used));
        list(&[("one", one), ("two", seats(2))])
    };
    let read = with(whole(), "items", counted(3));
    // Left out is left to the vendor.
    assert_eq!(fault(read.clone(), whole(), &[other()]), None);
    let sent = with(whole(), "items", counted(0));
    is_about(
        fault(read, sent, &[other()]),
        "items[one].used would change",
    );
}

#[test]
fn an_overwrite_sends_every_member_that_live_has() {
    for name in ["name", "comment", "tags", "items"] {
        let words = format!("{name} would be left out");
        let sent = without(whole(), name);
        is_about(fault(whole(), sent.clone(), &[other()]), &words);
        let full = run(
            WriteMode::FullPatch,
            &NO_POLICY,
            whole(),
            sent.clone(),
            &[other()],
        );
        is_about(full.err(), &words);
        let named = [change(path(name), ChangeVerb::Remove)];
        assert_eq!(fault(whole(), sent.clone(), &named), None);
        let merged = run(WriteMode::Merge, &NO_POLICY, whole(), sent, &[other()]);
        assert_eq!(merged, Ok(()));
    }
    // What holds nothing is cleared by nothing, and a convenience is no member.
    let idle = with(whole(), "comment", text(""));
    let idle = with(idle, "alias", text("a"));
    assert_eq!(fault(idle, without(whole(), "comment"), &[other()]), None);
}

#[test]
fn an_element_that_is_sent_has_every_member_that_live_has() {
    let bare = without(seats(1), "note");
    let sent = with(whole(), "items", list(&[("one", bare), ("two", seats(2))]));
    let words = "items[one].note would be left out";
    is_about(fault(whole(), sent.clone(), &[other()]), words);
    let merged = run(
        WriteMode::Merge,
        &NO_POLICY,
        whole(),
        sent.clone(),
        &[other()],
    );
    is_about(merged.err(), words);
    let named = [change(item("one").field("note"), ChangeVerb::Remove)];
    assert_eq!(fault(whole(), sent, &named), None);
}

#[test]
fn what_the_read_left_out_is_not_emptied() {
    let nothing = [
        ("comment", Value::Null),
        ("comment", text("")),
        ("tags", Value::Set(Default::default())),
        ("items", list(&[])),
    ];
    for (name, empty) in nothing {
        let (read, sent) = (without(whole(), name), with(whole(), name, empty));
        let words = format!("{name} would be emptied");
        is_about(fault(read.clone(), sent.clone(), &[other()]), &words);
        let named = [change(path(name), ChangeVerb::Replace)];
        assert_eq!(fault(read.clone(), sent.clone(), &named), None);
        let known = |name: &str| Policy {
            absent_is_empty: vec![PathPattern::parse(name).expect("a path")],
            ..Policy::default()
        };
        let outcome = run(
            WriteMode::Overwrite,
            &known(name),
            read.clone(),
            sent.clone(),
            &[other()],
        );
        assert_eq!(outcome, Ok(()));
        let of_another = run(WriteMode::Overwrite, &known("name"), read, sent, &[other()]);
        is_about(of_another.err(), &words);
    }
}

#[test]
fn what_was_read_as_empty_goes_out_as_empty() {
    let bare = with(
        with(whole(), "comment", Value::Null),
        "tags",
        Value::Set(Default::default()),
    );
    let bare = with(bare, "items", list(&[]));
    assert_eq!(fault(bare.clone(), bare, &[other()]), None);
}

#[test]
fn what_the_read_left_out_of_an_element_is_not_emptied() {
    let one = without(seats(1), "note");
    let read = with(whole(), "items", list(&[("one", one), ("two", seats(2))]));
    let one = with(seats(1), "note", Value::Null);
    let sent = with(whole(), "items", list(&[("one", one), ("two", seats(2))]));
    let words = "items[one].note would be emptied";
    is_about(fault(read.clone(), sent.clone(), &[other()]), words);
    let policy = Policy {
        // The keys of these elements are labels.
        absent_is_empty: vec![PathPattern::parse("items[ONE].note").expect("a path")],
        ..Policy::default()
    };
    let outcome = run(WriteMode::Overwrite, &policy, read, sent, &[other()]);
    assert_eq!(outcome, Ok(()));
}

#[test]
fn every_change_is_carried_out_by_exactly_one_write() {
    let write = |changes: &[usize]| StepWrite {
        purpose: crate::model::WritePurpose::Update(0),
        call: Call::write(Method::Put, "/x", json!({})),
        sent: whole(),
        changes: changes.to_vec(),
    };
    let changes = [
        change(path("a"), ChangeVerb::Replace),
        change(path("b"), ChangeVerb::Replace),
    ];
    let fault = |writes: &[&[usize]]| {
        let writes = writes.iter().map(|carried| write(carried)).collect();
        check_step(&Step { writes }, &changes).err()
    };
    assert_eq!(fault(&[&[0], &[1]]), None);
    assert_eq!(fault(&[&[0, 1]]), None);
    is_about(
        fault(&[&[0]]),
        "not exactly one write carries out the change of b",
    );
    is_about(
        fault(&[&[0, 1], &[0]]),
        "not exactly one write carries out the change of a",
    );
}

#[test]
fn a_member_of_another_call_is_not_sent() {
    let (sent, more) = (whole(), with(whole(), "elsewhere", Value::Integer(1)));
    assert_eq!(fault(whole(), sent, &[other()]), None);
    is_about(
        fault(whole(), more, &[other()]),
        "elsewhere would be sent by another call",
    );
}

#[test]
fn an_object_goes_out_whole_in_a_call_that_merges() {
    let (city, state) = (
        ("address.city", text("Bath")),
        ("address.state", text("NY")),
    );
    let read = Live {
        fields: [city.clone(), state.clone(), ("name", text("Rivers"))].into(),
        ..Live::default()
    };
    let send = |sent: Fields, changed: &'static str| {
        let ground = Ground {
            table: ADDRESSED,
            mode: WriteMode::Merge,
            policy: &NO_POLICY,
            read: &read,
        };
        let changes = [change(path(changed), ChangeVerb::Replace)];
        let write = StepWrite {
            purpose: crate::model::WritePurpose::Update(0),
            call: Call::write(Method::Patch, "/x", json!({})),
            sent,
            changes: vec![0],
        };
        check_write(&ground, &write, &changes).err()
    };
    let lost = send([city.clone()].into(), "address.city");
    assert_eq!(
        lost,
        Some(BrokenRule::DroppedMember("address.state".into()))
    );
    assert_eq!(send([city, state].into(), "address.city"), None);
    assert_eq!(send([("name", text("Lakes"))].into(), "name"), None);
}
