//! Names of accounts in the tables, and which account a record is about.

use std::collections::BTreeMap;

use crate::apply::journal::{Event, Record};
use crate::model::AccountKey;

/// The account of lines about a run as a whole.
pub const RUNS: &str = "runs";

/// The account of lines of which nobody can tell it: those of old versions, which were imported.
pub const UNKNOWN: &str = "unknown";

/// The name of an account. Neither a vendor nor a URL has a space, and each name has two.
pub fn text(account: &AccountKey) -> String {
    let AccountKey {
        vendor,
        base_url,
        account,
    } = account;
    format!("{vendor} {base_url} {account}")
}

/// Tells the accounts of records that come without a lease, as imported ones do. An outcome does not name its account,
/// so it remembers the writes that have not ended.
#[derive(Default)]
pub struct Attribution {
    /// Accounts of writes by run and address.
    writes: BTreeMap<(String, String), String>,
}

impl Attribution {
    pub fn account(&mut self, record: &Record) -> String {
        let run = &record.run;
        match &record.event {
            Event::Started(_) | Event::Finished { .. } => RUNS.into(),
            Event::Intent(intent) => {
                let account = name([&intent.vendor, &intent.base_url, &intent.account]);
                let write = (run.clone(), intent.address.clone());
                self.writes.insert(write, account.clone());
                account
            }
            Event::Outcome(ended) => self.of_write(run, &ended.address),
            Event::Found {
                address, of_run, ..
            } => self.of_write(of_run, address),
            Event::Agreed(agreed) => name([&agreed.vendor, &agreed.base_url, &agreed.account]),
            Event::GaveUp(left) => name([&left.vendor, &left.base_url, &left.account]),
        }
    }

    fn of_write(&self, run: &str, address: &str) -> String {
        let account = self.writes.get(&(run.to_string(), address.to_string()));
        account.cloned().unwrap_or_else(|| UNKNOWN.into())
    }

    /// Forgets the writes that ended with these records, once they are appended.
    pub fn settle(&mut self, records: &[Record]) {
        for record in records {
            let write = match &record.event {
                Event::Outcome(ended) if !ended.unclear => (&record.run, &ended.address),
                Event::Found {
                    address, of_run, ..
                } => (of_run, address),
                _ => continue,
            };
            self.writes.remove(&(write.0.clone(), write.1.clone()));
        }
    }
}

/// The name of an account as records have it.
fn name([vendor, base_url, account]: [&String; 3]) -> String {
    match account.as_str() {
        "" => UNKNOWN.into(),
        account => format!("{vendor} {} {account}", base_url.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::journal::Intent;
    use crate::apply::memory::testing::{self, record};
    use crate::apply::outcome::Outcome;
    use crate::model::Vendor;

    #[test]
    fn an_outcome_is_about_the_account_of_its_intent() {
        let mut attribution = Attribution::default();
        let mut account = |run: &str, event| attribution.account(&record(run, event));
        let intent = |address: &str, account: &str| {
            testing::write(Intent {
                account: account.into(),
                ..testing::intent(address)
            })
        };
        let ended = |address: &str| testing::ended(address, Outcome::Converged);
        let acme = text(&AccountKey {
            vendor: Vendor("lac"),
            base_url: "https://lac.example.com".into(),
            account: "acme".into(),
        });
        assert_eq!(account("1", testing::started(Default::default())), RUNS);
        assert_eq!(account("1", intent("a", "acme")), acme);
        assert_eq!(account("1", intent("b", "")), UNKNOWN);
        assert_eq!(account("1", ended("a")), acme);
        assert_eq!(account("1", ended("b")), UNKNOWN);
        assert_eq!(account("2", ended("a")), UNKNOWN);
        let found = Event::Found {
            address: "a".into(),
            of_run: "1".into(),
            found: String::new(),
            finding: None,
        };
        assert_eq!(account("2", found), acme);
        attribution.settle(&[record("1", ended("a"))]);
        assert!(!attribution.writes.contains_key(&("1".into(), "a".into())));
        assert_eq!(attribution.writes.len(), 1);
    }
}
