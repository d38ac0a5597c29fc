//! User groups of an organization: their names and what is said about them.

use serde_json::{Value as Json, json};

use super::cryptlex::{self, switches};
use super::{Budget, Pair, Reads, Refusal, Sessions, Vendor, none};

const ORGANIZATION: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";

pub static VENDOR: Vendor = Vendor {
    name: "cryptlex",
    kind: "CryptlexUserGroup",
    account,
    ids,
    place: |number| format!("/organizations/0/userGroups/{number}"),
    full: || json!({"name": name(0), "description": "Field sales"}),
    small: |_| json!({"description": "Field sales"}),
    change: || ("description", json!("On call")),
    elsewhere: || ("name", json!("Renamed")),
    rival: || json!("Renamed again"),
    beside: || ("totalUsers", json!(9)),
    pairs: || {
        vec![
            Pair::new("name", "Straße 5"),
            Pair::new("description", "Day and night"),
        ]
    },
    clears: || vec![("description", json!(""), none())],
    lists: Vec::new,
    spellings: Vec::new,
    clocks: &["updatedAt"],
    reads: || {
        let of = |what, groups, numbers: Vec<usize>, calls| Reads {
            what,
            account: account(groups),
            objects: { numbers.into_iter() }
                .map(|n| (ids(n), (VENDOR.small)(n)))
                .collect(),
            calls,
        };
        // No page shows a call for one group, and a name is unique only in the whole list.
        vec![
            of("one of a short list: one page", 90, vec![7], 1),
            of("all of a short list: one page", 90, (0..90).collect(), 1),
            of("one of 250: three pages that overlap", 250, vec![7], 3),
        ]
    },
    refusals: || {
        vec![
            Refusal {
                what: "a name that another group has",
                path: "name",
                value: json!(name(1)),
                switches: json!({"rename_to_taken": "conflict"}),
                words: "exists",
                names_line: false,
            },
            Refusal {
                what: "a token that may not write",
                path: "description",
                value: json!("On call"),
                switches: json!({"missing_scope": "organization:userGroup:update"}),
                words: "organization:userGroup:update",
                names_line: false,
            },
        ]
    },
    switches,
    // Eleven pages that overlap, one with nothing new, and the list of organizations.
    budget: Budget {
        login: 0,
        plan: 12,
        around: 0,
        import_three: 12,
        everything: Some(13),
    },
    sessions: Some(Sessions {
        lost: 401,
        form: "login",
    }),
    members: &[("id", "the text `id`"), ("name", "`name`")],
};

fn id(number: usize) -> String {
    format!("a4f8d1b0-1111-4c22-8f33-{number:012}")
}

fn ids(number: usize) -> Json {
    json!({"organizationId": ORGANIZATION, "userGroupId": id(number)})
}

fn name(number: usize) -> String {
    format!("Group {number:04}")
}

/// An account with as many groups as licences, which the other kinds of the vendor can use as well.
fn account(groups: usize) -> Json {
    let mut account = cryptlex::account(groups);
    // Some tests take groups away, which no licence may name then.
    let licenses = account["organizations"][0]["licenses"].as_array_mut();
    for license in licenses.expect("a list") {
        license["userGroupIds"] = json!([]);
    }
    let group = |number: usize| json!({"id": id(number), "name": name(number), "description": "Field sales", "totalUsers": 7});
    account["organizations"][0]["userGroups"] = (0..groups).map(group).collect();
    account
}
