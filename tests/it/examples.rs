//! The examples: valid, planned and applied against the sandbox, in sync afterwards.

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
    let sandbox = SandboxServer::start(Options::default())
        .await
        .expect("loopback");
    let loaded = manifest::load(
        &[example_dir()],
        &mut std::io::empty(),
        &manifest::ReadLimits::default(),
    );
    let options = CheckOptions {
        need_connections: true,
        simulators: Some(Simulators::of_run(simulators::stand_ins(sandbox.address()))),
    };
    let checked = reconcile::check_manifests(loaded, &options);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    let kinds: std::collections::BTreeSet<&str> = checked
        .desired
        .iter()
        .map(|object| object.address.kind.0)
        .collect();
    assert_eq!(
        kinds.len(),
        provider::all_kinds().count(),
        "every kind has an example"
    );

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
}
