use jiff::SignedDuration;

use super::*;
use crate::model::Risk;
use crate::plan::ChangeVerb;
use crate::plan::document::ChangeEntry;
use serde_json::json;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A run of so many seconds ago.
fn run(short: &str, seconds: i64, summary: RunCounts) -> RunEntry {
    let at = NOW - SignedDuration::from_secs(seconds);
    RunEntry {
        run: format!("{short}-0000-7000-8000-000000000000"),
        short: short.into(),
        started_at: at.to_string(),
        by: Some("octocat".into()),
        commit: Some("a3be3931".repeat(5)),
        scope: None,
        purpose: Some(Purpose::Apply),
        request: None,
        undoes: None,
        undoes_short: None,
        undone_by: None,
        sandbox: false,
        end: RunEnd::Finished,
        summary,
        objects: None,
    }
}

/// Text without escape codes, which end with an `m`.
fn plain(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes).expect("UTF-8");
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_string();
    let rest = parts.filter_map(|part| part.split_once('m'));
    rest.fold(first, |plain, (_, part)| plain + part)
}

fn list(runs: &[RunEntry]) -> String {
    let mut out = Vec::new();
    write_list(&mut out, runs, NOW).expect("written");
    plain(out)
}

fn full(run: &RunEntry) -> String {
    let mut out = Vec::new();
    write_run(&mut out, run, None, NOW).expect("written");
    plain(out)
}

#[test]
fn a_run_is_one_line_of_at_most_eighty_columns() {
    let reduced = RunCounts {
        updated: 12,
        reduce: 3,
        ..RunCounts::default()
    };
    let idle = RunCounts {
        already: 2,
        ..RunCounts::default()
    };
    let mut undo = run("01a22857", 200_000, reduced);
    undo.purpose = Some(Purpose::Undo);
    undo.undoes_short = Some("01a22856".into());
    undo.by = Some("a very long name of a person".into());
    undo.summary = RunCounts {
        failed: 3,
        refused: 2,
        strand: 1,
        ..reduced
    };
    let runs = [
        run("01a22859", 7_200, reduced),
        run("01a22858", 9_000, idle),
        undo,
    ];
    assert_eq!(
        list(&runs),
        "\
01a22859  2 h ago  octocat            a3be393  12 updated, 3 reduce
01a22858  2 h ago  octocat            a3be393  nothing changed, 2 already
01a22857  2 d ago  a very long name…  a3be393  12 updated, 1 strand, 3 failed, …
"
    );
}

/// An object with one change, of which the run says how its step ended.
fn object(outcome: Outcome, written: Option<bool>) -> RunObject {
    RunObject {
        address: "Order/a".into(),
        outcome: Some(outcome),
        written,
        changes: vec![ChangeEntry {
            path: "seats".into(),
            verb: ChangeVerb::Replace,
            before: json!(10),
            after: json!(5),
            risk: Risk::Reduce,
            note: None,
            call: 0,
        }],
        ..RunObject::default()
    }
}

#[test]
fn a_run_shows_what_it_did_and_what_it_did_not() {
    let mut one = run("01a22859", 7_200, RunCounts::default());
    one.summary.updated = 1;
    one.summary.reduce = 1;
    one.summary.failed = 1;
    one.summary.unclear = 1;
    let cut_off = RunObject {
        outcome: None,
        ..object(Outcome::Failed, None)
    };
    one.objects = Some(vec![
        object(Outcome::Converged, Some(true)),
        object(Outcome::Failed, Some(false)),
        cut_off,
    ]);
    assert_eq!(
        full(&one),
        "\
Run:     01a22859-0000-7000-8000-000000000000
Time:    1969-12-31T22:00:00Z (2 h ago)
By:      octocat
Commit:  a3be3931a3be3931a3be3931a3be3931a3be3931

✓ Order/a  converged
    ~ seats  10 → 5  reduces

✗ Order/a  failed
    not written:
    ~ seats  10 → 5  reduces

✗ Order/a  cut off while it was written
    may have been written:
    ~ seats  10 → 5  reduces

1 updated, 1 reduce, 1 unclear, 1 failed.
Take it back with: entitle undo 01a22859
"
    );
}

#[test]
fn nothing_done_is_not_offered_to_be_taken_back() {
    let mut one = run("01a22859", 7_200, RunCounts::default());
    one.summary.already = 1;
    let already = RunObject {
        changes: Vec::new(),
        ..object(Outcome::Already, Some(false))
    };
    one.objects = Some(vec![already]);
    let text = full(&one);
    let end = "= Order/a  already as wanted, nothing written\n\nNothing changed, 1 already.\n";
    assert!(text.ends_with(end), "{text}");
    one.summary.updated = 1;
    assert!(full(&one).contains("entitle undo"));
    let (sandbox, mut undone) = (
        RunEntry {
            sandbox: true,
            ..one.clone()
        },
        one,
    );
    assert!(!full(&sandbox).contains("entitle undo"));
    undone.undone_by = Some("01a22860".into());
    let text = full(&undone);
    assert!(!text.contains("entitle undo"), "{text}");
    assert!(text.contains("\nUndone:  by 01a22860\n"), "{text}");
    assert!(list(&[undone]).ends_with("1 updated, 1 already, undone\n"));
}

#[test]
fn a_request_says_what_was_asked_for_and_of_which_object() {
    let request = |address: Option<&str>, words: &str| RunEntry {
        purpose: None,
        commit: None,
        request: Some(PersonRequest {
            address: address.map(Into::into),
            words: words.into(),
            ..PersonRequest::default()
        }),
        ..run("01a22857", 120, RunCounts::default())
    };
    let suspension = request(Some("LacLicenseOrder/a"), "suspended until 12:00: a demo");
    let look = request(None, "asked for a look at everything of lac");
    let lines = "\
        01a22857  2 min ago  octocat  LacLicenseOrder/a: suspended until 12:00: a demo\n\
        01a22857  2 min ago  octocat  asked for a look at everything of lac\n";
    assert_eq!(list(&[suspension.clone(), look]), lines);
    let text = full(&suspension);
    let line = "Request: LacLicenseOrder/a: suspended until 12:00: a demo\n";
    assert!(text.ends_with(line), "{text}");
}
