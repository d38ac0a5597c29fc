//! Planning without network and process: manifests and literal replies in, a plan out.

use std::collections::BTreeMap;
use std::sync::Arc;

use entitle::manifest::Loaded;
use entitle::model::diagnostic::Source;
use entitle::model::{Call, Desired, Limits, Observed, PolicyMode, Reply, WriteChecks};
use entitle::plan::dependencies::order_steps;
use entitle::plan::document::PlanDocument;
use entitle::plan::estimate::Pace;
use entitle::plan::source_facts::SourceFacts;
use entitle::plan::{self, Planned};
use entitle::provider::references::{LookedUp, Referents};
use entitle::provider::staged_reading::read_in_stages;
use entitle::provider::{self, reading::Answer};
use entitle::reconcile::{self, CheckOptions, Checked};
use jiff::Timestamp;
use serde_json::Value as Json;

/// The moment at which every pure test happens.
pub fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().expect("a valid time")
}

/// Checks manifests given as named texts.
pub fn check(texts: &[(&str, &str)]) -> Checked {
    let sources = texts
        .iter()
        .map(|(name, text)| Arc::new(Source::new((*name).into(), (*text).into())))
        .collect();
    let loaded = Loaded {
        sources,
        ..Loaded::default()
    };
    reconcile::check_manifests(loaded, &CheckOptions::default())
}

/// What a vendor answers, by the name of the call, for example `GET /v3/…`.
///
/// A value is the JSON body of a 200, or `{"$status": N, "$body": …}`; a text body is sent as it is.
pub type Replies = BTreeMap<String, Json>;

/// Drives the readings of the checked objects with literal replies. Returns what was observed and the
/// calls in the order they were made; a call without a reply is a fault of the test or of the reading.
pub fn observe(
    checked: &Checked,
    replies: &Replies,
) -> Result<(BTreeMap<String, Observed>, Vec<String>), String> {
    let mut by_vendor: BTreeMap<&str, Vec<&Desired>> = BTreeMap::new();
    let read = |object: &&std::sync::Arc<Desired>| object.policy.mode != PolicyMode::Suspend;
    for object in checked.desired.iter().filter(read) {
        by_vendor.entry(object.vendor.0).or_default().push(object);
    }
    let (mut observed, mut calls) = (BTreeMap::new(), Vec::new());
    for (_, objects) in by_vendor {
        let provider = provider::provider_of(objects[0].vendor).ok_or("no provider")?;
        let mut reading = read_in_stages(provider, &objects, &stated(checked), true);
        loop {
            let ready = reading.ready();
            if ready.is_empty() {
                break;
            }
            for (ticket, call) in ready {
                let name = call.name();
                let reply =
                    reply(replies, &call).ok_or_else(|| format!("unexpected call {name}"))?;
                calls.push(name);
                reading.take(ticket, Answer::Reply(reply));
            }
        }
        let found = reading.finish().into_iter().map(|(_, found)| found);
        observed.extend(
            objects
                .iter()
                .map(|object| object.address.to_string())
                .zip(found),
        );
    }
    Ok((observed, calls))
}

/// The ids that manifests have of objects to which others refer.
fn stated(checked: &Checked) -> Referents {
    Referents::stated(checked.desired.iter().map(|object| &**object), now())
}

fn reply(replies: &Replies, call: &Call) -> Option<Reply> {
    let given = replies.get(&call.name())?;
    let status = given.get("$status").and_then(Json::as_u64).unwrap_or(200);
    let body = if status == 200 && given.get("$body").is_none() {
        given
    } else {
        &given["$body"]
    };
    let body = match body {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(Reply {
        remark: None,
        status: status as u16,
        body,
        content_type: "application/json".into(),
    })
}

/// Plans every object against what was observed.
pub fn plan(checked: &Checked, observed: &BTreeMap<String, Observed>) -> Vec<Planned> {
    let unread = Observed::Unread("it was not read".into());
    let seen = |object: &Desired| observed.get(&object.address.to_string()).unwrap_or(&unread);
    let mut referents = stated(checked);
    for object in &checked.desired {
        referents.note(object, seen(object));
    }
    let planned = checked.desired.iter().map(|object| {
        let kind = provider::find_kind(object.address.kind.0).expect("a kind");
        let desired = match referents.look_up(object) {
            LookedUp::Resolved(resolved) => resolved,
            LookedUp::Blocked(_) | LookedUp::Open => Arc::clone(object),
        };
        plan::plan_object(kind, &desired, seen(object), now())
    });
    let mut planned: Vec<Planned> = planned.collect();
    order_steps(&mut planned);
    planned
}

/// The plan as the contract shows it, at the fixed moment.
pub fn document(checked: &Checked, planned: &[Planned]) -> PlanDocument {
    let paces = BTreeMap::from([(
        String::new(),
        Pace::new(
            Limits {
                concurrency: 10,
                rates: Vec::new(),
            },
            WriteChecks::default(),
        ),
    )]);
    let facts = SourceFacts {
        files: 1,
        documents: planned.len(),
        ..SourceFacts::default()
    };
    PlanDocument::new(planned, facts, &paces, &checked.findings, now())
}

/// Text without colour.
pub fn plain(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut anstream::StripStream::new(&mut bytes)).expect("writing to memory");
    String::from_utf8(bytes).expect("output is UTF-8")
}
