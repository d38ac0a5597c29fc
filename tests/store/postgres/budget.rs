//! Calls that several processes make together.

use std::time::{Duration, Instant};

use entitle::apply::store::budget::WINDOW_SLACK;
use entitle::model::RateLimit;
use futures::future::join_all;

use super::{Server, open};
use crate::records::account;

const RATE: RateLimit = RateLimit {
    requests: 50,
    per: Duration::from_millis(1000),
};
const SLOWER: RateLimit = RateLimit {
    requests: 120,
    per: Duration::from_millis(3000),
};

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_start_no_more_in_a_window_than_the_vendor_allows() {
    let database = Server::shared().database();
    let begin = Instant::now();
    let process = |_| async {
        let store = open(database.url.clone()).await;
        let budget = store.budget(&account("acme"), &[RATE, SLOWER]).unwrap();
        let mut starts = Vec::new();
        while begin.elapsed() < Duration::from_secs(4) {
            for moment in budget.reserve(5).await.unwrap() {
                tokio::time::sleep_until(moment).await;
                starts.push(moment.into_std());
            }
        }
        starts
    };
    let mut starts = join_all((0..8).map(process)).await.concat();
    starts.sort();
    // An answer comes a little after it was given, and not always as much later.
    let late = WINDOW_SLACK;
    for rate in [RATE, SLOWER] {
        let window = rate.per + WINDOW_SLACK - late;
        for (at, first) in starts.iter().enumerate() {
            let within = starts[at..].iter();
            let within = within.take_while(|start| **start < *first + window);
            assert!(within.count() <= rate.requests as usize, "{rate:?}");
        }
    }
    // Four seconds are three windows and a bit of the quick rate, and one of the slow.
    assert!(starts.len() >= 120, "{}", starts.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_heard_by_all_and_whoever_may_only_read_reserves() {
    let database = Server::shared().database();
    let store = open(database.url.clone()).await;
    database.sql("CREATE USER reads_and_calls IN ROLE entitle_read");
    let reader = open(Server::shared().url(&database.name, "reads_and_calls")).await;
    let account = account("acme");
    let budget = reader.budget(&account, &[RATE]).unwrap();
    let first = budget.reserve(1).await.unwrap();
    assert!(first[0].elapsed() < Duration::from_secs(5));
    let pause = Duration::from_secs(60);
    let other = store.budget(&account, &[RATE]).unwrap();
    other.pause(pause).await.unwrap();
    other.pause(Duration::ZERO).await.unwrap();
    let next = budget.reserve(2).await.unwrap();
    let wait = next[0] - tokio::time::Instant::now();
    assert!(
        wait > pause - Duration::from_secs(20) && wait <= pause,
        "{wait:?}"
    );
}
