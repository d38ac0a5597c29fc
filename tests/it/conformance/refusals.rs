//! What a vendor refuses, what it does not have, and that neither stops anything else.

use entitle::apply::Outcome;
use entitle::plan::Disposition;

use super::vendors::{Refusal, Vendor, for_every_vendor};
use crate::support::bench::{Bench, Object, converged, in_sync, paths as changed};
use crate::support::paths;

for_every_vendor!(
    a_refusal_is_reported_in_the_vendors_words,
    a_refusal_stops_no_other_object,
    an_object_that_is_not_there_stops_no_other,
    what_is_not_there_is_missing_and_no_error,
);

fn refused(vendor: &Vendor, refusal: &Refusal) -> Object {
    let mut desired = (vendor.full)();
    paths::set(vendor.table(), &mut desired, refusal.path, &refusal.value);
    vendor.object(0, desired)
}

/// The line of a manifest on which a field stands.
fn line_of(object: &Object, field: &str) -> usize {
    let text = object.text();
    let member = format!("\"{field}\":");
    let position = |start: usize, member: &str| {
        let mut lines = text.lines().enumerate().skip(start);
        let at = lines.find(|(_, line)| line.trim_start().starts_with(member));
        at.map(|(at, _)| at)
    };
    // The object has a name too.
    let desired = position(0, "\"desired\":").unwrap_or_default();
    let at = position(desired, &member);
    at.expect("the field stands in the manifest") + 1
}

async fn a_refusal_is_reported_in_the_vendors_words(vendor: &'static Vendor) {
    for refusal in (vendor.refusals)() {
        let bench = Bench::new().await;
        vendor.load(&bench, (vendor.account)(3));
        let switched = bench
            .sandbox
            .set_switches(vendor.name, refusal.switches.clone());
        switched.expect("known switches");
        let before = vendor.state(&bench);
        let object = refused(vendor, &refusal);
        let reports = bench.apply(std::slice::from_ref(&object)).await;
        let message = reports[0].message.clone().unwrap_or_default();
        let what = refusal.what;
        assert_eq!(
            reports[0].outcome,
            Some(Outcome::Rejected),
            "{what}: {message}"
        );
        assert!(message.contains(refusal.words), "{what}: {message}");
        if refusal.names_line {
            let place = format!("object-0000.yaml:{}", line_of(&object, refusal.path));
            assert!(
                message.contains(&place),
                "{what}: {message} should name {place}"
            );
        }
        assert_eq!(
            bench.writes().len(),
            1,
            "{what}: a refusal is not asked for again"
        );
        assert_eq!(vendor.state(&bench), before);
    }
}

async fn a_refusal_stops_no_other_object(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(20));
    let refusal = (vendor.refusals)().swap_remove(0);
    let switched = bench
        .sandbox
        .set_switches(vendor.name, refusal.switches.clone());
    switched.expect("known switches");
    let mut objects: Vec<Object> = (1..20).map(|n| vendor.little(n, true)).collect();
    objects.push(refused(vendor, &refusal));
    for report in bench.apply(&objects).await {
        if report.planned.desired.address.name == "object-0000" {
            assert_eq!(report.outcome, Some(Outcome::Rejected));
        } else {
            converged(&report);
        }
    }
    assert_eq!(bench.writes().len(), 20);
}

async fn an_object_that_is_not_there_stops_no_other(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let objects = [
        vendor.little(0, true),
        vendor.stranger(true),
        vendor.little(2, true),
    ];
    let pass = bench.pass(&bench.check(&objects)).await;
    let action = |name: &str| {
        let mut all = pass.planned.iter();
        all.find(|p| p.desired.address.name == name)
            .map(|p| p.action)
    };
    assert_eq!(action("stranger"), Some(Disposition::Missing));
    assert_eq!(action("object-0000"), Some(Disposition::Update));
    assert_eq!(action("object-0002"), Some(Disposition::Update));
    for report in bench.carry_out(pass).await {
        match report.planned.desired.address.name.as_str() {
            "stranger" => assert_eq!(report.outcome, Some(Outcome::Failed)),
            _ => converged(&report),
        }
    }
    assert_eq!(bench.writes().len(), 2);
}

async fn what_is_not_there_is_missing_and_no_error(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let stranger = vendor.stranger(true);
    let ids: Vec<String> = stranger
        .ids
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, id)| id.as_str().map_or_else(|| id.to_string(), str::to_string))
        .collect();
    let planned = bench.plan(&[stranger]).await;
    assert_eq!(
        (planned[0].action, changed(&planned[0])),
        (Disposition::Missing, Vec::new())
    );
    let message = planned[0].message.clone().unwrap_or_default();
    for id in ids {
        assert!(message.contains(&id), "{message} should name {id}");
    }

    // Beside others, which take another way of reading.
    let mut objects: Vec<Object> = (0..3).map(|n| vendor.little(n, false)).collect();
    objects.push(vendor.stranger(true));
    for planned in &bench.plan(&objects).await {
        match planned.desired.address.name.as_str() {
            "stranger" => assert_eq!(
                planned.action,
                Disposition::Missing,
                "{:?}",
                planned.message
            ),
            _ => in_sync(planned),
        }
    }
}
