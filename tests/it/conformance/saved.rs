//! Saved plans and undo: a plan from a file does exactly what it shows, refuses only what moved, and what
//! was applied can be taken back.

use std::collections::BTreeMap;
use std::sync::Arc;

use entitle::apply::journal::Started;
use entitle::apply::memory::runs::PastRun;
use entitle::apply::recorder::Recorder;
use entitle::apply::records::Records;
use entitle::apply::store::RecordQueue;
use entitle::apply::{Outcome, Report};
use entitle::plan::document::PlanDocument;
use entitle::plan::saved;
use entitle::plan::source_facts::Destination;
use entitle::reconcile::{self, Accounts, ApplyOptions, Checked, Pass, Saved, Take};
use serde_json::{Value as Json, json};

use super::vendors::{Vendor, for_every_vendor};
use crate::fuzz_bodies::sealed_text;
use crate::support::bench::{Bench, Object, converged};
use crate::support::mutate::Dice;
use crate::support::paths;
use crate::support::proxy::Spoil;
use crate::support::stores;

for_every_vendor!(
    a_saved_plan_does_exactly_what_it_shows,
    of_a_saved_plan_only_what_moved_is_refused,
    a_saved_plan_that_was_carried_out_is_not_carried_out_again,
    of_a_saved_plan_only_what_its_manifest_moved_is_refused,
    objects_that_come_and_go_do_not_refuse_a_saved_plan,
    a_saved_plan_writes_nothing_through_a_connection_that_leads_elsewhere,
    what_was_applied_can_be_taken_back,
    the_order_of_a_vendor_means_nothing_to_a_plan,
);

/// Saves the plan of some objects as a file would hold it, and opens it again.
pub async fn through_a_file(bench: &Bench, checked: &Checked) -> PlanDocument {
    let pass = bench.pass(checked).await;
    let text = sealed_text(&pass.document);
    let opened = saved::read_sealed(&text).expect("a sealed plan opens");
    assert_eq!(opened, pass.document);
    bench.sandbox.forget_requests();
    opened
}

fn three(vendor: &Vendor) -> Vec<Object> {
    (0..3).map(|number| vendor.little(number, true)).collect()
}

/// Joins a saved plan with all manifests.
pub fn joined(bench: &Bench, document: PlanDocument, checked: &Checked) -> Saved {
    let joined = reconcile::join_saved_plan(document, checked, &|_| true, &bench.settings());
    joined.unwrap_or_else(|why| panic!("{why}"))
}

fn outcomes(reports: &[Report]) -> Vec<Option<Outcome>> {
    reports.iter().map(|report| report.outcome).collect()
}

pub async fn apply_saved(bench: &Bench, document: PlanDocument, checked: &Checked) -> Vec<Report> {
    bench.carry_out(joined(bench, document, checked).pass).await
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
    let wanted = [Outcome::Converged, Outcome::Stale, Outcome::Converged].map(Some);
    assert_eq!(outcomes(&reports), wanted, "{:?}", reports[1].message);
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

async fn of_a_saved_plan_only_what_its_manifest_moved_is_refused(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let document = through_a_file(&bench, &bench.check(&three(vendor))).await;
    let before = vendor.state(&bench);
    let mut edited = three(vendor);
    // As if the change had never been wanted: live is just what this manifest wants.
    edited[1] = vendor.little(1, false);
    let reports = apply_saved(&bench, document.clone(), &bench.check(&edited)).await;
    let wanted = [Outcome::Converged, Outcome::Stale, Outcome::Converged].map(Some);
    let words = reports[1].message.clone().unwrap_or_default();
    assert_eq!(outcomes(&reports), wanted, "{words}");
    let (path, _) = (vendor.change)();
    let field = path.split(['.', '[']).next().unwrap_or_default();
    let named = words.contains(field) && words.contains("object-0001.yaml:1");
    assert!(named, "{words}");
    let after = vendor.state(&bench);
    assert_eq!(vendor.stored(&after, 1), vendor.stored(&before, 1));

    let mut edited = three(vendor);
    edited[2] = edited[2].clone().policy(json!({"allow": ["strand"]}));
    let reports = apply_saved(&bench, document, &bench.check(&edited)).await;
    let wanted = [Outcome::Already, Outcome::Converged, Outcome::Stale].map(Some);
    let words = reports[2].message.clone().unwrap_or_default();
    assert_eq!(outcomes(&reports), wanted, "{words}");
    assert!(words.contains("policy.allow"), "{words}");
}

async fn objects_that_come_and_go_do_not_refuse_a_saved_plan(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let mut then = three(vendor);
    then[2] = vendor.little(2, false);
    let document = through_a_file(&bench, &bench.check(&then)).await;
    // The first goes, which was to be written; the third, which was in sync; a fourth comes.
    let now = bench.check(&[vendor.little(1, true), vendor.little(3, true)]);
    let saved = joined(&bench, document, &now);
    let findings = saved.findings.iter();
    let told: Vec<(&str, bool)> = findings
        .map(|finding| {
            let named = match finding.code {
                "not-in-plan" => "object-0003",
                _ => "object-0002",
            };
            (finding.code, finding.message.contains(named))
        })
        .collect();
    assert_eq!(told, [("not-in-plan", true), ("not-in-manifests", true)]);
    let before = vendor.state(&bench);
    let reports = bench.carry_out(saved.pass).await;
    assert_eq!(
        outcomes(&reports),
        [Outcome::Stale, Outcome::Converged].map(Some)
    );
    let words = reports[0].message.clone().unwrap_or_default();
    assert!(words.contains("object-0000.yaml:1, is gone"), "{words}");
    let after = vendor.state(&bench);
    for number in [0, 2, 3] {
        assert_eq!(
            vendor.stored(&after, number),
            vendor.stored(&before, number)
        );
    }
}

async fn a_saved_plan_writes_nothing_through_a_connection_that_leads_elsewhere(
    vendor: &'static Vendor,
) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let checked = bench.check(&three(vendor));
    let document = through_a_file(&bench, &checked).await;
    let mut elsewhere = checked.clone();
    for place in elsewhere.source.connections.values_mut() {
        *place = Destination::Url("https://evil.example.com/".into());
    }
    let names = elsewhere.source.connections.keys().cloned();
    elsewhere.source.connection_fingerprints = names.map(|name| (name, "other".into())).collect();
    let reports = apply_saved(&bench, document, &elsewhere).await;
    for report in reports {
        let words = report.message.unwrap_or_default();
        assert_eq!(report.outcome, Some(Outcome::Stale), "{words}");
        assert!(words.contains("leads to https://evil"), "{words}");
    }
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
pub async fn remembered(
    bench: &Bench,
    pass: &Pass,
    journal: &Arc<RecordQueue>,
    run: &str,
) -> Vec<Report> {
    let recorder = Recorder::new(Some(Arc::clone(journal)), run, pass.places(), bench.clock);
    recorder
        .record_start(Started::default())
        .await
        .expect("the journal is writable");
    let options = ApplyOptions {
        accepted: None,
        fail_fast: false,
        recorder,
    };
    reconcile::apply_plan(pass, &options, &bench.settings()).await
}

async fn what_was_applied_can_be_taken_back(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.jsonl");
    let journal = stores::queue(dir.path());
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    for pair in (vendor.pairs)() {
        let before = vendor.state(&bench);
        let mut whole = vendor.whole();
        pair.edit(vendor.table(), &mut whole.desired);
        let checked = bench.check(&[whole]);
        for report in remembered(&bench, &bench.pass(&checked).await, &journal, pair.path).await {
            converged(&report);
        }
        let records = Records::open(&path).expect("the journal is readable");
        let past = PastRun::of(pair.path, records);
        let writes = reconcile::past_writes(&past, &checked);
        let (take, kept) = (Take::default(), Accounts::new());
        let settings = bench.settings();
        let prepared = reconcile::prepare_undo(pair.path, writes, &take, checked);
        let prepared = prepared.unwrap_or_else(|why| panic!("{}: {why}", pair.path));
        let undone = prepared.plan(&take, &settings, &kept).await;
        if undone.findings.iter().next().is_none() {
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
