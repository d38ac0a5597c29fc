//! Hashes what manifests state, so that an apply can tell whether a saved plan still fits them.
//!
//! In: desired objects, connections, and the hashes in a plan. Out: hashes for a new plan, or what has moved since an
//! old one: the connection, its destination, its credentials, or members of the manifest. Live values have their own
//! hash, in `fingerprint`. Of credentials the reference is hashed, for example the name of the variable, and never the
//! secret that it leads to.

use crate::plan::document::Destination;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value as Json, json};

use super::document::{ObjectEntry, SourceFacts, identity_of};
use super::fingerprint::json_digest;
use crate::model::connection::Credential;
use crate::model::json::Canonical;
use crate::model::{Auth, Connection, Desired, PathPattern, Policy, SecretRef};
use crate::provider;

/// Hashes what the manifest of an object says: identity, desired fields, policy and the connection's name, with what
/// `source` holds of that connection. Comments, labels and the place of the manifest do not count.
pub fn manifest_fingerprint(desired: &Desired, source: &SourceFacts) -> String {
    let connection = &*desired.connection;
    let members = manifest_members(desired);
    let members = members.iter().map(|(name, value)| (name, Canonical(value)));
    json_digest(&(
        desired.address.to_string(),
        identity_of(desired),
        members.collect::<BTreeMap<_, _>>(),
        connection,
        source.connection_fingerprints.get(connection),
    ))
}

/// Hashes each managed field and each member of the policy by itself, shortly: `{"activations_allowed": "8f14e45f"}`.
/// They only name the member that moved; [`manifest_fingerprint`] decides whether one did.
pub fn manifest_fields(desired: &Desired) -> BTreeMap<String, String> {
    const LENGTH: usize = "sha256:".len() + 8;
    let short = |value: &Json| json_digest(&Canonical(value))["sha256:".len()..LENGTH].to_string();
    let members = manifest_members(desired).into_iter();
    members.map(|(name, value)| (name, short(&value))).collect()
}

/// Hashes what a connection says about where calls go and who makes them. Limits and time-outs do not count.
pub fn connection_fingerprint(connection: &Connection) -> String {
    let Connection {
        name: _,
        vendor,
        base_url,
        auth,
        limits: _,
        timeout: _,
        webhook_secret: _,
        allow_insecure_http,
        origin: _,
    } = connection;
    json_digest(&(
        vendor.0,
        base_url.as_str(),
        auth_members(auth),
        allow_insecure_http,
    ))
}

/// Tells how the manifest of an object moved since a plan was made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The plan was written by an older version, which did not hash the manifests.
    Unknown,
    Since {
        change: Movement,
        /// File and line of the manifest of now.
        at: String,
    },
}

/// The part of a manifest that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// The object goes through another connection.
    Connection {
        was: String,
        is: String,
    },
    /// Its connection leads to another place.
    Destination {
        connection: String,
        was: Destination,
        is: Destination,
    },
    Credentials {
        connection: String,
    },
    /// The members that changed; empty if the plan does not tell.
    Members(Vec<String>),
}

impl fmt::Display for Moved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Since { change, at } = self else {
            return out.write_str(
                "the plan is of an older version, which did not keep what the manifests said: plan again",
            );
        };
        match change {
            Movement::Connection { was, is } => {
                write!(out, "its connection was `{was}` and is `{is}`")
            }
            Movement::Destination {
                connection,
                was,
                is,
            } => write!(
                out,
                "the connection `{connection}` led to {was} and leads to {is}"
            ),
            Movement::Credentials { connection } => {
                write!(
                    out,
                    "the credentials of the connection `{connection}` changed"
                )
            }
            Movement::Members(names) if names.is_empty() => out.write_str("the manifest changed"),
            Movement::Members(names) => write!(out, "the manifest changed in {}", names.join(", ")),
        }?;
        write!(out, " after the plan was made ({at}): plan again")
    }
}

/// Checks that the present manifest states the same as when an entry of a plan was made; `Err` names what moved.
///
/// `then` are the facts of the plan, `now` those of the manifests that `desired` comes from.
pub fn check_unmoved(
    entry: &ObjectEntry,
    then: &SourceFacts,
    desired: &Desired,
    now: &SourceFacts,
) -> Result<(), Moved> {
    let Some(planned) = &entry.manifest_fingerprint else {
        return Err(Moved::Unknown);
    };
    if *planned == manifest_fingerprint(desired, now) {
        return Ok(());
    }
    let origin = &desired.origin;
    let change = if entry.connection != *desired.connection {
        Movement::Connection {
            was: entry.connection.clone(),
            is: desired.connection.to_string(),
        }
    } else if let Some(elsewhere) = moved_connection(&entry.connection, then, now) {
        elsewhere
    } else {
        Movement::Members(moved_members(entry, desired))
    };
    Err(Moved::Since {
        change,
        at: format!("{}:{}", origin.source.name, origin.mark.line),
    })
}

/// Returns how a connection moved: to another destination, or to other credentials. `None` if it did not.
fn moved_connection(name: &str, then: &SourceFacts, now: &SourceFacts) -> Option<Movement> {
    let connection = || name.to_string();
    let places = (then.connections.get(name)).zip(now.connections.get(name));
    if let Some((was, is)) = places.filter(|(was, is)| was != is) {
        return Some(Movement::Destination {
            connection: connection(),
            was: was.clone(),
            is: is.clone(),
        });
    }
    let fingerprints = |facts: &SourceFacts| facts.connection_fingerprints.get(name).cloned();
    (fingerprints(then) != fingerprints(now)).then(|| Movement::Credentials {
        connection: connection(),
    })
}

/// Returns the identity members, managed fields and policy members in which a manifest differs from the plan.
fn moved_members(entry: &ObjectEntry, desired: &Desired) -> Vec<String> {
    let identity = identity_of(desired);
    let ids = desired.identity.iter().map(|(name, _)| *name);
    let ids = ids.filter(|name| entry.identity.get(name) != identity.get(name));
    let mut moved: Vec<String> = ids.map(str::to_string).collect();
    if entry.manifest_fields.is_empty() {
        return moved;
    }
    let now = manifest_fields(desired);
    let names: BTreeSet<&String> = entry.manifest_fields.keys().chain(now.keys()).collect();
    let differs = |name: &&&String| entry.manifest_fields.get(**name) != now.get(**name);
    moved.extend(names.iter().filter(differs).map(|name| (*name).clone()));
    moved
}

/// Returns all that a manifest states about its object, by the name of the member; policies as `policy.mode`.
fn manifest_members(desired: &Desired) -> BTreeMap<String, Json> {
    let mut members = policy_members(&desired.policy);
    let table =
        provider::find_kind(desired.address.kind.0).map(|provider| provider.table().desired);
    let fields = desired.fields.unpack();
    for field in table.unwrap_or_default() {
        if let Some(value) = fields.get(field.name) {
            members.insert(field.name.to_string(), field.shape.json(value));
        }
    }
    members
}

/// Returns the members of a policy that affect an apply, without those that have their default value.
fn policy_members(policy: &Policy) -> BTreeMap<String, Json> {
    let sorted = |texts: BTreeSet<String>| (!texts.is_empty()).then(|| json!(texts));
    let paths = |paths: &[PathPattern]| {
        let texts = paths.iter().map(|path| json!(path).to_string());
        sorted(texts.collect())
    };
    let Policy {
        mode,
        keep_unlisted,
        absent_is_empty,
        ignore,
        allow,
        until,
        // What the daemon decided, its words and its times.
        given_up: _,
        reason: _,
        resync: _,
    } = policy;
    let usual = Policy::default();
    let members = [
        ("mode", (*mode != usual.mode).then(|| json!(mode))),
        (
            "keepUnlisted",
            sorted(keep_unlisted.iter().cloned().collect()),
        ),
        ("absentIsEmpty", paths(absent_is_empty)),
        ("ignore", paths(ignore)),
        ("allow", (*allow != usual.allow).then(|| json!(allow))),
        ("until", until.map(|until| json!(until.to_string()))),
    ];
    let members = members.into_iter();
    members
        .filter_map(|(name, value)| Some((format!("policy.{name}"), value?)))
        .collect()
}

/// Returns the form of a login, its URL and the references to its secrets. Plain members are not secret.
fn auth_members(auth: &Auth) -> Json {
    let members = |members: &[(&'static str, Credential)]| -> Json {
        let member = |(name, credential): &(&'static str, Credential)| {
            let kept = match credential {
                Credential::Plain(text) => json!({"plain": text}),
                Credential::Secret(secret) => reference_json(secret),
            };
            (name.to_string(), kept)
        };
        members.iter().map(member).collect()
    };
    let (url, members) = match auth {
        Auth::Token(secret) | Auth::ApiKey(secret) | Auth::Session(secret) => {
            (None, reference_json(secret))
        }
        Auth::Login(login) => (None, members(login)),
        Auth::ClientCredentials {
            token_url,
            members: client,
        } => (Some(token_url.as_str()), members(client)),
    };
    json!({"form": auth.form(), "url": url, "members": members})
}

/// Returns where a secret is kept, never the secret.
fn reference_json(secret: &SecretRef) -> Json {
    match secret {
        SecretRef::Env(name) => json!({"env": name}),
        SecretRef::File(path) => json!({"file": path.to_string_lossy()}),
        SecretRef::Command(command) => json!({"command": command}),
        SecretRef::Known(_) => json!({"known": "the sandbox's"}),
    }
}

#[cfg(test)]
mod tests;
