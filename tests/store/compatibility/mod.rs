//! Stores on servers as each version wrote them: what is there is read, and gone on with.
//!
//! `deploy/release/keep` writes the folders of the version at hand.

mod bucket;
mod postgres;

use std::path::Path;

use entitle::sandbox::{Options, Population};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::kept;
use crate::program::{Address, World, exit};

/// What was kept of one kind of store.
struct KeptStore {
    /// The folder below that of a version.
    folder: &'static str,
    /// Where its vendor listens: a port of its own, since an account is known by its address.
    port: u16,
}

impl KeptStore {
    /// The vendor and the manifests, as on the first day.
    async fn start(&self, store: &Address, dir: TempDir) -> World {
        let population = Population {
            objects: 2,
            vendors: vec!["lac".into()],
        };
        let options = || Options {
            population: population.clone(),
            ..Options::default()
        };
        let sandbox = kept::start_sandbox(self.port, options).await;
        World::with(sandbox, dir, &population, 100.0, store)
    }

    /// Does what a team does, and keeps what was printed. The caller keeps the store itself.
    async fn keep(&self, store: &Address) {
        let world = self.start(store, kept::stable_dir(self.folder)).await;
        run(&world, &APPLY);
        world.edit(0);
        let heal = ["watch", "--once", "--mode", "heal", "--max-changes", "100%"];
        run(&world, &heal);
        let undo = ["undo", "latest", "--auto-approve", "--allow", "strand"];
        run(&world, &undo);
        run(&world, &["store", "compact"]);
        // Its lines are behind the summary.
        run(&world, &APPLY);
        let write = |name: &str, text: &str| kept::write(&format!("{}/{name}", self.folder), text);
        write("history.json", &run(&world, &HISTORY));
        write("leases.txt", &leases(&world));
    }

    /// Reads what a version wrote into `store`, and goes on with it.
    async fn read(&self, version: &Path, store: &Address) {
        let kept = |name: &str| {
            let path = version.join(self.folder).join(name);
            std::fs::read_to_string(path).expect("kept")
        };
        let world = self.start(store, tempfile::tempdir().unwrap()).await;
        let before = runs(&kept("history.json"));
        assert_eq!(before.len(), 4, "{before:?}");
        assert_eq!(runs(&run(&world, &HISTORY)), before);
        assert_eq!(leases(&world), kept("leases.txt"));
        // The vendor began anew, so somebody else changed what was agreed on.
        let drift = world.run(&["drift"]);
        assert_eq!(exit(&drift), 2, "{drift:?}");
        let text = String::from_utf8_lossy(&drift.stdout).into_owned();
        assert!(text.contains("they"), "{text}");

        run(&world, &APPLY);
        let after = runs(&run(&world, &HISTORY));
        assert_eq!(after.len(), 5, "{after:?}");
        assert!(before.iter().all(|run| after.contains(run)), "{after:?}");
        assert_eq!(epoch(&leases(&world)), epoch(&kept("leases.txt")) + 1);
        run(&world, &["store", "compact"]);
        assert_eq!(exit(&world.run(&["drift"])), 0);
        assert_eq!(runs(&run(&world, &HISTORY)), after);

        // The last run of that version is taken back by this one.
        let last = before[0]["run"].as_str().expect("an id");
        let writes = world.writes();
        run(
            &world,
            &["undo", last, "--auto-approve", "--allow", "strand"],
        );
        assert_eq!(world.writes(), writes + 1);
    }
}

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const HISTORY: [&str; 4] = ["history", "--all", "--format", "json"];

/// Runs the program, which succeeds, and returns what it prints.
fn run(world: &World, arguments: &[&str]) -> String {
    let output = world.run(arguments);
    assert_eq!(exit(&output), 0, "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn runs(history: &str) -> Vec<Json> {
    let document: Json = serde_json::from_str(history).expect("JSON");
    document["runs"].as_array().expect("runs").clone()
}

/// What `store show` prints below the name of the store.
fn leases(world: &World) -> String {
    let shown = run(world, &["store", "show"]);
    let (_, leases) = shown.split_once('\n').expect("a name");
    leases.into()
}

/// The epoch of the one lease.
fn epoch(leases: &str) -> u64 {
    let (_, rest) = leases.split_once("  epoch ").expect("an epoch");
    let number = rest.split_whitespace().next().expect("a number");
    number.parse().expect("a number")
}
