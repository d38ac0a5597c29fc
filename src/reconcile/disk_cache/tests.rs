use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::manifest::ReadLimits;
use crate::reconcile::testing::CONNECTION;
use crate::reconcile::{CheckOptions, Checked, LoadedManifests, check_manifests};

const PROGRAM: &str = "this";

fn order(name: &str, seats: u32) -> String {
    format!(
        "apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {{name: {name}, labels: {{team: eu}}}}
spec:
  connection: lac
  activationKey: {name}
  policy: {{mode: suspend, ignore: ['Hostids[*]'], until: 2027-01-01T00:00:00Z, resync: 30m, reason: x}}
  desired: {{customer_id: 1, activations_allowed: {seats}}}
"
    )
}

/// A directory with manifests, and one for the cache beside it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.manifests()).unwrap();
        folder.write("connection.yaml", CONNECTION);
        folder
    }

    fn manifests(&self) -> PathBuf {
        self.0.path().join("manifests")
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.manifests().join(name), text).unwrap();
    }

    fn open(&self, program: &str) -> Arc<DiskCache> {
        Arc::new(DiskCache::open(&self.cache(), program))
    }

    /// What a run makes of the manifests with this cache, and how many pieces it had to read itself.
    fn run(&self, cache: &Arc<DiskCache>) -> (Checked, usize) {
        let paths = [self.manifests()];
        let loaded = LoadedManifests::load(
            &paths,
            &mut io::empty(),
            &ReadLimits::default(),
            Some(Arc::clone(cache)),
        );
        let checked = check_manifests(loaded, &CheckOptions::default());
        let new = cache.new.lock().unwrap().len();
        cache.save().unwrap();
        (checked, new)
    }

    /// What a run without a cache makes of them.
    fn plainly(&self) -> Checked {
        let loaded = LoadedManifests::load(
            &[self.manifests()],
            &mut io::empty(),
            &ReadLimits::default(),
            None,
        );
        check_manifests(loaded, &CheckOptions::default())
    }
}

fn same(one: &Checked, other: &Checked) {
    assert_eq!(
        format!("{:#?}", one.desired),
        format!("{:#?}", other.desired)
    );
    assert_eq!(
        format!("{:#?}", one.findings),
        format!("{:#?}", other.findings)
    );
    assert_eq!(one.source, other.source);
}

/// More than a piece, so that the file is read in several.
fn large() -> String {
    let orders = (0..500).map(|number| order(&format!("o-{number}"), number));
    orders.collect::<Vec<_>>().join("---\n")
}

#[test]
fn what_was_read_before_is_not_read_again_and_says_the_same() {
    let folder = Folder::new();
    folder.write("a.yaml", &order("a", 5));
    folder.write(
        "b.yaml",
        &format!("{}---\nkind: ConfigMap\n", order("b", 6)),
    );
    folder.write("large.yaml", &large());
    let (first, read) = folder.run(&folder.open(PROGRAM));
    assert!(read > 3 && first.findings.is_empty(), "{read}");
    assert_eq!(first.desired.len(), 502);
    let (second, read) = folder.run(&folder.open(PROGRAM));
    assert_eq!(read, 0);
    same(&first, &second);
    same(&folder.plainly(), &second);
}

#[test]
fn what_only_a_creation_takes_is_among_what_was_read() {
    let folder = Folder::new();
    let connection = "apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: licensespring}
spec: {vendor: licensespring, baseUrl: https://saas.licensespring.com, auth: {apiKey: {env: KEY}}}
";
    let order = "apiVersion: entitle.dev/v1
kind: LicenseSpringOrder
metadata: {name: seven}
spec:
  order: {store_id: ord-7}
  desired: {items: [{product_code: mch, licenses: [{max_activations: 2}]}]}
";
    folder.write("licensespring.yaml", connection);
    folder.write("order.yaml", order);
    folder.run(&folder.open(PROGRAM));
    let (second, read) = folder.run(&folder.open(PROGRAM));
    assert_eq!(read, 0);
    let items = second.desired[0].creation.unpack();
    assert!(items.contains_key("items"), "{items:?}");
    same(&folder.plainly(), &second);
}

#[test]
fn what_was_changed_is_read_and_the_rest_is_not() {
    let folder = Folder::new();
    folder.write("a.yaml", &order("a", 5));
    folder.write("large.yaml", &large());
    folder.run(&folder.open(PROGRAM));
    folder.write("a.yaml", &order("a", 6));
    // A line in front moves every place in the file.
    folder.write("large.yaml", &format!("# orders\n{}", large()));
    let (checked, read) = folder.run(&folder.open(PROGRAM));
    assert!(read > 2, "{read}");
    same(&folder.plainly(), &checked);
    let seats = checked.desired[0].fields.get("activations_allowed");
    assert_eq!(seats, Some(crate::model::Value::Integer(6)));
}

#[test]
fn what_is_wrong_is_said_every_time() {
    let folder = Folder::new();
    folder.write(
        "a.yaml",
        &order("a", 5).replace("activations_allowed", "seats"),
    );
    folder.write("b.yaml", &order("b", 5).replace("5", "05"));
    for _ in 0..2 {
        let (checked, _) = folder.run(&folder.open(PROGRAM));
        let codes: Vec<_> = checked
            .findings
            .iter()
            .map(|finding| finding.code)
            .collect();
        assert!(codes.contains(&"unknown-field"), "{codes:?}");
        same(&folder.plainly(), &checked);
    }
}

#[test]
fn a_cache_that_is_damaged_or_another_programs_is_empty() {
    let folder = Folder::new();
    folder.write("a.yaml", &order("a", 5));
    folder.run(&folder.open(PROGRAM));
    assert_eq!(folder.open(PROGRAM).old.len(), 1);
    assert!(folder.open("the next version").old.is_empty());
    let file = folder.cache().join(FILE_NAME);
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&file, &damaged).unwrap();
        assert!(folder.open(PROGRAM).old.is_empty(), "byte {at}");
        fs::write(&file, &whole[..at]).unwrap();
        assert!(folder.open(PROGRAM).old.is_empty(), "cut at {at}");
    }
    let (checked, read) = folder.run(&folder.open(PROGRAM));
    assert_eq!((checked.desired.len(), read), (1, 1));
    // The cache file was written again.
    assert_eq!(folder.run(&folder.open(PROGRAM)).1, 0);
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_may_write_is_empty() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("a.yaml", &order("a", 5));
    folder.run(&folder.open(PROGRAM));
    let file = folder.cache().join(FILE_NAME);
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    mode(0o660);
    assert!(folder.open(PROGRAM).old.is_empty());
    mode(0o600);
    assert_eq!(folder.open(PROGRAM).old.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_cache_of_somebody_else_is_empty() {
    assert!(is_private_to(1000, 0o100_600, 1000));
    for (owner, mode) in [(1001, 0o600), (0, 0o600), (1000, 0o620), (1000, 0o602)] {
        assert!(!is_private_to(owner, mode, 1000), "{owner} {mode:o}");
    }
}

#[test]
fn what_nobody_wants_any_more_goes_once_it_is_the_larger_part() {
    let folder = Folder::new();
    for number in 0..10 {
        folder.write(&format!("{number}.yaml"), &order(&format!("o-{number}"), 1));
    }
    folder.run(&folder.open(PROGRAM));
    // Another branch, with three of the ten and one of its own.
    for number in 3..10 {
        fs::remove_file(folder.manifests().join(format!("{number}.yaml"))).unwrap();
    }
    folder.write("new.yaml", &order("new", 1));
    folder.run(&folder.open(PROGRAM));
    assert_eq!(folder.open(PROGRAM).old.len(), 8);
}

#[test]
fn caches_of_projects_that_nobody_works_in_are_removed() {
    let common = tempfile::tempdir().unwrap();
    let cache = |name: &str, age: u64| {
        let dir = common.path().join(name);
        fs::create_dir(&dir).unwrap();
        let file = fs::File::create(dir.join(FILE_NAME)).unwrap();
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age);
        file.set_modified(written).unwrap();
        dir
    };
    let (old, new, shared) = (cache("old", 600), cache("new", 100), cache("shared", 600));
    fs::write(shared.join("notes"), "").unwrap();
    fs::write(common.path().join(FILE_NAME), "").unwrap();
    let before = SystemTime::UNIX_EPOCH + Duration::from_secs(500);
    DiskCache::remove_unused(common.path(), before);
    assert!(!old.exists() && new.join(FILE_NAME).exists());
    assert!(shared.join("notes").exists() && !shared.join(FILE_NAME).exists());
    assert!(common.path().join(FILE_NAME).exists());
    DiskCache::remove_unused(&common.path().join("nowhere"), before);
}
