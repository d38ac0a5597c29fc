//! Summaries in the place of old lines.

use std::collections::BTreeSet;
use std::sync::Arc;

use entitle::apply::Tls;
use entitle::apply::journal::Record;
use entitle::apply::journal::SummaryForm;
use entitle::apply::memory::{Detail, JournalSummary, Memory};
use entitle::apply::store::postgres::PostgresStore;
use entitle::apply::store::{Cursor, JournalLine, JournalScope, Store, StoreAdmin};
use entitle::model::{AccountKey, with_causes};

use super::open;
use super::server::{Database, Server};
use crate::fixture::{claim, give_back, read, read_all, take};
use crate::records::{account, ended, finished, group, intent, started};

const NOW: &str = "2026-11-30T12:00:00Z";

/// What is known of accounts, as lines.
async fn known(store: &dyn Store, accounts: &[AccountKey]) -> Vec<Record> {
    let memory = Memory::of(store, accounts, Detail::Values).await.unwrap();
    memory.summary(NOW, SummaryForm::Plain).collect()
}

async fn summarize(store: &dyn Store, account: &AccountKey) {
    let accounts = std::slice::from_ref(account);
    let summary = JournalSummary::read(store, accounts, NOW).await.unwrap();
    store.summarize(Some(account), summary).await.unwrap();
}

/// A run that writes to ten objects of an account; one write has no end.
async fn run(store: &dyn Store, name: &str, account: &AccountKey) {
    let lease = take(store, account, &claim("ann")).await;
    store.append(&[started(name)], None).await.unwrap();
    store
        .append(&group(name, account, 10), Some(&*lease))
        .await
        .unwrap();
    let ends: Vec<_> = (1..10)
        .map(|number| ended(name, &number.to_string()))
        .collect();
    store.append(&ends, Some(&*lease)).await.unwrap();
    store.append(&[finished(name)], None).await.unwrap();
    give_back(store, lease).await;
}

/// The same lines in a database that has no summary.
async fn without_summaries(database: &Database<'_>) -> (Arc<dyn Store>, Database<'static>) {
    let other = Server::shared().database();
    open(other.url.clone()).await;
    let lines = database.sql("SELECT json_agg(l ORDER BY seq) FROM entitle.line l");
    let lines = lines.replace('\'', "''");
    other.sql(&format!(
        "INSERT INTO entitle.line OVERRIDING SYSTEM VALUE
         SELECT * FROM json_populate_recordset(null::entitle.line, '{lines}')"
    ));
    (open(other.url.clone()).await, other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_by_summaries_is_what_all_lines_tell() {
    let database = Server::shared().database();
    let store = open(database.url.clone()).await;
    let accounts = ["acme", "globex", "initech"].map(account);
    for number in 0..6 {
        let account = &accounts[number % 2];
        run(&*store, &number.to_string(), account).await;
        if number >= 2 {
            summarize(&*store, account).await;
        }
        let (whole, _other) = without_summaries(&database).await;
        let parts: [&[AccountKey]; 4] =
            [&accounts[..1], &accounts[1..2], &accounts, &accounts[2..]];
        for part in parts {
            assert_eq!(known(&*store, part).await, known(&*whole, part).await);
            let (mut one, mut other) = (Cursor::default(), Cursor::default());
            read(&*store, JournalScope::Accounts(part), &mut one).await;
            read(&*whole, JournalScope::Accounts(part), &mut other).await;
            assert_eq!((&one.positions, one.lines), (&other.positions, other.lines));
            // Whoever goes on gets new lines only.
            assert_eq!(
                read(&*store, JournalScope::Accounts(part), &mut one).await,
                []
            );
        }
        assert_eq!(read_all(&*store).await, read_all(&*whole).await);
    }
    assert_eq!(database.sql("SELECT count(*) FROM entitle.summary"), "2");
    let mut cursor = Cursor::default();
    let acme = JournalScope::Accounts(&accounts[..1]);
    read(&*store, acme, &mut cursor).await;
    // The other account's last run came after the summary.
    assert_eq!(
        cursor.unsummarized.values().copied().collect::<Vec<_>>(),
        [2]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_read_later_comes_with_its_runs() {
    let database = Server::shared().database();
    let store = open(database.url.clone()).await;
    let accounts = ["acme", "globex"].map(account);
    for (number, account) in accounts.iter().enumerate() {
        run(&*store, &number.to_string(), account).await;
    }
    summarize(&*store, &accounts[0]).await;
    let mut memory = Memory::of(&*store, &accounts[..1], Detail::Values)
        .await
        .unwrap();
    memory.catch_up(&*store, &accounts[1..]).await.unwrap();
    let (whole, _other) = without_summaries(&database).await;
    let mut later: Vec<_> = memory.summary(NOW, SummaryForm::Plain).collect();
    let mut at_once = known(&*whole, &accounts).await;
    for known in [&mut later, &mut at_once] {
        known.sort_by_key(|record| format!("{record:?}"));
    }
    assert_eq!(later, at_once);
}

#[tokio::test]
async fn a_summary_that_cannot_be_trusted_counts_for_nothing() {
    let database = Server::shared().database();
    let store = open(database.url.clone()).await;
    let accounts = [account("acme")];
    run(&*store, "1", &accounts[0]).await;
    let all = known(&*store, &accounts).await;
    summarize(&*store, &accounts[0]).await;
    let unsummed = async || {
        let mut cursor = Cursor::default();
        let mut anew = 0;
        let mut take = |line| anew += usize::from(line == JournalLine::Reset);
        let reading = JournalScope::Accounts(&accounts);
        store.read(reading, &mut cursor, &mut take).await.unwrap();
        (cursor.most_unsummarized(), anew)
    };
    assert_eq!(unsummed().await, (0, 0));
    let spoil = [
        ("UPDATE entitle.summary SET writer = 'another version'", 0),
        ("DELETE FROM entitle.summary_line WHERE n = 2", 1),
        (
            "UPDATE entitle.summary_line SET line = replace(line, 'acme', 'evil') || ' '",
            1,
        ),
    ];
    for (spoil, anew) in spoil {
        summarize(&*store, &accounts[0]).await;
        assert_eq!(unsummed().await, (0, 0));
        database.sql(spoil);
        assert_eq!(unsummed().await, (19, anew), "{spoil}");
        assert_eq!(known(&*store, &accounts).await, all);
    }
    // Lines that a summary stood for, and that a backup does not have.
    summarize(&*store, &accounts[0]).await;
    database.sql("DELETE FROM entitle.line WHERE seq = (SELECT upto FROM entitle.summary ORDER BY at DESC LIMIT 1)");
    assert_eq!(unsummed().await, (18, 0));
}

/// Lines of old versions do not name their account: they come with each, and what a summary says of them may be old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_no_known_account_are_not_told_twice() {
    let database = Server::shared().database();
    let store = open(database.url.clone()).await;
    let accounts = ["acme", "globex"].map(account);
    let imported = [intent("old", &accounts[1], "1"), ended("old", "1")];
    store.append(&imported, None).await.unwrap();
    for (number, account) in accounts.iter().enumerate() {
        run(&*store, &number.to_string(), account).await;
        summarize(&*store, account).await;
    }
    let (whole, _other) = without_summaries(&database).await;
    let parts: [&[AccountKey]; 3] = [&accounts[..1], &accounts[1..], &accounts];
    for part in parts {
        assert_eq!(known(&*store, part).await, known(&*whole, part).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_known_stays_known_when_old_lines_are_deleted() {
    let database = Server::shared().database();
    let store = PostgresStore::open(&database.url, &Tls::default())
        .await
        .unwrap();
    let accounts = ["acme", "globex"].map(account);
    run(&store, "1", &accounts[0]).await;
    run(&store, "2", &accounts[1]).await;
    run(&store, "3", &accounts[0]).await;
    let writes = async |accounts: &[AccountKey]| {
        let mut known = known(&store, accounts).await;
        known.sort_by_key(|record| format!("{record:?}"));
        known
    };
    let before = [
        writes(&accounts[..1]).await,
        writes(&accounts[1..]).await,
        writes(&accounts).await,
    ];
    // A run of a year ago, one write of which nobody knows the end of; the other account is new.
    database.sql("UPDATE entitle.line SET at = at - interval '1 year' WHERE run IN ('1', '3')");
    let lines = read_all(&store).await.len();
    let month_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 30);
    assert_eq!(store.prune(jiff::Timestamp::UNIX_EPOCH).await.unwrap(), 0);
    assert_eq!(read_all(&store).await.len(), lines);
    database.sql("DELETE FROM entitle.line WHERE run = '1' AND line LIKE '%LacLicenseOrder/0%'");
    let before_open = writes(&accounts[..1]).await;
    let pruned = store.prune(month_ago).await.unwrap();
    // The run with an open write stays, of the other one nothing does.
    assert_eq!(pruned, 18 + 2);
    assert_eq!(writes(&accounts[..1]).await, before_open);
    assert_eq!(writes(&accounts[1..]).await, before[1]);
    assert_eq!(store.prune(month_ago).await.unwrap(), 0);
    let runs = read_all(&store).await.into_iter().map(|record| record.run);
    let runs: BTreeSet<_> = runs.collect();
    assert_eq!(runs, ["", "2", "3"].map(String::from).into());
}

#[tokio::test]
async fn lines_that_name_no_account_and_lines_of_others_are_not_deleted() {
    let server = Server::shared();
    let database = server.database();
    let store = PostgresStore::open(&database.url, &Tls::default())
        .await
        .unwrap();
    let acme = account("acme");
    run(&store, "1", &acme).await;
    database.sql("UPDATE entitle.line SET at = at - interval '1 year'");
    server.sql(
        "postgres",
        "CREATE ROLE adds LOGIN; GRANT entitle_write TO adds",
    );
    let writer = server.url(&database.name, "adds");
    let writer = PostgresStore::open(&writer, &Tls::default()).await.unwrap();
    let now = jiff::Timestamp::now();
    let words = with_causes(&writer.prune(now).await.unwrap_err());
    assert!(words.contains("adds may only add to it"), "{words}");
    assert!(words.contains("log in as the owner"), "{words}");
    store
        .append(&[intent("old", &acme, "1")], None)
        .await
        .unwrap();
    let words = with_causes(&store.prune(now).await.unwrap_err());
    assert!(words.contains("do not name their account"), "{words}");
    assert_eq!(read_all(&store).await.len(), 22);
}
