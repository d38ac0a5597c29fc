//! What only one vendor does, over real HTTP: requests that are granted once, names that two share, several
//! spellings of nothing.

mod licensespring;
mod seats;

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use serde_json::{Value as Json, json};

use super::vendors::{alinea, cryptlex, informatica, lac};
use crate::support::bench::{Bench, converged, in_sync, only_report, paths as changed};
use crate::support::paths;
use crate::support::pure;

#[tokio::test]
async fn lac_a_removal_is_asked_for_once_and_then_left_to_the_server() {
    let vendor = &lac::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let mut object = vendor.little(0, false);
    object.desired["removal"] = json!(true);
    let objects = [object];
    converged(&only_report(bench.apply(&objects).await));
    assert_eq!(bench.writes().len(), 1);
    // The host confirms after some reads, upon which the server clears the flag by itself.
    for _ in 0..4 {
        let planned = bench.plan(&objects).await;
        assert_eq!(changed(&planned[0]), [""; 0]);
    }
    let state = vendor.state(&bench);
    let order = vendor.stored(&state, 0);
    assert_eq!(order["removal"], false);
    assert!(order["removal_confirmation_time"].is_string());
    let planned = bench.plan(&objects).await;
    let note = planned[0].message.clone().unwrap_or_default();
    assert!(note.contains("not asked for again"), "{note}");
    bench.apply(&objects).await;
    assert_eq!(bench.writes().len(), 1);
}

/// Two customers of one name, and orders of each.
async fn twins() -> Bench {
    let bench = Bench::new().await;
    let mut account = (lac::VENDOR.account)(3);
    account["customers"] = json!([
        {"id": 1, "name": "Twin"}, {"id": 2, "name": "Twin"}, {"id": 3, "name": "Single"}
    ]);
    for (number, customer) in [1, 2, 3].iter().enumerate() {
        account["license_orders"][number]["customer_id"] = json!(customer);
    }
    lac::VENDOR.load(&bench, account);
    bench
}

#[tokio::test]
async fn lac_whose_an_order_is_gets_proved_where_two_customers_share_a_name() {
    let bench = twins().await;
    let object = |number: usize, customer: i64| {
        let mut object = lac::VENDOR.little(number, false);
        object.desired["customer_id"] = json!(customer);
        object
    };
    for planned in &bench
        .plan(&[object(0, 1), object(1, 2), object(2, 3)])
        .await
    {
        in_sync(planned);
    }
    // Moved by the manifest: the plan says from whom, and the write makes it so.
    let moved = [object(0, 2)];
    let planned = bench.plan(&moved).await;
    let change = &planned[0].changes[0];
    assert_eq!(
        (change.path.to_string(), &change.before),
        ("customer_id".into(), &Some(json!(1)))
    );
    assert_eq!(bench.round(&moved).await, ["customer_id"]);
    let state = lac::VENDOR.state(&bench);
    assert_eq!(lac::VENDOR.stored(&state, 0)["customer_id"], 2);
}

#[tokio::test]
async fn lac_an_order_that_stays_with_its_customer_did_not_converge() {
    let vendor = &lac::VENDOR;
    for twin in [false, true] {
        let bench = if twin {
            twins().await
        } else {
            Bench::new().await
        };
        if !twin {
            let mut account = (vendor.account)(3);
            account["customers"] = json!([{"id": 1, "name": "One"}, {"id": 2, "name": "Two"}]);
            account["license_orders"][0]["customer_id"] = json!(1);
            account["license_orders"][1]["customer_id"] = json!(2);
            account["license_orders"][2]["customer_id"] = json!(2);
            vendor.load(&bench, account);
        }
        let set = bench
            .sandbox
            .set_switches("lac", json!({"customer_change": "ignore"}));
        set.expect("a switch");
        let mut object = vendor.little(0, false);
        object.desired["customer_id"] = json!(2);
        let report = only_report(bench.apply(&[object]).await);
        assert_eq!(report.outcome, Some(Outcome::Unconverged));
        let message = report.message.unwrap_or_default();
        assert_eq!(message, "written, but customer_id is 1");
    }
}

#[tokio::test]
async fn lac_a_customer_that_is_ignored_does_not_move_in_a_report() {
    let bench = twins().await;
    let mut object = lac::VENDOR.little(0, true);
    object.desired["customer_id"] = json!(3);
    let object = object.policy(json!({"ignore": ["customer_id"]}));
    let report = only_report(bench.apply(&[object]).await);
    converged(&report);
    assert_eq!(report.side_effects, [""; 0]);
    let state = lac::VENDOR.state(&bench);
    assert_eq!(lac::VENDOR.stored(&state, 0)["customer_id"], 1);
}

/// The limits of an organization whose vendor shows nothing for empty lists and open ends in one of three ways.
#[tokio::test]
async fn informatica_what_a_read_does_not_show_is_not_written_as_empty() {
    let vendor = &informatica::VENDOR;
    for nothing in ["shown", "null", "left_out"] {
        let bench = Bench::new().await;
        let mut account = (vendor.account)(3);
        account["organizations"][1]["assignedEditions"] = json!([]);
        account["organizations"][1]["customLicenses"][1]["expirationDate"] = Json::Null;
        vendor.load(&bench, account);
        let before = vendor.state(&bench);
        let switches = json!({"empty_lists": nothing, "no_expiration": nothing});
        let set = bench.sandbox.set_switches("informatica", switches);
        set.expect("switches");
        let object = vendor.little(0, true);
        let planned = bench.plan(std::slice::from_ref(&object)).await;
        let message = planned[0].message.clone().unwrap_or_default();
        assert_eq!(planned[0].action, Disposition::Error, "{nothing}");
        // An open end is null at best, which no page explains.
        let end = "customLicenses[defFree000000000000000].expirationDate";
        let unseen = match nothing {
            "shown" => end.to_string(),
            _ => format!("{end}, assignedEditions"),
        };
        let words = format!("the read does not show {unseen}: nothing is sent");
        assert!(message.starts_with(&words), "{message}");
        assert_eq!(bench.writes(), [""; 0]);
        assert_eq!(vendor.state(&bench), before);

        let empty = json!(["assignedEditions", "customLicenses[*].expirationDate"]);
        let object = object.policy(json!({ "absentIsEmpty": empty }));
        assert_eq!(bench.round(&[object]).await, [(vendor.change)().0]);
        let state = vendor.state(&bench);
        vendor.rest_is_as_before(&before, &state, 0, &[(vendor.change)().0]);
    }
}

#[tokio::test]
async fn cryptlex_names_of_groups_are_resolved_and_unknown_ones_are_errors() {
    let vendor = &cryptlex::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let by_name = |names: Json| vendor.object(0, json!({"userGroups": names}));
    in_sync(
        &bench
            .plan(&[by_name(json!(["Field sales", "Engineering"]))])
            .await[0],
    );
    let objects = [by_name(json!(["Support"]))];
    assert_eq!(bench.round(&objects).await, ["userGroupIds"]);
    let state = vendor.state(&bench);
    let held = &vendor.stored(&state, 0)["userGroupIds"];
    assert_eq!(held, &json!(["a4f8d1b0-1111-4c22-8f33-000000000002"]));

    let planned = bench.plan(&[by_name(json!(["Suport"]))]).await;
    let message = planned[0].message.clone().unwrap_or_default();
    assert_eq!(planned[0].action, Disposition::Error);
    assert!(
        message.contains("no user group named \"Suport\""),
        "{message}"
    );
    assert!(message.contains("did you mean \"Support\"?"), "{message}");

    let both = vendor.object(0, json!({"userGroups": ["Support"], "userGroupIds": ["x"]}));
    let findings = bench.findings(&[both]).findings;
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["conflict"]);
}

#[tokio::test]
async fn cryptlex_groups_that_joined_meanwhile_are_kept_where_unlisted_ones_are() {
    let vendor = &cryptlex::VENDOR;
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let group = |n: usize| format!("a4f8d1b0-1111-4c22-8f33-{n:012}");
    let object = vendor
        .object(0, json!({"userGroupIds": [group(2)]}))
        .policy(json!({"keepUnlisted": ["userGroupIds"]}));
    let pass = bench.pass(&bench.check(&[object])).await;
    let mut account = vendor.state(&bench);
    let held = &mut account["organizations"][0]["licenses"][0]["userGroupIds"];
    held.as_array_mut().expect("a list").push(json!(group(3)));
    vendor.load(&bench, account);
    bench.clock = || pure::now() + jiff::SignedDuration::from_mins(5);
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Stale), "{:?}", report.message);
    assert_eq!(bench.writes(), [""; 0]);
}

#[tokio::test]
async fn cryptlex_two_thousand_licences_cost_their_pages_and_no_refusal() {
    let vendor = &cryptlex::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(2_000));
    let strict = bench
        .sandbox
        .set_switches(vendor.name, json!({"rate_limit": true}));
    strict.expect("a switch of the simulator");
    let objects: Vec<_> = (0..2_000).map(|n| vendor.little(n, false)).collect();
    for planned in &bench.plan(&objects).await {
        in_sync(planned);
    }
    assert_eq!(bench.reads().len(), 20, "{:#?}", bench.reads());
}

#[tokio::test]
async fn cryptlex_keys_of_licences_reach_nothing() {
    let vendor = &cryptlex::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let document = serde_json::to_string(&pass.document).expect("JSON");
    assert!(!document.contains("SECRET"), "{document}");
    let reports = bench.carry_out(pass).await;
    assert!(!format!("{reports:?}").contains("SECRET"));
}

#[tokio::test]
async fn informatica_the_parents_own_licences_are_refused_in_its_words() {
    let vendor = &informatica::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let mut object = vendor.object(0, json!({"customLimits": []}));
    object.ids = json!({"orgId": "parent0000000000000000"});
    object.desired = json!({"customLimits": [{"limitDefinition": "x", "value": 1}]});
    let report = only_report(bench.apply(&[object]).await);
    let message = report.message.unwrap_or_default();
    assert_eq!(report.outcome, Some(Outcome::Rejected), "{message}");
    assert!(
        message.contains("Only an administrator of the parent organization"),
        "{message}"
    );
}

#[tokio::test]
async fn alinea_nothing_is_one_thing_whether_null_empty_or_zero() {
    let vendor = &alinea::VENDOR;
    let bench = Bench::new().await;
    let mut account = (vendor.account)(3);
    let bare = &mut account["licenses"][0];
    for name in [
        "ContactPersonName",
        "Grade",
        "Buffer",
        "LicenseCategoryId",
        "StartDate",
    ] {
        bare[name] = Json::Null;
    }
    bare["ContactPhone"] = json!("");
    vendor.load(&bench, account);
    for (name, nothing) in [
        ("ContactPersonName", json!("")),
        ("ContactPersonName", Json::Null),
        ("ContactPhone", json!("")),
        ("ContactPhone", Json::Null),
        ("Grade", json!("")),
        ("Buffer", json!(0)),
        ("Buffer", Json::Null),
        ("LicenseCategoryId", Json::Null),
        (
            "LicenseCategoryId",
            json!("00000000-0000-0000-0000-000000000000"),
        ),
        ("StartDate", Json::Null),
    ] {
        let mut desired = json!({});
        paths::set(vendor.table(), &mut desired, name, &nothing);
        in_sync(&bench.plan(&[vendor.object(0, desired)]).await[0]);
    }
    // And a write of something else moves none of them, but for the buffer: reads show 0 for null.
    let before = vendor.state(&bench);
    bench.round(&[vendor.little(0, true)]).await;
    let moved = ["AvailableSeats", "Buffer"];
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &moved);
}
