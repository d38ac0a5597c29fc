//! Cryptlex: the web API v3.
//!
//! An access token, or a login whose token a 401 ends. Webhooks are signed over the body; see `webhook`.
//!
//! Sources: the vendor's page "Introduction" and its public clients, checked 2026-11-21.

mod account_listing;
mod id_search;
mod license;
mod list_per_organization;
mod list_walk;
mod organization;
mod organization_license;
mod organization_user;
mod rows;
mod sheet;
mod user_group;
mod webhook;

use std::time::Duration;

use serde_json::json;

use super::auth::{AuthForm, AuthRules, LoginCall, Session, text_at};
use super::webhook::Webhook;
use super::{Provider, ResourceKind};
use crate::model::{Limits, RateLimit, Vendor};

pub struct Cryptlex;

const VENDOR: Vendor = Vendor("cryptlex");

static AUTH: AuthRules = AuthRules {
    forms: &[
        AuthForm {
            name: "token",
            about: "An access token that you make in the console",
            members: &[],
        },
        AuthForm {
            name: "login",
            about: "Account, e-mail and password; each run opens a session",
            members: &[&["accountId", "accountAlias"], &["email"], &["password"]],
        },
    ],
    header: "Authorization",
    prefix: "Bearer ",
    lost: Some(401),
    login: Some(|members| LoginCall {
        path: "/v3/accounts/login",
        body: members
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect(),
    }),
    logout: None,
    session: |json| {
        Ok(Session {
            token: text_at(json, "/accessToken")?.to_string(),
            base: None,
        })
    },
};

impl Provider for Cryptlex {
    fn vendor(&self) -> Vendor {
        VENDOR
    }

    fn kinds(&self) -> &'static [&'static dyn ResourceKind] {
        &[
            &license::License,
            &organization::Organization,
            &organization_license::OrganizationLicense,
            &organization_user::OrganizationUser,
            &user_group::UserGroup,
        ]
    }

    fn auth(&self) -> &'static AuthRules {
        &AUTH
    }

    fn address(&self) -> &'static str {
        "https://api.cryptlex.com"
    }

    /// A burst of 50 requests in five seconds per address; abuse is answered with a block ("Introduction").
    fn limits(&self) -> Limits {
        Limits {
            concurrency: 10,
            rates: vec![RateLimit {
                requests: 50,
                per: Duration::from_secs(5),
            }],
        }
    }

    fn webhook(&self) -> Option<&'static dyn Webhook> {
        Some(&webhook::CryptlexWebhook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_names_its_account_one_way_and_opens_a_session() {
        let login = AUTH.login.expect("a login");
        let call = login(&[("accountAlias", "rivers".into()), ("password", "p".into())]);
        assert_eq!(call.path, "/v3/accounts/login");
        assert_eq!(
            call.body,
            json!({"accountAlias": "rivers", "password": "p"})
        );
        let session = (AUTH.session)(&json!({"accessToken": "t"})).map(|session| session.token);
        assert_eq!(session, Ok("t".to_string()));
        assert!((AUTH.session)(&json!({})).is_err());
    }
}
