//! The fake credentials that the simulators accept, in the forms that a connection's `auth` can have.
//!
//! They are printed in the documentation and work at a sandbox only. No real credential may be here.

use serde_json::{Map, Value, json};

/// One way to authenticate at one simulated vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxCredential {
    pub vendor: &'static str,
    /// The form of a connection's `auth`: `token`, `login`, `session`, `apiKey` or `clientCredentials`.
    pub form: &'static str,
    /// The connection's base URL with this form, as a path below the sandbox's own address.
    pub base: &'static str,
    /// The secret values of the form, by their names in a connection's `auth`.
    pub values: &'static [(&'static str, &'static str)],
    /// Where `clientCredentials` asks for its token, as a path below the sandbox's own address.
    pub token_url: Option<&'static str>,
}

/// Returns a credential whose token, if any, needs no token endpoint.
const fn new_credential(
    vendor: &'static str,
    form: &'static str,
    base: &'static str,
    values: &'static [(&'static str, &'static str)],
) -> SandboxCredential {
    SandboxCredential {
        vendor,
        form,
        base,
        values,
        token_url: None,
    }
}

/// Every accepted credential; the first of each vendor is its preferred one.
pub const CREDENTIALS: &[SandboxCredential] = &[
    new_credential(
        "cryptlex",
        "token",
        "/cryptlex",
        &[("token", "sandbox-token")],
    ),
    new_credential(
        "cryptlex",
        "login",
        "/cryptlex",
        &[
            ("accountId", "sandbox"),
            ("email", "admin@sandbox.test"),
            ("password", "sandbox"),
        ],
    ),
    new_credential(
        "informatica",
        "login",
        "/informatica",
        &[("username", "admin@sandbox.test"), ("password", "sandbox")],
    ),
    new_credential(
        "informatica",
        "session",
        "/informatica/saas",
        &[("session", "sandbox-session")],
    ),
    new_credential(
        "licensespring",
        "apiKey",
        "/licensespring",
        &[("apiKey", "sandbox0.sandboxsandboxsandboxsandboxsand")],
    ),
    new_credential("alinea", "token", "/alinea", &[("token", "sandbox-token")]),
    SandboxCredential {
        token_url: Some("/alinea/oauth/token"),
        ..new_credential(
            "alinea",
            "clientCredentials",
            "/alinea",
            &[("clientId", "sandbox"), ("clientSecret", "sandbox")],
        )
    },
    new_credential(
        "lac",
        "login",
        "/lac",
        &[("username", "admin"), ("password", "sandbox")],
    ),
    new_credential("lac", "token", "/lac", &[("token", "sandbox-token")]),
];

/// Lists the credentials of one vendor, the preferred one first.
pub fn credentials_of(vendor: &str) -> impl Iterator<Item = &'static SandboxCredential> {
    CREDENTIALS
        .iter()
        .filter(move |credential| credential.vendor == vendor)
}

/// Returns a credential as the index of a sandbox at `address` (`http://host:port`) shows it.
pub(super) fn describe_credential(credential: &SandboxCredential, address: &str) -> Value {
    let values = credential.values.iter();
    let values: Map<_, _> = values
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect();
    let mut shown = json!({
        "form": credential.form,
        "baseUrl": format!("{address}{}", credential.base),
        "values": values,
    });
    if let Some(path) = credential.token_url {
        shown["tokenUrl"] = format!("{address}{path}").into();
    }
    shown
}
