//! Licences in two views that rename what the write call takes; a refusal may have status 200.

use serde_json::{Value as Json, json};

use super::{Budget, Pair, Reads, Refusal, Sessions, Switch, Vendor, none};

const OWNERS: [&str; 2] = [
    "73d71804-5f00-489f-9959-8bcefa7c10d6",
    "2f1c7a54-9b0d-4e63-8a21-5d6e7f809102",
];
const GROUPS: [&str; 2] = [
    "e48a4bb5-122c-469e-8b27-c495fc152ea9",
    "5b9e2d10-64f7-4c1a-b3d8-0a1b2c3d4e02",
];
const CATEGORIES: [&str; 2] = [
    "7f7b70ff-3043-4779-a771-575454e56edc",
    "c40f8e27-1d35-4b92-9e68-7a5b3c2d1e02",
];
const ROLES: [&str; 4] = [
    "25e1dd03-7185-4dc0-b63e-0df178164e13",
    "82fbfa56-127d-4200-bc6e-d9b28801dcc8",
    "a1de26b1-3e0c-47e2-af78-0bf47088a2cd",
    "2d179f7b-9cdc-4f61-b6b4-2880537b6bc5",
];
const SEATS: [&str; 3] = [
    "4928208b-29c7-480b-9c86-23be024cd80f",
    "7fbdca72-0083-4ddd-b2d9-33bc3443ed0e",
    "91d0c6e3-5a7b-4f28-8c14-6e3f2a1b0c03",
];
const NOBODY: &str = "11111111-2222-4333-8444-555555555555";

pub static VENDOR: Vendor = Vendor {
    name: "alinea",
    kind: "AlineaLicense",
    account,
    ids,
    place: |number| format!("/licenses/{number}"),
    full,
    small: |_| json!({"AvailableSeats": 30}),
    change: || ("AvailableSeats", json!(500)),
    elsewhere: || ("Grade", json!("8")),
    rival: || json!(77),
    beside: || ("ProductIsbns", json!(["9788723599999"])),
    pairs: || {
        vec![
            Pair::new("LicenseName", "Chemistry 2026/27"),
            Pair::new("StartDate", "2026-08-02T06:00:00Z"),
            Pair::new("EndDate", "2028-02-29T23:59:59Z"),
            Pair::new("UserGroupId", GROUPS[1]),
            Pair::new("OwnerId", OWNERS[1]),
            Pair::new("AvailableSeats", 31),
            Pair::new("ContactPersonName", "Åse Bæk"),
            Pair::new("ContactPhone", "+45 22"),
            Pair::new("ContactEmail", "other@school.example"),
            Pair::new("Buffer", 6),
            Pair::new("Grade", "9"),
            Pair::new("LicenseCategoryId", CATEGORIES[1]),
            Pair::new("AllowableUserRoles", json!([ROLES[0], ROLES[2]])),
            Pair::new("IsPaused", true),
            Pair::new("SeatUserGroupIds", json!([SEATS[2]])),
            Pair::new("PrivilegedUserRoles", json!([ROLES[3], ROLES[2], ROLES[1]])),
        ]
    },
    clears: || {
        let null = |path| (path, Json::Null, none());
        vec![
            null("StartDate"),
            null("EndDate"),
            null("ContactPersonName"),
            null("ContactPhone"),
            null("ContactEmail"),
            ("Buffer", json!(0), none()),
            null("Grade"),
            null("LicenseCategoryId"),
        ]
    },
    lists: || {
        vec![
            ("AllowableUserRoles", json!(ROLES[2])),
            ("SeatUserGroupIds", json!(SEATS[2])),
            ("PrivilegedUserRoles", json!(ROLES[0])),
        ]
    },
    spellings: || {
        vec![
            ("StartDate", json!("2026-08-01T00:00:00")),
            ("StartDate", json!("2026-08-01T02:00:00+02:00")),
            ("EndDate", json!("2027-07-31T12:30:00.2908281+00:00")),
            ("OwnerId", json!(OWNERS[0].to_uppercase())),
            ("UserGroupId", json!(GROUPS[0].replace('-', ""))),
            (
                "AllowableUserRoles",
                json!([ROLES[1].to_uppercase(), ROLES[0]]),
            ),
        ]
    },
    clocks: &["ModifiedAt"],
    reads: || {
        let of = |all: usize, count: usize| Reads {
            what: "two views of each licence",
            account: account(all),
            objects: (0..count).map(|n| (ids(n), (VENDOR.small)(n))).collect(),
            calls: 2 * count,
        };
        vec![of(250, 1), of(250, 3), of(250, 250), of(2_000, 60)]
    },
    refusals: || {
        let refusal = |what, path, value: Json, status: u16, words| Refusal {
            what,
            path,
            value,
            switches: json!({"validation_status": status}),
            words,
            names_line: true,
        };
        vec![
            refusal(
                "an owner that is not there, with 200",
                "OwnerId",
                json!(NOBODY),
                200,
                "does not exist",
            ),
            refusal(
                "an owner that is not there, with 400",
                "OwnerId",
                json!(NOBODY),
                400,
                "does not exist",
            ),
            refusal(
                "a role that is not there",
                "AllowableUserRoles",
                json!([ROLES[0], NOBODY]),
                200,
                "does not exist",
            ),
        ]
    },
    switches,
    // Two views of each licence.
    budget: Budget {
        login: 0,
        plan: 240,
        around: 6 + 6,
        import_three: 6,
        everything: None,
    },
    sessions: Some(Sessions {
        lost: 401,
        form: "clientCredentials",
    }),
    members: &[
        ("Data", "`LicenseName` is missing"),
        ("Id", "another licence"),
        ("Name", "`LicenseName`"),
        ("StartDate", "`StartDate`"),
        ("UserGroupId", "`UserGroupId`"),
        ("AvailableSeats", "`AvailableSeats`"),
        ("Buffer", "`Buffer`"),
        ("Grade", "`Grade`"),
        ("CategoryId", "`LicenseCategoryId`"),
        ("AllowableUserRoleIds", "`AllowableUserRoles`"),
        ("IsPaused", "`IsPaused`"),
        ("SeatUserGroupIds", "`SeatUserGroupIds`"),
        ("PrivilegedUserRoleIds", "`PrivilegedUserRoles`"),
        ("ContactPhone", "`ContactPhone`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"licenseId": format!("{number:08x}-0c00-4000-8000-00000000abcd")})
}

fn full() -> Json {
    json!({
        "LicenseName": "Physics 2026/27",
        "StartDate": "2026-08-01T00:00:00Z",
        "EndDate": "2027-07-31T12:30:00Z",
        "UserGroupId": GROUPS[0],
        "OwnerId": OWNERS[0],
        "AvailableSeats": 30,
        "ContactPersonName": "Mette Holm",
        "ContactPhone": "+45 11",
        "ContactEmail": "mette@school.example",
        "Buffer": 5,
        "Grade": "7",
        "LicenseCategoryId": CATEGORIES[0],
        "AllowableUserRoles": [ROLES[0], ROLES[1]],
        "IsPaused": false,
        "SeatUserGroupIds": [SEATS[0], SEATS[1]],
        "PrivilegedUserRoles": [ROLES[2], ROLES[3]],
    })
}

fn account(licenses: usize) -> Json {
    let named = |ids: &[&str]| -> Json {
        let one = |id: &&str| json!({"Id": id, "Name": format!("Name of {id}")});
        ids.iter().map(one).collect()
    };
    let license = |number| {
        let mut license = full();
        license["Id"] = ids(number)["licenseId"].clone();
        license["ModifiedAt"] = json!("2026-05-11T13:27:40.90812Z");
        license["ProductIsbns"] = json!(["9788723500010"]);
        license
    };
    json!({
        "owners": named(&OWNERS),
        "userGroups": named(&GROUPS),
        "categories": named(&CATEGORIES),
        "roles": named(&ROLES),
        "seatGroups": named(&SEATS),
        "licenses": (0..licenses).map(license).collect::<Vec<_>>(),
    })
}

fn switches() -> Vec<Switch> {
    let s = |text: &str| json!(text);
    vec![
        Switch::new("validation_status", &[json!(400)]),
        Switch::new("strict_missing", &[json!(true)]),
        Switch::new("unknown_members", &[s("ignore")]),
        Switch::new("empty_guid", &[s("accept")]),
        Switch::new("errors_when_valid", &[s("null")]),
        Switch::new("nested_complete", &[json!(true)]),
        Switch::new("date_style", &[s("z"), s("offset")]),
        Switch::new("fraction_digits", &[json!(0), json!(3)]),
        Switch::new("trim_zeros", &[json!(true)]),
        Switch::new("set_order", &[s("sorted"), s("as_sent")]),
        Switch::new("seat_rows", &[s("per_group")]),
        Switch::new("seats_status", &[json!(403), json!(404)]),
        Switch::new("token_life_seconds", &[json!(60)]),
        Switch::new("bad_client_status", &[json!(400)]),
        Switch::not("page_index_base", "the search call is not used"),
    ]
}
