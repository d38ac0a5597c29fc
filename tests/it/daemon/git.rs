//! Git remotes: bare repositories of our own, changed in every way that histories change.

use std::path::{Path, PathBuf};
use std::process::Command;

use entitle::daemon::source::git::Remote;

/// A bare repository and a working tree that pushes to it.
pub struct Repository {
    pub dir: tempfile::TempDir,
}

impl Repository {
    pub fn new() -> Self {
        let repository = Self {
            dir: tempfile::tempdir().expect("a directory"),
        };
        run_git(
            repository.dir.path(),
            &["init", "--quiet", "--bare", "-b", "main", "bare.git"],
        );
        run_git(
            repository.dir.path(),
            &["init", "--quiet", "-b", "main", "tree"],
        );
        repository
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.dir.path().join("bare.git").display())
    }

    fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    /// Writes a file, commits and pushes, over whatever is there.
    pub fn commit(&self, name: &str, text: &str) {
        let path = self.tree().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
        self.push(&["commit", "--quiet", "--all", "--message", "change"]);
    }

    pub fn push(&self, commit: &[&str]) {
        run_git(&self.tree(), &["add", "--all"]);
        run_git(&self.tree(), commit);
        let url = self.url();
        run_git(
            &self.tree(),
            &["push", "--quiet", "--force", &url, "HEAD:main"],
        );
    }

    pub fn remote(&self, clone: &Path) -> Remote {
        Remote {
            url: self.url(),
            reference: "main".into(),
            path: "licences".into(),
            dir: clone.join("clone"),
            token: None,
        }
    }
}

fn run_git(dir: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@t.example"])
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .status()
        .expect("git runs");
    assert!(status.success(), "git {arguments:?}");
}

async fn fetch_texts(remote: &Remote) -> Vec<(String, String)> {
    let commit = remote.fetch().await.expect("fetched");
    assert_eq!(commit.len(), 40, "{commit}");
    let loaded = remote.load(&commit).await.expect("loaded");
    let sources = loaded.sources.iter();
    sources
        .map(|source| (source.name.clone(), source.text.clone()))
        .collect()
}

fn one_text(name: &str, text: &str) -> Vec<(String, String)> {
    vec![(name.into(), text.into())]
}

#[tokio::test]
async fn a_rewritten_history_is_followed() {
    let (repository, clone) = (Repository::new(), tempfile::tempdir().expect("a directory"));
    let remote = repository.remote(clone.path());
    repository.commit("licences/a.yaml", "a: 1\n");
    repository.commit("licences/a.yaml", "a: 2\n");
    assert_eq!(
        fetch_texts(&remote).await,
        one_text("licences/a.yaml", "a: 2\n")
    );
    repository.push(&["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_eq!(
        fetch_texts(&remote).await,
        one_text("licences/a.yaml", "a: 1\n")
    );
    std::fs::write(repository.tree().join("licences/a.yaml"), "a: 3\n").expect("written");
    repository.push(&[
        "commit",
        "--quiet",
        "--amend",
        "--all",
        "--message",
        "another past",
    ]);
    assert_eq!(
        fetch_texts(&remote).await,
        one_text("licences/a.yaml", "a: 3\n")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn only_plain_manifests_of_the_folder_are_read() {
    let (repository, clone) = (Repository::new(), tempfile::tempdir().expect("a directory"));
    let tree = repository.tree();
    repository.commit("licences/a.yaml", "a: 1\n");
    std::os::unix::fs::symlink("/etc/passwd", tree.join("licences/link.yaml")).expect("a link");
    repository.commit("licences/.hidden/b.yaml", "b: 1\n");
    repository.commit("licences/notes.txt", "no manifest\n");
    repository.commit("elsewhere/c.yaml", "c: 1\n");
    let remote = repository.remote(clone.path());
    assert_eq!(
        fetch_texts(&remote).await,
        one_text("licences/a.yaml", "a: 1\n")
    );
    let commit = remote.fetch().await.expect("fetched");
    let loaded = remote.load(&commit).await.expect("loaded");
    let codes: Vec<&str> = loaded.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["link-leads-out"]);
}

#[tokio::test]
async fn what_cannot_be_fetched_says_why() {
    let (repository, clone) = (Repository::new(), tempfile::tempdir().expect("a directory"));
    repository.commit("licences/a.yaml", "a: 1\n");
    let mut remote = repository.remote(clone.path());
    remote.reference = "nothing".into();
    let why = remote.fetch().await.expect_err("no such branch");
    assert!(why.to_string().contains("nothing"), "{why}");
    remote.url = "file:///nowhere/at/all.git".into();
    let why = remote.fetch().await.expect_err("no such repository");
    assert!(why.to_string().starts_with("git fetch: "), "{why}");
    remote.url = "ext::sh -c touch% /tmp/entitle-was-here".into();
    assert!(remote.fetch().await.is_err());
    assert!(!Path::new("/tmp/entitle-was-here").exists());
}

#[tokio::test]
async fn an_empty_folder_is_an_error_and_no_wish() {
    let (repository, clone) = (Repository::new(), tempfile::tempdir().expect("a directory"));
    repository.commit("elsewhere/a.yaml", "a: 1\n");
    let remote = repository.remote(clone.path());
    let commit = remote.fetch().await.expect("fetched");
    let loaded = remote.load(&commit).await.expect("loaded");
    assert!(loaded.findings.has_errors());
}
