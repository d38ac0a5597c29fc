//! Licences in the scope of the account: what they allow, and when they expire.

use serde_json::{Value as Json, json};

use super::cryptlex::{account, license_id, switches};
use super::{Budget, Pair, Reads, Refusal, Sessions, Vendor, none, scattered};

pub static VENDOR: Vendor = Vendor {
    name: "cryptlex",
    kind: "CryptlexLicense",
    account,
    ids,
    place: |number| format!("/organizations/0/licenses/{number}"),
    full: || {
        json!({
            "revoked": false,
            "suspended": false,
            "allowedActivations": 60,
            "allowedDeactivations": 10,
            "leaseDuration": 7200,
            "allowClientLeaseDuration": false,
            "allowedFloatingClients": 60,
            "serverSyncInterval": 86_400,
            "serverSyncGracePeriod": 2_592_000,
            "allowedClockOffset": 3600,
            "fingerprintMatchingStrategy": "fuzzy",
            "allowVmActivation": true,
            "allowContainerActivation": true,
            "requireAuthentication": false,
            "disableGeoLocation": false,
            "cryptoBindingEnabled": false,
            "expiringSoonEventOffset": 604_800,
            "notes": "renewed by phone",
            "expiresAt": "2027-03-05T10:00:17Z",
        })
    },
    small: |_| json!({"allowedActivations": 60}),
    change: || ("allowedActivations", json!(70)),
    elsewhere: || ("notes", json!("called back")),
    rival: || json!(65),
    beside: || ("totalActivations", json!(32)),
    pairs: || {
        vec![
            Pair::new("revoked", true),
            Pair::new("suspended", true),
            Pair::new("allowedActivations", 80),
            Pair::new("allowedDeactivations", -1),
            Pair::new("leaseDuration", 3600),
            Pair::new("allowClientLeaseDuration", true),
            Pair::new("allowedFloatingClients", 0),
            Pair::new("serverSyncInterval", 3600),
            Pair::new("serverSyncGracePeriod", -1),
            Pair::new("allowedClockOffset", 60),
            Pair::new("fingerprintMatchingStrategy", "exact"),
            Pair::new("allowVmActivation", false),
            Pair::new("allowContainerActivation", false),
            Pair::new("requireAuthentication", true),
            Pair::new("disableGeoLocation", true),
            Pair::new("cryptoBindingEnabled", true),
            Pair::new("expiringSoonEventOffset", 86_400),
            Pair::new("notes", "Straße 5"),
            Pair::new("expiresAt", "2028-03-05T10:00:17Z").stored("2028-03-05T10:00:17.0000000Z"),
        ]
    },
    clears: || vec![("notes", json!(""), none())],
    lists: Vec::new,
    spellings: || {
        vec![
            ("expiresAt", json!("2027-03-05T11:00:17+01:00")),
            ("expiresAt", json!("2027-03-05T10:00:17.9361143Z")),
        ]
    },
    clocks: &["updatedAt"],
    reads: || {
        let of = |what, account, numbers: Vec<usize>, calls| Reads {
            what,
            account,
            objects: { numbers.into_iter() }
                .map(|n| (ids(n), (VENDOR.small)(n)))
                .collect(),
            calls,
        };
        let outside = json!({"licenses": [{"id": license_id(0), "allowedActivations": 60}]});
        vec![
            of("one: one filtered call", account(250), vec![7], 1),
            of("one of no organization", outside, vec![0], 1),
            of(
                "three of a short list: one page",
                account(90),
                vec![0, 44, 89],
                1,
            ),
            // Nothing tells how long a list is: finding out costs up to two calls more than there are objects.
            of(
                "three of a long list, none on its first page",
                account(1000),
                vec![450, 499, 999],
                5,
            ),
            of("250: three pages", account(250), (0..250).collect(), 3),
            of("three of 2,500", account(2_500), vec![0, 1_250, 2_499], 4),
            of(
                "40 over 1,000: ten pages",
                account(1_000),
                scattered(40, 25),
                10,
            ),
        ]
    },
    refusals: || {
        let refusal = |what, path, value: i64, switches, words, names_line| Refusal {
            what,
            path,
            value: json!(value),
            switches,
            words,
            names_line,
        };
        vec![
            refusal(
                "an interval below that of the plan",
                "serverSyncInterval",
                1800,
                json!({"least_sync_interval": 3600}),
                "serverSyncInterval must be at least 3600 in your plan",
                true,
            ),
            refusal(
                "an offset that only the client types forbid",
                "allowedClockOffset",
                30,
                none(),
                "allowedClockOffset must be -1 or at least 60",
                true,
            ),
            refusal(
                "a token that may not write",
                "allowedActivations",
                70,
                json!({"missing_scope": "license:write"}),
                "license:write",
                false,
            ),
            Refusal {
                what: "a token that may not write, at the second call",
                path: "expiresAt",
                value: json!("2028-03-05T10:00:17Z"),
                switches: json!({"missing_scope": "license:write"}),
                words: "license:write",
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
    members: &[
        ("id", "the text `id`"),
        ("suspended", "`suspended`"),
        ("allowedActivations", "`allowedActivations`"),
        ("expiresAt", "`expiresAt`"),
    ],
};

fn ids(number: usize) -> Json {
    json!({"licenseId": license_id(number)})
}
