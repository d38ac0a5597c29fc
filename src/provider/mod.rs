//! Vendors as tables and codecs: synchronous, without IO, without state.
//!
//! A [`Provider`] is one vendor: how its accounts are opened and asked, its webhooks, its kinds. A [`ResourceKind`]
//! is one kind of object there: which fields a write call has, how they are spelled, which calls show an object and
//! what a reply means. The plan decides which fields go out, the shell when they are sent.
//!
//! ```text
//!   provider/lac/mod.rs                 Provider: auth, address, limits
//!   provider/lac/license_order/mod.rs   ResourceKind: reading, listing, encode, judge, echo
//!   provider/lac/license_order/fields.rs  its field table
//! ```
//!
//! To add a vendor: its folder, a `mod` line and a line in `ALL` below, a simulator in `sandbox/`, cases under
//! `tests/vendors/`, examples under `examples/`; to add a kind: a folder in its vendor's, and a place in `kinds`. The
//! architecture test names what is missing.

pub mod audit;
pub mod auth;
pub mod canon;
pub mod codec;
pub mod conditions;
pub mod dates;
pub mod decode;
pub mod error_text;
mod exclusive;
mod kind;
pub mod kind_listings;
mod kind_readings;
pub mod list_search;
pub mod listing;
pub mod overlap;
mod read_fault;
pub mod reading;
pub mod references;
pub mod schedule;
mod shared_calls;
pub mod signature;
pub mod staged_reading;
pub mod statement;
pub mod webhook;

mod alinea;
mod cryptlex;
mod informatica;
mod lac;
mod licensespring;

use crate::model::draft::KindRow;
use crate::model::{Connection, Desired, Limits, Vendor};
use auth::AuthRules;
pub use kind::{Omissions, ResourceKind, Route, WouldLose, Write};
use reading::Reading;
use webhook::Webhook;

/// One vendor: how its accounts are opened and asked, and the kinds of objects in them.
pub trait Provider: Sync {
    /// The short name, as in `spec.vendor` of a connection.
    fn vendor(&self) -> Vendor;

    /// The kinds of objects that manifests can describe: first the one that a first manifest is about, then the others
    /// in the order of their names. All kinds of an account share its connection, session and limits.
    fn kinds(&self) -> &'static [&'static dyn ResourceKind];

    /// Says how accounts of this vendor are opened.
    fn auth(&self) -> &'static AuthRules;

    /// The base URL of most accounts, or an example of one where every customer has a host of its own.
    fn address(&self) -> &'static str;

    /// The limits that the vendor documents, or what is polite where it documents nothing.
    fn limits(&self) -> Limits;

    /// The vendor's webhooks; `None` where it sends none.
    fn webhook(&self) -> Option<&'static dyn Webhook> {
        None
    }

    /// Reads the objects `wanted`, of any of the vendor's kinds, from one account with the fewest calls. Each kind
    /// has a reading of its own unless the vendor has a call that shows objects of several.
    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        kind_readings::read_by_kind(self.kinds(), desired)
    }

    /// Returns the kind of an object of this vendor.
    fn kind_of(&self, object: &Desired) -> &'static dyn ResourceKind {
        let kind = object.address.kind;
        match find_kind_in(self.kinds().iter().copied(), kind.0) {
            Some(found) => found,
            None => unreachable!("{kind} was audited as a kind of {}", self.vendor()),
        }
    }

    /// Returns the connection's limits, with the vendor's own where it sets none.
    fn limits_for(&self, connection: &Connection) -> Limits {
        let vendor_limits = self.limits();
        let given = &connection.limits;
        Limits {
            concurrency: if given.concurrency == 0 {
                vendor_limits.concurrency
            } else {
                given.concurrency
            },
            rates: if given.rates.is_empty() {
                vendor_limits.rates
            } else {
                given.rates.clone()
            },
        }
    }
}

/// Every vendor, in the order of their names.
pub static ALL: &[&dyn Provider] = &[
    &alinea::Alinea,
    &cryptlex::Cryptlex,
    &informatica::Informatica,
    &lac::Lac,
    &licensespring::LicenseSpring,
];

/// The provider of a vendor that manifests have been checked to name.
pub fn provider_of(vendor: Vendor) -> Option<&'static dyn Provider> {
    ALL.iter()
        .copied()
        .find(|provider| provider.vendor() == vendor)
}

/// Every kind of every vendor, in the order of vendors.
pub fn all_kinds() -> impl Iterator<Item = &'static dyn ResourceKind> + Clone {
    ALL.iter()
        .flat_map(|provider| provider.kinds().iter().copied())
}

/// Finds a kind by its name, such as `LacLicenseOrder`.
pub fn find_kind(kind: &str) -> Option<&'static dyn ResourceKind> {
    find_kind_in(all_kinds(), kind)
}

/// Finds a kind by its name among `kinds`.
fn find_kind_in(
    mut kinds: impl Iterator<Item = &'static dyn ResourceKind>,
    name: &str,
) -> Option<&'static dyn ResourceKind> {
    kinds.find(|kind| kind.table().kind.0 == name)
}

/// What the manifest envelope has to know about every kind.
pub fn kind_rows() -> Vec<KindRow> {
    all_kinds()
        .map(|kind| kind.table())
        .map(|table| KindRow {
            kind: table.kind,
            vendor: table.vendor,
            identity: table.identity,
            key: table.lifecycle.key,
            desired: table.desired,
        })
        .collect()
}

/// Percent-encodes one path segment or query value.
pub fn encode_segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// A path with a query of encoded pairs.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode_segment(name), encode_segment(value)))
        .collect();
    if query.is_empty() {
        path.to_string()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::RateLimit;

    #[test]
    fn a_connection_sets_its_own_limits_and_takes_the_vendors_for_the_rest() {
        let provider = provider_of(Vendor("lac")).unwrap();
        let vendor_limits = provider.limits();
        let rate = RateLimit {
            requests: 1,
            per: Duration::from_secs(7),
        };
        let limits = |concurrency, rates: &[RateLimit]| {
            let mut connection = testing::connection();
            connection.limits = Limits {
                concurrency,
                rates: rates.to_vec(),
            };
            let limits = provider.limits_for(&connection);
            (limits.concurrency, limits.rates)
        };
        assert_eq!(
            limits(0, &[]),
            (vendor_limits.concurrency, vendor_limits.rates.clone())
        );
        assert_eq!(limits(99, &[]), (99, vendor_limits.rates));
        assert_eq!(limits(0, &[rate]), (vendor_limits.concurrency, vec![rate]));
    }
}
