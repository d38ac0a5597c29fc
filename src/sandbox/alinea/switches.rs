//! The switches of the Alinea simulator: how it behaves where the vendor's pages leave it open.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::switch_changes;

/// One answer for each open question; the defaults are the most plausible reading of the pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Switches {
    /// The status of a PUT that is answered with `IsValid: false`: 200 or 400.
    pub(super) validation_status: u16,
    /// True if a PUT that lacks a member is refused. Otherwise the member becomes null, 0, false, the empty GUID
    /// or the empty list, as in plain model binding.
    pub(super) strict_missing: bool,
    /// What happens to body members that no page names.
    pub(super) unknown_members: UnknownPolicy,
    /// Decides if the empty GUID as owner or user group is refused as unknown or stored.
    pub(super) empty_guid: EmptyGuid,
    /// The value of `Errors` in the reply to an accepted PUT.
    pub(super) errors_when_valid: NoErrors,
    /// True if the nested view also has dates, seats, roles and the pause.
    pub(super) nested_complete: bool,
    /// The zone that dates are printed with.
    pub(super) date_style: DateStyle,
    /// The number of digits of a second's fraction that dates are printed with, 0 to 7.
    pub(super) fraction_digits: usize,
    /// True if trailing zeros of the fraction are left out, as Json.NET does by default.
    pub(super) trim_zeros: bool,
    /// The order in which collections of ids are read back.
    pub(super) set_order: SetOrder,
    /// What a row of the list of seats stands for.
    pub(super) seat_rows: SeatRows,
    /// The status of the list of seats: 200, or 403 or 404 as for accounts that may not see it.
    pub(super) seats_status: u16,
    /// The `PageIndex` of the first page of a search: 0 or 1.
    pub(super) page_index_base: usize,
    /// How long a token from the token endpoint is valid, in seconds.
    pub(super) token_life_seconds: u32,
    /// The status for wrong client credentials: 400 or 401.
    pub(super) bad_client_status: u16,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            validation_status: 200,
            strict_missing: false,
            unknown_members: UnknownPolicy::Refuse,
            empty_guid: EmptyGuid::Refuse,
            errors_when_valid: NoErrors::Empty,
            nested_complete: false,
            date_style: DateStyle::None,
            fraction_digits: 7,
            trim_zeros: false,
            set_order: SetOrder::Reversed,
            seat_rows: SeatRows::PerUser,
            seats_status: 200,
            page_index_base: 0,
            token_life_seconds: 3600,
            bad_client_status: 401,
        }
    }
}

/// What happens to body members that no page names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnknownPolicy {
    Refuse,
    Ignore,
}

/// What happens to the GUID of zeros where an owner or user group belongs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EmptyGuid {
    Refuse,
    Accept,
}

/// The value of `Errors` in the reply to an accepted PUT: an empty list or `null`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NoErrors {
    Empty,
    Null,
}

/// What follows a date-time: nothing, `Z` or `+00:00`. The server's clock runs in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DateStyle {
    None,
    Z,
    Offset,
}

/// The order of a collection of ids, compared with the order in which it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SetOrder {
    Reversed,
    Sorted,
    AsSent,
}

/// What a row of `GET api/seats` stands for.
///
/// The page prints `Id`, `LicenseId` and `UserGroupId` without explaining them (checked 2026-11-29).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SeatRows {
    /// A seat that a user has taken.
    PerUser,
    /// A group that has seats.
    PerGroup,
}

impl Switches {
    /// Returns the switches with the named ones changed; `Err` names the one that does not fit.
    pub(super) fn with_changes(&self, changes: Value) -> Result<Self, String> {
        let next = switch_changes::change_switches(self, changes)?;
        if ![200, 400].contains(&next.validation_status) {
            return Err("switch validation_status: must be 200 or 400".into());
        }
        if ![400, 401].contains(&next.bad_client_status) {
            return Err("switch bad_client_status: must be 400 or 401".into());
        }
        if ![200, 403, 404].contains(&next.seats_status) {
            return Err("switch seats_status: must be 200, 403 or 404".into());
        }
        if next.fraction_digits > 7 {
            return Err("switch fraction_digits: must be from 0 to 7".into());
        }
        if next.page_index_base > 1 {
            return Err("switch page_index_base: must be 0 or 1".into());
        }
        Ok(next)
    }
}
