//! The exact calls of small and large readings, and every way a list can end.

use super::*;

/// Reads the licenses with these numbers and hands back the queries of the calls.
fn read(numbers: impl IntoIterator<Item = usize>, count: usize) -> Vec<String> {
    let objects: Vec<Desired> = numbers
        .into_iter()
        .map(|n| by_id(&format!("l{n}")))
        .collect();
    let desired: Vec<&Desired> = objects.iter().collect();
    let (calls, found) = drive(&desired, account(count, &[]));
    for (object, observed) in objects.iter().zip(&found) {
        let number: usize = object.id("licenseId")[1..].parse().expect("a number");
        match observed {
            Observed::Live(live) => assert_eq!(live.fields["userGroupIds"], set(&["g"])),
            Observed::Missing | Observed::Creatable(_) => {
                assert!(number > count, "l{number} is there")
            }
            Observed::Unread(crate::model::ReadFailure { text: why, .. }) => panic!("{why}"),
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
        for (desired, step) in [
            (2, 1),
            (2, 70),
            (5, 30),
            (20, 20),
            (60, 7),
            (100, 30),
            (150, 1),
        ] {
            let Some(first) = count.checked_sub(step * (desired - 1)).filter(|n| *n > 0) else {
                continue;
            };
            let numbers: Vec<usize> = (0..desired).map(|n| first + n * step).collect();
            let calls = read(numbers, count).len();
            let listing = count.div_ceil(100);
            assert!(
                calls <= desired + 2,
                "{desired} of {count}, every {step}: {calls}"
            );
            assert!(
                calls <= 2 * listing + 1,
                "{desired} of {count}, every {step}: {calls}"
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
        let desired: Vec<&Desired> = objects.iter().collect();
        let rows: Vec<Json> = (1..=100).map(|n| license(&format!("l{n}"), &[])).collect();
        let (calls, found) = drive(&desired, |call| {
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
    let [Observed::Unread(crate::model::ReadFailure { text: why, .. })] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(why.ends_with("answered with license l1 instead"), "{why}");
}

#[test]
fn organizations_are_read_side_by_side() {
    let ids = [("organizationId", "other org"), ("licenseId", "l1")];
    let other = testing::desired_object(&fields::TABLE, &ids);
    let one = by_id("l2");
    let mut reading = OrganizationLicense.reading(&[&other, &one]);
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

/// What two licenses are observed as when every list call is answered like this.
fn observed(answer: &Answer) -> Vec<Observed> {
    let objects = [by_id("l1"), by_id("l2")];
    let desired: Vec<&Desired> = objects.iter().collect();
    drive(&desired, |_| answer.clone()).1
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
    for (status, body, expected) in [
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
            r#"[{"id":"l1","userGroups":"none"},{"id":"l2"}]"#,
            "license l1: `userGroups` must be a list, not text",
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
        let Some(Observed::Unread(crate::model::ReadFailure { text: why, .. })) = found.first()
        else {
            panic!("{body}: {found:?}");
        };
        assert!(
            why.starts_with(&format!("GET /v3/organizations/{ORG}/licenses")),
            "{why}"
        );
        assert!(why.contains(expected), "{body}: {why}");
        assert!(!why.contains("SECRET-KEY"), "{why}");
    }
    for unseen in [r#"[{"id":"l1"}]"#, r#"[{"id":"l1","userGroups":null}]"#] {
        let found = observed(&answer(200, unseen));
        let Some(Observed::Live(live)) = found.first() else {
            panic!("{unseen}: {found:?}");
        };
        assert!(live.fields.is_empty(), "{live:?}");
    }
    let found = observed(&Answer::Lost("no answer".into()));
    assert!(
        matches!(&found[..], [Observed::Unread(_), Observed::Unread(_)]),
        "{found:?}"
    );
}
