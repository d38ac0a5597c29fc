//! Alinea's licence management system (LSMS): an ASP.NET Web API with one full-replace PUT.
//!
//! * Write: `PUT api/licenses/{id}` takes seventeen members, the id among them. What is left out is bound to
//!   null, 0 or false, so every write carries all of them, from live where the manifest says nothing.
//! * Accepted when the reply is 2xx **and** `IsValid` **and** there are no `Errors`: a refusal may come
//!   with status 200. The reply shows nothing of the licence.
//! * Read: two views with other names than the write call's; see `views`.
//! * Where a plan may lower the seats, `GET api/seats?licenseId=` tells how many are taken; see `reading`.
//! * Spelling: instants without zone, in UTC, with up to seven digits of a second; sets of ids in any order.
//! * `ModifiedAt` is the only mark of change. There is no condition on writes, so it is compared by us.
//! * Nothing says how to authenticate; a Bearer token is the working assumption, 401 a lost one.
//!
//! Sources: the vendor's help pages "PUT api/licenses/{id}", "GET api/licenses/{id}", "GET
//! api/licenseDtoIndex/{id}", "POST api/licenses", checked 2026-11-21.

mod fields;
mod reading;
mod verdict;
mod views;

use serde_json::{Map, Value as Json, json};

use super::auth::{AuthForm, AuthRules, access_token};
use super::codec;
use super::reading::{Reading, Wanted};
use super::semantics::{Echo, Semantics, WriteMode};
use super::{Provider, Write};
use crate::model::resource::Fact;
use crate::model::{Call, Desired, KindTable, Limits, Live, Malformed, Method, Reply, Verdict};

pub struct Alinea;

static AUTH: AuthRules = AuthRules {
    forms: &[
        AuthForm {
            name: "token",
            members: &[],
        },
        AuthForm {
            name: "clientCredentials",
            members: &[&["clientId"], &["clientSecret"]],
        },
    ],
    header: "Authorization",
    prefix: "Bearer ",
    lost: Some(401),
    login: None,
    logout: None,
    session: access_token,
};

impl Provider for Alinea {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn semantics(&self) -> Semantics {
        Semantics {
            write: WriteMode::Overwrite,
            echo: Echo::Nothing,
        }
    }

    fn auth(&self) -> &'static AuthRules {
        &AUTH
    }

    fn address(&self) -> &'static str {
        "https://api-lsms.alineadigital.dk"
    }

    /// No limit is published; ten at once is what the peers of this program use where nothing is known.
    fn limits(&self) -> Limits {
        Limits {
            concurrency: 10,
            rates: Vec::new(),
        }
    }

    fn reading(&self, wanted: &[Wanted<'_>]) -> Box<dyn Reading> {
        Box::new(reading::LicenseReading::new(wanted))
    }

    fn note(&self, live: &Live) -> Option<String> {
        match live.facts.get(fields::SEATS_UNREAD)? {
            Fact::Text(why) => Some(format!("how many seats are taken is not known: {why}")),
            Fact::Number(_) => None,
        }
    }

    /// The id is in the path and in the body; what a difference would do is not documented.
    fn encode(&self, write: &Write<'_>) -> Call {
        let id = write.desired.id("licenseId");
        let mut body = Map::new();
        body.insert("LicenseId".into(), json!(id));
        body.extend(codec::encode(fields::TABLE.desired, &write.fields));
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
