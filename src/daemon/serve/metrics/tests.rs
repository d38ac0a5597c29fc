use std::collections::BTreeSet;

use super::*;
use crate::daemon::serve::samples;

fn served(status: Status) -> String {
    let (_keep, seen) = watch::channel(Arc::new(status));
    Metrics::new(seen)
        .encode(Exposition::OpenMetrics)
        .expect("text")
}

/// The names of all series, without their labels.
fn names(text: &str) -> BTreeSet<String> {
    let series = text.lines().filter(|line| !line.starts_with('#'));
    series
        .filter_map(|line| line.split(['{', ' ']).next())
        .map(str::to_string)
        .collect()
}

#[test]
fn what_is_served_is_what_the_status_says() {
    let text = served(samples::sample_status(200));
    for line in [
        "entitle_reconcile_total{account=\"lac\",result=\"in_sync\"} 4210.0",
        "entitle_api_requests_total{account=\"lac\",code=\"lost\"} 1.0",
        "entitle_objects{account=\"lac\",state=\"failed\"} 1.0",
        "entitle_objects{account=\"lac\",state=\"fought\"} 0.0",
        "entitle_drift_objects{account=\"informatica\"} 3.0",
        "entitle_suspended{account=\"spring\"} 1.0",
        "entitle_locked{account=\"spring\"} 1.0",
        "entitle_account_held{account=\"lac\"} 1.0",
        "entitle_account_held{account=\"alinea\"} 0.0",
        "entitle_replicas 2.0",
        "entitle_sharing_broken 0.0",
        "entitle_brake_engaged 1.0",
        "entitle_source_broken 1.0",
        "entitle_last_success_timestamp_seconds{account=\"lac\"} 1772445588.0",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn passes_are_counted_once() {
    let status = samples::sample_status(20);
    let (_keep, seen) = watch::channel(Arc::new(status.clone()));
    let metrics = Metrics::new(seen);
    metrics.follow(&status);
    metrics.follow(&status);
    let count = |metrics: &Metrics| {
        let text = metrics.encode(Exposition::OpenMetrics).expect("text");
        let mut lines = text.lines();
        let name = "entitle_reconcile_duration_seconds_count ";
        lines.find_map(|line| line.strip_prefix(name).map(str::to_string))
    };
    assert_eq!(count(&metrics).as_deref(), Some("40"));
}

#[test]
fn series_stay_bounded_whatever_vendors_answer_and_however_many_accounts_there_are() {
    let mut status = samples::sample_status(1);
    for number in 0..5_000_u32 {
        let connection = ConnectionStatus {
            vendor: "lac".into(),
            requests: BTreeMap::from([(format!("{}", 600 + number), 1)]),
            results: BTreeMap::from([(format!("odd-{number}"), 1)]),
            ..ConnectionStatus::default()
        };
        status
            .connections
            .insert(format!("account-{number:04}"), connection);
    }
    let text = served(status);
    let lines = text.lines().count();
    assert!(lines < ACCOUNTS * 18 + 200, "{lines}");
    assert!(text.contains("entitle_api_requests_total{account=\"_other\",code=\"other\"}"));
}

#[test]
fn the_dashboard_names_only_what_is_served_and_shows_all_of_it() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/grafana/entitle-watch.json"
    );
    let dashboard = std::fs::read_to_string(path).expect("readable");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let mut asked = BTreeSet::new();
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    for target in targets.flatten() {
        let query = target["expr"].as_str().expect("a query");
        let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let found = query
            .split(word)
            .filter(|word| word.starts_with("entitle_"));
        asked.extend(found.map(str::to_string));
    }
    let (status, seen) = watch::channel(Arc::new(samples::sample_status(200)));
    let metrics = Metrics::new(seen);
    metrics.follow(&status.borrow());
    let served = names(&metrics.encode(Exposition::OpenMetrics).expect("text"));
    let unknown: Vec<_> = asked.difference(&served).collect();
    assert!(unknown.is_empty(), "no such metric: {unknown:?}");
    let parts = |name: &String| name.ends_with("_sum") || name.ends_with("_count");
    let unseen: Vec<_> = served
        .difference(&asked)
        .filter(|name| !parts(name))
        .collect();
    assert!(unseen.is_empty(), "on no panel: {unseen:?}");
}
