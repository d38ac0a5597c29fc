//! What the tests of editions, sets and environments share: two accounts, manifests given as texts, and what comes of them.

use std::sync::Arc;

use entitle::manifest::Loaded;
use entitle::manifest::rows::RowFiles;
use entitle::model::dated::ReadingTime;
use entitle::model::diagnostic::Source;
use entitle::reconcile::{CheckOptions, Checked, EnvironmentChoice};

/// Manifests, each by the name of its file.
pub type Texts<'a> = &'a [(&'a str, &'a str)];

pub const CONNECTIONS: &str = "
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac-staging}
spec: {vendor: lac, baseUrl: 'https://staging.example.com', auth: {token: {env: LAC_TOKEN}}}
---
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac-production}
spec: {vendor: lac, baseUrl: 'https://lac.example.com', auth: {token: {env: LAC_TOKEN}}}
";

/// Files that were read: manifests, and one of rows by its path.
pub fn load(texts: Texts<'_>, (file, rows): (&str, &[u8])) -> Loaded {
    let source =
        |(name, text): &(&str, &str)| Arc::new(Source::new((*name).into(), (*text).into()));
    Loaded {
        sources: texts.iter().map(source).collect(),
        row_files: RowFiles::of_commit([(file.to_string(), rows.to_vec())]),
        ..Loaded::default()
    }
}

/// Options for an environment at the beginning of a day.
pub fn options(environment: EnvironmentChoice, day: &str) -> CheckOptions {
    let midnight = format!("{day}T00:00:00Z");
    CheckOptions {
        environment,
        time: ReadingTime::now(midnight.parse().expect("a moment")),
        ..CheckOptions::default()
    }
}

/// The objects as they are desired, whatever their place and layers.
#[track_caller]
pub fn objects(checked: &Checked) -> Vec<String> {
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    let objects = checked.desired.iter().map(|object| {
        let policy = &object.policy;
        format!(
            "{} {} {:?} {:?} {policy:?} {:?}",
            object.address, object.connection, object.identity, object.labels, object.fields
        )
    });
    let mut objects: Vec<String> = objects.collect();
    objects.sort();
    objects
}
