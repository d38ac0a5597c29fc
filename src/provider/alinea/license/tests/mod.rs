//! Replies and bodies are those of the vendor's help pages. Here: one licence in every form, and what is read
//! and written of it.

mod verdict;
mod views;

use serde_json::{Value as Json, json};

use super::*;
use crate::model::WritePurpose;
use crate::model::field::find_field;
use crate::model::live::{Fact, VERSION_FACT};
use crate::model::{Observed, Value};
use crate::provider::reading::Answer;
use crate::provider::testing::{answer, desired_object, drive, live, reply, unread};

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
    desired_object(&fields::TABLE, &[("licenseId", id)])
}

fn views(flat: Answer, nested: Answer) -> Vec<Observed> {
    let one = license(ID);
    let (rounds, found) = drive(License.reading(&[&one]), |name| match name {
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
    License.encode(&Write {
        desired: &license(ID),
        live: &Live::default(),
        purpose: WritePurpose::Update(0),
        fields: live.fields.clone(),
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
fn licences_are_read_side_by_side_in_two_calls_each() {
    for count in [0_u128, 1, 3, 120] {
        let ids: Vec<String> = (1..=count)
            .map(|number| uuid::Uuid::from_u128(number).to_string())
            .collect();
        let licenses: Vec<Desired> = ids.iter().map(|id| license(id)).collect();
        let desired: Vec<&Desired> = licenses.iter().collect();
        let (rounds, found) = drive(License.reading(&desired), |name| {
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
    for (status, body, expected) in [
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
            format!("{FLAT} {expected}")
        );
    }
    let lost = unread(views(
        good(),
        Answer::Lost(format!("{NESTED}: no answer").into()),
    ));
    assert_eq!(lost, format!("{NESTED}: no answer"));
}
