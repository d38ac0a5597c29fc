//! One licence from two views.

use super::*;

#[test]
fn every_spelling_of_a_member_is_understood_in_either_view() {
    let mut renamed = flat();
    for (from, to) in [
        ("Name", "LicenseName"),
        ("UserGroupId", "TargetUserGroupId"),
        ("CategoryId", "LicenseCategoryId"),
        ("AllowableUserRoleIds", "AllowableUserRoles"),
        ("PrivilegedUserRoleIds", "PrivilegedUserRoles"),
    ] {
        renamed[to] = renamed[from].take();
        renamed = without(renamed, from);
    }
    let owner = json!("73d71804-5f00-489f-9959-8bcefa7c10d6");
    let flat_owner = with(nested(), "OwnerId", owner);
    let flat_owner = without(flat_owner, "Owner");
    let everything = |mut data: Json, more: Json| {
        if let (Json::Object(data), Json::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
        data
    };
    let nothing = json!({"Id": ID});
    for (flat, nested) in [
        (renamed.clone(), nested()),
        (flat(), flat_owner.clone()),
        (without(flat(), "UserGroupId"), nested()),
        (everything(renamed, flat_owner), nothing.clone()),
        (nothing, everything(flat(), nested())),
    ] {
        assert_eq!(put(&live(read(flat, nested))).body, Some(body()));
    }
}

#[test]
fn the_flat_view_counts_where_both_show_a_member_and_the_nested_one_for_owner_and_contacts() {
    let stale = with(nested(), "Grade", json!("old"));
    let empty = with(
        with(flat(), "ContactPhone", Json::Null),
        "OwnerId",
        Json::Null,
    );
    assert_eq!(put(&live(read(empty, stale))).body, Some(body()));
}

#[test]
fn nothing_has_one_meaning_and_is_sent_back_as_it_was_spelled() {
    for nothing in [Json::Null, json!("")] {
        let graded = with(flat(), "Grade", nothing.clone());
        let silent = with(nested(), "ContactEmail", nothing.clone());
        let live = live(read(graded, silent));
        for name in ["Grade", "ContactEmail"] {
            let field = find_field(License.table().desired, name).unwrap();
            assert!(field.alike(&live.fields[name], &Value::Null));
            assert_eq!(put(&live).body.unwrap_or_default()[name], nothing);
        }
    }
    let none = live(read(with(flat(), "Buffer", json!(0)), nested()));
    assert_eq!(none.fields["Buffer"], Value::Integer(0));
    for nothing in [Json::Null, json!("00000000-0000-0000-0000-000000000000")] {
        let live = live(read(with(flat(), "CategoryId", nothing), nested()));
        assert_eq!(
            put(&live).body.unwrap_or_default()["LicenseCategoryId"],
            Json::Null
        );
    }
    let open = with(with(flat(), "StartDate", Json::Null), "EndDate", Json::Null);
    let sent = put(&live(read(open, nested()))).body.unwrap_or_default();
    assert_eq!(
        (&sent["StartDate"], &sent["EndDate"]),
        (&Json::Null, &Json::Null)
    );
}

#[test]
fn a_null_that_no_page_shows_tells_nothing() {
    let odd = with(
        with(flat(), "Buffer", Json::Null),
        "SeatUserGroupIds",
        Json::Null,
    );
    let live = live(read(odd, nested()));
    assert_eq!(live.fields["Buffer"], Value::Null);
    assert_eq!(live.fields.get("SeatUserGroupIds"), None);
}

#[test]
fn a_member_that_neither_view_shows_stays_unknown() {
    let gone = with(nested(), "Owner", Json::Null);
    let live = live(read(
        without(flat(), "Grade"),
        without(gone, "ContactPhone"),
    ));
    let unknown: Vec<&str> = fields::TABLE
        .desired
        .iter()
        .map(|field| field.name)
        .filter(|name| !live.fields.contains_key(name))
        .collect();
    assert_eq!(unknown, ["OwnerId", "ContactPhone", "Grade"]);
}

#[test]
fn the_time_of_change_is_the_version() {
    let version = |live: Live| live.facts.get(VERSION_FACT).cloned();
    let modified = Fact::Text("2025-12-25T15:49:43.2908281".into());
    assert_eq!(version(live(read(flat(), nested()))), Some(modified));
    let never = with(flat(), "ModifiedAt", Json::Null);
    assert_eq!(version(live(read(never, nested()))), None);
}

#[test]
fn members_of_a_wrong_type_are_errors_that_name_them() {
    for (name, value, expected) in [
        (
            "AvailableSeats",
            json!("many"),
            "`AvailableSeats` must be integer, not text \"many\"",
        ),
        ("AvailableSeats", Json::Null, "`AvailableSeats` is missing"),
        (
            "IsPaused",
            json!("true"),
            "`IsPaused` must be boolean, not text \"true\"",
        ),
        (
            "Name",
            json!(7),
            "`LicenseName` must be text, not integer 7",
        ),
        (
            "EndDate",
            json!("soon"),
            "`EndDate` \"soon\" is not an instant",
        ),
        (
            "UserGroupId",
            json!("group 7"),
            "`UserGroupId` \"group 7\" is not a GUID",
        ),
        (
            "AllowableUserRoleIds",
            json!(["admin"]),
            "`AllowableUserRoles` \"admin\" is not a GUID",
        ),
        (
            "AllowableUserRoleIds",
            json!([null]),
            "`AllowableUserRoles` has a member that is no text",
        ),
    ] {
        let why = unread(read(with(flat(), name, value), nested()));
        assert_eq!(why, format!("{FLAT} and {NESTED}: {expected}"));
    }
}
