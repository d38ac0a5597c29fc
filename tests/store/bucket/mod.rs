//! A bucket at a server that speaks like S3.

pub mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use entitle::apply::store::bucket::BucketStore;
use entitle::apply::store::{Store, StoreAdmin, StoreError};
use entitle::model::with_causes;

use crate::fixture::{StoreFixture, claim, claim_for, read_all, take, take_in_time};
use crate::records::{account, group, intent};
use server::Server;

fn open(url: &str) -> BucketStore {
    BucketStore::open(url, Server::shared().variables()).unwrap()
}

async fn moto() -> StoreFixture {
    let url = format!("s3://{}/licences", Server::shared().bucket());
    let open = move || -> Arc<dyn Store> { Arc::new(open(&url)) };
    StoreFixture::new(move || std::future::ready(open()), ())
}

mod laws {
    crate::laws::laws!(expiring super::moto);
}

mod programs {
    use super::Server;
    use crate::program::Address;

    async fn store() -> Address {
        Address {
            url: format!("s3://{}/licences", Server::shared().bucket()),
            environment: Server::shared().variables().into_iter().collect(),
        }
    }

    crate::program::programs!(store);
}

#[tokio::test]
async fn a_server_that_speaks_like_s3_keeps_its_promises() {
    let store = open(&format!("s3://{}/a/b", Server::shared().bucket()));
    let promises = store.check().await.unwrap();
    let broken = promises.iter().filter(|promise| promise.kept.is_err());
    assert_eq!(broken.count(), 0, "{promises:?}");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_refused_in_words() {
    let store = open("s3://nowhere/licences");
    let refused = store.append(&group("1", &account("acme"), 1), None).await;
    let Err(error @ StoreError::Refused { .. }) = refused else {
        panic!("{refused:?}");
    };
    let words = with_causes(&error);
    let expected =
        "s3://nowhere/licences: 404 Not Found: NoSuchBucket, The specified bucket does not exist";
    assert!(words.ends_with(expected), "{words}");
    let Err(error) = store.take_lease(&account("acme"), &claim("ann")).await else {
        panic!("it was taken");
    };
    assert!(!error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let mut variables = Server::shared().variables();
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    variables.insert("AWS_ENDPOINT_URL".into(), format!("http://{closed}"));
    let store = BucketStore::open("s3://acme/licences", variables).unwrap();
    let start = Instant::now();
    let away = store.append(&group("1", &account("acme"), 1), None).await;
    assert!(
        matches!(away, Err(StoreError::Unavailable { .. })),
        "{away:?}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
    let words = with_causes(&away.unwrap_err());
    assert!(words.contains("onnect"), "{words}");
    assert!(!words.contains("s3cret"), "{words}");
}

#[tokio::test]
async fn nothing_goes_to_another_machine_in_the_clear() {
    let mut variables = Server::shared().variables();
    variables.insert("AWS_ENDPOINT_URL".into(), "http://minio.example.com".into());
    let store = BucketStore::open("s3://acme/licences", variables).unwrap();
    let refused = store.append(&group("1", &account("acme"), 1), None).await;
    let words = with_causes(&refused.unwrap_err());
    assert!(
        words.contains("minio.example.com is named with http://"),
        "{words}"
    );
}

/// Holds a bucket of a cloud to the laws, below a prefix that is new: `ENTITLE_TEST_BUCKET=s3://bucket/prefix cargo test
/// --features postgres,bucket --test store real -- --ignored`, with credentials as for `ENTITLE_STORE`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a bucket"]
async fn a_real_bucket_keeps_the_laws() {
    let url = std::env::var("ENTITLE_TEST_BUCKET").expect("ENTITLE_TEST_BUCKET names a bucket");
    let run = std::process::id();
    let open = move |law: &str| {
        let url = format!("{url}/test-{run}/{law}");
        Arc::new(BucketStore::open(&url, std::env::vars()).unwrap())
    };
    let promises = open("check").check().await.unwrap();
    let broken = promises.iter().filter(|promise| promise.kept.is_err());
    assert_eq!(broken.count(), 0, "{promises:?}");
    let fixture = |law: &'static str| {
        let open = open.clone();
        StoreFixture::new(move || std::future::ready(open(law) as Arc<dyn Store>), ())
    };
    crate::laws::one_of_eight_takes_it(&fixture("take")).await;
    crate::laws::an_old_epoch_is_refused(&fixture("epoch")).await;
    crate::laws::what_is_appended_is_what_is_read(&fixture("read")).await;
    crate::laws::whoever_reads_on_gets_every_line_once(&fixture("read-on")).await;
    crate::laws::what_is_exported_is_what_is_imported(&fixture("export")).await;
    crate::laws::a_lease_that_nobody_renews_expires(&fixture("expiry")).await;
}

/// Prints what the engine does in a second: `cargo test --features postgres,bucket --test store figures -- --ignored
/// --nocapture`.
#[tokio::test]
#[ignore = "figures, not a test"]
async fn figures() {
    let url = format!("s3://{}/licences", Server::shared().bucket());
    let (ann, bob) = (open(&url), open(&url));
    let key = account("acme");
    let lease = take(&ann, &key, &claim("ann")).await;
    for size in [1, 8, 100] {
        let start = Instant::now();
        let mut lines = 0;
        for number in 0..100 {
            let records: Vec<_> = (0..size)
                .map(|part| intent("1", &key, &format!("{number}.{part}")))
                .collect();
            ann.append(&records, Some(&*lease)).await.unwrap();
            lines += size;
        }
        let rate = f64::from(lines) / start.elapsed().as_secs_f64();
        println!("{rate:.0} lines a second in groups of {size}");
    }
    let start = Instant::now();
    let all = read_all(&bob).await.len();
    println!("{all} lines in 300 objects read in {:?}", start.elapsed());
    let start = Instant::now();
    drop(lease);
    ann.close().await;
    println!("given back in {:?}", start.elapsed());
    for term in [2, 10] {
        let key = account(&term.to_string());
        let mut process = StoreFixture::new(
            {
                let url = url.clone();
                move || std::future::ready(Arc::new(open(&url)) as Arc<dyn Store>)
            },
            (),
        )
        .process()
        .await;
        let _old = process
            .take(&key, &claim_for("ann", Duration::from_secs(term)))
            .await;
        process.kill();
        let start = Instant::now();
        take_in_time(&bob, &key, &claim("bob")).await;
        println!(
            "taken over with a term of {term} s in {:?}",
            start.elapsed()
        );
    }
}
