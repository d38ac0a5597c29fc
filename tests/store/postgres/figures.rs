//! Figures: `cargo test --features postgres --test store -- --ignored --nocapture figures`.

use std::time::{Duration, Instant};

use entitle::apply::store::{Cursor, JournalScope};
use futures::future::join_all;

use super::open;
use super::server::Server;
use crate::fixture::{claim, claim_for, read_all, take, take_in_time};
use crate::records::{account, group};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn figures() {
    let server = Server::start("");
    for (holders, size) in [(1, 1), (1, 8), (8, 1), (8, 8), (1, 1000)] {
        let database = server.database();
        let lines = if size == 1 { 1_000 } else { 8_000 };
        let start = Instant::now();
        join_all((0..holders).map(|number| {
            let url = database.url.clone();
            async move {
                let account = account(&number.to_string());
                let store = open(url).await;
                let lease = take(&*store, &account, &claim("ann")).await;
                for run in 0..lines / size {
                    let group = group(&run.to_string(), &account, size);
                    store.append(&group, Some(&*lease)).await.unwrap();
                }
            }
        }))
        .await;
        let rate =
            f64::from(u32::try_from(holders * lines).unwrap()) / start.elapsed().as_secs_f64();
        println!("{holders} holders, {size} a group: {rate:.0} lines a second");
        if size == 1000 {
            let store = open(database.url.clone()).await;
            let start = Instant::now();
            let read = read_all(&*store).await.len();
            println!("{read} lines read in {:?}", start.elapsed());
            let accounts = [account("0")];
            let mut cursor = Cursor::default();
            let start = Instant::now();
            let mut count = 0;
            let mut take = |_| count += 1;
            store
                .read(JournalScope::Accounts(&accounts), &mut cursor, &mut take)
                .await
                .unwrap();
            println!("{count} lines of an account in {:?}", start.elapsed());
            let start = Instant::now();
            store
                .read(JournalScope::Accounts(&accounts), &mut cursor, &mut |_| {})
                .await
                .unwrap();
            println!("nothing new in {:?}", start.elapsed());
        }
    }
    let database = server.database();
    let fixture = crate::fixture::StoreFixture::new(move || open(database.url.clone()), ());
    let other = fixture.open().await;
    for number in 0..5 {
        let account = account(&number.to_string());
        let mut process = fixture.process().await;
        let _old = process
            .take(&account, &claim_for("ann", Duration::from_secs(2)))
            .await;
        process.kill();
        let start = Instant::now();
        take_in_time(&*other, &account, &claim("bob")).await;
        println!("taken over after {:?} (term 2 s)", start.elapsed());
    }
}
