//! Licences of organizations, of which one set can be written: the user groups, by id or by name.

use serde_json::{Value as Json, json};

use super::{Budget, Pair, Reads, Refusal, Sessions, Switch, Vendor, none, scattered};

const ORGANIZATION: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";
const NAMES: [&str; 4] = ["Engineering", "Field sales", "Support", "Finance"];

pub static VENDOR: Vendor = Vendor {
    name: "cryptlex",
    kind: "CryptlexOrganizationLicense",
    account,
    ids,
    place: |number| format!("/organizations/0/licenses/{number}"),
    full: || json!({"userGroupIds": groups(&[0, 1])}),
    small: |_| json!({"userGroupIds": groups(&[0, 1])}),
    change: || ("userGroupIds", json!(groups(&[0, 1, 2]))),
    elsewhere: || ("userGroupIds", json!(groups(&[0, 1, 3]))),
    rival: || json!(groups(&[0, 3])),
    beside: || ("notes", json!("called back")),
    pairs: || {
        vec![
            Pair::new("userGroupIds", json!(groups(&[2, 0]))),
            Pair::new("userGroups", json!(["Support", "Engineering"]))
                .without("userGroupIds")
                .stands_for("userGroupIds", json!(groups(&[0, 2]))),
        ]
    },
    clears: Vec::new,
    lists: || vec![("userGroupIds", json!(group(3)))],
    spellings: || vec![("userGroupIds", json!(groups(&[1, 0])))],
    clocks: &["updatedAt"],
    reads: || {
        let of = |what, account, numbers: Vec<usize>, calls| Reads {
            what,
            account,
            objects: numbers
                .into_iter()
                .map(|n| (ids(n), (VENDOR.small)(n)))
                .collect(),
            calls,
        };
        let by_name = |n| {
            (
                ids(n),
                json!({"userGroups": ["Engineering", "Field sales"]}),
            )
        };
        vec![
            of("one: one filtered call", account(250), vec![7], 1),
            of(
                "three of a short list: one page",
                account(90),
                vec![0, 44, 89],
                1,
            ),
            // Nothing tells how long a list is: finding out costs up to two calls more than there are objects.
            of(
                "three of a long list, one on its first page",
                account(1000),
                vec![0, 499, 999],
                4,
            ),
            of(
                "three of a long list, none on its first page",
                account(1000),
                vec![450, 499, 999],
                5,
            ),
            of("120: two pages", account(120), (0..120).collect(), 2),
            of("250: three pages", account(250), (0..250).collect(), 3),
            of("three of 2,500", account(2_500), vec![0, 1_250, 2_499], 4),
            of(
                "40 over 1,000: ten pages",
                account(1_000),
                scattered(40, 25),
                10,
            ),
            of(
                "60 over 5,000: most of the fifty pages",
                account(5_000),
                scattered(60, 80),
                52,
            ),
            of(
                "250 over 1,000: ten pages",
                account(1_000),
                scattered(250, 4),
                10,
            ),
            of(
                "120 behind 2,000: the pages up to them",
                account(2_500),
                (2_000..2_120).collect(),
                23,
            ),
            Reads {
                what: "three by the names of their groups: one page of each list",
                account: account(3),
                objects: (0..3).map(by_name).collect(),
                calls: 2,
            },
        ]
    },
    refusals: || {
        let refusal = |what, switches, words, names_line| Refusal {
            what,
            path: "userGroupIds",
            value: json!([group(0), "nobodys-group"]),
            switches,
            words,
            names_line,
        };
        let words = "user group nobodys-group was not found";
        vec![
            refusal("a group that is not there, with 400", none(), words, true),
            refusal(
                "a group that is not there, with 404",
                json!({"unknown_group_status": 404}),
                words,
                false,
            ),
            refusal(
                "a token that may not write",
                json!({"missing_scope": "organization:license:update"}),
                "organization:license:update",
                false,
            ),
        ]
    },
    switches,
    // Eleven pages that overlap, one with nothing new, and the list of organizations.
    budget: Budget {
        login: 0,
        plan: 2,
        around: 0,
        import_three: 1,
        everything: Some(13),
    },
    sessions: Some(Sessions {
        lost: 401,
        form: "login",
    }),
    members: &[("id", "the text `id`"), ("userGroups", "`userGroups`")],
};

/// The switches of the simulator, which all kinds meet.
pub fn switches() -> Vec<Switch> {
    let s = |text: &str| json!(text);
    vec![
        Switch::new("page_size", &[json!(1), json!(100)]),
        Switch::new("single_get", &[json!(true)]),
        Switch::new("unknown_group_status", &[json!(404)]),
        Switch::new("group_order", &[s("reversed")]),
        Switch::not("rename_to_taken", "no group is renamed"),
        Switch::not("deleted_group", "no group is deleted"),
        Switch::not(
            "membership_write",
            "see particular: a group that is only added never goes",
        ),
        Switch::not("taken_organization", "see lifecycle"),
        Switch::not("address_write", "see particular"),
        Switch::not("deleted_organization", "see lifecycle"),
        Switch::new("license_groups", &[json!(true)]),
        Switch::new("absent_user", &[s("omit")]),
        Switch::not("entry_write", "no metadata is written"),
        Switch::not("null_expiry", "no expiry is cleared"),
        Switch::not("unknown_product_status", "no license is made"),
        Switch::new("least_sync_interval", &[json!(3600)]),
        Switch::new("least_clock_offset", &[json!(0)]),
        Switch::new("bump_unchanged", &[json!(false)]),
        Switch::new("token_life_seconds", &[json!(60)]),
        Switch::new("rate_limit", &[json!(true)]),
        Switch::new("rate_limit_body", &[s("text")]),
        Switch::new("error_body", &[s("message")]),
        Switch::new("unknown_query", &[s("ignore")]),
        Switch::new("unknown_members", &[s("ignore")]),
        Switch::not(
            "missing_scope",
            "what needs the scope is refused; see the refusals",
        ),
    ]
}

/// The id of a license of the account.
pub fn license_id(number: usize) -> String {
    format!("5d0e3c52-8a44-4b6f-9d0f-{number:012}")
}

fn ids(number: usize) -> Json {
    json!({
        "organizationId": ORGANIZATION,
        "licenseId": license_id(number),
    })
}

fn group(number: usize) -> String {
    format!("a4f8d1b0-1111-4c22-8f33-{number:012}")
}

fn groups(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| group(*number)).collect()
}

/// An account that serves the rows of both kinds, so that they can stand side by side.
pub fn account(licenses: usize) -> Json {
    let named = |(number, name)| json!({"id": group(number), "name": name, "totalUsers": 7});
    let license = |number: usize| {
        json!({
            "id": license_id(number),
            "key": format!("SECRET-KEY-{number}"),
            "type": "hosted-floating",
            "totalActivations": 31,
            "allowedActivations": 60,
            "allowedDeactivations": 10,
            "allowedFloatingClients": 60,
            "leaseDuration": 7200,
            "serverSyncInterval": 86_400,
            "expiresAt": "2027-03-05T10:00:17.9361143Z",
            "notes": "renewed by phone",
            "userGroupIds": groups(&[0, 1]),
        })
    };
    json!({
        "organizations": [{
            "id": ORGANIZATION,
            "name": "Rivers Inc",
            "userGroups": NAMES.iter().enumerate().map(named).collect::<Vec<_>>(),
            "licenses": (0..licenses).map(license).collect::<Vec<_>>(),
        }],
    })
}
