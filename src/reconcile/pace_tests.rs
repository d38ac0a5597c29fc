//! How long passes take, on a held clock: the simulators answer without a socket, each call after the same
//! latency, so the times are exact and say how many round trips lie behind each other.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Accounts, ApplyOptions, CheckOptions, Checked, Pass, Settings, Simulators};
use crate::apply::http::{Answered, Body, Http, Outgoing, Wire};
use crate::apply::journal::{JournalEvent, Record};
use crate::apply::recorder::Recorder;
use crate::apply::store::RecordQueue;
use crate::apply::store::testing::ScriptedStore;
use crate::apply::{
    Account, Listener, Opened, Outcome, Report, Secrets, Tls, TransportError, Trust,
};
use crate::cli::simulators;
use crate::manifest::Loaded;
use crate::model::diagnostic::Source;
use crate::model::{Limits, Method, RateLimit, Reply, WriteChecks};
use crate::plan::{Disposition, Planned};
use crate::provider;
use crate::sandbox::{Options, Population, SandboxServer};

/// A simulator that is reached without a socket.
struct Inside {
    vendor: &'static str,
    sandbox: Arc<SandboxServer>,
    latency: Duration,
    start: Instant,
    /// How far the simulators' clock has followed.
    followed: Mutex<Duration>,
    /// How long it takes until the account shows a write that was accepted.
    lag: Duration,
    /// The account that shows then.
    late: Mutex<Option<(Instant, serde_json::Value)>>,
}

impl Wire for Inside {
    fn carry<'a>(
        &'a self,
        outgoing: &'a Outgoing<'_>,
    ) -> BoxFuture<'a, Result<Answered, TransportError>> {
        Box::pin(async move {
            sleep(self.latency).await;
            self.follow();
            self.arrive();
            let is_late = self.lag > Duration::ZERO && outgoing.method == Method::Put;
            let before = is_late.then(|| self.account());
            let reply = self.answer(outgoing);
            if let Some(before) = before {
                let late = (Instant::now() + self.lag, self.account());
                *self.late.lock().expect("no test panicked") = Some(late);
                self.set_account(before);
            }
            Ok(Answered {
                reply,
                after: None,
                date: None,
            })
        })
    }
}

impl Inside {
    /// The simulators' clock goes on as the held one does.
    fn follow(&self) {
        let mut followed = self.followed.lock().expect("no test panicked");
        let now = self.start.elapsed();
        let by = SignedDuration::try_from(now - *followed).expect("minutes at most");
        self.sandbox.advance_clock(by);
        *followed = now;
    }

    /// Shows a write whose time has come.
    fn arrive(&self) {
        let mut late = self.late.lock().expect("no test panicked");
        if let Some((_, account)) = late.take_if(|(due, _)| *due <= Instant::now()) {
            self.set_account(account);
        }
    }

    fn account(&self) -> serde_json::Value {
        let account = self.sandbox.state(self.vendor);
        account.expect("a simulator")
    }

    fn set_account(&self, account: serde_json::Value) {
        let set = self.sandbox.set_state(self.vendor, account);
        set.expect("it was an account before");
    }

    fn answer(&self, outgoing: &Outgoing<'_>) -> Reply {
        let method = match outgoing.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let mut headers = BTreeMap::new();
        if let Some((name, value)) = &outgoing.credential {
            headers.insert(name.to_lowercase(), value.clone());
        }
        let (kind, body) = match &outgoing.body {
            Body::None => ("application/json", Vec::new()),
            Body::Json(json) => ("application/json", json.to_string().into_bytes()),
            Body::Form(form) => {
                let mut text = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in *form {
                    text.append_pair(name, value);
                }
                let kind = "application/x-www-form-urlencoded";
                (kind, text.finish().into_bytes())
            }
        };
        headers.insert("content-type".into(), kind.into());
        let url = &outgoing.url;
        let query = url.query().map(|query| format!("?{query}"));
        let target = format!("{}{}", url.path(), query.unwrap_or_default());
        let answer = self.sandbox.answer(method, &target, headers, body);
        let content_type = answer
            .headers
            .iter()
            .find(|(name, _)| name == "content-type")
            .map_or(String::new(), |(_, value)| value.clone());
        Reply {
            remark: None,
            status: answer.status,
            body: String::from_utf8(answer.body).expect("simulators answer in UTF-8"),
            content_type,
        }
    }
}

/// One vendor's populated account, and manifests of its objects.
struct Scene {
    vendor: &'static str,
    sandbox: Arc<SandboxServer>,
    checked: Checked,
    accounts: Accounts,
    settings: Settings,
}

thread_local! {
    /// When the test began; its runtime has one thread.
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The time of the pass, which goes on with the held clock.
fn clock() -> Timestamp {
    let gone = START.get().map_or(Duration::ZERO, |start| start.elapsed());
    let noon: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a valid time");
    noon + gone
}

impl Scene {
    /// So many objects at a vendor, of which this percentage differs from the manifests.
    async fn new(
        vendor: &'static str,
        objects: usize,
        drift: f64,
        latency: Duration,
        limits: Option<Limits>,
    ) -> Self {
        Self::with_lag(vendor, objects, drift, latency, limits, Duration::ZERO).await
    }

    /// The same, of a vendor whose accepted writes show only after a while.
    async fn with_lag(
        vendor: &'static str,
        objects: usize,
        drift: f64,
        latency: Duration,
        limits: Option<Limits>,
        lag: Duration,
    ) -> Self {
        let population = Population {
            objects,
            vendors: vec![vendor.into()],
        };
        let options = Options {
            population: population.clone(),
            ..Options::default()
        };
        let sandbox = Arc::new(SandboxServer::start(options).await.expect("loopback"));
        let mut connections = simulators::stand_ins(sandbox.address());
        connections.retain(|connection| connection.vendor.0 == vendor);
        if let Some(limits) = limits {
            connections[0].limits = limits;
        }
        let texts: Vec<String> = population
            .manifests(vendor, drift)
            .expect("a vendor of the sandbox")
            .collect();
        let loaded = Loaded {
            sources: vec![Arc::new(Source::new(
                "all.yaml".into(),
                texts.join("---\n"),
            ))],
            ..Loaded::default()
        };
        let options = CheckOptions {
            need_connections: true,
            simulators: Some(Simulators::of_run(connections.clone())),
            ..CheckOptions::default()
        };
        let checked = super::check_manifests(loaded, &options);
        assert!(!checked.findings.has_errors());
        assert_eq!(checked.desired.len(), objects);
        let start = Instant::now();
        START.set(Some(start));
        let settings = Settings {
            secrets: Secrets {
                environment: Arc::new(|_| None),
                trust: Trust::default(),
            },
            tls: Tls::default(),
            parallelism: 16,
            deadline: start + Duration::from_secs(3600),
            clock,
            stop: Arc::default(),
            sandbox: true,
            events: Listener::default(),
            checks: WriteChecks::default(),
            opened: Opened::default(),
            budgets: Default::default(),
        };
        let connection = connections.remove(0);
        let provider =
            provider::provider_of(connection.vendor).expect("a provider for every vendor");
        let wire = Inside {
            sandbox: Arc::clone(&sandbox),
            latency,
            start,
            followed: Mutex::default(),
            vendor,
            lag,
            late: Mutex::default(),
        };
        let limits = provider.limits_for(&connection);
        let http = Http::over(Box::new(wire), &limits, settings.deadline);
        let name = connection.name.clone();
        let account = Account::over(http, connection, provider, settings.secrets.clone());
        Self {
            vendor,
            sandbox,
            checked,
            accounts: Accounts::from([(name, Arc::new(account))]),
            settings,
        }
    }

    /// Plans, and says how long it took.
    async fn plan(&self) -> (Pass, Duration) {
        let start = Instant::now();
        let pass = super::plan_with(&self.checked, &self.settings, &self.accounts).await;
        let unread = |planned: &&Planned| {
            matches!(planned.action, Disposition::Missing | Disposition::Error)
        };
        let unread = pass.planned.iter().find(unread);
        let unread = unread.map(|planned| &planned.message);
        assert_eq!(unread, None, "{}", self.vendor);
        (pass, start.elapsed())
    }

    async fn reports(&self, pass: &Pass) -> Vec<Report> {
        self.recorded(pass, None).await
    }

    /// Carries out a plan and writes it down in a store, if there is one.
    async fn recorded(&self, pass: &Pass, queue: Option<Arc<RecordQueue>>) -> Vec<Report> {
        let options = ApplyOptions {
            accepted: None,
            fail_fast: false,
            recorder: Recorder::new(queue, "test", Default::default(), clock),
        };
        super::apply_plan(pass, &options, &self.settings).await
    }

    /// Carries out a plan, and says how long it took.
    async fn apply(&self, pass: &Pass) -> Duration {
        let start = Instant::now();
        for report in self.reports(pass).await {
            let written = report.planned.step.is_some();
            let expected = written.then_some(Outcome::Converged);
            assert_eq!(
                (report.outcome, report.message),
                (expected, None),
                "{}",
                self.vendor
            );
        }
        start.elapsed()
    }

    /// Every request that the vendor got, by its status.
    fn statuses(&self) -> BTreeMap<u16, usize> {
        let mut statuses = BTreeMap::new();
        for seen in self.sandbox.requests() {
            *statuses.entry(seen.status).or_default() += 1;
        }
        statuses
    }
}

const LATENCY: Duration = Duration::from_millis(20);

#[tokio::test(start_paused = true)]
async fn a_thousand_objects_in_lists_are_three_round_trips_away() {
    // LAC: a login, eleven pages of orders and two of customers.
    for (vendor, logins, calls) in [
        ("cryptlex", 0, 10),
        ("lac", 1, 14),
        ("licensespring", 0, 10),
    ] {
        let scene = Scene::new(vendor, 1_000, 0.0, LATENCY, None).await;
        let (_, taken) = scene.plan().await;
        assert!(taken <= (logins + 3) * LATENCY, "{vendor}: {taken:?}");
        assert!(taken <= Duration::from_millis(100), "{vendor}: {taken:?}");
        assert_eq!(scene.statuses(), BTreeMap::from([(200, calls)]), "{vendor}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_list_no_place_is_ever_idle() {
    for (vendor, logins, calls) in [("informatica", 1, 1_000), ("alinea", 0, 2_000)] {
        let scene = Scene::new(vendor, 1_000, 0.0, LATENCY, None).await;
        let (_, taken) = scene.plan().await;
        // Ten calls at once, and none before the login.
        assert_eq!(taken, LATENCY * (logins + calls / 10), "{vendor}");
        let calls = (calls + logins) as usize;
        assert_eq!(scene.statuses(), BTreeMap::from([(200, calls)]), "{vendor}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_of_cryptlex_is_filled_and_never_overrun() {
    for (licences, pages) in [(2_000, 20), (6_000, 60)] {
        let scene = Scene::new("cryptlex", licences, 0.0, LATENCY, None).await;
        let strict = json!({"rate_limit": true});
        let set = scene.sandbox.set_switches("cryptlex", strict);
        set.expect("a switch of the simulator");
        let (_, taken) = scene.plan().await;
        // No other status: not one 429.
        assert_eq!(scene.statuses(), BTreeMap::from([(200, pages as usize)]));
        // 50 in 5 seconds are one in a tenth of a second.
        let paced = Duration::from_millis(100) * pages;
        assert!(taken <= paced * 11 / 10, "{taken:?} for {paced:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_apply_does_not_wait_for_a_plan_of_the_same_account() {
    let limits = Limits {
        concurrency: 1,
        rates: Vec::new(),
    };
    let scene = Scene::new("alinea", 100, 10.0, LATENCY, Some(limits)).await;
    let (pass, _) = scene.plan().await;
    let ((_, planned), applied) = futures::join!(scene.plan(), scene.apply(&pass));
    // A write and four looks each for ten objects, of which each step may let one read go first; 200 reads.
    assert_eq!(planned.max(applied), 250 * LATENCY);
    assert!(applied <= 75 * LATENCY, "{applied:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_waits_for_its_store_once_and_an_apply_for_all_that_it_wrote_down() {
    let limits = Limits {
        concurrency: 1,
        rates: Vec::new(),
    };
    let scene = Scene::new("alinea", 100, 10.0, LATENCY, Some(limits)).await;
    let store = ScriptedStore::new(LATENCY, 0);
    let (pass, _) = scene.plan().await;
    let start = Instant::now();
    let reports = scene
        .recorded(&pass, Some(RecordQueue::new(store.clone())))
        .await;
    let taken = start.elapsed();
    let well = |report: &&Report| report.outcome == Some(Outcome::Converged);
    assert_eq!(reports.iter().filter(well).count(), 10);
    // A write and four looks each for ten objects, behind the first intents and before the last outcome. Three intents
    // are ahead at a time, so that each later one takes an outcome along.
    assert_eq!(taken, (50 + 2) * LATENCY, "{taken:?}");
    let kinds = store.appended().into_iter().map(|group| {
        let is_outcome = |record: &Record| matches!(record.event, JournalEvent::Outcome(_));
        group.iter().map(is_outcome).collect::<Vec<bool>>()
    });
    let mut expected = vec![vec![false; 3]];
    expected.extend(vec![vec![true, false]; 7]);
    expected.extend(vec![vec![true]; 3]);
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_store_as_far_away_as_the_vendor_makes_an_apply_no_slower() {
    for (vendor, store_latency) in [("lac", 20), ("lac", 40), ("cryptlex", 20), ("alinea", 20)] {
        let store_latency = Duration::from_millis(store_latency);
        let mut taken = Vec::new();
        for store in [None, Some(ScriptedStore::new(store_latency, 0))] {
            let limits = Limits {
                concurrency: 10,
                rates: Vec::new(),
            };
            let scene = Scene::new(vendor, 400, 100.0, LATENCY, Some(limits)).await;
            let (pass, _) = scene.plan().await;
            let start = Instant::now();
            let queue = store.map(|store| RecordQueue::new(store));
            let reports = scene.recorded(&pass, queue).await;
            taken.push(start.elapsed());
            let well = |report: &&Report| report.outcome == Some(Outcome::Converged);
            assert_eq!(reports.iter().filter(well).count(), 400, "{vendor}");
        }
        assert!(
            taken[1] <= taken[0] * 105 / 100,
            "{vendor}: {taken:?} with a store at {store_latency:?}"
        );
    }
}

/// Writes a thousand objects, at 20 calls in a second, and compares the time with the plan's estimate.
async fn estimate(vendor: &'static str, millis: u64) {
    let limits = Limits {
        concurrency: 10,
        rates: vec![RateLimit {
            requests: 20,
            per: Duration::from_secs(1),
        }],
    };
    let latency = Duration::from_millis(millis);
    let scene = Scene::new(vendor, 1_000, 100.0, latency, Some(limits)).await;
    let (pass, _) = scene.plan().await;
    assert_eq!(pass.document.summary.requests, 1_000);
    let estimated = pass.document.summary.estimated_seconds;
    let taken = scene.apply(&pass).await.as_secs_f64();
    let off = estimated / taken - 1.0;
    assert!(
        off.abs() < 0.2,
        "{vendor} at {millis} ms: {estimated} s for {taken} s"
    );
}

#[tokio::test(start_paused = true)]
async fn the_estimate_is_within_a_fifth_where_nothing_is_shown_twice() {
    // Cryptlex merges; the others replace, but the reply shows what came of it.
    for (vendor, millis) in [("cryptlex", 20), ("lac", 100), ("licensespring", 200)] {
        estimate(vendor, millis).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_estimate_is_within_a_fifth_where_a_write_is_read_again() {
    for (vendor, millis) in [("informatica", 20), ("alinea", 100)] {
        estimate(vendor, millis).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_shows_late_is_waited_for_as_long_as_it_may_take() {
    let seconds = Duration::from_secs;
    for vendor in ["informatica", "alinea"] {
        for (lag, settle, outcome) in [
            (5, 10, Outcome::Converged),
            (5, 2, Outcome::Unconverged),
            (30, 10, Outcome::Unconverged),
        ] {
            let lag = seconds(lag);
            let mut scene = Scene::with_lag(vendor, 1, 100.0, LATENCY, None, lag).await;
            scene.settings.checks.settle = seconds(settle);
            let (pass, _) = scene.plan().await;
            let start = Instant::now();
            let reports = scene.reports(&pass).await;
            assert_eq!(reports[0].outcome, Some(outcome), "{vendor}: {lag:?}");
            assert!(start.elapsed() < seconds(settle + 1), "{vendor}: {lag:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_late_write_beyond_the_end_of_the_run() {
    let lag = Duration::from_secs(30);
    let mut scene = Scene::with_lag("informatica", 1, 100.0, LATENCY, None, lag).await;
    scene.settings.checks.settle = Duration::from_secs(3600);
    let (pass, _) = scene.plan().await;
    let account = scene.accounts.values().next().expect("one account");
    account.set_deadline(Instant::now() + Duration::from_secs(10));
    let start = Instant::now();
    let reports = scene.reports(&pass).await;
    assert_eq!(reports[0].outcome, Some(Outcome::Unconverged));
    assert!(start.elapsed() <= Duration::from_secs(10));
}
