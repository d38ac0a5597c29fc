//! Customer accounts of LicenseSpring under each reading of what the vendor's pages leave open.

use entitle::model::Risk;
use serde_json::{Value as Json, json};

use crate::support::bench::{Bench, Object, converged, in_sync, only_report};

fn account(code: &str, desired: Json) -> Object {
    let ids = json!({"customerAccount": {"code": code}});
    Object::new("LicenseSpringCustomerAccount", code, ids, desired)
}

async fn bench(switches: Json) -> Bench {
    let bench = Bench::new().await;
    let set = bench.sandbox.set_switches("licensespring", switches);
    set.expect("a switch");
    bench
}

#[tokio::test]
async fn an_account_gets_its_telephone_number_however_its_creation_spells_it() {
    for (spelling, status) in [("lower", 201), ("capital", 200)] {
        let switches = json!({"account_phone": spelling, "account_create_status": status});
        let bench = bench(switches).await;
        let object = account(
            "locks",
            json!({"name": "Locks", "phone": "+49 30 555 0100"}),
        );
        let objects = [object.policy(json!({"create": true}))];
        converged(&only_report(bench.apply(&objects).await));
        in_sync(&bench.plan(&objects).await[0]);
        let state = bench.sandbox.state("licensespring").expect("an account");
        let accounts = state["customer_accounts"].as_array().expect("a list");
        let mut made = accounts.iter().filter(|one| one["code"] == "locks");
        assert_eq!(
            made.next().map(|one| &one["phone"]),
            Some(&json!("+49 30 555 0100"))
        );
        assert_eq!(made.next(), None);
    }
}

#[tokio::test]
async fn an_account_is_removed_whatever_the_status_is() {
    for status in [200, 204] {
        let bench = bench(json!({"feature_delete_status": status})).await;
        let mut object = account("tc6", json!({}));
        object.ids["state"] = json!("absent");
        let objects = [object];
        let planned = bench.plan(&objects).await;
        let why = planned[0].message.clone().unwrap_or_default();
        assert!(why.contains("2 customers belong to it"), "{why}");
        let pass = bench.pass(&bench.check(&objects)).await;
        let reports = bench.carry_out_alone(pass, Risk::Destroy).await;
        converged(&only_report(reports));
        in_sync(&bench.plan(&objects).await[0]);
    }
}
