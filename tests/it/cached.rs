//! A cache changes nothing but the time: every manifest of this repository, right or wrong, says the same
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
    let mut objects = 0;
    for file in &files {
        let dir = tempfile::tempdir().expect("a directory");
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

/// The files below a directory.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files_below(&path)),
            path => found.push(path),
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_kept_for_each_user_unless_nobody_asked_for_one() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    workspace.write("order.yaml", &ORDER.replace("SEATS", "31"));
    let kept = workspace.dir.path().join("cache-home");
    let none = |workspace: &Workspace, arguments: &[&str]| {
        let ran = workspace.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
        assert!(files_below(&kept).is_empty(), "{arguments:?}");
    };
    none(&workspace, &["plan", ".", "--no-cache"]);
    workspace.set("CI", "true");
    workspace.set("ENTITLE_TRUST_HOSTS", "http://127.0.0.1");
    none(&workspace, &["plan", "."]);
    assert_eq!(workspace.run(&["plan", ".", "--cache", "own"]).code, 0);
    assert!(workspace.dir.path().join("own/manifests-1").exists());
    workspace.set("CI", "");
    let ran = workspace.run(&["plan", "."]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let files = files_below(&kept);
    assert_eq!(files.len(), 1, "{files:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| {
            let meta = std::fs::metadata(path).expect("there");
            meta.permissions().mode() & 0o777
        };
        assert_eq!(mode(&files[0]), 0o600);
        assert_eq!(mode(files[0].parent().expect("a directory")), 0o700);
    }
    let written = || std::fs::metadata(&files[0]).and_then(|meta| meta.modified());
    let before = written().expect("a time");
    assert_eq!(workspace.run(&["validate"]).code, 0);
    assert_eq!(written().expect("a time"), before, "all of it was known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_cannot_be_written_is_no_fault() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    workspace.write("order.yaml", &ORDER.replace("SEATS", "31"));
    // A file where the directory would be stops root too.
    workspace.write("no-home", "");
    let home = workspace.dir.path().join("no-home").display().to_string();
    for variable in ["XDG_CACHE_HOME", "HOME"] {
        workspace
            .environment
            .retain(|(name, _)| name != "XDG_CACHE_HOME");
        workspace.set(variable, &home);
        let ran = workspace.run(&["plan", "."]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    }
    workspace.set("ENTITLE_LOG", "entitle=debug");
    let ran = workspace.run(&["plan", "."]);
    assert!(
        ran.stderr.contains("no cache of manifests is kept"),
        "{ran:?}"
    );
}
