//! Accounts and records for the laws.

use std::collections::BTreeMap;

use entitle::apply::Outcome;
use entitle::apply::journal::{Intent, JournalEvent, Record, Started, StepEnd};
use entitle::model::{AccountKey, Method, Vendor};

const AT: &str = "2026-11-21T12:00:00Z";

pub fn account(name: &str) -> AccountKey {
    AccountKey {
        vendor: Vendor("lac"),
        base_url: "https://lac.example.com".into(),
        account: name.into(),
    }
}

fn record(run: &str, event: JournalEvent) -> Record {
    Record {
        at: AT.into(),
        run: run.into(),
        scope: None,
        event,
    }
}

pub fn started(run: &str) -> Record {
    record(
        run,
        JournalEvent::Started(Started {
            by: "ann".into(),
            ..Started::default()
        }),
    )
}

pub fn finished(run: &str) -> Record {
    record(run, JournalEvent::Finished { interrupted: false })
}

/// The intent to write to the object of this name in an account.
pub fn intent(run: &str, account: &AccountKey, name: &str) -> Record {
    let intent = Intent {
        address: format!("LacLicenseOrder/{name}"),
        vendor: "lac".into(),
        connection: account.account.clone(),
        base_url: account.base_url.clone(),
        tenant: Some(account.account.clone()),
        account: account.account.clone(),
        identity: [("activationKey", name)].into_iter().collect(),
        references: Default::default(),
        method: Method::Patch,
        path: format!("/license-orders/{name}"),
        later_calls: Vec::new(),
        whole: None,
        changes: Vec::new(),
        unread: BTreeMap::new(),
        // Bytes that a database or a file may stumble over.
        managed: [("note".to_string(), "é \u{0} \\ \"%_ \n 1.10".into())].into(),
        resolved: BTreeMap::new(),
        policy_exclusions: Vec::new(),
        given_up: Vec::new(),
        heals: false,
        approved_by: None,
        epoch: Some(7),
    };
    record(run, JournalEvent::Intent(Box::new(intent)))
}

/// The end of such a write.
pub fn ended(run: &str, name: &str) -> Record {
    let ended = StepEnd {
        address: format!("LacLicenseOrder/{name}"),
        outcome: Outcome::Converged,
        message: Some("200 OK".into()),
        side_effects: Vec::new(),
        residual: Vec::new(),
        unclear: false,
    };
    record(run, JournalEvent::Outcome(ended))
}

/// Intents on objects `0` to `count`, in one group.
pub fn group(run: &str, account: &AccountKey, count: usize) -> Vec<Record> {
    (0..count)
        .map(|number| intent(run, account, &number.to_string()))
        .collect()
}
