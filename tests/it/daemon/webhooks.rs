//! Webhooks at the real program: from a signed delivery to the write on the wire, long before the regular look.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use entitle::provider::signature;
use serde_json::{Value as Json, json};

use super::git::Repository;
use super::order_manifest;
use super::program::{DaemonProcess, activations_allowed, five_orders, read_log, wait_for};
use crate::conformance::vendors::cryptlex::VENDOR as CRYPTLEX;
use crate::support::paths;
use crate::support::program::Workspace;

const SECRET: &str = "hook-word";

/// The port on which the daemon listens, once it says so.
pub fn listen_port(workspace: &Workspace) -> u16 {
    const SAID: &str = "address=127.0.0.1:";
    wait_for(workspace, "the address", || {
        read_log(workspace).contains(SAID)
    });
    let log = read_log(workspace);
    let (_, rest) = log.split_once(SAID).expect("said");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a port")
}

/// One request; the whole reply.
pub fn send_request(port: u16, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "{head}\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("an answer");
    reply
}

fn status_code(reply: &str) -> &str {
    reply.split(' ').nth(1).unwrap_or_default()
}

pub fn read_status(port: u16) -> Json {
    let reply = send_request(port, "GET /status HTTP/1.1", "");
    let (_, body) = reply.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

/// A connection to Cryptlex whose webhooks are signed, and one licence.
async fn cryptlex_place() -> Workspace {
    let mut workspace = Workspace::new().await;
    let account = (CRYPTLEX.account)(3);
    workspace
        .sandbox
        .set_state("cryptlex", account)
        .expect("a good account");
    workspace.connect("cryptlex");
    let path = workspace.dir.path().join("cryptlex.yaml");
    let text = std::fs::read_to_string(path).expect("text");
    let mut connection: Json = serde_json::from_str(&text).expect("JSON");
    connection["spec"]["webhookSecret"] = json!({"env": "HOOK"});
    workspace.write("cryptlex.yaml", &connection.to_string());
    workspace.set_secret("HOOK", SECRET);
    workspace.write("licences/one.yaml", &CRYPTLEX.little(0, false).text());
    workspace
}

fn count_patches(workspace: &Workspace) -> usize {
    let requests = workspace.sandbox.requests();
    requests
        .iter()
        .filter(|seen| seen.method == "PATCH")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_heals_a_foreign_edit_at_once() {
    let workspace = cryptlex_place().await;
    let arguments = [
        "watch",
        "licences",
        "cryptlex.yaml",
        "--mode",
        "sync",
        "--listen",
        "127.0.0.1:0",
    ];
    let _daemon = DaemonProcess::start(&workspace, &arguments);
    let port = listen_port(&workspace);
    wait_for(&workspace, "the first look", || {
        read_status(port)["objects"][0]["state"] == "in_sync"
    });
    let mut state = workspace.sandbox.state("cryptlex").expect("a vendor");
    let object = state.pointer_mut(&(CRYPTLEX.place)(0)).expect("there");
    // Somebody takes a group away; giving it back takes nothing from anybody.
    let groups = (CRYPTLEX.small)(0)["userGroupIds"].clone();
    let less = json!([groups[0]]);
    paths::set(CRYPTLEX.table(), object, "userGroupIds", &less);
    workspace
        .sandbox
        .set_state("cryptlex", state)
        .expect("a good account");
    let id = (CRYPTLEX.ids)(0)["licenseId"].clone();
    let event = json!({"event": "organization.license.updated", "data": {"id": id}}).to_string();
    let deliver = |secret: &str| {
        let value = BASE64.encode(signature::sign(secret.as_bytes(), &[event.as_bytes()]));
        let head = format!("POST /hooks/cryptlex/cryptlex HTTP/1.1\r\nwebhook-signature: {value}");
        send_request(port, &head, &event)
    };
    assert_eq!(status_code(&deliver("another")), "403");
    assert_eq!(count_patches(&workspace), 0);
    assert_eq!(status_code(&deliver(SECRET)), "202");
    wait_for(&workspace, "the healing", || count_patches(&workspace) == 1);
    wait_for(&workspace, "its end", || {
        read_status(port)["objects"][0]["state"] == "in_sync"
    });
    assert!(deliver(SECRET).contains("taken before"));
    assert_eq!(count_patches(&workspace), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_push_is_fetched_at_once() {
    let mut workspace = five_orders().await;
    let connection = std::fs::read_to_string(workspace.dir.path().join("lac.yaml")).expect("there");
    let repository = Repository::new();
    repository.commit("licences/lac.yaml", &connection);
    repository.commit("licences/order.yaml", &order_manifest(0, 20).text());
    let url = repository.url();
    let path = std::env::var("PATH").unwrap_or_default();
    workspace.set("PATH", &path);
    workspace.set_secret("ENTITLE_GIT_HOOK_SECRET", SECRET);
    let arguments = [
        "watch",
        "--git",
        &url,
        "--path",
        "licences",
        "--interval",
        "1h",
        "--mode",
        "sync",
        "--listen",
        "127.0.0.1:0",
    ];
    let _daemon = DaemonProcess::start(&workspace, &arguments);
    let port = listen_port(&workspace);
    wait_for(&workspace, "the first commit", || {
        activations_allowed(&workspace, 0) == 20
    });
    // Another past: what was in force is not in the history any more.
    repository.push(&[
        "commit",
        "--quiet",
        "--amend",
        "--all",
        "--message",
        "rewritten",
    ]);
    repository.commit("licences/order.yaml", &order_manifest(0, 21).text());
    let body = json!({"ref": "refs/heads/main"}).to_string();
    let sign = signature::sign(SECRET.as_bytes(), &[body.as_bytes()]);
    let head = format!(
        "POST /hooks/git HTTP/1.1\r\nx-github-event: push\r\nx-hub-signature-256: sha256={}",
        hex::encode(sign)
    );
    assert_eq!(status_code(&send_request(port, &head, &body)), "202");
    wait_for(&workspace, "the pushed commit", || {
        activations_allowed(&workspace, 0) == 21
    });
}
