//! Licenses of Alinea: one full-replace PUT.
//!
//! * Write: `PUT api/licenses/{id}` takes seventeen members, the id among them. What is left out is bound to
//!   null, 0 or false, so every write carries all of them, from live where the manifest says nothing.
//! * Accepted when the reply is 2xx **and** `IsValid` **and** there are no `Errors`: a refusal may come
//!   with status 200. The reply shows nothing of the licence.
//! * Read: two views with other names than the write call's; see `views`.
//! * Where a plan may lower the seats, the rows of `GET api/seats?licenseId=` are counted; see `reading`.
//! * Spelling: instants without zone, in UTC, with up to seven digits of a second; sets of ids in any order.
//! * `ModifiedAt` is the only mark of change. There is no condition on writes, so it is compared by us.
//!
//! Sources: the vendor's help pages "PUT api/licenses/{id}", "GET api/licenses/{id}", "GET
//! api/licenseDtoIndex/{id}", "POST api/licenses", checked 2026-11-21.

mod fields;
mod reading;
mod verdict;
mod views;

use serde_json::{Map, Value as Json, json};

use crate::model::{Call, Desired, KindTable, Live, Malformed, Method, Reply, Verdict};
use crate::provider::codec;
use crate::provider::reading::Reading;
use crate::provider::{Omissions, ResourceKind, Write};

/// A license, with its seats.
pub struct License;

impl ResourceKind for License {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::LicenseReading::new(desired))
    }

    fn note(&self, live: &Live) -> Option<String> {
        match (
            live.text(fields::SEATS_UNREAD),
            live.number(fields::SEATS_USED),
        ) {
            (Some(why), _) => Some(format!("how many seats are taken is not known: {why}")),
            (None, Some(rows)) => Some(format!(
                "rows of api/seats: {rows}, taken for seats in use; the vendor does not say whether a row is a seat or a \
                 group that has seats"
            )),
            (None, None) => None,
        }
    }

    fn omissions(&self) -> Omissions {
        Omissions {
            creation: "what the call answers, POST api/licenses/add, is not published (2026-11-29)",
            removal: "no page shows a call (searched 2026-11-29)",
            list: "the items of the list, POST api/licenses, are not published: `entitle import --id` reads those that it names (2026-11-29)",
        }
    }

    /// The id is in the path and in the body; what a difference would do is not documented.
    fn encode(&self, write: &Write<'_>) -> Call {
        let id = write.desired.id("licenseId");
        let mut body = Map::new();
        body.insert("LicenseId".into(), json!(id));
        body.extend(codec::encode_fields(fields::TABLE.desired, &write.fields));
        Call::write(
            Method::Put,
            views::View::Nested.path(id),
            Json::Object(body),
        )
    }

    fn judge(&self, reply: &Reply) -> Verdict {
        verdict::judge(reply)
    }

    fn echo(&self, _: &Desired, _: &Live, _: &Reply) -> Result<Live, Malformed> {
        Err(Malformed::new("the reply to a write shows nothing"))
    }
}

#[cfg(test)]
mod tests;
