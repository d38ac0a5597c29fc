//! Names of accounts in the tables.

use crate::apply::journal::{JournalEvent, Record};
use crate::model::AccountKey;
use crate::provider;

/// The account of lines about a run as a whole.
pub const RUNS: &str = "runs";

/// The account of other lines without a lease: imported ones of old versions, which do not name theirs.
pub const UNKNOWN: &str = "unknown";

/// The account that checks of the store use.
pub const CHECK: &str = "check";

/// Returns the names that are no real accounts.
pub fn internal_accounts() -> Vec<&'static str> {
    vec![RUNS, UNKNOWN, CHECK]
}

/// Returns the name of an account, `lac https://lac.example.com acme`. Vendor and URL have no space, so names are
/// unique, and none equals a name without a space such as `runs`.
pub fn account_name(account: &AccountKey) -> String {
    account.to_string()
}

/// Parses the name of an account; `None` if this version does not know its vendor.
pub fn parse_account(text: &str) -> Option<AccountKey> {
    let mut parts = text.splitn(3, ' ');
    let (vendor, base_url, account) = (parts.next()?, parts.next()?, parts.next()?);
    let mut vendors = provider::ALL.iter().map(|provider| provider.vendor());
    Some(AccountKey {
        vendor: vendors.find(|candidate| candidate.0 == vendor)?,
        base_url: base_url.to_string(),
        account: account.to_string(),
    })
}

/// Returns the account for a record that is appended without a lease.
pub fn unleased_account(record: &Record) -> &'static str {
    match record.event {
        JournalEvent::Started(_) | JournalEvent::Finished { .. } => RUNS,
        JournalEvent::Intent(_)
        | JournalEvent::Outcome(_)
        | JournalEvent::Found { .. }
        | JournalEvent::Agreed(_)
        | JournalEvent::Left(_)
        | JournalEvent::GaveUp(_)
        | JournalEvent::Known(_) => UNKNOWN,
    }
}
