//! Literal lists of groups, and what is read from them.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Observed, Policy, Value};
use crate::provider::testing::{self, answer, desired_object};

fn by_name(name: &str) -> Desired {
    desired_object(
        &fields::TABLE,
        &[(fields::ORGANIZATION, "o"), (fields::NAME, name)],
    )
}

fn by_id(id: &str) -> Desired {
    desired_object(
        &fields::TABLE,
        &[(fields::ORGANIZATION, "o"), (fields::ID, id)],
    )
}

fn group(id: &str, name: &str) -> Json {
    json!({"id": id, "name": name, "description": "d", "totalUsers": 3})
}

fn read(desired: &[&Desired], groups: &[Json]) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(UserGroup.reading(desired), |call| {
        match call.contains("/licenses?") {
            true => answer(200, json!([{"id": "l1"}, {"id": "l2"}])),
            false => answer(200, json!(groups)),
        }
    });
    (rounds.concat(), found)
}

#[test]
fn one_list_shows_groups_by_name_and_by_id() {
    let groups = [group("g1", "Sales"), group("g2", "Support")];
    let (calls, found) = read(
        &[&by_name("Support"), &by_id("g1"), &by_name("sales")],
        &groups,
    );
    assert_eq!(
        calls,
        ["GET /v3/organizations/o/user-groups?limit=100&page=1"]
    );
    let ids = found.iter().map(|seen| match seen {
        Observed::Live(live) => live.text(fields::ID).unwrap_or_default(),
        _ => "missing",
    });
    assert_eq!(Vec::from_iter(ids), ["g2", "g1", "missing"]);
}

#[test]
fn two_groups_of_one_name_are_named_by_their_ids() {
    let groups = [group("g1", "Sales"), group("g2", "Sales")];
    let (_, found) = read(&[&by_name("Sales")], &groups);
    let why = testing::unread(found);
    let words =
        "organization o has 2 user groups named \"Sales\": g1, g2; name one by its `userGroupId`";
    assert_eq!(why, words);
}

#[test]
fn a_group_is_not_missing_beside_one_that_cannot_be_read() {
    let odd = json!({"id": "g1", "name": 7});
    let (_, found) = read(&[&by_name("Sales")], &[odd]);
    let why = testing::unread(found);
    assert!(why.contains("user group g1: `name`"), "{why}");
}

#[test]
fn what_hangs_on_a_group_is_counted_before_it_goes() {
    let going = Desired {
        policy: Policy {
            absent: true,
            ..Policy::default()
        }
        .into(),
        ..by_name("Sales")
    };
    let (calls, found) = read(&[&going], &[group("g1", "Sales")]);
    let licenses = "GET /v3/organizations/o/licenses?userGroupId=g1&limit=100";
    assert_eq!(calls[1..], [licenses]);
    let note = UserGroup.note(&testing::live(found));
    assert_eq!(
        note.as_deref(),
        Some("3 users are in it, 2 licenses name it")
    );
}

#[test]
fn the_writes_have_the_members_of_the_pages() {
    let (desired, nothing) = (by_name("Sales"), Live::default());
    let mut write = Write {
        desired: &desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields: [("description", Value::Text("x".into()))].into(),
    };
    let call = UserGroup.encode(&write);
    assert_eq!(call.name(), "POST /v3/organizations/o/user-groups");
    assert_eq!(call.body, Some(json!({"description": "x"})));
    let mut live = Live::default();
    live.facts
        .insert(fields::ID.into(), Fact::Text("g1".into()));
    (write.live, write.purpose) = (&live, WritePurpose::Update(0));
    let call = UserGroup.encode(&write);
    assert_eq!(call.name(), "PATCH /v3/organizations/o/user-groups/g1");
    assert_eq!(call.body, Some(json!({"description": "x"})));
    write.purpose = WritePurpose::Remove;
    let call = UserGroup.encode(&write);
    assert_eq!(
        (call.name().as_str(), call.body),
        ("DELETE /v3/organizations/o/user-groups/g1", None)
    );
}
