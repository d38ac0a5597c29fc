use std::time::Duration;

use url::Url;

use super::*;
use crate::model::connection::{Credential, Limits};
use crate::model::{
    Auth, Connection, ElementKey, FieldPath, Fields, Items, Mark, Origin, PackedFields,
    PathPattern, Policy, PolicyMode, Risk, SecretRef, Value,
};
use crate::plan::provenance::connection_fingerprint;
use crate::plan::{Disposition, Planned};
use crate::provider;
use crate::provider::testing::desired_object;

fn order(fields: Fields) -> Desired {
    let table = provider::find_kind("LacLicenseOrder").unwrap().table();
    let mut desired = desired_object(table, &[("activationKey", "A")]);
    desired.fields = PackedFields::new(table.desired, &fields);
    desired
}

fn seats(count: i64) -> Fields {
    [("activations_allowed", Value::Integer(count))].into()
}

fn connection(base_url: &str, auth: Auth) -> Connection {
    Connection {
        name: "lac".into(),
        vendor: order(Fields::new()).vendor,
        base_url: base_url.parse().unwrap(),
        auth,
        limits: Limits {
            concurrency: 1,
            rates: Vec::new(),
        },
        timeout: Duration::from_secs(1),
        webhook_secret: None,
        marks: crate::model::connection::MemberMarks::default(),
        allow_insecure_http: false,
        origin: order(Fields::new()).origin,
    }
}

fn facts(connection: &Connection) -> SourceFacts {
    let name = connection.name.clone();
    SourceFacts {
        connections: [(
            name.clone(),
            Destination::Url(connection.base_url.to_string()),
        )]
        .into(),
        connection_fingerprints: [(name, connection_fingerprint(connection))].into(),
        ..SourceFacts::default()
    }
}

fn usual() -> Connection {
    let token = Auth::Token(SecretRef::Env("LAC_TOKEN".into()));
    connection("https://lac.example.com/", token)
}

/// An entry of a plan that writes this object.
fn entry(desired: &Desired, facts: &SourceFacts) -> ObjectEntry {
    let planned = Planned {
        fault: None,
        after: Vec::new(),
        desired: desired.clone().into(),
        action: Disposition::Update,
        changes: Vec::new(),
        step: None,
        fingerprint: None,
        message: None,
        findings: Vec::new(),
        resolved: Vec::new(),
    };
    ObjectEntry::new(&planned, facts)
}

/// The words of a manifest that moved.
fn words(
    entry: &ObjectEntry,
    then: &SourceFacts,
    desired: &Desired,
    now: &SourceFacts,
) -> Option<String> {
    let moved = check_unmoved(entry, then, desired, now).err()?;
    Some(moved.to_string())
}

/// Why an object that was planned as `then` is not planned so any more as `now`.
fn why(then: &Desired, now: &Desired) -> Option<String> {
    let facts = facts(&usual());
    words(&entry(then, &facts), &facts, now, &facts)
}

#[test]
fn what_a_manifest_says_beside_its_object_does_not_count() {
    let key = |name: &str| ElementKey::new(vec![name.into()], true);
    let hostids = |names: [&str; 2]| {
        let items = names.map(|name| (key(name), Fields::new()));
        order([("Hostids", Value::Items(Items::from(items)))].into())
    };
    let then = hostids(["Hostname", "Ethernet"]);
    let mut now = hostids(["Ethernet", "Hostname"]);
    now.labels = [("team".to_string(), "sales".to_string())].into();
    now.policy.reason = Some("words".into());
    now.policy.resync = Some(Duration::from_secs(60));
    now.origin = Origin {
        mark: Mark {
            line: 77,
            ..Mark::default()
        },
        ..now.origin
    };
    assert_eq!(why(&then, &now), None);
}

#[test]
fn the_member_that_moved_is_named_with_its_file() {
    let then = order(seats(5));
    let named = |now: &Desired| why(&then, now).unwrap_or_default();
    let words = |member: &str| {
        format!(
            "the manifest changed in {member} after the plan was made (test.yaml:0): plan again"
        )
    };
    assert_eq!(named(&order(seats(6))), words("activations_allowed"));
    assert_eq!(named(&order(Fields::new())), words("activations_allowed"));
    let mut both = seats(5);
    both.insert("enabled", Value::Bool(true));
    assert_eq!(named(&order(both)), words("enabled"));
    let mut other = then.clone();
    other.identity = vec![("activationKey", "B".into())];
    assert_eq!(named(&other), words("activationKey"));
    type Edit = fn(&mut Policy);
    let edits: [(&str, Edit); 6] = [
        ("policy.mode", |policy| policy.mode = PolicyMode::Observe),
        ("policy.allow", |policy| policy.allow = Risk::Strand),
        ("policy.keepUnlisted", |policy| {
            policy.keep_unlisted = vec!["Features".into()]
        }),
        ("policy.absentIsEmpty", |policy| {
            policy.absent_is_empty = vec![PathPattern::parse("Features").unwrap()];
        }),
        ("policy.ignore", |policy| {
            let path = FieldPath::default().field("description").to_string();
            policy.ignore = vec![PathPattern::parse(&path).unwrap()];
        }),
        ("policy.until", |policy| {
            policy.until = Some(jiff::Timestamp::UNIX_EPOCH)
        }),
    ];
    for (member, edit) in edits {
        let mut now = then.clone();
        edit(&mut now.policy);
        assert_eq!(named(&now), words(member));
    }
}

#[test]
fn a_connection_counts_by_where_it_leads_and_who_it_is() {
    let (object, then) = (order(seats(5)), facts(&usual()));
    let entry = entry(&object, &then);
    let named = |connection: &Connection| words(&entry, &then, &object, &facts(connection));
    let mut slower = usual();
    slower.limits.concurrency = 9;
    slower.timeout = Duration::from_secs(9);
    assert_eq!(named(&slower), None);
    let elsewhere = Connection {
        base_url: "https://evil.example.com/".parse().unwrap(),
        ..usual()
    };
    let text = named(&elsewhere).unwrap();
    assert!(
        text.contains("led to https://lac.example.com/ and leads to https://evil"),
        "{text}"
    );
    let url = Url::parse("https://lac.example.com/t").unwrap();
    for auth in [
        Auth::Token(SecretRef::Env("OTHER".into())),
        Auth::Session(SecretRef::Env("LAC_TOKEN".into())),
        Auth::Token(SecretRef::File("LAC_TOKEN".into())),
        Auth::Login(vec![("username", Credential::Plain("LAC_TOKEN".into()))]),
        Auth::ClientCredentials {
            token_url: url,
            members: Vec::new(),
        },
    ] {
        let text = named(&connection("https://lac.example.com/", auth)).unwrap();
        assert!(
            text.contains("the credentials of the connection `lac`"),
            "{text}"
        );
    }
    let mut through = object.clone();
    through.connection = "other".into();
    let text = words(&entry, &then, &through, &then).unwrap();
    assert!(
        text.contains("its connection was `lac` and is `other`"),
        "{text}"
    );
}

#[test]
fn a_plan_that_did_not_keep_what_manifests_said_is_made_again() {
    let (object, facts) = (order(seats(5)), facts(&usual()));
    let old = ObjectEntry {
        manifest_fingerprint: None,
        ..entry(&object, &facts)
    };
    let text = words(&old, &facts, &object, &facts).unwrap();
    assert!(text.contains("plan again"), "{text}");
    // Hashes of single members decide nothing.
    let forged = ObjectEntry {
        manifest_fingerprint: Some("sha256:0".into()),
        ..entry(&object, &facts)
    };
    let text = words(&forged, &facts, &object, &facts).unwrap();
    assert!(text.starts_with("the manifest changed after"), "{text}");
}
