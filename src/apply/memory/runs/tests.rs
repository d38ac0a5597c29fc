use super::*;
use crate::apply::journal::{Finding, SummaryForm};
use crate::apply::memory::testing::{self, ended, intent, record, write};
use crate::apply::memory::{Detail, Memory};
use crate::apply::outcome::Outcome;

fn under(address: &str, epoch: impl Into<Option<u64>>) -> JournalEvent {
    write(Intent {
        epoch: epoch.into(),
        ..intent(address)
    })
}

fn overtaken(events: Vec<(&str, JournalEvent)>) -> BTreeSet<(String, String)> {
    let mut index = Index::default();
    for (run, event) in events {
        index.add(&record(run, event));
    }
    index.overtaken
}

#[test]
fn a_run_that_wrote_after_it_had_lost_its_lock_is_told() {
    let found = overtaken(vec![
        ("1", under("a", 7)),
        ("2", under("a", 8)),
        ("2", under("d", 8)),
        ("1", under("b", 7)),
        ("2", under("c", 8)),
    ]);
    assert_eq!(found, [("1".into(), "b".into())].into());
    // Locks that begin anew elsewhere, and journals that know of none, are no reason.
    let anew = overtaken(vec![
        ("1", under("a", 7)),
        ("2", under("a", 1)),
        ("3", under("a", None)),
        ("3", under("b", 2)),
    ]);
    assert_eq!(anew, [].into());
    // Two customers of one address have locks of their own.
    let of = |account: &str, address: &str, epoch| {
        write(Intent {
            account: account.into(),
            epoch: Some(epoch),
            ..intent(address)
        })
    };
    let customers = overtaken(vec![
        ("1", of("one", "a", 7)),
        ("2", of("two", "b", 9)),
        ("1", of("one", "c", 7)),
    ]);
    assert_eq!(customers, [].into());
}

#[test]
fn a_run_is_what_it_is_known_to_have_carried_out() {
    let found = |address: &str, finding| JournalEvent::Found {
        address: address.into(),
        of_run: "1".into(),
        found: String::new(),
        finding,
    };
    let records = vec![
        record("1", under("a", None)),
        record("2", under("b", None)),
        record("1", ended("a", Outcome::Converged)),
        record("1", under("c", None)),
        record("1", ended("c", Outcome::Rejected)),
        record("1", under("d", None)),
        record("1", under("e", None)),
        record("1", under("f", None)),
        record("1", under("g", None)),
        record("3", JournalEvent::Finished { interrupted: false }),
        // Found out by later runs.
        record("3", found("d", Some(Finding::CarriedOut))),
        record("3", found("e", Some(Finding::NotCarriedOut))),
        record("4", found("f", Some(Finding::Neither))),
        record("4", found("b", Some(Finding::CarriedOut))),
    ];
    let names = runs_that_wrote(records.clone().into_iter());
    let names: Vec<String> = names.into_iter().map(|wrote| wrote.run).collect();
    assert_eq!(names, ["1", "2"]);
    let run = PastRun::of("1", records.into_iter());
    let addresses: Vec<&String> = run.addresses.iter().collect();
    assert_eq!(addresses, ["a", "c", "d", "e", "f", "g"]);
    let of = |intents: &[Intent]| Vec::from_iter(intents.iter().map(|i| i.address.clone()));
    assert_eq!(of(&run.carried_out), ["a", "d"]);
    assert_eq!(of(&run.unknown), ["f"]);
    let open: Vec<&str> = run
        .open
        .iter()
        .map(|open| open.intent.address.as_str())
        .collect();
    assert_eq!(open, ["g"]);
}

#[test]
fn a_summary_is_no_run() {
    let mut known = Memory::new(Detail::Values);
    known.follow(&record("0", testing::agreement(testing::agreed(&[]))));
    known.follow(&record("1", under("a", Some(1))));
    // The object, and the write whose end is not known.
    let mut records: Vec<Record> = known.summary(testing::AT, SummaryForm::Plain).collect();
    assert_eq!(records.len(), 2);
    records.push(record("1", ended("a", Outcome::Converged)));
    let names = runs_that_wrote(records.clone().into_iter()).into_iter();
    assert_eq!(names.map(|wrote| wrote.run).collect::<Vec<_>>(), ["1"]);
    let past = PastRun::of("", records.into_iter());
    assert!(past.addresses.is_empty() && past.open.is_empty());
}
