//! Batches and their exact calls, and replies that are not as documented.

use super::*;

/// The query of a call, decoded.
fn query(call: &str) -> BTreeMap<String, String> {
    let query = call.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// Answers like an account with the licenses `1` to `count` whose pages have at most `cap` rows.
fn account(count: usize, cap: usize) -> impl FnMut(&str) -> Answer {
    move |call| {
        let query = query(call);
        if !query.contains_key("id__in") {
            return answer(404, json!({"detail": "Not found."}));
        }
        let number = |name: &str| {
            query
                .get(name)
                .map_or(0, |text| text.parse().expect("a number"))
        };
        let asked = query["id__in"].split(',').filter(|id| {
            let id: usize = id.parse().expect("an id");
            (1..=count).contains(&id)
        });
        let all: Vec<&str> = asked.collect();
        let (offset, limit) = (number("offset"), number("limit").min(cap));
        let results: Vec<Json> = all
            .iter()
            .skip(offset)
            .take(limit)
            .map(|id| license(id, rows()))
            .collect();
        let more = offset + limit < all.len();
        let next = more.then_some("https://elsewhere.example/api/v1/licenses/?offset=1");
        let page = json!({"count": all.len(), "next": next, "previous": null, "results": results});
        answer(200, page)
    }
}

fn objects(ids: impl IntoIterator<Item = usize>) -> Vec<Desired> {
    ids.into_iter()
        .map(|id| desired_object(&id.to_string()))
        .collect()
}

fn read(objects: &[Desired], vendor: impl FnMut(&str) -> Answer) -> (Vec<String>, Vec<Observed>) {
    let desired: Vec<&Desired> = objects.iter().collect();
    let (rounds, found) = testing::drive(License.reading(&desired), vendor);
    let calls = rounds.concat();
    assert!(
        calls
            .iter()
            .all(|call| call.starts_with("GET /api/v1/licenses/")),
        "{calls:?}"
    );
    (
        calls.iter().map(|call| call[4..].to_string()).collect(),
        found,
    )
}

fn kinds(found: &[Observed]) -> String {
    let kind = |observed: &Observed| match observed {
        Observed::Live(_) => 'L',
        Observed::Missing | Observed::Creatable(_) => 'M',
        Observed::Unread(_) => 'U',
    };
    found.iter().map(kind).collect()
}

#[test]
fn few_licenses_are_one_call() {
    let (calls, found) = read(&objects([3, 1]), account(3, 100));
    assert_eq!(calls, ["/api/v1/licenses/?id__in=1%2C3&limit=100"]);
    assert_eq!(kinds(&found), "LL");
    let (calls, _) = read(&objects([2]), account(3, 100));
    assert_eq!(calls, ["/api/v1/licenses/?id__in=2&limit=100"]);
}

#[test]
fn many_licenses_are_a_call_for_each_hundred() {
    let (calls, found) = read(&objects(1..=250), account(250, 100));
    let ids = |from: usize, to: usize| {
        let mut ids: Vec<String> = (from..=to).map(|id| id.to_string()).collect();
        ids.sort();
        format!("/api/v1/licenses/?id__in={}&limit=100", ids.join("%2C"))
    };
    assert_eq!(calls, [ids(1, 100), ids(101, 200), ids(201, 250)]);
    assert_eq!(kinds(&found), "L".repeat(250));
}

#[test]
fn long_ids_are_read_digit_by_digit() {
    let (calls, found) = read(&[desired_object(LONG)], |_| {
        let page =
            json!({"count": 1, "next": null, "previous": null, "results": [license(LONG, rows())]});
        answer(200, page)
    });
    assert_eq!(
        calls,
        [format!("/api/v1/licenses/?id__in={LONG}&limit=100")]
    );
    assert_eq!(kinds(&found), "L");
}

#[test]
fn licenses_that_the_list_does_not_have_are_missing() {
    let (calls, found) = read(&objects([1, 2, 901]), account(2, 100));
    assert_eq!(calls.len(), 1);
    assert_eq!(kinds(&found), "LLM");
}

#[test]
fn a_lower_cap_of_the_server_is_followed_by_offset_and_never_by_next() {
    let (calls, found) = read(&objects(1..=50), account(45, 20));
    // What several pages do not show may have moved between them.
    let (calls, asked) = calls.split_at(calls.len() - 5);
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let single = |id| format!("/api/v1/licenses/{id}/");
    assert_eq!(asked, (46..=50).map(single).collect::<Vec<_>>());
    let offsets: Vec<&str> = calls
        .iter()
        .map(|call| call.split("&limit=100").nth(1).unwrap_or_default())
        .collect();
    assert_eq!(offsets, ["", "&offset=20", "&offset=40"]);
    assert!(
        calls
            .iter()
            .all(|call| call.starts_with("/api/v1/licenses/?id__in="))
    );
    assert_eq!(kinds(&found), ["L".repeat(45), "M".repeat(5)].concat());
}

#[test]
fn a_server_that_ignores_the_offset_is_asked_for_the_rest_one_by_one() {
    let (calls, found) = read(&objects(1..=5), |call| {
        let body = match call.strip_prefix("GET /api/v1/licenses/?") {
            Some(_) => json!({"count": 5, "next": "x", "previous": null,
                              "results": [license("1", rows()), license("2", rows())]}),
            None => license(call.split('/').nth(4).expect("an id"), rows()),
        };
        answer(200, body)
    });
    let single = |id| format!("/api/v1/licenses/{id}/");
    assert_eq!(calls[2..], [single(3), single(4), single(5)]);
    assert!(calls[1].ends_with("&limit=100&offset=2"), "{}", calls[1]);
    assert_eq!(kinds(&found), "LLLLL");
}

#[test]
fn a_server_that_ignores_or_refuses_the_filter_is_asked_one_by_one() {
    let strays = json!({"count": 9000, "next": "x", "previous": null,
                        "results": [license("1", rows()), license("700", rows())]});
    let refusal = json!({"id__in": ["Enter a number."]});
    for (status, list, cost) in [(200, strays, 3), (400, refusal, 4)] {
        let (calls, found) = read(&objects(1..=3), |call| {
            let id = call.split('/').nth(4).expect("a path of the API");
            Answer::Reply(match id {
                "3" => reply(404, r#"{"detail":"Not found."}"#),
                "1" | "2" => reply(200, license(id, rows())),
                _ => reply(status, &list),
            })
        });
        assert_eq!(calls.len(), cost, "{calls:?}");
        assert_eq!(kinds(&found), "LLM");
    }
}

#[test]
fn one_license_that_cannot_be_read_does_not_hide_the_others() {
    let (_, found) = read(&objects([1, 2]), |_| {
        let results = [license("1", json!({})), license("2", rows())];
        let page = json!({"count": 2, "next": null, "previous": null, "results": results});
        answer(200, page)
    });
    assert_eq!(kinds(&found), "UL");
}

#[test]
fn replies_that_are_not_as_documented_are_errors_that_name_the_call() {
    for (status, body, expected) in [
        (200, "", "the body is empty"),
        (
            200,
            "<html><title>Log in</title></html>",
            "an HTML page titled \"Log in\"",
        ),
        (200, r#"{"count": 1, "res"#, "the body ends in the middle"),
        (200, "[]", "answered without the number `count`"),
        (
            200,
            r#"{"count": 1}"#,
            "answered without the list `results`",
        ),
        (
            200,
            r#"{"count": 1, "results": [7]}"#,
            "answered with a row that is no object",
        ),
        (
            200,
            r#"{"count": 1, "results": [{"id": "1"}]}"#,
            "a row without the number `id`",
        ),
        (
            401,
            r#"{"detail": "Invalid API key."}"#,
            "answered 401: Invalid API key.",
        ),
        (
            403,
            r#"{"detail": "No permission."}"#,
            "answered 403: No permission.",
        ),
        (404, "<html></html>", "answered 404: an HTML page"),
        (429, "", "answered 429: Too Many Requests"),
    ] {
        let (_, found) = read(&objects([1]), |_| answer(status, body));
        let [Observed::Unread(crate::model::ReadFailure { text: why, .. })] = found.as_slice()
        else {
            panic!("{body}: {found:?}");
        };
        assert!(
            why.starts_with("GET /api/v1/licenses/?id__in=1&limit=100"),
            "{why}"
        );
        assert!(why.contains(expected), "{body}: {why}");
    }
    let (_, found) = read(&objects(1..=100), |_| answer(500, ""));
    let Some(Observed::Unread(crate::model::ReadFailure { text: why, .. })) = found.first() else {
        panic!("{found:?}");
    };
    assert!(
        why.chars().count() < 220,
        "a hundred ids need not be shown: {why}"
    );
    let (_, found) = read(&objects([1]), |_| Answer::Lost("no answer".into()));
    assert_eq!(kinds(&found), "U");
}
