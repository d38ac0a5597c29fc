//! Values of custom fields on licenses of LicenseSpring under each reading of what the vendor's pages leave open.

use entitle::apply::Outcome;
use entitle::model::Risk;
use serde_json::{Value as Json, json};

use crate::support::bench::{Bench, Object, converged, in_sync, only_report};

const LICENSE: u64 = 1_593_781_720_493_289;

fn value(field: u64, desired: Json) -> Object {
    let ids = json!({"licenseCustomField": {"license": LICENSE, "product_custom_field": field}});
    let name = format!("field-{field}");
    Object::new("LicenseSpringLicenseCustomField", &name, ids, desired)
}

fn values(bench: &Bench) -> Vec<Json> {
    let state = bench.sandbox.state("licensespring").expect("an account");
    state["license_custom_fields"]
        .as_array()
        .expect("a list")
        .clone()
}

#[tokio::test]
async fn a_license_gets_a_value_of_its_own_and_then_the_default_again() {
    for reading in ["refuse", "accept"] {
        let bench = Bench::new().await;
        let set = json!({"second_value": reading});
        bench
            .sandbox
            .set_switches("licensespring", set)
            .expect("a switch");
        let object = value(53, json!({"value": "platinum"}));
        let objects = [object.policy(json!({"create": true}))];
        converged(&only_report(bench.apply(&objects).await));
        in_sync(&bench.plan(&objects).await[0]);
        assert_eq!(values(&bench).len(), 3);
        let mut gone = value(53, json!({}));
        gone.ids["state"] = json!("absent");
        let pass = bench.pass(&bench.check(&[gone])).await;
        let reports = bench.carry_out_alone(pass, Risk::Destroy).await;
        converged(&only_report(reports));
        assert_eq!(values(&bench).len(), 2);
    }
}

#[tokio::test]
async fn two_values_of_one_field_are_told_with_both_numbers() {
    let bench = Bench::new().await;
    let mut account = bench.sandbox.state("licensespring").expect("an account");
    let list = account["license_custom_fields"]
        .as_array_mut()
        .expect("a list");
    let mut second = list[0].clone();
    second["id"] = json!(990);
    list.push(second);
    let set = bench.sandbox.set_state("licensespring", account);
    set.expect("a good account");
    let object = value(51, json!({"value": "24"}));
    let report = only_report(bench.apply(&[object]).await);
    assert_ne!(report.outcome, Some(Outcome::Converged));
    let why = report.message.unwrap_or_default();
    assert!(why.contains("78, 990"), "{why}");
    assert_eq!(bench.writes(), [""; 0]);
}
