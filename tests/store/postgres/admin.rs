//! What a person does with a database.

use std::time::Duration;

use entitle::apply::Tls;
use entitle::apply::store::postgres::PostgresStore;
use entitle::apply::store::{Store, StoreAdmin, StoreError, Taken};

use super::server::Server;
use crate::fixture::{claim, claim_for, read_all, take};
use crate::records::{account, group};

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, &Tls::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_database_keeps_every_promise_and_nothing_is_left_behind() {
    let database = Server::shared().database();
    let store = open(&database.url).await;
    for _ in 0..2 {
        for promise in store.check().await.unwrap() {
            assert_eq!(promise.kept, Ok(()), "{}", promise.text);
        }
    }
    assert_eq!(read_all(&store).await, []);
    assert_eq!(store.list_leases().await.unwrap(), []);
}

#[tokio::test]
async fn a_database_that_forgets_is_found_out() {
    let database = Server::shared().database();
    open(&database.url).await;
    let name = &database.name;
    database.sql(&format!(
        "ALTER DATABASE {name} SET synchronous_commit = off"
    ));
    let promises = open(&database.url).await.check().await.unwrap();
    let broken: Vec<_> = promises
        .iter()
        .filter_map(|promise| promise.kept.clone().err().map(|breach| breach.to_string()))
        .collect();
    assert_eq!(broken, ["`synchronous_commit` is off: set it to on"]);
}

#[tokio::test]
async fn leases_are_listed_and_one_can_be_taken_away() {
    let database = Server::shared().database();
    let store = open(&database.url).await;
    let (acme, globex) = (account("acme"), account("globex"));
    let term = Duration::from_millis(1200);
    let old = take(&store, &acme, &claim_for("ann", term)).await;
    drop(take(&store, &globex, &claim("bob")).await);
    store.close().await;
    let leases = store.list_leases().await.unwrap();
    let names: Vec<_> = leases.iter().map(|lease| lease.account.as_str()).collect();
    let expected = ["acme", "globex"].map(|name| account(name).to_string());
    assert_eq!(names, expected);
    assert_eq!(leases[0].holder.as_deref(), Some("ann"));
    assert!(leases[0].remaining.is_some_and(|left| left <= term));
    assert_eq!(
        (leases[1].holder.as_deref(), leases[1].remaining),
        (None, None)
    );

    assert!(!store.unlock("lac https://elsewhere x").await.unwrap());
    assert!(store.unlock(&acme.to_string()).await.unwrap());
    let refused = store.append(&group("1", &acme, 1), Some(&*old)).await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
    let new = take(&store, &acme, &claim("bob")).await;
    assert_eq!(new.epoch(), 3);
    // The old holder notices with its next renewal.
    let mut why = Ok(());
    while why.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        why = old.covers(Duration::ZERO);
    }
    let words = why.map_err(|lost| lost.to_string());
    assert_eq!(words, Err("bob has it, with epoch 3 after our 1".into()));
    drop(old);
    store.close().await;
    let taken = store.take_lease(&acme, &claim("ann")).await.unwrap();
    assert!(matches!(taken, Taken::Busy(who) if who == "bob"));
}
