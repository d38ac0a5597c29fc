use std::fs;

use super::*;

#[test]
fn names_of_manifests_are_known_in_whatever_case() {
    for name in ["a.yaml", "a.yml", "a.YAML", "A.Yml", "a.b.yaml"] {
        assert!(is_manifest(OsStr::new(name)), "{name}");
    }
    for name in ["a", "a.yaml~", "a.yaml.orig", "yaml", "a.json", ".yaml"] {
        assert!(!is_manifest(OsStr::new(name)), "{name}");
    }
}

#[test]
fn only_what_would_have_been_read_is_an_error() {
    use io::ErrorKind::{NotFound, Other, PermissionDenied};
    let (error, warning) = (Some(Severity::Error), Some(Severity::Warning));
    for (name, location, kind, expected) in [
        ("sub", UnreadablePlace::Directory, PermissionDenied, error),
        ("sub", UnreadablePlace::Directory, Other, error),
        // It was removed between the listing and the reading.
        ("sub", UnreadablePlace::Directory, NotFound, None),
        (
            "lost+found",
            UnreadablePlace::Directory,
            PermissionDenied,
            warning,
        ),
        ("x.yaml", UnreadablePlace::Link, NotFound, error),
        ("x.YML", UnreadablePlace::Link, PermissionDenied, error),
        // A loop of links.
        ("x.yaml", UnreadablePlace::Link, Other, error),
        ("loop", UnreadablePlace::Link, Other, None),
        ("note.txt", UnreadablePlace::Link, NotFound, None),
        ("sub", UnreadablePlace::Link, NotFound, None),
        ("x.yaml~", UnreadablePlace::Link, NotFound, None),
        // There is something, and it may be a directory of manifests.
        ("sub", UnreadablePlace::Link, PermissionDenied, warning),
    ] {
        let found = severity(OsStr::new(name), location, kind);
        assert_eq!(found, expected, "{name} {location:?} {kind:?}");
    }
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn of(files: &[(&str, &str)]) -> Self {
        let dir = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            dir.write(name, text);
        }
        dir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[cfg(unix)]
    fn link(&self, target: &str, name: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
    }

    fn walk(&self, names: &[&str], inside: bool) -> FoundManifests {
        let limits = ReadLimits {
            inside,
            deadline: None,
        };
        let mut roots = RootResolver::default();
        let roots: Vec<NamedRoot> = names
            .iter()
            .map(|name| roots.resolve_root(&self.path(name), &limits).unwrap())
            .collect();
        walk(&Disk, &roots, &limits)
    }

    /// The names that are read, in order.
    fn names(&self, found: &FoundManifests) -> Vec<String> {
        let top = self.path("");
        let names = found.files.iter().map(|file| &file.shown);
        let mut names: Vec<String> = names
            .map(|name| name.strip_prefix(&top).unwrap().display().to_string())
            .collect();
        names.sort();
        names
    }
}

fn counts(found: &FoundManifests) -> Vec<(&'static str, usize)> {
    let reasons = found.passed.reasons().into_iter();
    let counts = reasons.map(|(why, tally)| (why, tally.count()));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn messages(found: &FoundManifests) -> Vec<String> {
    let findings = found.findings.iter();
    findings
        .map(|finding| format!("{}: {}", finding.code, finding.message))
        .collect()
}

#[test]
fn hidden_and_ignored_names_are_passed_over_and_counted() {
    let dir = Dir::of(&[
        (".gitignore", "*.tmp.yaml\n/m/build/\n"),
        (".git/info/exclude", "b.yaml\n"),
        ("m/.ignore", "b.yaml\n"),
        ("m/.gitignore", "!keep.tmp.yaml\nown.yaml\n"),
        ("m/a.yaml", ""),
        ("m/b.yaml", ""),
        ("m/C.YML", ""),
        ("m/x.tmp.yaml", ""),
        ("m/keep.tmp.yaml", ""),
        ("m/own.yaml", ""),
        ("m/build/d.yaml", ""),
        ("m/deep/build/e.yaml", ""),
        ("m/.hidden/f.yaml", ""),
        ("m/.g.yaml", ""),
        ("m/README.md", ""),
    ]);
    let found = dir.walk(&["m"], false);
    let read = [
        "m/C.YML",
        "m/a.yaml",
        "m/b.yaml",
        "m/deep/build/e.yaml",
        "m/keep.tmp.yaml",
    ];
    assert_eq!(dir.names(&found), read);
    assert_eq!(
        counts(&found),
        [
            ("by .gitignore", 3),
            ("hidden", 3),
            ("not named *.yaml or *.yml", 1)
        ]
    );
    assert!(found.findings.is_empty());
    // What is named is read, whatever hides it.
    let named = dir.walk(&["m/.hidden", "m/build/d.yaml", "m/README.md"], false);
    assert_eq!(
        dir.names(&named),
        ["m/.hidden/f.yaml", "m/README.md", "m/build/d.yaml"]
    );
}

#[test]
fn a_gitignore_above_the_repository_hides_nothing() {
    let dir = Dir::of(&[
        (".gitignore", "*.yaml\n"),
        ("repository/.git/HEAD", ""),
        ("repository/a.yaml", ""),
        ("bare/a.yaml", ""),
    ]);
    let found = dir.walk(&["repository", "bare"], false);
    assert_eq!(dir.names(&found), ["bare/a.yaml", "repository/a.yaml"]);
}

#[test]
fn paths_that_overlap_are_read_once() {
    let dir = Dir::of(&[("m/sub/a.yaml", ""), ("m/b.yaml", "")]);
    let found = dir.walk(&["m/sub", "m/b.yaml", "m", "m/sub/../sub"], false);
    assert_eq!(dir.names(&found), ["m/b.yaml", "m/sub/a.yaml"]);
    let overlaps: Vec<bool> = found.named.iter().map(|named| named.overlaps).collect();
    assert_eq!(overlaps, [false, false, true, true]);
}

#[test]
fn a_walk_ends_at_its_deadline() {
    let dir = Dir::of(&[("m/sub/a.yaml", "")]);
    let limits = ReadLimits {
        inside: false,
        deadline: Some(Instant::now()),
    };
    let root = RootResolver::default()
        .resolve_root(&dir.path("m"), &limits)
        .unwrap();
    let found = walk(&Disk, &[root], &limits);
    let messages = messages(&found);
    assert!(
        found.files.is_empty() && messages.len() == 1,
        "{messages:?}"
    );
    assert!(messages[0].starts_with("timeout: "), "{messages:?}");
    assert!(messages[0].ends_with("/m"), "{messages:?}");
}

#[cfg(unix)]
mod links {
    use super::*;

    #[test]
    fn links_that_nobody_would_have_read_are_no_errors() {
        let dir = Dir::of(&[("m/o.yaml", "")]);
        for (target, name) in [
            ("user@host.1:2", "m/.#o.yaml"),
            ("nowhere", "m/note.txt"),
            ("nowhere", "m/sub"),
            ("nowhere", "m/o.yaml~"),
            (".", "m/loop"),
            ("b", "m/a"),
            ("a", "m/b"),
        ] {
            dir.link(target, name);
        }
        for inside in [false, true] {
            let found = dir.walk(&["m"], inside);
            assert_eq!(dir.names(&found), ["m/o.yaml"]);
            assert_eq!(messages(&found), [""; 0]);
        }
        dir.link("nowhere", "m/x.yaml");
        let found = dir.walk(&["m"], false);
        assert!(messages(&found)[0].starts_with("unreadable: cannot read the link"));
    }

    #[test]
    fn a_mounted_volume_is_read_by_its_links() {
        let dir = Dir::of(&[("m/..2026/a.yaml", ""), ("m/..2026/b.yaml", "")]);
        dir.link("..2026", "m/..data");
        dir.link("..data/a.yaml", "m/a.yaml");
        dir.link("..data/b.yaml", "m/b.yaml");
        for inside in [false, true] {
            let found = dir.walk(&["m"], inside);
            assert_eq!(dir.names(&found), ["m/a.yaml", "m/b.yaml"]);
            assert!(found.findings.is_empty());
        }
    }

    #[test]
    fn what_has_several_names_is_read_under_the_one_without_a_link() {
        let dir = Dir::of(&[("m/z.yaml", ""), ("m/zz/c.yaml", ""), ("m/zz/d.yaml", "")]);
        dir.link("z.yaml", "m/a.yaml");
        dir.link("zz", "m/aa");
        dir.link("zz/c.yaml", "m/b.yaml");
        let found = dir.walk(&["m"], true);
        assert_eq!(
            dir.names(&found),
            ["m/z.yaml", "m/zz/c.yaml", "m/zz/d.yaml"]
        );
        assert_eq!(counts(&found), [("read already under another name", 3)]);
    }

    #[test]
    fn links_out_of_the_tree_are_followed_or_refused() {
        let dir = Dir::of(&[
            ("r/.git/HEAD", ""),
            ("r/m/a.yaml", ""),
            ("r/other/b.yaml", ""),
            ("away/c.yaml", ""),
            ("away/d.txt", ""),
        ]);
        dir.link("../other", "r/m/inside");
        dir.link("../../away", "r/m/out");
        dir.link("../../away/c.yaml", "r/m/c.yaml");
        dir.link("/nowhere/at/all", "r/m/gone");
        dir.link("../away", "r/named");
        let found = dir.walk(&["r/m"], false);
        let all = ["r/m/a.yaml", "r/m/c.yaml", "r/m/inside/b.yaml"];
        assert_eq!(dir.names(&found), all);
        assert!(found.findings.is_empty());

        let found = dir.walk(&["r/m", "r/named"], true);
        assert_eq!(dir.names(&found), ["r/m/a.yaml", "r/m/inside/b.yaml"]);
        let messages = messages(&found);
        assert_eq!(messages.len(), 4, "{messages:?}");
        let tree = dir.path("r").display().to_string();
        for message in &messages {
            assert!(
                message.starts_with("link-leads-out: the link "),
                "{message}"
            );
            assert!(
                message.contains(&format!("out of the tree {tree}, to ")),
                "{message}"
            );
        }
        // Outside of a repository the named directory is the tree.
        let bare = Dir::of(&[("m/a.yaml", ""), ("away/c.yaml", "")]);
        bare.link("../away", "m/out");
        assert_eq!(bare.walk(&["m"], true).findings.iter().count(), 1);
    }

    #[test]
    fn directories_that_link_to_each_other_are_read_once_each() {
        let dir = Dir::of(&[("m/a.yaml", "")]);
        // Every path through these would be 2^40 paths.
        for number in 0..40 {
            dir.write(&format!("m/d{number}/x.yaml"), "");
            let target = format!("../d{}", (number + 1) % 40);
            for name in ["l", "r"] {
                dir.link(&target, &format!("m/d{number}/{name}"));
            }
        }
        assert_eq!(dir.walk(&["m"], true).files.len(), 41);
    }
}

mod commits {
    use super::*;

    fn tree(entries: &[(&str, &str, &str)]) -> CommitTree {
        let lines = entries
            .iter()
            .enumerate()
            .map(|(number, (mode, path, text))| {
                let size = text.len();
                let (kind, size) = match *mode {
                    "160000" => ("commit", "-".to_string()),
                    _ => ("blob", size.to_string()),
                };
                format!("{mode} {kind} {number:040} {size:>7}\t{path}\0")
            });
        let mut commit = CommitTree::of(lines.collect::<String>().as_bytes());
        let blobs = commit.needed_blobs();
        let texts = blobs.iter().map(|blob| {
            let number: usize = blob.id.parse().unwrap();
            entries[number].2.as_bytes().to_vec()
        });
        let texts = texts.collect();
        commit.add_texts(&blobs, texts);
        commit
    }

    fn names(found: &FoundManifests) -> Vec<String> {
        let names = found
            .files
            .iter()
            .map(|file| file.shown.display().to_string());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_commit_is_walked_as_a_directory_is() {
        let commit = tree(&[
            ("100644", ".github/workflow.yaml", ""),
            ("100644", ".gitignore", "*.tmp.yaml\n"),
            ("100644", "lic/.gitignore", "build/\n"),
            ("100644", "lic/B.YAML", ""),
            ("100755", "lic/a b.yml", ""),
            ("100644", "lic/build/d.yaml", ""),
            ("120000", "lic/in.yaml", "../other.yaml"),
            ("120000", "lic/loop", "."),
            ("120000", "lic/note.txt", "nowhere"),
            ("120000", "lic/sub", "../more/./deep"),
            ("100644", "lic/x.tmp.yaml", ""),
            ("100644", "lic-2/e.yaml", ""),
            ("100644", "more/deep/c.yaml", ""),
            ("100644", "other.yaml", ""),
            ("120000", "way", "lic"),
        ]);
        let found = commit.find_manifests(&["lic".into()]);
        let read = ["lic/B.YAML", "lic/a b.yml", "lic/in.yaml", "lic/sub/c.yaml"];
        assert_eq!(names(&found), read);
        assert_eq!(messages(&found), [""; 0]);
        assert_eq!(counts(&found)[0], ("by .gitignore", 2));
        let all = commit.find_manifests(&[String::new()]);
        let read = [
            "lic-2/e.yaml",
            "lic/B.YAML",
            "lic/a b.yml",
            "more/deep/c.yaml",
            "other.yaml",
        ];
        assert_eq!(names(&all), read);
        // A link is followed on the way to what is named; what is not there is nothing.
        assert_eq!(
            names(&commit.find_manifests(&["way/sub".into()])),
            ["way/sub/c.yaml"]
        );
        assert_eq!(names(&commit.find_manifests(&["gone".into()])), [""; 0]);
        assert_eq!(
            names(&commit.find_manifests(&["lic/note.txt".into()])),
            [""; 0]
        );
    }

    #[test]
    fn what_a_commit_does_not_have_is_said() {
        let commit = tree(&[
            ("120000", "lic/gone.yaml", "nowhere"),
            ("120000", "lic/loop.yaml", "loop.yaml"),
            ("160000", "lic/module", ""),
            ("120000", "lic/out", "/etc"),
            ("120000", "lic/up.yaml", "../../x.yaml"),
            ("100644", "lic/large.yaml", ""),
        ]);
        let mut found = commit.find_manifests(&["lic".into()]);
        let (read, blobs) = commit.readable_files(&mut found);
        assert_eq!((read, blobs.len()), (vec!["lic/large.yaml".to_string()], 1));
        let messages = messages(&found);
        let begins = [
            "unreadable: lic/module is a submodule",
            "unreadable: cannot read the link lic/gone.yaml",
            "unreadable: cannot read the link lic/loop.yaml",
            "link-leads-out: the link lic/out leads out of the tree of the commit, to /etc",
            "link-leads-out: the link lic/up.yaml leads out of the tree of the commit, to ../../x.yaml",
        ];
        assert_eq!(messages.len(), begins.len(), "{messages:#?}");
        for (message, begin) in messages.iter().zip(begins) {
            assert!(message.starts_with(begin), "{message}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_even_asked_for() {
        let id = "0".repeat(40);
        let listing = format!("100644 blob {id} 99999999999\tlarge.yaml\0");
        let commit = CommitTree::of(listing.as_bytes());
        let mut found = commit.find_manifests(&[String::new()]);
        assert!(commit.readable_files(&mut found).0.is_empty());
        assert!(messages(&found)[0].starts_with("too-large: large.yaml"));
    }

    #[test]
    fn a_batch_that_is_cut_short_is_an_error() {
        let blobs = ["ab", "c"].map(|id| Blob {
            id: id.into(),
            size: 0,
        });
        let whole = b"ab blob 3\nx\ny\nc blob 0\n\n";
        assert_eq!(split_blobs(&blobs, whole).unwrap(), [&b"x\ny"[..], b""]);
        for end in 0..whole.len() {
            assert!(split_blobs(&blobs, &whole[..end]).is_err(), "{end}");
        }
        assert!(split_blobs(&blobs, b"ab missing\n").is_err());
    }
}
