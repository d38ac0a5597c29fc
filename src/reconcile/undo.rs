//! The inverse plan of a past run, from the journal, through the same planner, guards and checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Accounts, Checked, Pass, Settings, document, look};
use crate::apply::journal::Intent;
use crate::apply::past::PastRun;
use crate::model::{
    Address, Desired, Fields, Mark, Observed, Origin, OwnPolicy, PackedFields, diagnostic::Source,
};
use crate::plan::{self, Planned, undo};
use crate::provider::{self, codec};

/// An inverse plan and what it cannot take back.
pub struct Undone {
    pub pass: Pass,
    pub lost: Vec<String>,
}

/// Plans the inverse of what a run carried out. The connections are those of `checked`.
pub async fn undo(
    past: &PastRun,
    mut checked: Checked,
    settings: &Settings,
) -> Result<Undone, String> {
    let run = past.run.as_str();
    let intents: Vec<&Intent> = past.carried_out().collect();
    if intents.is_empty() {
        return Err(format!(
            "the run {run} carried out nothing that could be taken back"
        ));
    }
    let source = Arc::new(Source::new(
        format!("run {}", run.get(..13).unwrap_or(run)),
        String::new(),
    ));
    let mut desired = Vec::new();
    for intent in &intents {
        desired.push(Arc::new(unmanaged(intent, &checked, &source)?));
    }
    checked.desired = desired;
    checked.desired.sort_by(|a, b| a.address.cmp(&b.address));
    let (accounts, seen) = look(&checked, settings, &Accounts::new()).await;

    let by_address: BTreeMap<&str, &Intent> = intents
        .iter()
        .map(|intent| (intent.address.as_str(), *intent))
        .collect();
    let mut lost = Vec::new();
    let now = (settings.clock)();
    let mut planned = Vec::new();
    let mut live = BTreeMap::new();
    for (object, seen) in &seen {
        let Some(provider) = provider::of(object.vendor) else {
            continue;
        };
        let mut object = Desired::clone(object);
        if let (Observed::Live(seen), Some(intent)) =
            (seen, by_address.get(object.address.to_string().as_str()))
        {
            let inverse = undo::inverse(provider.table().desired, &intent.changes, seen);
            lost.extend(
                inverse
                    .lost
                    .iter()
                    .map(|why| format!("{}: {why}", object.address)),
            );
            object.fields.extend(inverse.fields);
            live.insert(object.address.clone(), seen.clone());
        }
        planned.push(plan::plan(provider, &Arc::new(object), seen, now));
    }
    let planned: Vec<Planned> = planned;
    let document = document(&checked, &planned, &accounts, settings, now);
    Ok(Undone {
        pass: Pass {
            planned,
            document,
            accounts,
            live,
            moved: BTreeMap::new(),
            observed_at: now,
            fresh: true,
        },
        lost,
    })
}

/// The object of an intent, wanting nothing yet but what every write has to carry.
fn unmanaged(intent: &Intent, checked: &Checked, source: &Arc<Source>) -> Result<Desired, String> {
    let kind = intent.address.split('/').next().unwrap_or_default();
    let provider = provider::of_kind(kind).ok_or_else(|| format!("unknown kind {kind}"))?;
    let table = provider.table();
    match checked.source.connections.get(&intent.connection) {
        Some(place) if *place == intent.base_url => {}
        Some(place) => {
            return Err(format!(
                "the connection `{}` led to {} then and leads to {place} now",
                intent.connection, intent.base_url
            ));
        }
        None => {
            return Err(format!(
                "the manifests have no connection `{}`",
                intent.connection
            ));
        }
    }
    let mut fields = Fields::new();
    for field in table.desired {
        if let Some(json) = intent.unread.get(field.name) {
            let value =
                codec::value(field, json, &field.name).map_err(|fault| fault.to_string())?;
            fields.insert(field.name, value);
        }
    }
    let name = intent
        .address
        .split_once('/')
        .map_or("", |(_, name)| name)
        .to_string();
    let identity = table
        .identity
        .iter()
        .filter_map(|id| Some((id.name, intent.identity.get(id.name)?.clone())))
        .collect();
    Ok(Desired {
        address: Address {
            kind: table.kind,
            name,
        },
        vendor: table.vendor,
        connection: intent.connection.as_str().into(),
        identity,
        fields: PackedFields::new(table.desired, &fields),
        policy: OwnPolicy::default(),
        labels: BTreeMap::new(),
        origin: Origin {
            source: Arc::clone(source),
            mark: Mark::default(),
        },
    })
}
