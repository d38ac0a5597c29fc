//! Policies of an object, and the guard on runs that nobody watches.

use entitle::apply::Outcome;
use entitle::model::{Risk, RiskRule};
use entitle::plan::Disposition;
use serde_json::json;

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, Object, converged, only_report, paths};

for_every_vendor!(
    an_observed_object_is_planned_and_never_written,
    a_suspended_object_is_not_even_read,
    a_safe_change_goes_unattended,
    a_risky_change_goes_unattended_only_where_it_is_allowed,
    a_refused_object_stops_no_other,
);

async fn an_observed_object_is_planned_and_never_written(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    let object = vendor.little(0, true).policy(json!({"mode": "observe"}));
    let pass = bench.pass(&bench.check(&[object])).await;
    assert_eq!(pass.planned[0].action, Disposition::Observe);
    assert_eq!(paths(&pass.planned[0]), [(vendor.change)().0]);
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, None);
    assert_eq!(bench.writes(), [""; 0]);
    assert_eq!(vendor.state(&bench), before);
}

async fn a_suspended_object_is_not_even_read(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let suspended = |n| vendor.little(n, true).policy(json!({"mode": "suspend"}));
    let pass = bench
        .pass(&bench.check(&[suspended(0), suspended(1)]))
        .await;
    for planned in &pass.planned {
        assert_eq!(
            (planned.action, paths(planned)),
            (Disposition::Suspend, Vec::new())
        );
    }
    for report in bench.carry_out(pass).await {
        assert_eq!(report.outcome, None);
    }
    assert_eq!(bench.sandbox.requests(), [], "not even a login");

    let alone = bench.plan(&[vendor.little(1, false)]).await.len();
    let reads = bench.reads();
    bench.sandbox.forget_requests();
    let planned = bench.plan(&[suspended(0), vendor.little(1, false)]).await;
    assert_eq!(
        bench.reads(),
        reads,
        "as if the suspended one were not there"
    );
    assert_eq!((alone, planned.len()), (1, 2));
}

async fn a_safe_change_goes_unattended(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    assert_eq!(pass.document.objects[0].risk(), Risk::Safe);
    converged(&only_report(bench.carry_out_alone(pass, Risk::Safe).await));
}

/// The first object without the first element of its first list; where nothing is a list, with the first of its pairs.
fn risky(vendor: &Vendor) -> Object {
    let mut desired = (vendor.full)();
    match (vendor.lists)().first() {
        Some((list, _)) => {
            let items = desired[*list].as_array_mut();
            items.expect("a list of the full manifest").remove(0);
        }
        None => (vendor.pairs)()[0].edit(vendor.table(), &mut desired),
    }
    vendor.object(0, desired)
}

/// Whether a change of any field of the kind can take something away.
fn takes_away(vendor: &Vendor) -> bool {
    let mut fields = vendor.resource().table().desired.iter();
    fields.any(|field| field.risk != RiskRule::Safe)
}

async fn a_risky_change_goes_unattended_only_where_it_is_allowed(vendor: &'static Vendor) {
    if !takes_away(vendor) {
        return;
    }
    let bench = Bench::new().await;
    let run = async |object: Object, accepted: Risk| {
        vendor.load(&bench, (vendor.account)(3));
        let pass = bench.pass(&bench.check(&[object])).await;
        let risk = pass.document.objects[0].risk();
        let reports = bench.carry_out_alone(pass, accepted).await;
        (risk, only_report(reports))
    };
    let (risk, refused) = run(risky(vendor), Risk::Safe).await;
    assert_ne!(risk, Risk::Safe);
    assert_eq!(refused.outcome, Some(Outcome::Refused));
    let message = refused.message.expect("a refusal says what it needs");
    assert!(message.contains(&format!("--allow {risk}")), "{message}");
    assert_eq!(bench.writes(), [""; 0]);

    let (_, allowed) = run(risky(vendor), risk).await;
    converged(&allowed);
    let by_policy = risky(vendor).policy(json!({"allow": [risk.to_string()]}));
    converged(&run(by_policy, Risk::Safe).await.1);
    if risk == Risk::Strand {
        let (_, refused) = run(risky(vendor), Risk::Reduce).await;
        assert_eq!(refused.outcome, Some(Outcome::Refused));
    }
}

async fn a_refused_object_stops_no_other(vendor: &'static Vendor) {
    if !takes_away(vendor) {
        return;
    }
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let objects = [
        risky(vendor),
        vendor.little(1, true),
        vendor.little(2, true),
    ];
    let pass = bench.pass(&bench.check(&objects)).await;
    let reports = bench.carry_out_alone(pass, Risk::Safe).await;
    assert_eq!(reports[0].outcome, Some(Outcome::Refused));
    converged(&reports[1]);
    converged(&reports[2]);
    assert_eq!(bench.writes().len(), 2);
}
