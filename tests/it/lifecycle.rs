//! Objects that come and go, over real HTTP: created at most once whatever happens, and removed only when it is allowed.

use entitle::apply::Outcome;
use entitle::model::Risk;
use entitle::plan::Disposition;
use futures::StreamExt;
use futures::stream;
use serde_json::{Value as Json, json};

use super::support::bench::{Bench, Object, converged, in_sync, only_report};
use super::support::proxy::{Canned, Spoil};

const ORGANIZATION: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";

/// A user group of the seed's organization, named by its name.
fn group(name: &str, policy: Json) -> Object {
    let ids = json!({"organizationId": ORGANIZATION, "userGroup": {"name": name}});
    let desired = json!({"description": "On call"});
    Object::new("CryptlexUserGroup", "group", ids, desired).policy(policy)
}

fn new_group() -> Object {
    group("Operations", json!({"create": true}))
}

fn retired(name: &str) -> Object {
    let mut object = group(name, json!({}));
    object.ids["state"] = json!("absent");
    object.desired = json!({});
    object
}

fn groups(bench: &Bench) -> Vec<Json> {
    let account = bench.sandbox.state("cryptlex").expect("an account");
    let groups = account["organizations"][0]["userGroups"].as_array();
    groups.cloned().unwrap_or_default()
}

fn named(bench: &Bench, name: &str) -> usize {
    groups(bench)
        .iter()
        .filter(|group| group["name"] == name)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_created_once_and_then_kept_as_any_other() {
    let bench = Bench::new().await;
    let report = only_report(bench.apply(&[new_group()]).await);
    converged(&report);
    assert_eq!(report.planned.action, Disposition::Create);
    let path = format!("/cryptlex/v3/organizations/{ORGANIZATION}/user-groups");
    assert_eq!(bench.writes(), [format!("POST {path}")]);
    assert_eq!(named(&bench, "Operations"), 1);
    in_sync(&bench.plan(&[new_group()]).await[0]);
    let mut changed = new_group();
    changed.desired["description"] = json!("Day and night");
    bench.sandbox.forget_requests();
    converged(&only_report(bench.apply(&[changed]).await));
    assert_eq!(bench.writes().len(), 1);
    assert!(
        bench.writes()[0].starts_with("PATCH "),
        "{:?}",
        bench.writes()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_created_unless_it_is_asked_for() {
    let bench = Bench::new().await;
    let planned = bench.plan(&[group("Operations", json!({}))]).await;
    let message = planned[0].message.clone().unwrap_or_default();
    assert_eq!(planned[0].action, Disposition::Missing);
    assert!(message.contains("`create: true`"), "{message}");
    // A run may ask for it.
    let mut checked = bench.check(&[group("Operations", json!({}))]);
    checked.allow_creation();
    let pass = bench.pass(&checked).await;
    converged(&only_report(bench.carry_out_alone(pass, Risk::Safe).await));
    assert_eq!(named(&bench, "Operations"), 1);
}

type Kind = (&'static str, fn() -> Spoil);

const KINDS: &[Kind] = &[
    ("429", || Spoil::Instead(canned(429))),
    ("500", || Spoil::Instead(canned(500))),
    ("500 though carried out", || Spoil::After(canned(500))),
    ("cut off before", || Spoil::CutBefore),
    ("cut off after", || Spoil::CutAfter),
    ("cut off in the middle", || Spoil::CutShort),
];

fn canned(status: u16) -> Canned {
    Canned::new(status, "application/json", r#"{"message":"spoiled"}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_call_at_most_one_object_is_made() {
    let calls = {
        let bench = Bench::spoiled(|_, _| None).await;
        converged(&only_report(bench.apply(&[new_group()]).await));
        bench.passed().len()
    };
    assert_eq!(
        calls, 4,
        "a read for the plan, one right before, the call, one after it"
    );
    let rounds = KINDS
        .iter()
        .flat_map(|kind| (0..calls).map(move |at| (at, kind)));
    let all = stream::iter(rounds).for_each_concurrent(32, |(at, (name, spoil))| async move {
        let bench = Bench::spoiled(move |number, _| (number == at).then(spoil)).await;
        let report = only_report(bench.apply(&[new_group()]).await);
        let what = format!("call {at}: {name}: {:?}", report.message);
        assert!(named(&bench, "Operations") <= 1, "{what}");
        if report.outcome != Some(Outcome::Converged) {
            assert!(report.message.is_some(), "{what}");
        }
        // The next run makes good what is left.
        let again = only_report(bench.apply(&[new_group()]).await);
        assert!(
            matches!(again.outcome, None | Some(Outcome::Converged)),
            "{what}; {:?}",
            again.message
        );
        assert_eq!(named(&bench, "Operations"), 1, "{what}");
    });
    all.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_creation_is_told_in_the_words_of_the_vendor() {
    let bench = Bench::new().await;
    let mut long = new_group();
    long.ids["userGroup"]["name"] = json!("x".repeat(257));
    let report = only_report(bench.apply(&[long]).await);
    assert_eq!(report.outcome, Some(Outcome::Rejected));
    let message = report.message.unwrap_or_default();
    assert!(message.starts_with("400: "), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_shows_what_hangs_on_the_object_and_needs_to_be_allowed() {
    let bench = Bench::new().await;
    let checked = bench.check(&[retired("Support")]);
    let pass = bench.pass(&checked).await;
    assert_eq!(pass.planned[0].action, Disposition::Remove);
    let note = pass.planned[0].message.clone().unwrap_or_default();
    assert!(
        note.contains("9 users are in it") && note.contains("license"),
        "{note}"
    );
    let refused = only_report(bench.carry_out_alone(pass, Risk::Strand).await);
    assert_eq!(refused.outcome, Some(Outcome::Refused));
    let why = refused.message.unwrap_or_default();
    assert!(why.contains("--allow destroy"), "{why}");
    assert_eq!((bench.writes().len(), named(&bench, "Support")), (0, 1));
    let pass = bench.pass(&checked).await;
    converged(&only_report(
        bench.carry_out_alone(pass, Risk::Destroy).await,
    ));
    assert_eq!(named(&bench, "Support"), 0);
    in_sync(&bench.plan(&[retired("Support")]).await[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_objects_of_one_key_are_not_told_apart_by_chance() {
    let bench = Bench::new().await;
    let mut account = bench.sandbox.state("cryptlex").expect("an account");
    account["organizations"][0]["userGroups"][0]["name"] = json!("Twins");
    account["organizations"][0]["userGroups"][1]["name"] = json!("Twins");
    bench
        .sandbox
        .set_state("cryptlex", account)
        .expect("an account");
    for object in [group("Twins", json!({"create": true})), retired("Twins")] {
        let planned = bench.plan(&[object]).await;
        let message = planned[0].message.clone().unwrap_or_default();
        assert_eq!(planned[0].action, Disposition::Error, "{message}");
        for id in ["000000000001", "000000000002"] {
            assert!(message.contains(id), "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_cannot_be_meant_is_refused_offline() {
    let bench = Bench::new().await;
    let finding = |object: &Object| {
        let checked = bench.findings(std::slice::from_ref(object));
        let found: Vec<String> = checked
            .findings
            .iter()
            .map(|one| one.message.clone())
            .collect();
        found.join("; ")
    };
    let mut both = new_group();
    both.ids["userGroupId"] = json!("a4f8d1b0-1111-4c22-8f33-000000000001");
    assert_eq!(
        finding(&both),
        "`userGroup` and `userGroupId` both name the object"
    );
    let mut by_id = new_group();
    by_id.ids = json!({"organizationId": ORGANIZATION, "userGroupId": "a4f8d1b0-1111-4c22-8f33-000000000001"});
    assert_eq!(
        finding(&by_id),
        "an object that is named by the vendor's id is there already"
    );
    let mut contradicts = retired("Support");
    contradicts.policy = json!({"create": true});
    assert_eq!(
        finding(&contradicts),
        "`create: true` and `state: absent` contradict each other"
    );
    let order = json!({"activationKey": "A", "state": "absent"});
    let order = Object::new("LacLicenseOrder", "order", order, json!({}));
    assert_eq!(
        finding(&order),
        "LacLicenseOrder has no documented call that removes it"
    );
    let other = json!({"name": "Another"});
    let mut renamed = new_group();
    renamed.desired = other;
    assert_eq!(
        finding(&renamed),
        "the group is named by \"Operations\", and `name` is another"
    );
}
