//! Names of accounts in the tables.

use crate::apply::journal::{Event, Record};
use crate::model::AccountKey;
use crate::provider;

/// The account of lines about a run as a whole.
pub const RUNS: &str = "runs";

/// The account of other lines without a lease: those of old versions, which were imported and do not name theirs.
pub const UNKNOWN: &str = "unknown";

/// The account that a store is checked with.
pub const CHECK: &str = "check";

/// The name of an account. Neither a vendor nor a URL has a space, so no two have one name, and each name has a space.
pub fn text(account: &AccountKey) -> String {
    account.to_string()
}

/// Reads the name of an account; `None` if it is of a vendor that this version does not know.
pub fn parse(text: &str) -> Option<AccountKey> {
    let mut parts = text.splitn(3, ' ');
    let (vendor, base_url, account) = (parts.next()?, parts.next()?, parts.next()?);
    let mut vendors = provider::ALL.iter().map(|provider| provider.vendor());
    Some(AccountKey {
        vendor: vendors.find(|own| own.0 == vendor)?,
        base_url: base_url.to_string(),
        account: account.to_string(),
    })
}

/// The account of a record that comes without a lease.
pub fn unleased(record: &Record) -> &'static str {
    match record.event {
        Event::Started(_) | Event::Finished { .. } => RUNS,
        Event::Intent(_)
        | Event::Outcome(_)
        | Event::Found { .. }
        | Event::Agreed(_)
        | Event::GaveUp(_)
        | Event::Known(_) => UNKNOWN,
    }
}
