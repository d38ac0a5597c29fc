//! Hashes what manifests state, so that an apply can tell whether a saved plan still fits them.
//!
//! In: desired objects and connections. Out: hashes for a plan, which `movement` compares with those of a later day. Live
//! values have their own hash, in `fingerprint`. Of credentials the reference is hashed, for example the name of the
//! variable, and never the secret that it leads to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::canonical::CanonicalValue;
use super::fingerprint::json_digest;
use super::source_facts::SourceFacts;
use crate::model::connection::Credential;
use crate::model::json::Canonical;
use crate::model::{Auth, Connection, Desired, Fields, PathPattern, Policy, SecretRef};
use crate::provider;

/// Hashes what the manifest of an object says: identity, desired fields, policy and the connection's name, with what
/// `source` holds of that connection. References count as they are written, whatever ids they stand for. Comments, labels and the place of the manifest do not count.
pub fn manifest_fingerprint(desired: &Desired, source: &SourceFacts) -> String {
    let desired = desired.manifest_form();
    let connection = &*desired.connection;
    let fields = stated_fields(desired);
    json_digest(&(
        desired.address.to_string(),
        desired.ids(),
        manifest_members(desired, &fields),
        connection,
        source.connection_fingerprints.get(connection),
    ))
}

/// Hashes each managed field and each member of the policy by itself, shortly: `{"activations_allowed": "8f14e45f"}`.
/// They only name the member that moved; [`manifest_fingerprint`] decides whether one did.
pub fn manifest_fields(desired: &Desired) -> BTreeMap<String, String> {
    const LENGTH: usize = "sha256:".len() + 8;
    let short = |member: &Member<'_>| json_digest(member)["sha256:".len()..LENGTH].to_string();
    let desired = desired.manifest_form();
    let fields = stated_fields(desired);
    let members = manifest_members(desired, &fields).into_iter();
    let hashed = members.map(|(name, member)| (name.into_owned(), short(&member)));
    hashed.collect()
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
        marks: _,
    } = connection;
    json_digest(&(
        vendor.0,
        base_url.as_str(),
        auth_members(auth),
        allow_insecure_http,
    ))
}

/// Returns all fields of an object, those that only its creation takes among them.
fn stated_fields(desired: &Desired) -> Fields {
    let mut fields = desired.fields.unpack();
    fields.extend(desired.creation.unpack());
    fields
}

/// A member of a manifest, as it is hashed.
enum Member<'a> {
    Policy(Json),
    Field(CanonicalValue<'a>),
}

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Member::Policy(value) => Canonical(value).serialize(serializer),
            Member::Field(value) => value.serialize(serializer),
        }
    }
}

/// Returns all that a manifest states about its object, by the name of the member; policies as `policy.mode`. `fields` are
/// its fields.
fn manifest_members<'a>(
    desired: &Desired,
    fields: &'a Fields,
) -> BTreeMap<Cow<'static, str>, Member<'a>> {
    let policies = policy_members(&desired.policy).into_iter();
    let mut members: BTreeMap<_, _> = policies
        .map(|(name, value)| (Cow::Owned(name), Member::Policy(value)))
        .collect();
    let table = provider::find_kind(desired.address.kind.0).map(|kind| kind.table());
    let tables = table.map(|table| [table.desired, table.lifecycle.creation_fields()]);
    for field in tables.into_iter().flatten().flatten() {
        if let Some(value) = fields.get(field.name) {
            let value = CanonicalValue(&field.shape, value);
            members.insert(Cow::Borrowed(field.name), Member::Field(value));
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
        schedule,
        absent,
        // The permission to create may come from the command line as well.
        create: _,
        // These hold the daemon's decisions, their texts and their times.
        given_up: _,
        reason: _,
        resync: _,
        // No manifest sets it.
        only_read: _,
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
        ("schedule", schedule.then(|| json!("vendor"))),
        ("state", absent.then(|| json!("absent"))),
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
mod tests {
    use super::*;
    use crate::model::{CreationFields, PackedFields, Risk, Value};
    use crate::provider::testing::desired_object;

    #[test]
    fn a_plan_keeps_only_what_the_manifest_says() {
        let names = |desired: &Desired| manifest_fields(desired).into_keys().collect::<Vec<_>>();
        let table = provider::find_kind("LacLicenseOrder").unwrap().table();
        let mut desired = desired_object(table, &[("activationKey", "A")]);
        let fields = [("activations_allowed", Value::Integer(5))].into();
        desired.fields = PackedFields::new(table.desired, &fields);
        assert_eq!(names(&desired), ["activations_allowed"]);
        desired.policy.allow = Risk::Reduce;
        assert_eq!(names(&desired), ["activations_allowed", "policy.allow"]);
    }

    #[test]
    fn what_only_a_creation_takes_is_part_of_a_manifest() {
        let table = provider::find_kind("LicenseSpringOrder").unwrap().table();
        let order = |number: u32| {
            let items = json!([{"product_code": "mch", "licenses": [{"max_activations": number}]}]);
            let fields = [("items", Value::Json(Box::new(items)))].into();
            Desired {
                creation: CreationFields::new(table.lifecycle.creation_fields(), &fields),
                ..desired_object(table, &[("store_id", "ord-7")])
            }
        };
        let hash = |order: &Desired| manifest_fingerprint(order, &SourceFacts::default());
        assert!(manifest_fields(&order(2)).contains_key("items"));
        assert_eq!(hash(&order(2)), hash(&order(2)));
        assert_ne!(hash(&order(2)), hash(&order(9)));
    }
}
