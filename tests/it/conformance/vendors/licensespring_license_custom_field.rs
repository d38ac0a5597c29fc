//! Values of custom fields on licenses: one text, read by license or from the whole list, whichever is less.

use serde_json::{Value as Json, json};

use super::licensespring::switches;
use super::{Budget, Pair, Reads, Refusal, Vendor};

pub static VENDOR: Vendor = Vendor {
    name: "licensespring",
    kind: "LicenseSpringLicenseCustomField",
    account,
    ids,
    place: |number| format!("/license_custom_fields/{number}"),
    full,
    small: |_| full(),
    change: || ("value", json!("platinum")),
    elsewhere: || ("value", json!("silver")),
    rival: || json!("bronze"),
    beside: || ("product_custom_field", json!(52)),
    pairs: || vec![Pair::new("value", "Straße 5")],
    clears: Vec::new,
    lists: Vec::new,
    spellings: Vec::new,
    clocks: &[],
    reads: || {
        let of = |what, values, objects: Vec<Json>, calls| Reads {
            what,
            account: account(values),
            objects: objects.into_iter().map(|ids| (ids, full())).collect(),
            calls,
        };
        let by_number = |numbers: &[usize]| numbers.iter().map(|n| ids(*n)).collect();
        let by_license = |numbers: &[usize]| numbers.iter().map(|n| key(*n)).collect();
        vec![
            of("one number: one call", 2_500, by_number(&[7]), 1),
            of("one license: one call", 2_500, by_license(&[7]), 1),
            of(
                "three of a short list: one page",
                90,
                by_license(&[0, 7, 80]),
                1,
            ),
            of(
                "three of 250: three pages that overlap",
                250,
                by_license(&[0, 7, 240]),
                3,
            ),
            of(
                "three of 2,500: a page, and a call each",
                2_500,
                by_license(&[0, 7, 2_000]),
                4,
            ),
        ]
    },
    refusals: || {
        vec![Refusal {
            what: "a value that must not be blank",
            path: "value",
            value: json!(""),
            switches: json!({"blank_note": "refuse"}),
            words: "This field may not be blank",
            names_line: true,
        }]
    },
    switches,
    // Eleven pages that overlap; three numbers are a page and a call each.
    budget: Budget {
        login: 0,
        plan: 11,
        around: 0,
        import_three: 4,
        everything: Some(11),
    },
    sessions: None,
    members: &[
        ("license", "`license` is no number"),
        (
            "product_custom_field",
            "`product_custom_field` is no number",
        ),
        ("value", "`value`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"licenseCustomFieldId": 5_001 + number})
}

fn key(number: usize) -> Json {
    json!({"licenseCustomField": {"license": 10_001 + number, "product_custom_field": 51}})
}

fn full() -> Json {
    json!({"value": "gold"})
}

fn account(values: usize) -> Json {
    let value = |number: usize| {
        let mut value = key(number)["licenseCustomField"].clone();
        value["id"] = ids(number)["licenseCustomFieldId"].clone();
        value["value"] = json!("gold");
        value
    };
    json!({
        "product_features": [],
        "license_custom_fields": (0..values).map(value).collect::<Vec<_>>(),
        "licenses": [],
    })
}
