//! License orders: numbers come back as strings, HostIDs re-cased, the customer without an id.

use serde_json::{Value as Json, json};

use super::{Budget, Pair, Reads, Refusal, Sessions, Switch, Vendor, none, scattered};

pub static VENDOR: Vendor = Vendor {
    name: "lac",
    kind: "LacLicenseOrder",
    account: |orders| account(orders, 1),
    ids,
    place: |number| format!("/license_orders/{number}"),
    full,
    small: |number| small(number, 1),
    change: || ("activations_allowed", json!(500)),
    elsewhere: || ("description", json!("changed by hand")),
    rival: || json!(77),
    beside: || ("activated_licenses_count", json!(4)),
    pairs,
    clears: || {
        vec![
            ("description", json!(""), none()),
            ("settings_description", json!(""), none()),
            ("Features[Archive 1.0].options", json!(""), none()),
            (
                "Features[Archive 1.0].additional_settings",
                json!(""),
                none(),
            ),
            ("Features[Archive 1.0].comment", json!(""), none()),
        ]
    },
    lists: || {
        let hostid = json!({"name": "Username", "min_amount": 1, "max_amount": 3});
        let feature = json!({
            "name": "Archive", "version": "2.0", "expiration_type": "no_expiration",
            "issued_type": "not_issued", "maintenance_type": "no_maintenance", "count": 4,
        });
        vec![("Hostids", hostid), ("Features", feature)]
    },
    spellings: || {
        vec![
            ("Hostids[Hostname].name", json!("HOSTNAME")),
            ("Hostids[\"IP Address\"].name", json!("ip_address")),
            ("Features[Viewer 2.0].days_from_activation", json!("90")),
            ("Features[Viewer 2.0].comment", json!("")),
            ("Features[Viewer 2.0].options", Json::Null),
        ]
    },
    clocks: &[],
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
        vec![
            refusal(
                "a template that is not there",
                "product_template_id",
                json!(77),
                "there is no product template 77",
            ),
            refusal(
                "a HostID that the licence manager does not have",
                "Hostids[Hostname].name",
                json!("Horoscope"),
                "HostID type \"Horoscope\" is not supported",
            ),
        ]
    },
    switches,
    // Eleven pages that overlap, one with the last row only, and two of customers.
    budget: Budget {
        login: 1,
        plan: 2,
        around: 3,
        import_three: 3,
        everything: Some(14),
    },
    sessions: Some(Sessions {
        lost: 403,
        form: "login",
    }),
    members: &[
        ("product_template", "`product_template.id`"),
        ("license_type", "`license_type`"),
        ("licensee", "`licensee`"),
        ("min_hostids", "`min_hostids`"),
        ("enabled", "`enabled`"),
        ("description", "`description`"),
        ("Hostids", "`Hostids`"),
        ("max_amount", "`Hostids[Hostname].max_amount`"),
        ("Features", "`Features`"),
        ("version", "`Features[].version`"),
        ("expiration_date", "`Features[Archive 1.0].expiration_date`"),
        ("count", "`Features[Archive 1.0].count`"),
    ],
};

fn key(number: usize) -> String {
    format!("{number:05}-LAC00-ORDER-00000")
}

fn ids(number: usize) -> Json {
    json!({"activationKey": key(number)})
}

fn small(number: usize, customers: usize) -> Json {
    json!({"customer_id": number % customers + 1})
}

/// Everything of the first order, in the words of the write call.
fn full() -> Json {
    json!({
        "customer_id": 1,
        "product_template_id": 1,
        "license_type": "network",
        "licensee_type": "fixed",
        "licensee": "Bench 4",
        "hostid_match_rate": 50,
        "min_hostids": 1,
        "activations_allowed": 10,
        "enabled": true,
        "description": "An order",
        "settings_description": "Its settings",
        "removal": false,
        "deactivations_allowed": 8,
        "Hostids": [
            {"name": "Hostname", "min_amount": 1, "max_amount": 2},
            {"name": "IP Address", "min_amount": 0, "max_amount": 4},
        ],
        "Features": [
            {
                "name": "Archive", "version": "1.0",
                "expiration_type": "fixed", "expiration_date": "2027-12-31",
                "issued_type": "fixed", "issued_date": "2026-01-01",
                "options": "fast", "additional_settings": "<A/>", "enabled": true, "count": 15,
                "maintenance_type": "fixed", "maintenance_date": "2027-06-30",
                "comment": "by hand",
            },
            {
                "name": "Viewer", "version": "2.0",
                "expiration_type": "days_from_activation", "days_from_activation": 90,
                "issued_type": "activation_time", "count": 5,
                "maintenance_type": "days_from_activation", "maintenance_days_from_activation": 365,
                "enabled": true, "options": null, "additional_settings": null, "comment": null,
            },
        ],
    })
}

fn order(number: usize, customers: usize) -> Json {
    let mut order = full();
    order["activation_key"] = json!(key(number));
    order["activated_licenses_count"] = json!(3);
    order["deactivations_left"] = json!(6);
    order["customer_id"] = json!(number % customers + 1);
    order
}

fn account(orders: usize, customers: usize) -> Json {
    let customer = |id| json!({"id": id, "name": format!("Customer {id}")});
    let template = |id| json!({"id": id, "product_id": 1, "name": format!("Template {id}")});
    json!({
        "customers": (1..=customers.max(2)).map(customer).collect::<Vec<_>>(),
        "products": [{"id": 1, "name": "Tool"}],
        "product_templates": [template(1), template(2)],
        "license_orders": (0..orders).map(|n| order(n, customers)).collect::<Vec<_>>(),
    })
}

#[rustfmt::skip]
fn pairs() -> Vec<Pair> {
    vec![
        Pair::new("customer_id", 2),
        Pair::new("product_template_id", 2),
        Pair::new("license_type", "local").without("Features[*].count"),
        Pair::new("licensee_type", "customer").without("licensee"),
        Pair::new("licensee", "Bench 5"),
        Pair::new("hostid_match_rate", 100),
        Pair::new("min_hostids", 2),
        Pair::new("activations_allowed", 12),
        Pair::new("enabled", false),
        Pair::new("description", "Another order"),
        Pair::new("settings_description", "Other settings"),
        Pair::new("removal", true).moves("removal_request_time"),
        Pair::new("deactivations_allowed", 9).moves("deactivations_left"),
        Pair::new("Hostids[Hostname].min_amount", 0),
        Pair::new("Hostids[Hostname].max_amount", 3),
        Pair::new("Features[Archive 1.0].expiration_type", "no_expiration")
            .without("Features[Archive 1.0].expiration_date"),
        Pair::new("Features[Viewer 2.0].expiration_type", "fixed")
            .without("Features[Viewer 2.0].days_from_activation")
            .with("Features[Viewer 2.0].expiration_date", "2028-02-29"),
        Pair::new("Features[Archive 1.0].expiration_date", "2028-01-01"),
        Pair::new("Features[Viewer 2.0].days_from_activation", 91),
        Pair::new("Features[Archive 1.0].issued_type", "not_issued")
            .without("Features[Archive 1.0].issued_date"),
        Pair::new("Features[Archive 1.0].issued_date", "2026-01-02"),
        Pair::new("Features[Archive 1.0].options", "slow"),
        Pair::new("Features[Archive 1.0].additional_settings", "<A b=\"ü\"/>"),
        Pair::new("Features[Archive 1.0].enabled", false),
        Pair::new("Features[Archive 1.0].count", 16),
        Pair::new("Features[Archive 1.0].maintenance_type", "no_maintenance")
            .without("Features[Archive 1.0].maintenance_date"),
        Pair::new("Features[Archive 1.0].maintenance_type", "days_from_activation")
            .without("Features[Archive 1.0].maintenance_date")
            .with("Features[Archive 1.0].maintenance_days_from_activation", 30),
        Pair::new("Features[Archive 1.0].maintenance_date", "2028-06-30"),
        Pair::new("Features[Viewer 2.0].maintenance_days_from_activation", 366),
        Pair::new("Features[Archive 1.0].comment", "by a person"),
    ]
}

fn reads() -> Vec<Reads> {
    let of = |what, account, numbers: Vec<usize>, customers, calls| Reads {
        what,
        account,
        objects: numbers
            .into_iter()
            .map(|n| (ids(n), small(n, customers)))
            .collect(),
        calls,
    };
    vec![
        of(
            "one order: one filtered call",
            account(250, 1),
            vec![7],
            1,
            1,
        ),
        of(
            "three of three customers: one filtered call each",
            account(250, 250),
            vec![3, 99, 249],
            250,
            3,
        ),
        of(
            "three of one customer: one page",
            account(90, 1),
            vec![0, 1, 89],
            1,
            1,
        ),
        of(
            "120 of one customer: two pages",
            account(120, 1),
            (0..120).collect(),
            1,
            2,
        ),
        of(
            "250 of one customer: three pages",
            account(250, 1),
            (0..250).collect(),
            1,
            3,
        ),
        of(
            "250 of two customers: two pages each",
            account(250, 2),
            (0..250).collect(),
            2,
            4,
        ),
        of(
            "250 of 20 customers: three pages, and the customers until a page is empty",
            account(250, 20),
            (0..250).collect(),
            20,
            5,
        ),
        of(
            "three of one customer with 2,500",
            account(2_500, 1),
            vec![0, 1_250, 2_499],
            1,
            4,
        ),
        of(
            "40 over 1,000 of one customer: ten pages",
            account(1_000, 1),
            scattered(40, 25),
            1,
            10,
        ),
        of(
            "60 over 5,000 of 20 of 60 customers: a page of each list, and one of each customer",
            account(5_000, 60),
            scattered(60, 81),
            60,
            22,
        ),
        of(
            "60 over 5,000 of 5,000 customers: a call each, after two pages of each list and three looks ahead",
            account(5_000, 5_000),
            scattered(60, 81),
            5_000,
            60 + 2 + 2 + 3,
        ),
    ]
}

fn switches() -> Vec<Switch> {
    let s = |text: &str| json!(text);
    vec![
        Switch::new("page_size", &[json!(1), json!(2), json!(7)]),
        Switch::new("list_order", &[s("newest")]),
        Switch::new("single_get", &[s("snake")]),
        Switch::new("lenient_patch", &[json!(true)]),
        Switch::new("absent_optional", &[s("reset")]),
        Switch::new("digit_strings", &[json!(true)]),
        Switch::new("duplicates", &[s("accept")]),
        Switch::new("below_use", &[s("refuse")]),
        Switch::new("removal_without_licenses", &[s("refuse")]),
        Switch::new("removal_clears_after_reads", &[json!(0), json!(1)]),
        Switch::new("template_change", &[s("accept"), s("refuse")]),
        Switch::not("customer_change", "what is ignored never converges"),
        Switch::new("error_body", &[s("message"), s("empty")]),
        Switch::new("token_life_seconds", &[json!(60)]),
        Switch::not("patched_lists", "it is about customers"),
        Switch::not("undefined_tags", "it is about customers"),
        Switch::not("created_is_201", "nothing is created"),
        Switch::not("created_defaults", "nothing is created"),
        Switch::not("fixed_token", "an expired fixed token cannot be renewed"),
    ]
}
