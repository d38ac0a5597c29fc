use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::daemon::serve::samples;

/// A calm daemon.
fn calm(objects: usize) -> Status {
    let mut status = samples::sample_status(0);
    status.objects = (0..objects)
        .map(|number| Arc::new(samples::sample_object(number)))
        .collect();
    status.objects.sort_by(|a, b| a.address.cmp(&b.address));
    status.brake = Default::default();
    status.source.problem = None;
    for connection in status.connections.values_mut() {
        connection.locked = None;
    }
    status
}

fn with(status: &Status, at: usize, change: impl FnOnce(&mut ObjectStatus)) -> Status {
    let mut other = status.clone();
    change(Arc::make_mut(&mut other.objects[at]));
    other
}

fn kinds(before: &Status, after: &Status) -> Vec<&'static str> {
    find_transitions(before, after)
        .iter()
        .map(|notice| notice.kind)
        .collect()
}

#[test]
fn what_stays_as_it_was_is_not_told() {
    let whole = samples::sample_status(200);
    assert!(find_transitions(&whole, &whole.clone()).is_empty());
    // Another look, another message, another next wake: no turn.
    let mut later = whole.clone();
    for object in &mut later.objects {
        let object = Arc::make_mut(object);
        object.last_pass = None;
        object.next_wake = None;
        object.message = object.message.as_ref().map(|text| format!("{text} again"));
    }
    assert!(find_transitions(&whole, &later).is_empty());
}

#[test]
fn every_state_is_told_when_it_begins_and_when_it_ends() {
    let before = calm(5);
    let state = |state| with(&before, 2, |object| object.state = state);
    for (is, begins, ends) in [
        (ObjectState::Failed, "failed", Some("recovered")),
        (ObjectState::Missing, "missing", Some("recovered")),
        (ObjectState::Fought, "fight", Some("recovered")),
        (ObjectState::Refused, "held", Some("recovered")),
        (ObjectState::Differs, "drift", Some("recovered")),
        (ObjectState::Waiting, "drift", Some("recovered")),
        (ObjectState::Suspended, "suspended", None),
    ] {
        assert_eq!(kinds(&before, &state(is)), [begins], "{is:?}");
        assert_eq!(kinds(&state(is), &before), Vec::from_iter(ends), "{is:?}");
    }
    let drift = state(ObjectState::Differs);
    assert!(kinds(&drift, &state(ObjectState::Waiting)).is_empty());
    assert_eq!(kinds(&drift, &state(ObjectState::Refused)), ["held"]);
    // The first look after a start: what is in order is no news, what is not is.
    let unseen = state(ObjectState::Unseen);
    assert!(kinds(&unseen, &before).is_empty());
    assert!(kinds(&unseen, &state(ObjectState::Suspended)).is_empty());
    assert_eq!(kinds(&unseen, &state(ObjectState::Failed)), ["failed"]);
}

#[test]
fn a_write_is_told_once_with_its_fields_and_its_run() {
    let before = calm(5);
    let write = |outcome, second: i64| {
        with(&before, 2, |object| {
            object.last_write = Some(Box::new(LastWrite {
                at: jiff::Timestamp::from_second(second).expect("a time"),
                outcome,
                changes: vec![samples::sample_change("seats", json!(5), json!(10))],
                run: "run-1".into(),
            }));
        })
    };
    let after = write(Outcome::Converged, 1);
    let notices = find_transitions(&before, &after);
    assert_eq!(notices.len(), 1);
    let object = &notices[0].objects[0];
    assert_eq!((notices[0].kind, notices[0].good), ("written", true));
    assert_eq!(object.run.as_deref(), Some("run-1"));
    let field = &object.changes[0];
    assert_eq!((field.before.as_str(), field.after.as_str()), ("5", "10"));
    assert!(find_transitions(&after, &after.clone()).is_empty());
    assert_eq!(kinds(&after, &write(Outcome::Converged, 2)), ["written"]);
    assert_eq!(kinds(&before, &write(Outcome::Rejected, 1)), ["failed"]);
    assert!(kinds(&before, &write(Outcome::Already, 1)).is_empty());
}

#[test]
fn a_vendor_that_is_down_is_one_notice_of_bounded_size() {
    let before = calm(10_000);
    let mut after = before.clone();
    for object in &mut after.objects {
        if object.vendor == "lac" {
            let object = Arc::make_mut(object);
            object.state = ObjectState::Failed;
            object.message = Some("x".repeat(1 << 16));
            object.changes =
                vec![samples::sample_change("f", json!("y".repeat(9_999)), json!(1)); 99];
        }
    }
    let notices = find_transitions(&before, &after);
    assert_eq!(notices.len(), 1);
    let notice = &notices[0];
    assert_eq!(notice.title, "2000 objects failed at lac");
    assert_eq!(
        (notice.objects.len(), notice.more),
        (OBJECTS, 2_000 - OBJECTS)
    );
    assert_eq!(notice.objects[0].more, 99 - FIELDS);
    let size = serde_json::to_string(notice).expect("JSON").len();
    assert!(size < 64 << 10, "{size}");
}

#[test]
fn the_daemon_itself_is_told_about() {
    let before = calm(1);
    let mut after = before.clone();
    after.brake.engaged = true;
    after.source.problem = Some("line 9\u{1b}[31m".into());
    if let Some(lac) = after.connections.get_mut("lac") {
        lac.locked = Some("ann@build-7".into());
    }
    let notices = find_transitions(&before, &after);
    let kinds_of = |all: &[Notice]| all.iter().map(|n| (n.kind, n.good)).collect::<Vec<_>>();
    let bad = [("brake", false), ("source", false), ("locked", false)];
    assert_eq!(kinds_of(&notices), bad);
    assert_eq!(notices[1].message.as_deref(), Some("line 9 [31m"));
    let good = [("brake", true), ("source", true), ("locked", true)];
    assert_eq!(kinds_of(&find_transitions(&after, &before)), good);
}

#[test]
fn an_object_that_left_the_manifests_is_no_news() {
    let before = calm(5);
    let mut after = before.clone();
    after.objects.remove(2);
    assert!(find_transitions(&before, &after).is_empty());
    assert!(find_transitions(&after, &before).is_empty());
}

#[test]
fn a_problem_of_a_connection_is_told_once_in_a_notice() {
    let before = calm(100);
    let mut after = before.clone();
    samples::break_connection(&mut after, "informatica");
    let notices = find_transitions(&before, &after);
    let [notice] = &notices[..] else {
        panic!("one notice: {notices:#?}");
    };
    let text = serde_json::to_string(notice).unwrap();
    assert_eq!(text.matches(samples::BROKEN).count(), 1, "{text}");
    assert_eq!(text.matches("GET /licenses/").count(), 0, "{text}");
    assert!(text.contains("(licences/connections.yaml:5)"), "{text}");
    assert_eq!(notice.title, "20 objects failed at informatica");
}
