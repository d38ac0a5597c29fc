//! Records for tests.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::apply::journal::{Agreed, Intent, JournalEvent, Purpose, Record, Started, StepEnd};
use crate::apply::outcome::Outcome;
use crate::model::{Method, Risk};
use crate::plan::ChangeVerb;
use crate::plan::document::ChangeEntry;

pub const AT: &str = "2026-11-21T12:00:00Z";
pub const URL: &str = "https://lac.example.com/";

pub fn record(run: &str, event: JournalEvent) -> Record {
    Record {
        scope: None,
        at: AT.into(),
        run: run.into(),
        event,
    }
}

pub fn started(purpose: Purpose) -> JournalEvent {
    JournalEvent::Started(Started {
        by: "ann".into(),
        purpose,
        ..Started::default()
    })
}

/// A write of the LAC order `a` by the name `address`.
pub fn intent(address: &str) -> Intent {
    Intent {
        address: address.into(),
        vendor: "lac".into(),
        connection: "lac".into(),
        base_url: URL.into(),
        tenant: None,
        account: String::new(),
        identity: [("activationKey", "a")].into_iter().collect(),
        references: BTreeMap::new(),
        method: Method::Patch,
        path: "/license-orders/a".into(),
        later_calls: Vec::new(),
        whole: None,
        changes: Vec::new(),
        unread: BTreeMap::new(),
        managed: BTreeMap::new(),
        resolved: BTreeMap::new(),
        policy_exclusions: Vec::new(),
        given_up: Vec::new(),
        heals: false,
        approved_by: None,
        epoch: None,
    }
}

pub fn write(intent: Intent) -> JournalEvent {
    JournalEvent::Intent(Box::new(intent))
}

pub fn change(path: &str, before: Json, after: Json) -> ChangeEntry {
    let verb = match (before.is_null(), after.is_null()) {
        (true, false) => ChangeVerb::Add,
        (false, true) => ChangeVerb::Remove,
        _ => ChangeVerb::Replace,
    };
    ChangeEntry {
        path: path.into(),
        verb,
        before,
        after,
        risk: Risk::Safe,
        note: None,
        call: 0,
    }
}

pub fn ended(address: &str, outcome: Outcome) -> JournalEvent {
    JournalEvent::Outcome(StepEnd {
        address: address.into(),
        outcome,
        message: None,
        side_effects: Vec::new(),
        residual: Vec::new(),
        unclear: false,
    })
}

/// An agreement on the LAC order `a`.
pub fn agreed(managed: &[(&str, Json)]) -> Agreed {
    let managed = managed.iter();
    Agreed {
        account: String::new(),
        address: "LacLicenseOrder/a".into(),
        vendor: "lac".into(),
        connection: "lac".into(),
        base_url: URL.into(),
        tenant: None,
        identity: [("activationKey", "a")].into_iter().collect(),
        references: BTreeMap::new(),
        managed: managed
            .map(|(name, json)| ((*name).into(), json.clone()))
            .collect(),
        resolved: BTreeMap::new(),
        unread: BTreeMap::new(),
        policy_exclusions: Vec::new(),
        given_up: Vec::new(),
        commit: None,
        sandbox: false,
        manifest: None,
    }
}

pub fn agreement(agreed: Agreed) -> JournalEvent {
    JournalEvent::Agreed(Box::new(agreed))
}
