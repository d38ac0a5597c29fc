//! Informatica Intelligent Cloud Services: version 3 of the REST API.
//!
//! The login names the base of all later calls (`products[0].baseApiUrl`); the session id goes into
//! `INFA-SESSION-ID` and lasts 30 idle minutes; a lost one shows as 401. The rules page asks to log out before a
//! session ends.
//!
//! Sources: the vendor's pages "Login", "Session IDs", checked 2026-11-21; "Logout" and the rules page, 2026-11-29.

mod org_license;

use serde_json::{Value as Json, json};
use url::Url;

use super::auth::{AuthForm, AuthRules, LoginCall, Session, text_at};
use super::{Provider, ResourceKind};
use crate::model::{Limits, Malformed, Vendor};

pub struct Informatica;

const VENDOR: Vendor = Vendor("informatica");

static AUTH: AuthRules = AuthRules {
    forms: &[
        AuthForm {
            name: "login",
            about: "User name and password; each run opens a session and ends it",
            members: &[&["username"], &["password"]],
        },
        AuthForm {
            name: "session",
            about: "A session that another program has opened; it ends after a while",
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
    fn vendor(&self) -> Vendor {
        VENDOR
    }

    fn kinds(&self) -> &'static [&'static dyn ResourceKind] {
        &[&org_license::OrgLicense]
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
mod tests {
    use super::*;

    #[test]
    fn the_login_names_the_session_and_the_base_of_its_calls() {
        let page = json!({
            "products": [{"name": "Integration Cloud", "baseApiUrl": "https://usw3.dm-us.informaticacloud.com/saas"}],
            "userInfo": {"sessionId": "7nyeZx1n8Klg", "orgId": "52ZSTB0IDK6dXxaEQLUaQu", "status": "Active"}
        });
        let session = (AUTH.session)(&page).map(|session| (session.token, session.base));
        let base = "https://usw3.dm-us.informaticacloud.com/saas".parse().ok();
        assert_eq!(session, Ok(("7nyeZx1n8Klg".into(), base)));
        for (pointer, message) in [
            (
                "/userInfo/sessionId",
                "the login reply has no text at /userInfo/sessionId",
            ),
            (
                "/products/0/baseApiUrl",
                "the login reply has no text at /products/0/baseApiUrl",
            ),
        ] {
            let mut lacking = page.clone();
            lacking.pointer_mut(pointer).map(Json::take);
            let why = (AUTH.session)(&lacking).map(|_| ());
            assert_eq!(why, Err(Malformed::new(message)));
        }
        let mut odd = page.clone();
        for url in [
            "saas",
            "ftp://host/saas",
            "https://user:word@host/saas",
            "data:x",
        ] {
            odd["products"][0]["baseApiUrl"] = json!(url);
            let why = (AUTH.session)(&odd).map(|_| ());
            let message = "the login reply has no plain URL at /products/0/baseApiUrl";
            assert_eq!(why, Err(Malformed::new(message)), "{url}");
        }
    }

    #[test]
    fn the_login_sends_user_and_password() {
        let login = AUTH.login.map(|login| {
            let call = login(&[("username", "u".into()), ("password", "p".into())]);
            (call.path, call.body)
        });
        let body = json!({"username": "u", "password": "p"});
        assert_eq!(login, Some(("/saas/public/core/v3/login", body)));
    }
}
