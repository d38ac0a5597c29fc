//! Editions: an object that has one is the same as one that is written out, wherever and in whatever order it is read.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use entitle::manifest::ReadLimits;
use entitle::model::AccountKey;
use entitle::reconcile::{self, CheckOptions, Checked, IncrementalLoader, KeptAccounts};

use super::support::bench::{self, Bench};
use super::support::layers::objects;
use super::support::pure;

const CONNECTION: &str = "
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac}
spec: {vendor: lac, baseUrl: 'https://lac.example.com', auth: {token: {env: LAC_TOKEN}}}
";

const BASIC: &str = r#"
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: basic}
spec:
  for: LacLicenseOrder
  parameters:
    seats: {type: integer, default: 10}
  desired:
    enabled: true
    activations_allowed: {param: seats}
    Features:
      - {name: Viewer, version: "2.0", count: {param: seats}}
      - {name: Editor, version: "1.0", count: 1}
"#;

const PROFESSIONAL: &str = r#"
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: professional}
spec:
  for: LacLicenseOrder
  extends: basic
  desired:
    Features:
      - {name: Reports, version: "1.0", count: 2}
      - {name: Editor, version: "1.0", absent: true}
"#;

/// An order of the simulator.
const ORDER: &str = "
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: rivers}
spec:
  activationKey: II1HP-TX8EQ-R1QXZ-7LYXF
  edition: {name: professional, with: {seats: 25}}
  desired: {customer_id: 1, enabled: false}
";

/// The same order without an edition.
const WRITTEN_OUT: &str = r#"
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: rivers}
spec:
  activationKey: II1HP-TX8EQ-R1QXZ-7LYXF
  desired:
    customer_id: 1
    enabled: false
    activations_allowed: 25
    Features:
      - {name: Viewer, version: "2.0", count: 25}
      - {name: Reports, version: "1.0", count: 2}
"#;

#[test]
fn an_object_with_an_edition_is_the_object_written_out_in_any_order_of_files() {
    let expected = objects(&pure::check(&[("c", CONNECTION), ("o", WRITTEN_OUT)]));
    let mut files = [
        ("b", BASIC),
        ("c", CONNECTION),
        ("o", ORDER),
        ("p", PROFESSIONAL),
    ];
    for _ in 0..files.len() {
        files.rotate_left(1);
        assert_eq!(objects(&pure::check(&files)), expected);
        let mut reversed = files;
        reversed.reverse();
        assert_eq!(objects(&pure::check(&reversed)), expected);
    }
    let joined = files.map(|(_, text)| text).join("---");
    assert_eq!(objects(&pure::check(&[("all", &joined)])), expected);
}

#[test]
fn a_value_of_an_edition_that_does_not_fit_one_object_is_shown_with_both() {
    let odd = BASIC.replace("default: 10", "default: -1");
    let findings = |basic: &str| {
        let texts = [
            ("b", basic),
            ("c", CONNECTION),
            ("o", ORDER),
            ("p", PROFESSIONAL),
        ];
        pure::plain(|out| {
            entitle::render::diagnostics::write_findings(out, &pure::check(&texts).findings, false)
        })
    };
    // A default is checked with its edition, and the object that chooses its own is not asked.
    let shown = findings(&odd);
    assert!(shown.contains("--> b:11"), "{shown}");
    assert!(!shown.contains("--> o:"), "{shown}");
    let order = ORDER.replace("seats: 25", "seats: -1");
    let texts = [
        ("b", BASIC),
        ("c", CONNECTION),
        ("o", &order),
        ("p", PROFESSIONAL),
    ];
    let checked = pure::check(&texts);
    let places: Vec<_> = checked
        .findings
        .iter()
        .map(|finding| {
            finding
                .origin
                .as_ref()
                .map(|origin| (origin.source.name.clone(), origin.mark.line))
        })
        .collect();
    assert!(!places.is_empty());
    assert!(
        places.iter().all(|place| *place == Some(("o".into(), 7))),
        "{places:?}"
    );
}

/// A directory with an edition and an order.
fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let files = [
        ("b", BASIC),
        ("c", CONNECTION),
        ("o", ORDER),
        ("p", PROFESSIONAL),
    ];
    for (name, text) in files {
        std::fs::write(dir.path().join(format!("{name}.yaml")), text).expect("writable");
    }
    dir
}

fn load(loader: &mut IncrementalLoader, paths: &[PathBuf], kept: &KeptAccounts) -> Checked {
    let manifests = loader.load(paths, &ReadLimits::default(), SystemTime::now(), None, kept);
    loader.check(manifests, &CheckOptions::default(), kept)
}

#[test]
fn a_daemon_sees_an_edition_that_changes_though_the_object_does_not() {
    let dir = directory();
    let paths = [dir.path().to_path_buf()];
    let mut loader = IncrementalLoader::default();
    let first = objects(&load(&mut loader, &paths, &KeptAccounts::All));
    assert_eq!(
        objects(&load(&mut loader, &paths, &KeptAccounts::All)),
        first
    );
    let more = PROFESSIONAL.replace("count: 2}", "count: 3}");
    std::fs::write(dir.path().join("p.yaml"), &more).expect("writable");
    let second = objects(&load(&mut loader, &paths, &KeptAccounts::All));
    let written_out = WRITTEN_OUT.replace("count: 2}", "count: 3}");
    assert_eq!(
        second,
        objects(&pure::check(&[("c", CONNECTION), ("o", &written_out)]))
    );
    assert_ne!(first, second);
}

#[test]
fn an_object_of_an_account_that_is_claimed_later_has_its_edition() {
    let dir = directory();
    let paths = [dir.path().to_path_buf()];
    let mut loader = IncrementalLoader::default();
    let none = KeptAccounts::Only(BTreeSet::<AccountKey>::new());
    let checked = load(&mut loader, &paths, &none);
    assert!(checked.desired.is_empty());
    let reloaded = reconcile::reload_objects(&checked.outlines);
    let plain = load(
        &mut IncrementalLoader::default(),
        &paths,
        &KeptAccounts::All,
    );
    assert_eq!(format!("{reloaded:?}"), format!("{:?}", plain.desired));
}

#[tokio::test]
async fn an_object_with_an_edition_is_applied_once() {
    let bench = Bench::new().await;
    // A feature that the simulator has, so that the edition need not say all of it.
    let edition = r#"
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: professional}
spec:
  for: LacLicenseOrder
  parameters: {seats: {type: integer}}
  desired:
    activations_allowed: {param: seats}
    Features: [{name: Licstat, version: "6.0", count: {param: seats}}]
"#;
    let texts = [("e", edition), ("o", ORDER)];
    let checked = bench.check_texts(texts);
    let reports = bench.carry_out(bench.pass(&checked).await).await;
    bench::converged(&bench::only_report(reports));
    let again = bench.pass(&checked).await;
    assert!(
        again
            .planned
            .iter()
            .all(|planned| planned.changes.is_empty())
    );
}

#[test]
fn a_reference_of_an_edition_is_followed_and_shown_at_the_object() {
    let edition = "
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: professional}
spec:
  for: LacLicenseOrder
  desired: {customer_id: {ref: LacCustomer/rivers}, enabled: true}
";
    let order = ORDER.replace(", with: {seats: 25}", "");
    let order = order.replace("customer_id: 1, ", "");
    let customer = "
apiVersion: entitle.dev/v1
kind: LacCustomer
metadata: {name: rivers}
spec: {customerId: 7, desired: {description: a customer}}
";
    let texts = [("c", CONNECTION), ("e", edition), ("o", order.as_str())];
    let checked = pure::check(&texts);
    let found = checked.findings.iter().map(|finding| {
        let origin = finding.origin.as_ref().expect("a place");
        (finding.code, origin.source.name.as_str(), origin.mark.line)
    });
    // The line of the object that names the edition.
    assert_eq!(found.collect::<Vec<_>>(), [("unknown-reference", "o", 7)]);
    let whole = pure::check(&[texts.as_slice(), &[("r", customer)]].concat());
    assert!(whole.findings.is_empty(), "{:?}", whole.findings);
    let order = whole
        .desired
        .iter()
        .find(|one| one.address.kind.0 == "LacLicenseOrder");
    let referents = order.expect("the order").references.iter();
    let names: Vec<String> = referents.map(|one| one.referent.to_string()).collect();
    assert_eq!(names, ["LacCustomer/rivers"]);
}

#[test]
fn what_an_object_lacks_beside_its_edition_is_shown_in_both_files() {
    let edition = "
apiVersion: entitle.dev/v1
kind: Edition
metadata: {name: professional}
spec:
  for: LacLicenseOrder
  desired:
    licensee_type: fixed
";
    let order = ORDER.replace(", with: {seats: 25}", "");
    let place = |text: &str| {
        let texts = [("c", CONNECTION), ("e", edition), ("o", text)];
        let checked = pure::check(&texts);
        let found = checked.findings.iter().map(|finding| {
            let file =
                |origin: &entitle::model::Origin| (origin.source.name.clone(), origin.mark.line);
            let related = finding.related.as_ref().map(|(origin, _)| file(origin));
            (finding.code, finding.origin.as_ref().map(file), related)
        });
        found.collect::<Vec<_>>()
    };
    // In one file as well, whichever of the two comes first.
    for (together, value, object) in [
        (format!("{edition}---{order}"), 8, 10),
        (format!("{order}---{edition}"), 8 + order.lines().count(), 2),
    ] {
        let checked = pure::check(&[("c", CONNECTION), ("o", &together)]);
        let finding = checked.findings.iter().next().expect("a finding");
        let line = |origin: &entitle::model::Origin| origin.mark.line as usize;
        let related = finding.related.as_ref().map(|(origin, _)| line(origin));
        let lines = (finding.origin.as_ref().map(line), related);
        assert_eq!(lines, (Some(value), Some(object)));
    }
    let value = Some(("e".to_string(), 8));
    let object = Some(("o".to_string(), 2));
    assert_eq!(place(&order), [("missing-field", value, object)]);
    let whole = order.replace("enabled: false", "enabled: false, licensee: Rivers");
    assert_eq!(place(&whole), []);
}
