use std::io::Write;

use serde_json::{Value as Json, json};

use super::testing::{URL, agreed, agreement, change, ended, intent, record, started, write};
use super::*;
use futures::FutureExt;

use crate::apply::journal::{self, GaveUp, Intent, Journal, Purpose, Residual, StepEnd};
use crate::apply::outcome::Outcome;
use crate::apply::store::files::FileStore;
use crate::model::{PackedFields, Value};
use crate::provider::{self, testing::desired_object};

const A: &str = "LacLicenseOrder/a";

fn table() -> &'static crate::model::KindTable {
    provider::find_kind("LacLicenseOrder").unwrap().table()
}

/// The order `a` as a manifest wants it.
fn object(seats: i64) -> Desired {
    let mut object = desired_object(table(), &[("activationKey", "a")]);
    let fields = Fields::from([("activations_allowed", Value::Integer(seats))]);
    object.fields = PackedFields::new(table().desired, &fields);
    object
}

fn vendor_account() -> VendorAccount {
    VendorAccount {
        base_url: URL.into(),
        tenant: None,
    }
}

fn memory(records: impl IntoIterator<Item = Record>) -> Memory {
    let mut memory = Memory::new(Detail::Values);
    records
        .into_iter()
        .for_each(|record| memory.follow(&record));
    memory
}

fn base_at(memory: &Memory, live: &Fields) -> Option<Base> {
    let base = memory.base(table().desired, &object(12), &vendor_account(), live)?;
    Some(base.0)
}

/// Returns what is agreed on, as JSON.
fn base(records: impl IntoIterator<Item = Record>) -> BTreeMap<String, Json> {
    let base = base_at(&memory(records), &Fields::new()).unwrap_or_default();
    crate::plan::field_json::fields_to_json(table().desired, &base.fields)
}

fn seats(count: i64) -> BTreeMap<String, Json> {
    [("activations_allowed".to_string(), json!(count))].into()
}

/// A write of these seats, wanted by the manifest unless `purpose` says otherwise.
fn writes(run: &str, purpose: Purpose, before: i64, after: i64) -> Vec<Record> {
    let managed = seats(after);
    vec![
        record(run, started(purpose)),
        record(
            run,
            write(Intent {
                managed,
                changes: vec![change("activations_allowed", json!(before), json!(after))],
                ..intent(A)
            }),
        ),
    ]
}

fn applied(run: &str, before: i64, after: i64, outcome: Outcome) -> Vec<Record> {
    let mut records = writes(run, Purpose::Apply, before, after);
    records.push(record(run, ended(A, outcome)));
    records
}

fn found(run: &str, of_run: &str, finding: Finding) -> Record {
    record(
        run,
        JournalEvent::Found {
            address: A.into(),
            of_run: of_run.into(),
            found: finding.words().into(),
            finding: Some(finding),
        },
    )
}

#[test]
fn an_apply_agrees_on_what_became_as_wanted() {
    assert_eq!(base(applied("1", 10, 12, Outcome::Converged)), seats(12));
    assert_eq!(base(applied("1", 10, 12, Outcome::Already)), seats(12));
    let first = || applied("1", 9, 10, Outcome::Converged);
    for outcome in [
        Outcome::Rejected,
        Outcome::Stale,
        Outcome::Refused,
        Outcome::Failed,
        Outcome::Skipped,
    ] {
        let records = first().into_iter().chain(applied("2", 10, 12, outcome));
        assert_eq!(base(records), seats(10), "{outcome:?}");
    }
}

#[test]
fn of_a_field_that_did_not_become_as_wanted_counts_what_it_became() {
    let mut records = applied("1", 9, 10, Outcome::Converged);
    records.extend(writes("2", Purpose::Apply, 10, 12));
    let JournalEvent::Intent(intent) = &mut records.last_mut().unwrap().event else {
        panic!("an intent");
    };
    intent.managed.insert("description".into(), json!("x"));
    records.push(record(
        "2",
        JournalEvent::Outcome(StepEnd {
            address: A.into(),
            outcome: Outcome::Unconverged,
            message: None,
            side_effects: Vec::new(),
            residual: vec![Residual {
                path: "activations_allowed".into(),
                is: json!(11),
            }],
            unclear: false,
        }),
    ));
    let mut expected = seats(11);
    expected.insert("description".into(), json!("x"));
    assert_eq!(base(records), expected);
}

#[test]
fn a_write_counts_as_what_a_later_run_found_of_it() {
    let cut_off = |finding| {
        let mut records = applied("1", 9, 10, Outcome::Converged);
        records.extend(writes("2", Purpose::Apply, 10, 12));
        records.push(found("3", "2", finding));
        records
    };
    assert_eq!(base(cut_off(Finding::CarriedOut)), seats(12));
    assert_eq!(base(cut_off(Finding::NotCarriedOut)), seats(10));
    let neither = memory(cut_off(Finding::Neither));
    let neither = base_at(&neither, &Fields::new()).unwrap();
    assert!(neither.is_unsettled("activations_allowed"));
    // A new agreement on the field settles it.
    let mut again = cut_off(Finding::Neither);
    again.extend(applied("4", 30, 12, Outcome::Converged));
    let again = base_at(&memory(again), &Fields::new()).unwrap();
    assert!(!again.is_unsettled("activations_allowed"));
}

#[test]
fn an_open_write_is_judged_by_its_own_changes_wherever_it_is_asked_for() {
    let mut records = applied("1", 9, 10, Outcome::Converged);
    records.extend(writes("2", Purpose::Apply, 10, 12));
    let memory = memory(records);
    assert!(memory.has_open());
    let at = |seats| {
        let live = Fields::from([("activations_allowed", Value::Integer(seats))]);
        let base = base_at(&memory, &live).unwrap();
        let agreed = base.fields.get("activations_allowed").cloned();
        (agreed, base.is_unsettled("activations_allowed"))
    };
    assert_eq!(at(12), (Some(Value::Integer(12)), false));
    assert_eq!(at(10), (Some(Value::Integer(10)), false));
    assert_eq!(at(30), (Some(Value::Integer(10)), true));
}

#[test]
fn a_write_that_nobody_saw_the_end_of_stays_open() {
    let mut records = writes("1", Purpose::Apply, 10, 12);
    records.push(record(
        "1",
        JournalEvent::Outcome(StepEnd {
            address: A.into(),
            outcome: Outcome::Failed,
            message: None,
            side_effects: Vec::new(),
            residual: Vec::new(),
            unclear: true,
        }),
    ));
    records.push(record("1", JournalEvent::Finished { interrupted: false }));
    let memory = memory(records);
    let open: Vec<&OpenIntent> = memory.open().collect();
    assert_eq!((open.len(), open[0].unclear), (1, true));
    assert!(
        memory
            .open_of(&object(12), &vendor_account())
            .next()
            .is_some()
    );
}

#[test]
fn an_undo_and_a_heal_move_only_what_they_changed() {
    for purpose in [Purpose::Undo, Purpose::Heal] {
        let elements = json!([{"name": "F", "version": "1", "count": 3}]);
        let all = [
            ("activations_allowed", json!(12)),
            ("Features", elements.clone()),
        ];
        let mut records = vec![record("1", agreement(agreed(&all)))];
        // The inverse states the list as it was found, with the members that another writer added.
        let mut back = writes("2", purpose, 12, 10);
        let JournalEvent::Intent(intent) = &mut back[1].event else {
            panic!("an intent");
        };
        let theirs = json!([{"name": "F", "version": "1", "count": 3},
                            {"name": "Theirs", "version": "1", "count": 1}]);
        intent.managed.insert("Features".into(), theirs);
        records.extend(back);
        records.push(record("2", ended(A, Outcome::Converged)));
        let mut expected = seats(10);
        expected.insert("Features".into(), elements);
        assert_eq!(base(records), expected, "{purpose:?}");
    }
}

#[test]
fn what_was_ignored_or_given_up_keeps_what_was_agreed_before() {
    let first = agreed(&[
        ("activations_allowed", json!(12)),
        ("description", json!("x")),
    ]);
    for (policy_exclusions, given_up) in [
        ("ignore .activations_allowed", ""),
        ("", "activations_allowed"),
    ] {
        let text = |text: &str| Vec::from_iter((!text.is_empty()).then(|| text.to_string()));
        let then = Agreed {
            policy_exclusions: text(policy_exclusions),
            given_up: text(given_up),
            ..agreed(&[
                ("activations_allowed", json!(15)),
                ("description", json!("y")),
            ])
        };
        let records = [agreement(first.clone()), agreement(then)].map(|event| record("1", event));
        let mut expected = seats(12);
        expected.insert("description".into(), json!("y"));
        assert_eq!(base(records), expected);
    }
}

#[test]
fn an_object_is_known_by_account_and_identity_and_not_by_its_names() {
    let renamed = Agreed {
        address: "LacLicenseOrder/renamed".into(),
        connection: "renamed".into(),
        ..agreed(&[("activations_allowed", json!(12))])
    };
    assert_eq!(base([record("1", agreement(renamed))]), seats(12));
    let elsewhere = Agreed {
        base_url: "https://other.example.com/".into(),
        ..agreed(&[("activations_allowed", json!(12))])
    };
    assert_eq!(base([record("1", agreement(elsewhere))]), [].into());
    let another = Agreed {
        identity: [("activationKey", "b")].into_iter().collect(),
        ..agreed(&[("activations_allowed", json!(12))])
    };
    assert_eq!(base([record("1", agreement(another))]), [].into());
}

#[test]
fn objects_of_two_kinds_with_one_id_are_two() {
    // Another kind of the account numbers its objects alike, and its object is called like the order.
    let other = || Agreed {
        address: "LacSomething/a".into(),
        ..agreed(&[("activations_allowed", json!(99))])
    };
    assert_eq!(base([record("1", agreement(other()))]), [].into());
    let order = agreed(&[("activations_allowed", json!(12))]);
    let both = [
        record("1", agreement(order)),
        record("1", agreement(other())),
    ];
    assert_eq!(base(both), seats(12));
    // A write of the one is none of the other: neither its outcome nor an intent that was cut off.
    let intent = Intent {
        address: "LacSomething/a".into(),
        ..intent(A)
    };
    let cut_off = [
        record(
            "1",
            agreement(agreed(&[("activations_allowed", json!(12))])),
        ),
        record("2", started(Purpose::Apply)),
        record("2", write(intent)),
    ];
    assert_eq!(base(cut_off), seats(12));
}

#[test]
fn a_tenant_tells_accounts_of_one_address_apart() {
    let of = |tenant: Option<&str>, seats: i64| {
        record(
            "1",
            agreement(Agreed {
                tenant: tenant.map(Into::into),
                ..agreed(&[("activations_allowed", json!(seats))])
            }),
        )
    };
    let at = |records: Vec<Record>, tenant: Option<&str>| {
        let vendor_account = VendorAccount {
            tenant: tenant.map(Into::into),
            ..vendor_account()
        };
        let memory = memory(records);
        let base = memory.base(table().desired, &object(1), &vendor_account, &Fields::new());
        base.map(|(base, _)| base.fields.get("activations_allowed").cloned().unwrap())
    };
    let two = || vec![of(Some("one"), 1), of(Some("two"), 2)];
    assert_eq!(at(two(), Some("one")), Some(Value::Integer(1)));
    assert_eq!(at(two(), Some("two")), Some(Value::Integer(2)));
    assert_eq!(at(two(), Some("three")), None);
    // Older journals name none.
    assert_eq!(at(vec![of(None, 3)], Some("one")), Some(Value::Integer(3)));
}

#[test]
fn an_agreement_is_written_once_and_ends_with_a_write_of_something_else() {
    let ten = || agreed(&[("activations_allowed", json!(10))]);
    let known = |records: Vec<Record>| {
        let first = record("1", agreement(ten()));
        memory(std::iter::once(first).chain(records))
    };
    let commit = Some("f00".to_string());
    assert!(known(vec![]).has(&Agreed { commit, ..ten() }));
    assert!(known(vec![]).agrees(&object(10), &vendor_account()));
    assert!(!known(vec![]).has(&agreed(&[("activations_allowed", json!(11))])));
    assert!(!known(vec![]).agrees(&object(11), &vendor_account()));
    let policy_exclusions = vec!["keep Features".to_string()];
    assert!(!known(vec![]).has(&Agreed {
        policy_exclusions,
        ..ten()
    }));
    assert!(known(applied("2", 9, 10, Outcome::Converged)).has(&ten()));
    assert!(known(applied("2", 9, 11, Outcome::Rejected)).has(&ten()));
    assert!(!known(applied("2", 9, 11, Outcome::Converged)).has(&ten()));
    assert!(!known(applied("2", 9, 10, Outcome::Unconverged)).has(&ten()));
    // The ids that names stand for are a part of it.
    let resolved = [("userGroupIds".to_string(), json!(["1"]))].into();
    assert!(!known(vec![]).has(&Agreed { resolved, ..ten() }));
}

#[test]
fn heals_and_fields_that_were_given_up_are_remembered_until_the_manifest_changes() {
    let heal = |run: &str| {
        let mut records = writes(run, Purpose::Sync, 30, 12);
        let JournalEvent::Intent(intent) = &mut records[1].event else {
            panic!("an intent");
        };
        intent.heals = true;
        records.push(record(run, ended(A, Outcome::Converged)));
        records
    };
    let healed = |memory: &Memory| {
        let fights = memory.fights(&object(12), &vendor_account());
        fights.map_or(0, |it| it.healed.values().map(|times| times.len()).sum())
    };
    let mut records = vec![record(
        "1",
        agreement(agreed(&[("activations_allowed", json!(12))])),
    )];
    records.extend(heal("2"));
    records.extend(heal("3"));
    assert_eq!(healed(&memory(records.clone())), 2);
    let gave_up = |desired: &Desired| {
        record(
            "4",
            JournalEvent::GaveUp(Box::new(GaveUp {
                account: String::new(),
                address: A.into(),
                vendor: "lac".into(),
                connection: "lac".into(),
                base_url: URL.into(),
                tenant: None,
                identity: [("activationKey", "a")].into_iter().collect(),
                references: Default::default(),
                fields: vec!["activations_allowed".into()],
                desired: journal::format_hash(agreement::hash_manifest(desired).unwrap()),
            })),
        )
    };
    records.push(gave_up(&object(12)));
    let known = memory(records.clone());
    let fights = known.fights(&object(12), &vendor_account()).unwrap();
    assert!(fights.given_up.contains_key("activations_allowed"));
    assert_eq!(healed(&known), 0);
    assert!(known.fights(&object(13), &vendor_account()).is_none());
    // An apply of another value ends the fight, even if a later manifest states the old value again.
    records.extend(applied("5", 30, 13, Outcome::Converged));
    assert!(
        memory(records)
            .fights(&object(12), &vendor_account())
            .is_none()
    );
}

#[test]
fn an_intent_without_an_outcome_is_open_until_a_run_looked_into_it() {
    let b = "LacLicenseOrder/b";
    let records = [
        ("1", write(intent(A))),
        ("1", write(intent(b))),
        ("1", ended(A, Outcome::Converged)),
    ];
    let mut open = OpenWrites::default();
    for (run, event) in records {
        open.follow(&record(run, event));
    }
    let names: Vec<&str> = open
        .iter()
        .map(|open| open.intent.address.as_str())
        .collect();
    assert_eq!(names, [b]);
    let found = JournalEvent::Found {
        address: b.into(),
        of_run: "1".into(),
        found: String::new(),
        finding: Some(Finding::NotCarriedOut),
    };
    let (_, end) = open.follow(&record("2", found)).unwrap();
    assert_eq!(end, WriteEnd::NotCarriedOut);
    assert!(open.is_empty());
}

#[test]
fn a_journal_is_read_on_where_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.jsonl");
    let files = FileStore::for_reading(&path, dir.path());
    let go_on = |memory: &mut Memory| {
        let read = memory.catch_up(&files, &[]).now_or_never();
        read.unwrap().unwrap();
        let lines = memory.cursor.lines;
        (lines, memory.damaged.to_string())
    };
    let mut memory = Memory::default();
    assert_eq!(go_on(&mut memory), (0, String::new()));
    let finished = |run: &str| record(run, JournalEvent::Finished { interrupted: false });
    let journal = Journal::open(&path).unwrap();
    journal.append(&finished("1")).unwrap();
    assert_eq!(go_on(&mut memory), (1, String::new()));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.append(true).open(&path).unwrap();
    // A line that is not whole, and one whose end is still to come.
    file.write_all(b"{damaged}\n{\"at\":").unwrap();
    assert_eq!(go_on(&mut memory), (2, "2".into()));
    file.write_all(b"\n").unwrap();
    journal.append(&finished("2")).unwrap();
    assert_eq!(go_on(&mut memory), (4, "2, 3".into()));
    std::fs::write(&path, "").unwrap();
    assert_eq!(go_on(&mut memory), (0, String::new()));
}

#[test]
fn lines_of_older_versions_are_read_on() {
    // As written by 0.1.0, without what later versions say.
    let lines = [
        r#"{"at":"2026-11-21T12:00:00Z","run":"1","event":{"started":{"by":"ann","commit":null,"plan":"p","objects":1,"sandbox":false}}}"#,
        r#"{"at":"2026-11-21T12:00:00Z","run":"1","event":{"intent":{"address":"LacLicenseOrder/a","vendor":"lac","connection":"lac","base_url":"https://lac.example.com/","identity":{"activationKey":"a"},"method":"PATCH","path":"/","changes":[],"unread":{},"managed":{"activations_allowed":12}}}}"#,
        r#"{"at":"2026-11-21T12:00:00Z","run":"1","event":{"outcome":{"address":"LacLicenseOrder/a","outcome":"converged","message":null,"side_effects":[]}}}"#,
        r#"{"at":"2026-11-21T12:00:00Z","run":"1","event":{"found":{"address":"LacLicenseOrder/a","of_run":"0","found":"as the manifests want it"}}}"#,
    ];
    let records = lines.map(|line| serde_json::from_str::<Record>(line).unwrap());
    assert_eq!(base(records), seats(12));
}
