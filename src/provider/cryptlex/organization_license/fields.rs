//! Fields of an organization license, as the page "Update an organization license" lists them
//! (checked 2026-11-21): one member, the set of user groups.

use crate::model::field::IdentityField;
use crate::model::{
    Echo, Field, Kind, KindTable, Lifecycle, RiskRule, Shape, WriteCall, WriteMode,
};

/// The member of the write call.
pub const IDS: &str = "userGroupIds";
/// The same set by names, for people: the reading replaces it by `IDS`.
pub const NAMES: &str = "userGroups";

pub static TABLE: KindTable = KindTable {
    kind: Kind("CryptlexOrganizationLicense"),
    vendor: super::super::VENDOR,
    about: "A license of an organization in Cryptlex, and the user groups that may use it.",
    identity: &[
        IdentityField {
            name: "organizationId",
            about: "Id of the organization that the license belongs to.",
            shape: Shape::Id,
            example: "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11",
            refers_to: Some(Kind("CryptlexOrganization")),
        },
        IdentityField {
            name: "licenseId",
            about: "Id of the license; not its key.",
            shape: Shape::Id,
            example: "5d0e3c52-8a44-4b6f-9d0f-6a1f0e9b7a01",
            refers_to: Some(Kind("CryptlexLicense")),
        },
    ],
    desired: &[
        Field::new(
            IDS,
            Shape::Set(&Shape::Id),
            "Ids of the user groups that may use the license.",
        )
        .refers_to(Kind("CryptlexUserGroup"))
        .risk(RiskRule::Members { used: None }),
        Field::new(
            NAMES,
            Shape::Set(&NAME),
            "Names of the user groups that may use the license, in place of `userGroupIds`. They are \
             looked up in the organization's list of user groups.",
        )
        .stands_for(IDS)
        .risk(RiskRule::Members { used: None }),
    ],
    calls: &[WriteCall {
        name: "PATCH /v3/organizations/{organizationId}/licenses/{licenseId}",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle::NONE,
};

/// The pages of the user-group calls give 1 to 256 characters.
const NAME: Shape = Shape::Text { max: Some(256) };
