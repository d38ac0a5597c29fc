//! Informatica: lists that a read does not show, the licences of the parent.

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use serde_json::{Value as Json, json};

use crate::conformance::vendors::informatica::VENDOR;
use crate::support::bench::{Bench, only_report};

/// The limits of an organization whose vendor shows nothing for empty lists and open ends in one of three ways.
#[tokio::test]
async fn what_a_read_does_not_show_is_not_written_as_empty() {
    let vendor = &VENDOR;
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
async fn the_parents_own_licences_are_refused_in_its_words() {
    let vendor = &VENDOR;
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
