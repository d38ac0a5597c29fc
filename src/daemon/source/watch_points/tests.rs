//! Watch points in a file system in memory.

use std::io;

use super::*;

/// A file system in memory: the entry at each path. Directories above a path exist without an entry of their own.
#[derive(Default)]
struct MemoryFileSystem {
    nodes: BTreeMap<PathBuf, PathEntry>,
    closed: BTreeSet<PathBuf>,
    texts: BTreeMap<PathBuf, String>,
    born: u64,
}

fn numbered(inode: u64) -> DirectoryId {
    DirectoryId {
        device: 1,
        inode,
        born: None,
    }
}

impl MemoryFileSystem {
    fn new(files: &[&str]) -> Self {
        let mut memory = Self::default();
        files.iter().for_each(|file| memory.file(file));
        memory
    }

    fn above(&mut self, path: &Path) {
        let above: Vec<PathBuf> = path.ancestors().skip(1).map(Path::to_path_buf).collect();
        for directory in above.into_iter().rev() {
            self.born += 1;
            let new = PathEntry::Directory(numbered(self.born));
            self.nodes.entry(directory).or_insert(new);
        }
    }

    fn file(&mut self, path: &str) {
        self.above(Path::new(path));
        self.nodes.insert(path.into(), PathEntry::File);
    }

    fn link(&mut self, path: &str, target: &str) {
        self.above(Path::new(path));
        self.nodes
            .insert(path.into(), PathEntry::Link(target.into()));
    }

    fn remove(&mut self, path: &str) {
        self.nodes.retain(|one, _| !one.starts_with(path));
    }

    fn rename(&mut self, from: &str, to: &str) {
        let moved: Vec<PathBuf> = self
            .nodes
            .keys()
            .filter(|one| one.starts_with(from))
            .cloned()
            .collect();
        for one in moved {
            let node = self.nodes.remove(&one).expect("there");
            let rest = one.strip_prefix(from).expect("below");
            let at = match rest.as_os_str().is_empty() {
                true => PathBuf::from(to),
                false => Path::new(to).join(rest),
            };
            self.nodes.insert(at, node);
        }
    }

    fn points(&self, roots: &[&str]) -> WatchPoints {
        let roots: Vec<PathBuf> = roots.iter().map(PathBuf::from).collect();
        WatchPoints::find(&roots, self, &ReadLimits::default())
    }
}

impl FileTree for MemoryFileSystem {
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>> {
        if self.closed.contains(directory) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let here = self
            .nodes
            .iter()
            .filter(|(path, _)| path.parent() == Some(directory));
        let named = here.filter_map(|(path, node)| {
            let kind = match node {
                PathEntry::Directory(_) => EntryKind::Directory,
                PathEntry::Link(_) => EntryKind::Link,
                _ => EntryKind::File,
            };
            Some((path.file_name()?.to_os_string(), kind))
        });
        Ok(named.collect())
    }

    fn resolve(&self, path: &Path, _: Option<&Path>) -> io::Result<LinkTarget> {
        panic!("{path:?} is followed by its names")
    }

    fn read(&self, file: &Path) -> io::Result<String> {
        let text = self.texts.get(file);
        text.cloned().ok_or(io::ErrorKind::NotFound.into())
    }
}

impl FileSystem for MemoryFileSystem {
    fn entry_at(&self, path: &Path) -> PathEntry {
        self.nodes.get(path).cloned().unwrap_or(PathEntry::Missing)
    }

    fn stamp(&self, path: &Path) -> u64 {
        self.nodes.get(path).map_or(0, |_| 1)
    }
}

/// The points as text: `path: names`, `*` for all.
fn shown(points: &WatchPoints) -> Vec<String> {
    let directories = points.directories.iter();
    let lines = directories.map(|(path, point)| {
        let all = point.all.then(|| "*".to_string());
        let names = point
            .names
            .iter()
            .map(|name| name.to_string_lossy().into_owned());
        let names: Vec<String> = all.into_iter().chain(names).collect();
        format!("{}: {}", path.display(), names.join(" "))
    });
    lines.collect()
}

#[test]
fn a_directory_is_watched_with_all_below_it_and_the_way_to_it() {
    let mut memory = MemoryFileSystem::new(&[
        "/srv/m/o.yaml",
        "/srv/m/a/b/o.yaml",
        "/srv/m/.git/x",
        "/srv/m/lost+found/x",
        "/srv/n/o",
    ]);
    memory.closed.insert("/srv/m/lost+found".into());
    assert_eq!(
        shown(&memory.points(&["/srv/m"])),
        [
            "/: srv",
            "/srv: m",
            "/srv/m: *",
            "/srv/m/a: *",
            "/srv/m/a/b: *"
        ]
    );
}

#[test]
fn what_is_not_read_is_not_watched() {
    let mut memory = MemoryFileSystem::new(&[
        "/srv/.git/HEAD",
        "/srv/.gitignore",
        "/srv/m/.gitignore",
        "/srv/m/build/o.yaml",
        "/srv/m/out/o.yaml",
        "/srv/m/kept/o.yaml",
    ]);
    for (file, text) in [
        ("/srv/.gitignore", "build/\n"),
        ("/srv/m/.gitignore", "/out\n"),
    ] {
        memory.texts.insert(file.into(), text.into());
    }
    let points = memory.points(&["/srv/m"]);
    assert_eq!(
        shown(&points),
        [
            "/: srv",
            "/srv: .gitignore m",
            "/srv/m: * .gitignore",
            "/srv/m/kept: *"
        ]
    );
    assert!(points.is_relevant(Path::new("/srv/.gitignore"), FileChange::Written));
}

#[test]
fn a_walk_that_takes_too_long_is_said() {
    let memory = MemoryFileSystem::new(&["/srv/m/o.yaml"]);
    let over = ReadLimits {
        inside: false,
        deadline: Some(std::time::Instant::now()),
    };
    let broken = WatchPoints::find(&["/srv/m".into()], &memory, &over)
        .problem
        .expect("broken");
    assert!(broken.contains("it takes too long"), "{broken}");
}

#[test]
fn of_a_file_its_name_is_watched_in_its_directory() {
    let memory = MemoryFileSystem::new(&["/srv/m/a.yaml", "/srv/m/b.yaml"]);
    let points = memory.points(&[
        "/srv/m/a.yaml",
        "/srv/./n/../m/b.yaml",
        "/srv/m/coming.yaml",
    ]);
    assert_eq!(
        shown(&points),
        ["/: srv", "/srv: m n", "/srv/m: a.yaml coming.yaml"],
        "a path that leads over a missing name ends there"
    );
    assert_eq!(
        points.problem.as_deref(),
        Some("cannot follow /srv/./n/../m/b.yaml: it is not there")
    );
}

#[test]
fn every_link_on_a_way_is_followed_where_it_leads() {
    let mut memory =
        MemoryFileSystem::new(&["/data/rel/1/lic/o.yaml", "/etc/o.yaml", "/far/dir/p.yaml"]);
    // git-sync's layout: the named path goes through a link that is swapped.
    memory.link("/srv/current", "../data/rel/1");
    // A manifest that is elsewhere, over two links, and a directory that is.
    memory.link("/data/rel/1/lic/x.yaml", "y");
    memory.link("/data/rel/1/lic/y", "/etc/o.yaml");
    memory.link("/data/rel/1/lic/dir", "/far/dir");
    // Neither link leads to an existing entry.
    memory.link("/data/rel/1/lic/loop", "loop");
    memory.link("/data/rel/1/lic/gone.yaml", "/etc/gone.yaml");
    let points = memory.points(&["/srv/current/lic"]);
    assert_eq!(
        shown(&points),
        [
            "/: data etc far srv",
            "/data: rel",
            "/data/rel: 1",
            "/data/rel/1: lic",
            "/data/rel/1/lic: * dir gone.yaml loop x.yaml y",
            "/etc: gone.yaml o.yaml",
            "/far: dir",
            "/far/dir: *",
            "/srv: current",
        ]
    );
    assert_eq!(points.problem, None);
}

#[test]
fn links_that_lead_back_end() {
    let mut memory = MemoryFileSystem::new(&["/m/o.yaml"]);
    memory.link("/m/self", ".");
    memory.link("/m/up", "..");
    let points = memory.points(&["/m"]);
    // `up` leads to the top, where everything is.
    assert_eq!(shown(&points), ["/: * m", "/m: * self up"]);
    let mut memory = MemoryFileSystem::new(&["/x"]);
    memory.link("/m", "n");
    memory.link("/n", "m");
    let broken = memory.points(&["/m"]).problem.expect("broken");
    assert!(broken.contains("too many links"), "{broken}");
}

#[test]
fn another_directory_under_the_same_path_is_noticed() {
    type Swap = fn(&mut MemoryFileSystem);
    let swaps: [(&str, Swap); 6] = [
        ("moved away and made anew", |memory| {
            memory.rename("/srv/p/m", "/srv/p/old");
            memory.file("/srv/p/m/o.yaml");
        }),
        ("removed", |memory| memory.remove("/srv/p/m")),
        ("its parent replaced", |memory| {
            memory.rename("/srv/p", "/srv/old");
            memory.file("/srv/p/m/o.yaml");
        }),
        ("a link instead", |memory| {
            memory.remove("/srv/p/m");
            memory.link("/srv/p/m", "/data/2");
        }),
        ("a link above swapped", |memory| {
            memory.link("/srv/q", "/data")
        }),
        ("what the link leads to replaced", |memory| {
            memory.rename("/data/1", "/data/old");
            memory.file("/data/1/o.yaml");
        }),
    ];
    for (what, swap) in swaps {
        let mut memory =
            MemoryFileSystem::new(&["/srv/p/m/o.yaml", "/data/1/o.yaml", "/data/2/o.yaml"]);
        memory.link("/srv/q", "/data/1");
        let points = memory.points(&["/srv/p/m", "/srv/q"]);
        assert!(
            points.paths_unchanged(&memory),
            "{what}: nothing happened yet"
        );
        swap(&mut memory);
        assert!(!points.paths_unchanged(&memory), "{what}");
        let again = memory.points(&["/srv/p/m", "/srv/q"]);
        assert!(again != points && again.paths_unchanged(&memory), "{what}");
    }
}

#[test]
fn a_named_path_that_cannot_be_followed_says_why() {
    let mut memory = MemoryFileSystem::new(&["/srv/m/o.yaml", "/srv/m/sub/o.yaml"]);
    memory.closed.insert("/srv/m/sub".into());
    assert_eq!(memory.points(&["/srv/m"]).problem, None, "the rest is read");
    memory.closed.insert("/srv/m".into());
    let why = memory.points(&["/srv/m"]).problem;
    assert_eq!(
        why.as_deref(),
        Some("cannot follow /srv/m: permission denied")
    );
    memory
        .nodes
        .insert("/srv/m".into(), PathEntry::Closed("it is closed".into()));
    let why = memory.points(&["/srv/n", "/srv/m"]).problem;
    assert_eq!(
        why.as_deref(),
        Some("cannot follow /srv/n: it is not there")
    );
    assert_eq!(
        memory.points(&["/srv/m"]).problem.as_deref(),
        Some("cannot follow /srv/m: it is closed")
    );
}

#[test]
fn only_what_may_change_what_is_read_concerns() {
    let mut memory =
        MemoryFileSystem::new(&["/srv/m/o.yaml", "/srv/m/..1/k.yaml", "/srv/n/real.txt"]);
    memory.link("/srv/m/..data", "..1");
    memory.link("/srv/m/k.yaml", "..data/k.yaml");
    memory.link("/srv/m/l.yaml", "../n/real.txt");
    let points = memory.points(&["/srv/m"]);
    let concern = |path: &str, change| points.is_relevant(Path::new(path), change);
    for (path, written, moved) in [
        ("/srv/m/o.yaml", true, true),
        ("/srv/m/o.YML", true, true),
        ("/srv/m/.gitignore", true, true),
        ("/srv/m/notes.txt", false, true),
        ("/srv/m/.o.yaml.swp", false, false),
        // On the way of a link.
        ("/srv/m/..data", true, true),
        ("/srv/m/..1", true, true),
        ("/srv/m/..1/k.yaml", true, true),
        ("/srv/m/..1/other.yaml", false, false),
        ("/srv/n/real.txt", true, true),
        ("/srv/n/other.yaml", false, false),
        // The directories themselves.
        ("/srv/m", true, true),
        ("/srv", true, true),
        ("/srv/busy", false, false),
        ("/elsewhere/o.yaml", false, false),
    ] {
        assert_eq!(
            concern(path, FileChange::Written),
            written,
            "{path} written"
        );
        assert_eq!(concern(path, FileChange::Moved), moved, "{path} moved");
    }
}

#[test]
fn a_directory_with_two_paths_is_one_point() {
    let mut memory = MemoryFileSystem::new(&["/a/o.yaml", "/b/o.yaml"]);
    memory
        .nodes
        .insert("/b".into(), memory.nodes[Path::new("/a")].clone());
    let points = memory.points(&["/a/o.yaml", "/b"]);
    assert_eq!(shown(&points), ["/: a b", "/a: * o.yaml"]);
}

#[test]
fn a_stamp_covers_all_names_or_those_that_are_looked_up() {
    let mut memory = MemoryFileSystem::new(&["/srv/m/o.yaml"]);
    let points = memory.points(&["/srv/m"]);
    let stamps = |memory: &MemoryFileSystem| {
        ["/srv/m", "/srv"].map(|one| points.stamp(Path::new(one), memory))
    };
    let before = stamps(&memory);
    memory.file("/srv/other");
    assert_eq!(stamps(&memory), before);
    memory.file("/srv/m/p.yaml");
    assert_ne!(stamps(&memory)[0], before[0]);
    memory.remove("/srv/m");
    assert_ne!(stamps(&memory)[1], before[1]);
    assert_eq!(points.stamp(Path::new("/nowhere"), &memory), 0);
}
