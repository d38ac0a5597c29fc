//! `Notification` documents: who is told what, and how.
//!
//! They are documents like connections and not flags, because a team's channels belong to its repository, are
//! reviewed with it and need secrets by reference; the usual diagnostics, schema and rules for secrets
//! serve them. Only `entitle watch` sends anything; every other command checks them and goes on.

use url::Url;

use super::connection::{secret, unreachable};
use super::is_loopback;
use super::members::Reader;
use crate::model::connection::Credential;
use crate::model::notification::{Channel, Email, NoticeKind, Notification};
use crate::model::{Diagnostic, Node, Tree};

const CHANNELS: [&str; 4] = ["webhook", "slack", "teams", "email"];

pub fn lower(name: String, spec: &Node, reader: &mut Reader<'_>) -> Option<Notification> {
    let known = [
        "webhook",
        "slack",
        "teams",
        "email",
        "events",
        "connections",
    ];
    let entries = reader.members("the spec of a Notification", spec, &known);
    let mut channels = entries
        .iter()
        .filter(|entry| CHANNELS.contains(&entry.key.as_str()));
    let (Some(channel), None) = (channels.next(), channels.next()) else {
        if matches!(spec.tree, Tree::Map(_)) {
            let message = "a Notification must have exactly one channel";
            let finding = Diagnostic::error("bad-notification", message)
                .hint("write one of webhook, slack, teams and email");
            reader.report(finding, spec.mark);
        }
        return None;
    };
    reader.secretive = true;
    let lowered = match channel.key.as_str() {
        "webhook" => webhook(&channel.value, reader),
        "slack" => address("slack", &channel.value, reader).map(|url| Channel::Slack { url }),
        "teams" => address("teams", &channel.value, reader).map(|url| Channel::Teams { url }),
        _ => {
            reader.secretive = false;
            email(&channel.value, reader).map(Channel::Email)
        }
    };
    reader.secretive = false;
    let (mut events, mut connections) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.key.as_str() {
            "events" => events = kinds(&entry.value, reader),
            "connections" => {
                let texts = reader.texts("connections", &entry.value);
                connections = texts.into_iter().map(|(text, _)| text).collect();
            }
            _ => {}
        }
    }
    Some(Notification {
        name,
        channel: lowered?,
        events,
        connections,
    })
}

/// The address of a webhook may stand in a manifest unless it carries a key of its own.
fn webhook(node: &Node, reader: &mut Reader<'_>) -> Option<Channel> {
    let entries = reader.members("webhook", node, &["url", "secret"]);
    let get = |key: &str| entries.iter().find(|entry| entry.key == key);
    let Some(url) = get("url") else {
        reader.missing("webhook", "url", node.mark);
        return None;
    };
    let url = match &url.value.tree {
        Tree::Text(text) => Credential::Plain(plain_url(text, &url.value, reader)?.to_string()),
        _ => Credential::Secret(secret("webhook.url", &url.value, reader)?),
    };
    let key = match get("secret") {
        Some(entry) => Some(secret("webhook.secret", &entry.value, reader)?),
        None => None,
    };
    Some(Channel::Webhook { url, secret: key })
}

fn plain_url(text: &str, node: &Node, reader: &mut Reader<'_>) -> Option<Url> {
    let finding = match Url::parse(text) {
        Err(error) => Diagnostic::error("bad-url", format!("this is not a URL: {error}")),
        Ok(url)
            if !url.username().is_empty() || url.password().is_some() || url.query().is_some() =>
        {
            Diagnostic::error(
                "secret-in-manifest",
                "an address with a key in it is a secret",
            )
            .hint("write {env: NAME} or {file: PATH}, and keep the address there")
        }
        Ok(url) => match unreachable(&url, false) {
            None => return Some(url),
            Some(finding) => finding.hint("use https"),
        },
    };
    reader.report(finding, node.mark);
    None
}

fn address(what: &str, node: &Node, reader: &mut Reader<'_>) -> Option<crate::model::SecretRef> {
    let entries = reader.members(what, node, &["url"]);
    match entries.iter().find(|entry| entry.key == "url") {
        Some(entry) => secret(&format!("{what}.url"), &entry.value, reader),
        None => {
            reader.missing(what, "url", node.mark);
            None
        }
    }
}

fn email(node: &Node, reader: &mut Reader<'_>) -> Option<Email> {
    let known = ["server", "from", "to", "username", "password"];
    let entries = reader.members("email", node, &known);
    let get = |key: &str| entries.iter().find(|entry| entry.key == key);
    for name in ["server", "from", "to"] {
        if get(name).is_none() && matches!(node.tree, Tree::Map(_)) {
            reader.missing("email", name, node.mark);
        }
    }
    let server = get("server").and_then(|entry| server(&entry.value, reader));
    let from = get("from").and_then(|entry| mailbox("from", &entry.value, reader));
    let to = get("to").map(|entry| recipients(&entry.value, reader));
    let password = match get("password") {
        Some(entry) => {
            reader.secretive = true;
            let found = secret("email.password", &entry.value, reader);
            reader.secretive = false;
            Some(found?)
        }
        None => None,
    };
    let username = match get("username") {
        Some(entry) if matches!(entry.value.tree, Tree::Text(_)) => {
            Some(Credential::Plain(reader.text("username", &entry.value)?))
        }
        Some(entry) => Some(Credential::Secret(secret(
            "email.username",
            &entry.value,
            reader,
        )?)),
        None => None,
    };
    let login = match (username, password) {
        (Some(username), Some(password)) => Some((username, password)),
        (None, None) => None,
        (username, _) => {
            let lacking = if username.is_some() {
                "password"
            } else {
                "username"
            };
            reader.missing("email with a login", lacking, node.mark);
            return None;
        }
    };
    Some(Email {
        server: server?,
        from: from?,
        to: to.filter(|all| !all.is_empty())?,
        login,
    })
}

fn server(node: &Node, reader: &mut Reader<'_>) -> Option<Url> {
    let text = reader.text("server", node)?;
    match Url::parse(&text) {
        Ok(url)
            if matches!(url.scheme(), "smtp" | "smtps")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && matches!(url.path(), "" | "/") =>
        {
            Some(url)
        }
        _ => {
            let message = "a mail server is smtps://host:port, or smtp://host:port with STARTTLS";
            let finding = Diagnostic::error("bad-url", message)
                .hint("user name and password have fields of their own")
                .hide();
            reader.report(finding, node.mark);
            None
        }
    }
}

fn recipients(node: &Node, reader: &mut Reader<'_>) -> Vec<String> {
    match &node.tree {
        Tree::List(items) if items.is_empty() => {
            reader.report(
                Diagnostic::error("empty", "to must name somebody"),
                node.mark,
            );
            Vec::new()
        }
        Tree::List(items) => items
            .iter()
            .filter_map(|item| mailbox("to", item, reader))
            .collect(),
        _ => mailbox("to", node, reader).into_iter().collect(),
    }
}

/// `name@host`, or `Name <name@host>`. The mail library reads it again before anything is sent.
fn mailbox(what: &str, node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(what, node)?;
    let address = match (text.find('<'), text.strip_suffix('>')) {
        (Some(start), Some(open)) => &open[start + 1..],
        _ => text.as_str(),
    };
    let parts = address.split_once('@');
    let fine = parts.is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains(['@', ' '])
    });
    if fine && !text.contains(char::is_control) {
        return Some(text);
    }
    let message = format!("{what} must be an e-mail address, not {text:?}");
    reader.report(Diagnostic::error("wrong-type", message), node.mark);
    None
}

fn kinds(node: &Node, reader: &mut Reader<'_>) -> Vec<NoticeKind> {
    let names = || NoticeKind::ALL.map(NoticeKind::name);
    let mut found = Vec::new();
    for (text, mark) in reader.texts("events", node) {
        match NoticeKind::ALL.into_iter().find(|kind| kind.name() == text) {
            Some(kind) => found.push(kind),
            None => {
                let finding = Diagnostic::error("bad-choice", format!("unknown event {text:?}"))
                    .hint(format!("one of {}", names().join(", ")))
                    .suggest(&text, names());
                reader.report(finding, mark);
            }
        }
    }
    found
}

/// Whether a mail server is this machine, where encryption has nothing to hide from.
pub fn is_local(server: &Url) -> bool {
    // Hosts of schemes that the URL standard does not know are kept as text.
    let address = server.host_str().map(|host| format!("http://{host}"));
    address
        .and_then(|address| Url::parse(&address).ok())
        .is_some_and(|url| is_loopback(&url))
}
