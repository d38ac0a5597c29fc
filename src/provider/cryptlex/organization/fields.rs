//! Fields of an organization, as the page "Update an organization" prints them (checked 2026-11-29).
//!
//! The page of the call that creates one is not stored. Its request and reply are taken from its twin, "Create an
//! organization" below a reseller, which prints the same members and requires `name`, `email` and `allowedUsers`
//! (checked 2026-11-29).

use crate::model::field::IdentityField;
use crate::model::{
    Clearing, CreateCall, Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, RiskRule, Shape,
    WriteCall, WriteMode,
};

/// The vendor's id of an organization.
pub const ID: &str = "organizationId";
/// The name: a field, and the key by which a manifest may name the organization.
///
/// The page of the list filters by `name` and by `email` alike, so both can be searched exactly. The name is the key,
/// since it is what people call the organization, and since a search puts its text into URLs, which logs and proxies
/// keep: an e-mail address is personal data. No page says that names are unique. Two organizations of one name are an
/// error with both ids, and a vendor that refuses a second one is quoted (409 on the page of the twin).
pub const NAME: &str = "name";
pub const ALLOWED_USERS: &str = "allowedUsers";
/// How many users an organization has; read only where that decides something.
pub const USERS: &str = "users";
/// How many user groups and licenses an organization has that is to be removed.
pub const GROUPS: &str = "userGroups";
pub const LICENSES: &str = "licenses";

pub static TABLE: KindTable = KindTable {
    kind: Kind("CryptlexOrganization"),
    vendor: super::super::VENDOR,
    about: "An organization in Cryptlex: a customer with users, user groups and licenses.",
    identity: &[IdentityField {
        name: ID,
        about: "Id of the organization.",
        shape: Shape::Id,
        example: "5b3c7d2e-0f11-4b7a-9a52-0c7b8d1e2f30",
        refers_to: None,
    }],
    desired: &[
        Field::new(NAME, TEXT, "Name of the organization.").optional(),
        Field::new("email", TEXT, "E-mail address of the organization.").optional(),
        Field::new("description", TEXT, "Free text about the organization.")
            .optional()
            .clearing(Clearing::Empty),
        Field::new(
            ALLOWED_USERS,
            Shape::Integer {
                min: -1,
                max: i32::MAX as i64,
                digits: false,
            },
            "Users that the organization may have; -1 is unlimited.",
        )
        .optional()
        .risk(RiskRule::Amount { used: Some(USERS) }),
        Field::new(
            "resellerId",
            Shape::Id,
            "Id of the reseller that looks after the organization.",
        )
        .optional()
        .clearing(Clearing::Empty)
        .risk(RiskRule::Reassign),
        address("address.addressLine1", "First line of the address."),
        address("address.addressLine2", "Second line of the address."),
        address("address.city", "City."),
        address("address.state", "State or province."),
        address("address.country", "Country."),
        address("address.postalCode", "Postal code."),
    ],
    // The page says that members which are left out stay, and not whether that holds inside `address`: its lines go out
    // together.
    calls: &[WriteCall {
        name: "PATCH /v3/organizations/{organizationId}",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ID,
            member: "organization",
            about: "The organization by its name, in place of its id.",
            fields: &[IdentityField {
                name: NAME,
                about: "Name of the organization, exactly as it is.",
                shape: TEXT,
                example: "Rivers Institute",
                refers_to: None,
            }],
        }),
        create: Some(CreateCall {
            name: "POST /v3/organizations",
            required: &["email", ALLOWED_USERS],
            excluded: &[],
            only: &[],
        }),
        remove: Some("DELETE /v3/organizations/{organizationId}"),
        off: "",
    },
};

const TEXT: Shape = Shape::Text { max: Some(256) };

/// A line of the address.
const fn address(name: &'static str, about: &'static str) -> Field {
    Field::new(name, TEXT, about)
        .optional()
        .clearing(Clearing::Empty)
}
