//! Customers: ids come back as digit strings, rows with ids and times of their own.

use serde_json::{Value as Json, json};

use super::{Budget, Pair, Reads, Refusal, Sessions, Switch, Vendor, none, scattered};

pub static VENDOR: Vendor = Vendor {
    name: "lac",
    kind: "LacCustomer",
    account,
    ids,
    place: |number| format!("/customers/{number}"),
    full,
    small: |number| json!({"name": name(number)}),
    change: || ("city", json!("Longport")),
    elsewhere: || ("description", json!("changed by hand")),
    rival: || json!("changed once more"),
    beside: || {
        let made = json!("2020-02-29 08:00:00");
        ("Contacts[nfisher@test.x-formation.com].creation_time", made)
    },
    pairs,
    clears: || {
        vec![
            ("street", json!(""), none()),
            ("zip_code", json!(""), none()),
            ("city", json!(""), none()),
            ("state", json!(""), none()),
            ("country", json!(""), none()),
            ("phone_number", json!(""), none()),
            ("fax_number", json!(""), none()),
            ("description", json!(""), none()),
            (
                "Contacts[nfisher@test.x-formation.com].name",
                json!(""),
                none(),
            ),
            ("CustomTags[crm_id].value", json!(""), none()),
        ]
    },
    lists: || {
        let contact = json!({"name": "Ada Ferry", "email": "aferry@test.x-formation.com"});
        let tag = json!({"tag_name": "plan", "value": "Gold"});
        vec![("Contacts", contact), ("CustomTags", tag)]
    },
    spellings: || vec![("description", json!("An account"))],
    // Rows that change have times as well.
    clocks: &[
        "update_time",
        "Contacts[*].update_time",
        "CustomTags[*].update_time",
    ],
    reads,
    refusals: || {
        let refusal = |what, path, value, words| Refusal {
            what,
            path,
            value,
            switches: none(),
            words,
            names_line: false,
        };
        vec![refusal(
            "a custom tag that is not defined",
            "CustomTags[crm_id].tag_name",
            json!("colour"),
            "there is no custom tag \"colour\"",
        )]
    },
    switches,
    // Eleven pages that overlap, and one with the last row only.
    budget: Budget {
        login: 1,
        plan: 2,
        around: 3,
        import_three: 1,
        everything: Some(12),
    },
    sessions: Some(Sessions {
        lost: 403,
        form: "login",
    }),
    members: &[
        ("name", "`name`"),
        ("zip_code", "`zip_code`"),
        ("description", "`description`"),
        ("Contacts", "`Contacts`"),
        ("email", "`Contacts[].email`"),
        ("CustomTags", "`CustomTags`"),
        ("tag_name", "`CustomTags[].tag_name`"),
        ("value", "`CustomTags[crm_id].value`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"customerId": number + 1})
}

fn name(number: usize) -> String {
    format!("Customer {}", number + 1)
}

/// Everything of the first customer, in the words of the write call.
fn full() -> Json {
    json!({
        "name": name(0),
        "street": "008 Santiago Groves Suite 651",
        "zip_code": "62448",
        "city": "Shortport",
        "state": "South Carolina",
        "country": "USA",
        "phone_number": "779.790.4969x1425",
        "fax_number": "(536)600-8229",
        "description": "An account",
        "Contacts": [
            {"name": "James Taylor", "email": "nfisher@test.x-formation.com"},
            {"name": "Victor Martinez", "email": "ngallagher@test.x-formation.com"},
        ],
        "CustomTags": [
            {"tag_name": "crm_id", "value": "C-1"},
            {"tag_name": "region", "value": "South"},
        ],
    })
}

fn customer(number: usize) -> Json {
    const MADE: &str = "2019-08-14 10:57:03";
    let mut customer = full();
    customer["id"] = json!(number + 1);
    customer["name"] = json!(name(number));
    for (at, contact) in [0, 1].iter().enumerate() {
        let contact = &mut customer["Contacts"][*contact];
        contact["id"] = json!((10 * number + at + 1).to_string());
        contact["customer_id"] = json!((number + 1).to_string());
    }
    for list in ["Contacts", "CustomTags"] {
        for row in customer[list].as_array_mut().expect("a list") {
            row["creation_time"] = json!(MADE);
            row["update_time"] = json!(MADE);
        }
    }
    customer
}

fn account(customers: usize) -> Json {
    json!({
        "customers": (0..customers).map(customer).collect::<Vec<_>>(),
        "custom_tags": ["plan"],
    })
}

fn pairs() -> Vec<Pair> {
    vec![
        Pair::new("name", "Customer One"),
        Pair::new("street", "1 Quay"),
        Pair::new("zip_code", "00501"),
        Pair::new("city", "Longport"),
        Pair::new("state", "North Carolina"),
        Pair::new("country", "United States"),
        Pair::new("phone_number", "+1 555 0100"),
        Pair::new("fax_number", "+1 555 0101"),
        Pair::new("description", "Another \"account\" — ü"),
        Pair::new("Contacts[nfisher@test.x-formation.com].name", "J. Taylor"),
        Pair::new("CustomTags[crm_id].value", "C-1001"),
    ]
}

fn reads() -> Vec<Reads> {
    let of = |what, customers, numbers: Vec<usize>, calls| Reads {
        what,
        account: account(customers),
        objects: numbers
            .into_iter()
            .map(|n| (ids(n), json!({"name": name(n)})))
            .collect(),
        calls,
    };
    vec![
        of("one customer: one call", 250, vec![7], 1),
        of("three neighbours: one page", 250, vec![3, 5, 98], 1),
        of(
            "three far apart: a page, a look ahead, and one call each",
            2_500,
            vec![500, 1_250, 2_499],
            5,
        ),
        of("120 of 120: two pages", 120, (0..120).collect(), 2),
        of("250 of 250: three pages", 250, (0..250).collect(), 3),
        of("40 over 1,000: ten pages", 1_000, scattered(40, 25), 10),
    ]
}

fn switches() -> Vec<Switch> {
    let s = |text: &str| json!(text);
    let orders = "it is about orders";
    vec![
        Switch::new("page_size", &[json!(1), json!(2), json!(7)]),
        Switch::new("list_order", &[s("newest")]),
        Switch::not("single_get", orders),
        Switch::new("lenient_patch", &[json!(true)]),
        Switch::new("absent_optional", &[s("reset")]),
        Switch::not("patched_lists", "see particular: what is merged never goes"),
        Switch::new("undefined_tags", &[s("accept")]),
        Switch::not("digit_strings", orders),
        Switch::new("duplicates", &[s("accept")]),
        Switch::not("below_use", orders),
        Switch::not("removal_without_licenses", orders),
        Switch::not("removal_clears_after_reads", orders),
        Switch::not("template_change", orders),
        Switch::not("customer_change", orders),
        Switch::not("created_is_201", orders),
        Switch::not("created_defaults", orders),
        Switch::new("error_body", &[s("message"), s("empty")]),
        Switch::new("token_life_seconds", &[json!(60)]),
        Switch::not("fixed_token", "an expired fixed token cannot be renewed"),
    ]
}
