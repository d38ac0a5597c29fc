//! `--cache` changes nothing but the time: every manifest of this repository, right or wrong, says the same
//! with a cache as without one.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entitle::manifest::ReadLimits;
use entitle::reconcile::{self, CheckOptions, Checked, DiskCache, LoadedManifests};

use super::support::program::Workspace;

fn manifests(below: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(below).expect("readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            manifests(&path, found);
        } else if path
            .extension()
            .is_some_and(|ext| ext == "yaml" || ext == "yml")
        {
            found.insert(path);
        }
    }
}

/// What is made of a file, as text.
fn checked(file: &Path, cache: Option<Arc<DiskCache>>) -> (Checked, String) {
    let said = LoadedManifests::load(
        &[file.to_path_buf()],
        &mut io::empty(),
        &ReadLimits::default(),
        cache,
    );
    let checked = reconcile::check_manifests(said, &CheckOptions::default());
    let Checked {
        desired,
        connections,
        source,
        findings,
        ..
    } = &checked;
    let shown = format!("{desired:#?}\n{connections:#?}\n{source:#?}\n{findings:#?}");
    (checked, shown)
}

#[test]
fn every_manifest_says_the_same_with_a_cache() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeSet::new();
    for folder in ["tests", "examples", "deploy"] {
        manifests(&root.join(folder), &mut files);
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut objects = 0;
    for file in &files {
        let (plain, shown) = checked(file, None);
        objects += plain.desired.len();
        // The first fills the cache, the second reads from it.
        for _ in 0..2 {
            let cache = Arc::new(DiskCache::open(dir.path(), "this"));
            let (_, again) = checked(file, Some(Arc::clone(&cache)));
            cache.save().expect("saved");
            assert_eq!(shown, again, "{}", file.display());
        }
    }
    assert!(objects > 50, "{objects}");
}

const ORDER: &str = "apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {name: rivers}
spec:
  activationKey: K7Q2M-9ZB4T-X3WDN-5RC8V
  desired: {customer_id: 2, activations_allowed: SEATS}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_cache_plans_what_the_manifests_say_now() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    let plan = |seats: &str| {
        workspace.write("order.yaml", &ORDER.replace("SEATS", seats));
        let ran = workspace.run(&["plan", ".", "--cache", "cache"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
        ran.stdout
    };
    for seats in ["31", "31", "32"] {
        let shown = plan(seats);
        assert!(shown.contains(&format!("→ {seats}")), "{shown}");
    }
    // A place that nothing can be written to costs a warning and no more.
    workspace.write("file", "");
    let ran = workspace.run(&["plan", ".", "--cache", "file"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("--cache file was not written"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_fills_the_cache_and_reads_from_it() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    workspace.write("order.yaml", &ORDER.replace("SEATS", "31"));
    let watch = || {
        let ran = workspace.run(&["watch", ".", "--once", "--cache", "cache"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let file = workspace.dir.path().join("cache/manifests-1");
        let file = std::fs::metadata(file).expect("a cache");
        (file.len(), file.modified().expect("a time"))
    };
    let filled = watch();
    // Whatever was not found there would be written there.
    assert_eq!(watch(), filled, "nothing new was learnt");
    workspace.write("order.yaml", &ORDER.replace("SEATS", "32"));
    assert_ne!(watch(), filled);
}
