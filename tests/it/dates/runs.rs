//! Runs before and after a moment: what a plan notes, an apply writes, and drift and undo make of it.

use std::sync::Arc;

use entitle::apply::Outcome;
use entitle::apply::memory::runs::PastRun;
use entitle::apply::memory::{Detail, Memory};
use entitle::apply::records::Records;
use entitle::apply::store::RecordQueue;
use entitle::manifest::rows::RowFiles;
use entitle::model::dated::ReadingTime;
use entitle::plan::Disposition;
use entitle::plan::drift::document::State;
use entitle::reconcile::{
    self, Accounts, Bases, CheckOptions, Checked, CommitBases, Simulators, Take, Undone,
};
use entitle::render::coming::describe_coming;
use serde_json::json;

use super::{load, time};
use crate::conformance::saved::{apply_saved, remembered, through_a_file};
use crate::conformance::vendors::lac;
use crate::support::bench::{self, Bench, Object};
use crate::support::{pure, stores};

/// An order of the simulator that allows 10 activations, and 40 from a moment on.
fn dated_order() -> Object {
    order_with(10)
}

/// The same with so many activations at first.
fn order_with(activations: i64) -> Object {
    let desired = json!({"customer_id": 1, "activations_allowed": activations});
    let mut order = lac::VENDOR.object(0, desired);
    order.ids["changes"] = json!([{"from": "2026-12-01", "desired": {"activations_allowed": 40}}]);
    order
}

const BEFORE: &str = "2026-11-30T23:59:59Z";
const AFTER: &str = "2026-12-01T00:00:00Z";

fn check_order(bench: &Bench, at: &str) -> Checked {
    check_object(bench, &dated_order(), at)
}

fn check_object(bench: &Bench, object: &Object, at: &str) -> Checked {
    let text = object.text();
    let options = CheckOptions {
        need_connections: true,
        simulators: Some(Simulators::of_run(bench.connections.clone())),
        time: ReadingTime::now(time(at)),
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(load(&[("o.yaml", &text)]), &options);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    checked
}

async fn bench_with_order() -> Bench {
    let bench = Bench::new().await;
    lac::VENDOR.load(&bench, (lac::VENDOR.account)(1));
    bench
}

#[tokio::test]
async fn a_plan_of_before_notes_what_comes_and_one_of_after_writes_it() {
    let bench = bench_with_order().await;
    let pass = bench.pass(&check_order(&bench, BEFORE)).await;
    let entry = &pass.document.objects[0];
    assert_eq!(entry.action, Disposition::None);
    assert_eq!(
        describe_coming(&entry.coming),
        ["2026-12-01: activations_allowed 10 → 40"]
    );
    let summary = &pass.document.summary;
    assert_eq!(
        (summary.in_sync, summary.writing(), summary.requests),
        (1, 0, 0)
    );
    let text = pure::plain(|out| {
        let view = entitle::render::view::RunView::new(
            entitle::render::view::Stage::Planned,
            &pass.document,
        );
        entitle::render::text::write_run(out, &view)
    });
    assert!(
        text.contains("    2026-12-01: activations_allowed 10 → 40\n"),
        "{text}"
    );
    bench.carry_out(pass).await;
    assert_eq!(
        bench.writes(),
        [""; 0],
        "nothing is written before its time"
    );

    let after = check_order(&bench, AFTER);
    let pass = bench.pass(&after).await;
    assert_eq!(bench::paths(&pass.planned[0]), ["activations_allowed"]);
    assert!(pass.document.objects[0].coming.is_empty());
    bench::converged(&bench::only_report(bench.carry_out(pass).await));
    bench::in_sync(&bench.pass(&after).await.planned[0]);
}

#[tokio::test]
async fn a_change_that_has_begun_and_is_not_applied_yet_is_ours_and_no_drift() {
    let bench = bench_with_order().await;
    let after = check_order(&bench, AFTER);
    let sources = load(&[("o.yaml", &dated_order().text())]).sources;
    let committed = |at: &str| {
        Bases::Commit(CommitBases::new(
            "c0ffee".into(),
            &sources,
            &RowFiles::default(),
            None,
            time(at),
        ))
    };
    let state = async |bases: &Bases| {
        let found = reconcile::find_drift(&after, bases, false, &bench.settings()).await;
        found.0.objects[0].state
    };
    // The commit of before asked for 10, which live has.
    assert_eq!(state(&committed(BEFORE)).await, State::Pending);
    // One of after asks for 40 itself: whoever set live to 10 was somebody else.
    assert_eq!(state(&committed(AFTER)).await, State::Drifted);
    let none = Bases::Journal(Memory::new(Detail::Values));
    assert_ne!(state(&none).await, State::InSync);
}

/// A journal in which the run `november` has brought the order from 10 to 25.
async fn applied_in_november(bench: &Bench) -> (tempfile::TempDir, Arc<RecordQueue>) {
    let dir = tempfile::tempdir().expect("a directory");
    let journal = stores::queue(dir.path());
    let before = check_object(bench, &order_with(25), BEFORE);
    let reports = remembered(bench, &bench.pass(&before).await, &journal, "november").await;
    bench::converged(&bench::only_report(reports));
    (dir, journal)
}

/// The inverse of a run, by the manifests of a time.
async fn undo(bench: &Bench, dir: &tempfile::TempDir, run: &str, at: &str) -> Undone {
    let checked = check_object(bench, &order_with(25), at);
    let path = dir.path().join("journal.jsonl");
    let records = Records::open(&path).expect("the journal is readable");
    let writes = reconcile::past_writes(&PastRun::of(run, records), &checked);
    let take = Take::default();
    let prepared = reconcile::prepare_undo(run, writes, &take, checked).expect("a run");
    prepared
        .plan(&take, &bench.settings(), &Accounts::new())
        .await
}

#[tokio::test]
async fn an_undo_of_a_run_of_before_leaves_what_began_since() {
    let bench = bench_with_order().await;
    let (dir, journal) = applied_in_november(&bench).await;
    let after = check_object(&bench, &order_with(25), AFTER);
    let reports = remembered(&bench, &bench.pass(&after).await, &journal, "december").await;
    bench::converged(&bench::only_report(reports));
    let undone = undo(&bench, &dir, "november", AFTER).await;
    let words: Vec<&str> = undone
        .findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert!(
        words.len() == 1 && words[0].contains("it is 40, and the run left 25"),
        "{words:?}"
    );
    assert!(undone.pass.planned.iter().all(|one| one.changes.is_empty()));
}

#[tokio::test]
async fn an_undo_notes_what_comes_again_by_date_and_is_not_taken_for_it() {
    let bench = bench_with_order().await;
    let (dir, journal) = applied_in_november(&bench).await;
    let undone = undo(&bench, &dir, "november", BEFORE).await;
    let entry = &undone.pass.document.objects[0];
    assert_eq!(
        bench::paths(&undone.pass.planned[0]),
        ["activations_allowed"]
    );
    assert_eq!(
        describe_coming(&entry.coming),
        ["2026-12-01: activations_allowed 25 → 40"]
    );
    let reports = remembered(&bench, &undone.pass, &journal, "undo").await;
    bench::converged(&bench::only_report(reports));
    // After the moment the manifest asks for 40, and what live has is the undo's: ours to write, nobody's drift.
    let after = check_object(&bench, &order_with(25), AFTER);
    let memory = stores::memory(&dir.path().join("journal.jsonl"), Detail::Values);
    let bases = Bases::Journal(memory);
    let (drift, _) = reconcile::find_drift(&after, &bases, false, &bench.settings()).await;
    assert_eq!(drift.objects[0].state, State::Pending);
    let pass = bench.pass(&after).await;
    assert_eq!(bench::paths(&pass.planned[0]), ["activations_allowed"]);
}

#[tokio::test]
async fn a_plan_of_before_is_stale_after_the_moment() {
    let bench = bench_with_order().await;
    let before = check_object(&bench, &order_with(25), BEFORE);
    let document = through_a_file(&bench, &before).await;
    let after = check_object(&bench, &order_with(25), AFTER);
    let reports = apply_saved(&bench, document, &after).await;
    let report = bench::only_report(reports);
    assert_eq!(report.outcome, Some(Outcome::Stale));
    let why = report.message.unwrap_or_default();
    assert!(why.contains("activations_allowed"), "{why}");
    assert_eq!(bench.writes(), [""; 0]);
}
