//! Replies that are no answer: pages, halves, nothing, other types. A read then is an error that names the
//! call, and nothing is written; a write is looked at again, whatever its reply seemed to say.

use std::time::Duration;

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use entitle::reconcile;
use futures::future::join_all;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::vendors::{Vendor, for_all_vendors_at_once, for_every_vendor};
use crate::support::bench::{Bench, in_sync, only_report, paths};
use crate::support::proxy::{Canned, Passed, Spoil};

for_every_vendor!(
    a_read_that_is_no_answer_is_an_error_that_names_the_call,
    a_read_that_is_cut_off_once_is_made_again,
    a_member_of_a_wrong_type_is_an_error_that_names_it,
    a_redirect_is_not_followed,
    an_answer_to_a_write_is_not_believed_before_the_object_is_seen,
);

// Looks at what came of a write are repeated with waits between them.
for_all_vendors_at_once!(
    a_page_instead_of_a_write_is_never_taken_for_success,
    a_read_that_is_always_cut_off_is_an_error_that_says_so,
);

/// Bodies that no read call of any vendor has, each with a status of success.
fn odd_bodies() -> Vec<(&'static str, Canned)> {
    let json = |body: &str| Canned::new(200, "application/json", body);
    let page = "<!doctype html><title>Sign in</title><form>…</form>";
    vec![
        ("a page", Canned::new(200, "text/html", page)),
        ("a page that says it is JSON", json(page)),
        ("nothing", json("")),
        ("no content", Canned::new(204, "application/json", "")),
        ("null", json("null")),
        ("text", json("\"ok\"")),
        ("a number", json("7")),
        ("a list of lists", json("[[]]")),
        ("another object", json(r#"{"status": "ok"}"#)),
        (
            "an error with a status of success",
            json(r#"{"message": "try later", "code": "X"}"#),
        ),
        (
            "bytes that are no text",
            Canned::new(200, "application/json", "[{\"a\": \u{fffd}}]"),
        ),
    ]
}

/// Bodies that were cut off on the way.
fn halves() -> [(&'static str, Canned); 2] {
    let json = |body: &str| Canned::new(200, "application/json", body);
    [
        ("half an object", json(r#"{"results": [{"id": 1"#)),
        ("half a list", json(r#"[{"activation_key": "#)),
    ]
}

/// Plans the small change while the reads are spoiled, applies the plan, and gives the message.
async fn failed_plan(
    vendor: &'static Vendor,
    rule: impl Fn(usize, &Passed) -> Option<Spoil> + Send + Sync + 'static,
) -> String {
    let bench = Bench::spoiled(rule).await;
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    let pass = bench.pass(&bench.check(&[vendor.whole()])).await;
    let planned = &pass.planned[0];
    let message = planned.message.clone().unwrap_or_default();
    assert_eq!(
        (planned.action, paths(planned)),
        (Disposition::Error, Vec::new()),
        "{message}"
    );
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Failed));
    assert_eq!(bench.writes(), [""; 0]);
    assert_eq!(before, vendor.state(&bench));
    message
}

/// How many reads a plan of the whole object takes.
async fn reads(vendor: &'static Vendor) -> usize {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    bench.plan(&[vendor.whole()]).await;
    bench.reads().len()
}

/// Spoils the read with this number, counted without logins.
fn at(
    wanted: usize,
    spoil: impl Fn() -> Spoil + Send + Sync + 'static,
) -> impl Fn(usize, &Passed) -> Option<Spoil> + Send + Sync + 'static {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    move |_, passed| {
        let number = passed
            .is_read()
            .then(|| seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        (number == Some(wanted)).then(&spoil)
    }
}

async fn a_read_that_is_no_answer_is_an_error_that_names_the_call(vendor: &'static Vendor) {
    let reads = reads(vendor).await;
    let all = (0..reads).flat_map(|number| odd_bodies().into_iter().map(move |odd| (number, odd)));
    join_all(all.map(|(number, (what, canned))| async move {
        let message = failed_plan(vendor, at(number, move || Spoil::Instead(canned.clone()))).await;
        assert!(
            message.contains("GET /"),
            "{what} as reply {number}: {message}"
        );
    }))
    .await;
}

async fn a_read_that_is_cut_off_once_is_made_again(vendor: &'static Vendor) {
    let reads = reads(vendor).await;
    for (what, canned) in halves() {
        let last = reads - 1;
        let rule = at(last, move || Spoil::Instead(canned.clone()));
        let bench = Bench::spoiled(rule).await;
        vendor.load(&bench, (vendor.account)(3));
        in_sync(&bench.plan(&[vendor.whole()]).await[0]);
        let calls = bench.passed().iter().filter(|it| it.is_read()).count();
        assert_eq!(calls, reads + 1, "{what}");
    }
}

/// Also by a run that has little time, so that this need not wait for all tries.
async fn a_read_that_is_always_cut_off_is_an_error_that_says_so(vendor: &'static Vendor) {
    let (_, half) = halves()[0].clone();
    let rule = move |_, passed: &Passed| passed.is_read().then(|| Spoil::Instead(half.clone()));
    let bench = Bench::spoiled(rule).await;
    vendor.load(&bench, (vendor.account)(3));
    let mut settings = bench.settings();
    settings.deadline = Instant::now() + Duration::from_millis(1_500);
    let pass = reconcile::plan_pass(&bench.check(&[vendor.whole()]), &settings).await;
    let message = pass.planned[0].message.clone().unwrap_or_default();
    assert_eq!(pass.planned[0].action, Disposition::Error);
    let named = message.contains("GET /") && message.contains("ends in the middle");
    assert!(named, "{message}");
    let calls = bench.passed().iter().filter(|it| it.is_read()).count();
    assert!(calls > reads(vendor).await, "it was not tried again");
}

/// The body with every member of this name turned into something that no vendor has there.
fn spoil_member(body: &str, name: &str) -> String {
    fn walk(json: &mut Json, name: &str) {
        match json {
            Json::Object(members) => {
                for (member, value) in members.iter_mut() {
                    if member == name {
                        *value = json!({"odd": true});
                    } else {
                        walk(value, name);
                    }
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| walk(item, name)),
            _ => {}
        }
    }
    let mut json = serde_json::from_str(body).unwrap_or_default();
    walk(&mut json, name);
    json.to_string()
}

async fn a_member_of_a_wrong_type_is_an_error_that_names_it(vendor: &'static Vendor) {
    assert!(!vendor.members.is_empty());
    join_all(vendor.members.iter().map(|(name, said)| async move {
        let rule = move |_: usize, passed: &Passed| {
            let edit = move |body: String| spoil_member(&body, name);
            passed.is_read().then(|| Spoil::Edit(Box::new(edit)))
        };
        let message = failed_plan(vendor, rule).await;
        assert!(message.contains("GET /"), "{name}: {message}");
        assert!(message.contains(said), "{name}: {message}");
    }))
    .await;
}

async fn a_redirect_is_not_followed(vendor: &'static Vendor) {
    let thief = Bench::spoiled(|_, _| None).await;
    let there = thief.address();
    let target = there.clone();
    let moved = move |_: usize, passed: &Passed| {
        let path = passed.path();
        let canned = Canned::new(302, "text/html", "<title>Found</title>");
        Some(Spoil::Instead(
            canned.header("location", format!("{target}{path}")),
        ))
    };
    let message = failed_plan(vendor, moved).await;
    assert!(message.contains("302"), "{message}");

    let moved = move |_: usize, passed: &Passed| {
        let path = passed.path();
        let canned = Canned::new(307, "text/html", "<title>Moved</title>");
        passed
            .is_write()
            .then(|| Spoil::Instead(canned.header("location", format!("{there}{path}"))))
    };
    let bench = Bench::spoiled(moved).await;
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    let report = only_report(bench.apply(&[vendor.little(0, true)]).await);
    let message = report.message.unwrap_or_default();
    assert_eq!(report.outcome, Some(Outcome::Rejected), "{message}");
    assert!(message.contains("307"), "{message}");
    assert_eq!(before, vendor.state(&bench));
    assert_eq!(
        thief.sandbox.requests(),
        [],
        "nothing follows a redirect with its credentials"
    );
}

async fn an_answer_to_a_write_is_not_believed_before_the_object_is_seen(vendor: &'static Vendor) {
    join_all(odd_bodies().into_iter().map(|(what, canned)| async move {
        let rule = move |_: usize, passed: &Passed| {
            passed.is_write().then(|| Spoil::After(canned.clone()))
        };
        let bench = Bench::spoiled(rule).await;
        vendor.load(&bench, (vendor.account)(3));
        let before = vendor.state(&bench);
        let report = only_report(bench.apply(&[vendor.little(0, true)]).await);
        assert_eq!(
            report.outcome,
            Some(Outcome::Converged),
            "{what}: {:?}",
            report.message
        );
        assert_eq!(bench.writes().len(), 1, "{what}");
        let (path, _) = (vendor.change)();
        vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &[path]);
        let passed = bench.passed();
        assert!(
            passed.last().is_some_and(|last| last.is_read()),
            "{what}: nobody looked"
        );
    }))
    .await;
}

/// A gateway answers a write in the vendor's place. Either the look after it leads to a real write, or the
/// object ends as not converged; it never ends as done.
async fn a_page_instead_of_a_write_is_never_taken_for_success(vendor: &'static Vendor) {
    join_all(
        odd_bodies()
            .into_iter()
            .step_by(3)
            .map(|(what, canned)| async move {
                let spent = std::sync::atomic::AtomicBool::new(false);
                let rule = move |_: usize, passed: &Passed| {
                    let first = passed.is_write()
                        && !spent.swap(true, std::sync::atomic::Ordering::Relaxed);
                    first.then(|| Spoil::Instead(canned.clone()))
                };
                let bench = Bench::spoiled(rule).await;
                vendor.load(&bench, (vendor.account)(3));
                let before = vendor.state(&bench);
                let object = vendor.little(0, true);
                let what = format!("{} {what}", vendor.name);
                let report = only_report(bench.apply(std::slice::from_ref(&object)).await);
                let message = report.message.unwrap_or_default();
                match report.outcome {
                    Some(Outcome::Converged) => in_sync(&bench.plan(&[object]).await[0]),
                    Some(Outcome::Unconverged) => {
                        let (path, _) = (vendor.change)();
                        assert!(message.contains(path), "{what}: {message}");
                        assert_eq!(before, vendor.state(&bench), "{what}");
                    }
                    other => panic!("{what}: {other:?} {message}"),
                }
            }),
    )
    .await;
}
