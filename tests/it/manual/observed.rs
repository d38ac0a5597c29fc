//! The reference of what other programs read: metrics, events, documents, codes and topics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entitle::daemon::serve::metrics::{Exposition, Metrics};
use entitle::daemon::status::Status;
use entitle::model::codes::CODE_GROUPS;
use entitle::model::notification::NoticeKind;
use serde_json::Value as Json;

use super::markdown::{cell, code, head, row};
use super::schema::members;
use crate::compatibility;

/// A metric as a scraper sees it.
pub struct ServedMetric {
    pub name: String,
    pub kind: String,
    pub labels: BTreeSet<String>,
    about: String,
}

/// Reads the metrics that a daemon with the kept status serves.
pub fn served_metrics() -> Vec<ServedMetric> {
    let kept = compatibility::kept_document("status.json");
    let status: Status = serde_json::from_value(kept).expect("a status");
    let (_keep, receiver) = tokio::sync::watch::channel(Arc::new(status));
    let served = Metrics::new(receiver).encode(Exposition::Text);
    let served = served.expect("text");
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in served.lines().filter(|line| !line.starts_with('#')) {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        let names = labels.entry(&line[..end]).or_default();
        let inner = line
            .split_once('{')
            .and_then(|(_, rest)| rest.rsplit_once('}'));
        let inner = inner.map_or("", |(inner, _)| inner);
        names.extend(
            inner
                .split("\",")
                .filter_map(|pair| Some(pair.split_once('=')?.0)),
        );
    }
    let mut described: BTreeMap<&str, &str> = BTreeMap::new();
    let mut metrics = Vec::new();
    for line in served.lines() {
        if let Some((name, about)) = comment(line, "# HELP ") {
            described.insert(name, about);
        }
        let Some((name, kind)) = comment(line, "# TYPE ") else {
            continue;
        };
        let series = labels.iter().filter(|(series, _)| {
            **series == name || kind == "histogram" && **series == format!("{name}_bucket")
        });
        let labels = series.flat_map(|(_, names)| names.iter().map(ToString::to_string));
        metrics.push(ServedMetric {
            name: name.into(),
            kind: kind.into(),
            labels: labels.collect(),
            about: described.get(name).copied().unwrap_or_default().into(),
        });
    }
    metrics
}

/// Splits a comment about a metric into its name and the rest.
fn comment<'a>(line: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(start)?.split_once(' ')
}

/// Returns the page of the metrics.
pub fn metrics() -> String {
    let mut page = String::from(
        "# Metrics\n\n`entitle watch --listen ADDRESS` serves them at `/metrics`, in the text format of Prometheus or as \
         OpenMetrics, as the scraper asks. Names and labels are a contract. An account is a connection of the manifests; \
         beyond 200 of them the others are counted together as `_other`.\n\n",
    );
    page += &head(&["metric", "type", "labels", "what it counts"]);
    for metric in served_metrics() {
        let labels: Vec<String> = metric.labels.iter().map(|label| code(label)).collect();
        let (name, about) = (code(&metric.name), cell(&metric.about));
        page += &row(&[name, metric.kind, labels.join(", "), about]);
    }
    page + "\n`deploy/grafana` has a dashboard of them, `deploy/kubernetes/scrape.yaml` the rules by which Prometheus finds \
            them.\n"
}

fn schema(name: &str) -> Json {
    let mut all = entitle::cli::all_schemas();
    all.find(|(file, _)| *file == name).expect("there").1
}

/// Returns the page of the events of a run and of the notices of the daemon.
pub fn events() -> String {
    let mut page = String::from(
        "# Events and notices\n\n## Events of a run\n\n`entitle apply --events FILE` writes a JSON line for each, with its \
         time in `at`. Readers pass over types that they do not know. The schema is `schemas/events.json`.\n\n",
    );
    page += &head(&["type", "when", "members"]);
    let schema = schema("events.json");
    for event in schema["oneOf"].as_array().expect("a list") {
        let name = event["properties"]["type"]["const"]
            .as_str()
            .expect("a name");
        let members = event["properties"].as_object().expect("members");
        let members: Vec<String> = members
            .keys()
            .filter(|name| *name != "type")
            .map(|name| code(name))
            .collect();
        let about = event["description"].as_str().unwrap_or_default();
        page += &row(&[code(name), cell(about), members.join(", ")]);
    }
    page += "\n## Notices of the daemon\n\nA `Notification` document ([format](format.md#notification)) names those that it \
             wants under `events`; without any it gets all.\n\n";
    page += &head(&["event", "when"]);
    for kind in NoticeKind::ALL {
        page += &row(&[code(kind.name()), cell(kind.about())]);
    }
    page
}

/// Returns the page of the JSON documents: their schemas and members.
pub fn documents() -> String {
    let mut page = String::from(
        "# JSON documents\n\nWhat `--format json` and `--json` print, and what is saved. `entitle schema NAME` prints the \
         schema, which describes each member; `entitle schema --out DIR` writes all. Documents with a `format_version` \
         keep the [promise](../compatibility.md) of it.\n",
    );
    for (file, schema) in entitle::cli::all_schemas() {
        let name = file.trim_end_matches(".json");
        if name == "manifest" || name == "events" {
            continue;
        }
        page += &format!("\n## {name}\n\n");
        if let Some(about) = schema["description"].as_str() {
            page += &format!("{}\n\n", about.replace('<', "\\<"));
        }
        page += &members(&schema, "/properties");
    }
    page
}

/// Returns the page of all codes with cause and cure.
pub fn codes() -> String {
    let mut page = String::from(
        "# Diagnostic codes\n\nEach finding, and each problem of a connection, has a code. `entitle help CODE` prints its entry \
         in the terminal. Codes are part of the JSON formats and keep their names.\n",
    );
    for group in CODE_GROUPS {
        page += &format!("\n## {}\n", group.title);
        for entry in group.codes {
            let (cause, cure) = (cell(entry.cause), cell(entry.cure));
            page += &format!("\n### {}\n\n{cause}\n\n**Cure:** {cure}\n", entry.code);
        }
    }
    page
}

/// Returns the page of the topics of `entitle help`.
pub fn topics() -> String {
    let mut page = String::from(
        "# The manual in the terminal\n\n`entitle help TOPIC` prints these pages, without a network and for the version that is \
         installed.\n",
    );
    for topic in entitle::cli::TOPICS {
        page += &format!(
            "\n## {}\n\n{}.\n\n```text\n{}```\n",
            topic.name,
            capital(topic.about),
            topic.text
        );
    }
    page
}

/// Returns a text with its first letter in upper case.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().to_string() + letters.as_str()
    })
}
