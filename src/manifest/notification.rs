//! Reads `Notification` documents: which recipient gets which events over which channel.
//!
//! In goes the `spec` of one document, out comes a [`Notification`] with secrets by reference. Nothing here sends.
//!
//! They are documents like connections and not flags, because a team's channels belong to its repository, are
//! reviewed with it and need secrets by reference; the usual diagnostics, schema and rules for secrets
//! serve them. Only `entitle watch` sends anything; every other command checks them and goes on.

use url::Url;

use super::reader::MapReader;
use super::table::{Form, Rule, map_table};
use super::text_type::{MAIL_SERVER, MAILBOX, TEXT, WEBHOOK_URL};
use super::values::Values;
use crate::model::connection::Credential;
use crate::model::notification::{Channel, Email, NoticeKind, Notification};
use crate::model::trusted_host::is_loopback;
use crate::model::{Node, SecretRef};

map_table! {
    pub NOTIFICATION "the spec of Notification":
        "A recipient that `entitle watch` tells when something turns for better or worse." {
        webhook: Form::Map(&WEBHOOK), "JSON to an address of your own, signed as Standard Webhooks say.";
        slack: Form::Map(&SLACK), "An incoming webhook of Slack.";
        teams: Form::Map(&TEAMS), "A workflow of Teams that is started by a webhook.";
        email: Form::Map(&EMAIL), "E-mail through an SMTP server.";
        events: Form::List(&Form::Choice("event", &NoticeKind::NAMES)), "What is told; everything where left out.";
        connections: Form::List(&Form::Text(&TEXT)), "Connections it is told about; all where left out.";
    }
    rule: Rule::ExactlyOne {
        code: "bad-notification",
        noun: "channel",
        names: &CHANNELS,
        hint: "write one of webhook, slack, teams and email",
    }
}

/// The members that name a channel; a document has exactly one of them.
const CHANNELS: [&str; 4] = ["webhook", "slack", "teams", "email"];

map_table! {
    WEBHOOK "webhook" {
        url: Form::TextOrSecret(&WEBHOOK_URL), required: true, "The address, or where it is kept if there is a key in it.";
        secret: Form::Secret, "Where the secret is kept that messages are signed with.";
    }
    prefix: "webhook.", secretive: true
}

map_table! {
    SLACK "slack" {
        url: Form::Secret, required: true, "Where the address is kept: whoever knows it may post.";
    }
    prefix: "slack.", secretive: true
}

map_table! {
    TEAMS "teams" {
        url: Form::Secret, required: true, "Where the address is kept: whoever knows it may post.";
    }
    prefix: "teams.", secretive: true
}

map_table! {
    EMAIL "email" {
        server: Form::Text(&MAIL_SERVER), required: true, "`smtps://host:port`, or `smtp://host:port` with STARTTLS.";
        from: Form::Text(&MAILBOX), required: true, "The sender.";
        to: Form::OneOrListOf("somebody", &Form::Text(&MAILBOX)), required: true, "One recipient or several.";
        username: Form::TextOrSecret(&TEXT), "The name to log in with, or where it is kept.";
        password: Form::Secret, "Where the password is kept.";
    }
    prefix: "email.", rule: Rule::Together(["username", "password"], "email with a login")
}

/// Reads the `spec` of a `Notification`; `None`, after findings, if its channel is missing or refused.
///
/// An empty list of events means every event, and an empty list of connections every connection.
pub fn lower(name: String, spec: &Node, reader: &mut MapReader<'_>) -> Option<Notification> {
    let mut values = reader.read(&NOTIFICATION, spec)?;
    let events = values.take_list::<String>("events").into_iter();
    Some(Notification {
        name,
        events: events.filter_map(|name| NoticeKind::named(&name)).collect(),
        connections: values.take_list("connections"),
        channel: lower_channel(&mut values)?,
    })
}

/// Reads the one channel that is given; `None` if a required member of it is missing or refused.
fn lower_channel(values: &mut Values<'_>) -> Option<Channel> {
    let name = CHANNELS.into_iter().find(|name| values.is_given(name))?;
    let mut channel: Values<'_> = values.take(name)?;
    Some(match name {
        "webhook" => Channel::Webhook {
            url: channel.take("url")?,
            secret: channel.take_optional("secret")?,
        },
        "slack" => Channel::Slack {
            url: channel.take("url")?,
        },
        "teams" => Channel::Teams {
            url: channel.take("url")?,
        },
        _ => Channel::Email(lower_email(&mut channel)?),
    })
}

/// Reads an e-mail channel; `None` if server, sender or every recipient is missing or refused. The table's rule sees
/// to it that user name and password come together.
fn lower_email(values: &mut Values<'_>) -> Option<Email> {
    let username: Option<Credential> = values.take_optional("username")?;
    let password: Option<SecretRef> = values.take_optional("password")?;
    let to: Vec<String> = values.take_list("to");
    Some(Email {
        server: values.take("server")?,
        from: values.take("from")?,
        to: (!to.is_empty()).then_some(to)?,
        login: username.zip(password),
    })
}

/// Reports whether a mail server is on this machine: messages to it need no encryption.
pub fn is_local(server: &Url) -> bool {
    // Hosts of schemes that the URL standard does not know are kept as text.
    let address = server.host_str().map(|host| format!("http://{host}"));
    address
        .and_then(|address| Url::parse(&address).ok())
        .is_some_and(|url| is_loopback(&url))
}
