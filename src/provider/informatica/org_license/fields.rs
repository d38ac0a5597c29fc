//! Fields of an organization's licence, as the page "License" of the version 3 API lists them (checked 2026-11-21).

use crate::model::field::{Elements, IdentityField};
use crate::model::{
    Clearing, Echo, Field, Kind, KindTable, Lifecycle, RiskRule, Shape, WriteCall, WriteMode,
};

/// The members of the write call.
pub const LICENSES: &str = "customLicenses";
pub const EDITIONS: &str = "assignedEditions";
pub const LIMITS: &str = "customLimits";

pub static TABLE: KindTable = KindTable {
    kind: Kind("InformaticaOrgLicense"),
    vendor: super::super::VENDOR,
    about: "The licences, editions and limits of a sub-organization in Informatica Intelligent Cloud Services.",
    identity: &[IdentityField {
        name: "orgId",
        about: "Organization ID of the version 3 API: 22 characters, not the short ID of version 2.",
        shape: Shape::TEXT,
        example: "1ax3wad2FEsz35asd2892s",
        refers_to: None,
    }],
    // The write overwrites, and what a list left out of it becomes is not documented: all three are sent.
    desired: &[
        Field::new(
            LICENSES,
            Shape::Keyed(&LICENSES_ITEMS),
            "The organization's custom licenses.",
        )
        .risk(RiskRule::Members { used: None }),
        Field::new(
            EDITIONS,
            Shape::Keyed(&EDITIONS_ITEMS),
            "The organization's editions.",
        )
        .risk(RiskRule::Members { used: None }),
        Field::new(
            LIMITS,
            Shape::Keyed(&LIMITS_ITEMS),
            "The organization's custom limits.",
        )
        .risk(RiskRule::Members { used: None }),
    ],
    calls: &[WriteCall {
        name: "PUT /public/core/v3/license/org/{orgId}",
        mode: WriteMode::Overwrite,
        echo: Echo::Nothing,
    }],
    lifecycle: Lifecycle {
        off: "`customLicenses: []` and `assignedEditions: []` leave the organization none",
        ..Lifecycle::NONE
    },
};

static LICENSES_ITEMS: Elements = Elements {
    key: &["licenseDef"],
    key_about: &["Identifier of the custom license."],
    fold: false,
    fields: &[
        Field::new("licenseType", LICENSE_TYPE, "Type of license.").risk(RiskRule::Ladder(LADDER)),
        expiration("Time at which the license expires."),
    ],
};

static EDITIONS_ITEMS: Elements = Elements {
    key: &["edition"],
    key_about: &["Identifier of the edition."],
    fold: false,
    fields: &[expiration("Time at which the edition expires.")],
};

static LIMITS_ITEMS: Elements = Elements {
    key: &["limitDefinition"],
    key_about: &["Identifier of the limit."],
    fold: false,
    fields: &[Field::new(
        "value",
        VALUE,
        "Maximum uses of the limit; -1 stands for no maximum.",
    )
    .risk(RiskRule::Amount { used: None })],
};

/// The stored copy of the page ends the list of types with a cut `NON`; its newer copies have `NONE`.
const LICENSE_TYPE: Shape = Shape::Choice {
    values: &["TRIAL", "SUBSCRIPTION", "FREE", "NONE"],
    aliases: &[("NON", "NONE")],
};

/// From the least to the most. No page ranks the types, so this goes by what the words promise: nothing,
/// what everybody gets, everything for a while, everything as long as it is paid for. An end that comes
/// with a step up, as from FREE to TRIAL, is weighed by itself.
const LADDER: &[&str] = &["NONE", "FREE", "TRIAL", "SUBSCRIPTION"];

/// Public clients hold the value in 32 bits.
const VALUE: Shape = Shape::Integer {
    min: -1,
    max: i32::MAX as i64,
    digits: false,
};

/// Free licences may have no end; whether the vendor takes a null for it is not documented, so it is left out.
const fn expiration(about: &'static str) -> Field {
    Field::new("expirationDate", Shape::Instant, about)
        .optional()
        .clearing(Clearing::Omit)
        .risk(RiskRule::End)
}
