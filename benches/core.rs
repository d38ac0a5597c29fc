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
use serde_json::{Value as Json, json};

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

/// The manifests and replies of the cases of a vendor's kinds.
fn cases(vendor: &str) -> Vec<(String, pure::Replies)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendors");
    let list = |folder: &Path| std::fs::read_dir(folder).expect("a folder").flatten();
    let kinds = list(&root.join(vendor)).map(|kind| kind.path().join("cases"));
    let mut folders: Vec<PathBuf> = kinds
        .flat_map(|cases| list(&cases).map(|case| case.path()))
        .collect();
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
    for (name, step) in [("lac-pages-dense", 1), ("lac-pages-sparse", 4)] {
        let checked = pure::check(&[("orders.yaml", &orders())]);
        let (pages, bytes) = pages(step);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (observed, _) = pure::observe(&checked, black_box(&pages)).expect("replies");
                assert_eq!(observed.len(), ORDERS);
            });
        });
    }
    group.finish();
}

/// An account in which every so many-th order is one of `orders`, by pages of 500, and its customers; and how
/// many bytes the pages have.
fn pages(step: usize) -> (pure::Replies, usize) {
    const ROWS: usize = 500;
    let order = |number: usize| {
        json!({
            "customer": {"name": format!("Customer {}", number % 25 + 1), "street": "Santiago Groves", "city": "Shortport",
                "Contacts": [{"name": "James Taylor", "email": "james@customer.test"}], "CustomTags": []},
            "product_template": {"id": "1", "name": "Template", "product_id": "1"},
            "activation_key": format!("{number:05}-LAC00-ORDER-00000"), "creation_time": "2019-08-14 10:57:03",
            "license_type": "local", "licensee_type": "customer", "licensee": null, "hostid_match_rate": "100",
            "min_hostids": "1", "activations_allowed": "10", "activated_licenses_count": 0, "enabled": true,
            "description": format!("Order {number}"), "settings_description": "", "removal": false,
            "removal_request_time": null, "removal_confirmation_time": null, "deactivations_allowed": "10",
            "deactivations_left": 10, "Hostids": [{"name": "Hostname", "min_amount": "1", "max_amount": "1"}],
            "Features": [{"name": "Archive", "version": "1.0", "expiration_type": "fixed",
                "expiration_date": "2027-12-31", "days_from_activation": null, "issued_type": "not_issued",
                "issued_date": null, "options": "", "additional_settings": "", "enabled": true, "count": null,
                "maintenance_type": "no_maintenance", "maintenance_date": null,
                "maintenance_days_from_activation": null, "comment": ""}],
        })
    };
    let customer = |id: usize| json!({"id": id.to_string(), "name": format!("Customer {id}")});
    let mut replies = pure::Replies::new();
    let mut bytes = 0;
    for at in (0..ORDERS * step).step_by(ROWS) {
        let target_of = |index: usize| index.is_multiple_of(step).then_some(index / step);
        let rows = (at..at + ROWS).map(|index| order(target_of(index).unwrap_or(ORDERS + index)));
        // A text is sent as it is: the bench is of the decoding.
        let page = Json::from_iter(rows).to_string();
        bytes += page.len();
        let call = match at {
            0 => "GET /license-orders".to_string(),
            at => format!("GET /license-orders?offset={at}"),
        };
        replies.insert(call, Json::from(page));
    }
    let customers = Json::from_iter((1..=25).map(customer));
    replies.insert("GET /customers".into(), customers);
    replies.insert("GET /customers?offset=25".into(), json!([]));
    (replies, bytes)
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
