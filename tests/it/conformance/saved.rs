//! Saved plans and undo: a plan from a file does exactly what it shows, refuses only what moved, and what
//! was applied can be taken back.

use std::collections::BTreeMap;

use entitle::apply::journal::{History, Journal, Started};
use entitle::apply::lock::Locks;
use entitle::apply::recorder::Recorder;
use entitle::apply::{Outcome, Report};
use entitle::plan::document::PlanDocument;
use entitle::plan::saved;
use entitle::reconcile::{self, ApplyOptions, Checked, Pass};
use serde_json::Value as Json;

use super::vendors::{Vendor, for_every_vendor};
use crate::fuzz_bodies::sealed_text;
use crate::support::bench::{Bench, Object, converged};
use crate::support::mutate::Dice;
use crate::support::paths;
use crate::support::proxy::Spoil;

for_every_vendor!(
    a_saved_plan_does_exactly_what_it_shows,
    of_a_saved_plan_only_what_moved_is_refused,
    a_saved_plan_that_was_carried_out_is_not_carried_out_again,
    a_saved_plan_is_refused_with_other_manifests_or_another_place,
    what_was_applied_can_be_taken_back,
    the_order_of_a_vendor_means_nothing_to_a_plan,
);

/// Saves the plan of some objects as a file would hold it, and opens it again.
pub async fn through_a_file(bench: &Bench, checked: &Checked) -> PlanDocument {
    let pass = bench.pass(checked).await;
    let text = sealed_text(&pass.document);
    let opened = saved::open(&text).expect("a sealed plan opens");
    assert_eq!(opened, pass.document);
    bench.sandbox.forget_requests();
    opened
}

fn three(vendor: &Vendor) -> Vec<Object> {
    (0..3).map(|number| vendor.little(number, true)).collect()
}

pub async fn apply_saved(bench: &Bench, document: PlanDocument, checked: &Checked) -> Vec<Report> {
    let pass =
        reconcile::saved(document, checked, &bench.settings()).expect("they belong together");
    bench.carry_out(pass).await
}

async fn a_saved_plan_does_exactly_what_it_shows(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let checked = bench.check(&three(vendor));
    let document = through_a_file(&bench, &checked).await;
    let shown: Vec<String> = document
        .objects
        .iter()
        .flat_map(|object| &object.calls)
        .map(|call| call.body.to_string())
        .collect();
    for report in apply_saved(&bench, document, &checked).await {
        converged(&report);
    }
    let mut sent: Vec<String> = bench
        .sandbox
        .requests()
        .into_iter()
        .filter(|seen| seen.method != "GET")
        .filter_map(|seen| Some(seen.body?.to_string()))
        .collect();
    sent.sort();
    let mut shown = shown;
    shown.sort();
    assert_eq!(sent, shown, "what is sent is what the plan shows");
    let again = bench.pass(&checked).await;
    assert!(
        again
            .planned
            .iter()
            .all(|planned| planned.changes.is_empty())
    );
}

async fn of_a_saved_plan_only_what_moved_is_refused(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let checked = bench.check(&three(vendor));
    let document = through_a_file(&bench, &checked).await;
    let mut account = vendor.state(&bench);
    let (path, value) = (vendor.elsewhere)();
    let object = account.pointer_mut(&(vendor.place)(1)).expect("there");
    paths::set(vendor.table(), object, path, &value);
    vendor.load(&bench, account);
    let before = vendor.state(&bench);
    let reports = apply_saved(&bench, document, &checked).await;
    let outcomes: Vec<Option<Outcome>> = reports.iter().map(|report| report.outcome).collect();
    let wanted = [Outcome::Converged, Outcome::Stale, Outcome::Converged].map(Some);
    assert_eq!(outcomes, wanted, "{:?}", reports[1].message);
    let after = vendor.state(&bench);
    assert_eq!(
        vendor.stored(&after, 1),
        vendor.stored(&before, 1),
        "the moved object is as it was"
    );
}

async fn a_saved_plan_that_was_carried_out_is_not_carried_out_again(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let checked = bench.check(&three(vendor));
    let document = through_a_file(&bench, &checked).await;
    apply_saved(&bench, document.clone(), &checked).await;
    bench.sandbox.forget_requests();
    for report in apply_saved(&bench, document, &checked).await {
        assert_eq!(
            report.outcome,
            Some(Outcome::Already),
            "{:?}",
            report.message
        );
    }
    assert_eq!(bench.writes(), [""; 0]);
}

async fn a_saved_plan_is_refused_with_other_manifests_or_another_place(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let checked = bench.check(&three(vendor));
    let document = through_a_file(&bench, &checked).await;
    let refused = |document: &PlanDocument, checked: &Checked| {
        reconcile::saved(document.clone(), checked, &bench.settings())
            .err()
            .unwrap_or_default()
    };
    let others = bench.check(&three(vendor)[..2]);
    assert!(refused(&document, &others).contains("manifests"));
    let mut elsewhere = checked.clone();
    for place in elsewhere.source.connections.values_mut() {
        *place = "https://evil.example.com/".into();
    }
    assert!(refused(&document, &elsewhere).contains("led to"));
    elsewhere.source.connections.clear();
    assert!(refused(&document, &elsewhere).contains("no connection"));
    assert_eq!(bench.sandbox.requests(), [], "nothing was asked");
}

/// Lists of an object as the vendors' replies name them; none of the pages promises an order.
const LISTS: [&str; 10] = [
    "AllowableUserRoleIds",
    "Features",
    "Hostids",
    "PrivilegedUserRoleIds",
    "SeatUserGroupIds",
    "assignedEditions",
    "customLicenses",
    "customLimits",
    "product_features",
    "userGroups",
];

fn mix<T>(items: &mut [T], dice: &mut Dice) {
    for last in (1..items.len()).rev() {
        items.swap(last, dice.below(last + 1));
    }
}

/// Puts the members of every object and the elements of every list of an object into an order that `dice` chooses.
fn shuffle(json: &mut Json, is_list: bool, dice: &mut Dice) {
    match json {
        Json::Object(members) => {
            let mut all: Vec<(String, Json)> = std::mem::take(members).into_iter().collect();
            mix(&mut all, dice);
            for (name, value) in &mut all {
                shuffle(value, LISTS.contains(&name.as_str()), dice);
            }
            members.extend(all);
        }
        Json::Array(items) => {
            if is_list {
                mix(items, dice);
            }
            items.iter_mut().for_each(|item| shuffle(item, false, dice));
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

async fn the_order_of_a_vendor_means_nothing_to_a_plan(vendor: &'static Vendor) {
    let bench = Bench::spoiled(|number, _| {
        let dice = Dice::new(number as u64);
        Some(Spoil::Edit(Box::new(move |body| shuffled(&body, dice))))
    });
    let bench = bench.await;
    let (path, value) = (vendor.change)();
    let mut whole = vendor.whole();
    paths::set(vendor.table(), &mut whole.desired, path, &value);
    for objects in [three(vendor), vec![whole]] {
        let checked = bench.check(&objects);
        let mut plans = Vec::new();
        for _ in 0..16 {
            vendor.load(&bench, (vendor.account)(4));
            let document = through_a_file(&bench, &checked).await;
            plans.push(document.objects.clone());
            for report in apply_saved(&bench, document, &checked).await {
                converged(&report);
            }
        }
        plans.dedup();
        assert_eq!(plans.len(), 1, "{plans:#?}");
    }
}

fn shuffled(body: &str, mut dice: Dice) -> String {
    let Ok(mut json) = serde_json::from_str::<Json>(body) else {
        return body.to_string();
    };
    shuffle(&mut json, false, &mut dice);
    json.to_string()
}

/// Carries a pass out with a journal.
async fn remembered(bench: &Bench, pass: &Pass, journal: &Journal, run: &str) -> Vec<Report> {
    let recorder = Recorder {
        journal: Some(journal),
        run: run.into(),
        places: pass.document.source.connections.clone(),
        clock: bench.clock,
    };
    recorder
        .started(Started::default())
        .expect("the journal is writable");
    let options = ApplyOptions {
        locks: &Locks::default(),
        accepted: None,
        fail_fast: false,
        recorder,
    };
    reconcile::apply(pass, &options, &bench.settings()).await
}

async fn what_was_applied_can_be_taken_back(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.jsonl");
    let journal = Journal::open(&path).expect("a journal");
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    for pair in (vendor.pairs)() {
        let before = vendor.state(&bench);
        let mut whole = vendor.whole();
        pair.edit(vendor.table(), &mut whole.desired);
        let checked = bench.check(&[whole]);
        for report in remembered(&bench, &bench.pass(&checked).await, &journal, pair.path).await {
            converged(&report);
        }
        let history = History::read(&path).expect("the journal is readable");
        let undone = reconcile::undo(&history, pair.path, checked, &bench.settings()).await;
        let undone = undone.unwrap_or_else(|why| panic!("{}: {why}", pair.path));
        if undone.lost.is_empty() {
            for report in bench.carry_out(undone.pass).await {
                converged(&report);
            }
            let again = bench.pass(&bench.check(&[vendor.whole()])).await;
            let left: Vec<String> = again
                .planned
                .iter()
                .flat_map(crate::support::bench::paths)
                .collect();
            if !left.is_empty() {
                failed.insert(pair.path.into(), format!("{left:?} were not taken back"));
            }
        }
        vendor.load(&bench, before);
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
