//! Journals of years: what is shown of them does not have to fit into memory.
#![cfg(target_os = "linux")]

use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use entitle::apply::Outcome;
use entitle::apply::journal::{Intent, Journal, JournalEvent, Record, Started, StepEnd};
use entitle::apply::memory::{Detail, Memory};
use entitle::apply::store::compact::compact_accounts;
use serde_json::json;

use super::support::program::Workspace;
use super::support::{past, stores};

const RUNS: usize = 60;
const OBJECTS: usize = 100;

/// The records of one run, with as many values as an ordinary object has.
fn run(number: usize) -> Vec<Record> {
    let run = format!("{number:036}");
    let record = |event| Record {
        scope: None,
        at: "2026-11-21T12:00:00Z".into(),
        run: run.clone(),
        event,
    };
    let mut records = vec![record(JournalEvent::Started(Started::default()))];
    for object in 0..OBJECTS {
        let address = format!("LacLicenseOrder/object-{object:04}");
        let managed =
            (0..40).map(|field| (format!("field_{field}"), json!("a value of some length")));
        let change = json!({
            "verb": "replace", "path": "activations_allowed", "before": 1, "after": 2, "risk": "safe",
        });
        let intent = Intent {
            changes: vec![serde_json::from_value(change).expect("a change")],
            managed: managed.collect(),
            epoch: Some(1),
            ..past::intent(&address, "https://lac.example.com/", &address)
        };
        records.push(record(JournalEvent::Intent(Box::new(intent))));
        records.push(record(JournalEvent::Outcome(StepEnd {
            address,
            outcome: Outcome::Converged,
            message: None,
            side_effects: Vec::new(),
            residual: Vec::new(),
            unclear: false,
        })));
    }
    records.push(record(JournalEvent::Finished { interrupted: false }));
    records
}

/// The most memory that a process has had, in megabytes.
fn peak(pid: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: usize = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes / 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_shown_in_little_memory() {
    let workspace = Workspace::new().await;
    let path = workspace.dir.path().join("journal.jsonl");
    let journal = Journal::open(&path).expect("a journal");
    (0..RUNS).for_each(|number| journal.append_all(run(number)).expect("written"));
    let size = std::fs::metadata(&path).expect("there").len() >> 20;
    assert!(size > 8, "{size} MB");
    let mut command = workspace.command(&["history", "--full", "--journal", "journal.jsonl"]);
    let mut child = command.spawn().expect("it starts");
    let mut out = child.stdout.take().expect("a pipe");
    let (mut most, mut read, mut chunk) = (0, 0, vec![0; 16 << 10]);
    // It cannot end before its output was taken.
    loop {
        most = most.max(peak(child.id()).unwrap_or(0));
        match out.read(&mut chunk).expect("readable") {
            0 => break,
            length => read += length,
        }
    }
    assert!(child.wait().expect("it ends").success());
    // The newest 20 runs, which is more than a pipe takes.
    assert!(read > 20 * OBJECTS * 40, "{read} bytes");
    // 32 MB for a journal of any length; all of this one in memory were 93 MB.
    assert!(
        most > 0 && most < 60,
        "{most} MB for a journal of {size} MB"
    );
}

/// An order as large as most are.
fn managed(run: usize) -> std::collections::BTreeMap<String, serde_json::Value> {
    let feature = |name: &str| {
        json!({"name": name, "version": "1.0", "expiration_type": "fixed", "expiration_date": "2027-12-31",
            "issued_type": "not_issued", "maintenance_type": "no_maintenance", "count": 10})
    };
    let fields = json!({
        "customer_id": 17, "product_template_id": 3, "license_type": "local", "licensee_type": "customer",
        "hostid_match_rate": 60, "min_hostids": 1, "activations_allowed": run, "enabled": true,
        "description": "An order of some length", "settings_description": "Its settings",
        "deactivations_allowed": 5,
        "Hostids": [{"name": "Disk serial", "min_amount": 1, "max_amount": 2}],
        "Features": [feature("Archive"), feature("Export"), feature("Workflow")],
    });
    serde_json::from_value(fields).expect("fields")
}

/// The records of one run over so many objects.
fn run_over(number: usize, objects: usize) -> impl Iterator<Item = Record> {
    let run = format!("{number:036}");
    let record = move |event| Record {
        at: "2026-11-21T12:00:00.123456789Z".into(),
        run: run.clone(),
        scope: None,
        event,
    };
    let objects = (0..objects).flat_map(move |object| {
        let address = format!("LacLicenseOrder/object-{object:05}");
        let change = json!({
            "verb": "replace", "path": "activations_allowed", "before": number, "after": number + 1, "risk": "safe",
        });
        let intent = Intent {
            changes: vec![serde_json::from_value(change).expect("a change")],
            managed: managed(number + 1),
            epoch: Some(1),
            ..past::intent(&address, "https://lac.example.com/", &format!("key-{object:05}"))
        };
        let ended = StepEnd {
            address,
            outcome: Outcome::Converged,
            message: None,
            side_effects: Vec::new(),
            residual: Vec::new(),
            unclear: false,
        };
        [JournalEvent::Intent(Box::new(intent)), JournalEvent::Outcome(ended)]
    });
    let started = std::iter::once(JournalEvent::Started(Started::default()));
    let finished = std::iter::once(JournalEvent::Finished { interrupted: false });
    started.chain(objects).chain(finished).map(record)
}

/// Prints how long it takes to know ten thousand objects from a million lines: `ENTITLE_LONG=DIRECTORY cargo test
/// --release --test it -- --ignored --nocapture a_million`.
#[tokio::test]
#[ignore = "it writes a gigabyte"]
async fn a_million_old_lines_are_known_in_no_time() {
    let dir = std::env::var_os("ENTITLE_LONG").map(PathBuf::from);
    let dir = dir.expect("ENTITLE_LONG");
    let path = dir.join("journal.jsonl");
    if !path.exists() {
        let journal = Journal::open(&path).expect("a journal");
        let runs = (0..50).map(|number| run_over(number, 10_000).collect::<Vec<_>>());
        runs.for_each(|run| journal.append_all(run).expect("written"));
    }
    println!(
        "{} MB",
        std::fs::metadata(&path).expect("there").len() >> 20
    );
    let files = stores::files(&dir);
    let timed = async |what: &str| {
        for detail in [Detail::Agreements, Detail::Values] {
            let start = Instant::now();
            let memory = Memory::of(&files, &[], detail).await.expect("read");
            println!("{what}, {detail:?}: {:?}", start.elapsed());
            drop(memory);
        }
    };
    let kept = dir.join("journal.jsonl.summary");
    let _ = std::fs::remove_file(&kept);
    timed("without a summary").await;
    let now = "2026-11-30T12:00:00Z";
    compact_accounts(&files, &[], 0, now)
        .await
        .expect("written");
    println!("{} kB", std::fs::metadata(kept).expect("there").len() >> 10);
    for _ in 0..3 {
        timed("with a summary").await;
    }
    for objects in [500, 500, 500, 1_000, 2_500] {
        let journal = Journal::open(&path).expect("a journal");
        journal
            .append_all(run_over(50, objects).collect::<Vec<_>>())
            .expect("written");
        timed(&format!("and {} lines more", 2 * objects + 2)).await;
    }
    let start = Instant::now();
    compact_accounts(&files, &[], 0, now)
        .await
        .expect("written");
    println!("read and written anew: {:?}", start.elapsed());
}
