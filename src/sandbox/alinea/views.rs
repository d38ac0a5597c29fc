//! The read views of a licence: the nested one has the owner and the contacts, the flat one everything else.
//!
//! Member names are those of the vendor's sample objects, checked 2026-11-21; `LastSynchonized` is its spelling.
//! The same value has another name in each call: `LicenseName` is written, and read as `Name` in the flat view.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Alinea;
use super::account::{Guid, License};
use super::switches::{DateStyle, SeatRows, SetOrder};

impl Alinea {
    /// Returns the rows of the list of seats.
    pub(super) fn seat_rows(&self, license: &License) -> Value {
        let row = |(id, group): (&Guid, &Guid)| json!({"Id": id, "LicenseId": license.id, "UserGroupId": group});
        match self.switches.seat_rows {
            SeatRows::PerUser => {
                let users = license.user_ids.iter();
                users
                    .map(|user| row((user, &license.user_group_id)))
                    .collect()
            }
            SeatRows::PerGroup => {
                let groups = license.seat_user_group_ids.iter();
                groups.map(|group| row((group, group))).collect()
            }
        }
    }

    /// Returns the flat view, the vendor's `LicenseDto`.
    pub(super) fn flat_view(&self, license: &License) -> Value {
        let account = &self.account;
        let group = account.user_groups.get(&license.user_group_id);
        let category = license
            .license_category_id
            .and_then(|id| account.categories.get(&id));
        let roles = self.order_ids(&license.allowable_user_roles);
        let names: Vec<&str> = roles
            .iter()
            .filter_map(|id| account.roles.get(id))
            .map(|role| role.name.as_str())
            .collect();
        json!({
            "Id": license.id,
            "AccountId": license.account_id,
            "Name": license.license_name,
            "StartDate": self.format_date(license.start_date),
            "EndDate": self.format_date(license.end_date),
            "UserGroupId": license.user_group_id,
            "UserGroupName": group.map(|group| &group.name),
            "UserGroupType": group.map_or(0, |group| group.user_group_type),
            "UserGroupTypeName": group.map(|group| &group.user_group_type_name),
            "UserGroupIdentifier": group.and_then(|group| group.institution_number.as_ref()),
            "AvailableSeats": license.available_seats,
            // Not nullable here, although the write call accepts null.
            "Buffer": license.buffer.unwrap_or(0),
            "Grade": license.grade,
            "CategoryId": license.license_category_id,
            "CategoryName": category.map(|category| &category.name),
            "LicenseCategoryTypeId": category.map_or(0, |category| category.type_id),
            "LicenseCategoryTypeName": category.map(|category| &category.type_name),
            "LicenseType": license.license_type,
            "LicenseTypeName": license.license_type_name,
            "AccessType": license.access_type,
            "AccessTypeName": license.access_type_name,
            "ProductIsbns": license.product_isbns,
            "AllowableUserRoleIds": roles,
            "AllowableUserRoleNames": names,
            "PrivilegedUserRoleIds": self.order_ids(&license.privileged_user_roles),
            "SeatUserGroupIds": self.order_ids(&license.seat_user_group_ids),
            "UserIds": license.user_ids,
            "InstitutionsInMunicipality": license.institutions_in_municipality,
            "AgreementStartDate": self.format_date(license.agreement_start_date),
            "AgreementEndDate": self.format_date(license.agreement_end_date),
            "IsPaused": license.is_paused,
            "CreatedAt": self.format_date(Some(license.created_at)),
            "ModifiedAt": self.format_date(license.modified_at),
            "IsDeleted": license.is_deleted,
        })
    }

    /// Returns the nested view, the vendor's `GetLicenseResponse`; only the first third of its sample is public.
    pub(super) fn nested_view(&self, license: &License) -> Value {
        let account = &self.account;
        let owner = account.owners.get(&license.owner_id);
        let group = account.user_groups.get(&license.user_group_id);
        let group = group.map(|group| {
            json!({
                "Id": group.id,
                "Name": group.name,
                "UserGroupType": group.user_group_type,
                "InstitutionNumber": group.institution_number,
                "CommuneNumber": group.commune_number,
                "ZipCode": group.zip_code,
                "City": group.city,
                "Email": group.email,
                "HasWs17Agreement": group.has_ws17_agreement,
                "LastSynchonized": self.format_date(group.last_synchonized),
            })
        });
        let mut data = json!({
            "Id": license.id,
            "LicenseName": license.license_name,
            "ContactPersonName": license.contact_person_name,
            "ContactPhone": license.contact_phone,
            "ContactEmail": license.contact_email,
            "Owner": owner,
            "UserGroup": group,
            "ProductGroup": license.product_group,
        });
        if self.switches.nested_complete {
            // The names of the write call: those in the unpublished part of the sample are not known.
            data["StartDate"] = self.format_date(license.start_date);
            data["EndDate"] = self.format_date(license.end_date);
            data["AvailableSeats"] = json!(license.available_seats);
            data["Buffer"] = json!(license.buffer);
            data["Grade"] = json!(license.grade);
            data["LicenseCategoryId"] = json!(license.license_category_id);
            data["AllowableUserRoles"] = json!(self.order_ids(&license.allowable_user_roles));
            data["PrivilegedUserRoles"] = json!(self.order_ids(&license.privileged_user_roles));
            data["SeatUserGroupIds"] = json!(self.order_ids(&license.seat_user_group_ids));
            data["IsPaused"] = json!(license.is_paused);
        }
        data
    }

    /// Returns the seat groups in two lists, camelCase and without an envelope, unlike every other reply.
    pub(super) fn seat_groups(&self, license: &License) -> Value {
        let of_kind = |is_user_group: bool| {
            let mut ids = self.order_ids(&license.seat_user_group_ids);
            ids.retain(|id| {
                let group = self.account.seat_groups.get(id);
                group.is_some_and(|group| group.is_user_group == is_user_group)
            });
            ids
        };
        json!({"userSeatGroupIds": of_kind(false), "userGroupSeatGroupIds": of_kind(true)})
    }

    /// Returns ids in the order that the switch `set_order` asks for.
    fn order_ids(&self, ids: &[Guid]) -> Vec<Guid> {
        let mut ids = ids.to_vec();
        match self.switches.set_order {
            SetOrder::Reversed => ids.reverse(),
            SetOrder::Sorted => ids.sort(),
            SetOrder::AsSent => {}
        }
        ids
    }

    /// Formats a date-time the way the switches ask for; `null` for `None`.
    fn format_date(&self, at: Option<Timestamp>) -> Value {
        let Some(at) = at else {
            return Value::Null;
        };
        let mut text = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let digits = at.strftime("%9f").to_string();
        let mut digits = digits.get(..self.switches.fraction_digits).unwrap_or("");
        if self.switches.trim_zeros {
            digits = digits.trim_end_matches('0');
        }
        if !digits.is_empty() {
            text.push('.');
            text.push_str(digits);
        }
        text.push_str(match self.switches.date_style {
            DateStyle::None => "",
            DateStyle::Z => "Z",
            DateStyle::Offset => "+00:00",
        });
        json!(text)
    }
}
