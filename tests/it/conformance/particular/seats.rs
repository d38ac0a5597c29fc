//! Alinea: the seats that are taken.

use entitle::apply::Outcome;
use entitle::model::Risk;
use serde_json::{Value as Json, json};

use crate::conformance::vendors::alinea::VENDOR;
use crate::support::bench::{Bench, Object, only_report};

/// A bench whose first licence has three users, and a manifest of its seats.
async fn bench(switches: Json, desired: Json) -> (Bench, Object) {
    let bench = Bench::new().await;
    let mut account = (VENDOR.account)(2);
    let user = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    account["licenses"][0]["UserIds"] = (1..=3).map(user).collect();
    VENDOR.load(&bench, account);
    let set = bench.sandbox.set_switches(VENDOR.name, switches);
    set.expect("switches of the simulator");
    (bench, VENDOR.object(0, desired))
}

#[tokio::test]
async fn fewer_seats_than_are_taken_strand_with_the_numbers() {
    let (bench, object) = bench(json!({}), json!({"AvailableSeats": 2})).await;
    let pass = bench.pass(&bench.check(&[object])).await;
    let change = &pass.planned[0].changes[0];
    let note = change.note.clone().unwrap_or_default();
    assert_eq!((change.risk, &*note), (Risk::Strand, "2 allowed, 3 in use"));
    assert_eq!(bench.reads().len(), 3);
    let words = pass.planned[0].message.clone().unwrap_or_default();
    assert!(
        words.starts_with("rows of api/seats: 3, taken for seats in use")
            && words.contains("does not say"),
        "{words}"
    );
    let report = only_report(bench.carry_out_alone(pass, Risk::Reduce).await);
    assert_eq!(report.outcome, Some(Outcome::Refused));
}

#[tokio::test]
async fn fewer_seats_that_still_suffice_reduce() {
    let (bench, object) = bench(json!({}), json!({"AvailableSeats": 3, "Buffer": 0})).await;
    let planned = bench.plan(&[object]).await;
    let risks = planned[0].changes.iter().map(|change| change.risk);
    assert_eq!(risks.collect::<Vec<_>>(), [Risk::Reduce, Risk::Reduce]);
}

#[tokio::test]
async fn seats_are_counted_only_where_the_plan_takes_some_away() {
    for desired in [json!({"AvailableSeats": 31}), json!({"Grade": "7"})] {
        let (bench, object) = bench(json!({}), desired).await;
        bench.plan(&[object]).await;
        assert_eq!(bench.reads().len(), 2);
    }
}

#[tokio::test]
async fn rows_that_are_groups_are_no_more_than_the_seats_that_are_taken() {
    let switches = json!({"seat_rows": "per_group"});
    let (bench, object) = bench(switches, json!({"AvailableSeats": 1})).await;
    let planned = bench.plan(&[object]).await;
    let change = &planned[0].changes[0];
    let note = change.note.clone().unwrap_or_default();
    assert_eq!((change.risk, &*note), (Risk::Strand, "1 allowed, 2 in use"));
}

#[tokio::test]
async fn seats_that_are_not_shown_cost_the_numbers_and_not_the_plan() {
    for status in [403, 404] {
        let switches = json!({"seats_status": status});
        let (bench, object) = bench(switches, json!({"AvailableSeats": 2})).await;
        let pass = bench.pass(&bench.check(&[object])).await;
        let planned = &pass.planned[0];
        assert_eq!(planned.changes[0].risk, Risk::Reduce);
        let note = planned.message.clone().unwrap_or_default();
        let said = format!("answered {status}");
        assert!(
            note.contains("seats are taken is not known") && note.contains(&said),
            "{note}"
        );
        let report = only_report(bench.carry_out(pass).await);
        assert_eq!(
            report.outcome,
            Some(Outcome::Converged),
            "{:?}",
            report.message
        );
    }
}
