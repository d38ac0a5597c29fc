//! What a PATCH does and what its body must be, and writes of user groups.

use super::*;

#[test]
fn a_patch_replaces_the_set_and_answers_the_whole_licence() {
    let mut bench = Bench::new();
    let sent = json!({"userGroupIds": [group(4), group(2), group(4)]});
    let (status, reply) = bench.patch(sent);
    assert_eq!(status, 200);
    assert_eq!(ids(&reply["userGroups"]), [group(2), group(4)]);
    assert_eq!(reply["updatedAt"], "2026-01-02T03:04:05.1234567Z");
    assert_eq!(reply["notes"], "Master agreement RI-2024-07");
    let (_, list) = bench.get(&format!("{ORG}/licenses?id[eq]={FIRST}"));
    assert_eq!(list, json!([reply]));
    let (_, reply) = bench.patch(json!({"userGroupIds": []}));
    assert_eq!(reply["userGroups"], json!([]));
}

#[test]
fn an_unchanged_set_moves_updated_at_unless_switched_off() {
    let same = json!({"userGroupIds": [group(1), group(3)]});
    let (_, reply) = Bench::new().patch(same.clone());
    assert_eq!(reply["updatedAt"], "2026-01-02T03:04:05.1234567Z");
    let (_, reply) = Bench::with(json!({"bump_unchanged": false})).patch(same);
    assert_eq!(reply["updatedAt"], "2025-01-15T07:44:51.2280094Z");
}

#[test]
fn a_patch_that_is_not_exactly_the_documented_body_is_refused() {
    let mut bench = Bench::new();
    let path = format!("{ORG}/licenses/{FIRST}");
    for (body, word) in [
        (json!({}), "userGroupIds is required"),
        (json!({"userGroupIds": null}), "userGroupIds"),
        (json!({"userGroupIds": group(1)}), "userGroupIds"),
        (json!({"userGroupIds": [1]}), "userGroupIds[0]"),
        (json!({"userGroupIds": [null]}), "userGroupIds[0]"),
        (json!({"userGroupIds": [], "notes": "x"}), "notes"),
        (json!([]), "body"),
        (
            json!({"userGroupIds": [group(1), group(9)]}),
            "000000000009",
        ),
    ] {
        bench.refused(400, word, "PATCH", &path, body);
    }
    let nowhere = format!("{ORG}/licenses/none");
    let empty = json!({"userGroupIds": []});
    bench.refused(404, "none", "PATCH", &nowhere, empty.clone());
    let elsewhere = format!("/v3/organizations/none/licenses/{FIRST}");
    bench.refused(404, "none", "PATCH", &elsewhere, empty);
}

#[test]
fn unknown_members_and_groups_answer_as_switched() {
    let mut bench = Bench::with(json!({"unknown_members": "ignore", "unknown_group_status": 404}));
    let (status, reply) = bench.patch(json!({"userGroupIds": [], "notes": "x"}));
    assert_eq!(
        (status, &reply["notes"]),
        (200, &json!("Master agreement RI-2024-07"))
    );
    let path = format!("{ORG}/licenses/{FIRST}");
    let body = json!({"userGroupIds": [group(9)]});
    bench.refused(404, "userGroupIds", "PATCH", &path, body);
}

#[test]
fn a_group_of_another_organization_is_unknown() {
    let mut bench = Bench::new();
    let mut state = bench.api.state();
    let other = json!({"id": "other", "userGroups": [{"id": "theirs"}]});
    state["organizations"].as_array_mut().unwrap().push(other);
    bench.api.set_state(state).unwrap();
    let path = format!("{ORG}/licenses/{FIRST}");
    let body = json!({"userGroupIds": ["theirs"]});
    bench.refused(400, "theirs", "PATCH", &path, body);
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let mut bench = Bench::new();
    let path = format!("{ORG}/licenses/{FIRST}");
    let empty = json!({"userGroupIds": []});
    let good = test_request("PATCH", &path, "Bearer sandbox-token", Some(&empty));
    for (media, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "", 400),
        ("text/plain", "{\"userGroupIds\":[]}", 415),
        (
            "Application/JSON; charset=utf-8",
            "{\"userGroupIds\":[]}",
            200,
        ),
    ] {
        let mut request = good.clone();
        request.headers.insert("content-type".into(), media.into());
        request.body = body.into();
        assert_eq!(bench.raw(&request).0, status, "{media} {body}");
    }
}

#[test]
fn a_group_is_renamed_to_a_taken_name_or_not_as_switched() {
    let one = format!("{ORG}/user-groups/{}", group(1));
    let taken = json!({"name": "Support"});
    assert_eq!(Bench::new().call("PATCH", &one, Some(taken.clone())).0, 200);
    let mut bench = Bench::with(json!({"rename_to_taken": "conflict"}));
    bench.refused(409, "Support", "PATCH", &one, taken);
}

#[test]
fn user_groups_are_made_renamed_and_deleted() {
    let mut bench = Bench::new();
    let groups = format!("{ORG}/user-groups");
    let (status, made) = bench.call("POST", &groups, Some(json!({"name": "Legal"})));
    assert_eq!(status, 201);
    assert_eq!(made["id"], group(5));
    assert_eq!(made["description"], "");
    bench.refused(409, "Legal", "POST", &groups, json!({"name": "Legal"}));
    bench.refused(400, "name", "POST", &groups, json!({"name": ""}));
    bench.refused(400, "name", "POST", &groups, json!({}));
    let long = "x".repeat(257);
    bench.refused(
        400,
        "description",
        "POST",
        &groups,
        json!({"name": "a", "description": long}),
    );

    let one = format!("{groups}/{}", group(1));
    let (status, reply) = bench.call("PATCH", &one, Some(json!({"name": "R&D"})));
    assert_eq!(
        (status, &reply["description"]),
        (200, &json!("Model builders"))
    );
    let (_, list) = bench.get(&format!("{ORG}/licenses"));
    assert_eq!(list[0]["userGroups"][1]["name"], "R&D");

    assert_eq!(bench.call("DELETE", &one, None), (204, Value::Null));
    assert_eq!(bench.call("DELETE", &one, None).0, 404);
    let (_, list) = bench.get(&format!("{ORG}/licenses"));
    assert_eq!(ids(&list[0]["userGroups"]), [group(3)]);
}
