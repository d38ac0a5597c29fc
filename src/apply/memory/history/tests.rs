use super::super::{Detail, Memory};
use super::*;
use crate::apply::journal::{
    Finding, GaveUp, Intent, PersonRequest, Purpose, Started, StepEnd, SummaryForm,
};
use crate::apply::memory::testing::{self, change, ended, intent, record, started, write};
use crate::model::{Outcome, Risk};
use serde_json::json;

fn finished(run: &str) -> Record {
    record(run, JournalEvent::Finished { interrupted: false })
}

/// An intent to take seats away.
fn reducing(address: &str) -> JournalEvent {
    let mut seats = change("seats", json!(10), json!(5));
    seats.risk = Risk::Reduce;
    write(Intent {
        changes: vec![seats],
        ..intent(address)
    })
}

fn found(address: &str, of_run: &str, finding: Finding) -> JournalEvent {
    JournalEvent::Found {
        address: address.into(),
        of_run: of_run.into(),
        found: finding.words().into(),
        finding: Some(finding),
    }
}

#[test]
fn runs_are_counted_by_what_became_of_their_objects_the_newest_first() {
    let runs = read_runs(&[
        record("1", started(Purpose::Apply)),
        record("1", reducing("a")),
        record("1", ended("a", Outcome::Converged)),
        record("1", reducing("b")),
        record("1", ended("b", Outcome::Already)),
        record("1", reducing("c")),
        record("1", ended("c", Outcome::Rejected)),
        record("1", ended("d", Outcome::Refused)),
        record("idle", started(Purpose::Apply)),
        finished("idle"),
        finished("1"),
        record("2", started(Purpose::Heal)),
        record("2", reducing("e")),
    ]);
    let [second, first] = &runs[..] else {
        panic!("two runs: {runs:#?}");
    };
    let counts = RunCounts {
        updated: 1,
        already: 1,
        rejected: 1,
        refused: 1,
        reduce: 1,
        ..RunCounts::default()
    };
    assert_eq!((first.summary, first.end), (counts, RunEnd::Finished));
    let by = first.by.as_deref();
    assert_eq!((by, first.purpose), (Some("ann"), Some(Purpose::Apply)));
    let counts = RunCounts {
        unclear: 1,
        reduce: 1,
        ..RunCounts::default()
    };
    assert_eq!((second.summary, second.end), (counts, RunEnd::NotRecorded));
}

#[test]
fn a_run_that_was_undone_names_the_undo() {
    let undo = |run: &str| {
        record(
            run,
            JournalEvent::Started(Started {
                purpose: Purpose::Undo,
                undoes: Some("1".into()),
                ..Started::default()
            }),
        )
    };
    let runs = read_runs(&[
        record("1", started(Purpose::Apply)),
        record("1", reducing("a")),
        record("1", ended("a", Outcome::Converged)),
        undo("2"),
        record("2", reducing("a")),
        record("2", ended("a", Outcome::Converged)),
        // Nothing came of it.
        undo("3"),
        record("3", ended("a", Outcome::Refused)),
    ]);
    let undone: Vec<Option<&str>> = runs.iter().map(|run| run.undone_by.as_deref()).collect();
    assert_eq!(undone, [None, None, Some("2")]);
    assert_eq!(runs[1].undoes_short.as_deref(), Some("1"));
}

#[test]
fn what_a_run_found_already_there_is_no_change_of_it() {
    let runs = read_runs(&[
        record("1", reducing("a")),
        record("1", ended("a", Outcome::Already)),
        record("1", reducing("b")),
        record("1", ended("b", Outcome::Converged)),
    ]);
    let objects = runs[0].objects.as_deref().expect("objects");
    let changes = objects.iter().map(|it| (it.changes.len(), it.written));
    let changes: Vec<_> = changes.collect();
    assert_eq!(changes, [(0, Some(false)), (1, Some(true))]);
}

#[test]
fn a_write_that_was_cut_off_is_what_a_later_run_found() {
    for (finding, written, counts) in [
        (
            Finding::CarriedOut,
            Some(true),
            RunCounts {
                updated: 1,
                reduce: 1,
                ..RunCounts::default()
            },
        ),
        (
            Finding::NotCarriedOut,
            Some(false),
            RunCounts {
                failed: 1,
                ..RunCounts::default()
            },
        ),
        (
            Finding::Neither,
            None,
            RunCounts {
                unclear: 1,
                reduce: 1,
                ..RunCounts::default()
            },
        ),
    ] {
        let unclear = StepEnd {
            unclear: true,
            ..match ended("a", Outcome::Failed) {
                JournalEvent::Outcome(ended) => ended,
                _ => unreachable!("an outcome"),
            }
        };
        for mut records in [
            vec![record("1", reducing("a"))],
            vec![
                record("1", reducing("a")),
                record("1", JournalEvent::Outcome(unclear)),
            ],
        ] {
            records.push(record("2", found("a", "1", finding)));
            let runs = read_runs(&records);
            let [second, first] = &runs[..] else {
                panic!("two runs: {runs:#?}");
            };
            assert_eq!(first.summary, counts, "{finding:?}");
            let object = &first.objects.as_deref().expect("objects")[0];
            assert_eq!(object.written, written, "{finding:?}");
            assert_eq!(object.found_later.as_deref(), Some(finding.words()));
            assert_eq!(second.summary.examined, 1);
            let object = &second.objects.as_deref().expect("objects")[0];
            assert_eq!(object.examined_run.as_deref(), Some("1"));
        }
    }
}

#[test]
fn writes_without_the_lock_and_fields_left_to_others_are_told() {
    let under = |address: &str, epoch| {
        write(Intent {
            epoch: Some(epoch),
            ..intent(address)
        })
    };
    let left = GaveUp {
        address: "c".into(),
        vendor: "lac".into(),
        connection: "lac".into(),
        base_url: testing::URL.into(),
        tenant: None,
        account: String::new(),
        identity: intent("c").identity,
        references: Default::default(),
        fields: vec!["seats".into()],
        desired: String::new(),
    };
    let runs = read_runs(&[
        record("1", under("a", 7)),
        record("1", ended("a", Outcome::Converged)),
        record("2", under("a", 8)),
        record("2", ended("a", Outcome::Converged)),
        record("1", under("b", 7)),
        record("1", ended("b", Outcome::Converged)),
        record("1", JournalEvent::GaveUp(Box::new(left))),
    ]);
    let objects = runs[1].objects.as_deref().expect("objects");
    let lost: Vec<bool> = objects.iter().map(|object| object.lost_lock).collect();
    assert_eq!(lost, [false, true, false]);
    assert_eq!(objects[2].left, ["seats"]);
    assert_eq!(runs[1].summary.left, 1);
}

#[test]
fn a_journal_may_begin_with_a_summary() {
    let mut known = Memory::new(Detail::Values);
    known.follow(&record("0", testing::agreement(testing::agreed(&[]))));
    let summary = known.summary(testing::AT, SummaryForm::Plain);
    let rest = [
        record("1", reducing("a")),
        record("1", ended("a", Outcome::Converged)),
    ];
    let whole: Vec<Record> = summary.chain(rest.clone()).collect();
    assert_eq!(read_runs(&whole), read_runs(&rest));
}

#[test]
fn times_are_told_to_the_second() {
    let mut first = record("1", reducing("a"));
    first.at = "2026-11-21T12:00:00.987654321Z".into();
    assert_eq!(read_runs(&[first])[0].started_at, "2026-11-21T12:00:00Z");
}

#[test]
fn objects_come_in_the_order_of_the_numbers_in_their_names() {
    let write = |address: &str| {
        let ended = ended(address, Outcome::Converged);
        [record("1", reducing(address)), record("1", ended)]
    };
    let runs = read_runs(&["o-334", "o-34", "o-4"].map(write).concat());
    let objects = runs[0].objects.iter().flatten();
    let addresses: Vec<&str> = objects.map(|object| object.address.as_str()).collect();
    assert_eq!(addresses, ["o-4", "o-34", "o-334"]);
}

#[test]
fn requests_of_people_are_listed_with_who_made_them() {
    let request = PersonRequest {
        action: "suspend".into(),
        address: Some("LacLicenseOrder/a".into()),
        words: "suspended until 2026-03-02 12:00 UTC: a demo".into(),
        digest: None,
    };
    let start = Started {
        by: "ann@example.com".into(),
        request: Some(request.clone()),
        ..Started::default()
    };
    let runs = read_runs(&[
        record("1", JournalEvent::Started(start)),
        finished("1"),
        record("idle", started(Purpose::Sync)),
        finished("idle"),
    ]);
    let [run] = &runs[..] else {
        panic!("one run: {runs:#?}");
    };
    assert_eq!(run.by.as_deref(), Some("ann@example.com"));
    assert_eq!((run.purpose, run.end), (None, RunEnd::Finished));
    assert_eq!(run.request.as_ref(), Some(&request));
}
