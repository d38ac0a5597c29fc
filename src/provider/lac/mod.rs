//! X-Formation License Activation Center: the vendor REST API.
//!
//! A token comes from `POST /auth/tokens`; a lost one shows as 403, not 401.
//!
//! Customers and orders are two kinds of one account. The customer list shows customers, and it is what the owners of
//! orders are found by, so a page of it that both readings ask for is asked for once.
//!
//! Source: the vendor's page "Create token", checked 2026-11-21.

mod customer;
mod license_order;
mod list_walk;
mod lists;

use serde_json::json;

use super::auth::{AuthForm, AuthRules, LoginCall, Session, text_at};
use super::{Provider, ResourceKind};
use crate::model::{Limits, Vendor};

pub struct Lac;

const VENDOR: Vendor = Vendor("lac");

static AUTH: AuthRules = AuthRules {
    forms: &[
        AuthForm {
            name: "login",
            about: "User name and password; each run opens a session",
            members: &[&["username"], &["password"]],
        },
        AuthForm {
            name: "token",
            about: "A token that another program has got; it ends after a while",
            members: &[],
        },
    ],
    header: "Authorization",
    prefix: "Bearer ",
    lost: Some(403),
    login: Some(|members| LoginCall {
        path: "/auth/tokens",
        body: members
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect(),
    }),
    logout: None,
    session: |json| {
        Ok(Session {
            token: text_at(json, "/token")?.to_string(),
            base: None,
        })
    },
};

impl Provider for Lac {
    fn vendor(&self) -> Vendor {
        VENDOR
    }

    fn kinds(&self) -> &'static [&'static dyn ResourceKind] {
        &[&license_order::LicenseOrder, &customer::Customer]
    }

    fn auth(&self) -> &'static AuthRules {
        &AUTH
    }

    fn address(&self) -> &'static str {
        "https://lac.example.com"
    }

    /// No limit is published; ten at once is what the peers of this program use where nothing is known.
    fn limits(&self) -> Limits {
        Limits {
            concurrency: 10,
            rates: Vec::new(),
        }
    }
}
