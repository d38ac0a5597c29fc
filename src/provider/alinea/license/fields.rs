//! Fields of a licence: the members of `UpdateLicenseRequest` other than `LicenseId`, in its order, as the
//! help page "PUT api/licenses/{id}" lists them (checked 2026-11-21).
//!
//! The page gives no descriptions and no rules. What may be null was derived from the numbers in its samples,
//! whose generator starts anew for a nullable value. `Optional` here says that a read may leave the member
//! out; every write carries all of them, and one that no read showed is not written over.

use crate::model::field::IdentityField;
use crate::model::{
    Clearing, Echo, Field, Kind, KindTable, Lifecycle, RiskRule, Shape, WriteCall, WriteMode,
};

pub static TABLE: KindTable = KindTable {
    kind: Kind("AlineaLicense"),
    vendor: super::super::VENDOR,
    about: "A licence in Alinea's licence management system (LSMS).",
    identity: &[IdentityField {
        name: "licenseId",
        about: "Unique identifier of the licence.",
        shape: Shape::Guid,
        example: "f76ac030-df89-41a9-a62a-b6fbbba5a58c",
        refers_to: None,
    }],
    desired: &[
        Field::new("LicenseName", Shape::TEXT, "Name of the licence."),
        // The mirror of an end: a later start takes away the days before it, and one that had passed and
        // now lies ahead closes the licence to those who use it.
        Field::new(
            "StartDate",
            Shape::Instant,
            "When the licence begins; null for no beginning.",
        )
        .optional()
        .clearing(Clearing::Null)
        .null(NULLABLE)
        .risk(RiskRule::Begin),
        Field::new(
            "EndDate",
            Shape::Instant,
            "When the licence ends; null for no end.",
        )
        .optional()
        .clearing(Clearing::Null)
        .not_before("StartDate")
        .null(NULLABLE)
        .risk(RiskRule::End),
        Field::new(
            "UserGroupId",
            Shape::Guid,
            "User group that the licence is for.",
        )
        .optional()
        .risk(RiskRule::Reassign),
        Field::new("OwnerId", Shape::Guid, "Owner of the licence.").optional(),
        Field::new("AvailableSeats", Shape::COUNT, "Seats of the licence.").risk(RiskRule::Amount {
            used: Some(SEATS_USED),
        }),
        contact("ContactPersonName", "Name of the contact person."),
        contact("ContactPhone", "Phone number of the contact person."),
        contact("ContactEmail", "E-mail address of the contact person."),
        // The write call takes null. The flat view, which alone is sure to show the member, has a number that
        // cannot be null (its sample counts it as one): a licence without a buffer reads as 0 there, and a
        // write, which must send every member, makes it 0. Nothing that can be read tells the two apart
        // before or after, so they are one value here.
        Field::new(
            "Buffer",
            Shape::COUNT,
            "Seats that may be used beyond the available ones. Reads show none as 0, and writes send it so.",
        )
        .optional()
        .clearing(Clearing::Zero)
        .risk(RiskRule::Amount {
            used: Some(BUFFER_USED),
        }),
        Field::new("Grade", Shape::TEXT, "Grade that the licence is for.")
            .optional()
            .clearing(Clearing::NullOrEmpty)
            .null(TEXT),
        Field::new(
            "LicenseCategoryId",
            Shape::Guid,
            "Category of the licence; null for none.",
        )
        .optional()
        .clearing(Clearing::Null)
        .null(NULLABLE),
        ids(
            "AllowableUserRoles",
            "Ids of the user roles that may use the licence.",
        ),
        Field::new(
            "IsPaused",
            Shape::Boolean,
            "Whether the licence is paused; true stops its use.",
        )
        .risk(RiskRule::StopsAt(true)),
        ids(
            "SeatUserGroupIds",
            "Ids of the user groups that have seats.",
        ),
        ids(
            "PrivilegedUserRoles",
            "Ids of the user roles with privileges.",
        ),
    ],
    calls: &[WriteCall {
        name: "PUT api/licenses/{licenseId}",
        mode: WriteMode::Overwrite,
        echo: Echo::Nothing,
    }],
    lifecycle: Lifecycle {
        off: "`IsPaused: true` stops its use",
        ..Lifecycle::NONE
    },
};

/// The samples of these views, whose generator starts its numbers anew for a nullable value, show that the member
/// can be null.
const NULLABLE: &str = "GET api/licenseDtoIndex/{id}, 2026-11-21";
/// Type "string" without a rule: in .NET a text that can be null, and printed so.
const TEXT: &str = "GET api/licenses/{id}, 2026-11-21";

/// Facts from the list of seats: the rows that it has, and how far they exceed the available seats.
///
/// A row has `Id`, `LicenseId` and `UserGroupId`; whether it stands for a taken seat or for a group that has seats is not
/// documented (2026-11-29). A row is counted as a seat in use, and the plan says that this is a reading. What −1 would
/// mean is not documented either, so manifests start at 0.
pub const SEATS_USED: &str = "seats_used";
pub const BUFFER_USED: &str = "buffer_used";
/// The fact that the seats could not be counted, with the reason.
pub const SEATS_UNREAD: &str = "seats_unread";

/// .NET keeps null and the empty text apart, the people who fill in the form do not.
const fn contact(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::TEXT, about)
        .optional()
        .clearing(Clearing::NullOrEmpty)
        .null(TEXT)
}

const fn ids(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::Set(&Shape::Guid), about)
        .optional()
        .risk(RiskRule::Members { used: None })
}
