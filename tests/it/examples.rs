//! The examples and the companies: valid, planned and applied against the sandbox, in sync afterwards.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entitle::apply::recorder::Recorder;
use entitle::apply::{Outcome, Secrets, Tls, Trust};
use entitle::manifest;
use entitle::plan::Disposition;
use entitle::plan::guard::Accepted;
use entitle::provider;
use entitle::reconcile::{self, ApplyOptions, CheckOptions, Settings, Simulators};
use entitle::sandbox::{Options, SandboxServer};
use tokio::time::Instant;

use entitle::cli::simulators;

use super::support::golden;

fn example_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

pub fn settings() -> Settings {
    Settings {
        secrets: Secrets {
            environment: Arc::new(|_| None),
            trust: Trust::default(),
        },
        tls: Tls::default(),
        parallelism: 16,
        deadline: Instant::now() + super::support::bench::AMPLE,
        clock: super::support::pure::now,
        stop: Arc::default(),
        sandbox: true,
        events: Default::default(),
        checks: Default::default(),
        opened: Default::default(),
        budgets: Default::default(),
    }
}

#[tokio::test]
async fn every_example_applies_once_and_is_in_sync_afterwards() {
    let kinds = apply_twice(&example_dir()).await;
    assert_eq!(
        kinds.len(),
        provider::all_kinds().count(),
        "every kind has an example"
    );
}

/// A company is a set of manifests by itself: the objects of one vendor's simulator, from the customer to the licence.
#[tokio::test]
async fn every_vendor_has_a_company_that_applies_once_and_is_in_sync_afterwards() {
    for provider in provider::ALL {
        let vendor = provider.vendor().0;
        let kinds = apply_twice(&example_dir().join("../companies").join(vendor)).await;
        let has_kind = |kind: &str| kinds.contains(kind);
        let missing: Vec<&str> = { provider.kinds().iter() }
            .map(|kind| kind.table().kind.0)
            .filter(|kind| !has_kind(kind))
            .collect();
        assert_eq!(missing, [""; 0], "the company of {vendor} lacks a kind");
    }
}

/// Every file for editors names a schema that is there.
#[test]
fn every_schema_that_a_manifest_names_is_there() {
    let mut seen = 0;
    for file in files_below(&example_dir())
        .into_iter()
        .chain(files_below(&example_dir().join("../companies")))
    {
        let text = std::fs::read_to_string(&file).expect("readable");
        let Some((_, rest)) = text.split_once("$schema=") else {
            continue;
        };
        let schema = rest.split_whitespace().next().expect("a path");
        let path = file.parent().expect("a folder").join(schema);
        assert!(path.is_file(), "{} names {schema}", file.display());
        seen += 1;
    }
    let connections = 2 * provider::ALL.len();
    assert!(
        seen >= connections + 2 * provider::all_kinds().count(),
        "only {seen}"
    );
}

/// The YAML files of a folder and of all folders in it.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = golden::files(folder, "yaml");
    files.extend(
        golden::folders(folder)
            .iter()
            .flat_map(|inner| files_below(inner)),
    );
    files
}

/// Applies the manifests of a folder to a sandbox of their own, and applies them again. Returns their kinds.
async fn apply_twice(folder: &Path) -> BTreeSet<&'static str> {
    let sandbox = SandboxServer::start(Options::default())
        .await
        .expect("loopback");
    let loaded = manifest::load(
        &[folder.to_path_buf()],
        &mut std::io::empty(),
        &manifest::ReadLimits::default(),
    );
    let options = CheckOptions {
        need_connections: true,
        simulators: Some(Simulators::of_run(simulators::stand_ins(sandbox.address()))),
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(loaded, &options);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    let kinds = checked.desired.iter().map(|object| object.address.kind.0);
    let kinds: BTreeSet<&str> = kinds.collect();

    let pass = reconcile::plan_pass(&checked, &settings()).await;
    for planned in &pass.planned {
        let action = match planned.desired.policy.create {
            true => Disposition::Create,
            false => Disposition::Update,
        };
        assert_eq!(
            planned.action, action,
            "{}: {:?}",
            planned.desired.address, planned.message
        );
    }
    let unattended = ApplyOptions {
        accepted: Some(Accepted::default()),
        fail_fast: false,
        recorder: Recorder::new(None, "test", Default::default(), super::support::pure::now),
    };
    for report in reconcile::apply_plan(&pass, &unattended, &settings()).await {
        let address = &report.planned.desired.address;
        assert_eq!(
            report.outcome,
            Some(Outcome::Converged),
            "{address}: {:?}",
            report.message
        );
        assert!(
            report.side_effects.is_empty(),
            "{address}: {:?}",
            report.side_effects
        );
    }

    sandbox.forget_requests();
    let again = reconcile::plan_pass(&checked, &settings()).await;
    for planned in &again.planned {
        assert!(
            planned.changes.is_empty(),
            "{}: {:?}",
            planned.desired.address,
            planned.changes
        );
    }
    for report in reconcile::apply_plan(&again, &unattended, &settings()).await {
        assert_eq!(report.outcome, None);
    }
    let writes: Vec<String> = sandbox
        .requests()
        .into_iter()
        .filter(|seen| {
            seen.method != "GET" && !seen.path.contains("login") && !seen.path.contains("token")
        })
        .map(|seen| format!("{} {}", seen.method, seen.path))
        .collect();
    assert!(writes.is_empty(), "the second apply wrote: {writes:?}");
    sandbox.stop().await;
    kinds
}
