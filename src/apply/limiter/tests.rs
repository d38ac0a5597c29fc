//! All on a paused clock: the times are exact.

use super::*;
use crate::model::RateLimit;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

fn limits(concurrency: usize, requests: u32, seconds: u64) -> Limits {
    Limits {
        concurrency,
        rates: vec![RateLimit {
            requests,
            per: Duration::from_secs(seconds),
        }],
    }
}

#[tokio::test(start_paused = true)]
async fn no_window_ever_holds_more_than_its_requests() {
    let limiter = Limiter::new(&limits(8, 50, 5));
    let mut starts = Vec::new();
    for _ in 0..200 {
        drop(limiter.acquire(Urgency::Read).await);
        starts.push(Instant::now());
    }
    for window in starts.windows(51) {
        assert!(window[50] - window[0] >= Duration::from_secs(5));
    }
    let whole = starts[199] - starts[0];
    assert!(
        whole <= Duration::from_secs(15),
        "three further windows, not more: {whole:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_delay_on_the_way_brings_too_many_into_one_window() {
    let limiter = Limiter::new(&limits(8, 20, 1));
    let arrivals = std::cell::RefCell::new(Vec::new());
    let mut calls: FuturesUnordered<_> = (0..200_u64)
        .map(|number| {
            let (limiter, arrivals) = (&limiter, &arrivals);
            async move {
                let turn = limiter.acquire(Urgency::Read).await;
                // The way there and the way back, each call's own.
                tokio::time::sleep(Duration::from_millis(number * 37 % 400)).await;
                arrivals.borrow_mut().push(Instant::now());
                tokio::time::sleep(Duration::from_millis(number * 53 % 200)).await;
                drop(turn);
            }
        })
        .collect();
    while calls.next().await.is_some() {}
    let mut arrivals = arrivals.borrow().clone();
    arrivals.sort();
    assert_eq!(arrivals.len(), 200);
    for window in arrivals.windows(21) {
        assert!(window[20] - window[0] >= Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_everybody() {
    let limiter = Limiter::new(&Limits {
        concurrency: 2,
        rates: Vec::new(),
    });
    let start = Instant::now();
    limiter.pause(Duration::from_secs(7));
    drop(limiter.acquire(Urgency::Read).await);
    assert_eq!(start.elapsed(), Duration::from_secs(7));
}

/// Returns how many of 400 calls of 10 ms are ever out at once.
async fn most_out(limiter: &Limiter) -> usize {
    let out = std::cell::Cell::new(0);
    let most = std::cell::Cell::new(0);
    let mut calls: FuturesUnordered<_> = (0..400)
        .map(|_| async {
            let turn = limiter.acquire(Urgency::Read).await;
            out.set(out.get() + 1);
            most.set(most.get().max(out.get()));
            tokio::time::sleep(Duration::from_millis(10)).await;
            out.set(out.get() - 1);
            turn.succeeded();
        })
        .collect();
    while calls.next().await.is_some() {}
    most.get()
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_a_turn_and_no_more_than_allowed_are_out() {
    let limiter = Limiter::new(&Limits {
        concurrency: 10,
        rates: Vec::new(),
    });
    assert_eq!(most_out(&limiter).await, 10);
}

#[tokio::test(start_paused = true)]
async fn too_much_halves_once_per_round_and_successes_give_back() {
    let limiter = Limiter::new(&Limits {
        concurrency: 8,
        rates: Vec::new(),
    });
    let allowed = || limiter.lock().allowed;
    let (first, second) = (
        limiter.acquire(Urgency::Read).await,
        limiter.acquire(Urgency::Read).await,
    );
    tokio::time::advance(Duration::from_millis(5)).await;
    first.throttled();
    second.throttled();
    assert_eq!(
        allowed(),
        4.0,
        "both were out when the vendor first objected"
    );
    drop((first, second));
    assert_eq!(most_out(&limiter).await, 8, "it has recovered on the way");
}

/// Lets everybody in the line who can run do so, without time going on.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// One place, which is taken until a millisecond is over, and callers who join in the order of the letters:
/// the letters in the order of their turns.
async fn order_of(letters: &str) -> String {
    let limiter = Limiter::new(&Limits {
        concurrency: 1,
        rates: Vec::new(),
    });
    let served = std::cell::RefCell::new(String::new());
    let first = limiter.acquire(Urgency::Read).await;
    let calls = letters.chars().enumerate().map(|(index, letter)| {
        let (limiter, served) = (&limiter, &served);
        async move {
            // A moment each, so that the order of joining is that of the letters.
            tokio::time::sleep(Duration::from_millis(index as u64)).await;
            let turn = limiter.acquire(urgency(letter)).await;
            served.borrow_mut().push(letter);
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(turn);
        }
    });
    let free = async {
        tokio::time::sleep(Duration::from_millis(letters.len() as u64)).await;
        drop(first);
    };
    futures::join!(join_all(calls), free);
    served.into_inner()
}

fn urgency(letter: char) -> Urgency {
    match letter {
        'w' => Urgency::Write,
        'c' => Urgency::Check,
        _ => Urgency::Read,
    }
}

#[tokio::test(start_paused = true)]
async fn writes_overtake_checks_and_checks_overtake_reads() {
    assert_eq!(order_of("rrcrcww").await, "wwccrrr");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_waits_behind_writes_gets_each_eighth_turn() {
    let writes = "w".repeat(30);
    let order = order_of(&format!("rr{writes}")).await;
    let places: Vec<usize> = order.match_indices('r').map(|(at, _)| at + 1).collect();
    assert_eq!(places, [8, 16]);
}

#[tokio::test(start_paused = true)]
async fn a_write_takes_the_turn_that_a_read_waits_for_by_the_clock() {
    let limiter = Limiter::new(&limits(8, 1, 5));
    drop(limiter.acquire(Urgency::Read).await);
    let start = Instant::now();
    let read = async {
        drop(limiter.acquire(Urgency::Read).await);
        start.elapsed()
    };
    let write = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(limiter.acquire(Urgency::Write).await);
        start.elapsed()
    };
    let (read, write) = futures::join!(read, write);
    assert_eq!(
        (write, read),
        (Duration::from_secs(5), Duration::from_secs(10))
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_passes_its_place_on() {
    let limiter = Arc::new(Limiter::new(&Limits {
        concurrency: 1,
        rates: Vec::new(),
    }));
    let permit = limiter.acquire(Urgency::Read).await;
    let waiting = |urgency| {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { drop(limiter.acquire(urgency).await) })
    };
    let first = waiting(Urgency::Write);
    settle().await;
    let second = waiting(Urgency::Read);
    settle().await;
    // The first is called, and is gone before it has looked.
    drop(permit);
    first.abort();
    let ended = tokio::time::timeout(Duration::from_secs(1), second).await;
    assert!(ended.is_ok(), "the call was lost with the one who gave up");
    assert!(first.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(limiter.lock().queue.next(), None);
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_the_clock_and_gives_up_is_followed_by_the_next() {
    let limiter = Limiter::new(&limits(8, 1, 5));
    drop(limiter.acquire(Urgency::Read).await);
    let start = Instant::now();
    let impatient = tokio::time::timeout(Duration::from_secs(2), limiter.acquire(Urgency::Write));
    let patient = async {
        drop(limiter.acquire(Urgency::Read).await);
        start.elapsed()
    };
    let (impatient, patient) = futures::join!(impatient, patient);
    assert!(impatient.is_err());
    assert_eq!(patient, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_window_is_exact_whoever_comes_late_or_gives_up() {
    let limiter = Limiter::new(&limits(6, 10, 1));
    let arrivals = std::cell::RefCell::new(Vec::new());
    let calls = (0..300_u64).map(|number| {
        let (limiter, arrivals) = (&limiter, &arrivals);
        async move {
            tokio::time::sleep(Duration::from_millis(number * 71 % 900)).await;
            let letter = ['w', 'c', 'r'][(number % 3) as usize];
            let patience = Duration::from_millis(3_000 + number * 911 % 40_000);
            let turn = limiter.acquire(urgency(letter));
            let Ok(turn) = tokio::time::timeout(patience, turn).await else {
                return;
            };
            tokio::time::sleep(Duration::from_millis(number * 37 % 300)).await;
            arrivals.borrow_mut().push(Instant::now());
            tokio::time::sleep(Duration::from_millis(number * 53 % 100)).await;
            drop(turn);
        }
    });
    join_all(calls).await;
    let mut arrivals = arrivals.borrow().clone();
    arrivals.sort();
    assert!((100..300).contains(&arrivals.len()), "{}", arrivals.len());
    for window in arrivals.windows(11) {
        assert!(window[10] - window[0] >= Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_who_wait_are_served_in_order() {
    let limiter = Limiter::new(&Limits {
        concurrency: 10,
        rates: Vec::new(),
    });
    let served = std::cell::RefCell::new(Vec::new());
    let calls = (0..10_000).map(|number| {
        let (limiter, served) = (&limiter, &served);
        async move {
            let turn = limiter.acquire(Urgency::Read).await;
            served.borrow_mut().push(number);
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(turn);
        }
    });
    let start = Instant::now();
    join_all(calls).await;
    assert_eq!(start.elapsed(), Duration::from_secs(20));
    // Ten go side by side, and which of them is first is of no matter.
    let served = served.into_inner();
    let far = served
        .iter()
        .enumerate()
        .map(|(at, number)| at.abs_diff(*number));
    assert!(far.max() < Some(10));
}
