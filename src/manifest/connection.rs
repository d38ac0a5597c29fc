//! `Connection` documents: where an account is, how to prove who we are, how hard it may be asked.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::is_loopback;
use super::members::Reader;
use crate::model::connection::Credential;
use crate::model::node::Entry;
use crate::model::{
    Auth, Connection, Diagnostic, Limits, Node, Origin, Rate, SecretRef, Tree, Vendor,
};

const SPEC: [&str; 7] = [
    "vendor",
    "baseUrl",
    "auth",
    "limits",
    "timeout",
    "webhookSecret",
    "allowInsecureHttp",
];

/// Members of login forms that are names, not secrets, and may stand in a manifest as they are.
const NAMES: [&str; 6] = [
    "username",
    "accountId",
    "accountAlias",
    "email",
    "clientId",
    "scope",
];
const SECRETS: [&str; 2] = ["password", "clientSecret"];

/// Checks a `Connection`. What the vendor's provider has to say about its form of `auth` comes later.
pub fn lower(
    name: String,
    spec: &Node,
    vendors: &[Vendor],
    origin: Origin,
    reader: &mut Reader<'_>,
) -> Option<Connection> {
    let entries = reader.members("the spec of a Connection", spec, &SPEC);
    let get = |key: &str| entries.iter().find(|entry| entry.key == key);
    for name in ["vendor", "baseUrl", "auth"] {
        if get(name).is_none() {
            reader.missing("a Connection", name, spec.mark);
        }
    }
    let insecure = match get("allowInsecureHttp") {
        Some(entry) => reader
            .boolean("allowInsecureHttp", &entry.value)
            .unwrap_or(false),
        None => false,
    };
    let vendor = get("vendor").and_then(|entry| vendor(&entry.value, vendors, reader));
    let base_url = get("baseUrl").and_then(|entry| base_url(&entry.value, insecure, reader));
    reader.secretive = true;
    let auth = get("auth").and_then(|entry| auth(&entry.value, insecure, reader));
    let webhook_secret =
        get("webhookSecret").and_then(|e| secret("webhookSecret", &e.value, reader));
    reader.secretive = false;
    let timeout = match get("timeout") {
        Some(entry) => reader.duration("timeout", &entry.value),
        None => Some(Duration::from_secs(30)),
    };
    let limits = match get("limits") {
        Some(entry) => limits(&entry.value, reader),
        None => Limits {
            concurrency: 0,
            rates: Vec::new(),
        },
    };
    Some(Connection {
        name,
        vendor: vendor?,
        base_url: base_url?,
        auth: auth?,
        limits,
        timeout: timeout?,
        webhook_secret,
        allow_insecure_http: insecure,
        origin,
    })
}

fn vendor(node: &Node, vendors: &[Vendor], reader: &mut Reader<'_>) -> Option<Vendor> {
    let text = reader.text("vendor", node)?;
    let found = vendors.iter().find(|vendor| vendor.0 == text).copied();
    if found.is_none() {
        let names: Vec<&str> = vendors.iter().map(|vendor| vendor.0).collect();
        let finding = Diagnostic::error("unknown-vendor", format!("unknown vendor {text:?}"))
            .hint(format!("one of {}", names.join(", ")))
            .suggest(&text, names);
        reader.report(finding, node.mark);
    }
    found
}

/// An http(s) URL without user, query and fragment. Plain http only reaches loopback unless allowed.
fn base_url(node: &Node, insecure: bool, reader: &mut Reader<'_>) -> Option<Url> {
    let text = reader.text("baseUrl", node)?;
    // The text is not repeated, nor is its line where a password or a token may stand in it.
    let bare = !text.contains(['@', '?', '#']);
    let finding = match Url::parse(&text) {
        Err(error) => Diagnostic::error("bad-url", format!("this is not a URL: {error}")),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => Diagnostic::error(
            "secret-in-manifest",
            "a URL must not carry a user name or password",
        ),
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Diagnostic::error("bad-url", "a base URL has no query and no fragment")
        }
        Ok(url) => match unreachable(&url, insecure) {
            None => return Some(url),
            Some(finding) => finding,
        },
    };
    let finding = if bare { finding } else { finding.hide() };
    reader.report(finding, node.mark);
    None
}

/// Why no credential goes to a URL.
pub(super) fn unreachable(url: &Url, insecure: bool) -> Option<Diagnostic> {
    let finding = match url.scheme() {
        "https" if url.has_host() => return None,
        "http" if insecure || is_loopback(url) => return None,
        "http" => Diagnostic::error(
            "insecure-url",
            "plain http would send credentials in the open; it is accepted for loopback only",
        )
        .hint("use https, or set `allowInsecureHttp: true` if the network is yours"),
        _ => Diagnostic::error("bad-url", "a URL here starts with https://"),
    };
    Some(finding)
}

fn auth(node: &Node, insecure: bool, reader: &mut Reader<'_>) -> Option<Auth> {
    const FORMS: [&str; 5] = ["token", "apiKey", "session", "login", "clientCredentials"];
    let entries = reader.members("auth", node, &FORMS);
    let known: Vec<&Entry> = entries
        .iter()
        .filter(|entry| FORMS.contains(&entry.key.as_str()))
        .collect();
    let [entry] = known.as_slice() else {
        let finding = Diagnostic::error("bad-auth", "auth must have exactly one form")
            .hint(format!("one of {}", FORMS.join(", ")));
        reader.report(finding, node.mark);
        return None;
    };
    match entry.key.as_str() {
        "token" => Some(Auth::Token(secret("token", &entry.value, reader)?)),
        "apiKey" => Some(Auth::ApiKey(secret("apiKey", &entry.value, reader)?)),
        "session" => Some(Auth::Session(secret("session", &entry.value, reader)?)),
        "login" => {
            let known = ["username", "accountId", "accountAlias", "email", "password"];
            Some(Auth::Login(credentials(
                "login",
                &entry.value,
                &known,
                reader,
            )?))
        }
        _ => client_credentials(&entry.value, insecure, reader),
    }
}

fn client_credentials(node: &Node, insecure: bool, reader: &mut Reader<'_>) -> Option<Auth> {
    let known = ["tokenUrl", "clientId", "clientSecret", "scope"];
    let members = credentials("clientCredentials", node, &known, reader)?;
    for name in ["clientId", "clientSecret"] {
        if !members.iter().any(|(n, _)| *n == name) {
            reader.missing("clientCredentials", name, node.mark);
            return None;
        }
    }
    match node.get("tokenUrl") {
        Some(url) => {
            let token_url = base_url(url, insecure, reader)?;
            Some(Auth::ClientCredentials { token_url, members })
        }
        None => {
            reader.missing("clientCredentials", "tokenUrl", node.mark);
            None
        }
    }
}

fn credentials(
    what: &str,
    node: &Node,
    known: &[&str],
    reader: &mut Reader<'_>,
) -> Option<Vec<(&'static str, Credential)>> {
    let mut found = Vec::new();
    let mut whole = true;
    for entry in reader.members(what, node, known) {
        let name_of =
            |names: &[&'static str]| names.iter().copied().find(|name| *name == entry.key);
        if let Some(name) = name_of(&SECRETS) {
            match secret(name, &entry.value, reader) {
                Some(secret) => found.push((name, Credential::Secret(secret))),
                None => whole = false,
            }
        } else if let Some(name) = name_of(&NAMES) {
            let plain = matches!(entry.value.tree, Tree::Text(_));
            let credential = if plain {
                reader.text(name, &entry.value).map(Credential::Plain)
            } else {
                secret(name, &entry.value, reader).map(Credential::Secret)
            };
            match credential {
                Some(credential) => found.push((name, credential)),
                None => whole = false,
            }
        }
    }
    (whole && matches!(node.tree, Tree::Map(_))).then_some(found)
}

/// A reference to a secret. A literal is refused without being repeated.
pub(super) fn secret(what: &str, node: &Node, reader: &mut Reader<'_>) -> Option<SecretRef> {
    if !matches!(node.tree, Tree::Map(_)) {
        let finding = Diagnostic::error(
            "secret-in-manifest",
            format!("{what} must say where the secret is kept, not what it is"),
        )
        .hint("write {env: NAME}, {file: PATH} or {command: [program, argument]}");
        reader.report(finding, node.mark);
        return None;
    }
    let entries = reader.members(what, node, &["env", "file", "command"]);
    let [entry] = entries else {
        let finding =
            Diagnostic::error("bad-secret", format!("{what} must have exactly one source"))
                .hint("write {env: NAME}, {file: PATH} or {command: [program, argument]}");
        reader.report(finding, node.mark);
        return None;
    };
    match entry.key.as_str() {
        "env" => reader.text("env", &entry.value).map(SecretRef::Env),
        "file" => reader
            .text("file", &entry.value)
            .map(PathBuf::from)
            .map(SecretRef::File),
        "command" => {
            let words = reader.texts("command", &entry.value);
            if words.is_empty() {
                reader.report(
                    Diagnostic::error("empty", "command must name a program"),
                    node.mark,
                );
                return None;
            }
            Some(SecretRef::Command(
                words.into_iter().map(|(word, _)| word).collect(),
            ))
        }
        _ => None,
    }
}

/// Zero concurrency stands for "the vendor's default", which the provider knows.
fn limits(node: &Node, reader: &mut Reader<'_>) -> Limits {
    let mut limits = Limits {
        concurrency: 0,
        rates: Vec::new(),
    };
    for entry in reader.members("limits", node, &["concurrency", "rates"]) {
        if entry.key == "concurrency" {
            limits.concurrency = reader.count("concurrency", &entry.value).unwrap_or(0) as usize;
        } else if entry.key == "rates" {
            let Tree::List(items) = &entry.value.tree else {
                reader.wrong_type("rates", "a list", &entry.value);
                continue;
            };
            limits
                .rates
                .extend(items.iter().filter_map(|item| rate(item, reader)));
        }
    }
    limits
}

fn rate(node: &Node, reader: &mut Reader<'_>) -> Option<Rate> {
    reader.members("a rate", node, &["requests", "per"]);
    let (Some(requests), Some(per)) = (node.get("requests"), node.get("per")) else {
        reader.missing("a rate", "requests` and `per", node.mark);
        return None;
    };
    let requests = reader.count("requests", requests);
    let per = reader.duration("per", per);
    Some(Rate {
        requests: requests?,
        per: per?,
    })
}
