//! Real directories and the system's own events. Nothing sleeps: a file in a directory of its own is written after
//! everything else, and events come in order.

use std::fs;
use std::path::Path;

use notify::event::{AccessMode, CreateKind, DataChange, Flag, ModifyKind, RemoveKind, RenameMode};

use super::*;

#[test]
fn reading_is_no_change_and_what_was_lost_may_be_one() {
    let of = |kind: EventKind| file_events(Ok(Event::new(kind).add_path("/m/o.yaml".into())));
    for kind in [
        AccessKind::Read,
        AccessKind::Open(AccessMode::Any),
        AccessKind::Close(AccessMode::Read),
    ] {
        assert_eq!(of(EventKind::Access(kind)), [], "{kind:?}");
    }
    let event = |change, lost| {
        vec![FileEvent {
            path: Some("/m/o.yaml".into()),
            change,
            lost,
        }]
    };
    for (kind, change, lost) in [
        (
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            FileChange::Written,
            false,
        ),
        (
            EventKind::Modify(ModifyKind::Data(DataChange::Any)),
            FileChange::Written,
            false,
        ),
        (
            EventKind::Create(CreateKind::File),
            FileChange::Moved,
            false,
        ),
        (EventKind::Modify(ModifyKind::Any), FileChange::Moved, false),
        (
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
            FileChange::Moved,
            true,
        ),
        (
            EventKind::Remove(RemoveKind::Folder),
            FileChange::Moved,
            true,
        ),
        (EventKind::Other, FileChange::Moved, false),
    ] {
        assert_eq!(of(kind), event(change, lost), "{kind:?}");
    }
    // The system's queue ran over, or a watch was lost: anything may have changed.
    let read = Event::new(EventKind::Access(AccessKind::Read));
    assert_eq!(
        file_events(Ok(read.set_flag(Flag::Rescan))),
        [FileEvent::ANYTHING]
    );
    assert_eq!(
        file_events(Err(notify::Error::generic("gone"))),
        [FileEvent::ANYTHING]
    );
}

/// A source, its follower, and a file that ends a round of events.
#[cfg(target_os = "linux")]
struct Scene {
    dir: tempfile::TempDir,
    follower: Follower<RecommendedWatcher>,
    received: Receiver<FileEvent>,
    rounds: u32,
}

#[cfg(target_os = "linux")]
impl Scene {
    fn new(prepare: impl Fn(&Path), roots: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        prepare(&top);
        fs::create_dir(top.join("rounds")).unwrap();
        let roots = roots
            .iter()
            .chain(["rounds"].iter())
            .map(|root| top.join(root));
        let (events, received) = sync_channel(EVENTS);
        let open = watcher_factory(events, Arc::default());
        let follower = Follower::new(&roots.collect::<Vec<_>>(), Box::new(Disk), Some(open));
        Self {
            dir,
            follower,
            received,
            rounds: 0,
        }
    }

    fn top(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// Runs an action, and takes in the events that the system sends for it. Returns whether they are a reason to read.
    fn after(&mut self, act: impl FnOnce(&Path)) -> bool {
        act(&self.top());
        self.rounds += 1;
        let rounds = self.top().join("rounds");
        fs::write(rounds.join(format!("{}.yaml", self.rounds)), "").unwrap();
        let mut read = false;
        loop {
            let event = self
                .received
                .recv_timeout(Duration::from_secs(20))
                .expect("an event");
            if event
                .path
                .as_deref()
                .is_some_and(|path| path.starts_with(&rounds))
            {
                match event.change {
                    FileChange::Written => break,
                    FileChange::Moved => continue,
                }
            }
            let (hint, moved) = self.follower.process_events(&[event]);
            read |= hint;
            if moved {
                read |= self.follower.refresh();
            }
        }
        // The thread makes this check once a second.
        self.follower.check(true) || read
    }
}

#[cfg(target_os = "linux")]
fn write(path: PathBuf) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "a: 1").unwrap();
}

#[cfg(target_os = "linux")]
fn link(target: &str, path: PathBuf) {
    // As `ln -sfn` and git-sync do: the name changes hands in one step.
    let new = path.with_file_name("new-link");
    std::os::unix::fs::symlink(target, &new).expect(target);
    fs::rename(new, path).unwrap();
}

/// How a source changes under the same path: what is named, what is there first, what happens, and a file that is
/// saved later.
#[cfg(target_os = "linux")]
struct Case {
    what: &'static str,
    roots: &'static [&'static str],
    before: fn(&Path),
    change: &'static [fn(&Path)],
    later: &'static str,
}

#[cfg(target_os = "linux")]
const CASES: &[Case] = &[
    Case {
        what: "another directory takes the name",
        roots: &["m"],
        before: |top| write(top.join("m/o.yaml")),
        change: &[|top| {
            write(top.join("new/o.yaml"));
            fs::rename(top.join("m"), top.join("old")).unwrap();
            fs::rename(top.join("new"), top.join("m")).unwrap();
        }],
        later: "m/o.yaml",
    },
    Case {
        what: "it is removed and made anew",
        roots: &["m"],
        before: |top| write(top.join("m/o.yaml")),
        change: &[|top| {
            fs::remove_dir_all(top.join("m")).unwrap();
            write(top.join("m/o.yaml"));
        }],
        later: "m/o.yaml",
    },
    Case {
        what: "it is gone for a while, as between two branches",
        roots: &["m"],
        before: |top| write(top.join("m/sub/o.yaml")),
        change: &[
            |top| fs::remove_dir_all(top.join("m")).unwrap(),
            |top| write(top.join("m/sub/o.yaml")),
        ],
        later: "m/sub/o.yaml",
    },
    Case {
        what: "its parent is replaced",
        roots: &["p/m"],
        before: |top| write(top.join("p/m/o.yaml")),
        change: &[|top| {
            write(top.join("new/m/o.yaml"));
            fs::rename(top.join("p"), top.join("old")).unwrap();
            fs::rename(top.join("new"), top.join("p")).unwrap();
        }],
        later: "p/m/o.yaml",
    },
    Case {
        what: "files named one by one, in a directory that is replaced",
        roots: &["m/a.yaml", "m/b.yaml"],
        before: |top| {
            ["m/a.yaml", "m/b.yaml"]
                .iter()
                .for_each(|name| write(top.join(name)))
        },
        change: &[|top| {
            ["new/a.yaml", "new/b.yaml"]
                .iter()
                .for_each(|name| write(top.join(name)));
            fs::rename(top.join("m"), top.join("old")).unwrap();
            fs::rename(top.join("new"), top.join("m")).unwrap();
        }],
        later: "m/b.yaml",
    },
    Case {
        what: "it is a link that is swapped",
        roots: &["m"],
        before: |top| {
            write(top.join("rel/1/o.yaml"));
            write(top.join("rel/2/o.yaml"));
            link("rel/1", top.join("m"));
        },
        change: &[|top| link("rel/2", top.join("m"))],
        later: "rel/2/o.yaml",
    },
    Case {
        what: "a link above it is swapped",
        roots: &["link/lic"],
        before: |top| {
            write(top.join("rel/1/lic/o.yaml"));
            write(top.join("rel/2/lic/o.yaml"));
            link("rel/1", top.join("link"));
        },
        change: &[|top| link("rel/2", top.join("link"))],
        later: "rel/2/lic/o.yaml",
    },
    Case {
        what: "a link over a link, of which the second is swapped",
        roots: &["m"],
        before: |top| {
            write(top.join("rel/1/o.yaml"));
            write(top.join("rel/2/o.yaml"));
            link("1", top.join("rel/current"));
            link("rel/current", top.join("m"));
        },
        change: &[|top| link("2", top.join("rel/current"))],
        later: "rel/2/o.yaml",
    },
    Case {
        what: "what the link leads to is replaced",
        roots: &["m"],
        before: |top| {
            write(top.join("rel/1/o.yaml"));
            link("rel/1", top.join("m"));
        },
        change: &[|top| {
            fs::remove_dir_all(top.join("rel")).unwrap();
            write(top.join("rel/1/o.yaml"));
        }],
        later: "rel/1/o.yaml",
    },
    Case {
        what: "a manifest is a link to a file elsewhere",
        roots: &["m"],
        before: |top| {
            write(top.join("far/o.txt"));
            fs::create_dir(top.join("m")).unwrap();
            link("../far/o.txt", top.join("m/o.yaml"));
        },
        change: &[|top| write(top.join("far/o.txt"))],
        later: "far/o.txt",
    },
    Case {
        what: "a directory below is a link elsewhere, where a directory is replaced",
        roots: &["m"],
        before: |top| {
            write(top.join("far/dir/sub/o.yaml"));
            fs::create_dir(top.join("m")).unwrap();
            link("../far/dir", top.join("m/dir"));
        },
        change: &[|top| {
            fs::rename(top.join("far/dir"), top.join("far/old")).unwrap();
            write(top.join("far/dir/sub/o.yaml"));
        }],
        later: "far/dir/sub/o.yaml",
    },
    Case {
        what: "a mounted volume swaps one link for all",
        roots: &["m"],
        before: |top| {
            write(top.join("m/..1/o.yaml"));
            link("..1", top.join("m/..data"));
            link("..data/o.yaml", top.join("m/o.yaml"));
        },
        change: &[|top| {
            write(top.join("m/..2/o.yaml"));
            link("..2", top.join("m/..data"));
        }],
        later: "m/..2/o.yaml",
    },
    Case {
        what: "directories come, and one that was watched moves away and back",
        roots: &["m"],
        before: |top| write(top.join("m/a/o.yaml")),
        change: &[
            |top| fs::rename(top.join("m/a"), top.join("away")).unwrap(),
            |top| fs::rename(top.join("away"), top.join("m/a")).unwrap(),
            |top| write(top.join("m/b/c/o.yaml")),
        ],
        later: "m/a/o.yaml",
    },
];

#[cfg(target_os = "linux")]
#[test]
fn a_source_is_a_path_whatever_it_leads_to() {
    for case in CASES {
        let what = case.what;
        let mut scene = Scene::new(case.before, case.roots);
        assert_eq!(scene.follower.problem(), None, "{what}");
        assert!(!scene.after(|_| {}), "{what}: nothing happened");
        for (step, change) in case.change.iter().enumerate() {
            assert!(scene.after(change), "{what}: step {step} is seen");
        }
        assert_eq!(scene.follower.problem(), None, "{what}");
        assert!(!scene.after(|_| {}), "{what}: it is quiet again");
        for turn in 0..2 {
            let later = scene.after(|top| write(top.join(case.later)));
            assert!(later, "{what}: save {turn} after it is seen");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_not_read_wakes_nobody() {
    let mut scene = Scene::new(
        |top| {
            write(top.join("m/o.yaml"));
            write(top.join("m/.git/x.yaml"));
        },
        &["m"],
    );
    for name in ["beside.yaml", "m/.o.yaml.swp", "m/.git/x.yaml"] {
        assert!(!scene.after(|top| write(top.join(name))), "{name}");
    }
    let read = scene.after(|top| {
        fs::read(top.join("m/o.yaml")).unwrap();
    });
    assert!(!read);
    assert!(scene.after(|top| write(top.join("m/.gitignore"))));
}

/// The thread and its channel: a save is a hint, and so is a source that goes and comes.
#[test]
fn hints_come_from_a_thread_that_ends_with_its_handle() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    fs::create_dir(top.join("m")).unwrap();
    for poll in [false, true] {
        let (hints, mut woken) = mpsc::channel(64);
        let following = follow_paths(&[top.join("m")], poll, hints).unwrap();
        fs::write(top.join("m/o.yaml"), format!("poll: {poll}")).unwrap();
        assert_eq!(woken.blocking_recv(), Some(Trigger::Source));
        fs::rename(top.join("m"), top.join("away")).unwrap();
        let mut next = || loop {
            match woken.blocking_recv() {
                Some(Trigger::Source) => {}
                other => break other,
            }
        };
        let broken = next();
        assert!(
            matches!(&broken, Some(Trigger::FollowProblem(Some(why))) if why.ends_with("m: it is not there")),
            "{broken:?}"
        );
        fs::rename(top.join("away"), top.join("m")).unwrap();
        assert_eq!(next(), Some(Trigger::FollowProblem(None)));
        drop(following);
        // An end that was asked for sends no message.
        assert_eq!(next(), None);
    }
}
