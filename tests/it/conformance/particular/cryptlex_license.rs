//! Licences of Cryptlex: two calls for one object, two kinds for one licence, keys that are secrets.

use entitle::apply::Outcome;
use entitle::model::Risk;
use serde_json::{Value as Json, json};

use crate::conformance::vendors::cryptlex::VENDOR as ORGANIZATION_LICENSE;
use crate::conformance::vendors::cryptlex_license::VENDOR;
use crate::support::bench::{Bench, Object, converged, in_sync, only_report};
use crate::support::proxy::{Canned, Passed, Spoil};

const SETTINGS: &str = "/v3/licenses/5d0e3c52-8a44-4b6f-9d0f-000000000000";

/// A licence that gets more activations and another year: a change for each of its calls.
fn extended() -> Object {
    VENDOR.object(
        0,
        json!({"allowedActivations": 80, "expiresAt": "2028-03-05T10:00:17Z"}),
    )
}

/// The calls of that change, as the sandbox sees them.
fn calls() -> [String; 2] {
    ["", "/expires-at"].map(|end| format!("PATCH /cryptlex{SETTINGS}{end}"))
}

#[tokio::test]
async fn settings_and_expiry_are_two_calls_and_no_read_between_them() {
    let bench = Bench::new().await;
    VENDOR.load(&bench, (VENDOR.account)(3));
    let before = VENDOR.state(&bench);
    converged(&only_report(bench.apply(&[extended()]).await));
    assert_eq!(bench.writes(), calls());
    // The plan alone: nothing was read around the writes.
    let reads = bench.reads();
    assert_eq!(reads.len(), 1, "{reads:?}");
    let account = VENDOR.state(&bench);
    let changed = ["allowedActivations", "expiresAt"];
    VENDOR.rest_is_as_before(&before, &account, 0, &changed);
    let expires = &VENDOR.stored(&account, 0)["expiresAt"];
    assert_eq!(expires, "2028-03-05T10:00:17.0000000Z");
    in_sync(&bench.plan(&[extended()]).await[0]);
}

#[tokio::test]
async fn each_of_the_calls_may_fail_once_in_every_way() {
    type Kind = (&'static str, fn() -> Spoil);
    let kinds: [Kind; 5] = [
        ("500", || Spoil::Instead(spoiled(500))),
        ("429", || Spoil::Instead(spoiled(429))),
        ("cut off before", || Spoil::CutBefore),
        ("cut off after", || Spoil::CutAfter),
        ("500 though carried out", || Spoil::After(spoiled(500))),
    ];
    for at in 0..2 {
        for (name, spoil) in kinds {
            let writes = std::sync::atomic::AtomicUsize::new(0);
            let rule = move |_: usize, passed: &Passed| {
                let number = passed
                    .is_write()
                    .then(|| writes.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                (number == Some(at)).then(spoil)
            };
            let bench = Bench::spoiled(rule).await;
            VENDOR.load(&bench, (VENDOR.account)(3));
            let before = VENDOR.state(&bench);
            let what = format!("write {at}: {name}");
            let report = only_report(bench.apply(&[extended()]).await);
            assert_eq!(
                report.outcome,
                Some(Outcome::Converged),
                "{what}: {:?}",
                report.message
            );
            assert_eq!(bench.writes(), calls(), "{what}");
            let account = VENDOR.state(&bench);
            let changed = ["allowedActivations", "expiresAt"];
            VENDOR.rest_is_as_before(&before, &account, 0, &changed);
        }
    }
}

fn spoiled(status: u16) -> Canned {
    Canned::new(status, "application/json", r#"{"message":"spoiled"}"#)
}

#[tokio::test]
async fn a_refused_expiry_says_what_was_carried_out_before() {
    let refuse = |_: usize, passed: &Passed| {
        let is_expiry = passed.is_write() && passed.name.ends_with("/expires-at");
        let body = r#"{"message":"The license has been renewed."}"#;
        is_expiry.then(|| Spoil::Instead(Canned::new(400, "application/json", body)))
    };
    let bench = Bench::spoiled(refuse).await;
    VENDOR.load(&bench, (VENDOR.account)(3));
    let before = VENDOR.state(&bench);
    let report = only_report(bench.apply(&[extended()]).await);
    assert_eq!(report.outcome, Some(Outcome::Rejected));
    let message = report.message.unwrap_or_default();
    assert!(
        message.contains("The license has been renewed."),
        "{message}"
    );
    assert!(
        message.contains(&format!("carried out before: PATCH {SETTINGS}")),
        "{message}"
    );
    let left: Vec<String> = report.residual.iter().map(|it| it.path.clone()).collect();
    assert_eq!(left, ["expiresAt"]);
    let account = VENDOR.state(&bench);
    VENDOR.rest_is_as_before(&before, &account, 0, &["allowedActivations"]);
}

#[tokio::test]
async fn what_stops_or_strands_a_licence_needs_permission() {
    for (desired, risk, users) in [
        (json!({"suspended": true}), Risk::Strand, None),
        (json!({"revoked": true}), Risk::Strand, None),
        (json!({"allowedActivations": 30}), Risk::Strand, Some(1)),
        (json!({"allowedActivations": 40}), Risk::Reduce, None),
        (
            json!({"expiresAt": "2026-11-20T00:00:00Z"}),
            Risk::Strand,
            None,
        ),
        (
            json!({"expiresAt": "2026-12-31T00:00:00Z"}),
            Risk::Reduce,
            None,
        ),
        (json!({"allowedActivations": -1}), Risk::Safe, None),
    ] {
        let bench = Bench::new().await;
        VENDOR.load(&bench, (VENDOR.account)(3));
        let pass = bench
            .pass(&bench.check(&[VENDOR.object(0, desired.clone())]))
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
async fn a_licence_is_removed_for_good_only_where_that_is_allowed() {
    let mut retired = VENDOR.object(0, json!({}));
    retired.ids["state"] = json!("absent");
    let bench = Bench::new().await;
    VENDOR.load(&bench, (VENDOR.account)(3));
    for (accepted, outcome, calls) in [
        (Risk::Strand, Outcome::Refused, 0),
        (Risk::Destroy, Outcome::Converged, 1),
    ] {
        let pass = bench.pass(&bench.check(&[retired.clone()])).await;
        let report = only_report(bench.carry_out_alone(pass, accepted).await);
        assert_eq!(report.outcome, Some(outcome), "{:?}", report.message);
        assert_eq!(bench.writes().len(), calls);
    }
    assert_eq!(bench.writes(), [format!("DELETE /cryptlex{SETTINGS}")]);
    let licenses = &VENDOR.state(&bench)["organizations"][0]["licenses"];
    assert_eq!(licenses.as_array().map(Vec::len), Some(2));
    in_sync(&bench.plan(&[retired]).await[0]);
}

#[tokio::test]
async fn both_kinds_of_one_licence_are_written_side_by_side() {
    let bench = Bench::new().await;
    VENDOR.load(&bench, (VENDOR.account)(3));
    let objects = [VENDOR.little(0, true), ORGANIZATION_LICENSE.little(0, true)];
    for report in bench.apply(&objects).await {
        converged(&report);
        assert!(report.side_effects.is_empty(), "{:?}", report.side_effects);
    }
    assert_eq!(bench.writes().len(), 2);
    for planned in &bench.plan(&objects).await {
        in_sync(planned);
    }
}

#[tokio::test]
async fn two_thousand_licences_cost_their_pages_and_no_refusal() {
    let bench = Bench::new().await;
    VENDOR.load(&bench, (VENDOR.account)(2_000));
    let strict = json!({"rate_limit": true});
    bench
        .sandbox
        .set_switches(VENDOR.name, strict)
        .expect("a switch of the simulator");
    let objects: Vec<_> = (0..2_000).map(|n| VENDOR.little(n, false)).collect();
    for planned in &bench.plan(&objects).await {
        in_sync(planned);
    }
    assert_eq!(bench.reads().len(), 20, "{:#?}", bench.reads());
}

#[tokio::test]
async fn keys_of_licences_reach_nothing() {
    let bench = Bench::new().await;
    VENDOR.load(&bench, (VENDOR.account)(3));
    let pass = bench.pass(&bench.check(&[extended()])).await;
    let document: Json = serde_json::to_value(&pass.document).expect("JSON");
    assert!(!document.to_string().contains("SECRET"), "{document}");
    let reports = bench.carry_out(pass).await;
    converged(&reports[0]);
    assert!(!format!("{reports:?}").contains("SECRET"));
}
