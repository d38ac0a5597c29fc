//! Hostile and merely large inputs stay below 300 MB. They are weighed in a process of their own: here other tests
//! allocate meanwhile.

use std::io;
use std::path::Path;
use std::sync::Arc;

use entitle::manifest::ReadLimits;
use entitle::model::{Desired, Reply};
use entitle::provider::reading::Answer;
use entitle::provider::{self, ResourceKind};
use entitle::reconcile::{self, CheckOptions, Checked, LoadedManifests};

use super::fuzz_bodies::{against, wanted};

/// Bytes that may live at once.
const MOST: usize = 300 << 20;

#[test]
fn hostile_inputs_stay_small() {
    let weighed = concat!(module_path!(), "::inputs_weighed");
    let (_, name) = weighed.split_once("::").expect("a module");
    let ran = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let why = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success() && said.contains("1 passed"),
        "{said}{why}"
    );
}

#[test]
#[ignore = "run by the test above, alone"]
fn inputs_weighed() {
    for (name, most, input) in INPUTS {
        crate::LIVE.reset_peak_usage();
        input();
        let peak = crate::LIVE.peak_usage();
        println!("{name}: {} MB", peak >> 20);
        assert!(peak < *most, "{name}: {} MB", peak >> 20);
    }
}

/// What it is, how many bytes may live at once, and what takes them.
type Input = (&'static str, usize, fn());

const INPUTS: &[Input] = &[
    ("documents of one name", MOST, documents_of_one_name),
    (
        "documents without a connection",
        MOST,
        documents_without_a_connection,
    ),
    // Together they are larger than this.
    (
        "large files with a fault each",
        85 << 20,
        large_files_with_a_fault_each,
    ),
    ("LAC rows without a key", MOST, || lac_rows("{}", 6)),
    ("LAC rows that are no objects", MOST, || lac_rows("1", 6)),
    ("LAC rows with a number for a key", MOST, || {
        lac_rows(r#"{"activation_key":1}"#, 8);
    }),
    ("LAC rows of nothing but a key", MOST, || {
        lac_rows(r#"{"activation_key":"1"}"#, 16);
    }),
    ("LAC rows of the order that is wanted", MOST, || {
        let order = lac_order();
        let row = format!(r#"{{"activation_key":"{}"}}"#, order.id("activationKey"));
        lac_rows(&row, 12);
    }),
    (
        "a list of all LAC orders in one reply",
        MOST,
        all_lac_orders,
    ),
];

fn order(name: &str) -> String {
    format!(
        "---
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {{name: {name}}}
spec:
  activationKey: {name}
  desired: {{customer_id: 1, activations_allowed: 5}}
"
    )
}

fn check(dir: &Path) -> Checked {
    let said = LoadedManifests::load(
        &[dir.to_path_buf()],
        &mut io::empty(),
        &ReadLimits::default(),
        None,
    );
    let options = CheckOptions {
        need_connections: true,
        simulators: None,
        ..CheckOptions::default()
    };
    reconcile::check_manifests(said, &options)
}

/// As many findings as are kept, each about a large file.
fn documents_of_one_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let comments = "# nothing but a comment, again and again\n".repeat((2 << 20) / 41);
    let text = format!("{}{comments}", order("one").repeat(1_100));
    std::fs::write(dir.path().join("a.yaml"), text).expect("written");
    let checked = check(dir.path());
    assert!(checked.findings.iter().count() >= 1_000);
}

/// Nothing hostile: somebody forgot the connection.
fn documents_without_a_connection() {
    let dir = tempfile::tempdir().expect("a directory");
    let orders = (0..10_000).map(|number| order(&format!("order-{number}")));
    std::fs::write(dir.path().join("a.yaml"), orders.collect::<String>()).expect("written");
    assert!(check(dir.path()).findings.has_errors());
}

/// Many large files, each with a finding: neither their texts are in memory together, nor do findings keep them.
fn large_files_with_a_fault_each() {
    let dir = tempfile::tempdir().expect("a directory");
    let comments = "# nothing but a comment, again and again\n".repeat((1 << 20) / 41);
    for number in 0..100 {
        let path = dir.path().join(format!("{number}.yaml"));
        std::fs::write(
            path,
            format!("apiVersion: entitle.dev/v1\na: ]\n{comments}"),
        )
        .expect("written");
    }
    assert_eq!(check(dir.path()).findings.iter().count(), 100);
}

fn lac() -> &'static dyn ResourceKind {
    provider::find_kind("LacLicenseOrder").expect("a kind")
}

fn lac_order() -> Arc<Desired> {
    Arc::clone(&wanted(lac())[0])
}

/// A reply of so many megabytes that is a list of one row again and again, to whoever reads an order.
fn lac_rows(row: &str, megabytes: usize) {
    let rows = format!("{row},").repeat((megabytes << 20) / row.len());
    let body = format!("[{rows}{row}]");
    against(lac(), &[lac_order()], |_, _| {
        Answer::Reply(Reply {
            remark: None,
            status: 200,
            body: body.clone(),
            content_type: "application/json".into(),
        })
    });
}

/// Nothing hostile: an account of nearly as many orders as one reply may have.
fn all_lac_orders() {
    const ORDERS: usize = 180_000;
    let page = |from: usize| {
        let rows = (from..ORDERS).map(|number| format!(r#"{{"activation_key":"{number}"}}"#));
        format!("[{}]", rows.collect::<Vec<_>>().join(","))
    };
    let mut listing = lac().listing().expect("a list");
    loop {
        let calls = listing.ready();
        if calls.is_empty() {
            break;
        }
        for (ticket, call) in calls {
            let from = match call.path.split_once("offset=") {
                Some((_, from)) => from.parse().expect("a number"),
                None => 0,
            };
            let orders = call.path.starts_with("/license-orders");
            listing.take(
                ticket,
                Answer::Reply(Reply {
                    remark: None,
                    status: 200,
                    body: if orders { page(from) } else { "[]".into() },
                    content_type: "application/json".into(),
                }),
            );
        }
    }
    assert_eq!(listing.finish().objects.len(), ORDERS);
}
