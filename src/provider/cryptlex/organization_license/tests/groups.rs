//! Names of user groups to ids.

use super::*;

const GROUPS: &[(&str, &str)] = &[
    ("Engineering", "g1"),
    ("Support", "g3"),
    ("Twins", "g4"),
    ("Twins", "g5"),
];

/// The ids that names resolve to, or why the object could not be read.
fn resolved(names: &[&str]) -> Result<Value, String> {
    let object = by_names("l1", names);
    let (_, mut found) = drive(&[&object], account(1, GROUPS));
    match found.pop() {
        Some(Observed::Live(live)) => {
            let [resolved] = live.resolved.as_slice() else {
                panic!("{live:?}");
            };
            assert_eq!(
                (resolved.given, resolved.field),
                ("userGroups", "userGroupIds")
            );
            Ok(resolved.value.clone())
        }
        Some(Observed::Unread(crate::model::ReadFailure { text: why, .. })) => Err(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_of_groups_become_ids() {
    assert_eq!(
        resolved(&["Support", "Engineering"]),
        Ok(set(&["g1", "g3"]))
    );
    assert_eq!(resolved(&[]), Ok(set(&[])));
}

#[test]
fn an_unknown_name_is_answered_with_a_near_one() {
    let why = resolved(&["Enginering", "Support"]).expect_err("unknown");
    let expected = format!(
        "organization {ORG} has no user group named \"Enginering\"; did you mean \"Engineering\"?"
    );
    assert_eq!(why, expected);
    let why = resolved(&["support"]).expect_err("names are exact");
    assert!(why.ends_with("did you mean \"Support\"?"), "{why}");
}

#[test]
fn a_name_that_two_groups_share_is_refused_with_both_ids() {
    let why = resolved(&["Twins"]).expect_err("shared");
    assert!(
        why.contains("has 2 user groups named \"Twins\": g4, g5;"),
        "{why}"
    );
}

#[test]
fn groups_are_listed_once_per_organization_and_only_for_names() {
    let objects = [
        by_names("l1", &["Support"]),
        by_names("l2", &["Engineering"]),
        by_names("l3", &[]),
        by_id("l4"),
    ];
    let desired: Vec<&Desired> = objects.iter().collect();
    let (calls, _) = drive(&desired, account(4, GROUPS));
    let organization = format!("/v3/organizations/{ORG}");
    let expected = [
        format!("{organization}/user-groups?limit=100&page=1"),
        format!("{organization}/licenses?limit=100&page=1"),
    ];
    assert_eq!(calls, expected);
    let (calls, _) = drive(&desired[2..], account(4, GROUPS));
    assert_eq!(calls, expected[1..]);
}

/// A license with a group's name, in an organization of 251 groups of which two have the name. After these pages
/// of groups the first one goes. Gives back the calls for groups, and what is found.
fn with_a_group_that_goes(name: &str, after: std::ops::Range<usize>) -> (usize, Observed) {
    let object = by_names("l1", &[name]);
    let (mut first, mut pages) = (0, 0);
    let (_, mut found) = drive(&[&object], |call| {
        if !call.contains("user-groups") {
            return account(1, &[])(call);
        }
        let query = query(call);
        let number = |name: &str| query[name].parse::<usize>().expect("a number");
        let (limit, page) = (number("limit"), number("page"));
        let called = |n: usize| if n == 100 { 250 } else { n };
        let rows = (limit * (page - 1)..limit * page).map(|row| row + first);
        let row = |n: usize| json!({"id": format!("g{n}"), "name": format!("name {}", called(n))});
        let reply = answer(200, Json::from_iter(rows.filter(|n| *n < 251).map(row)));
        pages += 1;
        first += usize::from(after.contains(&pages));
        reply
    });
    (pages, found.remove(0))
}

#[test]
fn many_groups_are_paged_to_their_end() {
    let (calls, found) = with_a_group_that_goes("name 249", 0..0);
    assert_eq!(calls, 3);
    assert!(matches!(found, Observed::Live(_)), "{found:?}");
}

#[test]
fn a_group_that_moves_to_a_page_that_was_read_has_the_name_as_well() {
    let (calls, found) = with_a_group_that_goes("name 250", 1..2);
    let Observed::Unread(crate::model::ReadFailure { text: why, .. }) = found else {
        panic!("{found:?}");
    };
    assert!(why.contains("2 user groups named"), "{why}");
    assert_eq!(calls, 2 + 3, "two pages show that the list moved");
}

#[test]
fn groups_that_move_in_every_reading_settle_no_name() {
    let (calls, found) = with_a_group_that_goes("name 200", 1..100);
    let Observed::Unread(crate::model::ReadFailure { text: why, .. }) = found else {
        panic!("{found:?}");
    };
    let expected = format!(
        "GET /v3/organizations/{ORG}/user-groups: the list changed while it was read, 3 times"
    );
    assert!(why.starts_with(&expected), "{why}");
    assert_eq!(calls, 2 * 3);
}

#[test]
fn a_license_without_names_is_read_though_the_group_list_is_refused() {
    let objects = [by_names("l1", &["Support"]), by_id("l2")];
    let desired: Vec<&Desired> = objects.iter().collect();
    let (_, found) = drive(&desired, |call| {
        if call.contains("user-groups") {
            return answer(403, r#"{"message":"Forbidden.","code":null}"#);
        }
        account(2, &[])(call)
    });
    let [
        Observed::Unread(crate::model::ReadFailure { text: why, .. }),
        Observed::Live(_),
    ] = found.as_slice()
    else {
        panic!("{found:?}");
    };
    let expected = "answered 403: Forbidden.; check the connection's credentials and their rights; \
                    the token needs the scope `organization:userGroup:read`";
    assert!(why.ends_with(expected), "{why}");
}
