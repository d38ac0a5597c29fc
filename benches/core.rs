//! How long the core takes, without network: `cargo bench --bench core`.
//!
//! Manifests are read and checked, replies decoded, and plans made and hashed, for every vendor from its
//! cases under `tests/vendors`, and for a file of a thousand license orders.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[expect(dead_code, reason = "the benches use a part of it")]
#[path = "../tests/it/support/pure.rs"]
mod pure;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use entitle::provider;

criterion_group! {
    name = core;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = parse, decode, plan
}
criterion_main!(core);

const ORDERS: usize = 1_000;

/// A file of license orders.
fn orders() -> String {
    let order = |number| {
        format!(
            "---\napiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata:\n  name: order-{number}\n\
             spec:\n  activationKey: {number:05}-LAC00-ORDER-00000\n  desired:\n    customer_id: {}\n    \
             activations_allowed: 10\n    enabled: true\n    description: Order {number}\n    Features:\n    \
             - name: Archive\n      version: \"1.0\"\n      expiration_type: fixed\n      \
             expiration_date: \"2027-12-31\"\n      issued_type: not_issued\n      \
             maintenance_type: no_maintenance\n",
            number % 25 + 1
        )
    };
    (0..ORDERS).map(order).collect()
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    let plain = orders();
    // An anchor in every document sends it to the general reader.
    let general = plain.replace("spec:\n", "spec: &a\n");
    for (name, text) in [("plain", &plain), ("general", &general)] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let checked = pure::check(&[("orders.yaml", black_box(text))]);
                assert_eq!(checked.desired.len(), ORDERS);
            });
        });
    }
    group.finish();
}

/// The manifests and replies of a vendor's cases.
fn cases(vendor: &str) -> Vec<(String, pure::Replies)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendors");
    let folders = std::fs::read_dir(root.join(vendor).join("cases")).expect("cases");
    let mut folders: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let read = |folder: PathBuf| {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("readable");
        let replies = serde_json::from_str(&text("replies.json")).expect("JSON");
        (text("manifest.yaml"), replies)
    };
    folders.into_iter().map(read).collect()
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for provider in provider::ALL {
        let vendor = provider.vendor().0;
        let cases = cases(vendor).into_iter();
        let checked: Vec<_> = cases
            .map(|(manifest, replies)| (pure::check(&[("m.yaml", &manifest)]), replies))
            .collect();
        group.bench_function(BenchmarkId::from_parameter(vendor), |bencher| {
            bencher.iter(|| {
                for (checked, replies) in &checked {
                    let _ = black_box(pure::observe(checked, replies));
                }
            });
        });
    }
    group.finish();
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for provider in provider::ALL {
        let vendor = provider.vendor().0;
        let observed: Vec<_> = cases(vendor)
            .into_iter()
            .filter_map(|(manifest, replies)| {
                let checked = pure::check(&[("m.yaml", &manifest)]);
                let (observed, _) = pure::observe(&checked, &replies).ok()?;
                Some((checked, observed))
            })
            .collect();
        group.bench_function(BenchmarkId::from_parameter(vendor), |bencher| {
            bencher.iter(|| {
                for (checked, observed) in &observed {
                    let planned = pure::plan(checked, observed);
                    black_box(pure::document(checked, &planned));
                }
            });
        });
    }
    group.finish();
}
