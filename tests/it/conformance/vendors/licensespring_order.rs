//! Orders: read by their ids with a filter, or from the whole list; owners as objects or numbers.

use serde_json::{Value as Json, json};

use super::licensespring::switches;
use super::{Budget, Pair, Reads, Refusal, Vendor, none};

pub static VENDOR: Vendor = Vendor {
    name: "licensespring",
    kind: "LicenseSpringOrder",
    account,
    ids,
    place: |number| format!("/orders/{number}"),
    full,
    small: |_| json!({"language": "en"}),
    change: || ("language", json!("hr")),
    elsewhere: || ("download_id", json!("D-2")),
    rival: || json!("D-3"),
    beside: || ("type", json!("other")),
    pairs: || {
        vec![
            Pair::new("customer_account", 811),
            Pair::new("customer", 621),
            Pair::new("store_id", "ord-renamed"),
            Pair::new("is_test", true),
            Pair::new("is_trial", true),
            Pair::new("download_id", "D-9"),
            Pair::new("language", "hr"),
            Pair::new("campaign_params", "utm_source=crm"),
            Pair::new("metadata", json!({"tier": "silver"})),
        ]
    },
    clears: Vec::new,
    lists: Vec::new,
    spellings: Vec::new,
    clocks: &["updated_at"],
    reads: || {
        let of = |what, orders, objects: Vec<Json>, calls| Reads {
            what,
            account: account(orders),
            objects: { objects.into_iter() }
                .map(|ids| (ids, (VENDOR.small)(0)))
                .collect(),
            calls,
        };
        let by_number = |numbers: &[usize]| numbers.iter().map(|n| ids(*n)).collect();
        let by_key = |numbers: &[usize]| numbers.iter().map(|n| key(*n)).collect();
        vec![
            of("one id of 2,500: one call", 2_500, by_key(&[7]), 1),
            of("one number of 90: one page", 90, by_number(&[7]), 1),
            of(
                "three ids of a short list: one page",
                90,
                by_key(&[0, 7, 80]),
                1,
            ),
            of(
                "three ids of 2,500: a page, and a call each",
                2_500,
                by_key(&[0, 7, 2_000]),
                4,
            ),
            // No page shows one order whole.
            of(
                "a number and an id of 250: three pages",
                250,
                vec![ids(7), key(240)],
                3,
            ),
        ]
    },
    refusals: || {
        vec![Refusal {
            what: "a customer account that is not there",
            path: "customer_account",
            value: json!(9),
            switches: none(),
            words: "object does not exist",
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
        ("store_id", "`store_id` is no text"),
        ("is_test", "`is_test`"),
        ("language", "`language`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"orderId": 1_593_781_720_500_001_u64 + number as u64})
}

fn key(number: usize) -> Json {
    json!({"order": {"store_id": format!("ord-{number}")}})
}

fn full() -> Json {
    json!({
        "store_id": "ord-0",
        "is_test": false,
        "is_trial": false,
        "download_id": "D-1",
        "language": "en",
        "campaign_params": "utm_source=mail",
        "customer": 620,
        "customer_account": 818,
        "metadata": {"tier": "gold"},
    })
}

fn account(orders: usize) -> Json {
    let order = |number: usize| {
        let mut order = full();
        order["id"] = ids(number)["orderId"].clone();
        order["store_id"] = json!(format!("ord-{number}"));
        order
    };
    json!({
        "product_features": [],
        "customers": [{"id": 620}, {"id": 621}],
        "customer_accounts": [{"id": 811, "code": "tc4"}, {"id": 818, "code": "tc6"}],
        "orders": (0..orders).map(order).collect::<Vec<_>>(),
        "licenses": [],
    })
}
