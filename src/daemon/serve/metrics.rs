//! `/metrics` in the format that a scraper asks for. The only file that names the metrics crate.
//!
//! The daemon's counters are in its status and are translated at each scrape. Only the duration of passes and the
//! deliveries at the webhooks are counted here. Labels are bounded: accounts by `ACCOUNTS`, everything else by
//! closed lists.

mod exposition;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::{counter::Counter, info::Info};
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use super::view::{STATES, StateCounts, is_drifted};
use crate::daemon::hooks::{DeliveryResult, Hook};
use crate::daemon::status::{ConnectionStatus, ObjectState, Status};
pub use exposition::Exposition;

/// Accounts that have series of their own. The others are counted together under [`OTHER`], a name that no
/// connection can have.
const ACCOUNTS: usize = 200;
const OTHER: &str = "_other";

type MetricLabels = Vec<(&'static str, String)>;

/// All metrics that are served at `/metrics`.
pub struct Metrics {
    registry: Registry,
    passes: Histogram,
    counted: AtomicU64,
    hooks: Family<MetricLabels, Counter>,
}

impl Metrics {
    pub fn new(status: watch::Receiver<Arc<Status>>) -> Self {
        let mut registry = Registry::with_prefix("entitle");
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_string())];
        registry.register("build", "The program that answers", Info::new(version));
        // From 50 ms for one object to 27 minutes for an account at its vendor's limit.
        let passes = Histogram::new(exponential_buckets(0.05, 2.0, 16));
        registry.register(
            "reconcile_duration_seconds",
            "How long passes took",
            passes.clone(),
        );
        let hooks = Family::<MetricLabels, Counter>::default();
        for (hook, answer) in
            Hook::all().flat_map(|hook| DeliveryResult::ALL.map(|answer| (hook, answer)))
        {
            let _ = hooks.get_or_create(&hook_labels(hook, answer));
        }
        registry.register(
            "hook_deliveries",
            "Deliveries at the webhooks by what became of them",
            hooks.clone(),
        );
        registry.register_collector(Box::new(StatusCollector(status)));
        Self {
            registry,
            passes,
            counted: AtomicU64::new(0),
            hooks,
        }
    }

    /// Counts the passes that were not counted yet, by their number.
    pub fn follow(&self, status: &Status) {
        let Some(newest) = status.passes.back() else {
            return;
        };
        let before = self.counted.fetch_max(newest.number, Ordering::Relaxed);
        for pass in status.passes.iter().filter(|pass| pass.number > before) {
            self.passes.observe(pass.seconds);
        }
    }

    pub fn delivery(&self, hook: Hook, answer: DeliveryResult) {
        self.hooks.get_or_create(&hook_labels(hook, answer)).inc();
    }

    /// Returns all metrics in a format.
    pub fn encode(&self, format: Exposition) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(format.render(out))
    }
}

fn hook_labels(hook: Hook, answer: DeliveryResult) -> MetricLabels {
    vec![
        ("hook", hook.name().to_string()),
        ("result", answer.name().to_string()),
    ]
}

/// The series that are read from the status of the moment.
#[derive(Debug)]
struct StatusCollector(watch::Receiver<Arc<Status>>);

/// One metric with its series.
struct Metric {
    name: &'static str,
    help: &'static str,
    kind: MetricKind,
    series: BTreeMap<MetricLabels, f64>,
}

enum MetricKind {
    Counter,
    Gauge,
}

impl Collector for StatusCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let status = Arc::clone(&self.0.borrow());
        for family in metric_families(&status) {
            let kind = match family.kind {
                MetricKind::Counter => MetricType::Counter,
                MetricKind::Gauge => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(family.name, family.help, None, kind)?;
            // Only gauges of the whole daemon have no labels; `{}` after the name would be legal and odd.
            if let Some(value) = family.series.get(&MetricLabels::new()) {
                ConstGauge::new(*value).encode(metric)?;
                continue;
            }
            for (labels, value) in &family.series {
                let series = metric.encode_family(labels)?;
                match family.kind {
                    MetricKind::Counter => ConstCounter::new(*value).encode(series)?,
                    MetricKind::Gauge => ConstGauge::new(*value).encode(series)?,
                }
            }
        }
        Ok(())
    }
}

/// A metric that only grows.
fn counter_metric(
    name: &'static str,
    help: &'static str,
    series: BTreeMap<MetricLabels, f64>,
) -> Metric {
    Metric {
        name,
        help,
        kind: MetricKind::Counter,
        series,
    }
}

fn gauge_metric(
    name: &'static str,
    help: &'static str,
    series: BTreeMap<MetricLabels, f64>,
) -> Metric {
    Metric {
        name,
        help,
        kind: MetricKind::Gauge,
        series,
    }
}

/// The one series of a gauge of the whole daemon.
fn unlabelled_series(value: f64) -> BTreeMap<MetricLabels, f64> {
    BTreeMap::from([(MetricLabels::new(), value)])
}

fn flag_series(is: bool) -> BTreeMap<MetricLabels, f64> {
    unlabelled_series(f64::from(u8::from(is)))
}

/// Series with one label out of a closed list.
fn labelled_counts(
    label: &'static str,
    counts: &BTreeMap<String, u64>,
) -> Vec<(MetricLabels, f64)> {
    counts
        .iter()
        .map(|(name, count)| (vec![(label, known_label(label, name))], *count as f64))
        .collect()
}

fn metric_families(status: &Status) -> Vec<Metric> {
    let accounts = AccountSeries::new(status);
    let mut families = connection_metrics(status, &accounts);
    families.extend(replica_metrics(status));
    families.extend(object_metrics(&accounts));
    families.extend(daemon_metrics(status));
    families
}

fn connection_metrics(status: &Status, accounts: &AccountSeries<'_>) -> Vec<Metric> {
    let by_connection = |each: &dyn Fn(&ConnectionStatus) -> Vec<(MetricLabels, f64)>| {
        let mut series = BTreeMap::new();
        for (name, connection) in &status.connections {
            for (more, value) in each(connection) {
                let mut labels = accounts.label(name);
                labels.extend(more);
                *series.entry(labels).or_insert(0.0) += value;
            }
        }
        series
    };
    let mut last_success = BTreeMap::new();
    for (name, connection) in &status.connections {
        if let Some(at) = connection.last_success {
            let newest = last_success.entry(accounts.label(name)).or_insert(0.0);
            *newest = f64::max(*newest, at.as_second() as f64);
        }
    }
    vec![
        counter_metric(
            "reconcile",
            "Looks at objects by how they ended",
            by_connection(&|connection| labelled_counts("result", &connection.results)),
        ),
        counter_metric(
            "api_requests",
            "Answers of the vendors by HTTP status; lost for calls without one",
            by_connection(&|connection| labelled_counts("code", &connection.requests)),
        ),
        gauge_metric(
            "last_success_timestamp_seconds",
            "When an object of the account was last found or made as wanted",
            last_success,
        ),
        gauge_metric(
            "locked",
            "Whether another run holds the account's lock",
            by_connection(&|connection| {
                let locked = f64::from(u8::from(connection.locked.is_some()));
                vec![(MetricLabels::new(), locked)]
            }),
        ),
        gauge_metric(
            "account_held",
            "Whether this replica looks after the account",
            by_connection(&|connection| {
                let listed = connection
                    .keeper
                    .as_ref()
                    .is_none_or(|keeper| keeper.is_own);
                vec![(MetricLabels::new(), f64::from(u8::from(listed)))]
            }),
        ),
    ]
}

fn replica_metrics(status: &Status) -> Vec<Metric> {
    let replicas = status.replicas.as_ref();
    vec![
        gauge_metric(
            "replicas",
            "Live replicas of the daemon as this one knows them",
            unlabelled_series(replicas.map_or(1, |replicas| replicas.live.len()) as f64),
        ),
        gauge_metric(
            "sharing_broken",
            "Whether accounts cannot be shared out",
            flag_series(replicas.is_some_and(|replicas| replicas.problem.is_some())),
        ),
    ]
}

fn object_metrics(accounts: &AccountSeries<'_>) -> Vec<Metric> {
    vec![
        gauge_metric(
            "objects",
            "Objects of the manifests in force by state",
            accounts.objects(&|counts| {
                STATES
                    .into_iter()
                    .map(|state| {
                        let label = vec![("state", state.name().to_string())];
                        (label, counts.get(state))
                    })
                    .collect()
            }),
        ),
        gauge_metric(
            "drift_objects",
            "Objects whose live state is known to differ from the manifests",
            accounts.objects(&|counts| {
                let differ = counts
                    .present_states()
                    .filter(|(state, _)| is_drifted(*state));
                vec![(MetricLabels::new(), differ.map(|(_, count)| count).sum())]
            }),
        ),
        gauge_metric(
            "suspended",
            "Objects that are not looked at",
            accounts
                .objects(&|counts| vec![(MetricLabels::new(), counts.get(ObjectState::Suspended))]),
        ),
    ]
}

fn daemon_metrics(status: &Status) -> Vec<Metric> {
    vec![
        gauge_metric(
            "brake_engaged",
            "Whether the brake holds back a large change",
            flag_series(status.brake.engaged),
        ),
        gauge_metric(
            "source_broken",
            "Whether the newest manifests are not in force",
            flag_series(status.source.problem.is_some()),
        ),
        gauge_metric(
            "source_unfollowed",
            "Whether changes of the source go unseen",
            flag_series(status.source.unfollowed.is_some()),
        ),
        gauge_metric(
            "start_time_seconds",
            "When the daemon started",
            unlabelled_series(status.started_at.as_second() as f64),
        ),
    ]
}

/// Returns a label value of a closed list: `other` for a status code that HTTP does not have, since vendors choose
/// theirs.
fn known_label(label: &str, value: &str) -> String {
    let fine = match label {
        "code" => {
            value == "lost"
                || value
                    .parse::<u16>()
                    .is_ok_and(|code| (100..600).contains(&code))
        }
        _ => value == "written" || STATES.iter().any(|state| state.name() == value),
    };
    if fine { value } else { "other" }.to_string()
}

/// The accounts that have series of their own, and the objects of each.
struct AccountSeries<'a> {
    counts: BTreeMap<&'a str, StateCounts>,
    listed: Vec<&'a str>,
}

impl<'a> AccountSeries<'a> {
    fn new(status: &'a Status) -> Self {
        let mut grouped: BTreeMap<&str, Vec<&crate::daemon::status::ObjectStatus>> = status
            .connections
            .keys()
            .map(|name| (name.as_str(), Vec::new()))
            .collect();
        for object in &status.objects {
            grouped.entry(&object.connection).or_default().push(object);
        }
        let counts: BTreeMap<&str, StateCounts> = grouped
            .into_iter()
            .map(|(name, objects)| (name, StateCounts::count_objects(objects)))
            .collect();
        let listed = counts.keys().copied().take(ACCOUNTS).collect();
        Self { counts, listed }
    }

    fn label(&self, name: &str) -> MetricLabels {
        let listed = self.listed.binary_search(&name).is_ok();
        vec![("account", if listed { name } else { OTHER }.to_string())]
    }

    fn objects(
        &self,
        each: &dyn Fn(&StateCounts) -> Vec<(MetricLabels, usize)>,
    ) -> BTreeMap<MetricLabels, f64> {
        let mut series = BTreeMap::new();
        for (name, counts) in &self.counts {
            for (more, count) in each(counts) {
                let mut labels = self.label(name);
                labels.extend(more);
                *series.entry(labels).or_insert(0.0) += count as f64;
            }
        }
        series
    }
}

#[cfg(test)]
mod tests;
