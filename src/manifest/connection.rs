//! `Connection` documents: where an account is, how to prove who we are, how hard it may be asked.
//!
//! In goes the `spec` of one document, out comes a [`Connection`] with secrets by reference: nothing here resolves a
//! secret or opens a socket. Forms of `auth` are checked for their shape alone; the vendor's provider decides later
//! which of them it takes.

use std::time::Duration;

use url::Url;

use super::reader::MapReader;
use super::table::{Form, Rule, map_table};
use super::text_type::{BASE_URL, DURATION, TEXT, hide_secret_in, refuse_unsafe};
use super::values::Values;
use crate::model::connection::MemberMarks;
use crate::model::{Auth, Connection, Limits, Node, Origin, RateLimit};

/// The longest time for one call where a connection sets none; `timeout` in the table says the same.
const TIMEOUT: Duration = Duration::from_secs(30);

map_table! {
    pub CONNECTION "the spec of Connection": "One account at one vendor." {
        vendor: Form::Vendor, required: true, "Whose account it is.";
        baseUrl: Form::Text(&BASE_URL), required: true, "Everything before the path that the vendor's page prints.";
        auth: Form::Map(&AUTH), required: true, "How to prove who we are: exactly one form.";
        limits: Form::Map(&LIMITS), "What the account may be asked for; the vendor's own limits where left out.";
        timeout: Form::Text(&DURATION), default: Some("30s"), "Longest time for one call.";
        webhookSecret: Form::Secret, "Secret that the vendor signs its webhooks with.";
        allowInsecureHttp: Form::Boolean, default: Some("false"), "Send credentials over plain http to a host that is not \
            this machine, where `--trust-hosts` has `http://HOST` or is not given.";
    }
}

map_table! {
    AUTH "auth" {
        token: Form::Secret, by_vendor: true, "A bearer token.";
        apiKey: Form::Secret, by_vendor: true, "A management API key.";
        session: Form::Secret, by_vendor: true, "A session id that is already open.";
        login: Form::Map(&LOGIN), by_vendor: true, "A login.";
        clientCredentials: Form::Map(&CLIENT_CREDENTIALS), by_vendor: true, "OAuth client credentials.";
    }
    rule: Rule::ExactlyOne {
        code: "bad-auth",
        noun: "form",
        names: &["token", "apiKey", "session", "login", "clientCredentials"],
        hint: "one of token, apiKey, session, login, clientCredentials",
    },
    secretive: true
}

map_table! {
    LOGIN "login" {
        username: Form::TextOrSecret(&TEXT), by_vendor: true, "User name.";
        accountId: Form::TextOrSecret(&TEXT), by_vendor: true, "Account id, or else the alias.";
        accountAlias: Form::TextOrSecret(&TEXT), by_vendor: true, "Account alias, or else the id.";
        email: Form::TextOrSecret(&TEXT), by_vendor: true, "E-mail address.";
        password: Form::Secret, required: true, by_vendor: true, "Where the password is kept.";
    }
}

map_table! {
    CLIENT_CREDENTIALS "clientCredentials" {
        tokenUrl: Form::Text(&BASE_URL), required: true, "The token endpoint.";
        clientId: Form::TextOrSecret(&TEXT), required: true, "The client's id, or where it is kept.";
        clientSecret: Form::Secret, required: true, "Where the client secret is kept.";
        scope: Form::TextOrSecret(&TEXT), "The scope to ask for.";
    }
}

map_table! {
    LIMITS "limits" {
        concurrency: Form::Count(100_000), "Calls at the same time.";
        rates: Form::List(&Form::Map(&RATE)), "At most so many requests in any window of time; all of them hold.";
    }
}

map_table! {
    RATE "a rate" {
        requests: Form::Count(100_000), required: true, "Requests in one window.";
        per: Form::Text(&DURATION), required: true, "Length of the window, for example `5s`.";
    }
}

/// Reads the `spec` of a `Connection`; `None`, after findings, if a required member is missing or refused.
///
/// `timeout` is 30 s where it is left out. The vendor's provider checks the form of `auth` later. Findings below
/// `auth` show no text, because people write passwords there by mistake.
pub fn lower(
    name: String,
    spec: &Node,
    origin: Origin,
    reader: &mut MapReader<'_>,
) -> Option<Connection> {
    let mut values = reader.read(&CONNECTION, spec)?;
    let allow_insecure_http = values.take("allowInsecureHttp").unwrap_or(false);
    let base_url = take_url(&mut values, "baseUrl", allow_insecure_http, reader);
    let mark_of = |values: &Values<'_>, name| values.node_of(name).map(|node| node.mark);
    let marks = MemberMarks {
        base_url: mark_of(&values, "baseUrl").unwrap_or_default(),
        auth: mark_of(&values, "auth").unwrap_or_default(),
    };
    let auth = values.take("auth").and_then(|mut auth: Values<'_>| {
        reader.secretive = true;
        let auth = lower_auth(&mut auth, allow_insecure_http, reader);
        reader.secretive = false;
        auth
    });
    Some(Connection {
        name,
        vendor: values.take("vendor")?,
        base_url: base_url?,
        auth: auth?,
        limits: lower_limits(values.take("limits")),
        timeout: values.take_optional("timeout")?.unwrap_or(TIMEOUT),
        webhook_secret: values.take("webhookSecret"),
        allow_insecure_http,
        origin,
        marks,
    })
}

/// Takes a URL that credentials are sent to; `None`, after a finding, if they would be unsafe on the way.
///
/// Without `insecure`, `http://127.0.0.1:8080` is accepted and `http://licences.example.com` is not. The finding hides
/// its line if the text may hold a password or a token.
fn take_url(
    values: &mut Values<'_>,
    name: &str,
    insecure: bool,
    reader: &mut MapReader<'_>,
) -> Option<Url> {
    let node = values.node_of(name)?;
    let url = values.take(name)?;
    let Some(finding) = refuse_unsafe(&url, insecure) else {
        return Some(url);
    };
    let text = node.text().unwrap_or_default();
    reader.report(hide_secret_in(text, finding), node.mark);
    None
}

/// Reads the one form of `auth` that is given; `None` if a member of it was refused.
///
/// The table's rule allows exactly one form, so the first name is the only one. The last arm is `clientCredentials`,
/// whose `tokenUrl` is checked as strictly as `baseUrl`: the client secret goes there.
fn lower_auth(values: &mut Values<'_>, insecure: bool, reader: &mut MapReader<'_>) -> Option<Auth> {
    let form = values.names().next()?;
    match form {
        "token" => values.take("token").map(Auth::Token),
        "apiKey" => values.take("apiKey").map(Auth::ApiKey),
        "session" => values.take("session").map(Auth::Session),
        "login" => {
            let mut login: Values<'_> = values.take("login")?;
            Some(Auth::Login(login.take_credentials()?))
        }
        _ => {
            let mut client: Values<'_> = values.take("clientCredentials")?;
            let members = client.take_credentials();
            let token_url = take_url(&mut client, "tokenUrl", insecure, reader);
            Some(Auth::ClientCredentials {
                token_url: token_url?,
                members: members?,
            })
        }
    }
}

/// Reads `limits`. Concurrency 0 stands for the vendor's default, which the provider knows.
///
/// For example `rates: [{requests: 10, per: 1s}, {requests: 100, per: 60s}]` gives two windows that both hold. A rate
/// with a refused member is left out; its finding stops the run anyway.
fn lower_limits(values: Option<Values<'_>>) -> Limits {
    let Some(mut values) = values else {
        return Limits {
            concurrency: 0,
            rates: Vec::new(),
        };
    };
    let rates = values.take_list("rates").into_iter();
    let rates = rates.filter_map(|mut rate: Values<'_>| {
        Some(RateLimit {
            requests: rate.take("requests")?,
            per: rate.take("per")?,
        })
    });
    Limits {
        rates: rates.collect(),
        concurrency: values.take::<u32>("concurrency").unwrap_or(0) as usize,
    }
}
