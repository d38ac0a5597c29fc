//! A server that dies, stops, or cannot be reached in the middle of something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use entitle::apply::store::{JournalScope, Lease, StoreError, Taken};

use super::open;
use super::server::Server;
use crate::fixture::{claim, claim_for, read, read_all, take, take_in_time};
use crate::proxy::Proxy;
use crate::records::{account, group, started};

const WRITERS: usize = 4;

/// Waits until something is so, and fails if it takes too long.
async fn until(mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never is");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_loses_nothing_and_holders_go_on() {
    let server = Server::start("");
    let database = server.database();
    let stop = Arc::new(AtomicBool::default());
    let acknowledged = Arc::new(AtomicUsize::default());
    let mut writing = Vec::new();
    for number in 0..WRITERS {
        let (stop, count) = (Arc::clone(&stop), Arc::clone(&acknowledged));
        let url = database.url.clone();
        writing.push(tokio::spawn(async move {
            let account = account(&number.to_string());
            let store = open(url).await;
            let lease = take(
                &*store,
                &account,
                &claim_for("ann", Duration::from_secs(15)),
            )
            .await;
            let mut written = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let mut group = group(&number.to_string(), &account, written.len() % 3 + 1);
                for record in &mut group {
                    record.at = written.len().to_string();
                    written.push(record.clone());
                }
                store.append(&group, Some(&*lease)).await.unwrap();
                count.fetch_add(group.len(), Ordering::SeqCst);
            }
            assert_eq!(lease.covers(Duration::from_secs(5)), Ok(()));
            assert_eq!(lease.epoch(), 1);
            (account, written, store, lease)
        }));
    }
    let count = || acknowledged.load(Ordering::SeqCst);
    until(|| count() > 400).await;
    server.kill();
    let before = count();
    server.run();
    until(|| count() > before + 400).await;
    stop.store(true, Ordering::SeqCst);
    let reader = open(database.url.clone()).await;
    let mut sum = 0;
    for written in writing {
        let (account, written, _store, lease) = written.await.unwrap();
        let accounts = [account.clone()];
        let there = read(
            &*reader,
            JournalScope::Accounts(&accounts),
            &mut Default::default(),
        )
        .await;
        assert_eq!(there, written);
        sum += written.len();
        let busy = reader.take_lease(&account, &claim("bob")).await.unwrap();
        assert!(matches!(busy, Taken::Busy(_)));
        drop(lease);
    }
    assert_eq!(read_all(&*reader).await.len(), sum);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_for_longer_than_the_term_ends_it() {
    let server = Server::start("");
    let database = server.database();
    let store = open(database.url.clone()).await;
    let account = account("acme");
    let lease = take(&*store, &account, &claim_for("ann", Duration::from_secs(2))).await;
    assert_eq!(lease.covers(Duration::from_secs(1)), Ok(()));
    server.kill();
    until(|| lease.covers(Duration::ZERO).is_err()).await;
    let why = lease.covers(Duration::ZERO).unwrap_err();
    assert!(why.to_string().contains("expired"), "{why}");
    server.run();
    // It may be free already; in any case the other is the next.
    let new = take_in_time(&*store, &account, &claim("bob")).await;
    assert_eq!(new.epoch(), 2);
    let refused = store.append(&group("1", &account, 2), Some(&*lease)).await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
    // Giving back what is lost takes nothing from its successor.
    drop(lease);
    store.close().await;
    store
        .append(&group("2", &account, 1), Some(&*new))
        .await
        .unwrap();
    until(|| new.covers(Duration::from_secs(30)).is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_cannot_reach_the_server_loses_the_lease_and_nothing_hangs() {
    let database = Server::shared().database();
    let proxy = Proxy::to(Server::shared().port).await;
    let far = open(database.at_port(proxy.port)).await;
    let near = open(database.url.clone()).await;
    let account = account("acme");
    let term = Duration::from_millis(1500);
    let old = take(&*far, &account, &claim_for("ann", term)).await;
    far.append(&group("1", &account, 1), Some(&*old))
        .await
        .unwrap();
    proxy.stall(true);
    let late = tokio::spawn({
        let (far, old) = (Arc::clone(&far), Arc::<dyn Lease>::from(old));
        let account = account.clone();
        async move {
            let start = Instant::now();
            let appended = far.append(&group("2", &account, 3), Some(&*old)).await;
            let silent = matches!(&appended, Err(error @ StoreError::Unavailable { .. }) if error.is_retryable());
            assert!(silent, "{appended:?}");
            assert!(start.elapsed() < Duration::from_secs(25));
            old
        }
    });
    let start = Instant::now();
    let new = take_in_time(&*near, &account, &claim("bob")).await;
    assert!(start.elapsed() < term * 3);
    near.append(&group("3", &account, 1), Some(&*new))
        .await
        .unwrap();
    let again = claim("ann");
    let taking = far.take_lease(&account, &again);
    let (taken, old) = tokio::join!(taking, late);
    assert!(matches!(taken, Err(StoreError::Unavailable { .. })));
    let old = old.unwrap();
    assert!(old.covers(Duration::ZERO).is_err());
    // What was sent then arrives now, and is too late.
    proxy.stall(false);
    let refused = far.append(&group("4", &account, 3), Some(&*old)).await;
    let Err(StoreError::LeaseLost(why)) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        why.to_string()
            .contains("bob has it, with epoch 2 after our 1"),
        "{why}"
    );
    let runs: Vec<_> = read_all(&*near)
        .await
        .into_iter()
        .map(|record| record.run)
        .collect();
    assert_eq!(runs, ["1", "3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cut_of_a_connection_leaves_a_group_whole_and_once() {
    const SIZE: usize = 4;
    const CUTS: u64 = 24;
    let database = Server::shared().database();
    let proxy = Proxy::to(Server::shared().port).await;
    let store = open(database.at_port(proxy.port)).await;
    let account = account("acme");
    let lease = take(&*store, &account, &claim("ann")).await;
    let append = async |run: &str| {
        let group = group(run, &account, SIZE);
        store.append(&group, Some(&*lease)).await.unwrap();
        store.append(&[started(run)], None).await.unwrap();
    };
    append("first").await;
    let before = proxy.sent();
    append("second").await;
    let length = proxy.sent() - before;
    for cut in 0..=CUTS {
        proxy.cut_after((length * cut / CUTS).max(1));
        append(&cut.to_string()).await;
    }
    let runs: Vec<_> = read_all(&*store)
        .await
        .into_iter()
        .map(|record| record.run)
        .collect();
    let numbers = (0..=CUTS).map(|cut| cut.to_string());
    let expected = ["first".to_string(), "second".to_string()]
        .into_iter()
        .chain(numbers);
    let expected: Vec<_> = expected.flat_map(|run| vec![run; SIZE + 1]).collect();
    assert_eq!(runs, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_answer_was_lost_is_not_kept_out_by_itself() {
    let database = Server::shared().database();
    let proxy = Proxy::to(Server::shared().port).await;
    let store = open(database.at_port(proxy.port)).await;
    // All claims are of one length.
    let account = |number: u64| account(&format!("{number:02}"));
    drop(take(&*store, &account(0), &claim("ann")).await);
    store.close().await;
    let before = proxy.sent();
    let mut leases = vec![take(&*store, &account(1), &claim("ann")).await];
    let length = proxy.sent() - before;
    for cut in 2..=12 {
        proxy.cut_after((length * cut / 12).max(1));
        leases.push(take(&*store, &account(cut), &claim("ann")).await);
    }
    for lease in &leases {
        store.append(&[], Some(&**lease)).await.unwrap();
        store
            .append(&group("1", lease.account(), 1), Some(&**lease))
            .await
            .unwrap();
    }
}
