//! The laws that every store keeps, whatever is behind it.
//!
//! A law opens the store as several processes do and uses only the trait. `laws!` makes a test of each law for one
//! store; `laws!(expiring …)` adds those about leases that expire, which file locks do not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entitle::apply::journal::Record;
use entitle::apply::store::{Cursor, JournalScope, RosterEntry, StoreError, Taken};
use futures::future::join_all;

use crate::fixture::{
    DeposedLease, StoreFixture, claim, claim_for, give_back, read, read_all, take, take_in_time,
};
use crate::records::{account, ended, finished, group, intent, started};

/// Makes a test of each law, with a new store from `$fixture` for each.
macro_rules! laws {
    ($fixture:path) => {
        $crate::laws::laws!(@each $fixture,
            one_of_eight_takes_it,
            what_is_given_back_is_free_at_once,
            what_is_appended_is_what_is_read,
            an_account_is_read_with_the_lines_of_its_runs,
            accounts_do_not_hinder_each_other,
            a_group_is_seen_whole_or_not_at_all,
            whoever_reads_on_gets_every_line_once,
            what_is_exported_is_what_is_imported,
        );
    };
    (expiring $fixture:path) => {
        $crate::laws::laws!($fixture);
        $crate::laws::laws!(@each $fixture,
            an_old_epoch_is_refused,
            a_lease_that_nobody_renews_expires,
            a_lease_that_is_renewed_lasts,
            replicas_know_of_each_other,
        );
    };
    (@each $fixture:path, $($law:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                $crate::laws::$law(&$fixture().await).await;
            }
        )*
    };
}
pub(crate) use laws;

/// A second and a half: longer than a slow machine takes for a statement, short enough to wait for.
const SHORT: Duration = Duration::from_millis(1500);

pub async fn one_of_eight_takes_it(fixture: &StoreFixture) {
    let opened: Vec<_> = join_all((0..8).map(|_| fixture.open())).await;
    let account = account("acme");
    let mut last = 0;
    for round in 0..10 {
        let claims: Vec<_> = (0..8).map(|by| claim(&format!("runner {by}"))).collect();
        let taking = opened.iter().zip(&claims);
        let taking = taking.map(|(store, claim)| store.take_lease(&account, claim));
        let taken = join_all(taking).await;
        let mut winner = None;
        let mut refused = Vec::new();
        for (by, taken) in taken.into_iter().enumerate() {
            match taken.unwrap() {
                Taken::Held(lease) => {
                    let before = winner.replace((by, lease)).map(|(by, _)| by);
                    assert_eq!(before, None, "two have it in round {round}");
                }
                Taken::Busy(who) => refused.push(who),
            }
        }
        let (by, lease) = winner.expect("somebody has it");
        let name = format!("runner {by}");
        assert_eq!(refused.len(), 7);
        for who in refused {
            // Whoever asked before the winner had written its name cannot know it.
            assert!(
                who.contains(&name) || who == "another run",
                "{who} is not {name}"
            );
        }
        assert!(lease.epoch() > last, "{} after {last}", lease.epoch());
        assert_eq!(lease.account(), &account);
        assert_eq!(lease.covers(Duration::from_secs(30)), Ok(()));
        last = lease.epoch();
        give_back(&*opened[by], lease).await;
    }
}

pub async fn what_is_given_back_is_free_at_once(fixture: &StoreFixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    let account = account("acme");
    for _ in 0..3 {
        let lease = take(&*one, &account, &claim("ann")).await;
        let busy = other.take_lease(&account, &claim("bob")).await.unwrap();
        assert!(matches!(busy, Taken::Busy(who) if who.contains("ann")));
        let waiting = tokio::spawn({
            let (other, account) = (Arc::clone(&other), account.clone());
            async move { take_in_time(&*other, &account, &claim("bob")).await }
        });
        tokio::task::yield_now().await;
        let start = Instant::now();
        give_back(&*one, lease).await;
        let lease = waiting.await.unwrap();
        assert!(
            start.elapsed() < Duration::from_secs(3),
            "{:?}",
            start.elapsed()
        );
        give_back(&*other, lease).await;
    }
}

pub async fn an_old_epoch_is_refused(fixture: &StoreFixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    let account = account("acme");
    let first = take(&*one, &account, &claim("ann")).await;
    let old = DeposedLease {
        account: account.clone(),
        epoch: first.epoch(),
    };
    one.append(&group("1", &account, 1), Some(&*first))
        .await
        .unwrap();
    give_back(&*one, first).await;
    // Nobody has it.
    let refused = one.append(&group("2", &account, 3), Some(&old)).await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
    // Somebody else has it.
    let second = take(&*other, &account, &claim("bob")).await;
    let refused = one.append(&group("2", &account, 3), Some(&old)).await;
    let Err(StoreError::LeaseLost(why)) = refused else {
        panic!("{refused:?}");
    };
    let why = why.to_string();
    assert!(why.contains("bob") || why.contains("epoch"), "{why}");
    let new = group("3", &account, 2);
    other.append(&new, Some(&*second)).await.unwrap();
    let runs: Vec<_> = read_all(&*one)
        .await
        .into_iter()
        .map(|record| record.run)
        .collect();
    assert_eq!(runs, ["1", "3", "3"]);
}

pub async fn what_is_appended_is_what_is_read(fixture: &StoreFixture) {
    let (writer, reader) = (fixture.open().await, fixture.open().await);
    let account = account("acme");
    let mut cursor = Cursor::default();
    assert_eq!(
        read(&*reader, JournalScope::Everything, &mut cursor).await,
        []
    );
    let lease = take(&*writer, &account, &claim("ann")).await;
    let mut written = Vec::new();
    let mut cursors = vec![(0, cursor)];
    for number in 0..12 {
        let run = number.to_string();
        let mut groups = vec![(vec![started(&run)], None)];
        groups.push((group(&run, &account, number), Some(&*lease)));
        groups.push((vec![ended(&run, "0")], Some(&*lease)));
        groups.push((vec![finished(&run)], None));
        for (group, lease) in groups {
            writer.append(&group, lease).await.unwrap();
            written.extend(group);
        }
        let mut cursor = Cursor::default();
        assert_eq!(
            read(&*reader, JournalScope::Everything, &mut cursor).await,
            written
        );
        assert_eq!(cursor.lines, written.len() as u64);
        cursors.push((written.len(), cursor));
    }
    for (length, mut cursor) in cursors {
        let behind = read(&*reader, JournalScope::Everything, &mut cursor).await;
        assert_eq!(behind, written[length..], "behind line {length}");
        assert_eq!(cursor.lines, written.len() as u64);
        assert_eq!(
            read(&*reader, JournalScope::Everything, &mut cursor).await,
            []
        );
    }
}

pub async fn an_account_is_read_with_the_lines_of_its_runs(fixture: &StoreFixture) {
    let store = fixture.open().await;
    let accounts = ["acme", "globex", "initech"].map(account);
    let mut cursors: Vec<_> = accounts.iter().map(|_| Cursor::default()).collect();
    let mut both = Cursor::default();
    for round in 0..3 {
        for (account, cursor) in accounts.iter().zip(&mut cursors) {
            let run = format!("{round} of {}", account.account);
            let lease = take(&*store, account, &claim("ann")).await;
            let mine = group(&run, account, 2);
            store.append(&[started(&run)], None).await.unwrap();
            store.append(&mine, Some(&*lease)).await.unwrap();
            store.append(&[finished(&run)], None).await.unwrap();
            give_back(&*store, lease).await;
            let of_account = JournalScope::Accounts(std::slice::from_ref(account));
            let lines = read(&*store, of_account, cursor).await;
            let of_run: Vec<_> = lines
                .into_iter()
                .filter(|record| record.run == run)
                .collect();
            let expected = [vec![started(&run)], mine, vec![finished(&run)]].concat();
            assert_eq!(of_run, expected);
        }
        let lines = read(&*store, JournalScope::Accounts(&accounts[..2]), &mut both).await;
        for account in &accounts[..2] {
            let run = format!("{round} of {}", account.account);
            let of_run = lines.iter().filter(|record| record.run == run);
            assert_eq!(of_run.count(), 4, "{run}");
        }
    }
}

pub async fn accounts_do_not_hinder_each_other(fixture: &StoreFixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    let (acme, globex) = (account("acme"), account("globex"));
    let ann = take(&*one, &acme, &claim("ann")).await;
    let bob = take(&*other, &globex, &claim("bob")).await;
    one.append(&group("1", &acme, 2), Some(&*ann))
        .await
        .unwrap();
    other
        .append(&group("2", &globex, 2), Some(&*bob))
        .await
        .unwrap();
    give_back(&*one, ann).await;
    // What one gave back is not the other's.
    other.append(&[ended("2", "0")], Some(&*bob)).await.unwrap();
    assert_eq!(bob.covers(Duration::from_secs(30)), Ok(()));
    let busy = one.take_lease(&globex, &claim("ann")).await.unwrap();
    assert!(matches!(busy, Taken::Busy(_)));
    assert_eq!(read_all(&*one).await.len(), 5);
}

pub async fn a_group_is_seen_whole_or_not_at_all(fixture: &StoreFixture) {
    const SIZE: usize = 17;
    let (writer, reader) = (fixture.open().await, fixture.open().await);
    let writing = tokio::spawn(async move {
        let account = account("acme");
        let lease = take(&*writer, &account, &claim("ann")).await;
        for run in 0..40 {
            let group = group(&run.to_string(), &account, SIZE);
            writer.append(&group, Some(&*lease)).await.unwrap();
        }
        give_back(&*writer, lease).await;
    });
    let mut seen = Vec::new();
    while seen.len() < 40 * SIZE {
        // Asked before the read: what is written between the two need not be in it.
        let over = writing.is_finished();
        let all = read_all(&*reader).await;
        assert_eq!(
            all.len() % SIZE,
            0,
            "{} lines are no whole groups",
            all.len()
        );
        assert!(all.starts_with(&seen));
        assert!(!over || all.len() == 40 * SIZE, "{}", all.len());
        seen = all;
    }
    writing.await.unwrap();
}

pub async fn whoever_reads_on_gets_every_line_once(fixture: &StoreFixture) {
    const WRITERS: usize = 4;
    const GROUPS: usize = 25;
    let accounts: Vec<_> = (0..WRITERS)
        .map(|number| account(&number.to_string()))
        .collect();
    let mut writing = Vec::new();
    for account in accounts.clone() {
        let store = fixture.open().await;
        writing.push(tokio::spawn(async move {
            let run = account.account.clone();
            let lease = take(&*store, &account, &claim("ann")).await;
            store.append(&[started(&run)], None).await.unwrap();
            for number in 0..GROUPS {
                let group: Vec<_> = (0..=number % 3)
                    .map(|part| intent(&run, &account, &format!("{number}.{part}")))
                    .collect();
                store.append(&group, Some(&*lease)).await.unwrap();
            }
            store.append(&[finished(&run)], None).await.unwrap();
            give_back(&*store, lease).await;
        }));
    }
    let reader = fixture.open().await;
    let readings = [JournalScope::Everything, JournalScope::Accounts(&accounts)];
    let mut cursors = [Cursor::default(), Cursor::default()];
    let mut seen = [Vec::new(), Vec::new()];
    loop {
        // Asked before the last reading, so that it sees everything.
        let over = writing.iter().all(|writing| writing.is_finished());
        for ((reading, cursor), seen) in readings.into_iter().zip(&mut cursors).zip(&mut seen) {
            seen.extend(read(&*reader, reading, cursor).await);
        }
        if over {
            break;
        }
    }
    for ended in join_all(writing).await {
        ended.unwrap();
    }
    let all = by_run(read_all(&*reader).await);
    assert_eq!(all.len(), WRITERS);
    for seen in seen {
        assert_eq!(by_run(seen), all);
    }
}

/// Records by run, each in order.
fn by_run(records: Vec<Record>) -> BTreeMap<String, Vec<Record>> {
    let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in records {
        runs.entry(record.run.clone()).or_default().push(record);
    }
    runs
}

pub async fn what_is_exported_is_what_is_imported(fixture: &StoreFixture) {
    let store = fixture.open().await;
    for name in ["acme", "globex"] {
        let account = account(name);
        let lease = take(&*store, &account, &claim("ann")).await;
        store.append(&[started(name)], None).await.unwrap();
        for number in 0..5 {
            let group = group(name, &account, number);
            store.append(&group, Some(&*lease)).await.unwrap();
        }
        store
            .append(&[ended(name, "0")], Some(&*lease))
            .await
            .unwrap();
        store.append(&[finished(name)], None).await.unwrap();
        give_back(&*store, lease).await;
    }
    let exported = read_all(&*store).await;
    assert_eq!(exported.len(), 2 * (3 + 10));
    // Imported behind what is there, as into another place.
    for part in exported.chunks(7) {
        store.append(part, None).await.unwrap();
    }
    let both = read_all(&*store).await;
    assert_eq!(both, [exported.clone(), exported.clone()].concat());
    // Whoever asks for an account gets what was imported of it, in its order.
    let acme = [account("acme")];
    let of_acme = read(
        &*store,
        JournalScope::Accounts(&acme),
        &mut Cursor::default(),
    )
    .await;
    let of_acme: Vec<_> = of_acme
        .into_iter()
        .filter(|record| record.run == "acme")
        .collect();
    let expected = both.into_iter().filter(|record| record.run == "acme");
    assert_eq!(of_acme, expected.collect::<Vec<_>>());
}

pub async fn a_lease_that_nobody_renews_expires(fixture: &StoreFixture) {
    let account = account("acme");
    let mut process = fixture.process().await;
    let other = fixture.open().await;
    let old = process.take(&account, &claim_for("ann", SHORT)).await;
    assert_eq!(old.covers(SHORT / 4), Ok(()));
    process.kill();
    let start = Instant::now();
    let new = take_in_time(&*other, &account, &claim("bob")).await;
    assert!(start.elapsed() < SHORT * 3, "{:?}", start.elapsed());
    // The old one knows by its own clock.
    assert!(old.covers(Duration::ZERO).is_err());
    assert!(new.epoch() > old.epoch());
    let refused = other.append(&group("1", &account, 2), Some(&*old)).await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
    other
        .append(&group("2", &account, 2), Some(&*new))
        .await
        .unwrap();
    assert_eq!(read_all(&*other).await.len(), 2);
}

pub async fn a_lease_that_is_renewed_lasts(fixture: &StoreFixture) {
    let account = account("acme");
    let (one, other) = (fixture.open().await, fixture.open().await);
    let lease = take(&*one, &account, &claim_for("ann", SHORT)).await;
    let start = Instant::now();
    while start.elapsed() < SHORT * 2 {
        let busy = other.take_lease(&account, &claim("bob")).await.unwrap();
        assert!(matches!(busy, Taken::Busy(_)));
        assert_eq!(lease.covers(SHORT / 4), Ok(()));
        tokio::time::sleep(SHORT / 20).await;
    }
    one.append(&group("1", &account, 1), Some(&*lease))
        .await
        .unwrap();
}

pub async fn replicas_know_of_each_other(fixture: &StoreFixture) {
    let (one, other) = (fixture.open().await, fixture.open().await);
    let (one, other) = (one.roster().unwrap(), other.roster().unwrap());
    let replica = |id: &str, note: &str| RosterEntry {
        id: id.into(),
        note: note.into(),
    };
    let (ann, bob) = (replica("1", "ann\nhas acme"), replica("2", ""));
    assert_eq!(
        one.heartbeat(&ann, SHORT).await.unwrap(),
        std::slice::from_ref(&ann)
    );
    let sorted = |mut all: Vec<RosterEntry>| {
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    };
    let seen = sorted(other.heartbeat(&bob, SHORT * 20).await.unwrap());
    assert_eq!(seen, [ann.clone(), bob.clone()]);
    // The note is the last one.
    let free = replica("1", "ann is free");
    assert_eq!(one.heartbeat(&free, SHORT * 20).await.unwrap().len(), 2);
    assert_eq!(
        sorted(other.heartbeat(&bob, SHORT * 20).await.unwrap()),
        [free.clone(), bob.clone()]
    );
    // One that does not come back is gone after its term.
    one.heartbeat(&ann, SHORT).await.unwrap();
    let start = Instant::now();
    while other.heartbeat(&bob, SHORT * 20).await.unwrap().len() > 1 {
        assert!(start.elapsed() < SHORT * 10, "it stays");
        tokio::time::sleep(SHORT / 20).await;
    }
    assert!(start.elapsed() >= SHORT / 2, "{:?}", start.elapsed());
    one.heartbeat(&ann, SHORT * 20).await.unwrap();
    other.leave("2").await.unwrap();
    other.leave("nobody").await.unwrap();
    assert_eq!(one.heartbeat(&ann, SHORT).await.unwrap(), [ann]);
}
