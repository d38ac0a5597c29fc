//! Tests how a source is followed when the system refuses watches: on a real directory, with a simulated system.

use std::sync::{Arc, Mutex};

use super::*;
use crate::manifest::walk::Disk;

/// What a system allows, and what is watched.
#[derive(Default)]
struct Played {
    watched: BTreeSet<PathBuf>,
    most: usize,
    refuses: Option<PathBuf>,
}

#[derive(Clone)]
struct Player(Arc<Mutex<Played>>);

impl DirectoryWatches for Player {
    fn watch(&mut self, directory: &Path) -> Result<(), WatchRefusal> {
        let mut played = self.0.lock().unwrap();
        if played.refuses.as_deref() == Some(directory) {
            return Err(WatchRefusal::Other("permission denied".into()));
        }
        if played.watched.len() >= played.most {
            return Err(WatchRefusal::Watches);
        }
        assert!(
            played.watched.insert(directory.into()),
            "watched twice: {directory:?}"
        );
        Ok(())
    }

    fn unwatch(&mut self, directory: &Path) {
        self.0.lock().unwrap().watched.remove(directory);
    }
}

struct Scene {
    dir: tempfile::TempDir,
    system: Arc<Mutex<Played>>,
}

impl Scene {
    fn new() -> Self {
        let scene = Self {
            dir: tempfile::tempdir().unwrap(),
            system: Arc::new(Mutex::new(Played {
                most: usize::MAX,
                ..Played::default()
            })),
        };
        scene.write("m/o.yaml", "a: 1");
        scene.write("m/sub/p.yaml", "a: 1");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn follower(&self, open: Option<OpenWatcher<Player>>) -> Follower<Player> {
        Follower::new(&[self.path("m")], Box::new(Disk), open)
    }

    fn open(&self) -> Option<OpenWatcher<Player>> {
        let player = Player(Arc::clone(&self.system));
        Some(Box::new(move || Ok(player.clone())))
    }
}

/// Makes the times of files old enough to tell one write from another.
fn age(path: &Path) {
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

#[test]
fn what_the_limit_leaves_out_is_compared_until_the_limit_is_raised() {
    let scene = Scene::new();
    let before = scene.follower(scene.open()).watched.len();
    scene.system.lock().unwrap().watched.clear();
    scene.system.lock().unwrap().most = before - 1;
    for name in ["m/o.yaml", "m/sub/p.yaml"] {
        age(&scene.path(name));
    }
    let mut follower = scene.follower(scene.open());
    assert_eq!(follower.polled.len(), 1);
    assert_eq!(follower.refusals, [WatchRefusal::Watches].into());
    assert!(
        follower.polled.contains_key(&scene.path("m/sub")),
        "{:?}",
        follower.polled
    );
    assert!(!follower.check(true), "nothing happened");
    scene.write("m/sub/p.yaml", "a: 2");
    assert!(!follower.check(false), "not in every look");
    assert!(follower.check(true));
    // It was written just now, so it may be written again without a trace in its times.
    age(&scene.path("m/sub/p.yaml"));
    assert!(follower.check(true));
    assert!(!follower.check(true));
    // Another directory is compared as well, and what is in it.
    scene.write("m/sub/deep/q.yaml", "a: 1");
    assert!(follower.check(true));
    age(&scene.path("m/sub/deep/q.yaml"));
    follower.check(true);
    assert!(!follower.check(true));
    scene.write("m/sub/deep/q.yaml", "a: 2");
    assert!(follower.check(true));

    scene.system.lock().unwrap().most = usize::MAX;
    assert!(follower.refresh(), "what happened until now was not told");
    assert!(follower.polled.is_empty() && follower.refusals.is_empty());
    assert_eq!(follower.watched.len(), before + 1);
    assert!(!follower.refresh(), "nothing is new");
    assert_eq!(follower.problem(), None);
}

#[test]
fn without_a_watcher_everything_is_compared() {
    let scene = Scene::new();
    for open in [
        None,
        Some(Box::new(|| Err(WatchRefusal::Instances)) as OpenWatcher<Player>),
    ] {
        let asked = open.is_some();
        for name in ["m/o.yaml", "m/sub/p.yaml"] {
            age(&scene.path(name));
        }
        let mut follower = scene.follower(open);
        assert!(follower.watched.is_empty());
        assert_eq!(follower.polled.len(), follower.points.directories.len());
        // Who asked for no events is not told that there are none.
        assert_eq!(follower.refusals.contains(&WatchRefusal::Instances), asked);
        assert!(!follower.check(true));
        scene.write("m/sub/p.yaml", "a: 22");
        assert!(follower.check(true));
    }
}

#[test]
fn a_directory_that_may_not_be_watched_stops_nobody_else() {
    let scene = Scene::new();
    scene.system.lock().unwrap().refuses = Some(scene.path("m/sub"));
    let follower = scene.follower(scene.open());
    assert_eq!(
        follower.polled.keys().collect::<Vec<_>>(),
        [&scene.path("m/sub")]
    );
    assert!(follower.watched.contains_key(&scene.path("m")));
}

#[test]
fn lost_watches_are_set_again() {
    let scene = Scene::new();
    let mut follower = scene.follower(scene.open());
    let all = follower.watched.clone();
    let gone = FileEvent {
        path: Some(scene.path("m/sub")),
        change: FileChange::Moved,
        lost: true,
    };
    for (event, left) in [(gone, all.len() - 1), (FileEvent::ANYTHING, 0)] {
        assert_eq!(follower.process_events(&[event]), (true, true));
        assert_eq!(follower.watched.len(), left);
        assert_eq!(scene.system.lock().unwrap().watched.len(), left);
        assert!(follower.refresh());
        assert_eq!(follower.watched, all);
    }
    let elsewhere = FileEvent {
        path: Some("/nowhere/o.yaml".into()),
        ..FileEvent::ANYTHING
    };
    assert_eq!(follower.process_events(&[elsewhere]), (false, false));
    let written = FileEvent {
        path: Some(scene.path("m/o.yaml")),
        change: FileChange::Written,
        lost: false,
    };
    assert_eq!(follower.process_events(&[written]), (true, false));
    assert_eq!(follower.watched, all);
}

#[test]
fn a_source_that_is_gone_is_not_followed_until_it_is_back() {
    let scene = Scene::new();
    let mut follower = scene.follower(scene.open());
    std::fs::remove_dir_all(scene.path("m")).unwrap();
    assert!(follower.check(false));
    let why = follower.problem().unwrap();
    assert!(why.ends_with("m: it is not there"), "{why}");
    scene.write("m/o.yaml", "a: 1");
    assert!(follower.check(false));
    assert_eq!(follower.problem(), None);
    assert!(follower.watched.contains_key(&scene.path("m")));
}

#[test]
fn refusals_name_the_limit() {
    assert!(
        WatchRefusal::Watches
            .to_string()
            .contains("sysctl fs.inotify.max_user_watches")
    );
    assert!(
        WatchRefusal::Instances
            .to_string()
            .contains("sysctl fs.inotify.max_user_instances")
    );
}
