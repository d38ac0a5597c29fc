//! The envelope as types, from which its JSON Schema is derived.
//!
//! Manifests are read from the span tree (`lower`, `connection`, `policy`), because serde stops at the
//! first fault and loses places; these types serve editors. The tests hold both to the same samples.

use schemars::JsonSchema;
use serde::Serialize;

/// Name and labels of a document.
#[derive(JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct Metadata {
    /// Name of the object, unique per kind: lower-case letters, digits, `-` and `.`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Labels for `--selector`.
    #[schemars(default)]
    pub labels: Option<std::collections::BTreeMap<String, String>>,
    /// Free text for people and other tools.
    #[schemars(default)]
    pub annotations: Option<std::collections::BTreeMap<String, String>>,
}

/// What may be done to the object.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Policy {
    /// Write it, only plan it, or do not even read it.
    #[schemars(default)]
    pub mode: PolicyMode,
    /// When a suspension ends by itself, for example `2026-12-24T18:00:00Z`.
    #[schemars(default, extend("format" = "date-time"))]
    pub until: Option<String>,
    /// Why it is held back, for whoever looks at it.
    #[schemars(default)]
    pub reason: Option<String>,
    /// How often `watch` looks at it without being told to, for example `30m`.
    #[schemars(default)]
    pub resync: Option<String>,
    /// Lists whose live elements survive though they are not listed here, in the words of this manifest.
    #[schemars(default)]
    pub keep_unlisted: Vec<String>,
    /// Field paths left out of diff and apply alike, as plans print them; `[*]` is every element, `["*"]` the one
    /// whose key is a star. A date goes with the type that gave it a meaning, also where it is ignored.
    #[schemars(default)]
    pub ignore: Vec<String>,
    /// Lists and fields that the vendor leaves out of a read when they are empty, as plans print them:
    /// `customLimits`, `customLicenses[*].expirationDate`. Anything else that a read leaves out is unknown, and a
    /// write that would have to carry it is refused.
    #[schemars(default)]
    pub absent_is_empty: Vec<String>,
    /// Risks accepted for this object without a flag.
    #[schemars(default)]
    pub allow: Vec<PolicyRisk>,
}

#[derive(Default, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyMode {
    #[default]
    Enforce,
    Observe,
    Suspend,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyRisk {
    Reduce,
    Strand,
}

/// One account at one vendor.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ConnectionSpec {
    /// Whose account it is.
    pub vendor: VendorName,
    /// Everything before the path that the vendor's page prints.
    #[schemars(url)]
    pub base_url: String,
    /// How to prove who we are: exactly one form.
    pub auth: AuthForms,
    /// What the account may be asked for; the vendor's own limits where left out.
    #[schemars(default)]
    pub limits: Option<LimitsSpec>,
    /// Longest time for one call, for example `30s`.
    #[schemars(default)]
    pub timeout: Option<String>,
    /// Secret that the vendor signs its webhooks with.
    #[schemars(default)]
    pub webhook_secret: Option<SecretSource>,
    /// Send credentials over plain http to a host that is not this machine.
    #[schemars(default)]
    pub allow_insecure_http: bool,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VendorName {
    Alinea,
    Cryptlex,
    Informatica,
    Lac,
    Licensespring,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
// Exactly one, said by names: with `maxProperties` yaml-language-server takes the place that is being
// typed for the one, and offers nothing.
#[schemars(deny_unknown_fields, extend("oneOf" = [
    {"required": ["token"]},
    {"required": ["apiKey"]},
    {"required": ["session"]},
    {"required": ["login"]},
    {"required": ["clientCredentials"]},
]))]
pub struct AuthForms {
    /// A bearer token (cryptlex, alinea, lac).
    #[schemars(default)]
    pub token: Option<SecretSource>,
    /// A management API key (licensespring).
    #[schemars(default)]
    pub api_key: Option<SecretSource>,
    /// A session id that is already open (informatica).
    #[schemars(default)]
    pub session: Option<SecretSource>,
    /// A login (cryptlex, informatica, lac).
    #[schemars(default)]
    pub login: Option<LoginSpec>,
    /// OAuth client credentials (alinea).
    #[schemars(default)]
    pub client_credentials: Option<ClientCredentialsSpec>,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct LoginSpec {
    /// User name (informatica, lac).
    #[schemars(default)]
    pub username: Option<NameSource>,
    /// Account id (cryptlex; or the alias).
    #[schemars(default)]
    pub account_id: Option<NameSource>,
    /// Account alias (cryptlex; or the id).
    #[schemars(default)]
    pub account_alias: Option<NameSource>,
    /// E-mail address (cryptlex).
    #[schemars(default)]
    pub email: Option<NameSource>,
    /// Where the password is kept.
    pub password: SecretSource,
}

#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ClientCredentialsSpec {
    /// The token endpoint.
    #[schemars(url)]
    pub token_url: String,
    pub client_id: NameSource,
    /// Where the client secret is kept.
    pub client_secret: SecretSource,
    #[schemars(default)]
    pub scope: Option<NameSource>,
}

/// Where a secret is kept: exactly one of the three.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields, extend("oneOf" = [
    {"required": ["env"]},
    {"required": ["file"]},
    {"required": ["command"]},
]))]
pub struct SecretSource {
    /// Name of an environment variable.
    #[schemars(default)]
    pub env: Option<String>,
    /// Path of a file.
    #[schemars(default)]
    pub file: Option<String>,
    /// A program and its arguments, run without a shell.
    #[schemars(default)]
    pub command: Option<Vec<String>>,
}

/// A name as it is, or where it is kept.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub enum NameSource {
    Plain(String),
    Kept(SecretSource),
}

#[derive(JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Calls at the same time.
    #[schemars(default, range(min = 1))]
    pub concurrency: Option<u32>,
    /// At most so many requests in any window of time; all of them hold.
    #[schemars(default)]
    pub rates: Vec<RateSpec>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct RateSpec {
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// Length of the window, for example `5s`.
    pub per: String,
}

/// What the commands of one repository start from. It lies in `entitle.yaml`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ProjectSpec {
    /// Files or directories with manifests, below this file's directory.
    #[schemars(default, length(min = 1))]
    pub paths: Option<Vec<String>>,
    /// Calls of a whole run at the same time.
    #[schemars(default, range(min = 1, max = 65535))]
    pub parallelism: Option<u32>,
    /// Longest time for a whole run, for example `10m`.
    #[schemars(default)]
    pub timeout: Option<String>,
    /// Send nothing if more objects would change: a number, or a share such as `10%`.
    #[schemars(default)]
    pub max_changes: Option<MaxChangesSpec>,
    /// Send credentials to these hosts only; `*.example.com` is every host below.
    #[schemars(default, length(min = 1))]
    pub trust_hosts: Option<Vec<String>>,
    /// Journal of applies, below this file's directory.
    #[schemars(default)]
    pub journal: Option<String>,
    /// File with accepted drift, below this file's directory; `entitle-accepted.yaml` where left out.
    #[schemars(default)]
    pub accepted_drift: Option<String>,
}

/// Somebody whom `entitle watch` tells when something turns for better or worse.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(
    deny_unknown_fields,
    extend("oneOf" = [
        {"required": ["webhook"]}, {"required": ["slack"]}, {"required": ["teams"]}, {"required": ["email"]}
    ])
)]
pub struct NotificationSpec {
    /// JSON to an address of your own, signed as Standard Webhooks say.
    #[schemars(default)]
    pub webhook: Option<WebhookSpec>,
    /// An incoming webhook of Slack.
    #[schemars(default)]
    pub slack: Option<AddressSpec>,
    /// A workflow of Teams that is started by a webhook.
    #[schemars(default)]
    pub teams: Option<AddressSpec>,
    /// E-mail through an SMTP server.
    #[schemars(default)]
    pub email: Option<EmailSpec>,
    /// What is told; everything where left out.
    #[schemars(default)]
    pub events: Option<Vec<EventName>>,
    /// Connections it is told about; all where left out.
    #[schemars(default)]
    pub connections: Option<Vec<String>>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct WebhookSpec {
    /// The address, or where it is kept if there is a key in it.
    pub url: NameSource,
    /// Where the secret is kept that messages are signed with.
    #[schemars(default)]
    pub secret: Option<SecretSource>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct AddressSpec {
    /// Where the address is kept: whoever knows it may post.
    pub url: SecretSource,
}

#[derive(JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct EmailSpec {
    /// `smtps://host:port`, or `smtp://host:port` with STARTTLS.
    pub server: String,
    /// The sender.
    pub from: String,
    /// One recipient or several.
    pub to: Recipients,
    #[schemars(default)]
    pub username: Option<NameSource>,
    /// Where the password is kept.
    #[schemars(default)]
    pub password: Option<SecretSource>,
}

#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub enum MaxChangesSpec {
    Count(u32),
    Share(#[schemars(regex(pattern = r"^[0-9]{1,3}%$"))] String),
}

/// Drift that somebody has looked at and lets be. Only `entitle drift` heeds it.
#[derive(JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct AcceptedDriftSpec {
    pub entries: Vec<AcceptedDriftEntry>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct AcceptedDriftEntry {
    /// The object as Kind/name.
    #[schemars(regex(pattern = r"^[A-Za-z]+/[a-z0-9.-]+$"))]
    pub object: String,
    /// Field path as drift prints it; `[*]` stands for every element, and what lies below is meant too.
    pub field: String,
    /// Why it is let be.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// The last day on which it is accepted, in UTC.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub until: String,
}

#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub enum Recipients {
    One(String),
    Several(Vec<String>),
}

/// What can turn.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventName {
    Brake,
    Source,
    Locked,
    Failed,
    Missing,
    Fight,
    Held,
    Drift,
    Written,
    Recovered,
    Suspended,
}
