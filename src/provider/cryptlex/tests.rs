//! The page's own examples, every way a list can end, and the exact calls of small and large readings.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Fields, Observed};
use crate::provider::reading::Answer;
use crate::provider::testing::{self, answer, reply};

const ORG: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";

fn wanted(license: &str, fields: Fields) -> Desired {
    let ids = [("organizationId", ORG), ("licenseId", license)];
    Desired {
        fields,
        ..testing::wanted(&fields::TABLE, &ids)
    }
}

fn set(members: &[&str]) -> Value {
    Value::set(members.iter().copied())
}

/// The query of a call, decoded.
fn query(call: &str) -> BTreeMap<String, String> {
    let query = call.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// The paths of a reading's calls, in order, and what was found.
fn drive(wanted: &[&Desired], vendor: impl FnMut(&str) -> Answer) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(Cryptlex.reading(wanted), vendor);
    let calls = rounds.concat();
    assert!(
        calls.iter().all(|call| call.starts_with("GET /v3/")),
        "{calls:?}"
    );
    (
        calls.iter().map(|call| call[4..].to_string()).collect(),
        found,
    )
}

fn by_id(license: &str) -> Desired {
    wanted(license, Fields::new())
}

fn by_names(license: &str, names: &[&str]) -> Desired {
    wanted(license, Fields::from([(fields::NAMES, set(names))]))
}

/// The license of the page, with another id and these groups.
fn license(id: &str, groups: &[&str]) -> Json {
    let groups: Vec<Json> = groups
        .iter()
        .map(|group| {
            json!({"id": group, "createdAt": "2019-08-24T14:15:22Z", "updatedAt": "2019-08-24T14:15:22Z",
                   "name": format!("name of {group}"), "description": "string"})
        })
        .collect();
    json!({
        "id": id, "createdAt": "2019-08-24T14:15:22Z", "updatedAt": "2019-08-24T14:15:22Z",
        "key": "SECRET-KEY", "revoked": true, "suspended": true, "perpetual": true, "type": "node-locked",
        "validity": 0, "subscriptionInterval": "string", "totalActivations": 0, "totalDeactivations": 0,
        "allowedActivations": 0, "allowedDeactivations": 0, "allowedFloatingClients": 0,
        "leaseDuration": 0, "expiresAt": "2019-08-24T14:15:22Z", "effectiveDate": "2019-08-24T14:15:22Z",
        "notes": "string",
        "metadata": [{"id": "string", "createdAt": "2019-08-24T14:15:22Z",
                      "updatedAt": "2019-08-24T14:15:22Z", "key": "string", "value": "string"}],
        "meterAttributes": [],
        "product": {"id": "string", "displayName": "string", "iconUrl": "string", "description": "string"},
        "productVersion": {"displayName": "string"}, "entitlementSet": {"name": "string"},
        "userGroups": groups
    })
}

/// Answers like an account whose organization has the licenses `l1` to `l<count>`, all in group `g`, and
/// the user groups given as name and id.
fn account(count: usize, groups: &'static [(&str, &str)]) -> impl FnMut(&str) -> Answer {
    move |call| {
        let query = query(call);
        let number = |name: &str| query[name].parse::<usize>().expect("a number");
        let license = |id: &str| json!({"id": id, "userGroups": [{"id": "g"}]});
        let page = |count: usize, row: &dyn Fn(usize) -> Json| {
            let first = number("limit") * (number("page") - 1);
            (first..count.min(first + number("limit")))
                .map(row)
                .collect::<Vec<_>>()
        };
        let rows = if call.contains("/user-groups") {
            page(
                groups.len(),
                &|n| json!({"name": groups[n].0, "id": groups[n].1}),
            )
        } else if let Some(id) = query.get("id[eq]") {
            let there = id[1..].parse().is_ok_and(|n: usize| n <= count);
            if there { vec![license(id)] } else { Vec::new() }
        } else {
            page(count, &|n| license(&format!("l{}", n + 1)))
        };
        answer(200, json!(rows))
    }
}

/// Reads the licenses with these numbers and hands back the queries of the calls.
fn read(numbers: impl IntoIterator<Item = usize>, count: usize) -> Vec<String> {
    let objects: Vec<Desired> = numbers
        .into_iter()
        .map(|n| by_id(&format!("l{n}")))
        .collect();
    let wanted: Vec<&Desired> = objects.iter().collect();
    let (calls, found) = drive(&wanted, account(count, &[]));
    for (object, observed) in objects.iter().zip(&found) {
        let number: usize = object.id("licenseId")[1..].parse().expect("a number");
        match observed {
            Observed::Live(live) => assert_eq!(live.fields["userGroupIds"], set(&["g"])),
            Observed::Missing => assert!(number > count, "l{number} is there"),
            Observed::Unread(why) => panic!("{why}"),
        }
    }
    let list = format!("/v3/organizations/{ORG}/licenses?");
    calls
        .iter()
        .map(|call| {
            call.strip_prefix(&list)
                .expect("the license list")
                .to_string()
        })
        .collect()
}

fn pages(pages: impl IntoIterator<Item = usize>) -> Vec<String> {
    pages
        .into_iter()
        .map(|page| format!("limit=100&page={page}"))
        .collect()
}

fn asks(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    let mut ids: Vec<String> = numbers.into_iter().map(|n| format!("l{n}")).collect();
    ids.sort();
    ids.iter().map(|id| format!("id%5Beq%5D={id}")).collect()
}

#[test]
fn one_license_is_asked_for_by_its_id() {
    assert_eq!(read([4711], 5000), asks([4711]));
}

#[test]
fn a_small_organization_is_one_page() {
    assert_eq!(read([1, 2, 3], 3), pages([1]));
    assert_eq!(read(1..=100, 100), pages([1]));
}

#[test]
fn a_whole_organization_costs_its_pages() {
    assert_eq!(read(1..=950, 950), pages(1..=10));
    assert_eq!(
        read(1..=200, 5000),
        pages([1, 2]),
        "the list is left when all are found"
    );
}

#[test]
fn scattered_licenses_in_a_large_organization_cost_two_calls_more_than_they_are() {
    let scattered = [4001, 4101, 4201, 4301];
    let expected = [pages([1, 5]), asks(scattered)].concat();
    assert_eq!(read(scattered, 5000), expected);
}

#[test]
fn many_licenses_at_the_end_of_a_list_cost_its_pages_and_one_look_ahead() {
    let calls = read(901..=1000, 1000);
    assert_eq!(calls, [pages([1, 101]), pages(2..=10)].concat());
}

#[test]
fn stragglers_are_asked_for_instead_of_paging_on() {
    let calls = read((1..=150).chain([4999, 5000]), 5000);
    assert_eq!(calls, [pages([1, 2]), asks([4999, 5000])].concat());
}

#[test]
fn what_a_list_does_not_show_is_asked_for_once_before_it_is_missing() {
    assert_eq!(read([1, 7, 8], 3), [pages([1]), asks([7, 8])].concat());
}

#[test]
fn a_reading_never_costs_much_more_than_its_objects_or_the_list() {
    for count in [150_usize, 400, 1000, 3000, 50_000] {
        for (wanted, step) in [
            (2, 1),
            (2, 70),
            (5, 30),
            (20, 20),
            (60, 7),
            (100, 30),
            (150, 1),
        ] {
            let Some(first) = count.checked_sub(step * (wanted - 1)).filter(|n| *n > 0) else {
                continue;
            };
            let numbers: Vec<usize> = (0..wanted).map(|n| first + n * step).collect();
            let calls = read(numbers, count).len();
            let listing = count.div_ceil(100);
            assert!(
                calls <= wanted + 2,
                "{wanted} of {count}, every {step}: {calls}"
            );
            assert!(
                calls <= 2 * listing + 1,
                "{wanted} of {count}, every {step}: {calls}"
            );
        }
    }
}

#[test]
fn a_server_that_ignores_paging_does_not_loop() {
    for (licenses, cost) in [
        (["l1", "l900", "l901", "l902"], 5),
        (["l900", "l901", "l902", "l903"], 7),
    ] {
        let objects = licenses.map(by_id);
        let wanted: Vec<&Desired> = objects.iter().collect();
        let rows: Vec<Json> = (1..=100).map(|n| license(&format!("l{n}"), &[])).collect();
        let (calls, found) = drive(&wanted, |call| {
            let rows = match query(call).get("id[eq]") {
                Some(id) => json!([license(id, &[])]),
                None => json!(rows),
            };
            answer(200, rows)
        });
        assert_eq!(calls.len(), cost, "{calls:?}");
        assert!(
            found
                .iter()
                .all(|observed| matches!(observed, Observed::Live(_)))
        );
    }
}

#[test]
fn a_server_that_ignores_the_filter_proves_nothing() {
    let object = by_id("l9");
    let (_, found) = drive(&[&object], |_| answer(200, json!([license("l1", &[])])));
    let [Observed::Unread(why)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(why.ends_with("answered with license l1 instead"), "{why}");
}

#[test]
fn organizations_are_read_side_by_side() {
    let ids = [("organizationId", "other org"), ("licenseId", "l1")];
    let other = testing::wanted(&fields::TABLE, &ids);
    let one = by_id("l2");
    let mut reading = Cryptlex.reading(&[&other, &one]);
    let paths: Vec<String> = reading
        .ready()
        .into_iter()
        .map(|(_, call)| call.path)
        .collect();
    let expected = [
        "/v3/organizations/other%20org/licenses?id%5Beq%5D=l1".to_string(),
        format!("/v3/organizations/{ORG}/licenses?id%5Beq%5D=l2"),
    ];
    assert_eq!(paths, expected);
}

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
        Some(Observed::Unread(why)) => Err(why),
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
    let wanted: Vec<&Desired> = objects.iter().collect();
    let (calls, _) = drive(&wanted, account(4, GROUPS));
    let organization = format!("/v3/organizations/{ORG}");
    let expected = [
        format!("{organization}/user-groups?limit=100&page=1"),
        format!("{organization}/licenses?limit=100&page=1"),
    ];
    assert_eq!(calls, expected);
    let (calls, _) = drive(&wanted[2..], account(4, GROUPS));
    assert_eq!(calls, expected[1..]);
}

#[test]
fn many_groups_are_paged_to_their_end() {
    let object = by_names("l1", &["name 250"]);
    let (calls, found) = drive(&[&object], |call| {
        let Some(page) = query(call)
            .get("page")
            .map(|page| page.parse::<usize>().expect("a page"))
        else {
            return account(1, &[])(call);
        };
        let rows: Vec<Json> = (100 * (page - 1)..(100 * page).min(251))
            .map(|n| json!({"id": format!("g{n}"), "name": format!("name {n}")}))
            .collect();
        answer(200, json!(rows))
    });
    assert_eq!(
        calls
            .iter()
            .filter(|call| call.contains("user-groups"))
            .count(),
        3
    );
    assert!(matches!(&found[..], [Observed::Live(_)]), "{found:?}");
}

#[test]
fn a_license_without_names_is_read_though_the_group_list_is_refused() {
    let objects = [by_names("l1", &["Support"]), by_id("l2")];
    let wanted: Vec<&Desired> = objects.iter().collect();
    let (_, found) = drive(&wanted, |call| {
        if call.contains("user-groups") {
            return answer(403, r#"{"message":"Forbidden.","code":null}"#);
        }
        account(2, &[])(call)
    });
    let [Observed::Unread(why), Observed::Live(_)] = found.as_slice() else {
        panic!("{found:?}");
    };
    let expected = "answered 403: Forbidden.; check the connection's credentials and their rights; \
                    the token needs the scope `organization:userGroup:read`";
    assert!(why.ends_with(expected), "{why}");
}

/// What two licenses are observed as when every list call is answered like this.
fn observed(answer: &Answer) -> Vec<Observed> {
    let objects = [by_id("l1"), by_id("l2")];
    let wanted: Vec<&Desired> = objects.iter().collect();
    drive(&wanted, |_| answer.clone()).1
}

#[test]
fn an_organization_that_is_not_there_has_no_licenses() {
    let found = observed(&answer(404, r#"{"message":"Not found.","code":null}"#));
    assert!(
        matches!(&found[..], [Observed::Missing, Observed::Missing]),
        "{found:?}"
    );
}

#[test]
fn replies_that_are_not_as_documented_are_errors_that_name_the_call() {
    let part = &license("l1", &[]).to_string()[..40];
    for (status, body, said) in [
        (200, "", "the body is empty"),
        (
            200,
            "<html><title>Sign in</title></html>",
            "an HTML page titled \"Sign in\"",
        ),
        (200, &format!("[{part}"), "the body ends in the middle"),
        (200, "{}", "did not answer with a list"),
        (200, "[7]", "a row that is no object"),
        (200, r#"[{"id":7}]"#, "a row without the text `id`"),
        (
            200,
            r#"[{"id":"l1"},{"id":"l2"}]"#,
            "license l1: `userGroups` is missing",
        ),
        (
            200,
            r#"[{"id":"l1","userGroups":null},{"id":"l2"}]"#,
            "must be a list, not null",
        ),
        (
            200,
            r#"[{"id":"l1","userGroups":[7]},{"id":"l2"}]"#,
            "`userGroups[].id` must be text",
        ),
        (
            403,
            r#"{"message":"Forbidden."}"#,
            "the scope `organization:license:read`",
        ),
        (
            404,
            "<html><title>Not here</title></html>",
            "answered 404: an HTML page",
        ),
        (429, "Too many requests", "answered 429: Too many requests"),
        (
            500,
            r#"{"message":"Oops","code":"SERVER"}"#,
            "answered 500: Oops (SERVER)",
        ),
    ] {
        let found = observed(&answer(status, body));
        let Some(Observed::Unread(why)) = found.first() else {
            panic!("{body}: {found:?}");
        };
        assert!(
            why.starts_with(&format!("GET /v3/organizations/{ORG}/licenses")),
            "{why}"
        );
        assert!(why.contains(said), "{body}: {why}");
        assert!(!why.contains("SECRET-KEY"), "{why}");
    }
    let found = observed(&Answer::Lost("no answer".into()));
    assert!(
        matches!(&found[..], [Observed::Unread(_), Observed::Unread(_)]),
        "{found:?}"
    );
}

#[test]
fn the_write_has_the_one_member_of_the_page() {
    let object = by_id("l1");
    let write = Write {
        desired: &object,
        fields: Fields::from([(fields::IDS, set(&["g2", "g1"]))]),
        live: &Live::default(),
    };
    let call = Cryptlex.encode(&write);
    assert_eq!(call.method, Method::Patch);
    assert_eq!(call.path, format!("/v3/organizations/{ORG}/licenses/l1"));
    assert_eq!(call.body, Some(json!({"userGroupIds": ["g1", "g2"]})));
}

#[test]
fn the_echo_is_the_license_that_was_written() {
    let object = by_id("l1");
    let echo = |license: Json| Cryptlex.echo(&object, &reply(200, license));
    let live = echo(license("l1", &["g1", "g2"])).expect("the page's example");
    assert_eq!(
        live.fields,
        Fields::from([(fields::IDS, set(&["g1", "g2"]))])
    );
    assert!(live.facts.is_empty());
    assert!(echo(license("l2", &[])).is_err(), "another license");
    assert!(echo(json!([])).is_err());
}

#[test]
fn refusals_carry_the_words_of_the_vendor() {
    let judged = |status, body: &str| Cryptlex.judge(&reply(status, body));
    assert_eq!(judged(200, "{}"), Verdict::Accepted);
    let Verdict::Rejected { words, .. } = judged(403, r#"{"message":"Forbidden.","code":"X"}"#)
    else {
        panic!("a 403 is a refusal");
    };
    let scope = "check the connection's credentials and their rights; \
                 the token needs the scope `organization:license:update`";
    assert_eq!(words, format!("403: Forbidden. (X); {scope}"));
    let Verdict::Rejected { fields, .. } = judged(400, r#"{"message":"No such user group."}"#)
    else {
        panic!("a 400 is a refusal");
    };
    let expected = (
        "userGroupIds".to_string(),
        "400: No such user group.".to_string(),
    );
    assert_eq!(fields, [expected]);
    assert!(matches!(judged(404, "{}"), Verdict::Rejected { .. }));
    assert!(matches!(judged(503, ""), Verdict::Unclear(_)));
}

#[test]
fn ids_and_names_together_are_an_error() {
    let findings = |fields: Fields| {
        let mut findings = Diagnostics::default();
        let nowhere = |_: &str| crate::model::Mark::default();
        Cryptlex.audit(&wanted("l1", fields), &nowhere, &mut findings);
        findings
            .iter()
            .map(|finding| finding.code)
            .collect::<Vec<_>>()
    };
    let both = Fields::from([(fields::IDS, set(&["g"])), (fields::NAMES, set(&[]))]);
    assert_eq!(findings(both), ["conflict"]);
    assert!(findings(Fields::from([(fields::NAMES, set(&["Support"]))])).is_empty());
    assert!(findings(Fields::new()).is_empty());
}

#[test]
fn a_login_names_its_account_one_way_and_opens_a_session() {
    let login = AUTH.login.expect("a login");
    let call = login(&[("accountAlias", "rivers".into()), ("password", "p".into())]);
    assert_eq!(call.path, "/v3/accounts/login");
    assert_eq!(
        call.body,
        json!({"accountAlias": "rivers", "password": "p"})
    );
    let session = (AUTH.session)(&json!({"accessToken": "t"})).map(|session| session.token);
    assert_eq!(session, Ok("t".to_string()));
    assert!((AUTH.session)(&json!({})).is_err());
}
