//! The engine over a bucket in memory, and over buckets that fail it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{join_all, ready};

use super::*;
use crate::apply::journal::Purpose;
use crate::apply::journal::SummaryForm;
use crate::apply::memory::testing::{self, record, started};
use crate::apply::memory::{Detail, Memory};
use crate::apply::store::compact::compact_accounts;
use crate::apply::store::{LeaseState, StoreAdmin};
use crate::model::with_causes;
use crate::provider::testing::connection;

fn key(account: &str) -> AccountKey {
    AccountKey {
        account: account.into(),
        ..connection().account_key()
    }
}

fn claim(holder: &str, term: Duration) -> LeaseClaim {
    LeaseClaim {
        holder: holder.into(),
        term,
    }
}

const MINUTE: Duration = Duration::from_secs(60);

fn intent(run: &str, name: &str) -> Record {
    record(run, testing::write(testing::intent(name)))
}

/// What the n-th request and some behind it come to instead.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    /// Nothing was done.
    Before,
    /// It was done, and the answer was lost.
    After,
}

/// A bucket of which some requests fail.
struct Faulty {
    objects: Arc<dyn BucketObjects>,
    requests: AtomicUsize,
    failing: std::ops::Range<usize>,
    failure: Failure,
}

impl Faulty {
    async fn request<T>(
        &self,
        request: BoxFuture<'_, Result<T, BucketError>>,
    ) -> Result<T, BucketError> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.failing.contains(&number) {
            return request.await;
        }
        if self.failure == Failure::After {
            let _ = request.await;
        }
        Err(BucketError::transient("the line is cut"))
    }
}

impl BucketObjects for Faulty {
    fn get<'a>(
        &'a self,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<BucketObject>, BucketError>> {
        self.request(self.objects.get(path)).boxed()
    }

    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: PutCondition<'a>,
    ) -> BoxFuture<'a, Result<PutOutcome, BucketError>> {
        self.request(self.objects.put(path, body, condition))
            .boxed()
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        self.request(self.objects.list(folder, after)).boxed()
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        self.request(self.objects.folders(folder)).boxed()
    }

    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        self.request(self.objects.delete(path)).boxed()
    }
}

/// A place in memory that several processes open.
struct TestBucket(Arc<dyn BucketObjects>);

impl TestBucket {
    fn new() -> Self {
        Self(in_memory())
    }

    fn open(&self) -> BucketStore {
        BucketStore::with_objects(Arc::clone(&self.0), "memory:", "licences")
    }

    fn faulty(&self, failing: std::ops::Range<usize>, failure: Failure) -> BucketStore {
        let faulty = Faulty {
            objects: Arc::clone(&self.0),
            requests: AtomicUsize::new(0),
            failing,
            failure,
        };
        BucketStore::with_objects(Arc::new(faulty), "memory:", "licences")
    }
}

async fn take(
    store: &BucketStore,
    account: &AccountKey,
    claim: &LeaseClaim,
) -> Result<Box<dyn Lease>, String> {
    match store.take_lease(account, claim).await {
        Ok(Taken::Held(lease)) => Ok(lease),
        Ok(Taken::Busy(by)) => Err(by),
        Err(error) => Err(error.to_string()),
    }
}

async fn wait_for(store: &BucketStore, account: &AccountKey, claim: &LeaseClaim) -> Box<dyn Lease> {
    loop {
        match store.take_lease(account, claim).await {
            Ok(Taken::Held(lease)) => return lease,
            Ok(Taken::Busy(_)) | Err(StoreError::Unavailable { .. }) => {
                store.wait_for_release(account).await
            }
            Err(error) => panic!("{error}"),
        }
    }
}

async fn read(
    store: &BucketStore,
    reading: JournalScope<'_>,
    cursor: &mut Cursor,
) -> Vec<JournalLine> {
    let mut lines = Vec::new();
    let mut take = |line| lines.push(line);
    store.read(reading, cursor, &mut take).await.unwrap();
    lines
}

async fn names(store: &BucketStore) -> Vec<String> {
    let lines = read(store, JournalScope::Everything, &mut Cursor::default()).await;
    lines.iter().map(name).collect()
}

/// The run and the object of a line.
fn name(line: &JournalLine) -> String {
    let JournalLine::Record(record) = line else {
        return format!("{line:?}");
    };
    let event = match &record.event {
        JournalEvent::Intent(intent) => intent.address.clone(),
        JournalEvent::Started(_) => "started".into(),
        JournalEvent::Finished { .. } => "finished".into(),
        other => format!("{other:?}"),
    };
    format!("{} {event}", record.run)
}

/// Appends until it is acknowledged, as a recorder does that keeps what it could not write.
async fn insist(store: &BucketStore, records: &[Record], lease: Option<&dyn Lease>) {
    loop {
        match store.append(records, lease).await {
            Ok(()) => return,
            Err(StoreError::Unavailable { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// A request that fails once is tried again. One that fails five times is an error, and its caller tries again.
#[tokio::test(start_paused = true)]
async fn whichever_request_fails_no_line_is_lost_or_doubled() {
    let account = key("acme");
    let mut failed = 0;
    for failure in [Failure::Before, Failure::After] {
        for (first, length) in (0..30).flat_map(|first| [(first, 1), (first, 5)]) {
            let bucket = TestBucket::new();
            let (ann, bob) = (bucket.faulty(first..first + length, failure), bucket.open());
            let lease = wait_for(&ann, &account, &claim("ann", MINUTE)).await;
            insist(&ann, &[record("1", started(Purpose::Heal))], None).await;
            for name in ["a", "b", "c"] {
                insist(
                    &ann,
                    &[intent("1", name), intent("1", &format!("{name}'"))],
                    Some(&*lease),
                )
                .await;
            }
            let busy = take(&bob, &account, &claim("bob", MINUTE)).await;
            assert_eq!(busy.err().as_deref(), Some("ann"), "{first} {failure:?}");
            insist(
                &ann,
                &[record("1", JournalEvent::Finished { interrupted: false })],
                None,
            )
            .await;
            drop(lease);
            ann.close().await;
            let lease = wait_for(&bob, &account, &claim("bob", MINUTE)).await;
            insist(&bob, &[intent("2", "d")], Some(&*lease)).await;
            let expected = [
                "1 started",
                "1 a",
                "1 a'",
                "1 b",
                "1 b'",
                "1 c",
                "1 c'",
                "1 finished",
                "2 d",
            ];
            assert_eq!(names(&bob).await, expected, "request {first} {failure:?}");
            let of_account = JournalScope::Accounts(std::slice::from_ref(&account));
            let of_account = read(&bob, of_account, &mut Cursor::default()).await;
            // How the run ended is copied to its accounts where that is possible.
            let of_account = of_account.iter().map(name);
            let of_account: Vec<_> = of_account.filter(|name| name != "1 finished").collect();
            let expected = expected.into_iter().filter(|name| *name != "1 finished");
            assert!(
                of_account.iter().eq(expected),
                "request {first} {failure:?}: {of_account:?}"
            );
            failed += 1;
        }
    }
    assert_eq!(failed, 120);
}

#[tokio::test(start_paused = true)]
async fn a_put_that_is_tried_again_meets_its_own_write() {
    let bucket = TestBucket::new();
    // The first request asks for the lease, the second for the end of the log, the third puts the lease.
    let ann = bucket.faulty(2..3, Failure::After);
    let lease = take(&ann, &key("acme"), &claim("ann", MINUTE))
        .await
        .unwrap();
    assert_eq!(lease.epoch(), 1);
}

/// `ann` has lost the lease to `bob`, and does not know.
async fn deposed(
    bucket: &TestBucket,
    account: &AccountKey,
) -> (BucketStore, Box<dyn Lease>, BucketStore, Box<dyn Lease>) {
    let (ann, bob) = (bucket.open(), bucket.open());
    // The lease is over at once, and its holder does not renew it in time.
    let old = take(&ann, account, &claim("ann", Duration::ZERO))
        .await
        .unwrap();
    ann.append(&[intent("1", "a")], Some(&*old)).await.unwrap();
    let new = wait_for(&bob, account, &claim("bob", MINUTE)).await;
    (ann, old, bob, new)
}

#[tokio::test]
async fn whoever_was_deposed_appends_nothing() {
    let (bucket, account) = (TestBucket::new(), key("acme"));
    let (ann, old, bob, new) = deposed(&bucket, &account).await;
    assert!(old.covers(Duration::ZERO).is_err());
    assert!(new.epoch() > old.epoch());
    for _ in 0..2 {
        let refused = ann.append(&[intent("1", "late")], Some(&*old)).await;
        let Err(StoreError::LeaseLost(why)) = refused else {
            panic!("{refused:?}");
        };
        let why = why.to_string();
        assert!(why.contains("bob") || why.contains("epoch"), "{why}");
    }
    bob.append(&[intent("2", "b")], Some(&*new)).await.unwrap();
    assert_eq!(names(&bob).await, ["1 a", "2 b"]);
    // Dropping the old lease does not give back the new one.
    drop(old);
    ann.close().await;
    assert_eq!(new.covers(MINUTE / 2), Ok(()));
    let busy = take(&ann, &account, &claim("ann", MINUTE)).await;
    assert_eq!(busy.err().as_deref(), Some("bob"));
}

/// Fails the puts of leases while `is_silent` is set, so that waiters see no renewal by the holder.
struct Silent {
    objects: Arc<dyn BucketObjects>,
    is_silent: std::sync::atomic::AtomicBool,
}

impl BucketObjects for Silent {
    fn get<'a>(
        &'a self,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<BucketObject>, BucketError>> {
        self.objects.get(path)
    }

    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: PutCondition<'a>,
    ) -> BoxFuture<'a, Result<PutOutcome, BucketError>> {
        if path.ends_with("/lease") && self.is_silent.load(Ordering::Relaxed) {
            return ready(Err(BucketError::transient("nobody is there"))).boxed();
        }
        self.objects.put(path, body, condition)
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        self.objects.list(folder, after)
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        self.objects.folders(folder)
    }

    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        self.objects.delete(path)
    }
}

#[tokio::test]
async fn a_holder_that_cannot_renew_knows_it_before_anybody_takes_over() {
    let (bucket, account) = (TestBucket::new(), key("acme"));
    let silent = Arc::new(Silent {
        objects: Arc::clone(&bucket.0),
        is_silent: false.into(),
    });
    let (ann, bob) = (
        BucketStore::with_objects(silent.clone(), "memory:", "licences"),
        bucket.open(),
    );
    let term = Duration::from_millis(300);
    let old = take(&ann, &account, &claim("ann", term)).await.unwrap();
    silent.is_silent.store(true, Ordering::Relaxed);
    let start = std::time::Instant::now();
    let new = wait_for(&bob, &account, &claim("bob", MINUTE)).await;
    assert!(start.elapsed() >= term, "{:?}", start.elapsed());
    assert!(old.covers(Duration::ZERO).is_err());
    // A line that is late all the same meets the new holder in the log.
    let late = ann.append(&[intent("1", "late")], Some(&*old)).await;
    assert!(matches!(late, Err(StoreError::LeaseLost(_))), "{late:?}");
    assert!(new.epoch() > old.epoch());
    assert_eq!(names(&bob).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_lease_that_was_deleted_has_a_higher_epoch_the_next_time() {
    let (bucket, account) = (TestBucket::new(), key("acme"));
    let ann = bucket.open();
    let lease = take(&ann, &account, &claim("ann", MINUTE)).await.unwrap();
    let path = ann
        .accounts
        .layout
        .lease_path(&layout::account_folder(&account));
    bucket.0.delete(&path).await.unwrap();
    let bob = bucket.open();
    let new = take(&bob, &account, &claim("bob", MINUTE)).await.unwrap();
    assert_eq!((lease.epoch(), new.epoch()), (1, 2));
    let refused = ann.append(&[intent("1", "a")], Some(&*lease)).await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn appends_side_by_side_are_all_there() {
    let (bucket, accounts) = (TestBucket::new(), [key("acme"), key("globex")]);
    let ann = bucket.open();
    let mut leases = Vec::new();
    for account in &accounts {
        leases.push(take(&ann, account, &claim("ann", MINUTE)).await.unwrap());
    }
    let records: Vec<_> = (0..40)
        .map(|number| [intent("1", &number.to_string())])
        .collect();
    let appends = records.iter().enumerate();
    let appends = appends.map(|(number, records)| ann.append(records, Some(&*leases[number % 2])));
    for appended in join_all(appends).await {
        appended.unwrap();
    }
    assert_eq!(names(&ann).await.len(), 40);
}

#[tokio::test]
async fn damage_is_told_and_another_journal_begins_anew() {
    let (bucket, account) = (TestBucket::new(), key("acme"));
    let ann = bucket.open();
    let lease = take(&ann, &account, &claim("ann", MINUTE)).await.unwrap();
    for name in ["a", "b", "c"] {
        ann.append(&[intent("1", name)], Some(&*lease))
            .await
            .unwrap();
    }
    let log = ann
        .accounts
        .layout
        .log_folder(&layout::account_folder(&account));
    // The opening is number 0.
    let path = layout::numbered_path(&log, 2);
    let object = bucket.0.get(&path).await.unwrap().unwrap();
    let text = String::from_utf8(object.body).unwrap();
    let body = text.replace("\"1\"", "\"2\"");
    bucket
        .0
        .put(
            &path,
            body.as_bytes(),
            PutCondition::Unchanged(&object.version),
        )
        .await
        .unwrap();
    assert_eq!(names(&ann).await, ["1 a", "Damaged(2)", "1 c"]);
    bucket.0.delete(&path).await.unwrap();
    assert_eq!(names(&ann).await, ["1 a", "Damaged(2)", "1 c"]);
    let mut cursor = Cursor::default();
    read(&ann, JournalScope::Everything, &mut cursor).await;
    for path in bucket.0.list(&log, None).await.unwrap() {
        bucket.0.delete(&path).await.unwrap();
    }
    bucket
        .0
        .put(
            &layout::numbered_path(&log, 0),
            b"{\"format\":1}",
            PutCondition::Absent,
        )
        .await
        .unwrap();
    let lines = read(&ann, JournalScope::Everything, &mut cursor).await;
    assert_eq!(lines, [JournalLine::Reset, JournalLine::Damaged(1)]);
    bucket
        .0
        .put(
            &layout::numbered_path(&log, 1),
            b"{\"format\":2}\n",
            PutCondition::Absent,
        )
        .await
        .unwrap();
    let error = ann
        .read(JournalScope::Everything, &mut cursor, &mut |_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }));
    assert_eq!(
        with_causes(&error),
        "cannot read memory:: format 2 is newer than this version of entitle, which knows 1; update entitle"
    );
}

/// A bucket in which a whole run is done right behind a list of objects.
struct Meanwhile {
    objects: Arc<dyn BucketObjects>,
    lists: AtomicUsize,
    at: usize,
    other: BucketStore,
}

impl Meanwhile {
    async fn run(&self) {
        let account = key("acme");
        let lease = wait_for(&self.other, &account, &claim("bob", MINUTE)).await;
        let start = [record("2", started(Purpose::Apply))];
        self.other.append(&start, None).await.unwrap();
        let lines = [intent("2", "a"), intent("2", "b")];
        self.other.append(&lines, Some(&*lease)).await.unwrap();
        let end = [record("2", JournalEvent::Finished { interrupted: false })];
        self.other.append(&end, None).await.unwrap();
    }
}

impl BucketObjects for Meanwhile {
    fn get<'a>(
        &'a self,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<BucketObject>, BucketError>> {
        self.objects.get(path)
    }

    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: PutCondition<'a>,
    ) -> BoxFuture<'a, Result<PutOutcome, BucketError>> {
        self.objects.put(path, body, condition)
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        let list = async move {
            let paths = self.objects.list(folder, after).await;
            if self.lists.fetch_add(1, Ordering::Relaxed) == self.at {
                self.run().await;
            }
            paths
        };
        list.boxed()
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        self.objects.folders(folder)
    }

    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        self.objects.delete(path)
    }
}

#[tokio::test]
async fn a_run_that_comes_in_between_is_read_in_its_order() {
    for at in 0..6 {
        let bucket = TestBucket::new();
        let ann = bucket.open();
        let lease = take(&ann, &key("acme"), &claim("ann", MINUTE))
            .await
            .unwrap();
        ann.append(&[intent("1", "a")], Some(&*lease))
            .await
            .unwrap();
        drop(lease);
        ann.close().await;
        let meanwhile = Meanwhile {
            objects: Arc::clone(&bucket.0),
            lists: AtomicUsize::new(0),
            at,
            other: bucket.open(),
        };
        let reader = BucketStore::with_objects(Arc::new(meanwhile), "memory:", "licences");
        let (mut cursor, mut lines) = (Cursor::default(), Vec::new());
        for _ in 0..3 {
            lines.extend(read(&reader, JournalScope::Everything, &mut cursor).await);
        }
        let names: Vec<_> = lines.iter().map(name).collect();
        assert_eq!(
            names,
            ["1 a", "2 started", "2 a", "2 b", "2 finished"],
            "{at}"
        );
    }
}

/// A bucket that does not look at conditions.
struct Careless {
    objects: Arc<dyn BucketObjects>,
    ignores: fn(PutCondition<'_>) -> bool,
}

impl BucketObjects for Careless {
    fn get<'a>(
        &'a self,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<BucketObject>, BucketError>> {
        self.objects.get(path)
    }

    fn put<'a>(
        &'a self,
        path: &'a str,
        body: &'a [u8],
        condition: PutCondition<'a>,
    ) -> BoxFuture<'a, Result<PutOutcome, BucketError>> {
        if !(self.ignores)(condition) {
            return self.objects.put(path, body, condition);
        }
        let put = async move {
            loop {
                let found = self.objects.get(path).await?;
                let condition = found
                    .as_ref()
                    .map(|found| PutCondition::Unchanged(&found.version));
                let put = self
                    .objects
                    .put(path, body, condition.unwrap_or(PutCondition::Absent));
                if let PutOutcome::Done(version) = put.await? {
                    return Ok(PutOutcome::Done(version));
                }
            }
        };
        put.boxed()
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        self.objects.list(folder, after)
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        self.objects.folders(folder)
    }

    fn delete<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        self.objects.delete(path)
    }
}

#[tokio::test]
async fn a_check_refuses_a_store_that_lets_two_win() {
    let bucket = TestBucket::new();
    let promises = bucket.open().check().await.unwrap();
    assert_eq!(promises.len(), 8);
    assert!(
        promises.iter().all(|promise| promise.kept.is_ok()),
        "{promises:?}"
    );
    assert_eq!(
        bucket.0.list("licences", None).await.unwrap(),
        Vec::<String>::new()
    );
    let broken = |ignores| {
        let objects = Arc::clone(&bucket.0);
        BucketStore::with_objects(
            Arc::new(Careless { objects, ignores }),
            "memory:",
            "licences",
        )
    };
    let creates = broken(|condition| matches!(condition, PutCondition::Absent));
    let updates = broken(|condition| matches!(condition, PutCondition::Unchanged(_)));
    let mut refused = BTreeMap::new();
    for (name, store) in [("creates", creates), ("updates", updates)] {
        let promises = store.check().await.unwrap();
        let broken = promises
            .into_iter()
            .filter_map(|promise| promise.kept.err().map(|breach| breach.to_string()));
        refused.insert(name, broken.collect::<Vec<_>>());
    }
    assert_eq!(
        refused["creates"],
        [
            "16 of 16 did: the store ignores If-None-Match, so two runs would write at once; use another store"
        ]
    );
    assert_eq!(
        refused["updates"],
        [
            "16 of 16 did: the store ignores If-Match, so two runs would write at once; use another store",
            "an object was replaced by somebody who had not seen its last change"
        ]
    );
}

#[cfg(feature = "bucket")]
#[test]
fn an_address_has_no_secret_and_what_it_lacks_is_told() {
    let open = |url: &str, variables: &[(&str, &str)]| {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        BucketStore::open(url, variables).map(|store| store.name())
    };
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "s3cret"),
    ];
    assert_eq!(
        open("s3://acme/licences", &keys).unwrap(),
        "s3://acme/licences"
    );
    let error = open("s3://key:s3cret@acme/licences", &keys).unwrap_err();
    let error = with_causes(&error);
    assert!(
        error.starts_with("cannot open s3://acme/licences: the address of a bucket is"),
        "{error}"
    );
    for url in [
        "s3:acme",
        "s3://",
        "s3://acme:80/x",
        "s3://acme/x?y=s3cret",
        "http://acme/x",
        "gs://",
    ] {
        assert!(open(url, &keys).is_err(), "{url}");
    }
    let half = with_causes(&open("s3://acme", &keys[..1]).unwrap_err());
    assert!(
        half.contains("SecretAccessKey") || half.contains("secret"),
        "{half}"
    );
    let azure = [
        ("AZURE_STORAGE_ACCOUNT_NAME", "acme"),
        ("AZURE_STORAGE_ACCOUNT_KEY", "czNjcmV0"),
    ];
    assert_eq!(open("az://licences", &azure).unwrap(), "az://licences");
    assert!(open("az://licences", &azure[1..]).is_err());
    let google = [
        ("GOOGLE_OAUTH_ACCESS_TOKEN", "s3cret"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/not/there.json"),
    ];
    assert_eq!(open("gs://acme/x", &google).unwrap(), "gs://acme/x");
    assert!(open("gs://acme/x", &google[1..]).is_err());
}

#[tokio::test]
async fn a_person_sees_who_has_a_lease_and_takes_it_away() {
    let (bucket, account) = (TestBucket::new(), key("acme"));
    let (ann, admin) = (bucket.open(), bucket.open());
    assert_eq!(admin.list_leases().await.unwrap(), []);
    let lease = take(&ann, &account, &claim("ann", MINUTE)).await.unwrap();
    ann.append(&[intent("1", "a")], Some(&*lease))
        .await
        .unwrap();
    ann.append(&[intent("2", "b")], None).await.unwrap();
    let state = |epoch, holder: Option<&str>| LeaseState {
        account: account.to_string(),
        epoch,
        holder: holder.map(str::to_string),
        remaining: holder.map(|_| MINUTE),
    };
    assert_eq!(admin.list_leases().await.unwrap(), [state(1, Some("ann"))]);
    assert!(
        !admin
            .unlock("lac https://lac.example.com nobody")
            .await
            .unwrap()
    );
    assert!(admin.unlock(&account.to_string()).await.unwrap());
    assert_eq!(admin.list_leases().await.unwrap(), [state(2, None)]);
    let refused = ann.append(&[intent("1", "late")], Some(&*lease)).await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
    assert!(lease.covers(Duration::ZERO).is_err());
    // A holder that lost its lease changes nothing by giving it back.
    drop(lease);
    ann.close().await;
    let next = take(&ann, &account, &claim("ann", MINUTE)).await.unwrap();
    assert_eq!(next.epoch(), 3);
}

/// Returns the records known of the objects of an account, and how many lines had to be read for them.
async fn known(store: &BucketStore, account: &AccountKey) -> (Vec<Record>, u64) {
    let accounts = std::slice::from_ref(account);
    let memory = Memory::of(store, accounts, Detail::Values).await.unwrap();
    let known = memory.summary(testing::AT, SummaryForm::Plain).collect();
    let mut cursor = Cursor::default();
    let lines = read(store, JournalScope::Accounts(accounts), &mut cursor).await;
    (known, lines.len() as u64)
}

#[tokio::test]
async fn a_summary_and_the_lines_behind_it_are_read_as_the_whole_log_is() {
    let (bucket, account) = (TestBucket::new(), key("acme"));
    let ann = bucket.open();
    let lease = take(&ann, &account, &claim("ann", MINUTE)).await.unwrap();
    for number in 0..6 {
        let run = number.to_string();
        let seats = testing::agreed(&[("activations_allowed", number.into())]);
        let agreed = record(&run, testing::agreement(seats));
        ann.append(&[agreed, intent(&run, "LacLicenseOrder/a")], Some(&*lease))
            .await
            .unwrap();
        let (whole, before) = known(&bucket.open(), &account).await;
        let accounts = std::slice::from_ref(&account);
        compact_accounts(&ann, accounts, 0, testing::AT)
            .await
            .unwrap();
        let (short, after) = known(&bucket.open(), &account).await;
        assert_eq!(short, whole, "{number}");
        // One object, and an open write of each run.
        assert_eq!((before.min(after), after), (after, number + 2));
    }
    let mut cursor = Cursor::default();
    read(
        &ann,
        JournalScope::Accounts(std::slice::from_ref(&account)),
        &mut cursor,
    )
    .await;
    assert_eq!((cursor.lines, cursor.most_unsummarized()), (12, 0));
    // History has all of it.
    assert_eq!(names(&ann).await.len(), 12);
    // A summary of another log counts for nothing, nor does any once lines came without a lease.
    let summary = ann
        .accounts
        .layout
        .summary_path(&layout::account_folder(&account));
    let kept = bucket.0.get(&summary).await.unwrap().unwrap();
    let other = TestBucket::new();
    let bob = other.open();
    let lease = take(&bob, &account, &claim("bob", MINUTE)).await.unwrap();
    bob.append(&[intent("7", "LacLicenseOrder/a")], Some(&*lease))
        .await
        .unwrap();
    other
        .0
        .put(&summary, &kept.body, PutCondition::Absent)
        .await
        .unwrap();
    assert_eq!(known(&bob, &account).await.1, 1);
    ann.append(&[intent("8", "LacLicenseOrder/a")], None)
        .await
        .unwrap();
    assert_eq!(known(&ann, &account).await.1, 13);
}

#[tokio::test(start_paused = true)]
async fn old_lines_go_and_what_they_came_to_stays() {
    let account = key("acme");
    let bucket = TestBucket::new();
    let store = bucket.open();
    let at = |year: &str, run: &str, event| Record {
        at: format!("{year}-01-01T00:00:00Z"),
        ..record(run, event)
    };
    let write = |year: &str, run: &str| {
        let written = testing::write(testing::intent("LacLicenseOrder/a"));
        let ended = testing::ended("LacLicenseOrder/a", crate::apply::Outcome::Converged);
        [at(year, run, written), at(year, run, ended)]
    };
    let lease = wait_for(&store, &account, &claim("ann", MINUTE)).await;
    for (year, run) in [("2020", "1"), ("2021", "2"), ("2200", "3")] {
        store
            .append(&write(year, run), Some(&*lease))
            .await
            .unwrap();
    }
    // The holder of the lease may be writing.
    let before: jiff::Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    let locked = bucket.open().prune(before).await.unwrap_err();
    let locked = with_causes(&locked);
    assert!(locked.contains("is locked by ann"), "{locked}");
    drop(lease);
    store.close().await;
    let reported = async |store: &BucketStore| {
        let accounts = std::slice::from_ref(&account);
        let memory = Memory::of(store, accounts, Detail::Values).await.unwrap();
        memory
            .summary("now", SummaryForm::Plain)
            .collect::<Vec<_>>()
    };
    let known = reported(&store).await;
    let mut cursor = Cursor::default();
    read(
        &store,
        JournalScope::Accounts(std::slice::from_ref(&account)),
        &mut cursor,
    )
    .await;
    assert_eq!(store.prune(before).await.unwrap(), 4);
    assert_eq!(reported(&bucket.open()).await, known);
    let left = names(&bucket.open()).await;
    let of_run = |run: &str| left.iter().filter(|name| name.starts_with(run)).count();
    assert_eq!(
        (of_run("1 "), of_run("2 "), of_run("3 ")),
        (0, 0, 2),
        "{left:?}"
    );
    // Again there is nothing old, and a reader with an earlier cursor goes on.
    assert_eq!(store.prune(before).await.unwrap(), 0);
    assert_eq!(reported(&store).await, known);
    let epoch = wait_for(&bucket.open(), &account, &claim("bob", MINUTE))
        .await
        .epoch();
    assert!(epoch > 2, "{epoch}");
}
