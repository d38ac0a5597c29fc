//! Literal lists of users, and what is read from them.

use serde_json::json;

use super::*;
use crate::model::{Fields, WritePurpose};
use crate::provider::testing::{self, answer, desired_object};

fn named(member: &'static str, text: &str) -> Desired {
    desired_object(
        &fields::TABLE,
        &[(fields::ORGANIZATION, "o"), (member, text)],
    )
}

fn user(id: &str, email: &str) -> Json {
    json!({"id": id, "name": "A Person", "email": email, "userGroups": [{"id": "g1", "name": "Sales"}]})
}

fn read(desired: &[&Desired], users: &Json) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(OrganizationUser.reading(desired), |_| answer(200, users));
    (rounds.concat(), found)
}

fn id(observed: &Observed) -> &str {
    match observed {
        Observed::Live(live) => live.text(fields::ID).unwrap_or_default(),
        Observed::Missing | Observed::Creatable(_) => "missing",
        Observed::Unread(_) => "unread",
    }
}

#[test]
fn an_address_is_searched_in_the_whole_list_and_in_no_call() {
    let users = json!([
        user("u1", "Asha@rivers.test"),
        user("u2", "tom@rivers.test")
    ]);
    let desired = [
        named(fields::EMAIL, "asha@RIVERS.test"),
        named(fields::ID, "u2"),
        named(fields::EMAIL, "nobody@rivers.test"),
    ];
    let (calls, found) = read(&Vec::from_iter(&desired), &users);
    assert_eq!(calls, ["GET /v3/organizations/o/users?limit=100&page=1"]);
    assert_eq!(
        Vec::from_iter(found.iter().map(id)),
        ["u1", "u2", "missing"]
    );
    let Observed::Live(live) = &found[0] else {
        panic!("{found:?}");
    };
    assert_eq!(live.fields.get(fields::GROUPS), Some(&Value::set(["g1"])));
    assert!(!format!("{found:?}").contains('@'), "an address is kept");
    let (calls, _) = read(&[&desired[1]], &users);
    assert_eq!(calls, ["GET /v3/organizations/o/users?id%5Beq%5D=u2"]);
}

#[test]
fn an_address_that_two_users_share_or_that_is_not_shown_is_no_guess() {
    let desired = named(fields::EMAIL, "asha@rivers.test");
    let why = |users: Json| testing::unread(read(&[&desired], &users).1);
    let shared = why(json!([
        user("u1", "asha@rivers.test"),
        user("u2", "ASHA@rivers.test")
    ]));
    assert_eq!(
        shared,
        "organization o has 2 users with this e-mail address: u1, u2; name one by its `userId`"
    );
    let hidden = why(json!([{"id": "u1", "userGroups": []}]));
    assert!(
        hidden.contains("user u1 without an e-mail address"),
        "{hidden}"
    );
    let odd = why(json!([{"id": "u1", "email": "asha@rivers.test", "userGroups": 7}]));
    assert!(
        odd.contains("user u1: `userGroups` must be a list"),
        "{odd}"
    );
    assert!([shared, hidden, odd].iter().all(|text| !text.contains('@')));
}

#[test]
fn groups_that_are_not_shown_are_unknown() {
    for row in [
        json!({"id": "u1", "email": "a@b"}),
        json!({"id": "u1", "userGroups": null}),
    ] {
        let (_, found) = read(&[&named(fields::ID, "u1")], &json!([row]));
        assert_eq!(testing::live(found).fields, Fields::new());
    }
}

#[test]
fn a_write_has_the_groups_alone() {
    let (_, found) = read(
        &[&named(fields::EMAIL, "a@b.test")],
        &json!([user("u1", "a@b.test")]),
    );
    let (desired, live) = (named(fields::EMAIL, "a@b.test"), testing::live(found));
    let call = OrganizationUser.encode(&Write {
        desired: &desired,
        live: &live,
        purpose: WritePurpose::Update(0),
        fields: [(fields::GROUPS, Value::set(["g2", "g1"]))].into(),
    });
    assert_eq!(call.name(), "PATCH /v3/organizations/o/users/u1");
    assert_eq!(call.body, Some(json!({"userGroupIds": ["g1", "g2"]})));
    let words = |status| OrganizationUser.judge(&testing::reply(status, json!({"message": "No."})));
    let Verdict::Rejected { words, .. } = words(403) else {
        panic!("a refusal");
    };
    assert!(words.contains("`organization:user:update`"), "{words}");
}
