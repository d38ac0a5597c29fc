//! What is agreed on below a call: packed replies, connections that are used again, HTTP/2 over TLS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use entitle::plan::Disposition;
use entitle::reconcile;
use entitle::sandbox::simulator::HttpReply;
use serde_json::json;
use tokio::time::Instant;

use crate::conformance::vendors::{Vendor, alinea, cryptlex};
use crate::support::bench::{Bench, Object, converged, in_sync, only_report};
use crate::support::program::Workspace;
use crate::support::server::{Server, certificate, gzip, packed};

/// A bench whose connections lead to a server that does this to every answer.
async fn behind(
    vendor: &Vendor,
    objects: usize,
    wrap: impl Fn(&str, HttpReply) -> HttpReply + Send + Sync + 'static,
) -> (Bench, Server) {
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(objects));
    let server = Server::start(Arc::clone(&bench.sandbox), false, Arc::new(wrap)).await;
    for connection in &mut bench.connections {
        let port = Some(server.address.port());
        connection.base_url.set_port(port).expect("a port");
    }
    (bench, server)
}

fn little(vendor: &Vendor, objects: usize) -> Vec<Object> {
    (0..objects)
        .map(|number| vendor.little(number, false))
        .collect()
}

#[tokio::test]
async fn packed_replies_are_asked_for_and_unpacked() {
    let replies = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&replies);
    let (bench, _server) = behind(&cryptlex::VENDOR, 250, move |_, answer| {
        counted.fetch_add(1, Ordering::Relaxed);
        packed(answer)
    })
    .await;
    for planned in bench.plan(&little(&cryptlex::VENDOR, 250)).await {
        in_sync(&planned);
    }
    assert_eq!(replies.load(Ordering::Relaxed), 3);
}

/// Why the only object could not be read, by a run that has not much time.
async fn unread(bench: &Bench, vendor: &Vendor) -> String {
    let mut settings = bench.settings();
    settings.deadline = Instant::now() + Duration::from_secs(2);
    let checked = bench.check(&little(vendor, 1));
    let pass = reconcile::plan_pass(&checked, &settings).await;
    assert_eq!(pass.planned[0].action, Disposition::Error);
    pass.planned[0].message.clone().expect("the reason")
}

/// Only the first half of a packed body.
fn cut(answer: HttpReply) -> HttpReply {
    let mut answer = packed(answer);
    answer.body.truncate(answer.body.len() / 2);
    answer
}

#[tokio::test]
async fn a_packed_reply_that_ends_early_is_an_error_that_names_the_call() {
    let (bench, server) = behind(&cryptlex::VENDOR, 3, |_, answer| cut(answer)).await;
    let why = unread(&bench, &cryptlex::VENDOR).await;
    let workspace = server.address;
    assert!(why.starts_with("GET /v3/organizations/"), "{why}");
    assert!(
        why.contains(&format!("the reply of {workspace} cannot be unpacked")),
        "{why}"
    );
    assert!(bench.reads().len() > 1, "a read is tried again");
}

#[tokio::test]
async fn a_write_whose_packed_reply_ends_early_is_looked_at_and_not_sent_again() {
    let (bench, _server) = behind(&cryptlex::VENDOR, 3, |call, answer| {
        if call.starts_with("PATCH") {
            cut(answer)
        } else {
            packed(answer)
        }
    })
    .await;
    converged(&only_report(
        bench.apply(&[cryptlex::VENDOR.little(0, true)]).await,
    ));
    assert_eq!(bench.writes().len(), 1);
}

#[tokio::test]
async fn a_reply_that_unpacks_to_too_much_is_left_unread() {
    let bomb = gzip(&vec![b' '; 65 << 20]);
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    let (bench, _server) = behind(&cryptlex::VENDOR, 3, move |_, mut answer| {
        answer.body.clone_from(&bomb);
        answer
            .headers
            .push(("content-encoding".into(), "gzip".into()));
        answer
    })
    .await;
    let why = unread(&bench, &cryptlex::VENDOR).await;
    assert!(why.ends_with("the reply is larger than 64 MiB"), "{why}");
    assert_eq!(bench.reads().len(), 1, "it would be as large the next time");
}

#[tokio::test]
async fn a_plan_opens_no_more_connections_than_it_makes_calls_at_once() {
    for most in [1, 4, 10] {
        let (mut bench, server) = behind(&alinea::VENDOR, 12, |_, answer| answer).await;
        for connection in &mut bench.connections {
            connection.limits.concurrency = most;
        }
        for planned in bench.plan(&little(&alinea::VENDOR, 12)).await {
            in_sync(&planned);
        }
        assert_eq!(bench.reads().len(), 24);
        let connections = server.connections();
        assert!(connections.len() <= most, "{most}: {connections:?}");
    }
}

/// A place whose connection leads to a server with TLS.
async fn secure() -> (Workspace, Server) {
    let mut workspace = Workspace::new().await;
    let sandbox = Bench::new().await.sandbox;
    let account = (alinea::VENDOR.account)(12);
    sandbox.set_state("alinea", account).expect("an account");
    let server = Server::start(sandbox, true, Arc::new(|_: &str, answer| packed(answer))).await;
    workspace.connect("alinea");
    let base = format!("https://localhost:{}/alinea", server.address.port());
    workspace.connection("alinea", &base, &json!({"token": {"env": "ALINEA_AUTH"}}));
    for object in little(&alinea::VENDOR, 12) {
        workspace.object(&object);
    }
    (workspace, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_with_http_2_gets_all_calls_over_one_connection() {
    let (mut workspace, server) = secure().await;
    let authority = certificate("ca.pem").display().to_string();
    workspace.set("SSL_CERT_FILE", &authority);
    let ran = workspace.run(&["plan", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.json()["summary"]["in_sync"], 12);
    // What was opened side by side before the first had said that it speaks HTTP/2 is not used.
    let used: Vec<_> = server
        .connections()
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect();
    assert_eq!(used, [BTreeMap::from([("HTTP/2", 24)])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_vouches_for_gets_no_call() {
    let (workspace, server) = secure().await;
    let ran = workspace.run(&["plan", "--timeout", "2s"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let port = server.address.port();
    let words = format!("error[unsafe-connection]: alinea: cannot connect to localhost:{port}: ");
    assert!(ran.stderr.contains(&words), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("SSL_CERT_FILE"), "{}", ran.stderr);
    assert!(server.connections().iter().all(BTreeMap::is_empty));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_certificates_reaches_what_needs_none() {
    let (mut workspace, server) = secure().await;
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        workspace.set(name, "/nowhere");
    }
    let ran = workspace.run(&["plan"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("install ca-certificates"),
        "{}",
        ran.stderr
    );
    assert!(server.connections().iter().all(BTreeMap::is_empty));
    let ran = workspace.run(&["plan", "--sandbox", "--format", "json"]);
    let json = ran.json();
    // The simulators of that run have none of these objects, and say so.
    assert_eq!(json["objects"][0]["action"], "missing", "{json}");
}
