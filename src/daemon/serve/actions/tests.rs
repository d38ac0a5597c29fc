use axum::http::HeaderName;

use super::*;
use crate::daemon::serve::tests::fake_daemon::FakeDaemon;
use crate::daemon::serve::tests::{Bench, body, code};
use crate::model::SecretText;

const TOKEN: &str = "another-long-token";
const HOST: &str = "host: localhost:8900\r\norigin: http://localhost:8900\r\n";
const ADDRESS: &str = "LacLicenseOrder/northwind-enterprise-00008";

fn access(token: bool, header: Option<&'static str>) -> ActionAccess {
    ActionAccess {
        token: token.then(|| SecretText::from(TOKEN)),
        header: header.map(HeaderName::from_static),
        page_origin: None,
        key: [7; 32],
    }
}

async fn bench(actions: Option<ActionAccess>) -> (Bench, FakeDaemon) {
    let daemon = FakeDaemon::start();
    let bench = Bench::start(50, actions, &daemon).await;
    (bench, daemon)
}

async fn post(bench: &Bench, path: &str, headers: &str, fields: &[(&str, &str)]) -> String {
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let request = format!(
        "POST {path} HTTP/1.1\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n{headers}\r\n{form}",
        form.len()
    );
    bench.raw(request.as_bytes()).await
}

/// The cookie that a reply sets.
fn set_cookie(reply: &str) -> String {
    let line = reply
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "));
    line.and_then(|line| line.split(';').next())
        .unwrap_or_default()
        .to_string()
}

/// The token in the forms of a page.
fn csrf_of(page: &str) -> String {
    let after = page.split("name=\"csrf\" value=\"").nth(1).expect("a form");
    after.split('"').next().expect("a token").to_string()
}

/// Signs in, and returns the headers and the form token of the session.
async fn sign_in_as_ann(bench: &Bench) -> (String, String) {
    let reply = post(
        bench,
        "/sign-in",
        HOST,
        &[("name", "ann"), ("token", TOKEN)],
    )
    .await;
    assert_eq!(code(&reply), 303, "{reply}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=32400"] {
        assert!(reply.contains(attribute), "{attribute}: {reply}");
    }
    let headers = format!("{HOST}cookie: {}\r\n", set_cookie(&reply));
    let page = bench.get("/", &headers).await;
    assert!(body(&page).contains("ann (token)"));
    let csrf = csrf_of(body(&page));
    (headers, csrf)
}

#[tokio::test]
async fn a_signed_in_person_is_obeyed_and_named_in_the_journal() {
    let (bench, daemon) = bench(Some(access(true, None))).await;
    let (headers, csrf) = sign_in_as_ann(&bench).await;
    let reply = post(
        &bench,
        "/actions/suspend",
        &headers,
        &[
            ("csrf", &csrf),
            ("address", ADDRESS),
            ("reason", "a demo"),
            ("for", "4h"),
        ],
    )
    .await;
    assert_eq!(code(&reply), 303, "{reply}");
    assert!(
        reply.contains(&format!("location: /o/{ADDRESS}?done=suspend")),
        "{reply}"
    );
    let until = "2026-03-02T14:00:00Z".parse().expect("a time");
    let suspend = PageAction::Suspend {
        address: ADDRESS.into(),
        reason: "a demo".into(),
        until,
    };
    assert_eq!(
        *daemon.done.lock().expect("unbroken"),
        [(suspend, "ann (token)".to_string())]
    );
    let journaled = daemon.journaled();
    let request = journaled[0].request.clone().expect("a request");
    assert_eq!(
        (journaled.len(), journaled[0].by.as_str()),
        (1, "ann (token)")
    );
    assert_eq!(
        (request.action.as_str(), request.address.as_deref()),
        ("suspend", Some(ADDRESS))
    );
    assert_eq!(
        request.words,
        "suspended until 2026-03-02 14:00 UTC: a demo"
    );
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn without_the_flag_nothing_can_be_asked_for() {
    let (bench, daemon) = bench(None).await;
    // A header is worth nothing without the flag that names it.
    let headers =
        format!("{HOST}x-forwarded-email: ann@example.com\r\ncookie: entitle-session=x\r\n");
    for path in ["/actions/look", "/sign-in", "/sign-out"] {
        let reply = post(
            &bench,
            path,
            &headers,
            &[("address", ADDRESS), ("csrf", ""), ("token", TOKEN)],
        )
        .await;
        assert_eq!(code(&reply), 404, "{path}");
        assert!(body(&reply).contains("--allow-actions"), "{reply}");
    }
    let page = bench.get("/", &headers).await;
    assert!(!body(&page).contains("csrf") && body(&page).contains("Read-only"));
    assert!(daemon.done.lock().expect("unbroken").is_empty() && daemon.journaled().is_empty());
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn whoever_is_not_known_is_refused() {
    let (bench, daemon) = bench(Some(access(true, None))).await;
    let fields = [("csrf", ""), ("address", ADDRESS)];
    // No session, a forged session, and a header that no flag trusts are all refused.
    for more in [
        "",
        "cookie: entitle-session=YW5u.9999999999.n.00\r\n",
        "x-forwarded-email: ann@example.com\r\n",
    ] {
        let reply = post(&bench, "/actions/look", &format!("{HOST}{more}"), &fields).await;
        assert_eq!(code(&reply), 401, "{more}");
    }
    for token in ["", "wrong", &TOKEN[1..]] {
        let reply = post(
            &bench,
            "/sign-in",
            HOST,
            &[("name", "ann"), ("token", token)],
        )
        .await;
        assert_eq!(
            (code(&reply), set_cookie(&reply)),
            (401, String::new()),
            "{token}"
        );
    }
    let nameless = post(&bench, "/sign-in", HOST, &[("name", " "), ("token", TOKEN)]).await;
    assert_eq!(code(&nameless), 400);
    assert!(daemon.done.lock().expect("unbroken").is_empty() && daemon.journaled().is_empty());
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn a_form_of_another_site_or_session_is_refused() {
    let (bench, daemon) = bench(Some(access(true, None))).await;
    let (headers, csrf) = sign_in_as_ann(&bench).await;
    let fields = |csrf: &'static str| [("csrf", csrf), ("address", ADDRESS)];
    for (given, wanted) in [("", 403), ("00", 403), ("c5af", 403)] {
        let reply = post(&bench, "/actions/look", &headers, &fields(given)).await;
        assert_eq!(code(&reply), wanted, "csrf {given:?}");
    }
    let own = [("csrf", csrf.as_str()), ("address", ADDRESS)];
    for origin in ["http://evil.example", "null", "http://localhost:8901"] {
        let forged = headers.replace("http://localhost:8900", origin);
        assert_eq!(
            code(&post(&bench, "/actions/look", &forged, &own).await),
            403,
            "{origin}"
        );
        let sign_in = post(
            &bench,
            "/sign-in",
            &forged,
            &[("name", "a"), ("token", TOKEN)],
        )
        .await;
        assert_eq!(code(&sign_in), 403, "{origin}");
    }
    let none = headers.replace("origin: http://localhost:8900\r\n", "");
    assert_eq!(code(&post(&bench, "/actions/look", &none, &own).await), 403);
    assert!(daemon.done.lock().expect("unbroken").is_empty() && daemon.journaled().is_empty());
    // With everything right, it is carried out.
    assert_eq!(
        code(&post(&bench, "/actions/look", &headers, &own).await),
        303
    );
    assert_eq!(daemon.done.lock().expect("unbroken").len(), 1);
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn a_proxy_names_people_in_the_header_that_is_trusted() {
    let (bench, daemon) = bench(Some(access(false, Some("x-forwarded-email")))).await;
    let headers = format!("{HOST}x-forwarded-email: ann@example.com\r\n");
    let page = bench.get("/", &headers).await;
    let csrf = csrf_of(body(&page));
    let own = [("csrf", csrf.as_str()), ("address", ADDRESS)];
    assert_eq!(
        code(&post(&bench, "/actions/resume", &headers, &own).await),
        303
    );
    // Ann's form does not work for Eve, and a header that occurs twice identifies no person.
    let eve = headers.replace("ann@", "eve@");
    assert_eq!(
        code(&post(&bench, "/actions/resume", &eve, &own).await),
        403
    );
    let both = format!("{headers}x-forwarded-email: eve@example.com\r\n");
    assert_eq!(
        code(&post(&bench, "/actions/resume", &both, &own).await),
        401
    );
    assert_eq!(
        code(&post(&bench, "/actions/resume", HOST, &own).await),
        401
    );
    assert!(body(&bench.get("/", HOST).await).contains("Not signed in at the proxy"));
    assert_eq!(daemon.done.lock().expect("unbroken").len(), 1);
    assert_eq!(daemon.journaled()[0].by, "ann@example.com");
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn a_request_that_is_refused_says_why_and_is_not_in_the_journal() {
    let (bench, daemon) = bench(Some(access(true, None))).await;
    let (headers, csrf) = sign_in_as_ann(&bench).await;
    for (refusal, status) in [
        (ActionError::Moved, 409),
        (ActionError::Approved, 409),
        (ActionError::NothingHeld, 409),
        (ActionError::ObserveOnly, 409),
        (ActionError::UnknownObject("X/y".into()), 404),
        (ActionError::BadReason, 400),
        (ActionError::Stopping, 503),
    ] {
        *daemon.refusal.lock().expect("unbroken") = Some(refusal.clone());
        let fields = [
            ("csrf", csrf.as_str()),
            ("address", ADDRESS),
            ("digest", "sha256:00"),
        ];
        let reply = post(&bench, "/actions/approve", &headers, &fields).await;
        assert_eq!(code(&reply), status, "{refusal}");
        let words = refusal.to_string();
        let first = words.split(['`', '<', '&']).next().expect("a word");
        assert!(body(&reply).contains(first), "{refusal}: {reply}");
    }
    assert!(daemon.journaled().is_empty());
    *daemon.refusal.lock().expect("unbroken") = None;
    for (path, fields) in [
        ("/actions/dance", vec![]),
        ("/actions/suspend", vec![("reason", "x"), ("for", "9999h")]),
    ] {
        let fields = [vec![("csrf", csrf.as_str()), ("address", ADDRESS)], fields].concat();
        assert_eq!(
            code(&post(&bench, path, &headers, &fields).await),
            400,
            "{path}"
        );
    }
    let large = "x".repeat(LONGEST_FORM);
    let reply = post(
        &bench,
        "/actions/look",
        &headers,
        &[("csrf", &csrf), ("address", &large)],
    )
    .await;
    assert_eq!(code(&reply), 413);
    assert!(daemon.done.lock().expect("unbroken").is_empty());
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn a_session_can_be_ended_and_guessing_is_slow() {
    let (bench, _daemon) = bench(Some(access(true, None))).await;
    let (headers, csrf) = sign_in_as_ann(&bench).await;
    let reply = post(&bench, "/sign-out", &headers, &[("csrf", &csrf)]).await;
    assert_eq!(code(&reply), 303);
    assert!(
        reply.contains("set-cookie: entitle-session=; Path=/; Max-Age=0"),
        "{reply}"
    );
    let mut codes = Vec::new();
    for _ in 0..200 {
        codes.push(code(
            &post(
                &bench,
                "/sign-in",
                HOST,
                &[("name", "a"), ("token", "guess")],
            )
            .await,
        ));
    }
    assert!(codes.contains(&429), "{codes:?}");
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn the_theme_is_a_cookie_and_the_way_back_stays_here() {
    let (bench, _daemon) = bench(None).await;
    let reply = post(
        &bench,
        "/theme",
        HOST,
        &[("theme", "dark"), ("back", "/?q=a")],
    )
    .await;
    assert_eq!(code(&reply), 303);
    assert!(
        reply.contains("location: /?q=a") && set_cookie(&reply) == "entitle-theme=dark",
        "{reply}"
    );
    let page = bench
        .get("/", &format!("{HOST}cookie: entitle-theme=dark\r\n"))
        .await;
    assert!(body(&page).contains("<html lang=\"en\" data-theme=\"dark\">"));
    let away = post(
        &bench,
        "/theme",
        HOST,
        &[("theme", "\"><script>"), ("back", "//evil.example")],
    )
    .await;
    assert!(
        away.contains("location: /\r\n") && set_cookie(&away) == "entitle-theme=auto",
        "{away}"
    );
    bench.end().await.expect("stops");
}

#[test]
fn a_way_back_stays_on_this_server() {
    for own in ["/", "/o/Kind/name", "/?q=a&page=2"] {
        assert_eq!(own_path(own), own);
    }
    for foreign in [
        "",
        "//evil.example",
        "https://evil.example",
        "/\\evil",
        "/a\r\nset-cookie: x",
        "a",
    ] {
        assert_eq!(own_path(foreign), "/", "{foreign:?}");
    }
}
