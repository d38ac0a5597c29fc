//! Alinea's licence management system (LSMS): an ASP.NET Web API.
//!
//! Nothing says how to authenticate; a Bearer token is the working assumption, 401 a lost one.
//!
//! Source: the vendor's help pages, checked 2026-11-21.

mod license;

use super::auth::{AuthForm, AuthRules, access_token};
use super::{Provider, ResourceKind};
use crate::model::{Limits, Vendor};

pub struct Alinea;

const VENDOR: Vendor = Vendor("alinea");

static AUTH: AuthRules = AuthRules {
    forms: &[
        AuthForm {
            name: "token",
            about: "An access token that another program has got; it ends after a while",
            members: &[],
        },
        AuthForm {
            name: "clientCredentials",
            about: "A client id and its secret, with which each run gets a token of its own",
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
    fn vendor(&self) -> Vendor {
        VENDOR
    }

    fn kinds(&self) -> &'static [&'static dyn ResourceKind] {
        &[&license::License]
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_reply_opens_a_session() {
        let token = json!({"access_token": "t", "token_type": "Bearer", "expires_in": 3600});
        let session = (AUTH.session)(&token).map(|session| (session.token, session.base));
        assert_eq!(session, Ok(("t".into(), None)));
    }
}
