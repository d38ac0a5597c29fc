//! Product features of licences: a whole set in every write, a counter of use that must not be rolled back.

use serde_json::{Value as Json, json};

use super::{Budget, Pair, Reads, Refusal, Switch, Vendor, none, scattered};

/// Why rounds are not tried under switches of scheduled updates.
const SCHEDULED: &str = "no round schedules anything; see `dates::at_vendor`";

pub static VENDOR: Vendor = Vendor {
    name: "licensespring",
    kind: "LicenseSpringLicense",
    account,
    ids,
    place: |number| format!("/licenses/{number}"),
    full,
    small: |_| json!({"product_features": [{"product_feature": "f1"}, {"product_feature": "f3"}]}),
    change: || ("product_features[f1].max_consumption", json!(500)),
    elsewhere: || ("product_features[f3].max_overages", json!(12)),
    rival: || json!(77),
    beside: || ("product_features[f1].total_consumptions", json!(181)),
    pairs: || {
        vec![
            Pair::new("product_features[f1].max_consumption", 260),
            Pair::new("product_features[f1].total_consumptions", 0),
            Pair::new("product_features[f1].expiry_date", "2028-02-29"),
            Pair::new("product_features[f1].allow_overages", false),
            Pair::new("product_features[f1].max_overages", 11),
            Pair::new("product_features[f1].reset_consumption", false),
            Pair::new("product_features[f1].consumption_period", "weekly"),
            Pair::new("product_features[f3].consumption_period", "daily"),
            Pair::new(
                "product_features[f1].metadata",
                json!({"tier": {"of": ["ü", 1, null]}}),
            ),
            Pair::new("product_features[f1].is_floating", true),
            Pair::new("product_features[f1].is_floating_cloud", false),
            Pair::new("product_features[f1].floating_users", 26),
            Pair::new("product_features[f1].floating_timeout", 121),
            Pair::new("max_activations", 12),
            Pair::new("max_consumptions", 400),
            Pair::new("allow_overages", false),
            Pair::new("max_overages", 30),
            Pair::new("reset_consumption", false),
            Pair::new("consumption_period", "weekly"),
            Pair::new("is_trial", true),
            Pair::new("trial_days", 45),
            Pair::new("valid_duration", "35d").without("validity_period"),
            Pair::new("validity_period", "2028-02-29"),
            Pair::new("enable_maintenance_period", false),
            Pair::new("maintenance_duration", "2y"),
            Pair::new("maintenance_period", "2028-06-30"),
            Pair::new("is_floating", true),
            Pair::new("is_floating_cloud", false),
            Pair::new("floating_users", 8),
            Pair::new("floating_timeout", 240),
            Pair::new("prevent_vm", true),
            Pair::new("note", "Straße 5"),
            Pair::new("max_license_users", 0),
            Pair::new("max_transfers", -1),
            Pair::new("metadata", json!({"tier": {"of": ["ü", 1, null]}})),
            Pair::new("enabled", false)
                .moves("status")
                .moves("time_disabled"),
        ]
    },
    clears: || {
        vec![
            ("product_features[f1].expiry_date", Json::Null, none()),
            (
                "product_features[f1].consumption_period",
                Json::Null,
                none(),
            ),
            ("product_features[f1].floating_timeout", Json::Null, none()),
            ("note", json!(""), none()),
        ]
    },
    lists: || {
        let item =
            json!({"product_feature": "f2", "max_consumption": 20, "expiry_date": "2027-01-31"});
        vec![("product_features", item)]
    },
    spellings: || {
        vec![
            ("product_features[f3].consumption_period", json!("annualy")),
            ("product_features[f3].expiry_date", Json::Null),
            ("consumption_period", json!("annualy")),
        ]
    },
    // The ids of rows may change with every write.
    clocks: &["updated_at", "product_features[*].id"],
    reads: || {
        let of = |what, licenses, numbers: Vec<usize>, calls| Reads {
            what,
            account: account(licenses),
            objects: numbers
                .into_iter()
                .map(|n| (ids(n), (VENDOR.small)(n)))
                .collect(),
            calls,
        };
        vec![
            of("one: one filtered call", 300, vec![7], 1),
            of("three: one filtered call", 300, vec![0, 150, 299], 1),
            of("120: a hundred ids in a call", 300, (0..120).collect(), 2),
            of("250: a hundred ids in a call", 300, (0..250).collect(), 3),
            of("60 over 600: one filtered call", 600, scattered(60, 10), 1),
            of(
                "250 over 1,000: a hundred ids in a call",
                1_000,
                scattered(250, 4),
                3,
            ),
        ]
    },
    refusals: || {
        vec![
            Refusal {
                what: "a feature that the product does not have",
                path: "product_features[f3].product_feature",
                value: json!("f99"),
                switches: none(),
                words: "Product feature \"f99\" does not exist",
                names_line: false,
            },
            Refusal {
                what: "a note that must not be blank",
                path: "note",
                value: json!(""),
                switches: json!({"blank_note": "refuse"}),
                words: "This field may not be blank",
                names_line: true,
            },
        ]
    },
    switches,
    // One filter names all three.
    budget: Budget {
        login: 0,
        plan: 2,
        around: 1,
        import_three: 1,
        everything: Some(11),
    },
    sessions: None,
    members: &[
        ("count", "the number `count`"),
        ("results", "the list `results`"),
        ("product_features", "`product_features`"),
        ("code", "`product_features[].product_feature.code`"),
        ("max_consumption", "`product_features[f1].max_consumption`"),
        (
            "total_consumptions",
            "`product_features[f1].total_consumptions`",
        ),
        ("expiry_date", "`product_features[f1].expiry_date`"),
        ("allow_overages", "`product_features[f1].allow_overages`"),
        (
            "consumption_period",
            "`product_features[f1].consumption_period`",
        ),
        ("floating_users", "`product_features[f1].floating_users`"),
        ("max_activations", "`max_activations`"),
        ("enabled", "`enabled`"),
    ],
};

/// Beyond 2^53, where floating-point numbers lose the last digits.
fn ids(number: usize) -> Json {
    json!({"licenseId": 9_007_199_254_740_993_u64 + 2 * number as u64})
}

fn full() -> Json {
    json!({
        "product_features": [
            {
                "product_feature": "f1", "max_consumption": 250, "total_consumptions": 180,
                "expiry_date": "2027-06-30", "allow_overages": true, "max_overages": 10,
                "reset_consumption": true, "consumption_period": "monthly",
                "metadata": {"tier": "gold"}, "is_floating": false, "is_floating_cloud": true,
                "floating_users": 25, "floating_timeout": 120,
            },
            {
                "product_feature": "f3", "max_consumption": 50, "total_consumptions": 0,
                "expiry_date": null, "allow_overages": false, "max_overages": 99,
                "reset_consumption": true, "consumption_period": "annually",
                "metadata": {}, "is_floating": false, "is_floating_cloud": false,
                "floating_users": 1, "floating_timeout": null,
            },
        ],
        "max_activations": 10,
        "max_consumptions": 300,
        "allow_overages": true,
        "max_overages": 20,
        "reset_consumption": true,
        "consumption_period": "annually",
        "is_trial": false,
        "trial_days": 30,
        "validity_period": "2027-12-31",
        "enable_maintenance_period": true,
        "maintenance_duration": "1y",
        "maintenance_period": "2027-06-30",
        "is_floating": false,
        "is_floating_cloud": true,
        "floating_users": 5,
        "floating_timeout": 120,
        "prevent_vm": false,
        "note": "renewed by phone",
        "max_license_users": 4,
        "max_transfers": 6,
        "metadata": {"tier": "gold"},
        "enabled": true,
    })
}

fn account(licenses: usize) -> Json {
    let feature = |id| json!({"id": id, "name": format!("feature {id}"), "code": format!("f{id}"), "product": 77});
    let license = |number: usize| {
        let mut license = full();
        // As this vendor's pages print it; of the others nobody manages the period.
        let period = if number == 0 { "annualy" } else { "monthly" };
        license["product_features"][1]["consumption_period"] = json!(period);
        license["id"] = ids(number)["licenseId"].clone();
        license["product"] = json!({"id": 77, "product_name": "Tool"});
        license["license_key"] = json!(format!("SECRET-KEY-{number}"));
        license["license_users"] = json!([{"id": 1, "initial_password": "SECRET-PASSWORD"}]);
        license["consumption_period"] = json!(period);
        license["times_activated"] = json!(3);
        license["total_consumptions"] = json!(217);
        license
    };
    json!({
        "product_features": (1..=4).map(feature).collect::<Vec<_>>(),
        "licenses": (0..licenses).map(license).collect::<Vec<_>>(),
    })
}

pub fn switches() -> Vec<Switch> {
    let s = |text: &str| json!(text);
    vec![
        Switch::new("page_size", &[json!(1), json!(100)]),
        Switch::new("bad_key_status", &[json!(403)]),
        Switch::new("slashless_post", &[s("error")]),
        Switch::new("unknown_feature", &[s("ignore")]),
        Switch::new("numeric_id", &[json!(true)]),
        Switch::new("omitted", &[s("redefault")]),
        Switch::new("row_ids", &[s("recreate")]),
        Switch::new("new_row_max_overages", &[s("product_feature")]),
        Switch::new("period_spelling", &[s("annually")]),
        Switch::new("period_accepted", &[s("annually")]),
        Switch::new("row_path", &[s("slash")]),
        Switch::new("lone_member", &[s("ignore")]),
        Switch::new("other_end", &[s("clear")]),
        Switch::new("metadata_write", &[s("merge")]),
        Switch::new("blank_note", &[s("refuse")]),
        Switch::new("feature_patch", &[s("partial")]),
        Switch::new("taken_code", &[s("accept")]),
        Switch::new("feature_order", &[s("newest_first")]),
        Switch::new("deleted_features", &[s("hide")]),
        Switch::new("feature_filter", &[s("row"), s("ignored")]),
        Switch::new("feature_delete_status", &[json!(204)]),
        Switch::new("archived_policies", &[s("hide")]),
        Switch::new("policy_period", &[s("number")]),
        Switch::new("default_policy_removal", &[s("ignore")]),
        Switch::new("policy_filter", &[s("ignored"), s("refused")]),
        Switch::new("account_phone", &[s("capital")]),
        Switch::new("account_create_status", &[json!(200)]),
        Switch::new("second_value", &[s("accept")]),
        Switch::new("order_account", &[s("object")]),
        Switch::new("order_taken_status", &[json!(409)]),
        Switch::new("unknown_members", &[s("ignore")]),
        Switch::new("unknown_query", &[s("ignore")]),
        Switch::new("rate_limit", &[json!(true)]),
        Switch::new("retry_after", &[json!(false)]),
        Switch::not("enterprise", SCHEDULED),
        Switch::not("plan_refusal_status", SCHEDULED),
        Switch::not("update_create_status", SCHEDULED),
        Switch::not("updates_wait", SCHEDULED),
        Switch::not("status_order", SCHEDULED),
        Switch::not("merged_name", SCHEDULED),
        Switch::not("retry_time", SCHEDULED),
        Switch::not("taken_hour", SCHEDULED),
        Switch::not("scheduled_partner", SCHEDULED),
        Switch::not(
            "order_rows",
            "what is not shown cannot be compared; see `lifecycle::orders`",
        ),
        Switch::not(
            "row_members",
            "what is not shown cannot be managed; see `particular`",
        ),
    ]
}
