//! Vendors as tables and codecs: synchronous, without IO, without state.
//!
//! A provider says which fields a write call has, how they are spelled, which calls show an object and
//! what a reply means. The plan decides which fields go out, the shell when they are sent.
//!
//! To add a vendor: a folder with `mod.rs`, `fields.rs` and `reading.rs`, one line in `ALL` below, a
//! simulator in `sandbox/`, cases under `tests/vendors/`, examples under `examples/`. The architecture
//! test names what is missing.

pub mod audit;
pub mod auth;
pub mod canon;
pub mod codec;
pub mod conditions;
pub mod dates;
pub mod decode;
pub mod error_text;
pub mod hunt;
pub mod listing;
pub mod overlap;
pub mod reading;
pub mod semantics;
pub mod statement;

mod alinea;
mod cryptlex;
mod informatica;
mod lac;
mod licensespring;

use crate::model::draft::KindRow;
use crate::model::{
    Call, Connection, Desired, Diagnostics, Fields, KindTable, Limits, Live, Malformed, Mark,
    Reply, Vendor, Verdict,
};
use auth::AuthRules;
use listing::Listing;
use reading::{Reading, Wanted};
use semantics::Semantics;

/// What a write should make of an object, before it is spelled.
#[derive(Clone, Debug)]
pub struct Write<'a> {
    pub desired: &'a Desired,
    /// The members of the body, canonical.
    pub fields: Fields,
}

/// What a write may lose, since its call cannot name it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{row} has `{member}` set, which the write of the list cannot name and may lose: nothing is sent; {advice}"
)]
pub struct WouldLose {
    /// The path of the element that has it.
    pub row: String,
    pub member: &'static str,
    /// What a person can do in place of the write.
    pub advice: &'static str,
}

/// One vendor.
pub trait Provider: Sync {
    /// The vendor's one kind with its field table.
    fn table(&self) -> &'static KindTable;

    fn semantics(&self) -> Semantics;

    /// How accounts of this vendor are opened.
    fn auth(&self) -> &'static AuthRules;

    /// The base URL of most accounts, or an example of one where every customer has a host of its own.
    fn address(&self) -> &'static str;

    /// What the vendor documents, or what is polite where it documents nothing.
    fn limits(&self) -> Limits;

    /// Rules of this vendor that the field table cannot say. `desired` has passed the table's; `place` tells
    /// where a field stands in the manifest.
    fn audit(
        &self,
        _desired: &Desired,
        _place: &dyn Fn(&str) -> Mark,
        _findings: &mut Diagnostics,
    ) {
    }

    /// Reads the objects `wanted` from one account with the fewest calls.
    fn reading(&self, wanted: &[Wanted<'_>]) -> Box<dyn Reading>;

    /// Objects that one read call is sure to show when it names them. A page may show more, or none.
    fn ids_per_read(&self) -> usize {
        1
    }

    /// Checks that a write loses nothing that live has beside the members of the call, though all of those are known.
    /// `next` is the object as it should be.
    fn check_loss(&self, _live: &Live, _next: &Fields) -> Result<(), WouldLose> {
        Ok(())
    }

    /// Reads every object of an account; nothing where the vendor has no list that shows them.
    fn listing(&self) -> Option<Box<dyn Listing>> {
        None
    }

    /// Spells a write.
    fn encode(&self, write: &Write<'_>) -> Call;

    /// What the reply to a write means. By status unless the vendor has a second say in the body.
    fn judge(&self, reply: &Reply) -> Verdict {
        by_status(reply)
    }

    /// What the user should know about changing this object, beside the changes.
    fn note(&self, _live: &Live) -> Option<String> {
        None
    }

    /// The object as the reply to a write shows it; asked only of vendors whose echo is whole. `before` is the
    /// object as it was read before the write. Nothing is taken from `desired` for shown: what the reply does
    /// not prove is an error, and the object is read again.
    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed>;

    fn vendor(&self) -> Vendor {
        self.table().vendor
    }

    /// The connection's limits, with the vendor's own where it sets none.
    fn limits_for(&self, connection: &Connection) -> Limits {
        let own = self.limits();
        let given = &connection.limits;
        Limits {
            concurrency: if given.concurrency == 0 {
                own.concurrency
            } else {
                given.concurrency
            },
            rates: if given.rates.is_empty() {
                own.rates
            } else {
                given.rates.clone()
            },
        }
    }
}

/// A 2xx is accepted, a 5xx or time-out may have been carried out, "too early" and "too many" say that
/// nothing was done yet, anything else is refused.
pub fn by_status(reply: &Reply) -> Verdict {
    match reply.status {
        200..300 => Verdict::Accepted,
        408 | 500.. => Verdict::Unclear(format!(
            "{}: {}",
            reply.status,
            error_text::describe_reply(reply)
        )),
        425 | 429 => Verdict::Later(format!(
            "{}: {}",
            reply.status,
            error_text::describe_reply(reply)
        )),
        status => Verdict::Rejected {
            words: format!("{status}: {}", error_text::describe_reply(reply)),
            fields: Vec::new(),
        },
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
pub fn of(vendor: Vendor) -> Option<&'static dyn Provider> {
    ALL.iter()
        .copied()
        .find(|provider| provider.vendor() == vendor)
}

/// The provider of a kind, by the kind's name.
pub fn of_kind(kind: &str) -> Option<&'static dyn Provider> {
    ALL.iter()
        .copied()
        .find(|provider| provider.table().kind.0 == kind)
}

/// What the manifest envelope has to know about every kind.
pub fn kind_rows() -> Vec<KindRow> {
    ALL.iter()
        .map(|provider| provider.table())
        .map(|table| KindRow {
            kind: table.kind,
            vendor: table.vendor,
            identity: table.identity,
        })
        .collect()
}

/// Percent-encodes one path segment or query value.
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// A path with a query of encoded pairs.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", segment(name), segment(value)))
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
        let provider = of_kind("LacLicenseOrder").unwrap();
        let own = provider.limits();
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
        assert_eq!(limits(0, &[]), (own.concurrency, own.rates.clone()));
        assert_eq!(limits(99, &[]), (99, own.rates));
        assert_eq!(limits(0, &[rate]), (own.concurrency, vec![rate]));
    }
}
