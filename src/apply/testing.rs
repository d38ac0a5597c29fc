//! What the unit tests of this folder share.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Auth, Connection, Limits, Mark, Origin, SecretRef, Vendor};

/// An account that is never called.
pub fn connection() -> Connection {
    Connection {
        name: "lac".into(),
        vendor: Vendor("lac"),
        base_url: "https://lac.example.com/".parse().expect("a URL"),
        auth: Auth::Token(SecretRef::Env("T".into())),
        limits: Limits {
            concurrency: 1,
            rates: Vec::new(),
        },
        timeout: Duration::from_secs(30),
        webhook_secret: None,
        allow_insecure_http: false,
        origin: Origin {
            source: Arc::default(),
            mark: Mark::default(),
        },
    }
}
