//! One sandbox, manifests as JSON, and the pass over real HTTP: what conformance tests are made of.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use entitle::apply::recorder::Recorder;
use entitle::apply::{Listener, Outcome, Report, Secrets, Tls, Trust};
use entitle::cli::simulators;
use entitle::manifest::Loaded;
use entitle::model::diagnostic::Source;
use entitle::model::{Connection, Risk, WriteChecks};
use entitle::plan::guard::Accepted;
use entitle::plan::{Disposition, Planned};
use entitle::reconcile::{self, ApplyOptions, CheckOptions, Checked, Pass, Settings, Simulators};
use entitle::sandbox::{Options, RecordedRequest, SandboxServer};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::proxy::{Passed, Proxy, Spoil, is_login};
use super::pure;

/// One manifest of an object.
#[derive(Clone, Debug)]
pub struct Object {
    pub kind: &'static str,
    pub name: String,
    /// The identity members.
    pub ids: Json,
    pub desired: Json,
    pub policy: Json,
}

impl Object {
    pub fn new(kind: &'static str, name: &str, ids: Json, desired: Json) -> Self {
        Self {
            kind,
            name: name.into(),
            ids,
            desired,
            policy: json!({}),
        }
    }

    pub fn policy(mut self, policy: Json) -> Self {
        self.policy = policy;
        self
    }

    /// The manifest, which is JSON and so YAML.
    pub fn text(&self) -> String {
        let mut spec = self.ids.clone();
        spec["policy"] = self.policy.clone();
        spec["desired"] = self.desired.clone();
        let document = json!({
            "apiVersion": "entitle.dev/v1",
            "kind": self.kind,
            "metadata": {"name": self.name},
            "spec": spec,
        });
        serde_json::to_string_pretty(&document).expect("JSON is printable") + "\n"
    }
}

/// The certificates of the system, read once for all tests of a process.
static TLS: LazyLock<Tls> = LazyLock::new(Tls::default);

/// More time than any pass needs, also where many share a slow machine: a pass that runs out of it reports a write as
/// unclear that may never have left.
pub const AMPLE: Duration = Duration::from_secs(3600);

/// Settings of one pass over simulators.
pub fn settings(clock: fn() -> Timestamp) -> Settings {
    Settings {
        secrets: Secrets {
            environment: Arc::new(|_| None),
            trust: Trust::default(),
        },
        tls: TLS.clone(),
        parallelism: 16,
        deadline: Instant::now() + AMPLE,
        clock,
        stop: Arc::default(),
        sandbox: true,
        events: Listener::default(),
        checks: quick(),
        opened: Default::default(),
        budgets: Default::default(),
    }
}

/// A sandbox and how it is reached.
pub struct Bench {
    /// Shared with the rules of a proxy, which may look at accounts and change them.
    pub sandbox: Arc<SandboxServer>,
    pub connections: Vec<Connection>,
    pub proxy: Option<Proxy>,
    /// The time of the pass; the simulators have a clock of their own.
    pub clock: fn() -> Timestamp,
    /// Who is told what happens.
    pub events: Listener,
    pub checks: WriteChecks,
}

/// Checks of writes for tests on the real clock, in which no vendor is late for long.
pub fn quick() -> WriteChecks {
    WriteChecks {
        settle: Duration::from_millis(1_400),
        ..WriteChecks::default()
    }
}

impl Bench {
    pub async fn new() -> Self {
        let sandbox = SandboxServer::start(Options::default())
            .await
            .expect("loopback");
        let connections = simulators::stand_ins(sandbox.address());
        Self {
            sandbox: Arc::new(sandbox),
            connections,
            proxy: None,
            clock: pure::now,
            events: Listener::default(),
            checks: quick(),
        }
    }

    /// A sandbox behind a proxy that spoils what `rule` says.
    pub async fn spoiled(
        rule: impl Fn(usize, &Passed) -> Option<Spoil> + Send + Sync + 'static,
    ) -> Self {
        let mut bench = Self::new().await;
        bench.spoil(rule).await;
        bench
    }

    /// Puts a proxy in front that spoils what `rule` says.
    pub async fn spoil(
        &mut self,
        rule: impl Fn(usize, &Passed) -> Option<Spoil> + Send + Sync + 'static,
    ) {
        let proxy = Proxy::start(self.sandbox.address(), rule).await;
        for connection in &mut self.connections {
            let port = proxy.address.port();
            connection.base_url.set_port(Some(port)).expect("a port");
        }
        self.proxy = Some(proxy);
    }

    /// `http://host:port` by which the simulators are reached.
    pub fn address(&self) -> String {
        let own = self.sandbox.address();
        let address = self.proxy.as_ref().map_or(own, |proxy| proxy.address);
        format!("http://{address}")
    }

    /// Checks manifests without asserting anything about them.
    pub fn findings(&self, objects: &[Object]) -> Checked {
        let texts = objects
            .iter()
            .map(|object| (format!("{}.yaml", object.name), object.text()));
        self.check_texts(texts)
    }

    /// Checks manifests given as named texts.
    pub fn check_texts(
        &self,
        texts: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Checked {
        let sources = texts
            .into_iter()
            .map(|(name, text)| Arc::new(Source::new(name.into(), text.into())));
        let loaded = Loaded {
            sources: sources.collect(),
            ..Loaded::default()
        };
        let options = CheckOptions {
            need_connections: true,
            simulators: Some(Simulators::of_run(self.connections.clone())),
            ..CheckOptions::default()
        };
        reconcile::check_manifests(loaded, &options)
    }

    /// Checks manifests in which nothing is wrong.
    #[track_caller]
    pub fn check(&self, objects: &[Object]) -> Checked {
        let checked = self.findings(objects);
        let found: Vec<&str> = checked
            .findings
            .iter()
            .map(|f| f.message.as_str())
            .collect();
        assert!(found.is_empty(), "{found:?} in {objects:#?}");
        checked
    }

    pub fn settings(&self) -> Settings {
        Settings {
            events: self.events.clone(),
            checks: self.checks,
            ..settings(self.clock)
        }
    }

    pub async fn pass(&self, checked: &Checked) -> Pass {
        reconcile::plan_pass(checked, &self.settings()).await
    }

    pub async fn plan(&self, objects: &[Object]) -> Vec<Planned> {
        self.pass(&self.check(objects)).await.planned
    }

    /// Carries a pass out as a person who said yes would.
    pub async fn carry_out(&self, pass: Pass) -> Vec<Report> {
        self.run(&pass, None).await
    }

    /// Carries a pass out as an unattended run would.
    pub async fn carry_out_alone(&self, pass: Pass, accepted: Risk) -> Vec<Report> {
        self.run(&pass, Some(Accepted { risk: accepted })).await
    }

    async fn run(&self, pass: &Pass, accepted: Option<Accepted>) -> Vec<Report> {
        let options = ApplyOptions {
            accepted,
            fail_fast: false,
            recorder: Recorder::new(None, "test", Default::default(), self.clock),
        };
        reconcile::apply_plan(pass, &options, &self.settings()).await
    }

    pub async fn apply(&self, objects: &[Object]) -> Vec<Report> {
        self.carry_out(self.pass(&self.check(objects)).await).await
    }

    /// Plans, applies and shows that a second round finds nothing to do: the paths that were changed.
    pub async fn round(&self, objects: &[Object]) -> Vec<String> {
        let checked = self.check(objects);
        let pass = self.pass(&checked).await;
        let changed = pass.planned.iter().flat_map(paths).collect();
        for report in self.carry_out(pass).await {
            if report.planned.changes.is_empty() {
                in_sync(&report.planned);
            } else {
                converged(&report);
            }
        }
        self.sandbox.forget_requests();
        let again = self.pass(&checked).await;
        for planned in &again.planned {
            in_sync(planned);
        }
        for report in self.carry_out(again).await {
            assert_eq!(report.outcome, None, "{:?}", report.message);
        }
        assert_eq!(self.writes(), [""; 0], "the second apply writes nothing");
        changed
    }

    /// The requests that came by the proxy, those that never reached the sandbox too.
    pub fn passed(&self) -> Vec<Passed> {
        self.proxy.as_ref().map(Proxy::passed).unwrap_or_default()
    }

    fn count(&self, wanted: impl Fn(&RecordedRequest) -> bool) -> Vec<String> {
        let requests = self.sandbox.requests().into_iter();
        let wanted = requests.filter(wanted);
        wanted
            .map(|seen| format!("{} {}", seen.method, seen.path))
            .collect()
    }

    pub fn reads(&self) -> Vec<String> {
        self.count(|seen| seen.method == "GET")
    }

    pub fn logins(&self) -> Vec<String> {
        self.count(|seen| is_login(&seen.path))
    }

    pub fn writes(&self) -> Vec<String> {
        self.count(|seen| seen.method != "GET" && !is_login(&seen.path))
    }
}

/// The changed paths of a plan.
pub fn paths(planned: &Planned) -> Vec<String> {
    planned.changes.iter().map(|c| c.path.to_string()).collect()
}

#[track_caller]
pub fn in_sync(planned: &Planned) {
    // A remark about what an object that is there has no use for.
    let message = planned.message.as_deref();
    let message = message.filter(|words| !words.ends_with("only used at creation"));
    assert_eq!(
        (planned.action, paths(planned), message),
        (Disposition::None, Vec::new(), None),
        "{}",
        planned.desired.address
    );
}

#[track_caller]
pub fn converged(report: &Report) {
    assert_eq!(
        (report.outcome, &report.message),
        (Some(Outcome::Converged), &None),
        "{}: {:?}",
        report.planned.desired.address,
        paths(&report.planned)
    );
    assert_eq!(report.side_effects, [""; 0]);
}

/// The one report of an apply of one object.
#[track_caller]
pub fn only_report(reports: Vec<Report>) -> Report {
    let [report] = <[Report; 1]>::try_from(reports).expect("one object, one report");
    report
}
