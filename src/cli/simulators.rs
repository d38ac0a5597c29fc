//! Connections that lead to the simulators, with the sandbox's own credentials.
//!
//! In: a running `SandboxServer`. Out: one `Connection` per vendor, which the checks use in place of
//! those of the manifests. No real credential is read here, and none of these connections leaves this
//! machine.

use std::sync::Arc;
use std::time::Duration;

use crate::model::connection::Credential;
use crate::model::diagnostic::Source;
use crate::model::{Auth, Connection, Limits, Mark, Origin, SecretRef};
use crate::provider;
use crate::sandbox::{SandboxServer, credentials};

/// Returns one connection per vendor that leads to its simulator.
///
/// A vendor with several accepted credentials gets the first one; a vendor for which the sandbox
/// publishes none gets no connection.
///
/// A connection is named as its vendor is, has no limits on rates, and waits 30 s for an answer. Its
/// secrets are `SecretRef::Known`: the published texts of the simulators, for which no environment
/// variable or file is read.
pub fn stand_ins(sandbox: &SandboxServer) -> Vec<Connection> {
    let source = Arc::new(Source::new("<sandbox>".into(), String::new()));
    provider::ALL
        .iter()
        .filter_map(|provider| {
            let vendor = provider.vendor();
            let credential = credentials::credentials_of(vendor.0).next()?;
            let known = |(name, text): &(&'static str, &'static str)| {
                (*name, Credential::Secret(SecretRef::Known(text)))
            };
            let (_, first) = credential.values.first()?;
            let auth = match credential.form {
                "token" => Auth::Token(SecretRef::Known(first)),
                "apiKey" => Auth::ApiKey(SecretRef::Known(first)),
                "session" => Auth::Session(SecretRef::Known(first)),
                _ => Auth::Login(credential.values.iter().map(known).collect()),
            };
            let address = format!("http://{}{}", sandbox.address(), credential.base);
            Some(Connection {
                name: vendor.0.to_string(),
                vendor,
                base_url: address.parse().ok()?,
                auth,
                limits: Limits {
                    concurrency: 0,
                    rates: Vec::new(),
                },
                timeout: Duration::from_secs(30),
                webhook_secret: None,
                allow_insecure_http: false,
                origin: Origin {
                    source: Arc::clone(&source),
                    mark: Mark::default(),
                },
            })
        })
        .collect()
}
