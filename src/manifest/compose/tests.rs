use std::sync::Arc;

use super::*;
use crate::manifest::read_drafts;
use crate::model::dated::ReadingTime;
use crate::model::diagnostic::Source;
use crate::model::draft::KindRow;
use crate::model::field::Elements;
use crate::model::node::Entry;
use crate::model::{Field, Kind, Mark, Shape, Vendor};

const TEXT: Shape = Shape::Text { max: None };

static FEATURES: Elements = Elements {
    key: &["name"],
    key_about: &["The name."],
    fold: false,
    fields: &[],
};

static FIELDS: [Field; 3] = [
    Field::new("seats", TEXT, "Seats."),
    Field::new("note", TEXT, "A note."),
    Field::new("features", Shape::Keyed(&FEATURES), "Features."),
];

const KINDS: [KindRow; 2] = [
    KindRow {
        kind: Kind("Order"),
        vendor: Vendor("lac"),
        identity: &[],
        key: None,
        desired: &FIELDS,
    },
    KindRow {
        kind: Kind("Licence"),
        vendor: Vendor("lac"),
        identity: &[],
        key: None,
        desired: &FIELDS,
    },
];

fn document(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: entitle.dev/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

/// Drafts and editions of some documents, each in a file of its own that is called like it.
fn read(documents: &[(&str, &str, &str)]) -> (Vec<Draft>, Editions, Diagnostics) {
    let (mut drafts, mut editions, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    let mut findings = Diagnostics::default();
    for (kind, name, spec) in documents {
        let source = Source::new((*name).to_string(), document(kind, name, spec));
        let (found, declared) = read_drafts(&Arc::new(source), &KINDS);
        drafts.extend(found);
        editions.extend(declared.editions);
        broken.extend(declared.broken_editions);
        findings.extend(declared.findings);
    }
    let editions = Editions::new(editions, broken, &mut findings);
    (drafts, editions, findings)
}

fn layers(editions: &Editions) -> Layers<'_> {
    Layers {
        editions,
        environment: RunEnvironment::None,
    }
}

/// The fields of the one object among some documents, or the messages of the findings.
fn composed(documents: &[(&str, &str, &str)]) -> String {
    composed_at(documents, &ReadingTime::default())
}

/// The same at a time.
fn composed_at(documents: &[(&str, &str, &str)], time: &ReadingTime) -> String {
    let (drafts, editions, mut findings) = read(documents);
    let composed = drafts
        .iter()
        .filter_map(|draft| layers(&editions).compose(draft, Trace::default(), time, &mut findings))
        .next();
    let mut shown: Vec<String> = findings
        .iter()
        .map(|finding| {
            let file = finding
                .origin
                .as_ref()
                .map_or("", |origin| &origin.source.name);
            format!("{file}: {}", finding.message)
        })
        .collect();
    shown.extend(composed.map(|composed| show(&composed.draft.desired)));
    shown.join("\n")
}

fn show(node: &Node) -> String {
    let entry = |entry: &Entry| format!("{}: {}", entry.key, show(&entry.value));
    match &node.tree {
        Tree::Map(entries) => {
            let entries: Vec<_> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Tree::List(items) => {
            let items: Vec<_> = items.iter().map(show).collect();
            format!("[{}]", items.join(", "))
        }
        Tree::Text(text) => text.clone(),
        Tree::Integer(number) => number.to_string(),
        Tree::Bool(value) => value.to_string(),
        Tree::Number(raw) => raw.clone(),
        Tree::Null => "null".into(),
    }
}

const BASIC: (&str, &str, &str) = (
    "Edition",
    "basic",
    "{for: Order, parameters: {seats: {type: integer, default: 10, minimum: 1}}, \
     desired: {seats: {param: seats}, note: from basic, features: [{name: Viewer, count: 1}]}}",
);

const PROFESSIONAL: (&str, &str, &str) = (
    "Edition",
    "professional",
    "{for: Order, extends: basic, desired: {features: [{name: Reports, count: {param: seats}}]}}",
);

#[test]
fn an_object_wins_over_its_edition_and_that_over_the_one_below() {
    let order = "{edition: {name: professional, with: {seats: 25}}, \
                 desired: {note: mine, features: [{name: Viewer, count: 2}]}}";
    assert_eq!(
        composed(&[("Order", "a", order), PROFESSIONAL, BASIC]),
        "{seats: 25, note: mine, features: [{name: Viewer, count: 2}, {name: Reports, count: 25}]}"
    );
}

#[test]
fn defaults_are_taken_and_an_object_may_have_no_fields_of_its_own() {
    assert_eq!(
        composed(&[BASIC, ("Order", "a", "{edition: {name: basic}}")]),
        "{seats: 10, note: from basic, features: [{name: Viewer, count: 1}]}"
    );
}

#[test]
fn an_element_is_taken_out_by_its_key() {
    let order = "{edition: {name: professional}, desired: {note: null, \
                 features: [{name: Viewer, absent: true}, {name: Other, absent: true}]}}";
    assert_eq!(
        composed(&[BASIC, PROFESSIONAL, ("Order", "a", order)]),
        "a: there is no such element below\n\
         {seats: 10, note: null, features: [{name: Reports, count: 10}]}"
    );
    let odd = "{edition: {name: basic}, desired: {features: [{name: Viewer, absent: no}]}}";
    assert_eq!(
        composed(&[BASIC, ("Order", "a", odd)]).lines().next(),
        Some("a: `absent` must be true, not text \"no\"")
    );
}

#[test]
fn faults_are_shown_where_they_were_written() {
    let cases = [
        (
            "{edition: {name: profesional}}",
            "a: there is no edition `profesional`",
        ),
        (
            "{edition: {name: basic, with: {seat: 3}}}",
            "a: edition `basic` has no parameter `seat`",
        ),
        (
            "{edition: {name: basic, with: {seats: 0}}}",
            "a: `seats` must be at least 1, not 0",
        ),
        (
            "{edition: {name: basic, with: {seats: many}}}",
            "a: `seats` must be an integer, not text \"many\"",
        ),
    ];
    for (order, message) in cases {
        let found = composed(&[BASIC, PROFESSIONAL, ("Order", "a", order)]);
        assert_eq!(found, message);
    }
    let licence = composed(&[BASIC, ("Licence", "a", "{edition: {name: basic}}")]);
    assert_eq!(licence, "a: edition `basic` is for Order, not for Licence");
}

#[test]
fn an_edition_with_a_fault_is_reported_once_and_makes_no_object() {
    let use_it = "{edition: {name: top}}";
    let cases = [
        (
            "{for: Order, desired: {seats: {param: seats}}}",
            "top: edition `top` has no parameter `seats`",
        ),
        (
            "{for: Order, extends: gone, desired: {}}",
            "top: there is no edition `gone`",
        ),
        (
            "{for: Order, extends: other, desired: {}}",
            "top: edition `other` is for Licence, not for Order",
        ),
        (
            "{for: Order, extends: top, desired: {}}",
            "top: edition `top` extends itself",
        ),
        (
            "{for: Order, parameters: {a: {type: text, default: 3}}, desired: {note: {param: a}}}",
            "top: `a` must be text, not integer 3",
        ),
        (
            "{for: Order, parameters: {a: {type: text, minimum: 3}}, desired: {note: {param: a}}}",
            "top: only integers have a range",
        ),
    ];
    for (edition, message) in cases {
        let documents = [
            ("Edition", "other", "{for: Licence, desired: {}}"),
            ("Edition", "top", edition),
            ("Order", "a", use_it),
            ("Order", "b", use_it),
        ];
        assert_eq!(composed(&documents), message);
    }
}

#[test]
fn a_cycle_of_two_shows_both() {
    let (_, _, findings) = read(&[
        ("Edition", "one", "{for: Order, extends: two, desired: {}}"),
        ("Edition", "two", "{for: Order, extends: one, desired: {}}"),
    ]);
    let shown: Vec<_> = findings
        .iter()
        .map(|finding| {
            let file = |origin: &Origin| origin.source.name.clone();
            (
                finding.origin.as_ref().map(file),
                finding.related.as_ref().map(|(origin, _)| file(origin)),
            )
        })
        .collect();
    let pair = |a: &str, b: &str| (Some(a.to_string()), Some(b.to_string()));
    assert_eq!(shown, [pair("one", "two"), pair("two", "one")]);
}

#[test]
fn an_unused_parameter_is_a_warning() {
    let spec = "{for: Order, parameters: {a: {type: text, default: x}}, desired: {note: y}}";
    let found = composed(&[("Edition", "top", spec)]);
    assert_eq!(
        found,
        "top: nothing in edition `top` uses the parameter `a`"
    );
}

/// An edition that changes in July, and an object of it that changes in June and in September.
const DATED: [(&str, &str, &str); 2] = [
    (
        "Edition",
        "dated",
        "{for: Order, parameters: {seats: {type: integer, default: 10}}, \
         desired: {seats: {param: seats}, note: of the edition, features: [{name: Viewer, count: 1}]}, \
         changes: [{from: 2027-07-01, desired: {note: in July, \
         features: [{name: Reports, count: {param: seats}}, {name: Viewer, absent: true}]}}]}",
    ),
    (
        "Order",
        "a",
        "{edition: {name: dated, with: {seats: 25}}, desired: {}, \
         changes: [{from: 2027-09-01T06:00:00+02:00, desired: {note: in September}}, \
         {from: 2027-06-01, desired: {seats: 40}}]}",
    ),
];

fn at(moment: &str) -> ReadingTime {
    ReadingTime::named(moment.parse().expect("a moment"))
}

#[test]
fn of_the_changes_that_have_begun_the_last_wins_field_by_field() {
    let cases = [
        (
            "2027-05-31",
            "{seats: 25, note: of the edition, features: [{name: Viewer, count: 1}]}",
        ),
        (
            "2027-06-01",
            "{seats: 40, note: of the edition, features: [{name: Viewer, count: 1}]}",
        ),
        (
            "2027-07-01",
            "{seats: 40, note: in July, features: [{name: Reports, count: 25}]}",
        ),
        (
            "2027-09-01T03:59:59Z",
            "{seats: 40, note: in July, features: [{name: Reports, count: 25}]}",
        ),
        (
            "2027-09-01T04:00:00Z",
            "{seats: 40, note: in September, features: [{name: Reports, count: 25}]}",
        ),
    ];
    for (moment, fields) in cases {
        assert_eq!(composed_at(&DATED, &at(moment)), fields, "{moment}");
    }
}

#[test]
fn a_day_begins_at_midnight_in_the_zone_of_the_run() {
    let order = "{desired: {note: before}, changes: [{from: 2027-07-01, desired: {note: after}}]}";
    let note = |zone: &str, moment: &str| {
        let time = ReadingTime {
            zone: jiff::tz::TimeZone::get(zone).expect("a zone"),
            ..at(moment)
        };
        composed_at(&[("Order", "a", order)], &time)
    };
    for (zone, moment, fields) in [
        ("UTC", "2027-06-30T23:59:59Z", "{note: before}"),
        ("UTC", "2027-07-01T00:00:00Z", "{note: after}"),
        ("Europe/Vienna", "2027-06-30T21:59:59Z", "{note: before}"),
        ("Europe/Vienna", "2027-06-30T22:00:00Z", "{note: after}"),
        ("Europe/Vienna", "2027-07-01", "{note: after}"),
        ("America/New_York", "2027-07-01T03:59:59Z", "{note: before}"),
    ] {
        assert_eq!(note(zone, moment), fields, "{zone} {moment}");
    }
    // In Santiago the clock went from 23:59 of one day to 01:00 of the next.
    let gap = "{desired: {}, changes: [{from: 2022-09-11, desired: {note: after}}]}";
    let time = |moment| ReadingTime {
        zone: jiff::tz::TimeZone::get("America/Santiago").expect("a zone"),
        ..at(moment)
    };
    let shown = |moment| composed_at(&[("Order", "a", gap)], &time(moment));
    assert_eq!(shown("2022-09-11T03:59:59Z"), "{}");
    assert_eq!(shown("2022-09-11T04:00:00Z"), "{note: after}");
}

#[test]
fn a_change_that_cannot_be_read_makes_no_object_and_is_reported_once() {
    let cases = [
        (
            "{from: soon, desired: {}}",
            "a: changes.from must be a day or a moment, not \"soon\"",
        ),
        ("{desired: {}}", "a: a change needs the field `from`"),
        (
            "{from: 2027-07-01}",
            "a: a change needs the field `desired`",
        ),
        (
            "{from: 2027-07-01, desired: 3}",
            "a: changes.desired must be a map of fields, not integer 3",
        ),
        (
            "{form: 2027-07-01, desired: {}}",
            "a: unknown field `form` in a change\na: a change needs the field `from`",
        ),
    ];
    for (change, message) in cases {
        let order = format!("{{desired: {{}}, changes: [{change}]}}");
        assert_eq!(composed(&[("Order", "a", &order)]), message);
        let edition = format!("{{for: Order, desired: {{}}, changes: [{change}]}}");
        let documents = [
            ("Edition", "a", edition.as_str()),
            ("Order", "b", "{edition: {name: a}}"),
        ];
        assert_eq!(composed(&documents), message);
    }
    let order = "{desired: {}, changes: {from: 2027-07-01, desired: {}}}";
    assert_eq!(
        composed(&[("Order", "a", order)]),
        "a: changes must be a list of changes, not a map"
    );
}

#[test]
fn an_unknown_parameter_in_a_change_is_found() {
    let edition = "{for: Order, desired: {}, \
                   changes: [{from: 2027-07-01, desired: {seats: {param: seat}}}]}";
    let documents = [
        ("Edition", "top", edition),
        ("Order", "a", "{edition: {name: top}}"),
    ];
    assert_eq!(
        composed(&documents),
        "top: edition `top` has no parameter `seat`"
    );
}

#[test]
fn each_value_knows_where_it_was_written() {
    let order = "{edition: {name: basic, with: {seats: 25}}, desired: {note: mine}}";
    let (drafts, editions, mut findings) = read(&[BASIC, ("Order", "a", order)]);
    let time = ReadingTime::default();
    let composed = layers(&editions)
        .compose(&drafts[0], Trace::default(), &time, &mut findings)
        .expect("whole");
    let file = |mark: Mark| {
        let origin = composed.trace.origin_of(mark).expect("an origin");
        origin.source.name.clone()
    };
    let of = |name: &str| file(composed.draft.desired.get(name).expect("a field").mark);
    assert_eq!(
        [of("seats"), of("note"), of("features")],
        ["a", "a", "basic"]
    );
}
