//! Fields of a license, as the page "Update a license" lists them (checked 2026-11-30), and its expiry, which has a
//! call of its own.
//!
//! Left out, though the call takes them: `key`, which is a secret; lists (`tags`, `metadata`, `meterAttributes`, allowed
//! and disallowed countries and addresses), of which no page says whether a PATCH replaces or extends them; and the ids
//! of users, resellers, product versions and maintenance policies.
//!
//! None is required: the calls keep what their bodies leave out.

use crate::model::field::IdentityField;
use crate::model::{
    Clearing, Echo, Field, Kind, KindTable, Lifecycle, RiskRule, Shape, WriteCall, WriteMode,
};

pub static TABLE: KindTable = KindTable {
    kind: Kind("CryptlexLicense"),
    vendor: super::super::VENDOR,
    about: "A license in Cryptlex, of an organization or of none, and what it allows.",
    identity: &[IdentityField {
        name: "licenseId",
        about: "Id of the license; not its key.",
        shape: Shape::Id,
        example: "5d0e3c52-8a44-4b6f-9d0f-6a1f0e9b7a01",
        refers_to: None,
    }],
    desired: &[
        switch(
            "revoked",
            "Whether the license is revoked; true stops its use.",
        )
        .risk(RiskRule::StopsAt(true)),
        switch(
            "suspended",
            "Whether the license is suspended; true stops its use.",
        )
        .risk(RiskRule::StopsAt(true)),
        amount(
            ALLOWED_ACTIVATIONS,
            LIMIT,
            "Activations allowed, for floating licenses at the same time; -1 is unlimited.",
        )
        .risk(RiskRule::Amount {
            used: Some(ACTIVATIONS),
        }),
        // Whoever has used up the deactivations keeps the activations, so their count takes nothing away at once.
        amount(
            "allowedDeactivations",
            LIMIT,
            "Deactivations allowed; -1 is unlimited. Floating licenses ignore it.",
        ),
        amount(
            LEASE_DURATION,
            LIMIT,
            "Seconds for which a floating license is leased; -1 is unlimited.",
        ),
        switch(
            "allowClientLeaseDuration",
            "Whether clients may set how long a floating license is leased.",
        )
        .risk(RiskRule::ReducesAt(false)),
        amount(
            "allowedFloatingClients",
            Shape::COUNT,
            "Clients that LexFloatServer may serve on premises at the same time.",
        ),
        // Interval and grace period together are how long a machine may stay without a connection.
        amount(
            "serverSyncInterval",
            integer(180),
            "Seconds between two syncs of a client with the server, 180 or more; some plans need 3600.",
        ),
        amount(
            "serverSyncGracePeriod",
            LIMIT,
            "Seconds for which syncs may fail before the license stops; -1 is unlimited.",
        ),
        amount(
            "allowedClockOffset",
            LIMIT,
            "Seconds by which a machine's clock may differ, 60 or more; -1 is unlimited.",
        ),
        // A stricter comparison can take a changed machine for another one.
        Field::new(
            "fingerprintMatchingStrategy",
            Shape::Choice {
                values: &["fuzzy", "exact", "loose"],
                aliases: &[],
            },
            "How strictly a machine is compared with the one that was activated.",
        )
        .optional()
        .risk(RiskRule::Ladder(&["exact", "fuzzy", "loose"])),
        switch(
            "allowVmActivation",
            "Whether the license may be activated in a virtual machine.",
        )
        .risk(RiskRule::ReducesAt(false)),
        switch(
            "allowContainerActivation",
            "Whether the license may be activated in a container.",
        )
        .risk(RiskRule::ReducesAt(false)),
        switch(
            "requireAuthentication",
            "Whether a user must log in to activate the license.",
        )
        .risk(RiskRule::ReducesAt(true)),
        switch(
            "disableGeoLocation",
            "Whether addresses and locations of activations are left out of the records.",
        ),
        // No page says what becomes of activations that were made without it.
        switch(
            "cryptoBindingEnabled",
            "Whether activations are bound to the machine by cryptography.",
        )
        .risk(RiskRule::ReducesAt(true)),
        Field::new(
            "expiringSoonEventOffset",
            Shape::COUNT,
            "Seconds before the expiry at which the webhook `license.expiring-soon` is sent.",
        )
        .optional(),
        Field::new("notes", Shape::TEXT, "Notes on the license.")
            .optional()
            .clearing(Clearing::Empty)
            .null(NULLABLE),
        // Null until the first activation where that begins the interval. No page says that null can be written.
        Field::new(
            "expiresAt",
            Shape::Instant,
            "When the license expires. A renewal at the vendor moves it, too.",
        )
        .optional()
        .null(NULLABLE)
        .risk(RiskRule::End)
        .call(EXPIRY),
    ],
    calls: &[
        WriteCall {
            name: "PATCH /v3/licenses/{licenseId}",
            mode: WriteMode::Merge,
            echo: Echo::Whole,
        },
        WriteCall {
            name: "PATCH /v3/licenses/{licenseId}/expires-at",
            mode: WriteMode::Merge,
            echo: Echo::Whole,
        },
    ],
    // Not created: only a key of its own would keep a retry from making a second license, and a key is a secret.
    lifecycle: Lifecycle {
        remove: Some("DELETE /v3/licenses/{licenseId}"),
        ..Lifecycle::NONE
    },
};

/// The index of the call that sets the expiry.
pub const EXPIRY: usize = 1;

/// What shows that these members can be null in a reply.
const NULLABLE: &str = "license_dto.py of cryptlex-python-sdk 1.0.3, 2026-11-30";

/// Fields of which both 0 and -1 mean unlimited (page "Update a license", 2026-11-30). Live has -1 for either, so that
/// 0 is no change and never looks like the lowest number.
pub const UNLIMITED_AT_ZERO: [&str; 2] = [ALLOWED_ACTIVATIONS, LEASE_DURATION];
const ALLOWED_ACTIVATIONS: &str = "allowedActivations";
const LEASE_DURATION: &str = "leaseDuration";

/// The fact that counts activations in use.
pub const ACTIVATIONS: &str = "totalActivations";

/// A number of which -1 is unlimited.
const LIMIT: Shape = integer(-1);

const fn integer(min: i64) -> Shape {
    Shape::Integer {
        min,
        max: i32::MAX as i64,
        digits: false,
    }
}

/// A number of which more allows more.
const fn amount(name: &'static str, shape: Shape, about: &'static str) -> Field {
    let risk = RiskRule::Amount { used: None };
    Field::new(name, shape, about).optional().risk(risk)
}

const fn switch(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::Boolean, about).optional()
}
