//! What vendors answer beside an error's words is never shown, however broken the reply: not in a plan, an
//! outcome, JSON or the journal.

use std::fmt::Write as _;

use entitle::apply::journal::Started;
use entitle::apply::memory::history::read_runs;
use entitle::apply::recorder::Recorder;
use entitle::model::{Live, Reply};
use entitle::plan::document::PlanDocument;
use entitle::provider::reading::Answer;
use entitle::provider::{self, ResourceKind};
use entitle::reconcile::{self, ApplyOptions};
use entitle::render;
use entitle::render::view::{RunView, Stage};
use futures::{StreamExt, stream};

use super::conformance::vendors::{Vendor, for_every_vendor};
use super::fuzz_bodies::{against, wanted};
use super::support::bench::Bench;
use super::support::proxy::{Canned, Passed, Spoil};
use super::support::stores;

/// A licence as LicenseSpring and Cryptlex show it, and the beginnings of its secrets.
const LICENCE: &str = r#"{"message":"upstream failed","id":77,"key":"ZXCV7-731QW-ER004",
 "license_key":"QWER9-52TYU-IO118","note":"password swordfish-a1","license_users":[{"email":"j@example.com",
 "initial_password":"swordfish-b2"}],"api_token":"tok_5a4db07e","groups":["swordfish-c3"]}"#;
const SECRETS: [&str; 4] = ["ZXCV7", "QWER9", "swordf", "tok_5"];

#[track_caller]
fn shows_none(shown: &str, what: &dyn Fn() -> String) {
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{}: {shown}", what());
    }
}

fn rendered(document: &PlanDocument) -> String {
    let mut out = Vec::new();
    let view = |stage| RunView::new(stage, document);
    render::text::write_plan(&mut out, &view(Stage::Planned)).expect("text");
    render::text::write_outcome(&mut out, &view(Stage::Applied)).expect("text");
    render::json::write_document(&mut out, document).expect("JSON");
    String::from_utf8(out).expect("UTF-8")
}

/// What is shown of a reply to every read, and of the same reply to a write.
fn shown(kind: &'static dyn ResourceKind, reply: &Reply) -> String {
    let one = &wanted(kind)[..1];
    let (_, document) = against(kind, one, |_, _| Answer::Reply(reply.clone()));
    let mut shown = rendered(&document);
    let _ = write!(shown, "{:?}", kind.judge(reply));
    if let Err(malformed) = kind.echo(&one[0], &Live::default(), reply) {
        let _ = write!(shown, "{malformed}");
    }
    shown
}

#[test]
fn a_reply_cut_off_at_any_byte_shows_no_secret() {
    // Without the error's words in front, no cut leaves a whole document.
    let licence = LICENCE.replacen(r#""message":"upstream failed","#, "", 1);
    for body in [LICENCE, &licence] {
        for cut in 0..=body.len() {
            for (turn, kind) in provider::all_kinds().enumerate() {
                const STATUSES: [u16; 7] = [200, 400, 403, 404, 409, 500, 503];
                let html = (cut + turn).is_multiple_of(11);
                let reply = Reply {
                    remark: None,
                    status: STATUSES[(cut + turn) % STATUSES.len()],
                    body: body[..cut].to_string(),
                    content_type: if html {
                        "text/html"
                    } else {
                        "application/json"
                    }
                    .into(),
                };
                shows_none(&shown(kind, &reply), &|| format!("{reply:?}"));
            }
        }
    }
}

/// Whole, broken and foreign documents with secrets in them.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let long = format!("{}{}", "please wait ".repeat(100_000), LICENCE);
    let page = format!(
        "<!doctype html><title>Licence ZXCV7-731QW-ER004 of swordfish-b2</title><pre>{LICENCE}</pre>"
    );
    let unclosed = format!("<html><title>Oops {LICENCE}");
    let latin = [LICENCE.as_bytes(), b"\xff\xfe K\xf6ln ZXCV7-731QW-ER004"].concat();
    let middle = &LICENCE.as_bytes()[..LICENCE.len() - 20];
    let repeats = r#"{"message":"cannot read {\"initial_password\":\"swordfish-b2\", \"token\": \"tok_5a4db07e\"}"}"#;
    let rows =
        r#"[{"license_key":"QWER9-52TYU-IO118","allowed":["swordfish-c3"]},["swordfish-c3"]]"#;
    let lists = r#"{"initial_password":["swordfish-b2"],"license_key":["QWER9-52TYU-IO118"]}"#;
    vec![
        ("whole", LICENCE.into()),
        ("cut off", middle.to_vec()),
        ("a page", page.into()),
        ("a broken page", unclosed.into()),
        ("very long", long.into()),
        ("not UTF-8", latin),
        ("an error that repeats", repeats.into()),
        ("rows", rows.into()),
        ("lists as errors have them", lists.into()),
        ("a text", "ZXCV7-731QW-ER004 swordfish-a1".into()),
        ("a JSON text", r#""QWER9-52TYU-IO118""#.into()),
    ]
}

for_every_vendor!(no_run_shows_what_stands_beside_an_errors_words);

async fn no_run_shows_what_stands_beside_an_errors_words(vendor: &'static Vendor) {
    type When = fn(&Passed) -> bool;
    let cases: [(u16, When); 5] = [
        (400, Passed::is_read),
        (200, Passed::is_read),
        (400, Passed::is_write),
        (500, Passed::is_write),
        (200, Passed::is_write),
    ];
    let hostile = hostile();
    let runs = hostile.iter().flat_map(|one| cases.map(|case| (one, case)));
    // A reply that shows nothing is looked into for a while, so they wait side by side.
    let all =
        stream::iter(runs).for_each_concurrent(16, |((name, body), (status, when))| async move {
            let body = body.clone();
            let bench = Bench::spoiled(move |_, passed| {
                let canned = || Canned::new(status, "application/json", body.clone());
                when(passed).then(|| Spoil::Instead(canned()))
            })
            .await;
            vendor.load(&bench, (vendor.account)(3));
            let (message, shown) = remembered(&bench, vendor).await;
            assert!(message.is_some(), "{name} {status}: it failed");
            shows_none(&shown, &|| format!("{name} {status}"));
        });
    all.await;
}

/// Everything that a run with a journal shows of one object: its message, and all renderings.
async fn remembered(bench: &Bench, vendor: &Vendor) -> (Option<String>, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.jsonl");
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let recorder = Recorder::new(
        Some(stores::queue(dir.path())),
        "run",
        pass.places(),
        bench.clock,
    );
    recorder
        .record_start(Started::default())
        .await
        .expect("writable");
    let options = ApplyOptions {
        accepted: None,
        fail_fast: false,
        recorder,
    };
    let reports = reconcile::apply_plan(&pass, &options, &bench.settings()).await;
    let message = reports[0].message.clone();
    let done = render::with_outcomes(pass.document, &reports);
    let journal = std::fs::read_to_string(&path).expect("readable");
    let records = entitle::apply::records::Records::new(journal.as_bytes());
    let mut out = Vec::new();
    for run in read_runs(&records.collect::<Vec<_>>()) {
        render::history::write_run(&mut out, &run, None, (bench.clock)()).expect("text");
    }
    let history = String::from_utf8_lossy(&out).into_owned();
    (message, format!("{}{journal}{history}", rendered(&done)))
}
