//! Creations under random faults. Calls of a creation name no object, so reports are not held against calls as for other
//! kinds; what counts is the account: never more than one object for each manifest, whatever a round reported, and no
//! report of success about an object that is not there.
//!
//! `ENTITLE_CHAOS_SEEDS` and `ENTITLE_CHAOS_SEED` work as for the other rounds.

use std::sync::Arc;

use entitle::manifest::Loaded;
use entitle::model::diagnostic::Source;
use entitle::reconcile::{self, CheckOptions, Checked, Simulators};
use entitle::sandbox::{FaultPlan, Options, SandboxServer};
use futures::StreamExt;

use super::round::{self, Manner};
use super::{BUSY, QUIET, ROUNDS, connections, seeds, told, well};
use crate::lifecycle::kinds::created_sets;
use crate::support::bench::Object;

/// Objects that each seed creates, or one more where they refer to each other.
const OBJECTS: usize = 3;

fn check(sandbox: &SandboxServer, objects: &[Object]) -> Checked {
    let sources = objects
        .iter()
        .map(|object| Arc::new(Source::new(format!("{}.yaml", object.name), object.text())));
    let loaded = Loaded {
        sources: sources.collect(),
        ..Loaded::default()
    };
    let options = CheckOptions {
        need_connections: true,
        simulators: Some(Simulators::of_run(connections(sandbox))),
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(loaded, &options);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    checked
}

/// Leaves out of a mix what no program can make good where the vendor takes two objects of one key: a call that reaches it
/// twice, and other admins who take the key away. The next run tells of two objects, and writes neither.
fn survivable(mix: &str) -> String {
    let faults = mix.split(',').map(str::trim);
    let kept = faults.filter(|fault| {
        !["twice", "foreign"]
            .iter()
            .any(|name| fault.starts_with(name))
    });
    kept.collect::<Vec<_>>().join(",")
}

/// Runs one seed. The error says what went wrong.
async fn run(seed: u64) -> Result<(), String> {
    let mut sets = created_sets(OBJECTS);
    let count = sets.len();
    let set = sets.swap_remove(seed as usize % count);
    let mix = if (seed / count as u64).is_multiple_of(3) {
        BUSY
    } else {
        QUIET
    };
    let mix = match set.refuses_doubles {
        false => survivable(mix),
        true => mix.to_string(),
    };
    let plan: FaultPlan = format!("{seed}:{mix}").parse().expect("known faults");
    let options = Options {
        faults: Some(plan),
        ..Options::default()
    };
    let sandbox = SandboxServer::start(options)
        .await
        .map_err(|error| error.to_string())?;
    let objects = set.objects();
    let checked = check(&sandbox, &objects);
    let mut last = String::from("no round");
    for number in 0..ROUNDS {
        let manner = Manner::of(seed, number);
        let reports = round::run(&checked, manner).await;
        // A write that a hurried round gave up may lie in a socket.
        sandbox
            .wait_until_all_closed()
            .await
            .map_err(|error| error.to_string())?;
        let found = set.counts(&sandbox.state(set.vendor)?);
        let what = format!("{}, round {number}, {manner:?}: {found:?}", set.name);
        if found.iter().any(|count| *count > 1) {
            return Err(format!("{what}: made twice; {}", told(&reports)));
        }
        for report in reports.iter().filter(|report| well(report)) {
            let address = &report.planned.desired.address;
            let at = objects
                .iter()
                .position(|one| (one.kind, one.name.as_str()) == (address.kind.0, &address.name));
            if at.is_none_or(|at| found[at] != 1) {
                return Err(format!(
                    "{what}: {address} is reported as {:?}",
                    report.outcome
                ));
            }
        }
        last = told(&reports);
        if last.is_empty() {
            break;
        }
    }
    sandbox.stop().await;
    match last.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{}: no success in {ROUNDS} applies: {last}",
            set.name
        )),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_at_most_one_object_is_made_for_a_manifest() {
    let runs = futures::stream::iter(seeds(120))
        .map(|seed| async move { (seed, run(seed).await) })
        .buffer_unordered(48);
    let faults: Vec<String> = runs
        .filter_map(|(seed, judged)| async move {
            let why = judged.err()?;
            let replay = format!("ENTITLE_CHAOS_SEED={seed} cargo test --test it chaos::creations");
            Some(format!("seed {seed}: {why}\n  replay: {replay}"))
        })
        .collect()
        .await;
    assert!(
        faults.is_empty(),
        "{} seeds failed:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
