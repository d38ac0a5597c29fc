//! Replies and bodies are those of the vendor's help pages.

use serde_json::{Value as Json, json};

use super::super::testing::{answer, drive, live, reply, unread, wanted};
use super::*;
use crate::model::field::find;
use crate::model::resource::{Fact, VERSION_FACT};
use crate::model::{Observed, Value};
use crate::provider::reading::Answer;

const ID: &str = "f76ac030-df89-41a9-a62a-b6fbbba5a58c";
const FLAT: &str = "GET /api/licenseDtoIndex/f76ac030-df89-41a9-a62a-b6fbbba5a58c";
const NESTED: &str = "GET /api/licenses/f76ac030-df89-41a9-a62a-b6fbbba5a58c";

/// The page's example body, with its times in whole seconds as they are sent.
fn body() -> Json {
    json!({
        "LicenseId": ID,
        "LicenseName": "sample string 2",
        "StartDate": "2025-12-25T15:49:43Z",
        "EndDate": "2025-12-25T15:49:43Z",
        "UserGroupId": "e48a4bb5-122c-469e-8b27-c495fc152ea9",
        "OwnerId": "73d71804-5f00-489f-9959-8bcefa7c10d6",
        "AvailableSeats": 5,
        "ContactPersonName": "sample string 6",
        "ContactPhone": "sample string 7",
        "ContactEmail": "sample string 8",
        "Buffer": 1,
        "Grade": "sample string 9",
        "LicenseCategoryId": "7f7b70ff-3043-4779-a771-575454e56edc",
        "AllowableUserRoles": ["25e1dd03-7185-4dc0-b63e-0df178164e13", "82fbfa56-127d-4200-bc6e-d9b28801dcc8"],
        "IsPaused": true,
        "SeatUserGroupIds": ["4928208b-29c7-480b-9c86-23be024cd80f", "7fbdca72-0083-4ddd-b2d9-33bc3443ed0e"],
        "PrivilegedUserRoles": ["2d179f7b-9cdc-4f61-b6b4-2880537b6bc5", "a1de26b1-3e0c-47e2-af78-0bf47088a2cd"]
    })
}

/// The same licence as the flat view shows it; the sets stand in another order.
fn flat() -> Json {
    json!({
        "Id": ID,
        "AccountId": "11e2d4c6-7a80-4b93-a5c7-d9e1f3052701",
        "Name": "sample string 2",
        "StartDate": "2025-12-25T15:49:43.2908281",
        "EndDate": "2025-12-25T15:49:43.2908281+00:00",
        "UserGroupId": "e48a4bb5-122c-469e-8b27-c495fc152ea9",
        "UserGroupName": "sample string 5",
        "AvailableSeats": 5,
        "Buffer": 1,
        "Grade": "sample string 9",
        "CategoryId": "7F7B70FF-3043-4779-A771-575454E56EDC",
        "LicenseType": 8,
        "ProductIsbns": ["sample string 1"],
        "AllowableUserRoleIds": ["82fbfa56-127d-4200-bc6e-d9b28801dcc8", "25e1dd03-7185-4dc0-b63e-0df178164e13"],
        "PrivilegedUserRoleIds": ["a1de26b1-3e0c-47e2-af78-0bf47088a2cd", "2d179f7b-9cdc-4f61-b6b4-2880537b6bc5"],
        "SeatUserGroupIds": ["7fbdca72-0083-4ddd-b2d9-33bc3443ed0e", "4928208b-29c7-480b-9c86-23be024cd80f"],
        "IsPaused": true,
        "CreatedAt": "2025-06-02T08:01:22.1046615",
        "ModifiedAt": "2025-12-25T15:49:43.2908281",
        "IsDeleted": false
    })
}

/// The same licence as the nested view shows it, as far as the page's sample goes.
fn nested() -> Json {
    json!({
        "Id": ID,
        "LicenseName": "sample string 2",
        "ContactPersonName": "sample string 6",
        "ContactPhone": "sample string 7",
        "ContactEmail": "sample string 8",
        "Owner": {"Id": "73d71804-5f00-489f-9959-8bcefa7c10d6", "Name": "sample string 2", "Type": 4},
        "UserGroup": {"Id": "e48a4bb5-122c-469e-8b27-c495fc152ea9", "Name": "sample string 2"}
    })
}

fn flat_reply(data: Json) -> Json {
    json!({"Data": data, "Errors": []})
}

fn nested_reply(data: Json) -> Json {
    json!({"IsSuccess": true, "Errors": ["sample string 1", "sample string 2"], "Data": data})
}

fn license(id: &str) -> Desired {
    wanted(&fields::TABLE, &[("licenseId", id)])
}

fn views(flat: Answer, nested: Answer) -> Vec<Observed> {
    let one = license(ID);
    let (rounds, found) = drive(Alinea.reading(&[&one]), |name| match name {
        FLAT => flat.clone(),
        _ => nested.clone(),
    });
    assert_eq!(rounds, [[FLAT, NESTED]], "both calls go out side by side");
    found
}

fn read(flat: Json, nested: Json) -> Vec<Observed> {
    views(
        answer(200, flat_reply(flat)),
        answer(200, nested_reply(nested)),
    )
}

fn put(live: &Live) -> Call {
    Alinea.encode(&Write {
        desired: &license(ID),
        fields: live.fields.clone(),
        live,
    })
}

fn with(mut data: Json, name: &str, value: Json) -> Json {
    data[name] = value;
    data
}

fn without(mut data: Json, name: &str) -> Json {
    if let Json::Object(data) = &mut data {
        data.remove(name);
    }
    data
}

#[test]
fn what_was_read_in_two_views_is_written_as_the_pages_body() {
    let call = put(&live(read(flat(), nested())));
    assert_eq!(call.name(), NESTED.replace("GET", "PUT"));
    // As text: the members stand in the order of the page, the id first.
    let sent = call.body.map(|body| body.to_string());
    assert_eq!(sent, Some(body().to_string()));
}

#[test]
fn every_spelling_of_a_member_is_understood_in_either_view() {
    let mut renamed = flat();
    for (from, to) in [
        ("Name", "LicenseName"),
        ("UserGroupId", "TargetUserGroupId"),
        ("CategoryId", "LicenseCategoryId"),
        ("AllowableUserRoleIds", "AllowableUserRoles"),
        ("PrivilegedUserRoleIds", "PrivilegedUserRoles"),
    ] {
        renamed[to] = renamed[from].take();
        renamed = without(renamed, from);
    }
    let owner = json!("73d71804-5f00-489f-9959-8bcefa7c10d6");
    let flat_owner = with(nested(), "OwnerId", owner);
    let flat_owner = without(flat_owner, "Owner");
    let everything = |mut data: Json, more: Json| {
        if let (Json::Object(data), Json::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
        data
    };
    let nothing = json!({"Id": ID});
    for (flat, nested) in [
        (renamed.clone(), nested()),
        (flat(), flat_owner.clone()),
        (without(flat(), "UserGroupId"), nested()),
        (everything(renamed, flat_owner), nothing.clone()),
        (nothing, everything(flat(), nested())),
    ] {
        assert_eq!(put(&live(read(flat, nested))).body, Some(body()));
    }
}

#[test]
fn the_flat_view_counts_where_both_show_a_member_and_the_nested_one_for_owner_and_contacts() {
    let stale = with(nested(), "Grade", json!("old"));
    let empty = with(
        with(flat(), "ContactPhone", Json::Null),
        "OwnerId",
        Json::Null,
    );
    assert_eq!(put(&live(read(empty, stale))).body, Some(body()));
}

#[test]
fn nothing_has_one_meaning_and_is_sent_back_as_it_was_spelled() {
    for nothing in [Json::Null, json!("")] {
        let graded = with(flat(), "Grade", nothing.clone());
        let silent = with(nested(), "ContactEmail", nothing.clone());
        let live = live(read(graded, silent));
        for name in ["Grade", "ContactEmail"] {
            let field = find(Alinea.table().desired, name).unwrap();
            assert!(field.alike(&live.fields[name], &Value::Null));
            assert_eq!(put(&live).body.unwrap_or_default()[name], nothing);
        }
    }
    for nothing in [Json::Null, json!(0)] {
        let live = live(read(with(flat(), "Buffer", nothing), nested()));
        assert_eq!(live.fields["Buffer"], Value::Integer(0));
        assert_eq!(put(&live).body.unwrap_or_default()["Buffer"], 0);
    }
    for nothing in [Json::Null, json!("00000000-0000-0000-0000-000000000000")] {
        let live = live(read(with(flat(), "CategoryId", nothing), nested()));
        assert_eq!(
            put(&live).body.unwrap_or_default()["LicenseCategoryId"],
            Json::Null
        );
    }
    let open = with(with(flat(), "StartDate", Json::Null), "EndDate", Json::Null);
    let live = live(read(with(open, "SeatUserGroupIds", Json::Null), nested()));
    let sent = put(&live).body.unwrap_or_default();
    assert_eq!(
        (&sent["StartDate"], &sent["EndDate"]),
        (&Json::Null, &Json::Null)
    );
    assert_eq!(sent["SeatUserGroupIds"], json!([]));
}

#[test]
fn a_member_that_neither_view_shows_stays_unknown() {
    let gone = with(nested(), "Owner", Json::Null);
    let live = live(read(
        without(flat(), "Grade"),
        without(gone, "ContactPhone"),
    ));
    let unknown: Vec<&str> = fields::TABLE
        .desired
        .iter()
        .map(|field| field.name)
        .filter(|name| !live.fields.contains_key(name))
        .collect();
    assert_eq!(unknown, ["OwnerId", "ContactPhone", "Grade"]);
}

#[test]
fn the_time_of_change_is_the_version() {
    let version = |live: Live| live.facts.get(VERSION_FACT).cloned();
    let modified = Fact::Text("2025-12-25T15:49:43.2908281".into());
    assert_eq!(version(live(read(flat(), nested()))), Some(modified));
    let never = with(flat(), "ModifiedAt", Json::Null);
    assert_eq!(version(live(read(never, nested()))), None);
}

#[test]
fn licences_are_read_side_by_side_in_two_calls_each() {
    for count in [0_u128, 1, 3, 120] {
        let ids: Vec<String> = (1..=count)
            .map(|number| uuid::Uuid::from_u128(number).to_string())
            .collect();
        let licenses: Vec<Desired> = ids.iter().map(|id| license(id)).collect();
        let wanted: Vec<Wanted<'_>> = licenses.iter().collect();
        let (rounds, found) = drive(Alinea.reading(&wanted), |name| {
            let id = name.rsplit('/').next().unwrap_or_default();
            let data = if name.contains("licenseDtoIndex") {
                flat()
            } else {
                nested()
            };
            answer(
                200,
                nested_reply(with(data, "Id", json!(id.to_uppercase()))),
            )
        });
        let calls: Vec<String> = ids
            .iter()
            .flat_map(|id| {
                [
                    format!("GET /api/licenseDtoIndex/{id}"),
                    format!("GET /api/licenses/{id}"),
                ]
            })
            .collect();
        assert_eq!(rounds.concat(), calls);
        assert!(rounds.len() <= 1);
        assert!(found.iter().all(|one| matches!(one, Observed::Live(_))));
        assert_eq!(found.len(), licenses.len());
    }
}

#[test]
fn a_licence_that_either_view_does_not_know_is_missing() {
    let unknown = || answer(404, json!({"Message": "The licence was not found."}));
    let shown = || answer(200, nested_reply(with(flat(), "OwnerId", json!(ID))));
    let failed = || answer(500, json!({"Message": "An error has occurred."}));
    for found in [
        views(unknown(), shown()),
        views(shown(), unknown()),
        views(unknown(), unknown()),
        views(unknown(), failed()),
        read(with(flat(), "IsDeleted", json!(true)), nested()),
    ] {
        assert!(matches!(found.as_slice(), [Observed::Missing]), "{found:?}");
    }
}

#[test]
fn replies_that_are_no_licence_are_errors_that_name_the_call() {
    let good = || answer(200, nested_reply(nested()));
    for (status, body, said) in [
        (
            200,
            "<html><title>Sign in</title></html>",
            "did not answer with JSON: an HTML page titled \"Sign in\"; \
             check `baseUrl`: it is everything before the path of this call",
        ),
        (200, "", "did not answer with JSON: the body is empty"),
        (
            200,
            "{\"Data\": {\"Id\":",
            "did not answer with JSON: the body ends in the middle, after 15 bytes",
        ),
        (200, "[]", "did not answer with an object"),
        (
            200,
            r#"{"Data": null, "Errors": ["No access.", "Sorry."]}"#,
            "answered without `Data`: No access.; Sorry.",
        ),
        (
            200,
            r#"{"IsSuccess": true, "Errors": []}"#,
            "answered without `Data`",
        ),
        (
            200,
            r#"{"IsSuccess": false, "Errors": ["No."], "Data": {}}"#,
            "answered that it failed: No.",
        ),
        (
            200,
            r#"{"IsSuccess": "yes", "Data": {}}"#,
            "answered that it failed",
        ),
        (200, r#"{"Data": "x"}"#, "answered with `Data` that is text"),
        (
            200,
            r#"{"Data": {"Id": "0c6b1a52-3f8e-4d43-9a57-1f2e3d4c5b6a"}}"#,
            "answered with another licence: `Id` is \"0c6b1a52-3f8e-4d43-9a57-1f2e3d4c5b6a\"",
        ),
        (
            401,
            r#"{"Message": "Authorization has been denied."}"#,
            "answered 401: Authorization has been denied.; \
             check the connection's credentials and their rights",
        ),
    ] {
        assert_eq!(
            unread(views(answer(status, body), good())),
            format!("{FLAT} {said}")
        );
    }
    let lost = unread(views(good(), Answer::Lost(format!("{NESTED}: no answer"))));
    assert_eq!(lost, format!("{NESTED}: no answer"));
}

#[test]
fn members_of_a_wrong_type_are_errors_that_name_them() {
    for (name, value, said) in [
        (
            "AvailableSeats",
            json!("many"),
            "`AvailableSeats` must be integer, not text \"many\"",
        ),
        ("AvailableSeats", Json::Null, "`AvailableSeats` is missing"),
        (
            "IsPaused",
            json!("true"),
            "`IsPaused` must be boolean, not text \"true\"",
        ),
        (
            "Name",
            json!(7),
            "`LicenseName` must be text, not integer 7",
        ),
        (
            "EndDate",
            json!("soon"),
            "`EndDate` \"soon\" is not an instant",
        ),
        (
            "UserGroupId",
            json!("group 7"),
            "`UserGroupId` \"group 7\" is not a GUID",
        ),
        (
            "AllowableUserRoleIds",
            json!(["admin"]),
            "`AllowableUserRoles` \"admin\" is not a GUID",
        ),
        (
            "AllowableUserRoleIds",
            json!([null]),
            "`AllowableUserRoles` has a member that is no text",
        ),
    ] {
        let why = unread(read(with(flat(), name, value), nested()));
        assert_eq!(why, format!("{FLAT} and {NESTED}: {said}"));
    }
}

#[test]
fn a_write_is_accepted_by_status_and_envelope_together() {
    for body in [
        r#"{"Errors": [], "IsValid": true}"#,
        r#"{"Errors": null, "IsValid": true}"#,
        r#"{"IsValid": true}"#,
    ] {
        assert_eq!(Alinea.judge(&reply(200, body)), Verdict::Accepted, "{body}");
        let refused = Alinea.judge(&reply(400, body));
        assert!(matches!(refused, Verdict::Rejected { .. }), "{body}");
    }
}

#[test]
fn a_refusal_names_the_members_whatever_its_status() {
    let body = json!({
        "Errors": [
            {"PropertyName": "EndDate", "Message": "EndDate must not be before StartDate."},
            {"PropertyName": "request.SeatUserGroupIds[0]", "Message": "Unknown\ngroup."},
            {"PropertyName": "Tenant", "Message": "Not yours."},
            {"PropertyName": null, "Message": "Sorry."}
        ],
        "IsValid": false
    });
    let refused = Verdict::Rejected {
        words: "EndDate: EndDate must not be before StartDate.; SeatUserGroupIds: Unknown group.; \
                Tenant: Not yours.; Sorry."
            .into(),
        fields: [
            ("EndDate", "EndDate must not be before StartDate."),
            ("SeatUserGroupIds", "Unknown group."),
            ("Tenant", "Not yours."),
            ("", "Sorry."),
        ]
        .map(|(name, said)| (name.to_string(), said.to_string()))
        .to_vec(),
    };
    for status in [200, 202, 400, 422] {
        assert_eq!(Alinea.judge(&reply(status, &body)), refused, "{status}");
    }
    let flagged = with(body, "IsValid", json!(true));
    assert_eq!(
        Alinea.judge(&reply(200, flagged)),
        refused,
        "errors count beside the flag"
    );
}

#[test]
fn a_refusal_without_a_reason_is_still_one() {
    for body in [
        r#"{"IsValid": false}"#,
        r#"{"Errors": [], "IsValid": false}"#,
    ] {
        let words = "`IsValid` is false, without a reason".into();
        let refused = Verdict::Rejected {
            words,
            fields: Vec::new(),
        };
        assert_eq!(Alinea.judge(&reply(200, body)), refused);
    }
}

#[test]
fn a_success_without_the_envelope_is_unclear() {
    for body in [
        "",
        "<html><title>Sign in</title></html>",
        r#"{"Errors": [], "IsVal"#,
        "{}",
        "[]",
        "null",
        r#"{"Errors": []}"#,
        r#"{"Errors": [], "IsValid": "true"}"#,
        r#"{"Errors": "none", "IsValid": true}"#,
    ] {
        let verdict = Alinea.judge(&reply(200, body));
        assert!(
            matches!(verdict, Verdict::Unclear(_)),
            "{body}: {verdict:?}"
        );
    }
}

#[test]
fn other_statuses_mean_what_they_say() {
    let state = r#"{"Message": "The request is invalid.", "ModelState": {"request.Buffer": ["Not an integer."]}}"#;
    let refused = Verdict::Rejected {
        words: "400: The request is invalid. request.Buffer: Not an integer.".into(),
        fields: Vec::new(),
    };
    assert_eq!(Alinea.judge(&reply(400, state)), refused);
    for status in [408, 500, 502] {
        let body = r#"{"Errors": [{"PropertyName": "Grade", "Message": "No."}], "IsValid": false}"#;
        let verdict = Alinea.judge(&reply(status, body));
        assert!(matches!(verdict, Verdict::Unclear(_)), "{status}");
    }
}

#[test]
fn a_token_reply_opens_a_session() {
    let token = json!({"access_token": "t", "token_type": "Bearer", "expires_in": 3600});
    let session = (AUTH.session)(&token).map(|session| (session.token, session.base));
    assert_eq!(session, Ok(("t".into(), None)));
}
