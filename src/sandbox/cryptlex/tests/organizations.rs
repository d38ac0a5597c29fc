//! Writes of organizations, and of the users in their groups.

use super::*;

const ORGANIZATIONS: &str = "/v3/organizations";

fn user(number: u32) -> String {
    format!("{ORG}/users/e7c1b9d4-3a20-4f5e-8d61-{number:012}")
}

#[test]
fn an_organization_is_created_and_found() {
    let mut bench = Bench::new();
    let body = json!({"name": "Lakes Ltd", "email": "it@lakes.example", "allowedUsers": -1, "address": {"city": "Bern"}});
    let (status, made) = bench.call("POST", ORGANIZATIONS, Some(body.clone()));
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        (&made["allowedUsers"], &made["address"]["city"]),
        (&json!(-1), &json!("Bern"))
    );
    assert_eq!(made["address"]["country"], "");
    let path = format!("{ORGANIZATIONS}/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.get(&path), (200, made));
    assert_eq!(bench.get(&format!("{path}/licenses")), (200, json!([])));

    bench.refused(409, "name", "POST", ORGANIZATIONS, body.clone());
    bench
        .api
        .set_switches(json!({"taken_organization": "accept"}))
        .unwrap();
    assert_eq!(bench.call("POST", ORGANIZATIONS, Some(body)).0, 201);
    for (body, word) in [
        (
            json!({"email": "a@b.example", "allowedUsers": 1}),
            "name is required",
        ),
        (
            json!({"name": "a", "email": "a", "allowedUsers": 1}),
            "email",
        ),
        (
            json!({"name": "a", "email": "a@b.example", "allowedUsers": -2}),
            "allowedUsers",
        ),
        (
            json!({"name": "a", "email": "a@b.example", "allowedUsers": 1, "address": {"street": "x"}}),
            "address.street",
        ),
    ] {
        bench.refused(400, word, "POST", ORGANIZATIONS, body);
    }
}

#[test]
fn a_patch_of_an_organization_keeps_what_it_does_not_name() {
    let mut bench = Bench::new();
    let (_, before) = bench.get(ORG);
    let (status, after) = bench.call("PATCH", ORG, Some(json!({"allowedUsers": 300})));
    assert_eq!((status, &after["allowedUsers"]), (200, &json!(300)));
    assert_eq!(
        (&after["name"], &after["address"]),
        (&before["name"], &before["address"])
    );
    assert_eq!(after["updatedAt"], "2026-01-02T03:04:06.1234567Z");
    for (body, word) in [
        (json!({"name": ""}), "name"),
        (json!({"email": "it@rivers@example"}), "email"),
        (json!({"allowedUsers": "300"}), "allowedUsers"),
        (json!({"id": "other"}), "id"),
        (json!({"address": {"city": 7}}), "address.city"),
    ] {
        bench.refused(400, word, "PATCH", ORG, body);
    }
    bench.refused(404, "none", "PATCH", "/v3/organizations/none", json!({}));
}

#[test]
fn the_rest_of_an_address_stays_or_goes_as_switched() {
    let body = json!({"address": {"city": "Bath"}});
    let address = |switch: &str| {
        let mut bench = Bench::with(json!({"address_write": switch}));
        bench.call("PATCH", ORG, Some(body.clone())).1["address"].clone()
    };
    let merged = address("merge");
    assert_eq!(
        (&merged["city"], &merged["country"]),
        (&json!("Bath"), &json!("GB"))
    );
    let replaced = address("replace");
    assert_eq!(
        (&replaced["city"], &replaced["country"]),
        (&json!("Bath"), &json!(""))
    );
}

#[test]
fn licences_of_a_deleted_organization_fare_as_switched() {
    let mut bench = Bench::new();
    assert_eq!(bench.call("DELETE", ORG, None), (204, Value::Null));
    assert_eq!(bench.get(ORG).0, 404);
    assert_eq!(ids(&bench.get("/v3/licenses").1).len(), 1);

    let mut bench = Bench::with(json!({"deleted_organization": "release"}));
    assert_eq!(bench.call("DELETE", ORG, None).0, 204);
    let (_, list) = bench.get("/v3/licenses");
    assert_eq!(
        (ids(&list).len(), &list[0]["organizationId"]),
        (4, &Value::Null)
    );
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);

    let mut bench = Bench::with(json!({"deleted_organization": "conflict"}));
    assert_eq!(bench.call("DELETE", ORG, None).0, 409);
    for id in ids(&bench.get(&format!("{ORG}/licenses")).1) {
        assert_eq!(
            bench.call("DELETE", &format!("/v3/licenses/{id}"), None).0,
            204
        );
    }
    assert_eq!(bench.call("DELETE", ORG, None).0, 204);
}

#[test]
fn a_group_that_licences_have_is_deleted_or_not_as_switched() {
    let path = format!("{ORG}/user-groups/{}", group(4));
    let mut bench = Bench::with(json!({"deleted_group": "conflict"}));
    assert_eq!(bench.call("DELETE", &path, None).0, 409);
    let unused = format!("{ORG}/user-groups/{}", group(2));
    assert_eq!(bench.call("DELETE", &unused, None).0, 204);
    // Its member has only the other group left.
    let (_, list) = bench.get(&format!("{ORG}/users"));
    assert_eq!(ids(&list[1]["userGroups"]), [group(3)]);
    bench
        .api
        .set_switches(json!({"deleted_group": "remove"}))
        .unwrap();
    assert_eq!(bench.call("DELETE", &path, None).0, 204);
}

#[test]
fn users_are_listed_with_their_groups() {
    let mut bench = Bench::new();
    let (status, list) = bench.get(&format!("{ORG}/users"));
    assert_eq!(status, 200);
    let members: Vec<&str> = list[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        members,
        [
            "id",
            "createdAt",
            "updatedAt",
            "name",
            "firstName",
            "lastName",
            "email",
            "role",
            "twoFactorEnabled",
            "googleSsoEnabled",
            "lastLoginAt",
            "userGroups"
        ]
    );
    assert_eq!(
        (&list[0]["name"], &list[2]["name"]),
        (&json!("Asha Menon"), &json!("Ines"))
    );
    assert_eq!(ids(&list[1]["userGroups"]), [group(3), group(2)]);
    assert_eq!(list[1]["userGroups"][0].get("totalUsers"), None);
    let mut found = |query: &str| ids(&bench.get(&format!("{ORG}/users?{query}")).1).len();
    assert_eq!(found(&format!("userGroupId[eq]={}", group(3))), 1);
    assert_eq!(found("email[ew]=rivers.example&role=user"), 2);
    assert_eq!(found("name[cn]=Okafor"), 1);
    assert_eq!(bench.get(&format!("{ORG}/users?password=x")).0, 400);
    assert_eq!(bench.get("/v3/organizations/none/users").0, 404);
}

#[test]
fn the_groups_of_a_user_are_replaced_or_added_as_switched() {
    let body = json!({"userGroupIds": [group(4)]});
    let mut bench = Bench::new();
    let (status, changed) = bench.call("PATCH", &user(2), Some(body.clone()));
    assert_eq!(
        (status, ids(&changed["userGroups"])),
        (200, vec![group(4).as_str()])
    );
    assert_eq!(changed["email"], "tom.okafor@rivers.example");
    // One left Support and Field sales, and joined Finance.
    let (_, groups) = bench.get(&format!("{ORG}/user-groups"));
    let counts: Vec<&Value> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["totalUsers"])
        .collect();
    assert_eq!(counts, [8, 42, 16, 6]);
    let (_, changed) = bench.call("PATCH", &user(2), Some(json!({"userGroupIds": []})));
    assert_eq!(changed["userGroups"], json!([]));

    let mut bench = Bench::with(json!({"membership_write": "add"}));
    let (_, changed) = bench.call("PATCH", &user(2), Some(body));
    assert_eq!(ids(&changed["userGroups"]), [group(3), group(2), group(4)]);
}

#[test]
fn a_patch_of_a_user_keeps_what_it_does_not_name() {
    let mut bench = Bench::new();
    let (_, changed) = bench.call("PATCH", &user(1), Some(json!({"lastName": ""})));
    assert_eq!(
        (&changed["name"], &changed["firstName"]),
        (&json!("Asha"), &json!("Asha"))
    );
    assert_eq!(ids(&changed["userGroups"]), [group(1)]);
    for (body, word) in [
        (json!({"firstName": ""}), "firstName"),
        (json!({"userGroupIds": [group(9)]}), "000000000009"),
        (json!({"userGroupIds": group(1)}), "userGroupIds"),
        (json!({"password": "long enough"}), "password"),
        (json!({"email": "nobody"}), "email"),
    ] {
        bench.refused(400, word, "PATCH", &user(1), body);
    }
    bench.refused(404, "000000000009", "PATCH", &user(9), json!({}));
    let mut bench = Bench::with(json!({"missing_scope": "organization:user:update"}));
    bench.refused(
        403,
        "organization:user:update",
        "PATCH",
        &user(1),
        json!({}),
    );
}
