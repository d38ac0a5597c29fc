//! LicenseSpring: a counter that moves with use, members that are not shown, features left out in silence.

use entitle::apply::Outcome;
use entitle::model::Risk;
use serde_json::{Value as Json, json};

use crate::conformance::vendors::licensespring;
use crate::support::bench::{Bench, Object, converged, in_sync, only_report, paths};
use crate::support::proxy::{Canned, Passed, Spoil};
use crate::support::pure;

#[tokio::test]
async fn use_between_plan_and_apply_is_not_rolled_back() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let mut account = vendor.state(&bench);
    for row in [0, 1] {
        account["licenses"][0]["product_features"][row]["total_consumptions"] = json!(200 + row);
    }
    vendor.load(&bench, account);
    let before = vendor.state(&bench);
    converged(&only_report(bench.carry_out(pass).await));
    let after = vendor.state(&bench);
    vendor.rest_is_as_before(
        &before,
        &after,
        0,
        &["product_features[f1].max_consumption"],
    );
    let rows = &vendor.stored(&after, 0)["product_features"];
    assert_eq!(rows[0]["total_consumptions"], 200);
    assert_eq!(rows[1]["total_consumptions"], 201);
}

#[tokio::test]
async fn use_after_an_old_plan_does_not_make_it_stale() {
    let vendor = &licensespring::VENDOR;
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let mut account = vendor.state(&bench);
    account["licenses"][0]["product_features"][1]["total_consumptions"] = json!(49);
    vendor.load(&bench, account);
    bench.clock = || pure::now() + jiff::SignedDuration::from_mins(5);
    converged(&only_report(bench.carry_out(pass).await));
    let after = vendor.state(&bench);
    assert_eq!(
        vendor.stored(&after, 0)["product_features"][1]["total_consumptions"],
        49
    );
}

#[tokio::test]
async fn members_that_are_not_shown_are_no_reason_to_write() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let set = bench
        .sandbox
        .set_switches(vendor.name, json!({"row_members": "page"}));
    set.expect("a switch");
    let before = vendor.state(&bench);
    let (path, _) = (vendor.change)();
    assert_eq!(bench.round(&[vendor.little(0, true)]).await, [path]);
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &[path]);
}

#[tokio::test]
async fn a_feature_that_is_silently_left_out_is_not_taken_for_done() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let set = bench
        .sandbox
        .set_switches(vendor.name, json!({"unknown_feature": "ignore"}));
    set.expect("a switch");
    let mut object = vendor.little(0, false);
    let items = object.desired["product_features"]
        .as_array_mut()
        .expect("a list");
    items.push(json!({"product_feature": "f99", "max_consumption": 5}));
    let report = only_report(bench.apply(&[object]).await);
    let message = report.message.unwrap_or_default();
    assert_eq!(report.outcome, Some(Outcome::Unconverged), "{message}");
    assert!(message.contains("f99"), "{message}");
}

#[tokio::test]
async fn a_feature_in_use_is_not_taken_away_unnoticed() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let mut object = vendor.little(0, false);
    object.desired =
        json!({"product_features": [{"product_feature": "f3", "max_consumption": 10}]});
    let pass = bench.pass(&bench.check(&[object])).await;
    let planned = &pass.planned[0];
    let notes: Vec<_> = planned
        .changes
        .iter()
        .map(|c| (c.path.to_string(), c.risk, c.note.clone()))
        .collect();
    assert_eq!(
        notes,
        [
            (
                "product_features[f3].max_consumption".into(),
                Risk::Reduce,
                None
            ),
            (
                "product_features[f1]".into(),
                Risk::Strand,
                Some("removed, 180 in use".into())
            ),
        ]
    );
    let report = only_report(bench.carry_out_alone(pass, Risk::Reduce).await);
    assert_eq!(report.outcome, Some(Outcome::Refused));
}

#[tokio::test]
async fn keys_and_passwords_reach_nothing() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let document = serde_json::to_string(&pass.document).expect("JSON");
    assert!(!document.contains("SECRET"), "{document}");
    let reports = bench.carry_out(pass).await;
    assert!(!format!("{reports:?}").contains("SECRET"));
}

/// Three licenses, of which a row of the first has something set that the list write cannot name.
async fn with_unnamed(member: &str, value: Json, omitted: &str) -> Bench {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    let mut account = (vendor.account)(3);
    account["licenses"][0]["product_features"][0][member] = value;
    vendor.load(&bench, account);
    let set = bench
        .sandbox
        .set_switches(vendor.name, json!({"omitted": omitted}));
    set.expect("a switch");
    bench
}

/// The members that the write of the list cannot name, each with a value.
fn unnamed_members() -> [(&'static str, Json); 3] {
    [
        ("allow_unlimited_consumptions", json!(true)),
        ("allow_negative_consumptions", json!(true)),
        ("valid_duration", json!("1y")),
    ]
}

#[tokio::test]
async fn rows_are_written_by_themselves_where_the_list_would_lose_a_member() {
    let vendor = &licensespring::VENDOR;
    for (member, value) in unnamed_members() {
        // Whether a row that the list writes keeps it or not.
        for omitted in ["keep", "redefault"] {
            let bench = with_unnamed(member, value.clone(), omitted).await;
            let before = vendor.state(&bench);
            // A change of each row, and a second one of the first.
            let mut object = vendor.little(0, true);
            object.desired["product_features"][0]["allow_overages"] = json!(false);
            object.desired["product_features"][1]["max_consumption"] = json!(60);
            let reports = bench.apply(&[object.clone(), vendor.little(1, true)]).await;
            reports.iter().for_each(converged);
            let account = vendor.state(&bench);
            let row = |at: usize| {
                let id = &account["licenses"][0]["product_features"][at]["id"];
                format!("PATCH /licensespring/api/v1/license-product-features/{id}/")
            };
            let list = "POST /licensespring/api/v1/licenses/9007199254740995/update_features/";
            let mut writes = bench.writes();
            writes.sort();
            assert_eq!(writes, [row(0), row(1), list.into()]);
            let mut account = account;
            account["licenses"][1] = before["licenses"][1].clone();
            let changed = [
                "product_features[f1].max_consumption",
                "product_features[f1].allow_overages",
                "product_features[f3].max_consumption",
            ];
            vendor.rest_is_as_before(&before, &account, 0, &changed);
            assert_eq!(
                vendor.stored(&account, 0)["product_features"][0][member],
                value
            );
            in_sync(&bench.plan(&[object]).await[0]);
        }
    }
}

#[tokio::test]
async fn what_needs_the_list_is_refused_where_the_list_would_lose_a_member() {
    let vendor = &licensespring::VENDOR;
    let rows = |rows: Json| json!({ "product_features": rows });
    let (f1, f3) = (
        json!({"product_feature": "f1"}),
        json!({"product_feature": "f3"}),
    );
    let added = json!({"product_feature": "f2", "max_consumption": 20});
    let with = |member: &str, value: Json| {
        let mut row = f1.clone();
        row[member] = value;
        row["max_consumption"] = json!(500);
        rows(json!([row, f3]))
    };
    for (member, value) in unnamed_members() {
        for desired in [
            rows(json!([f1, f3, added])),
            rows(json!([f1])),
            with("total_consumptions", json!(0)),
            with("floating_users", json!(30)),
            with("expiry_date", Json::Null),
        ] {
            let bench = with_unnamed(member, value.clone(), "keep").await;
            let before = vendor.state(&bench);
            let reports = bench
                .apply(&[vendor.object(0, desired.clone()), vendor.little(1, true)])
                .await;
            let message = reports[0].message.clone().unwrap_or_default();
            assert_eq!(
                reports[0].outcome,
                Some(Outcome::Failed),
                "{desired}: {message}"
            );
            assert!(
                message.contains(member) && message.contains("nothing is sent"),
                "{message}"
            );
            converged(&reports[1]);
            assert_eq!(bench.writes().len(), 1);
            let after = vendor.state(&bench);
            assert_eq!(vendor.stored(&after, 0), vendor.stored(&before, 0));
        }
    }
}

#[tokio::test]
async fn each_write_of_a_row_may_fail_once_in_every_way() {
    type Kind = (&'static str, fn() -> Spoil);
    let kinds: [Kind; 4] = [
        ("500", || {
            Spoil::Instead(Canned::new(500, "application/json", "{}"))
        }),
        ("cut off before", || Spoil::CutBefore),
        ("cut off after", || Spoil::CutAfter),
        ("500 though carried out", || {
            Spoil::After(Canned::new(500, "application/json", "{}"))
        }),
    ];
    let vendor = &licensespring::VENDOR;
    for at in 0..3 {
        for (name, spoil) in kinds {
            let writes = std::sync::atomic::AtomicUsize::new(0);
            let rule = move |_: usize, passed: &Passed| {
                let number = passed
                    .is_write()
                    .then(|| writes.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                (number == Some(at)).then(spoil)
            };
            let bench = Bench::spoiled(rule).await;
            let mut account = (vendor.account)(3);
            account["licenses"][0]["product_features"][1]["valid_duration"] = json!("1y");
            vendor.load(&bench, account);
            let mut object = vendor.little(0, true);
            object.desired["product_features"][1]["max_consumption"] = json!(60);
            object.desired["max_activations"] = json!(12);
            let report = only_report(bench.apply(&[object]).await);
            let what = format!("write {at}: {name}: {:?}", report.message);
            assert_eq!(report.outcome, Some(Outcome::Converged), "{what}");
            assert_eq!(bench.writes().len(), 3, "{what}");
            let after = vendor.state(&bench);
            assert_eq!(
                vendor.stored(&after, 0)["product_features"][1]["valid_duration"],
                "1y"
            );
        }
    }
}

#[tokio::test]
async fn a_row_that_goes_may_have_what_it_has() {
    let vendor = &licensespring::VENDOR;
    let bench = with_unnamed("valid_duration", json!("1y"), "keep").await;
    let mut object = vendor.little(0, false);
    let items = object.desired["product_features"].as_array_mut();
    items.expect("a list").remove(0);
    let report = only_report(bench.apply(&[object]).await);
    converged(&report);
}

#[tokio::test]
async fn a_member_that_no_write_names_and_that_moves_with_one_is_told() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    let mut account = (vendor.account)(3);
    account["product_features"][0]["allow_unlimited_consumptions"] = json!(true);
    vendor.load(&bench, account);
    let set = bench
        .sandbox
        .set_switches(vendor.name, json!({"omitted": "redefault"}));
    set.expect("a switch");
    let report = only_report(bench.apply(&[vendor.little(0, true)]).await);
    assert_eq!(
        report.outcome,
        Some(Outcome::Converged),
        "{:?}",
        report.message
    );
    assert_eq!(
        report.side_effects,
        ["product_features[f1].allow_unlimited_consumptions nothing → true"]
    );
}

const LICENSE: &str = "/api/v1/licenses/9007199254740993/";

/// A license that gets more uses and devices and is disabled: a change for each of its calls.
fn changed_in_all_calls() -> Object {
    let vendor = &licensespring::VENDOR;
    let mut object = vendor.little(0, true);
    object.desired["max_activations"] = json!(12);
    object.desired["trial_days"] = json!(45);
    object.desired["enabled"] = json!(false);
    object
}

/// The writes of that change, as the sandbox sees them.
fn calls() -> [String; 3] {
    let call = |method, end| format!("{method} /licensespring{LICENSE}{end}");
    [
        call("POST", "update_features/"),
        call("PATCH", ""),
        call("POST", "disable/"),
    ]
}

const CHANGED: [&str; 6] = [
    "product_features[f1].max_consumption",
    "max_activations",
    "trial_days",
    "enabled",
    // The server moves these along.
    "status",
    "time_disabled",
];

#[tokio::test]
async fn features_settings_and_the_switch_are_three_calls_in_this_order() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    let pass = bench.pass(&bench.check(&[changed_in_all_calls()])).await;
    let bodies: Vec<_> = { pass.document.objects[0].calls.iter() }
        .map(|call| call.body.clone())
        .collect();
    assert_eq!(
        bodies[1..],
        [
            json!({"max_activations": 12, "is_trial": false, "trial_days": 45}),
            Json::Null
        ]
    );
    bench.sandbox.forget_requests();
    let report = only_report(bench.carry_out(pass).await);
    converged(&report);
    assert_eq!(report.side_effects, [""; 0]);
    assert_eq!(bench.writes(), calls());
    // Before the list, which replaces all, and after the switch, whose reply is a message.
    let reads = bench.reads();
    assert_eq!(reads.len(), 2, "{reads:?}");
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &CHANGED);
    in_sync(&bench.plan(&[changed_in_all_calls()]).await[0]);
}

#[tokio::test]
async fn each_of_the_three_calls_may_fail_once_in_every_way() {
    type Kind = (&'static str, fn() -> Spoil);
    let kinds: [Kind; 5] = [
        ("500", || {
            Spoil::Instead(Canned::new(500, "application/json", "{}"))
        }),
        ("429", || {
            Spoil::Instead(Canned::new(429, "application/json", "{}"))
        }),
        ("cut off before", || Spoil::CutBefore),
        ("cut off after", || Spoil::CutAfter),
        ("500 though carried out", || {
            Spoil::After(Canned::new(500, "application/json", "{}"))
        }),
    ];
    let vendor = &licensespring::VENDOR;
    for at in 0..3 {
        for (name, spoil) in kinds {
            let writes = std::sync::atomic::AtomicUsize::new(0);
            let rule = move |_: usize, passed: &Passed| {
                let number = passed
                    .is_write()
                    .then(|| writes.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                (number == Some(at)).then(spoil)
            };
            let bench = Bench::spoiled(rule).await;
            vendor.load(&bench, (vendor.account)(3));
            let before = vendor.state(&bench);
            let report = only_report(bench.apply(&[changed_in_all_calls()]).await);
            let what = format!("write {at}: {name}: {:?}", report.message);
            assert_eq!(report.outcome, Some(Outcome::Converged), "{what}");
            assert_eq!(bench.writes(), calls(), "{what}");
            vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &CHANGED);
        }
    }
}

#[tokio::test]
async fn a_refused_setting_leaves_the_license_enabled_and_says_what_was_done() {
    let vendor = &licensespring::VENDOR;
    let refuse = |_: usize, passed: &Passed| {
        let body = r#"{"trial_days":["Ensure this value is less than or equal to 30."]}"#;
        let is_settings = passed.is_write() && passed.name.starts_with("PATCH");
        is_settings.then(|| Spoil::Instead(Canned::new(400, "application/json", body)))
    };
    let bench = Bench::spoiled(refuse).await;
    vendor.load(&bench, (vendor.account)(3));
    let report = only_report(bench.apply(&[changed_in_all_calls()]).await);
    assert_eq!(report.outcome, Some(Outcome::Rejected));
    let message = report.message.unwrap_or_default();
    let done = format!("carried out before: POST {LICENSE}update_features/");
    assert!(
        message.contains("less than or equal to 30") && message.contains(&done),
        "{message}"
    );
    let left: Vec<String> = report.residual.iter().map(|it| it.path.clone()).collect();
    assert_eq!(left, ["max_activations", "trial_days", "enabled"]);
    assert_eq!(vendor.stored(&vendor.state(&bench), 0)["enabled"], true);
}

#[tokio::test]
async fn the_partner_of_a_setting_goes_along_and_is_never_written_over() {
    let vendor = &licensespring::VENDOR;
    for (member, value, partner) in [
        ("trial_days", json!(45), "is_trial"),
        ("validity_period", json!("2028-02-29"), "is_trial"),
        ("valid_duration", json!("35d"), "is_trial"),
        (
            "maintenance_duration",
            json!("2y"),
            "enable_maintenance_period",
        ),
        (
            "maintenance_period",
            json!("2028-06-30"),
            "enable_maintenance_period",
        ),
    ] {
        let bench = Bench::new().await;
        let mut account = (vendor.account)(3);
        account["licenses"][0]["is_trial"] = json!(true);
        vendor.load(&bench, account);
        let object = vendor.object(0, json!({ member: value }));
        let pass = bench
            .pass(&bench.check(std::slice::from_ref(&object)))
            .await;
        assert_eq!(
            paths(&pass.planned[0]),
            [member],
            "the partner is no change"
        );
        let body = &pass.document.objects[0].calls[0].body;
        assert_eq!(body, &json!({ member: value, partner: true }));
        // Somebody turns the partner before the write: what was read must not go over it.
        let mut account = vendor.state(&bench);
        account["licenses"][0][partner] = json!(false);
        vendor.load(&bench, account);
        let report = only_report(bench.carry_out(pass).await);
        assert_eq!(
            report.outcome,
            Some(Outcome::Stale),
            "{member}: {:?}",
            report.message
        );
        assert_eq!(bench.writes(), [""; 0]);
        let report = only_report(bench.apply(&[object]).await);
        converged(&report);
        let stored = vendor.state(&bench);
        let stored = vendor.stored(&stored, 0);
        assert_eq!((&stored[member], &stored[partner]), (&value, &json!(false)));
    }
}

#[tokio::test]
async fn what_takes_a_license_away_needs_permission() {
    let vendor = &licensespring::VENDOR;
    for (desired, risk, users) in [
        (json!({"enabled": false}), Risk::Strand, None),
        (json!({"max_activations": 2}), Risk::Strand, Some(1)),
        (json!({"max_activations": 3}), Risk::Reduce, None),
        (json!({"max_consumptions": 200}), Risk::Strand, Some(17)),
        (json!({"validity_period": "2026-11-20"}), Risk::Strand, None),
        (json!({"validity_period": "2027-12-30"}), Risk::Reduce, None),
        (json!({"valid_duration": "9y"}), Risk::Reduce, None),
        (json!({"maintenance_duration": "11m"}), Risk::Reduce, None),
        (json!({"is_trial": true}), Risk::Reduce, None),
        (json!({"is_floating": true}), Risk::Reduce, None),
        (json!({"prevent_vm": true}), Risk::Reduce, None),
        (json!({"max_transfers": -1}), Risk::Reduce, None),
        (json!({"max_transfers": 0}), Risk::Safe, None),
        (json!({"max_license_users": 5}), Risk::Safe, None),
    ] {
        let bench = Bench::new().await;
        vendor.load(&bench, (vendor.account)(3));
        let pass = bench
            .pass(&bench.check(&[vendor.object(0, desired.clone())]))
            .await;
        let change = &pass.planned[0].changes[0];
        assert_eq!((change.risk, change.users), (risk, users), "{desired}");
        let report = only_report(bench.carry_out_alone(pass, Risk::Safe).await);
        let written = usize::from(risk == Risk::Safe);
        assert_eq!(
            bench.writes().len(),
            written,
            "{desired}: {:?}",
            report.message
        );
    }
}

#[tokio::test]
async fn a_setting_changes_though_a_row_cannot_be_named() {
    let vendor = &licensespring::VENDOR;
    let bench = with_unnamed("valid_duration", json!("1y"), "redefault").await;
    let mut object = vendor.little(0, false);
    object.desired["max_activations"] = json!(12);
    converged(&only_report(bench.apply(&[object]).await));
    let stored = &vendor.state(&bench)["licenses"][0]["product_features"][0];
    assert_eq!(stored["valid_duration"], "1y");
}
