//! What the two views and the search show.

use super::*;

#[test]
fn the_flat_view_renames_and_has_no_owner_and_no_contacts() {
    let flat = Bench::new().flat(FIRST);
    assert_eq!(flat["Name"], "sample string 2");
    assert_eq!(flat["StartDate"], "2025-12-25T15:49:43.2908281");
    assert_eq!(flat["CategoryId"], "7f7b70ff-3043-4779-a771-575454e56edc");
    assert_eq!(flat["CategoryName"], "Portal");
    assert_eq!(flat["AllowableUserRoleIds"], json!([TEACHER, STUDENT]));
    assert_eq!(
        flat["AllowableUserRoleNames"],
        json!(["Teacher", "Student"])
    );
    assert_eq!(flat["UserGroupName"], "Rivers Skole");
    assert_eq!(flat["CreatedAt"], "2025-06-02T08:01:22.1046615");
    assert_eq!(flat["IsPaused"], true);
    for absent in [
        "LicenseName",
        "OwnerId",
        "Owner",
        "ContactPersonName",
        "ContactPhone",
        "ContactEmail",
        "LicenseCategoryId",
        "AllowableUserRoles",
        "PrivilegedUserRoles",
    ] {
        assert_eq!(flat.get(absent), None, "{absent}");
    }
    let second = Bench::new().flat(SECOND);
    assert_eq!(second["Buffer"], 0, "a null buffer reads as 0");
    assert_eq!(
        (&second["CategoryId"], &second["CategoryName"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(second["ModifiedAt"], Value::Null);
}

#[test]
fn the_nested_view_has_owner_and_contacts_and_little_else() {
    let nested = Bench::new().nested(FIRST);
    let members: Vec<&String> = nested.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "Id",
            "LicenseName",
            "ContactPersonName",
            "ContactPhone",
            "ContactEmail",
            "Owner",
            "UserGroup",
            "ProductGroup"
        ]
    );
    assert_eq!(
        nested["Owner"]["Id"],
        "73d71804-5f00-489f-9959-8bcefa7c10d6"
    );
    let group: Vec<&String> = nested["UserGroup"].as_object().unwrap().keys().collect();
    assert_eq!(
        group,
        [
            "Id",
            "Name",
            "UserGroupType",
            "InstitutionNumber",
            "CommuneNumber",
            "ZipCode",
            "City",
            "Email",
            "HasWs17Agreement",
            "LastSynchonized"
        ]
    );
    assert_eq!(
        nested["UserGroup"]["LastSynchonized"],
        "2025-11-30T02:15:07.4410933"
    );
    assert_eq!(
        nested["ProductGroup"]["Products"][1]["Isbn"],
        "9788723500002"
    );
}

#[test]
fn the_nested_view_is_complete_where_switched() {
    let nested = Bench::with(json!({"nested_complete": true})).nested(SECOND);
    assert_eq!(nested["AvailableSeats"], 120);
    assert_eq!(nested["Buffer"], Value::Null);
    assert_eq!(
        nested["AllowableUserRoles"],
        json!([LIBRARIAN, TEACHER, STUDENT])
    );
    assert_eq!(nested["EndDate"], "2027-07-31T00:00:00.0000000");
}

#[test]
fn dates_are_printed_as_switched() {
    for (switches, expected) in [
        (json!({"date_style": "z"}), "2025-12-25T15:49:43.2908281Z"),
        (
            json!({"date_style": "offset", "fraction_digits": 3}),
            "2025-12-25T15:49:43.290+00:00",
        ),
        (json!({"fraction_digits": 0}), "2025-12-25T15:49:43"),
        (
            json!({"fraction_digits": 3, "trim_zeros": true}),
            "2025-12-25T15:49:43.29",
        ),
    ] {
        let flat = Bench::with(switches).flat(FIRST);
        assert_eq!(flat["StartDate"], expected);
    }
    let flat = Bench::with(json!({"trim_zeros": true})).flat(SECOND);
    assert_eq!(flat["StartDate"], "2026-08-01T00:00:00");
}

#[test]
fn sets_are_read_in_the_switched_order() {
    for (order, expected) in [
        ("reversed", [STUDENT, TEACHER, LIBRARIAN]),
        ("as_sent", [LIBRARIAN, TEACHER, STUDENT]),
        ("sorted", [STUDENT, TEACHER, LIBRARIAN]),
    ] {
        let mut bench = Bench::with(json!({"set_order": order}));
        let sent = json!([LIBRARIAN, TEACHER, STUDENT]);
        bench.put(&sample_with("AllowableUserRoles", sent));
        assert_eq!(
            bench.flat(FIRST)["AllowableUserRoleIds"],
            json!(expected),
            "{order}"
        );
    }
}

#[test]
fn seats_are_listed_by_user_or_by_group_as_switched() {
    let path = format!("/api/seats?licenseId={FIRST}");
    let rows = |switches: Value| {
        let (status, reply) = Bench::with(switches).call("GET", &path, None);
        (status, reply.as_array().map(Vec::len))
    };
    let flat = Bench::new().flat(FIRST);
    let count = |name: &str| flat[name].as_array().map(Vec::len);
    assert_eq!(rows(json!({})), (200, count("UserIds")));
    let groups = rows(json!({"seat_rows": "per_group"}));
    assert_eq!(groups, (200, count("SeatUserGroupIds")));
    assert_eq!(rows(json!({"seats_status": 403})).0, 403);
    let nameless = Bench::new().call("GET", "/api/seats", None);
    assert_eq!(nameless.0, 400);
}

#[test]
fn seat_groups_are_split_in_two() {
    let path = format!("/api/licenses/{FIRST}/seatGroups");
    let (status, reply) = Bench::new().call("GET", &path, None);
    assert_eq!(status, 200);
    assert_eq!(
        reply,
        json!({
            "userSeatGroupIds": ["7fbdca72-0083-4ddd-b2d9-33bc3443ed0e"],
            "userGroupSeatGroupIds": ["4928208b-29c7-480b-9c86-23be024cd80f"]
        })
    );
}

#[test]
fn a_search_pages_through_flat_views() {
    let mut bench = Bench::new();
    let licenses: Vec<Value> = (1..=23)
        .map(|n| json!({"Id": format!("00000000-0000-4000-8000-{n:012}"), "IsDeleted": n == 23}))
        .collect();
    bench
        .api
        .set_state(json!({ "licenses": licenses }))
        .unwrap();
    let mut search = |body: Value| {
        let (status, reply) = bench.call("POST", "/api/licenses", Some(&body));
        let count = reply["Data"].as_array().map_or(0, Vec::len);
        (status, count, reply)
    };
    let (status, count, reply) = search(json!({}));
    assert_eq!((status, count), (200, 10));
    assert_eq!(reply["Total"], 22);
    assert_eq!(reply["AvailablePageSizes"], json!([10, 50, 100]));
    assert_eq!(
        reply["Data"][0]["Id"],
        "00000000-0000-4000-8000-000000000001"
    );
    assert_eq!(search(json!({"PageSize": 10, "PageIndex": 2})).1, 2);
    assert_eq!(search(json!({"PageSize": 10, "PageIndex": 3})).1, 0);
    assert_eq!(search(json!({"PageSize": 50, "FilterIsbn": null})).1, 22);
    for bad in [
        json!({"PageSize": 20}),
        json!({"PageIndex": -1}),
        json!({"PageSize": "10"}),
        json!({"Colour": 1}),
        json!({"FilterIsbn": "978"}),
        json!({"Filters": {"Isbn": {"Value": "978", "FilterType": 1}}}),
    ] {
        assert_eq!(search(bad.clone()).0, 400, "{bad}");
    }
    bench
        .api
        .set_switches(json!({"page_index_base": 1}))
        .unwrap();
    let body = json!({"PageIndex": 3});
    let (_, reply) = bench.call("POST", "/api/licenses", Some(&body));
    assert_eq!(
        (reply["Data"].as_array().unwrap().len(), &reply["PageIndex"]),
        (2, &json!(3))
    );
    let body = json!({"PageIndex": 0});
    assert_eq!(bench.call("POST", "/api/licenses", Some(&body)).0, 400);
}
