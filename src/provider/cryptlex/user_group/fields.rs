//! Fields of a user group, as the pages "Create a user group" and "Update a user group" of an organization print them
//! (checked 2026-11-29).

use crate::model::field::IdentityField;
use crate::model::{
    Clearing, CreateCall, Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, Shape, WriteCall,
    WriteMode,
};

/// The id of the organization that a group belongs to.
pub const ORGANIZATION: &str = "organizationId";
/// The vendor's id of a group.
pub const ID: &str = "userGroupId";
/// The name of a group: a field, and the key by which a manifest may name the group.
pub const NAME: &str = "name";
/// How many users are in a group; only the list shows it.
pub const USERS: &str = "totalUsers";
/// How many licenses name a group that is to be removed.
pub const LICENSES: &str = "licenses";

pub static TABLE: KindTable = KindTable {
    kind: Kind("CryptlexUserGroup"),
    vendor: super::super::VENDOR,
    about: "A user group of an organization in Cryptlex, which licenses and users name.",
    identity: &[
        IdentityField {
            name: ORGANIZATION,
            about: "Id of the organization.",
            shape: Shape::Id,
            example: "5b3c7d2e-0f11-4b7a-9a52-0c7b8d1e2f30",
            refers_to: Some(Kind("CryptlexOrganization")),
        },
        IdentityField {
            name: ID,
            about: "Id of the user group.",
            shape: Shape::Id,
            example: "a4f8d1b0-1111-4c22-8f33-000000000001",
            refers_to: None,
        },
    ],
    desired: &[
        Field::new(NAME, Shape::Text { max: Some(256) }, "Name of the group.").optional(),
        Field::new(
            "description",
            Shape::Text { max: Some(256) },
            "Free text about the group.",
        )
        .optional()
        .clearing(Clearing::Empty),
    ],
    calls: &[WriteCall {
        name: "PATCH /v3/organizations/{organizationId}/user-groups/{userGroupId}",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ID,
            member: "userGroup",
            about: "The group by its name, in place of its id.",
            fields: &[IdentityField {
                name: NAME,
                about: "Name of the group, exactly as it is.",
                shape: Shape::Text { max: Some(256) },
                example: "Sales",
                refers_to: None,
            }],
        }),
        create: Some(CreateCall {
            name: "POST /v3/organizations/{organizationId}/user-groups",
            required: &[],
            excluded: &[],
            only: &[],
        }),
        remove: Some("DELETE /v3/organizations/{organizationId}/user-groups/{userGroupId}"),
        off: "",
    },
};
