//! Product features: a body that names three members always, and a list that is read to its end.

use serde_json::{Value as Json, json};

use super::licensespring::switches;
use super::{Budget, Pair, Reads, Refusal, Vendor, none};

pub static VENDOR: Vendor = Vendor {
    name: "licensespring",
    kind: "LicenseSpringProductFeature",
    account,
    ids,
    place: |number| format!("/product_features/{number}"),
    full,
    small: |_| json!({"max_consumption": 250}),
    change: || ("max_consumption", json!(500)),
    elsewhere: || ("name", json!("Renamed")),
    rival: || json!(77),
    beside: || ("allow_unlimited_consumptions", json!(true)),
    pairs: || {
        vec![
            Pair::new("allow_overages", false),
            Pair::new("name", "Straße 5"),
            Pair::new("feature_type", "activation"),
            Pair::new("max_consumption", 260),
            Pair::new("max_overages", 11),
            Pair::new("reset_consumption", false),
            Pair::new("consumption_period", "weekly"),
            Pair::new("is_floating", true),
            Pair::new("is_floating_cloud", false),
            Pair::new("floating_users", 26),
            Pair::new("floating_timeout", 121),
            Pair::new("metadata", json!({"tier": {"of": ["ü", 1, null]}})),
            Pair::new("is_deleted", true),
        ]
    },
    clears: || vec![("consumption_period", Json::Null, none())],
    lists: Vec::new,
    spellings: Vec::new,
    clocks: &["updated_at"],
    reads: || {
        let of = |what, features, numbers: Vec<usize>, calls| Reads {
            what,
            account: account(features),
            objects: { numbers.into_iter() }
                .map(|n| (ids(n), (VENDOR.small)(n)))
                .collect(),
            calls,
        };
        // No page shows a call for one feature, and a code is unique only in the whole list.
        vec![
            of("one of a short list: one page", 90, vec![7], 1),
            of("all of a short list: one page", 90, (0..90).collect(), 1),
            of("one of 250: three pages that overlap", 250, vec![7], 3),
        ]
    },
    refusals: || {
        vec![Refusal {
            what: "a name that is longer than the vendor takes",
            path: "name",
            value: json!("x".repeat(300)),
            switches: none(),
            words: "expected",
            names_line: true,
        }]
    },
    switches,
    // Eleven pages that overlap. Each body has the name and the type, which are read again before it goes.
    budget: Budget {
        login: 0,
        plan: 11,
        around: 11,
        import_three: 11,
        everything: Some(11),
    },
    sessions: None,
    members: &[
        ("count", "the number `count`"),
        ("results", "the list `results`"),
        ("code", "`code` is no text"),
        ("product", "`product` is no number"),
        ("name", "`name`"),
        ("feature_type", "`feature_type`"),
        ("max_consumption", "`max_consumption`"),
        ("is_deleted", "`is_deleted`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"productFeatureId": 5_001 + number})
}

fn full() -> Json {
    json!({
        "name": "Exports",
        "feature_type": "consumption",
        "max_consumption": 250,
        "allow_overages": true,
        "max_overages": 10,
        "reset_consumption": true,
        "consumption_period": "monthly",
        "is_floating": false,
        "is_floating_cloud": true,
        "floating_users": 25,
        "floating_timeout": 120,
        "metadata": {"tier": "gold"},
        "is_deleted": false,
    })
}

/// Codes and the product are those of the features that the licences of the other kind have.
fn account(features: usize) -> Json {
    let feature = |number: usize| {
        let mut feature = full();
        feature["id"] = ids(number)["productFeatureId"].clone();
        feature["code"] = json!(format!("f{}", number + 1));
        feature["product"] = json!(77);
        feature
    };
    json!({
        "product_features": (0..features).map(feature).collect::<Vec<_>>(),
        "licenses": [],
    })
}
