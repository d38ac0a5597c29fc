//! A populated sandbox and the manifests written for it: in sync at every vendor, but for what is to differ.

use std::sync::Arc;

use entitle::apply::{Secrets, Tls, Trust};
use entitle::cli::simulators;
use entitle::manifest;
use entitle::plan::Disposition;
use entitle::reconcile::{self, CheckOptions, Pass, Settings, Simulators};
use entitle::sandbox::{Options, Population, SandboxServer};
use tokio::time::Instant;

const OBJECTS: usize = 50;

/// Plans all vendors' manifests, of which a percentage differs, against the account that they were made for.
async fn planned(percent: f64) -> Pass {
    let population = Population {
        objects: OBJECTS,
        vendors: Vec::new(),
    };
    let options = Options {
        population: population.clone(),
        ..Options::default()
    };
    let sandbox = SandboxServer::start(options).await.expect("loopback");
    let mut text = Vec::new();
    for vendor in sandbox.vendors() {
        text.extend(population.manifests(vendor, percent).expect("a vendor"));
    }
    assert_eq!(text.len(), 5 * OBJECTS);
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("all.yaml"), text.join("---\n")).expect("written");
    let loaded = manifest::load(
        &[dir.path().to_path_buf()],
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
    let settings = Settings {
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
    };
    let pass = reconcile::plan_pass(&checked, &settings).await;
    sandbox.stop().await;
    pass
}

#[tokio::test]
async fn written_manifests_hold_for_the_populated_account() {
    let pass = planned(0.0).await;
    assert_eq!(pass.planned.len(), 5 * OBJECTS);
    for planned in &pass.planned {
        super::support::bench::in_sync(planned);
    }
}

#[tokio::test]
async fn exactly_the_share_that_is_to_differ_differs_and_takes_nothing_away() {
    let pass = planned(10.0).await;
    let mut changed = std::collections::BTreeMap::new();
    for planned in &pass.planned {
        let address = &planned.desired.address;
        match planned.action {
            Disposition::None => super::support::bench::in_sync(planned),
            Disposition::Update => {
                assert_eq!(planned.changes.len(), 1, "{address}: {:?}", planned.changes);
                *changed.entry(address.kind.0).or_insert(0) += 1;
            }
            other => panic!("{address}: {other:?} {:?}", planned.message),
        }
    }
    let counts: Vec<usize> = changed.into_values().collect();
    assert_eq!(counts, [OBJECTS / 10; 5]);
}
