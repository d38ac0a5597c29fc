//! Journals of years: what is shown of them does not have to fit into memory.
#![cfg(target_os = "linux")]

use std::io::Read;

use entitle::apply::Outcome;
use entitle::apply::journal::{Ended, Event, Intent, Journal, Record, Started};
use serde_json::json;

use super::support::past;
use super::support::program::Place;

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
    let mut records = vec![record(Event::Started(Started::default()))];
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
        records.push(record(Event::Intent(Box::new(intent))));
        records.push(record(Event::Outcome(Ended {
            address,
            outcome: Outcome::Converged,
            message: None,
            side_effects: Vec::new(),
            residual: Vec::new(),
            unclear: false,
        })));
    }
    records.push(record(Event::Finished { interrupted: false }));
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
    let place = Place::new().await;
    let path = place.dir.path().join("journal.jsonl");
    let journal = Journal::open(&path).expect("a journal");
    (0..RUNS).for_each(|number| journal.append_all(run(number)).expect("written"));
    let size = std::fs::metadata(&path).expect("there").len() >> 20;
    assert!(size > 8, "{size} MB");
    let mut command = place.command(&["history", "--journal", "journal.jsonl"]);
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
    assert!(read > RUNS * OBJECTS * 40, "{read} bytes");
    // 32 MB for a journal of any length; all of this one in memory were 93 MB.
    assert!(
        most > 0 && most < 60,
        "{most} MB for a journal of {size} MB"
    );
}
