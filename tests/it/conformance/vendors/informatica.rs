//! Licences of organizations: three lists, overwritten together, and a reply that shows nothing.

use serde_json::{Value as Json, json};

use super::{Budget, Pair, Reads, Refusal, Sessions, Switch, Vendor, none};

const PAID: &str = "defPaid000000000000000";
const FREE: &str = "defFree000000000000000";
const NEW: &str = "defNew0000000000000000";
const ROWS: &str = "limRows000000000000000";
const JOBS: &str = "limJobs000000000000000";

pub static VENDOR: Vendor = Vendor {
    name: "informatica",
    kind: "InformaticaOrgLicense",
    account,
    ids,
    // The first organization is the parent of all others.
    place: |number| format!("/organizations/{}", number + 1),
    full,
    small: |_| json!({"customLimits": [{"limitDefinition": ROWS}, {"limitDefinition": JOBS}]}),
    change: || ("customLimits[limRows000000000000000].value", json!(500)),
    elsewhere: || {
        let path = "assignedEditions[ediBasic00000000000000].expirationDate";
        (path, json!("2027-02-02T00:00:00Z"))
    },
    rival: || json!(77),
    beside: || ("name", json!("Renamed")),
    pairs: || {
        vec![
            Pair::new(
                "customLicenses[defPaid000000000000000].licenseType",
                "TRIAL",
            ),
            Pair::new(
                "customLicenses[defPaid000000000000000].expirationDate",
                "2028-02-29T23:59:59Z",
            ),
            Pair::new(
                "assignedEditions[ediBasic00000000000000].expirationDate",
                "2027-12-01T00:00:00Z",
            ),
            Pair::new("customLimits[limRows000000000000000].value", -1),
            Pair::new("customLimits[limJobs000000000000000].value", 0),
        ]
    },
    clears: || {
        let lenient = json!({"expiration_required": "never"});
        vec![
            (
                "customLicenses[defFree000000000000000].expirationDate",
                Json::Null,
                none(),
            ),
            (
                "assignedEditions[ediBasic00000000000000].expirationDate",
                Json::Null,
                lenient,
            ),
        ]
    },
    lists: || {
        let end = "2027-05-05T05:05:05Z";
        let license = json!({"licenseDef": NEW, "licenseType": "TRIAL", "expirationDate": end});
        let edition = json!({"edition": "ediNew0000000000000000", "expirationDate": end});
        let limit = json!({"limitDefinition": "limNew0000000000000000", "value": 7});
        vec![
            ("customLicenses", license),
            ("assignedEditions", edition),
            ("customLimits", limit),
        ]
    },
    spellings: || {
        let path = "customLicenses[defPaid000000000000000].expirationDate";
        vec![
            (path, json!("2027-11-05T18:01:24.000Z")),
            (path, json!("2027-11-05T18:01:24.4444444Z")),
            (path, json!("2027-11-05T19:01:24+01:00")),
            (path, json!("2027-11-05T18:01:24")),
        ]
    },
    clocks: &[],
    reads: || {
        let of = |all: usize, count: usize| Reads {
            what: "one call per organization",
            account: account(all),
            objects: (0..count).map(|n| (ids(n), (VENDOR.small)(n))).collect(),
            calls: count,
        };
        vec![of(250, 1), of(250, 3), of(250, 250), of(2_000, 60)]
    },
    refusals: || {
        let refusal = |what, value: Json, switches, words| Refusal {
            what,
            path: "customLicenses[defPaid000000000000000].expirationDate",
            value,
            switches,
            words,
            names_line: false,
        };
        vec![
            refusal(
                "an end after the parent's",
                json!("2040-01-01T00:00:00Z"),
                json!({"extend_past_parent": "refuse"}),
                "is past the parent organization's",
            ),
            refusal(
                "the same in a flat body",
                json!("2040-01-01T00:00:00Z"),
                json!({"extend_past_parent": "refuse", "error_body": "flat"}),
                "is past the parent organization's (LICENSE_400)",
            ),
            refusal(
                "licences that the parent synchronizes",
                json!("2027-12-31T00:00:00Z"),
                json!({"sync_managed": true}),
                "synchronized with the parent organization",
            ),
        ]
    },
    switches,
    budget: Budget {
        login: 1,
        plan: 120,
        around: 3 + 3,
        import_three: 3,
        everything: None,
    },
    sessions: Some(Sessions {
        lost: 401,
        form: "login",
    }),
    members: &[
        ("id", "`id` must be text"),
        ("customLicenses", "`customLicenses`"),
        ("licenseDef", "`customLicenses[].licenseDef`"),
        (
            "licenseType",
            "`customLicenses[defPaid000000000000000].licenseType`",
        ),
        (
            "expirationDate",
            "`customLicenses[defPaid000000000000000].expirationDate`",
        ),
        ("assignedEditions", "`assignedEditions`"),
        ("edition", "`assignedEditions[].edition`"),
        ("customLimits", "`customLimits`"),
        ("value", "`customLimits[limRows000000000000000].value`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"orgId": format!("org{number:06}xxxxxxxxxxxxx")})
}

fn full() -> Json {
    json!({
        "customLicenses": [
            {"licenseDef": PAID, "licenseType": "SUBSCRIPTION", "expirationDate": "2027-11-05T18:01:24Z"},
            {"licenseDef": FREE, "licenseType": "FREE", "expirationDate": "2028-01-01T00:00:00Z"},
        ],
        "assignedEditions": [
            {"edition": "ediBasic00000000000000", "expirationDate": "2027-11-05T18:01:24Z"},
            {"edition": "ediExtra00000000000000", "expirationDate": "2028-10-06T18:00:08Z"},
        ],
        "customLimits": [
            {"limitDefinition": ROWS, "value": 25},
            {"limitDefinition": JOBS, "value": -1},
        ],
    })
}

fn account(organizations: usize) -> Json {
    let late = "2030-12-31T23:59:59Z";
    let license =
        |id| json!({"licenseDef": id, "licenseType": "SUBSCRIPTION", "expirationDate": late});
    let edition = |id| json!({"edition": id, "expirationDate": late});
    let parent = json!({
        "id": "parent0000000000000000",
        "name": "Parent",
        "parentOrg": null,
        "customLicenses": [license(PAID), license(FREE), license(NEW)],
        "assignedEditions": [
            edition("ediBasic00000000000000"),
            edition("ediExtra00000000000000"),
            edition("ediNew0000000000000000"),
        ],
        "customLimits": [],
    });
    let organization = |number| {
        let mut organization = full();
        organization["id"] = ids(number)["orgId"].clone();
        organization["name"] = json!(format!("Organization {number}"));
        organization["parentOrg"] = parent["id"].clone();
        organization
    };
    let all: Vec<Json> = std::iter::once(parent.clone())
        .chain((0..organizations).map(organization))
        .collect();
    json!({ "organizations": all })
}

fn switches() -> Vec<Switch> {
    let s = |text: &str| json!(text);
    vec![
        Switch::new("login_refusal_status", &[json!(400), json!(403)]),
        Switch::new("session_mode", &[s("jwt")]),
        Switch::new("idle_grace_seconds", &[json!(120)]),
        Switch::new("jwt_minutes", &[json!(15), json!(240)]),
        Switch::new("jwt_characters", &[json!(100), json!(16_000)]),
        Switch::new("error_body", &[s("flat")]),
        Switch::new("absent_key", &[s("leave")]),
        Switch::new("empty_lists", &[s("null"), s("left_out")]),
        Switch::new("no_expiration", &[s("null"), s("left_out")]),
        Switch::new("dates", &[s("tolerant")]),
        Switch::new("expiration_required", &[s("always"), s("never")]),
        Switch::new("extend_past_parent", &[s("refuse")]),
        Switch::new("parent_must_hold", &[json!(true)]),
        Switch::new("shuffle", &[json!(true)]),
        Switch::new("put_is_204", &[json!(true)]),
        Switch::not("sync_managed", "every write is refused; see the refusals"),
        Switch::not(
            "fixed_session",
            "an expired fixed session cannot be renewed",
        ),
    ]
}
