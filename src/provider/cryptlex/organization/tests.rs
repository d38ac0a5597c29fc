//! Literal lists of organizations, and what is read from them.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Fields, PackedFields, Policy};
use crate::provider::testing::{self, answer, desired_object};

fn by_name(name: &str) -> Desired {
    desired_object(&fields::TABLE, &[(fields::NAME, name)])
}

fn by_id(id: &str) -> Desired {
    desired_object(&fields::TABLE, &[(fields::ID, id)])
}

fn organization(id: &str, name: &str) -> Json {
    json!({"id": id, "name": name, "email": "it@rivers.test", "description": "", "allowedUsers": 40,
        "address": {"addressLine1": "Quay 1", "addressLine2": "", "city": "Delft", "state": "", "country": "NL",
        "postalCode": ""}, "resellerId": null})
}

/// Answers with these organizations, of which a filter by name shows those of the name.
fn read(desired: &[&Desired], organizations: &[Json]) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(Organization.reading(desired), |call| {
        if ["/users?", "/user-groups?", "/licenses?"]
            .iter()
            .any(|list| call.contains(list))
        {
            return answer(200, json!([{"id": "x1"}, {"id": "x2"}]));
        }
        let name = call
            .split("name%5Beq%5D=")
            .nth(1)
            .map(|rest| rest.split('&').next());
        let shown = organizations.iter().filter(|one| {
            name.flatten()
                .is_none_or(|name| one["name"].as_str() == Some(&name.replace("%20", " ")))
        });
        answer(200, Json::from_iter(shown.cloned()))
    });
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
fn few_names_are_searched_and_many_are_found_in_the_list() {
    let all: Vec<Json> = (0..6)
        .map(|n| organization(&format!("o{n}"), &format!("Name {n}")))
        .collect();
    let named: Vec<Desired> = (0..7).map(|n| by_name(&format!("Name {n}"))).collect();
    let few: Vec<&Desired> = named[5..].iter().collect();
    let (calls, found) = read(&few, &all);
    let search = |n| format!("GET /v3/organizations?name%5Beq%5D=Name%20{n}&limit=100");
    assert_eq!(calls, [search(5), search(6)]);
    assert_eq!(Vec::from_iter(found.iter().map(id)), ["o5", "missing"]);
    let by_id = by_id("o3");
    let many: Vec<&Desired> = named.iter().chain([&by_id]).collect();
    let (calls, found) = read(&many, &all);
    assert_eq!(calls, ["GET /v3/organizations?limit=100&page=1"]);
    assert_eq!(
        Vec::from_iter(found.iter().map(id)),
        ["o0", "o1", "o2", "o3", "o4", "o5", "missing", "o3"]
    );
}

#[test]
fn a_name_counts_only_exactly_and_a_filter_that_was_not_applied_is_an_error() {
    let found = |rows: Json| {
        let desired = by_name("Rivers");
        let (_, found) = testing::drive(Organization.reading(&[&desired]), |_| {
            answer(200, rows.clone())
        });
        found
    };
    assert_eq!(
        id(&found(json!([organization("o1", "RIVERS")]))[0]),
        "missing"
    );
    let why = testing::unread(found(json!([organization("o1", "Dams")])));
    assert!(
        why.ends_with("answered with organization o1, which has another name"),
        "{why}"
    );
    let twins = json!([organization("o1", "Rivers"), organization("o2", "Rivers")]);
    let why = testing::unread(found(twins));
    assert_eq!(
        why,
        "2 organizations are named \"Rivers\": o1, o2; name one by its `organizationId`"
    );
    let why = testing::unread(found(json!([{"id": "o1", "name": 7}])));
    assert!(why.contains("organization o1: `name`"), "{why}");
}

#[test]
fn nothing_is_missing_beside_an_organization_that_cannot_be_read() {
    let named: Vec<Desired> = (0..5).map(|n| by_name(&format!("Name {n}"))).collect();
    let all = [
        organization("o0", "Name 0"),
        json!({"id": "o1", "name": 7}),
        json!({"id": "o2"}),
    ];
    let (_, found) = read(&Vec::from_iter(&named), &all);
    assert_eq!(
        Vec::from_iter(found.iter().map(id)),
        ["o0", "unread", "unread", "unread", "unread"]
    );
}

#[test]
fn users_are_counted_only_where_fewer_are_allowed() {
    let allowing = |allowed: i64| Desired {
        fields: PackedFields::new(
            fields::TABLE.desired,
            &Fields::from([(fields::ALLOWED_USERS, Value::Integer(allowed))]),
        ),
        ..by_id("o1")
    };
    let calls = |allowed| read(&[&allowing(allowed)], &[organization("o1", "Rivers")]).0;
    for more in [-1, 40, 41] {
        assert_eq!(calls(more).len(), 1, "{more}");
    }
    assert_eq!(
        calls(39)[1..],
        ["GET /v3/organizations/o1/users?limit=100&page=1"]
    );
    let (_, found) = read(&[&allowing(1)], &[organization("o1", "Rivers")]);
    let live = testing::live(found);
    assert_eq!(live.number(fields::USERS), Some(2));
    assert_eq!(Organization.note(&live), None);
}

#[test]
fn what_belongs_to_an_organization_is_counted_before_it_goes() {
    let going = Desired {
        policy: Policy {
            absent: true,
            ..Policy::default()
        }
        .into(),
        ..by_name("Rivers")
    };
    let (calls, found) = read(&[&going], &[organization("o1", "Rivers")]);
    let list = |list| format!("GET /v3/organizations/o1/{list}?limit=100");
    assert_eq!(
        calls[1..],
        [list("users"), list("user-groups"), list("licenses")]
    );
    assert_eq!(
        Organization.note(&testing::live(found)).as_deref(),
        Some(
            "2 users, 2 user groups and 2 licenses belong to it; the vendor does not say what becomes of them"
        )
    );
}

#[test]
fn a_refused_count_names_its_scope() {
    let going = Desired {
        policy: Policy {
            absent: true,
            ..Policy::default()
        }
        .into(),
        ..by_id("o1")
    };
    let (_, found) = testing::drive(Organization.reading(&[&going]), |call| {
        match call.contains("/users?") {
            true => answer(403, json!({"message": "Forbidden."})),
            false => answer(200, json!([organization("o1", "Rivers")])),
        }
    });
    let why = testing::unread(found);
    assert!(why.contains("`organization:user:read`"), "{why}");
}

#[test]
fn the_address_goes_out_as_one_object() {
    let (_, found) = read(&[&by_id("o1")], &[organization("o1", "Rivers")]);
    let (desired, live) = (by_id("o1"), testing::live(found));
    let mut write = Write {
        desired: &desired,
        live: &live,
        purpose: WritePurpose::Update(0),
        fields: [
            ("address.city", Value::Text("Leiden".into())),
            ("address.state", Value::Null),
        ]
        .into(),
    };
    let call = Organization.encode(&write);
    assert_eq!(call.name(), "PATCH /v3/organizations/o1");
    assert_eq!(
        call.body,
        Some(json!({"address": {"city": "Leiden", "state": ""}}))
    );
    write.purpose = WritePurpose::Create;
    assert_eq!(Organization.encode(&write).name(), "POST /v3/organizations");
    write.purpose = WritePurpose::Remove;
    let call = Organization.encode(&write);
    assert_eq!(
        (call.name().as_str(), call.body),
        ("DELETE /v3/organizations/o1", None)
    );
}
