//! Dated changes: what an object is on a day follows from that day alone, every change is checked long before it begins, and
//! a run of before a moment knows what a run of after it does.

mod at_vendor;
mod program;
mod runs;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use entitle::manifest::{Loaded, ReadLimits};
use entitle::model::dated::ReadingTime;
use entitle::model::diagnostic::Source;
use entitle::model::{Desired, Value};
use entitle::plan::calendar::{CalendarDocument, Period};
use entitle::reconcile::{self, CheckOptions, Checked, IncrementalLoader, KeptAccounts};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::support::pure;

const CONNECTION: &str = "
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac}
spec: {vendor: lac, baseUrl: 'https://lac.example.com', auth: {token: {env: LAC_TOKEN}}}
";

fn edition(desired: &str, changes: &str) -> String {
    format!(
        "apiVersion: entitle.dev/v1\nkind: Edition\nmetadata: {{name: basic}}\nspec:\n  for: LacLicenseOrder\n  \
         desired: {desired}\n  changes: {changes}\n"
    )
}

fn order(desired: &str, changes: &str) -> String {
    format!(
        "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {{name: rivers}}\nspec:\n  activationKey: A\n  \
         edition: {{name: basic}}\n  desired: {desired}\n  changes: {changes}\n"
    )
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn load(texts: &[(&str, &str)]) -> Loaded {
    let source =
        |(name, text): &(&str, &str)| Arc::new(Source::new((*name).into(), (*text).into()));
    Loaded {
        sources: texts.iter().map(source).collect(),
        ..Loaded::default()
    }
}

fn check_at(texts: &[(&str, &str)], at: Timestamp) -> Checked {
    let options = CheckOptions {
        time: ReadingTime::now(at),
        ..CheckOptions::default()
    };
    reconcile::check_manifests(load(texts), &options)
}

/// The findings as file, line and message.
fn findings(checked: &Checked) -> Vec<String> {
    let shown = checked.findings.iter().map(|finding| {
        let origin = finding.origin.as_ref().expect("a place");
        format!(
            "{}:{} {}",
            origin.source.name, origin.mark.line, finding.message
        )
    });
    shown.collect()
}

/// Values by the day on which they begin; day 0 is before all others.
type Layer = BTreeMap<u8, (Option<i64>, Option<String>)>;

fn layer() -> impl Strategy<Value = Layer> {
    let seats = proptest::option::of(1..60_i64);
    let note = proptest::option::of("[a-z]{1,4}");
    proptest::collection::btree_map(0..6_u8, (seats, note), 0..5)
}

fn fields((seats, note): &(Option<i64>, Option<String>)) -> String {
    let seats = seats.map(|seats| format!("activations_allowed: {seats}"));
    let note = note.as_ref().map(|note| format!("description: '{note}'"));
    let fields: Vec<String> = seats.into_iter().chain(note).collect();
    format!("{{{}}}", fields.join(", "))
}

/// The `desired` and the `changes` of a layer, the changes in the reverse of their order in time.
fn members(layer: &Layer) -> (String, String) {
    let changes = layer.range(1..).rev();
    let changes = changes
        .map(|(day, values)| format!("{{from: 2027-07-0{day}, desired: {}}}", fields(values)));
    let desired = layer.get(&0).map_or("{}".into(), fields);
    (
        desired,
        format!("[{}]", changes.collect::<Vec<_>>().join(", ")),
    )
}

/// The last value that has begun on a day; that of the upper layer wins.
fn expected<T: Clone>(
    layers: [&Layer; 2],
    day: u8,
    field: impl Fn(&(Option<i64>, Option<String>)) -> Option<T>,
) -> Option<T> {
    let last = |layer: &Layer| {
        let begun = layer.range(..=day).rev();
        begun.filter_map(|(_, values)| field(values)).next()
    };
    last(layers[1]).or_else(|| last(layers[0]))
}

fn day(number: u8) -> Timestamp {
    match number {
        0 => time("2027-06-15T00:00:00Z"),
        number => time(&format!("2027-07-0{number}T00:00:00Z")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn what_an_object_is_on_a_day_follows_from_that_day_alone(below in layer(), own in layer()) {
        let (desired, changes) = members(&below);
        let edition = edition(&desired, &changes);
        let (desired, changes) = members(&own);
        let order = order(&desired.replacen('{', "{customer_id: 1, ", 1), &changes);
        let texts = [("c", CONNECTION), ("e", &edition), ("o", &order)];
        let at: Vec<Desired> = (0..6)
            .map(|number| {
                let checked = check_at(&texts, day(number));
                assert!(checked.findings.is_empty(), "{:?}", findings(&checked));
                (*checked.desired[0]).clone()
            })
            .collect();
        for (number, object) in at.iter().enumerate() {
            let number = number as u8;
            let seats = expected([&below, &own], number, |values| values.0);
            prop_assert_eq!(object.fields.get("activations_allowed"), seats.map(Value::Integer));
            let note = expected([&below, &own], number, |values| values.1.clone());
            let note = note.map(|note| Value::Text(note.as_str().into()));
            prop_assert_eq!(object.fields.get("description"), note);
            // Read on an earlier day and brought forward, or read on this one: the same object, also in what comes.
            for earlier in &at[..=usize::from(number)] {
                let brought = earlier.at_time(day(number));
                prop_assert_eq!(&brought.fields, &object.fields);
                prop_assert_eq!(&brought.coming, &object.coming);
                let twice = brought.at_time(day(number));
                prop_assert_eq!(&twice.fields, &object.fields);
            }
        }
    }
}

#[test]
fn a_mistake_in_a_change_is_found_long_before_it_begins_and_long_after() {
    let edition = edition(
        "{enabled: true}",
        "\n    - {from: 2027-07-01, desired: {activation_allowed: 3}}",
    );
    let basic = self::edition("{enabled: true}", "[]");
    let order = order(
        "{customer_id: 1, activations_allowed: 10}",
        "\n    - {from: 2027-07-01, desired: {activations_allowed: many}}\n    - {from: 2027-10-01, desired: {licensee_type: fixed}}",
    );
    for moment in [
        "2027-03-01T00:00:00Z",
        "2027-08-01T00:00:00Z",
        "2030-01-01T00:00:00Z",
    ] {
        let checked = check_at(&[("c", CONNECTION), ("e", &edition)], time(moment));
        assert_eq!(
            findings(&checked),
            ["e:8 unknown field `activation_allowed` in desired"]
        );
        let texts = [("c", CONNECTION), ("e", &basic), ("o", order.as_str())];
        let found = findings(&check_at(&texts, time(moment)));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("o:9 `activations_allowed`"),
            "{found:?}"
        );
        // What the object lacks from October on, and only then.
        assert!(
            found[1].starts_with("o:10 ") && found[1].contains("licensee"),
            "{found:?}"
        );
    }
}

#[test]
fn two_changes_at_one_moment_show_both_places() {
    let changes = "\n    - {from: 2027-07-01, desired: {enabled: true}}\n    - {from: 2027-07-01T02:00:00+02:00, desired: {}}";
    let order = order("{customer_id: 1}", changes);
    let edition = edition("{}", changes);
    let texts = [("c", CONNECTION), ("e", &edition), ("o", order.as_str())];
    let checked = check_at(&texts, time("2027-03-01T00:00:00Z"));
    let shown = checked.findings.iter().map(|finding| {
        let line = |origin: &entitle::model::Origin| (origin.source.name.clone(), origin.mark.line);
        let (other, _) = finding.related.as_ref().expect("both places");
        (finding.code, finding.origin.as_ref().map(line), line(other))
    });
    let at = |file: &str, line| (file.to_string(), line);
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            ("duplicate-change", Some(at("e", 9)), at("e", 8)),
            ("duplicate-change", Some(at("o", 10)), at("o", 9)),
        ]
    );
}

#[test]
fn an_element_that_is_taken_out_later_is_no_idle_word_today() {
    let edition = edition(
        "{}",
        "[{from: 2027-07-01, desired: {Features: [{name: Viewer, version: '2.0', count: 1}]}}]",
    );
    let order = order(
        "{customer_id: 1, Features: [{name: Viewer, version: '2.0', absent: true}]}",
        "[]",
    );
    let texts = [("c", CONNECTION), ("e", &edition), ("o", order.as_str())];
    assert_eq!(findings(&check_at(&texts, pure::now())), [""; 0]);
    let other = edition.replace("Viewer", "Reports");
    let texts = [("c", CONNECTION), ("e", &other), ("o", order.as_str())];
    assert_eq!(
        findings(&check_at(&texts, pure::now())),
        ["o:7 there is no such element below"]
    );
}

#[test]
fn a_reference_of_a_change_is_followed_before_it_begins() {
    let order = order(
        "{customer_id: 1}",
        "\n    - {from: 2027-07-01, desired: {customer_id: {ref: LacCustomer/rivers}}}",
    );
    let basic = edition("{}", "[]");
    let texts = [("c", CONNECTION), ("e", &basic), ("o", order.as_str())];
    assert_eq!(
        findings(&check_at(&texts, pure::now())),
        ["o:9 there is no LacCustomer/rivers in the manifests"]
    );
}

#[test]
fn a_replica_that_claims_an_account_later_knows_what_comes() {
    let dir = tempfile::tempdir().expect("a directory");
    let order = order(
        "{customer_id: 1}",
        "[{from: 2027-07-01, desired: {enabled: false}}]",
    );
    for (name, text) in [
        ("c", CONNECTION),
        ("e", &edition("{}", "[]")),
        ("o", &order),
    ] {
        std::fs::write(dir.path().join(format!("{name}.yaml")), text).expect("writable");
    }
    let paths: [PathBuf; 1] = [dir.path().to_path_buf()];
    let load = |kept: &KeptAccounts| {
        let mut loader = IncrementalLoader::default();
        let manifests = loader.load(
            &paths,
            &ReadLimits::default(),
            SystemTime::now(),
            None,
            kept,
        );
        let options = CheckOptions {
            time: ReadingTime::now(pure::now()),
            ..CheckOptions::default()
        };
        loader.check(manifests, &options, kept)
    };
    let checked = load(&KeptAccounts::Only(Default::default()));
    assert!(checked.desired.is_empty());
    let reloaded = reconcile::reload_objects(&checked.outlines);
    assert_eq!(reloaded[0].coming.iter().count(), 1);
    let whole = load(&KeptAccounts::All);
    assert_eq!(format!("{reloaded:?}"), format!("{:?}", whole.desired));
}

#[test]
fn a_calendar_has_changes_expiries_and_ends_in_the_order_of_time() {
    let order = "
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: rivers}
spec:
  activationKey: A
  policy: {mode: suspend, until: 2027-06-20T08:00:00Z, reason: audit}
  desired:
    customer_id: 1
    Features:
      - {name: Viewer, version: '2.0', expiration_type: fixed, expiration_date: 2027-08-01, issued_type: not_issued, maintenance_type: no_maintenance, count: 1}
      - {name: Reports, version: '1.0', expiration_type: fixed, expiration_date: 2027-08-02, issued_type: not_issued, maintenance_type: no_maintenance, count: 1}
  changes:
    - from: 2027-07-01
      desired:
        activations_allowed: 40
        Features: [{name: Viewer, version: '2.0', expiration_date: 2028-08-01}]
";
    let accepted = "
apiVersion: entitle.dev/v1
kind: AcceptedDrift
metadata: {name: accepted}
spec:
  entries:
    - {object: LacLicenseOrder/rivers, field: description, reason: by hand, until: 2027-06-30}
";
    let from = time("2027-06-01T00:00:00Z");
    let texts = [("a", accepted), ("c", CONNECTION), ("o", order)];
    let checked = check_at(&texts, from);
    assert_eq!(findings(&checked), [""; 0]);
    let calendar = |from: Timestamp, days: i64| {
        let period = Period {
            from,
            until: from + (days * 24).hours(),
            zone: TimeZone::UTC,
        };
        let objects = checked.desired.iter().map(|object| &**object);
        CalendarDocument::new(objects, &checked.accepted, &|_| None, &period)
    };
    let shown = |calendar: &CalendarDocument| {
        pure::plain(|out| entitle::render::calendar::write_calendar(out, calendar, false))
    };
    let whole = calendar(from, 90);
    assert_eq!(
        shown(&whole),
        "2027-06-20T08:00:00Z  LacLicenseOrder/rivers  its suspension ends (audit)\n\
         2027-07-01            LacLicenseOrder/rivers  activations_allowed 40; Features[Viewer 2.0].expiration_date \"2027-08-01\" → \"2028-08-01\"\n\
         2027-07-01            LacLicenseOrder/rivers  drift of description is not accepted any more (by hand)\n\
         2027-08-02            LacLicenseOrder/rivers  Features[Reports 1.0].expiration_date is reached\n"
    );
    assert_eq!(calendar(from, 10).events, []);
    let year = calendar(from, 500);
    assert!(
        shown(&year).contains("2028-08-01            LacLicenseOrder/rivers  Features[Viewer 2.0]")
    );
}
