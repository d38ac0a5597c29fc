//! Users of an organization: the user groups that they are in.

use serde_json::{Value as Json, json};

use super::cryptlex::{self, switches};
use super::{Budget, Pair, Reads, Refusal, Sessions, Vendor, none};

const ORGANIZATION: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";

pub static VENDOR: Vendor = Vendor {
    name: "cryptlex",
    kind: "CryptlexOrganizationUser",
    account,
    ids,
    place: |number| format!("/organizations/0/users/{number}"),
    full: || json!({"userGroupIds": groups(&[0, 1])}),
    small: |_| json!({"userGroupIds": groups(&[0, 1])}),
    change: || ("userGroupIds", json!(groups(&[0, 1, 2]))),
    elsewhere: || ("userGroupIds", json!(groups(&[0, 1, 3]))),
    rival: || json!(groups(&[0, 3])),
    beside: || ("role", json!("organization-admin")),
    pairs: || vec![Pair::new("userGroupIds", json!(groups(&[2, 0])))],
    clears: Vec::new,
    lists: || vec![("userGroupIds", json!(group(3)))],
    spellings: || vec![("userGroupIds", json!(groups(&[1, 0])))],
    clocks: &["updatedAt"],
    reads: || {
        let of = |what, users, numbers: Vec<usize>, calls| Reads {
            what,
            account: account(users),
            objects: { numbers.into_iter() }
                .map(|n| (ids(n), (VENDOR.small)(n)))
                .collect(),
            calls,
        };
        let named = |what, users, number: usize, calls| Reads {
            what,
            account: account(users),
            objects: vec![(
                json!({"organizationId": ORGANIZATION, "user": {"email": email(number).to_uppercase()}}),
                (VENDOR.small)(number),
            )],
            calls,
        };
        vec![
            of("one: one filtered call", 250, vec![7], 1),
            of("all of a short list: one page", 90, (0..90).collect(), 1),
            of("120: two pages", 120, (0..120).collect(), 2),
            named("one by the address: the whole list", 250, 7, 3),
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
                json!({"missing_scope": "organization:user:update"}),
                "organization:user:update",
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

fn ids(number: usize) -> Json {
    json!({"organizationId": ORGANIZATION, "userId": format!("e7c1b9d4-3a20-4f5e-8d61-{number:012}")})
}

fn email(number: usize) -> String {
    format!("user.{number}@rivers.example")
}

fn group(number: usize) -> String {
    format!("a4f8d1b0-1111-4c22-8f33-{number:012}")
}

fn groups(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| group(*number)).collect()
}

fn account(users: usize) -> Json {
    let mut account = cryptlex::account(3);
    let user = |number: usize| {
        json!({
            "id": ids(number)["userId"],
            "createdAt": format!("2024-03-01T08:00:00.{number:07}Z"),
            "firstName": "A",
            "lastName": "Person",
            "email": email(number),
            "userGroupIds": groups(&[0, 1]),
        })
    };
    account["organizations"][0]["users"] = (0..users).map(user).collect();
    account
}
