//! A database: its tables with what is in them, as statements of `pg_dump`.

use std::fs;

use super::KeptStore;
use crate::kept;
use crate::postgres::server::{Database, Server};
use crate::program::Address;

const KEPT: KeptStore = KeptStore {
    folder: "store-postgres",
    port: 18901,
};

fn address(database: &Database<'_>) -> Address {
    Address {
        url: database.url.clone(),
        environment: vec![("USER".into(), "jane".into())],
    }
}

/// No check, but the writer of what the others check.
#[ignore = "writes the folder of a version"]
#[tokio::test(flavor = "multi_thread")]
async fn keep_this_version() {
    let database = Server::shared().database();
    KEPT.keep(&address(&database)).await;
    kept::write("store-postgres/database.sql", statements(&database.dump()));
}

/// Leaves out what depends on the version of `pg_dump` and on the session. In values, lines begin with a brace or a quote.
fn statements(dump: &str) -> String {
    let particular = ["--", "SET ", "SELECT pg_catalog.set_config(", "\\"];
    let lines = dump
        .lines()
        .filter(|line| !line.is_empty() && !particular.iter().any(|start| line.starts_with(start)));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_each_version_is_gone_on_with() {
    for version in kept::folders() {
        let database = Server::shared().database();
        let statements = version.join("store-postgres/database.sql");
        database.sql(&fs::read_to_string(statements).expect("kept"));
        KEPT.read(&version, &address(&database)).await;
    }
}
