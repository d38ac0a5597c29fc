//! TLS to the server.

use std::process::Command;

use super::server::Server;
use super::{open, refusal};
use crate::fixture::read_all;

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused() {
    let database = Server::shared().database();
    let words = refusal(&format!("{}?sslmode=require", database.url)).await;
    assert!(words.contains("UnknownIssuer"), "{words}");
    // On loopback it may be left out.
    open(format!("{}?sslmode=disable", database.url)).await;
}

#[tokio::test]
async fn a_server_with_a_certificate_of_the_system_is_reached() {
    let database = Server::shared().database();
    let url = format!("{}?sslmode=verify-full", database.url);
    // Certificates come from the environment, and that of a process is set when it starts.
    let out = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres::tls::reached",
            "--ignored",
            "--nocapture",
        ])
        .env(
            "SSL_CERT_FILE",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem"),
        )
        .env("ENTITLE_TEST_URL", url)
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&out.stdout);
    assert!(
        shown.contains("1 passed"),
        "{shown}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let used = database.sql("SELECT count(*) FROM entitle.version");
    assert_eq!(used, "1");
}

#[tokio::test]
#[ignore = "run by the test above, in an environment of its own"]
async fn reached() {
    let store = open(std::env::var("ENTITLE_TEST_URL").unwrap()).await;
    assert_eq!(read_all(&*store).await, []);
}
