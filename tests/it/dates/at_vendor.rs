//! `policy.schedule: vendor`: dated changes become updates at the vendor, which are kept in step with git and carried out
//! there.

use entitle::apply::Outcome;
use entitle::manifest::rows::RowFiles;
use entitle::model::dated::ReadingTime;
use entitle::model::{Risk, Severity};
use entitle::plan::{ChangeVerb, Disposition, Planned};
use entitle::reconcile::{self, Bases, CheckOptions, Checked, CommitBases, Pass, Simulators};
use entitle::render::coming::describe_coming;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{load, time};
use crate::support::bench::{Bench, Object, converged, in_sync, only_report, paths};
use crate::support::proxy::{Canned, Spoil};

const LICENSE: u64 = 1_593_781_720_493_290;
const UPDATES: &str = "/api/v1/scheduled-updates/";

/// A time long before all changes, and times after the first.
const BEFORE: &str = "2099-01-01T00:00:00Z";

fn before() -> Timestamp {
    time(BEFORE)
}

fn at_the_hour() -> Timestamp {
    time("2099-07-01T00:10:00Z")
}

fn hours_after() -> Timestamp {
    time("2099-07-01T02:00:00Z")
}

fn license(changes: Json) -> Object {
    let ids = json!({"licenseId": LICENSE, "changes": changes});
    let features = json!([
        {"product_feature": "f1", "max_consumption": 250}, {"product_feature": "f3"}, {"product_feature": "f7"},
    ]);
    let desired = json!({"max_activations": 10, "product_features": features});
    Object::new("LicenseSpringLicense", "acme", ids, desired).policy(json!({"schedule": "vendor"}))
}

fn july(activations: u64) -> Json {
    json!({"from": "2099-07-01", "desired": {"max_activations": activations}})
}

/// A sandbox whose clock is that of the runs.
async fn bench() -> Bench {
    let mut bench = Bench::new().await;
    bench.clock = before;
    let ahead = before().duration_since(Timestamp::now());
    bench.sandbox.advance_clock(ahead);
    bench
}

/// Moves both clocks to a later time.
fn move_to(bench: &mut Bench, clock: fn() -> Timestamp) {
    let ahead = clock().duration_since((bench.clock)());
    bench.sandbox.advance_clock(ahead);
    bench.clock = clock;
}

fn state(bench: &Bench) -> Json {
    bench.sandbox.state("licensespring").expect("an account")
}

fn set_state(bench: &Bench, account: Json) {
    let set = bench.sandbox.set_state("licensespring", account);
    set.expect("a good account");
}

fn set_switch(bench: &Bench, switches: Json) {
    let set = bench.sandbox.set_switches("licensespring", switches);
    set.expect("a switch");
}

fn updates(bench: &Bench) -> Vec<Json> {
    let all = state(bench)["scheduled_updates"].as_array().cloned();
    all.expect("a list")
}

/// Adds an update as the panel would.
fn add_update(bench: &Bench, name: &str, at: &str, data: Json) {
    let mut account = state(bench);
    let all = account["scheduled_updates"].as_array_mut().expect("a list");
    let id = all.len() + 1;
    let items = json!([{"id": 900 + id, "action": "license-update", "product_feature": null,
        "product_custom_field": null, "update_data": data, "error_message": null}]);
    all.push(json!({"id": id, "license": LICENSE, "scheduled_at": at, "name": name, "scheduled_update_data": items}));
    set_state(bench, account);
}

fn check(bench: &Bench, object: &Object) -> Checked {
    let text = object.text();
    let options = CheckOptions {
        need_connections: true,
        simulators: Some(Simulators::of_run(bench.connections.clone())),
        time: ReadingTime::now((bench.clock)()),
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(load(&[("o.yaml", &text)]), &options);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    checked
}

async fn plan(bench: &Bench, object: &Object) -> Pass {
    bench.pass(&check(bench, object)).await
}

async fn plan_one(bench: &Bench, object: &Object) -> Planned {
    plan(bench, object).await.planned.remove(0)
}

async fn apply(bench: &Bench, object: &Object) {
    let report = only_report(bench.carry_out(plan(bench, object).await).await);
    converged(&report);
    in_sync(&plan_one(bench, object).await);
}

fn warnings(planned: &Planned) -> Vec<String> {
    let findings = planned.findings.iter();
    let findings = findings.filter(|finding| finding.severity == Severity::Warning);
    findings
        .map(|found| format!("{}: {}", found.code, found.message))
        .collect()
}

#[tokio::test]
async fn each_coming_change_is_scheduled_once_and_the_second_plan_is_empty() {
    let bench = bench().await;
    let october = json!({"from": "2099-10-01T10:15:00Z", "desired": {
        "max_activations": 3, "validity_period": "2101-07-01",
        "product_features": [{"product_feature": "f1", "max_consumption": 300}, {"product_feature": "f3", "absent": true}],
    }});
    let object = license(json!([july(40), october]));
    let pass = plan(&bench, &object).await;
    let entry = &pass.document.objects[0];
    assert_eq!(entry.action, Disposition::Update);
    let shown: Vec<(&str, Risk)> = entry
        .changes
        .iter()
        .map(|it| (it.path.as_str(), it.risk))
        .collect();
    assert_eq!(
        shown,
        [
            ("scheduled_updates[2099-07-01T00:00:00Z]", Risk::Safe),
            ("scheduled_updates[2099-10-01T11:00:00Z]", Risk::Strand),
        ]
    );
    assert_eq!(
        entry.changes[0].note.as_deref(),
        Some("scheduled at the vendor: max_activations 10 → 40")
    );
    assert_eq!(
        describe_coming(&entry.coming)[0],
        "2099-07-01: max_activations 10 → 40, scheduled at the vendor"
    );
    // The brake counts it as any other risk.
    let reports = bench.carry_out_alone(pass, Risk::Safe).await;
    assert_eq!(only_report(reports).outcome, Some(Outcome::Refused));
    assert_eq!(bench.writes(), [""; 0]);

    apply(&bench, &object).await;
    let [first, second] = &updates(&bench)[..] else {
        panic!("{:?}", updates(&bench));
    };
    assert_eq!(first["scheduled_at"], "2099-07-01T00:00:00Z");
    assert_eq!(first["name"], "entitle: LicenseSpringLicense/acme");
    assert_eq!(
        second["scheduled_at"], "2099-10-01T11:00:00Z",
        "never before the moment"
    );
    let items: Vec<(&Json, &Json, &Json)> = {
        second["scheduled_update_data"]
            .as_array()
            .expect("a list")
            .iter()
    }
    .map(|item| {
        (
            &item["action"],
            &item["product_feature"],
            &item["update_data"],
        )
    })
    .collect();
    assert_eq!(
        items,
        [
            (
                &json!("license-product-feature-update"),
                &json!(171),
                &json!({"max_consumption": 300})
            ),
            (
                &json!("license-product-feature-delete"),
                &json!(173),
                &json!({})
            ),
            (
                &json!("license-update"),
                &Json::Null,
                &json!({"max_activations": 3, "validity_period": "2101-07-01"})
            ),
        ]
    );
    bench.sandbox.forget_requests();
    in_sync(&plan_one(&bench, &object).await);
    let reads = bench.reads();
    let count = |part: &str| reads.iter().filter(|read| read.contains(part)).count();
    assert_eq!(
        (reads.len(), count("/simulate/"), count("order_by")),
        (4, 2, 1),
        "{reads:?}"
    );
    // Another license without updates of ours costs no further call.
    bench.sandbox.forget_requests();
    let mut other = Object {
        name: "other".into(),
        desired: json!({}),
        ..license(json!([]))
    };
    other.ids["licenseId"] = json!(1_593_781_720_493_289_u64);
    let texts = [("o.yaml", object.text()), ("p.yaml", other.text())];
    let checked = bench.check_texts(texts);
    bench.pass(&checked).await;
    assert_eq!(bench.reads().len(), 4, "{:?}", bench.reads());
}

#[tokio::test]
async fn drift_tells_that_somebody_cancelled_an_update() {
    let bench = bench().await;
    let object = license(json!([july(40)]));
    apply(&bench, &object).await;
    let bases = Bases::Commit(CommitBases::new(
        "c".into(),
        &[],
        &RowFiles::default(),
        None,
        before(),
    ));
    let find = || async {
        let checked = check(&bench, &object);
        let (document, found) =
            reconcile::find_drift(&checked, &bases, false, &bench.settings()).await;
        assert_eq!(document.objects.len(), 1);
        let found = found.iter().map(|found| found.message.clone());
        found
            .filter(|message| message.contains("scheduled_updates"))
            .collect::<Vec<_>>()
    };
    assert_eq!(find().await, [""; 0]);
    let mut account = state(&bench);
    account["scheduled_updates"][0]["status"] = json!("cancelled");
    set_state(&bench, account);
    let [message] = &find().await[..] else {
        panic!("one update is not there");
    };
    assert!(
        message.contains("2099-07-01T00:00:00Z] of LicenseSpringLicense/acme is not there"),
        "{message}"
    );
}

#[tokio::test]
async fn what_changes_in_git_is_replaced_moved_and_cancelled() {
    let bench = bench().await;
    apply(&bench, &license(json!([july(40)]))).await;
    bench.sandbox.forget_requests();
    apply(&bench, &license(json!([july(50)]))).await;
    assert_eq!(bench.writes(), [format!("PATCH /licensespring{UPDATES}1/")]);
    let moved = json!({"from": "2099-08-01", "desired": {"max_activations": 50}});
    let planned = plan_one(&bench, &license(json!([moved]))).await;
    assert_eq!(paths(&planned), ["scheduled_updates[2099-08-01T00:00:00Z]"]);
    assert_eq!(planned.changes[0].verb, ChangeVerb::Replace);
    let note = planned.changes[0].note.clone().expect("a note");
    assert!(
        note.starts_with("rescheduled from 2099-07-01T00:00:00Z"),
        "{note}"
    );
    apply(&bench, &license(json!([moved]))).await;
    let all = updates(&bench);
    assert_eq!(
        (all.len(), &all[0]["scheduled_at"]),
        (1, &json!("2099-08-01T00:00:00Z"))
    );
    bench.sandbox.forget_requests();
    apply(&bench, &license(json!([]))).await;
    assert_eq!(
        bench.writes(),
        [format!("POST /licensespring{UPDATES}1/cancel/")]
    );
    assert_eq!(updates(&bench)[0]["status"], "cancelled");
}

#[tokio::test]
async fn updates_of_others_are_told_and_left_alone() {
    let bench = bench().await;
    add_update(
        &bench,
        "Q3",
        "2099-07-01T00:00:00Z",
        json!({"max_activations": 7}),
    );
    let planned = plan_one(&bench, &license(json!([]))).await;
    assert_eq!(
        (planned.action, planned.changes.len()),
        (Disposition::None, 0)
    );
    let [warning] = &warnings(&planned)[..] else {
        panic!("{planned:?}");
    };
    assert!(
        warning.starts_with("foreign-update: update 1 of 2099-07-01T00:00:00Z"),
        "{warning}"
    );
    // A second update of that hour would be merged into it.
    let planned = plan_one(&bench, &license(json!([july(40)]))).await;
    assert_eq!(planned.action, Disposition::Error);
    let message = planned.message.expect("a reason");
    assert!(
        message.contains("update 1 `Q3`, which somebody else scheduled"),
        "{message}"
    );
    let august = json!([{"from": "2099-08-01", "desired": {"max_activations": 40}}]);
    let report = only_report(bench.carry_out(plan(&bench, &license(august)).await).await);
    assert_eq!(report.outcome, Some(Outcome::Converged), "{report:?}");
    assert_eq!(updates(&bench)[0]["status"], "pending");
    assert_eq!(updates(&bench).len(), 2);
}

#[tokio::test]
async fn an_update_that_appears_meanwhile_is_never_merged_with_ours() {
    let bench = bench().await;
    let pass = plan(&bench, &license(json!([july(40)]))).await;
    add_update(
        &bench,
        "Q3",
        "2099-07-01T00:00:00Z",
        json!({"prevent_vm": true}),
    );
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Stale), "{report:?}");
    assert_eq!(bench.writes(), [""; 0]);
}

#[tokio::test]
async fn what_somebody_merges_into_ours_is_a_difference_under_each_reading() {
    for (reading, action) in [
        ("keep", Disposition::Update),
        ("replace", Disposition::Error),
    ] {
        let bench = bench().await;
        set_switch(&bench, json!({"merged_name": reading}));
        let object = license(json!([july(40)]));
        apply(&bench, &object).await;
        let body = json!({"license": LICENSE, "scheduled_at": "2099-07-01T00:30:00Z", "name": "Q3",
            "scheduled_update_data": [{"action": "license-product-feature-update", "product_feature": 171,
                "update_data": {"max_consumption": 1}}]});
        post(&bench, UPDATES, &body);
        assert_eq!(updates(&bench).len(), 1, "merged");
        let planned = plan_one(&bench, &object).await;
        assert_eq!(planned.action, action, "{planned:?}");
        if action == Disposition::Update {
            let before = planned.changes[0].before.clone().expect("what is there");
            assert_eq!(before["product_features[f1].max_consumption"], 1);
            apply(&bench, &object).await;
        }
    }
}

/// Sends a call of somebody else.
fn post(bench: &Bench, path: &str, body: &Json) {
    let key = "Api-Key sandbox0.sandboxsandboxsandboxsandboxsand";
    let headers = [("authorization", key), ("content-type", "application/json")];
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_string()));
    let target = format!("/licensespring{path}");
    let body = body.to_string().into_bytes();
    let reply = bench.sandbox.answer("POST", &target, headers.into(), body);
    assert_eq!(
        reply.status,
        201,
        "{:?}",
        String::from_utf8_lossy(&reply.body)
    );
}

#[tokio::test]
async fn a_plan_of_the_vendor_that_has_no_schedule_is_told_with_a_way_out() {
    for status in [402, 403, 404] {
        let bench = bench().await;
        set_switch(
            &bench,
            json!({"enterprise": false, "plan_refusal_status": status}),
        );
        let planned = plan_one(&bench, &license(json!([july(40)]))).await;
        assert_eq!(planned.action, Disposition::Error);
        let message = planned.message.expect("a reason");
        assert!(
            message.contains("available on the Enterprise plan only"),
            "{message}"
        );
        assert!(
            message.contains("without `policy.schedule: vendor`"),
            "{message}"
        );
        assert!(planned.fault.is_none(), "the connection is well");
        let without = Object {
            policy: json!({}),
            ..license(json!([july(40)]))
        };
        in_sync(&plan_one(&bench, &without).await);
    }
}

#[tokio::test]
async fn after_the_hour_live_is_as_desired_and_a_late_vendor_is_waited_for() {
    let mut bench = bench().await;
    let object = license(json!([july(40)]));
    apply(&bench, &object).await;
    set_switch(&bench, json!({"updates_wait": true}));
    move_to(&mut bench, at_the_hour);
    let planned = plan_one(&bench, &object).await;
    assert_eq!(
        (planned.action, planned.changes.len()),
        (Disposition::None, 0)
    );
    let message = planned.message.expect("a note");
    assert!(
        message.contains("is due, and not carried out yet"),
        "{message}"
    );
    move_to(&mut bench, hours_after);
    let planned = plan_one(&bench, &object).await;
    assert_eq!(paths(&planned), ["max_activations"], "drift as any other");
    let message = planned.message.expect("a note");
    assert!(
        message.contains("did not carry out the update"),
        "{message}"
    );
    set_switch(&bench, json!({"updates_wait": false}));
    in_sync(&plan_one(&bench, &object).await);
    assert_eq!(updates(&bench)[0]["status"], "applied");
}

#[tokio::test]
async fn an_update_that_fails_is_foreseen_told_and_made_up_for() {
    let mut bench = bench().await;
    let change = json!({"from": "2099-07-01", "desired": {
        "max_activations": 40, "product_features": [{"product_feature": "f1", "max_consumption": 300}]}});
    let object = license(json!([change]));
    apply(&bench, &object).await;
    take_feature(&bench, "f1");
    let planned = plan_one(&bench, &object).await;
    let found = warnings(&planned);
    assert!(
        found
            .iter()
            .any(|it| it.starts_with("update-will-fail") && it.contains("no product feature 171")),
        "{found:?}"
    );
    move_to(&mut bench, hours_after);
    let planned = plan_one(&bench, &object).await;
    let message = planned.message.clone().expect("a note");
    assert!(
        message.contains("failed: The license has no product feature 171."),
        "{message}"
    );
    assert!(paths(&planned).contains(&"max_activations".to_string()));
    assert_eq!(updates(&bench)[0]["status"], "failed");
    let report = only_report(bench.carry_out(plan(&bench, &object).await).await);
    assert_eq!(report.outcome, Some(Outcome::Converged), "{report:?}");
    in_sync(&plan_one(&bench, &object).await);
}

/// Takes a feature from the license, as somebody in the panel would.
fn take_feature(bench: &Bench, code: &str) {
    let mut account = state(bench);
    let licenses = account["licenses"].as_array_mut().expect("a list");
    let license = licenses.iter_mut().find(|license| license["id"] == LICENSE);
    let rows = license.expect("the license")["product_features"]
        .as_array_mut()
        .expect("a list");
    rows.retain(|row| row["product_feature"] != code);
    set_state(bench, account);
}

#[tokio::test]
async fn a_failed_update_that_is_still_to_come_gets_its_time_again() {
    for (reading, outcome) in [("any", Outcome::Converged), ("other", Outcome::Rejected)] {
        let bench = bench().await;
        set_switch(&bench, json!({"retry_time": reading}));
        let object = license(json!([july(40)]));
        apply(&bench, &object).await;
        let mut account = state(&bench);
        account["scheduled_updates"][0]["status"] = json!("failed");
        account["scheduled_updates"][0]["scheduled_update_data"][0]["error_message"] =
            json!("No seats left.");
        set_state(&bench, account);
        let planned = plan_one(&bench, &object).await;
        let note = planned.changes[0].note.clone().expect("a note");
        assert!(note.contains("since it failed: No seats left."), "{note}");
        let report = only_report(bench.carry_out(plan(&bench, &object).await).await);
        assert_eq!(report.outcome, Some(outcome), "{report:?}");
    }
}

#[tokio::test]
async fn updates_come_and_go_under_each_reading_of_the_pages() {
    for reading in [
        json!({"update_create_status": 200}),
        json!({"taken_hour": "any"}),
        json!({"scheduled_partner": "refuse"}),
        json!({"row_ids": "recreate", "period_spelling": "annually"}),
    ] {
        let bench = bench().await;
        set_switch(&bench, reading);
        let yearly = json!({"consumption_period": "annually", "product_features": [{"product_feature": "f1",
            "consumption_period": "annually"}]});
        let renewal = json!({"from": "2099-08-01", "desired": {"validity_period": "2100-07-01"}});
        let mut object = license(json!([{"from": "2099-07-01", "desired": yearly}, renewal]));
        object.desired["is_trial"] = json!(false);
        apply(&bench, &object).await;
        assert_eq!(
            warnings(&plan_one(&bench, &object).await),
            [""; 0],
            "nothing is foreseen to fail"
        );
        let mut none = license(json!([]));
        none.desired["is_trial"] = json!(false);
        apply(&bench, &none).await;
        apply(&bench, &object).await;
        let pending = updates(&bench)
            .into_iter()
            .filter(|it| it["status"] == "pending");
        assert_eq!(pending.count(), 2);
    }
}

#[tokio::test]
async fn a_partner_that_no_manifest_has_is_told_before_the_hour() {
    let bench = bench().await;
    set_switch(&bench, json!({"scheduled_partner": "refuse"}));
    let renewal = json!([{"from": "2099-08-01", "desired": {"validity_period": "2100-07-01"}}]);
    apply(&bench, &license(renewal.clone())).await;
    let found = warnings(&plan_one(&bench, &license(renewal)).await);
    assert!(
        found[0].starts_with("update-will-fail") && found[0].contains("is_trial"),
        "{found:?}"
    );
}

#[tokio::test]
async fn rows_of_a_set_leave_their_changes_to_the_vendor_too() {
    let bench = bench().await;
    let set = format!(
        "
apiVersion: entitle.dev/v1
kind: ObjectSet
metadata: {{name: all}}
spec:
  for: LicenseSpringLicense
  forEach: {{rows: [{{id: {LICENSE}, july: 40}}]}}
  template:
    metadata: {{name: 'license-{{id}}'}}
    spec:
      licenseId: {{column: id}}
      policy: {{schedule: vendor}}
      desired: {{max_activations: 10}}
      changes:
        - from: 2099-07-01
          desired: {{max_activations: {{column: july}}}}
"
    );
    let checked = bench.check_texts([("set.yaml", set)]);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    let planned = bench.pass(&checked).await.planned.remove(0);
    assert_eq!(paths(&planned), ["scheduled_updates[2099-07-01T00:00:00Z]"]);
}

#[tokio::test]
async fn no_fault_makes_a_second_update_or_hides_the_first() {
    for part in ["POST", "simulate", "order_by"] {
        // The last is refused and told at once, the others are tried again.
        for fault in 0..4 {
            if part == "order_by" && fault < 3 {
                continue;
            }
            let mut bench = bench().await;
            let object = license(json!([july(40)]));
            if part != "POST" {
                apply(&bench, &object).await;
            }
            bench
                .spoil(move |count, passed| {
                    let is_it = match part {
                        "POST" => passed.is_write(),
                        part => passed.path().contains(part),
                    };
                    let status = if part == "POST" { 500 } else { 400 };
                    let broken = || Canned::new(status, "application/json", "{\"detail\": \"x\"}");
                    (is_it && count < 12).then(|| match fault {
                        0 => Spoil::CutAfter,
                        1 => Spoil::CutShort,
                        2 => Spoil::After(broken()),
                        _ => Spoil::Instead(broken()),
                    })
                })
                .await;
            let pass = plan(&bench, &object).await;
            let planned = &pass.planned[0];
            match part {
                "simulate" => in_sync(planned),
                "order_by" => assert!(planned.action != Disposition::Update, "{planned:?}"),
                _ => {
                    bench.carry_out(pass).await;
                }
            }
            bench.proxy = None;
            let all = updates(&bench);
            assert!(all.len() <= 1, "{part} {fault}: {all:?}");
        }
    }
}

#[tokio::test]
async fn ours_is_found_among_many_in_whatever_order_the_vendor_lists_them() {
    for order in ["word", "listed"] {
        let bench = bench().await;
        set_switch(&bench, json!({"status_order": order}));
        let object = license(json!([july(40)]));
        apply(&bench, &object).await;
        let mut account = state(&bench);
        let all = account["scheduled_updates"].as_array_mut().expect("a list");
        let ours = all[0].clone();
        for id in 2..=250 {
            let mut other = ours.clone();
            other["id"] = json!(id);
            other["status"] = json!(["applied", "cancelled"][id % 2]);
            all.push(other);
        }
        set_state(&bench, account);
        bench.sandbox.forget_requests();
        in_sync(&plan_one(&bench, &object).await);
        let lists = bench
            .reads()
            .iter()
            .filter(|read| read.contains("order_by"))
            .count();
        assert_eq!(lists, if order == "word" { 1 } else { 3 });
    }
}

#[tokio::test]
async fn a_run_without_the_policy_asks_for_no_update() {
    let bench = bench().await;
    let object = Object {
        policy: json!({}),
        ..license(json!([july(40)]))
    };
    in_sync(&plan_one(&bench, &object).await);
    assert_eq!(bench.reads().len(), 1, "{:?}", bench.reads());
}
