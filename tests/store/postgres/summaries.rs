//! Summaries in the place of old lines.

use std::sync::Arc;

use entitle::apply::journal::Record;
use entitle::apply::memory::{Detail, Form, Memory, Summary};
use entitle::apply::store::{Cursor, Line, Reading, Store};
use entitle::model::AccountKey;

use super::open;
use super::server::{Database, Server};
use crate::bench::{claim, give_back, read, read_all, take};
use crate::records::{account, ended, finished, group, intent, started};

const NOW: &str = "2026-11-30T12:00:00Z";

/// What is known of accounts, as lines.
async fn known(store: &dyn Store, accounts: &[AccountKey]) -> Vec<Record> {
    let memory = Memory::of(store, accounts, Detail::Values).await.unwrap();
    memory.summary(NOW, Form::Plain).collect()
}

async fn summarize(store: &dyn Store, account: &AccountKey) {
    let accounts = std::slice::from_ref(account);
    let summary = Summary::read(store, accounts, NOW).await.unwrap();
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
            read(&*store, Reading::Accounts(part), &mut one).await;
            read(&*whole, Reading::Accounts(part), &mut other).await;
            assert_eq!((&one.at, one.lines), (&other.at, other.lines));
            // Whoever goes on gets new lines only.
            assert_eq!(read(&*store, Reading::Accounts(part), &mut one).await, []);
        }
        assert_eq!(read_all(&*store).await, read_all(&*whole).await);
    }
    assert_eq!(database.sql("SELECT count(*) FROM entitle.summary"), "2");
    let mut cursor = Cursor::default();
    let acme = Reading::Accounts(&accounts[..1]);
    read(&*store, acme, &mut cursor).await;
    // The other account's last run came after the summary.
    assert_eq!(cursor.unsummed.values().copied().collect::<Vec<_>>(), [2]);
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
    let mut later: Vec<_> = memory.summary(NOW, Form::Plain).collect();
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
        let mut take = |line| anew += usize::from(line == Line::Anew);
        let reading = Reading::Accounts(&accounts);
        store.read(reading, &mut cursor, &mut take).await.unwrap();
        (cursor.most_unsummed(), anew)
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
