//! Who may do what, tables of other versions, and passwords.

use entitle::apply::Tls;
use entitle::apply::store::StoreError;
use entitle::apply::store::postgres::PostgresStore;
use entitle::model::with_causes;

use super::server::Server;
use super::{open, refusal};
use crate::fixture::{claim, read_all, take};
use crate::records::{account, group};

#[tokio::test]
async fn a_reader_reads_and_a_writer_writes_and_neither_changes_a_line() {
    let server = Server::shared();
    let database = server.database();
    let owner = open(database.url.clone()).await;
    let account = account("acme");
    owner.append(&group("1", &account, 2), None).await.unwrap();
    for role in ["read", "write"] {
        server.sql(
            "postgres",
            &format!("CREATE ROLE my_{role} LOGIN; GRANT entitle_{role} TO my_{role}"),
        );
    }
    let reader = open(server.url(&database.name, "my_read")).await;
    assert_eq!(read_all(&*reader).await.len(), 2);
    let error = reader
        .take_lease(&account, &claim("ann"))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Refused { .. }) && !error.is_retryable());
    let words = with_causes(&error);
    assert!(words.contains("my_read may only read it"), "{words}");
    assert!(words.contains("entitle_write is granted"), "{words}");
    let error = reader
        .append(&group("2", &account, 1), None)
        .await
        .unwrap_err();
    assert!(
        with_causes(&error).contains("cannot write the journal in"),
        "{error}"
    );
    assert!(with_causes(&error).contains("may only read it"), "{error}");

    let writer = open(server.url(&database.name, "my_write")).await;
    let lease = take(&*writer, &account, &claim("ann")).await;
    writer
        .append(&group("2", &account, 1), Some(&*lease))
        .await
        .unwrap();
    writer.append(&group("3", &account, 1), None).await.unwrap();
    assert_eq!(read_all(&*writer).await.len(), 4);
    for change in [
        "UPDATE entitle.line SET line = ''",
        "DELETE FROM entitle.line",
        "TRUNCATE entitle.line",
    ] {
        let denied = database.refused_sql("my_write", change);
        assert!(denied.contains("permission denied"), "{change}: {denied}");
    }
}

#[tokio::test]
async fn whoever_may_not_make_the_tables_is_told_who_should() {
    let server = Server::shared();
    let database = server.database();
    server.sql("postgres", "CREATE ROLE stranger LOGIN");
    let url = server.url(&database.name, "stranger");
    let words = refusal(&url).await;
    assert!(words.contains("its tables are not there"), "{words}");
    assert!(words.contains("`entitle store check` once"), "{words}");
    open(database.url.clone()).await;
    let words = refusal(&url).await;
    assert!(words.contains("grant entitle_read to stranger"), "{words}");
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let database = Server::shared().database();
    open(database.url.clone()).await;
    database.sql("INSERT INTO entitle.version (major, minor) VALUES (1, 99)");
    open(database.url.clone()).await;
    database.sql("INSERT INTO entitle.version (major, minor) VALUES (2, 1)");
    let words = refusal(&database.url).await;
    assert!(
        words.contains("version 2 and this entitle knows version 1"),
        "{words}"
    );
}

#[tokio::test]
async fn a_database_or_a_server_that_is_not_there_is_named() {
    let server = Server::shared();
    let words = refusal(&server.url("nowhere", "postgres")).await;
    assert!(
        words.contains("database \"nowhere\" does not exist"),
        "{words}"
    );
    let words = refusal("postgres://ann:hunter2@127.0.0.1:1/e").await;
    assert!(
        words.starts_with("cannot reach the store postgres://ann@127.0.0.1:1/e: "),
        "{words}"
    );
    assert!(words.contains("refused"), "{words}");
    let error = PostgresStore::open("postgres://ann@127.0.0.1:1/e", &Tls::default()).await;
    assert!(error.err().unwrap().is_retryable());
}

#[tokio::test]
async fn a_password_is_never_shown() {
    let server = Server::shared();
    let database = server.database();
    server.sql(
        "postgres",
        "CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'correct horse'",
    );
    let url = |password: &str| {
        let start = format!("postgres://guarded:{password}@127.0.0.1");
        format!("{start}:{}/{}", server.port, database.name)
    };
    let store = open(url("correct%20horse")).await;
    let name = format!(
        "postgres://guarded@127.0.0.1:{}/{}",
        server.port, database.name
    );
    assert_eq!(store.name(), name);
    for wrong in [
        "battery%20staple",
        "",
        "battery?staple",
        "battery/staple",
        "battery:staple@x",
    ] {
        let error = PostgresStore::open(&url(wrong), &Tls::default())
            .await
            .err()
            .unwrap();
        for shown in [
            with_causes(&error),
            format!("{error:?}"),
            format!("{error:#?}"),
        ] {
            assert!(
                !shown.contains("battery") && !shown.contains("staple"),
                "{shown}"
            );
        }
    }
    let words = refusal(&url("battery%20staple")).await;
    assert!(words.contains("password authentication failed"), "{words}");
}
