//! License policies: a merge of single members, and a list that is read to its end.

use serde_json::{Value as Json, json};

use super::licensespring::switches;
use super::{Budget, Pair, Reads, Refusal, Vendor, none};

pub static VENDOR: Vendor = Vendor {
    name: "licensespring",
    kind: "LicenseSpringLicensePolicy",
    account,
    ids,
    place: |number| format!("/license_templates/{number}"),
    full,
    small: |_| json!({"max_activations": 250}),
    change: || ("max_activations", json!(500)),
    elsewhere: || ("name", json!("Renamed")),
    rival: || json!(77),
    beside: || ("is_default", json!(true)),
    pairs: || {
        vec![
            Pair::new("allow_overages", false),
            Pair::new("name", "Straße 5"),
            Pair::new("default_license_type", "time-limited"),
            Pair::new("allow_trial", false),
            Pair::new("trial_days", 31),
            Pair::new("max_activations", 260),
            Pair::new("allow_unlimited_activations", true),
            Pair::new("max_license_users", 0),
            Pair::new("is_floating", true),
            Pair::new("is_floating_cloud", false),
            Pair::new("floating_users", 26),
            Pair::new("floating_timeout", 121),
            Pair::new("enable_maintenance_period", false),
            Pair::new("maintenance_duration", "2y"),
            Pair::new("prevent_vm", true),
            Pair::new("valid_duration", "35d"),
            Pair::new("allow_grace_period", false),
            Pair::new("grace_period", 48),
            Pair::new("max_consumptions", 400),
            Pair::new("allow_unlimited_consumptions", true),
            Pair::new("max_overages", 11),
            Pair::new("reset_consumption", false),
            Pair::new("max_transfers", -1),
            Pair::new("is_air_gapped", true),
            Pair::new("can_borrow", false),
            Pair::new("max_borrow_time", 12),
            Pair::new("is_hardware_key_auth", true),
            Pair::new("is_sku", false),
            Pair::new("user_max_activations", 3),
            Pair::new("metadata", json!({"tier": {"of": ["ü", 1, null]}})),
            Pair::new("is_archived", true),
        ]
    },
    clears: Vec::new,
    lists: Vec::new,
    spellings: Vec::new,
    clocks: &["updated_at"],
    reads: || {
        let of = |what, policies, numbers: Vec<usize>, calls| Reads {
            what,
            account: account(policies),
            objects: { numbers.into_iter() }
                .map(|n| (ids(n), (VENDOR.small)(n)))
                .collect(),
            calls,
        };
        // A code is unique only in the whole list, which shows all numbers as well.
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
        ("product", "`product` is no number"),
        ("name", "`name`"),
        ("default_license_type", "`default_license_type`"),
        ("max_activations", "`max_activations`"),
        ("is_archived", "`is_archived`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"licensePolicyId": 5_001 + number})
}

fn full() -> Json {
    json!({
        "name": "Team, a year",
        "default_license_type": "subscription",
        "allow_trial": true,
        "trial_days": 30,
        "max_activations": 250,
        "allow_unlimited_activations": false,
        "max_license_users": 5,
        "is_floating": false,
        "is_floating_cloud": true,
        "floating_users": 25,
        "floating_timeout": 120,
        "enable_maintenance_period": true,
        "maintenance_duration": "1y",
        "prevent_vm": false,
        "valid_duration": "1y",
        "allow_grace_period": true,
        "grace_period": 24,
        "max_consumptions": 300,
        "allow_unlimited_consumptions": false,
        "allow_overages": true,
        "max_overages": 10,
        "reset_consumption": true,
        "max_transfers": 3,
        "is_air_gapped": false,
        "can_borrow": true,
        "max_borrow_time": 24,
        "is_hardware_key_auth": false,
        "is_sku": true,
        "user_max_activations": 2,
        "metadata": {"tier": "gold"},
        "is_archived": false,
    })
}

fn account(policies: usize) -> Json {
    let policy = |number: usize| {
        let mut policy = full();
        policy["id"] = ids(number)["licensePolicyId"].clone();
        policy["code"] = json!(format!("p{}", number + 1));
        policy["product"] = json!(77);
        policy["consumption_period"] = json!("monthly");
        policy
    };
    json!({
        "product_features": [],
        "license_templates": (0..policies).map(policy).collect::<Vec<_>>(),
        "licenses": [],
    })
}
