//! Fields of a user of an organization: of those that the page "Update an organization user" prints, the user groups
//! (checked 2026-11-29).
//!
//! Left out, though the call takes them: names, e-mail address, role and access to the customer portal are personal
//! data and rights of a person, which the organization's own administrators keep in the portal.

use crate::model::field::IdentityField;
use crate::model::{
    Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, RiskRule, Shape, WriteCall, WriteMode,
};

/// The id of the organization that a user belongs to.
pub const ORGANIZATION: &str = "organizationId";
/// The vendor's id of a user.
pub const ID: &str = "userId";
/// The e-mail address, by which a manifest may name the user. It is no field: a read keeps no address.
pub const EMAIL: &str = "email";
/// The member of the write call.
pub const GROUPS: &str = "userGroupIds";

pub static TABLE: KindTable = KindTable {
    kind: Kind("CryptlexOrganizationUser"),
    vendor: super::super::VENDOR,
    about: "A user of an organization in Cryptlex, and the user groups that the user is in. Users are never created: \
            the call carries a password, which has no place in a manifest.",
    identity: &[
        IdentityField {
            name: ORGANIZATION,
            about: "Id of the organization.",
            shape: Shape::Id,
            example: "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11",
            refers_to: Some(Kind("CryptlexOrganization")),
        },
        IdentityField {
            name: ID,
            about: "Id of the user.",
            shape: Shape::Id,
            example: "e7c1b9d4-3a20-4f5e-8d61-000000000001",
            refers_to: None,
        },
    ],
    desired: &[Field::new(
        GROUPS,
        Shape::Set(&Shape::Id),
        "Ids of the user groups that the user is in.",
    )
    .refers_to(Kind("CryptlexUserGroup"))
    .risk(RiskRule::Members { used: None })],
    calls: &[WriteCall {
        name: "PATCH /v3/organizations/{organizationId}/users/{userId}",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ID,
            member: "user",
            about: "The user by the e-mail address, in place of the id.",
            fields: &[IdentityField {
                name: EMAIL,
                about: "E-mail address of the user; upper and lower case are one.",
                shape: Shape::Text { max: Some(256) },
                example: "asha.menon@rivers.example",
                refers_to: None,
            }],
        }),
        create: None,
        remove: None,
        off: "`userGroupIds: []` takes the user out of all groups",
    },
};
