//! Customer accounts: texts alone, and a list that is read to its end.

use serde_json::{Value as Json, json};

use super::licensespring::switches;
use super::{Budget, Pair, Reads, Refusal, Vendor, none};

pub static VENDOR: Vendor = Vendor {
    name: "licensespring",
    kind: "LicenseSpringCustomerAccount",
    account,
    ids,
    place: |number| format!("/customer_accounts/{number}"),
    full,
    small: |_| json!({"name": "Rivers"}),
    change: || ("name", json!("Rivers Inc")),
    elsewhere: || ("description", json!("Somebody else's")),
    rival: || json!("Streams"),
    beside: || ("customers_count", json!(12)),
    pairs: || {
        vec![
            Pair::new("name", "Straße 5"),
            Pair::new("description", "Two departments"),
            Pair::new("phone", "+385 1 555 0101"),
            Pair::new("address", "Riva 2, Split"),
            Pair::new("email", "office@rivers.example"),
        ]
    },
    clears: || {
        let fields = ["name", "description", "phone", "address", "email"];
        Vec::from(fields.map(|field| (field, json!(""), none())))
    },
    lists: Vec::new,
    spellings: Vec::new,
    clocks: &[],
    reads: || {
        let of = |what, accounts, numbers: Vec<usize>, calls| Reads {
            what,
            account: account(accounts),
            objects: { numbers.into_iter() }
                .map(|n| (ids(n), (VENDOR.small)(n)))
                .collect(),
            calls,
        };
        // No page shows a call for one account, or a filter.
        vec![
            of("one of a short list: one page", 90, vec![7], 1),
            of("all of a short list: one page", 90, (0..90).collect(), 1),
            of("one of 250: three pages that overlap", 250, vec![7], 3),
        ]
    },
    refusals: || {
        vec![Refusal {
            what: "a name that must not be blank",
            path: "name",
            value: json!(""),
            switches: json!({"blank_note": "refuse"}),
            words: "This field may not be blank",
            names_line: true,
        }]
    },
    switches,
    // Eleven pages that overlap.
    budget: Budget {
        login: 0,
        plan: 11,
        around: 0,
        import_three: 11,
        everything: Some(11),
    },
    sessions: None,
    members: &[
        ("count", "the number `count`"),
        ("results", "the list `results`"),
        ("code", "`code` is no text"),
        ("name", "`name`"),
        ("description", "`description`"),
        ("email", "`email`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"customerAccountId": 5_001 + number})
}

fn full() -> Json {
    json!({
        "name": "Rivers",
        "description": "Three departments",
        "phone": "+385 1 555 0100",
        "address": "Riva 1, Split",
        "email": "it@rivers.example",
    })
}

fn account(accounts: usize) -> Json {
    let account = |number: usize| {
        let mut account = full();
        account["id"] = ids(number)["customerAccountId"].clone();
        account["code"] = json!(format!("tc{}", number + 1));
        account
    };
    json!({
        "product_features": [],
        "customer_accounts": (0..accounts).map(account).collect::<Vec<_>>(),
        "licenses": [],
    })
}
