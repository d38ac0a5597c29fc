//! Informatica Intelligent Cloud Services: the licences of sub-organizations, version 3 of the REST API.
//!
//! * Write: `PUT /public/core/v3/license/org/{orgId}` overwrites all licences of a sub-organization with
//!   those of the body. Whether a list left out of it is emptied or left alone is not documented, so all
//!   three always go out. `id` and `parentOrg` do not, as in the page's example. The body of the reply is
//!   not documented and is ignored.
//! * Read: `GET` on the same path, one organization a call; there is no list. Elements have no order.
//! * Session: the login names the base of all later calls (`products[0].baseApiUrl`); the session id goes
//!   into `INFA-SESSION-ID` and lasts 30 idle minutes; a lost one shows as 401. Only an administrator of
//!   the parent organization may write.
//! * The licence has no version: the last writer wins, so the shell looks again just before a write.
//!
//! Sources: the vendor's pages "License", "Getting license details", "Updating a sub-organization's
//! licenses", "Login", "Session IDs", checked 2026-11-21;
//! "Logout" and the rules page, which asks to log out before a session ends, 2026-11-29.

mod fields;
mod reading;

use std::sync::LazyLock;

use serde_json::{Value as Json, json};
use url::Url;

use super::auth::{AuthForm, AuthRules, LoginCall, Session, text_at};
use super::codec;
use super::decode::{Atom, Columns, Row, Rows, Spot};
use super::reading::{Reading, Wanted};
use super::semantics::{Echo, Semantics, WriteMode};
use super::{Provider, Write, segment};
use crate::model::{Call, Desired, KindTable, Limits, Live, Malformed, Method, Reply};

pub struct Informatica;

static AUTH: AuthRules = AuthRules {
    forms: &[
        AuthForm {
            name: "login",
            members: &[&["username"], &["password"]],
        },
        AuthForm {
            name: "session",
            members: &[],
        },
    ],
    header: "INFA-SESSION-ID",
    prefix: "",
    lost: Some(401),
    login: Some(|members| LoginCall {
        path: "/saas/public/core/v3/login",
        body: members
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect(),
    }),
    logout: Some("/saas/public/core/v3/logout"),
    session: opened,
};

impl Provider for Informatica {
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
        "https://dm-us.informaticacloud.com"
    }

    /// No limit is published for this resource; a neighbouring one answers "too many requests", which the
    /// shell waits for.
    fn limits(&self) -> Limits {
        Limits {
            concurrency: 10,
            rates: Vec::new(),
        }
    }

    fn reading(&self, wanted: &[Wanted<'_>]) -> Box<dyn Reading> {
        Box::new(reading::LicenseReading::new(wanted))
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let body = codec::encode(fields::TABLE.desired, &write.fields);
        let path = path(write.desired.id("orgId"));
        Call::write(Method::Put, path, Json::Object(body))
    }

    fn echo(&self, _: &Desired, _: &Live, _: &Reply) -> Result<Live, Malformed> {
        Err(Malformed::new("the reply to a write shows nothing"))
    }
}

fn path(org: &str) -> String {
    format!("/public/core/v3/license/org/{}", segment(org))
}

/// A licence as a reply shows it.
static LICENCES: LazyLock<Rows<1>> =
    LazyLock::new(|| Rows::new(Columns::of(fields::TABLE.desired), [Spot::at("id")]));

/// Decodes the licence of the organization `org`. A list or member that the reply leaves out stays unknown: whether
/// the vendor leaves out what is empty is not documented, and a write would send it as empty. A reply that neither
/// names the organization nor shows all lists is no licence.
fn decode(org: &str, mut licence: Row<'_, '_, 1>) -> Result<Live, Malformed> {
    let [id] = &licence.beside;
    let named = match id {
        Atom::Text(id) if id == org => true,
        Atom::Text(id) => {
            let text = format!("`id` is {id:?}: the reply is about another organization");
            return Err(Malformed::new(text));
        }
        Atom::Missing | Atom::Null => false,
        other => {
            let text = format!("`id` must be text, not {}", other.kind());
            return Err(Malformed::new(text));
        }
    };
    let fields = licence.finish()?;
    let mut lists = fields::TABLE.desired.iter().map(|list| list.name);
    match lists.find(|list| !fields.contains_key(list)) {
        Some(list) if !named => Err(Malformed::new(format!(
            "`{list}` is missing, and so is `id`"
        ))),
        Some(_) | None => Ok(Live {
            fields,
            ..Live::default()
        }),
    }
}

/// The session and the base of its calls. Neither is shown when it is not as it should be.
fn opened(json: &Json) -> Result<Session, Malformed> {
    let base = text_at(json, "/products/0/baseApiUrl")?;
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    };
    let base = Url::parse(base).ok().filter(plain).ok_or_else(|| {
        Malformed::new("the login reply has no plain URL at /products/0/baseApiUrl")
    })?;
    Ok(Session {
        token: text_at(json, "/userInfo/sessionId")?.to_string(),
        base: Some(base),
    })
}

#[cfg(test)]
mod tests;
