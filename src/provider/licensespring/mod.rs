//! LicenseSpring: the Management API v1.
//!
//! A management API key goes into every call. Webhooks sign time and body; see `webhook`.
//!
//! Sources: the vendor's pages "Management API authorization", "RateLimit limiting", and its public clients, checked
//! 2026-11-21.

mod catalogue;
mod customer_account;
mod envelope;
mod license;
mod license_custom_field;
mod license_policy;
mod list_walk;
mod order;
mod product_feature;
mod refusal;
mod span;
mod webhook;

use std::time::Duration;

use super::auth::{AuthForm, AuthRules};
use super::webhook::Webhook;
use super::{Provider, ResourceKind};
use crate::model::{Limits, Malformed, RateLimit, Vendor};

pub struct LicenseSpring;

const VENDOR: Vendor = Vendor("licensespring");

static AUTH: AuthRules = AuthRules {
    forms: &[AuthForm {
        name: "apiKey",
        about: "The key of the Management API",
        members: &[],
    }],
    header: "Authorization",
    prefix: "Api-Key ",
    lost: None,
    login: None,
    logout: None,
    session: |_| Err(Malformed::new("a key opens no session")),
};

static KINDS: &[&dyn ResourceKind] = &[
    &customer_account::CUSTOMER_ACCOUNT,
    &license::License,
    &license_custom_field::LICENSE_CUSTOM_FIELD,
    &license_policy::LICENSE_POLICY,
    &order::ORDER,
    &product_feature::PRODUCT_FEATURE,
];

impl Provider for LicenseSpring {
    fn vendor(&self) -> Vendor {
        VENDOR
    }

    fn kinds(&self) -> &'static [&'static dyn ResourceKind] {
        KINDS
    }

    fn auth(&self) -> &'static AuthRules {
        &AUTH
    }

    fn address(&self) -> &'static str {
        "https://saas.licensespring.com"
    }

    /// What the smallest plan allows per company in a minute, and every plan per key in a second and per
    /// address in ten ("RateLimit limiting").
    fn limits(&self) -> Limits {
        let rate = |requests, seconds| RateLimit {
            requests,
            per: Duration::from_secs(seconds),
        };
        Limits {
            concurrency: 10,
            rates: vec![rate(600, 60), rate(200, 10), rate(50, 1)],
        }
    }

    fn webhook(&self) -> Option<&'static dyn Webhook> {
        Some(&webhook::LicenseSpringWebhook)
    }
}
