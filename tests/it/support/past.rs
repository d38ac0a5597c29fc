//! A whole journal in memory, as only tests want it.

use std::path::Path;

use entitle::apply::journal::{Intent, Record};
use entitle::apply::memory::{Memory, OpenIntent};
use entitle::apply::records::Records;
use serde_json::json;

#[derive(Default)]
pub struct History {
    pub records: Vec<Record>,
    /// How many lines are not whole.
    pub damaged: usize,
}

impl History {
    /// A journal that is not there is empty.
    pub fn read(path: &Path) -> Self {
        let mut all = Records::open(path).expect("a journal");
        let records = all.by_ref().collect();
        let damaged = all.end().expect("readable").count();
        Self { records, damaged }
    }

    /// Intents that have no outcome and that no later run has looked into.
    pub fn open_intents(&self) -> Vec<OpenIntent> {
        let mut memory = Memory::default();
        let records = self.records.iter();
        records.for_each(|record| memory.follow(record));
        memory.open().cloned().collect()
    }

    /// The records of one run.
    pub fn of_run<'a>(&'a self, run: &'a str) -> impl Iterator<Item = &'a Record> {
        self.records.iter().filter(move |record| record.run == run)
    }
}

/// A write of a LAC order that changes nothing yet.
pub fn intent(address: &str, base_url: &str, key: &str) -> Intent {
    let intent = json!({
        "address": address, "vendor": "lac", "connection": "lac", "base_url": base_url,
        "identity": {"activationKey": key}, "method": "PATCH", "path": "/license-orders/X",
        "changes": [], "unread": {},
    });
    serde_json::from_value(intent).expect("an intent")
}
