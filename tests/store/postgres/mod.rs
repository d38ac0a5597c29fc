//! PostgreSQL.

mod admin;
mod broken;
mod budget;
mod figures;
mod pooler;
mod rights;
pub mod server;
mod summaries;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use entitle::apply::Tls;
use entitle::apply::store::postgres::PostgresStore;
use entitle::apply::store::{Cursor, Hint, JournalLine, JournalScope, Store};
use entitle::model::with_causes;
use futures::future::join_all;

use crate::fixture::{StoreFixture, claim, give_back, read, read_all, take, take_in_time};
use crate::records::{account, group, started};
use server::Server;

async fn open(url: String) -> Arc<dyn Store> {
    Arc::new(PostgresStore::open(&url, &Tls::default()).await.unwrap())
}

/// Why a database cannot be opened.
async fn refusal(url: &str) -> String {
    let opened = PostgresStore::open(url, &Tls::default()).await;
    with_causes(&opened.err().expect("it is refused"))
}

async fn fixture() -> StoreFixture {
    let url = Server::shared().database().url;
    StoreFixture::new(move || open(url.clone()), ())
}

mod laws {
    crate::laws::laws!(expiring super::fixture);
}

mod programs {
    use crate::program::Address;

    async fn store() -> Address {
        Address {
            url: super::Server::shared().database().url,
            environment: Vec::new(),
        }
    }

    crate::program::programs!(store);

    #[tokio::test(flavor = "multi_thread")]
    async fn eight_plans_at_once_are_no_more_calls_than_the_vendor_allows() {
        let (calls, refused) = crate::program::eight_plans(&store().await).await;
        assert!(calls >= 80, "{calls}");
        assert_eq!(refused, 0);
    }
}

/// The laws through a pooler that gives every transaction one of two sessions.
mod pooled_laws {
    crate::laws::laws!(expiring super::pooler::fixture);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_open_an_empty_database_at_once() {
    let database = Server::shared().database();
    let opened = join_all((0..8).map(|_| open(database.url.clone()))).await;
    for store in &opened {
        assert_eq!(read_all(&**store).await, []);
    }
    assert_eq!(database.sql("SELECT count(*) FROM entitle.version"), "1");
}

#[tokio::test]
async fn a_socket_is_this_machine() {
    let server = Server::shared();
    let database = server.database();
    let url = format!(
        "postgres://postgres@/{}?host={}&port={}",
        database.name,
        server.dir().display(),
        server.port
    );
    let store = open(url).await;
    take(&*store, &account("acme"), &claim("ann")).await;
}

#[tokio::test]
async fn whoever_listens_is_woken() {
    let database = Server::shared().database();
    let (one, other) = (
        open(database.url.clone()).await,
        open(database.url.clone()).await,
    );
    let account = account("acme");
    let lease = take(&*one, &account, &claim("ann")).await;
    // Listening has begun once the server shows it.
    let listens = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    let start = Instant::now();
    while database.sql(listens) != "1" {
        assert!(start.elapsed() < Duration::from_secs(20), "nobody listens");
        other.wait_for_release(&account).await;
    }
    let waiting = tokio::spawn({
        let (other, account) = (Arc::clone(&other), account.clone());
        async move {
            let mut quickest = Duration::MAX;
            // The first waiting may be over just before the lease is given back.
            for _ in 0..3 {
                let start = Instant::now();
                other.wait_for_release(&account).await;
                quickest = quickest.min(start.elapsed());
            }
            quickest
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    give_back(&*one, lease).await;
    assert!(waiting.await.unwrap() < Duration::from_millis(900));
    take_in_time(&*other, &account, &claim("bob")).await;
}

#[tokio::test]
async fn a_journal_that_was_restored_is_another_one() {
    let database = Server::shared().database();
    let store = open(database.url.clone()).await;
    let account = account("acme");
    let lease = take(&*store, &account, &claim("ann")).await;
    let written = group("1", &account, 5);
    store.append(&written, Some(&*lease)).await.unwrap();
    let mut cursor = Cursor::default();
    assert_eq!(
        read(&*store, JournalScope::Everything, &mut cursor)
            .await
            .len(),
        5
    );
    database.sql("DELETE FROM entitle.line WHERE seq > 2");
    for reading in [
        JournalScope::Everything,
        JournalScope::Accounts(std::slice::from_ref(&account)),
    ] {
        let mut lines = Vec::new();
        let mut cursor = cursor.clone();
        let mut take = |line| lines.push(line);
        store.read(reading, &mut cursor, &mut take).await.unwrap();
        let records = written.iter().take(2);
        let records = records.map(|record| JournalLine::Record(Box::new(record.clone())));
        let expected: Vec<_> = std::iter::once(JournalLine::Reset).chain(records).collect();
        assert_eq!(lines, expected);
        assert_eq!(cursor.lines, 2);
    }
}

#[tokio::test]
async fn a_line_that_somebody_changed_is_damaged() {
    let database = Server::shared().database();
    let store = open(database.url.clone()).await;
    let written = group("1", &account("acme"), 3);
    store.append(&written, None).await.unwrap();
    database.sql("UPDATE entitle.line SET line = replace(line, 'acme', 'evil') WHERE seq = 2");
    let mut lines = Vec::new();
    let mut take = |line| lines.push(line);
    let reading = JournalScope::Everything;
    store
        .read(reading, &mut Cursor::default(), &mut take)
        .await
        .unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1], JournalLine::Damaged(2));
}

/// Numbers are given out before lines are visible. Whoever reads in between must not go past one that is still hidden.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_becomes_visible_late_is_not_missed() {
    let database = Server::shared().database();
    let store = open(database.url.clone()).await;
    let account = account("acme");
    let lease = take(&*store, &account, &claim("ann")).await;
    for (lease, name) in [
        (None, "runs".to_string()),
        (Some(&*lease), account.to_string()),
    ] {
        let slow = database.client().await;
        let hold = format!(
            "BEGIN; SELECT 1 FROM entitle.lease WHERE account = '{name}' FOR NO KEY UPDATE;
             INSERT INTO entitle.line (account, run, line) VALUES ('{name}', '0', 'late')"
        );
        slow.batch_execute(&hold).await.unwrap();
        let mut cursor = Cursor::default();
        let mut count = 0;
        let mut take = |_| count += 1;
        let record = [started("1")];
        let mut appending = store.append(&record, lease);
        // It may or may not wait; in no case is the line before it missed.
        let early = tokio::time::timeout(Duration::from_millis(300), &mut appending).await;
        let reader = open(database.url.clone()).await;
        reader
            .read(JournalScope::Everything, &mut cursor, &mut take)
            .await
            .unwrap();
        slow.batch_execute("COMMIT").await.unwrap();
        match early {
            Ok(appended) => appended.unwrap(),
            Err(_) => appending.await.unwrap(),
        }
        reader
            .read(JournalScope::Everything, &mut cursor, &mut take)
            .await
            .unwrap();
        let all = database.sql("SELECT count(*) FROM entitle.line");
        assert_eq!(count.to_string(), all, "{name}");
    }
}

#[tokio::test]
async fn a_hint_reaches_the_other_replicas() {
    let database = Server::shared().database();
    let (one, other) = (
        open(database.url.clone()).await,
        open(database.url.clone()).await,
    );
    let (one, other) = (one.roster().unwrap(), other.roster().unwrap());
    let hint = |id: &str| Hint {
        account: account("acme corp"),
        id: (!id.is_empty()).then(|| id.to_string()),
    };
    // What was said before anybody listened may be lost.
    let heard = async {
        loop {
            one.publish_hint(&hint("first")).await.unwrap();
            let next = tokio::time::timeout(Duration::from_millis(200), other.next_hint());
            if next.await.is_ok() {
                return;
            }
        }
    };
    let in_time = Duration::from_secs(20);
    tokio::time::timeout(in_time, heard).await.unwrap();
    one.publish_hint(&hint("")).await.unwrap();
    let whole = async { while other.next_hint().await != hint("") {} };
    tokio::time::timeout(in_time, whole).await.unwrap();
}
