//! Organizations: their names, addresses and the users that they may have.

use serde_json::{Value as Json, json};

use super::cryptlex::switches;
use super::{Budget, Pair, Reads, Refusal, Sessions, Vendor, none, scattered};

pub static VENDOR: Vendor = Vendor {
    name: "cryptlex",
    kind: "CryptlexOrganization",
    account,
    ids,
    place: |number| format!("/organizations/{number}"),
    full: || {
        json!({
            "name": name(0),
            "email": "it@rivers.example",
            "description": "Water boards",
            "allowedUsers": 40,
            "resellerId": "7c0d9a34-1b1e-4f0a-8c55-2f7e6d5c4b30",
            "address": {
                "addressLine1": "1 Quay Street",
                "addressLine2": "Second floor",
                "city": "Bristol",
                "state": "Avon",
                "country": "GB",
                "postalCode": "BS1 4DJ",
            },
        })
    },
    small: |_| json!({"description": "Water boards"}),
    change: || ("description", json!("Dams and locks")),
    elsewhere: || ("name", json!("Renamed")),
    rival: || json!("Renamed again"),
    beside: || ("reseller", json!({"name": "Delta"})),
    pairs: || {
        vec![
            Pair::new("allowedUsers", 30),
            Pair::new("name", "Straße 5"),
            Pair::new("email", "desk@rivers.example"),
            Pair::new("description", "Day and night"),
            Pair::new("resellerId", "7c0d9a34-1b1e-4f0a-8c55-2f7e6d5c4b31"),
            Pair::new("address.addressLine1", "2 Quay Street"),
            Pair::new("address.addressLine2", "Third floor"),
            Pair::new("address.city", "Köln"),
            Pair::new("address.state", "NRW"),
            Pair::new("address.country", "DE"),
            Pair::new("address.postalCode", "50667"),
        ]
    },
    clears: || {
        let texts = [
            "description",
            "resellerId",
            "address.addressLine1",
            "address.addressLine2",
            "address.city",
            "address.state",
            "address.country",
            "address.postalCode",
        ];
        texts.map(|path| (path, json!(""), none())).to_vec()
    },
    lists: Vec::new,
    spellings: || vec![("resellerId", json!("7C0D9A34-1B1E-4F0A-8C55-2F7E6D5C4B30"))],
    clocks: &["updatedAt"],
    reads,
    refusals: || {
        vec![
            Refusal {
                what: "an e-mail address that is none",
                path: "email",
                value: json!("rivers"),
                switches: none(),
                words: "is no e-mail address",
                names_line: false,
            },
            Refusal {
                what: "a token that may not write",
                path: "description",
                value: json!("On call"),
                switches: json!({"missing_scope": "organization:write"}),
                words: "organization:write",
                names_line: false,
            },
        ]
    },
    switches,
    // Eleven pages that overlap, and one with nothing new.
    budget: Budget {
        login: 0,
        plan: 2,
        around: 0,
        import_three: 1,
        everything: Some(12),
    },
    sessions: Some(Sessions {
        lost: 401,
        form: "login",
    }),
    members: &[("id", "the text `id`"), ("name", "`name`")],
};

fn reads() -> Vec<Reads> {
    let of = |what, organizations, numbers: Vec<usize>, calls| Reads {
        what,
        account: account(organizations),
        objects: { numbers.into_iter() }
            .map(|n| (ids(n), (VENDOR.small)(n)))
            .collect(),
        calls,
    };
    let named = |what, organizations, numbers: std::ops::Range<usize>, calls| Reads {
        what,
        account: account(organizations),
        objects: numbers
            .map(|n| {
                (
                    json!({"organization": {"name": name(n)}}),
                    (VENDOR.small)(n),
                )
            })
            .collect(),
        calls,
    };
    vec![
        of("one: one filtered call", 250, vec![7], 1),
        of("three of a short list: one page", 90, vec![0, 44, 89], 1),
        of("120: two pages", 120, (0..120).collect(), 2),
        of("40 over 1,000: ten pages", 1_000, scattered(40, 25), 10),
        named("one by name: one filtered call", 250, 7..8, 1),
        named("four by name: one call each", 250, 7..11, 4),
        named("five by name: the whole list", 250, 7..12, 3),
    ]
}

fn id(number: usize) -> String {
    // The first is the organization of the vendor's other kinds.
    match number {
        0 => "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11".into(),
        number => format!("0b1f4a6e-52c7-4a0b-9d7d-{number:012}"),
    }
}

fn ids(number: usize) -> Json {
    json!({"organizationId": id(number)})
}

fn name(number: usize) -> String {
    format!("Organization {number:04}")
}

fn account(organizations: usize) -> Json {
    let one = |number: usize| {
        let mut one = (VENDOR.full)();
        one["id"] = json!(id(number));
        one["name"] = json!(name(number));
        one["createdAt"] = json!(format!("2024-03-01T08:00:00.{number:07}Z"));
        if number == 0 {
            let user = |id: &str| json!({"id": id, "email": format!("{id}@rivers.example")});
            one["users"] = json!([user("u1"), user("u2"), user("u3")]);
        }
        one
    };
    json!({"organizations": Json::from_iter((0..organizations).map(one))})
}
