//! Organizations and their users under each reading of what the vendor's pages leave open.

use entitle::apply::Outcome;
use serde_json::{Value as Json, json};

use super::kinds::ORGANIZATION;
use crate::support::bench::{Bench, Object, converged, in_sync, only_report};
use crate::support::program::Workspace;

fn switch(bench: &Bench, name: &str, value: &str) {
    let set = bench.sandbox.set_switches("cryptlex", json!({name: value}));
    set.unwrap_or_else(|why| panic!("{name}: {value}: {why}"));
}

fn account(bench: &Bench) -> Json {
    bench.sandbox.state("cryptlex").expect("an account")
}

fn organization(desired: Json) -> Object {
    let ids = json!({"organization": {"name": "Rivers Inc"}});
    Object::new("CryptlexOrganization", "rivers", ids, desired)
}

#[tokio::test]
async fn an_address_keeps_what_the_manifest_does_not_state() {
    for reading in ["merge", "replace"] {
        let bench = Bench::new().await;
        switch(&bench, "address_write", reading);
        let mut expected = account(&bench)["organizations"][0]["address"].clone();
        expected["city"] = json!("Bath");
        let object = organization(json!({"address": {"city": "Bath"}}));
        converged(&only_report(
            bench.apply(std::slice::from_ref(&object)).await,
        ));
        let after = account(&bench);
        assert_eq!(after["organizations"][0]["address"], expected, "{reading}");
        assert_eq!(bench.writes().len(), 1);
        in_sync(&bench.plan(&[object]).await[0]);
    }
}

#[tokio::test]
async fn what_changes_beside_the_address_goes_out_with_it_in_one_call() {
    let bench = Bench::new().await;
    let object = organization(json!({"description": "Weirs", "address": {"city": "Bath"}}));
    let mut address = account(&bench)["organizations"][0]["address"].clone();
    converged(&only_report(bench.apply(&[object]).await));
    let path = format!("PATCH /cryptlex/v3/organizations/{ORGANIZATION}");
    assert_eq!(bench.writes(), [path]);
    let requests = bench.sandbox.requests().into_iter();
    let bodies: Vec<Json> = { requests }
        .filter(|seen| seen.method == "PATCH")
        .filter_map(|seen| seen.body)
        .collect();
    address["city"] = json!("Bath");
    assert_eq!(
        bodies,
        [json!({"description": "Weirs", "address": address})]
    );
}

/// A line of the address that somebody changed since the plan is not put back by the lines that go along.
#[tokio::test]
async fn the_address_is_read_right_before_it_is_written() {
    let bench = Bench::new().await;
    let object = organization(json!({"address": {"city": "Bath"}}));
    let pass = bench
        .pass(&bench.check(std::slice::from_ref(&object)))
        .await;
    let mut after = account(&bench);
    after["organizations"][0]["address"]["country"] = json!("IE");
    bench
        .sandbox
        .set_state("cryptlex", after)
        .expect("an account");
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Stale), "{:?}", report.message);
    assert_eq!(bench.writes(), [""; 0]);
    converged(&only_report(bench.apply(&[object]).await));
    assert_eq!(
        account(&bench)["organizations"][0]["address"]["country"],
        "IE"
    );
}

#[tokio::test]
async fn fewer_users_than_there_are_strand_some() {
    let bench = Bench::new().await;
    let object = organization(json!({"allowedUsers": 2}));
    let planned = bench.plan(&[object]).await;
    let change = &planned[0].changes[0];
    assert_eq!(change.risk, entitle::model::Risk::Strand);
    assert_eq!(change.note.as_deref(), Some("2 allowed, 3 in use"));
    assert!(bench.reads().iter().any(|read| read.contains("/users?")));
}

#[tokio::test]
async fn a_removed_organization_is_gone_whatever_becomes_of_its_licenses() {
    let mut object = organization(json!({}));
    object.ids["state"] = json!("absent");
    for reading in ["cascade", "release"] {
        let bench = Bench::new().await;
        switch(&bench, "deleted_organization", reading);
        converged(&only_report(
            bench.apply(std::slice::from_ref(&object)).await,
        ));
        in_sync(&bench.plan(std::slice::from_ref(&object)).await[0]);
    }
    let bench = Bench::new().await;
    switch(&bench, "deleted_organization", "conflict");
    let before = account(&bench);
    let report = only_report(bench.apply(&[object]).await);
    assert_eq!(report.outcome, Some(Outcome::Rejected));
    let message = report.message.unwrap_or_default();
    assert!(message.contains("has licences"), "{message}");
    assert_eq!(account(&bench), before);
}

#[tokio::test]
async fn a_second_organization_with_one_address_is_the_vendors_to_refuse() {
    let ids = json!({"organization": {"name": "Locks"}});
    let desired = json!({"email": "it@rivers.example", "allowedUsers": 1});
    let object =
        Object::new("CryptlexOrganization", "locks", ids, desired).policy(json!({"create": true}));
    let bench = Bench::new().await;
    let report = only_report(bench.apply(std::slice::from_ref(&object)).await);
    assert_eq!(report.outcome, Some(Outcome::Rejected));
    let message = report.message.unwrap_or_default();
    assert!(message.starts_with("409: "), "{message}");
    switch(&bench, "taken_organization", "accept");
    converged(&only_report(bench.apply(&[object]).await));
}

/// If the list of groups were only added to, a group that should go would stay: the run says so, and takes no reply's
/// word for it.
#[tokio::test]
async fn a_group_that_stays_though_it_should_go_is_not_called_done() {
    let user = |groups: &[&str]| {
        let ids =
            json!({"organizationId": ORGANIZATION, "user": {"email": "TOM.okafor@rivers.example"}});
        let groups: Vec<String> = { groups.iter() }
            .map(|end| format!("a4f8d1b0-1111-4c22-8f33-00000000000{end}"))
            .collect();
        Object::new(
            "CryptlexOrganizationUser",
            "tom",
            ids,
            json!({"userGroupIds": groups}),
        )
    };
    let bench = Bench::new().await;
    converged(&only_report(bench.apply(&[user(&["2", "4"])]).await));
    switch(&bench, "membership_write", "add");
    converged(&only_report(bench.apply(&[user(&["1", "2", "4"])]).await));
    let report = only_report(bench.apply(&[user(&["1"])]).await);
    assert_eq!(report.outcome, Some(Outcome::Unconverged));
    let message = report.message.unwrap_or_default();
    assert!(message.contains("userGroupIds"), "{message}");
    assert!(!message.contains('@'), "{message}");
}

/// Rows of users have addresses and names. Of these, nothing but what a manifest states is in any output, however much
/// is logged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_users_nothing_is_shown_but_what_the_manifest_states() {
    let mut workspace = Workspace::new().await;
    workspace.connect("cryptlex");
    workspace.set("ENTITLE_LOG", "trace");
    let ids =
        json!({"organizationId": ORGANIZATION, "user": {"email": "tom.okafor@rivers.example"}});
    let groups = json!(["a4f8d1b0-1111-4c22-8f33-000000000004"]);
    let user = Object::new(
        "CryptlexOrganizationUser",
        "tom",
        ids,
        json!({"userGroupIds": groups}),
    );
    workspace.write("user.yaml", &user.text());
    workspace.write(
        "rivers.yaml",
        &organization(json!({"allowedUsers": 1})).text(),
    );
    for arguments in [
        &["plan", ".", "--format", "json"][..],
        &[
            "apply",
            "user.yaml",
            "cryptlex.yaml",
            "--auto-approve",
            "--allow",
            "reduce",
        ],
        &["import", "--all", "--out", "found"],
        &["history", "--full"],
    ] {
        let ran = workspace.run(arguments);
        let output = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, 0, "{arguments:?}: {output}");
        for text in ["asha", "Asha", "ines@", "Okafor", "Menon"] {
            assert!(
                !output.contains(text),
                "{arguments:?}: {text} is in {output}"
            );
        }
        for line in output.lines().filter(|line| line.contains("tom.okafor")) {
            assert!(
                !line.contains("GET "),
                "{arguments:?}: a call has the address: {line}"
            );
        }
    }
}
