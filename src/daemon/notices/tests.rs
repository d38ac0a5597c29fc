use std::sync::Mutex;

use tokio::time::{Instant, advance};

use super::*;
use crate::daemon::serve::samples;
use crate::daemon::status::ObjectState;
use crate::model::SecretRef;
use crate::model::notification::{Channel, NoticeKind};

/// The second of a delivery, and what was told.
type Delivery = (u64, Vec<String>);

/// A receiver that notes each message and its time, and fails a given number of times.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<(Vec<Delivery>, usize)>>, Option<Instant>);

impl Deliver for Noted {
    async fn deliver(&self, notices: &[Notice]) -> Result<(), DeliveryError> {
        let mut noted = self.0.lock().expect("not poisoned");
        let second = self.1.map_or(0, |start| start.elapsed().as_secs());
        let titles = notices.iter().map(|notice| notice.kind.to_string());
        noted.0.push((second, titles.collect()));
        if noted.1 == 0 {
            return Ok(());
        }
        noted.1 -= 1;
        Err(DeliveryError::NotUrl)
    }
}

fn notification(events: &[NoticeKind], connections: &[&str]) -> Notification {
    Notification {
        name: "ops".into(),
        channel: Channel::Slack {
            url: SecretRef::Env("URL".into()),
        },
        events: events.to_vec(),
        connections: connections.iter().map(|name| (*name).to_string()).collect(),
    }
}

struct Bench {
    status: watch::Sender<Arc<Status>>,
    noted: Noted,
    following: tokio::task::JoinHandle<()>,
}

fn bench(failures: usize) -> Bench {
    let (status, seen) = watch::channel(Arc::new(samples::sample_status(20)));
    let noted = Noted(
        Arc::new(Mutex::new((Vec::new(), failures))),
        Some(Instant::now()),
    );
    let sender = noted.clone();
    let following = tokio::spawn(async move {
        follow_status(seen, &notification(&[], &[]), sender).await;
    });
    Bench {
        status,
        noted,
        following,
    }
}

impl Bench {
    fn turn(&self, state: ObjectState) {
        self.status.send_modify(|status| {
            let status = Arc::make_mut(status);
            Arc::make_mut(&mut status.objects[0]).state = state;
        });
    }

    async fn after(&self, seconds: u64) {
        for _ in 0..seconds {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            advance(Duration::from_secs(1)).await;
        }
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    fn reported(&self) -> Vec<(u64, Vec<String>)> {
        self.noted.0.lock().expect("not poisoned").0.clone()
    }
}

fn reported(second: u64, kind: &str) -> (u64, Vec<String>) {
    (second, vec![kind.to_string()])
}

#[tokio::test(start_paused = true)]
async fn what_turned_back_before_it_settled_is_not_told() {
    let bench = bench(0);
    bench.after(1).await;
    bench.turn(ObjectState::Failed);
    bench.after(2).await;
    bench.turn(ObjectState::InSync);
    bench.after(60).await;
    assert!(bench.reported().is_empty(), "{:?}", bench.reported());
    bench.turn(ObjectState::Failed);
    bench.after(60).await;
    assert_eq!(bench.reported().len(), 1);
    // It stays so, and other things happen.
    bench
        .status
        .send_modify(|status| Arc::make_mut(status).passes.clear());
    bench.after(600).await;
    assert_eq!(bench.reported().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn messages_to_one_receiver_keep_their_distance() {
    let bench = bench(0);
    bench.after(1).await;
    for state in [ObjectState::Failed, ObjectState::InSync].repeat(20) {
        bench.turn(state);
        bench.after(7).await;
    }
    let all = bench.reported();
    assert!(all.len() >= 3, "{all:?}");
    for pair in all.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= PACE.as_secs(), "{all:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_down_gets_where_things_stand_once() {
    let bench = bench(3);
    bench.after(1).await;
    bench.turn(ObjectState::Failed);
    bench.after(20).await;
    bench.turn(ObjectState::Missing);
    bench.after(600).await;
    let all = bench.reported();
    // 5 s to settle, then 10 s, 20 s and 40 s between tries.
    let at: Vec<u64> = all.iter().map(|(second, _)| second - all[0].0).collect();
    assert_eq!(at, [0, 10, 30, 70]);
    assert_eq!(
        all.last().map(|(_, kinds)| kinds.as_slice()),
        Some(&["missing".to_string()][..])
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_not_waited_for_and_what_turned_is_told_before() {
    let bench = bench(0);
    bench.after(1).await;
    bench.turn(ObjectState::Failed);
    bench.after(1).await;
    bench
        .status
        .send_modify(|status| Arc::make_mut(status).stopping = true);
    bench.after(1).await;
    assert_eq!(bench.reported(), [reported(2, "failed")]);
    assert!(bench.following.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_down_does_not_hold_up_a_stop() {
    let bench = bench(99);
    bench.after(1).await;
    bench.turn(ObjectState::Failed);
    bench.after(30).await;
    drop(bench.status);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(bench.following.is_finished());
}

#[test]
fn a_receiver_gets_what_it_asked_for() {
    let before = {
        let mut status = samples::sample_status(0);
        status.brake.engaged = false;
        status
    };
    let turned = || find_transitions(&before, &samples::sample_status(200));
    let kinds = |notification: &Notification| -> Vec<&str> {
        let desired = select_notices(notification, turned());
        desired.iter().map(|notice| notice.kind).collect()
    };
    assert!(kinds(&notification(&[], &[])).len() > 4);
    assert_eq!(kinds(&notification(&[NoticeKind::Brake], &[])), ["brake"]);
    let lac = kinds(&notification(
        &[NoticeKind::Failed, NoticeKind::Held],
        &["lac"],
    ));
    assert_eq!(lac, ["failed", "held"]);
    // A notice about the whole daemon goes to every receiver.
    assert!(kinds(&notification(&[], &["none"])).contains(&"brake"));
}
