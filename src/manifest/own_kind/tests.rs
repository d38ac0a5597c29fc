//! Tables and readers agree: every member is read, and every table is well formed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::manifest::envelope::{DOCUMENT, OBJECT};
use crate::manifest::table::Rule;
use crate::manifest::{Declarations, read_drafts};
use crate::model::connection::Credential;
use crate::model::diagnostic::Source;
use crate::model::draft::{Draft, KindRow};
use crate::model::field::IdentityField;
use crate::model::notification::{Channel, NoticeKind};
use crate::model::{Auth, Kind, PolicyMode, RateLimit, Risk, SecretRef, Shape, Vendor};

const EVERY_MEMBER: &str = include_str!("../../../tests/own-kinds/every-member.yaml");

static IDENTITY: [IdentityField; 1] = [IdentityField {
    name: "activationKey",
    about: "",
    shape: Shape::TEXT,
    example: "",
    refers_to: None,
}];

fn lowered() -> (Vec<Draft>, Declarations) {
    let kinds = [KindRow {
        kind: Kind("LacLicenseOrder"),
        vendor: Vendor("lac"),
        identity: &IDENTITY,
        key: None,
        desired: &[],
    }];
    let source = Source::new("every-member.yaml".into(), EVERY_MEMBER.into());
    let (drafts, all) = read_drafts(&Arc::new(source), &kinds);
    assert!(all.findings.is_empty(), "{:?}", all.findings);
    (drafts, all)
}

fn env(name: &str) -> SecretRef {
    SecretRef::Env(name.into())
}

/// Every map of the format, with its name in findings.
fn tables() -> Vec<&'static MapTable> {
    let own_tables = OwnKind::ALL.into_iter().map(OwnKind::table);
    let mut tables: Vec<_> = own_tables.chain([&DOCUMENT, &OBJECT]).collect();
    let mut next = 0;
    while let Some(table) = tables.get(next) {
        let inner: Vec<_> = table
            .members
            .iter()
            .filter_map(|member| member.form.inner())
            .collect();
        tables.extend(inner);
        next += 1;
    }
    tables
}

#[test]
fn rules_name_members_and_nothing_is_named_twice() {
    for table in tables() {
        let names: BTreeSet<_> = table.members.iter().map(|member| member.name).collect();
        assert_eq!(names.len(), table.members.len(), "{}", table.title);
        let ruled = match &table.rule {
            Rule::None => &[][..],
            Rule::ExactlyOne { names, .. } => names,
            Rule::Together(names, _) => names,
        };
        assert!(
            ruled.iter().all(|name| names.contains(name)),
            "{}",
            table.title
        );
        for member in table.written() {
            assert!(!member.about.is_empty(), "{}.{}", table.title, member.name);
            assert!(
                !(member.required && member.default.is_some()),
                "{}",
                member.name
            );
        }
    }
}

#[test]
fn every_member_of_a_connection_is_read() {
    let (_, all) = lowered();
    let [token, api_key, session, login, client] = &all.connections[..] else {
        panic!("{:?}", all.connections);
    };
    assert_eq!(
        (token.name.as_str(), token.vendor),
        ("token", Vendor("lac"))
    );
    assert_eq!(token.base_url.as_str(), "http://lac.example.com/api");
    assert_eq!(token.auth, Auth::Token(env("T")));
    assert_eq!(token.limits.concurrency, 3);
    let per = Duration::from_secs(5);
    assert_eq!(token.limits.rates, [RateLimit { requests: 50, per }]);
    assert_eq!(token.timeout, Duration::from_secs(90));
    assert_eq!(
        token.webhook_secret,
        Some(SecretRef::File("secret.txt".into()))
    );
    assert!(token.allow_insecure_http && !api_key.allow_insecure_http);
    let command = ["pass", "show", "lac"].map(String::from).to_vec();
    assert_eq!(api_key.auth, Auth::ApiKey(SecretRef::Command(command)));
    assert_eq!(api_key.timeout, Duration::from_secs(30));
    assert_eq!(
        (api_key.limits.concurrency, api_key.limits.rates.len()),
        (0, 0)
    );
    assert_eq!(session.auth, Auth::Session(env("S")));
    let plain = |text: &str| Credential::Plain(text.into());
    let kept = |name: &str| Credential::Secret(env(name));
    assert_eq!(
        login.auth,
        Auth::Login(vec![
            ("username", plain("a")),
            ("accountId", plain("b")),
            ("accountAlias", kept("C")),
            ("email", plain("d@example.com")),
            ("password", kept("P")),
        ])
    );
    assert_eq!(
        client.auth,
        Auth::ClientCredentials {
            token_url: "https://id.example.com/token".parse().unwrap(),
            members: vec![
                ("clientId", plain("a")),
                ("clientSecret", kept("S")),
                ("scope", plain("b"))
            ],
        }
    );
}

#[test]
fn every_member_of_a_notification_is_read() {
    let (_, all) = lowered();
    let notifications: Vec<_> = all
        .notifications
        .iter()
        .map(|(notifications, _)| notifications)
        .collect();
    assert_eq!(
        notifications[0].events,
        [NoticeKind::Drift, NoticeKind::Recovered]
    );
    assert_eq!(notifications[0].connections, ["token"]);
    let url = |text: &str| Credential::Plain(text.into());
    let channels: Vec<_> = notifications
        .iter()
        .map(|notifications| &notifications.channel)
        .collect();
    let secret = Some(env("S"));
    let webhook = Channel::Webhook {
        url: url("https://alerts.example.com/x"),
        secret,
    };
    assert_eq!(*channels[0], webhook);
    let kept = Channel::Webhook {
        url: Credential::Secret(env("U")),
        secret: None,
    };
    assert_eq!(*channels[1], kept);
    assert_eq!(*channels[2], Channel::Slack { url: env("U") });
    assert_eq!(
        *channels[3],
        Channel::Teams {
            url: SecretRef::File("teams.txt".into())
        }
    );
    let (Channel::Email(several), Channel::Email(one)) = (channels[4], channels[5]) else {
        panic!("{channels:?}");
    };
    assert_eq!(several.server.as_str(), "smtps://mail.example.com:465");
    assert_eq!(several.from, "Licences <licences@example.com>");
    assert_eq!(several.to, ["a@example.com", "b@example.com"]);
    assert_eq!(several.login, Some((url("me"), env("P"))));
    assert_eq!(
        (&one.to[..], &one.login),
        (&["b@example.com".to_string()][..], &None)
    );
}

#[test]
fn every_member_of_a_project_an_acceptance_and_a_policy_is_read() {
    let (drafts, all) = lowered();
    let text = |text: &str| Some(text.to_string());
    assert_eq!(
        all.projects,
        [crate::manifest::project::Project {
            paths: vec!["licences".into()],
            parallelism: text("8"),
            timeout: text("10m"),
            max_changes: text("10%"),
            trust_hosts: vec!["*.example.com".into()],
            journal: text("state/journal.jsonl"),
            accepted_drift: text("accepted.yaml"),
        }]
    );
    let [accepted] = &all.accepted[..] else {
        panic!("{:?}", all.accepted);
    };
    assert_eq!(
        (accepted.object.as_str(), accepted.reason.as_str()),
        ("LacLicenseOrder/rivers", "They asked.")
    );
    assert_eq!(accepted.until.to_string(), "2027-01-31");
    let draft = &drafts[0];
    let policy = &draft.policy;
    assert_eq!(
        (policy.mode, policy.allow),
        (PolicyMode::Suspend, Risk::Strand)
    );
    assert_eq!(policy.until.unwrap().to_string(), "2027-01-31T18:00:00Z");
    assert_eq!(policy.reason.as_deref(), Some("They asked."));
    assert_eq!(policy.resync, Some(Duration::from_secs(1800)));
    let lists = (
        policy.keep_unlisted.len(),
        policy.ignore.len(),
        policy.absent_is_empty.len(),
    );
    assert_eq!(lists, (1, 1, 1));
}
