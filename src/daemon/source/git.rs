//! A git remote: one reference of it, fetched into a bare clone of our own and read from there.
//!
//! It runs the `git` program, which knows every way to log in, but without the configuration of the user who runs the
//! daemon: no system or user configuration, no hooks, no prompts, no helpers that a remote's URL could name. Nothing
//! is checked out. Texts come from the object store, so links lead to nothing but other files of the commit, and no
//! filters run. A fetch replaces what was there, whether or not history was rewritten.

use std::io;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::files::write::create_private_dirs;
use crate::manifest::row_reading::named_files;
use crate::manifest::rows::RowFiles;
use crate::manifest::walk::{self, Blob, CommitTree, MissingBlob};
use crate::manifest::{self, Loaded};
use crate::provider;

/// The longest time for one run of git: fetching one commit that takes longer does not succeed later either.
const LIMIT: Duration = Duration::from_secs(120);

/// The environment variables that git gets: where programs, keys, certificates and proxies are.
const KEPT_VARIABLES: [&str; 10] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Protocols that authenticate the remote, and the local one.
const PROTOCOLS: &str = "https:ssh:file";

/// The reference in the clone that a fetch writes.
const HEAD: &str = "refs/entitle/head";

/// A remote, and which part of it holds manifests.
#[derive(Clone)]
pub struct Remote {
    pub url: String,
    /// A branch or tag.
    pub reference: String,
    /// The folder with manifests; empty for the whole tree.
    pub path: String,
    /// The directory of the clone.
    pub dir: PathBuf,
    /// A token for https, if the remote needs one.
    pub token: Option<String>,
}

/// Why the user's text names no remote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    #[error("{0:?} is no URL of a git remote")]
    NotUrl(String),
    #[error("{0:?} is no branch or tag")]
    NotReference(String),
    #[error("{0:?} is no folder inside the repository")]
    NotFolder(String),
}

/// Why a remote could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("cannot create {}", dir.display())]
    NotCreated { dir: PathBuf, source: io::Error },
    #[error("cannot run git")]
    NotRun(#[source] io::Error),
    #[error("git takes no input")]
    NoInput,
    #[error("{command} took longer than {} s", LIMIT.as_secs())]
    Timeout { command: String },
    #[error("git cat-file took too long")]
    BlobTimeout,
    #[error("git cat-file")]
    Broken(#[source] io::Error),
    #[error(transparent)]
    MissingBlob(#[from] MissingBlob),
    /// `words` is git's message, without credentials.
    #[error("{command}: {words}")]
    Failed { command: String, words: String },
}

impl Remote {
    /// Checks URL, reference and path before git could mistake one of them for something else.
    pub fn check(&self) -> Result<(), RemoteError> {
        let odd = |text: &str| {
            text.starts_with('-') || text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        if self.url.is_empty() || odd(&self.url) {
            return Err(RemoteError::NotUrl(self.url.clone()));
        }
        let no_reference = |c: char| ":*?[^~\\+".contains(c);
        if self.reference.is_empty()
            || odd(&self.reference)
            || self.reference.contains(no_reference)
        {
            return Err(RemoteError::NotReference(self.reference.clone()));
        }
        let path = &self.path;
        if path.starts_with('/') || path.split('/').any(|part| part == "..") || path.contains('\0')
        {
            return Err(RemoteError::NotFolder(path.clone()));
        }
        Ok(())
    }

    /// Returns the URL as it may be shown: without user name and password.
    pub fn redacted_url(&self) -> String {
        match url::Url::parse(&self.url) {
            Ok(mut url) => {
                let _ = url.set_password(None);
                if url.scheme() != "ssh" {
                    let _ = url.set_username("");
                }
                url.to_string()
            }
            Err(_) => self.url.clone(),
        }
    }

    /// Fetches the reference. Returns the id of its commit.
    pub async fn fetch(&self) -> Result<String, GitError> {
        if !self.dir.join("HEAD").is_file() {
            create_private_dirs(&self.dir).map_err(|source| GitError::NotCreated {
                dir: self.dir.clone(),
                source,
            })?;
            let dir = self.dir.display().to_string();
            self.run_git(&["init", "--bare", "--quiet", "--template=", &dir])
                .await?;
        }
        let refspec = format!("+{}:{HEAD}", self.reference);
        self.run_git(&[
            "fetch",
            "--quiet",
            "--no-tags",
            "--depth=1",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--end-of-options",
            &self.url,
            &refspec,
        ])
        .await?;
        let commit = format!("{HEAD}^{{commit}}");
        let output = self
            .run_git(&["rev-parse", "--verify", "--end-of-options", &commit])
            .await?;
        let commit = String::from_utf8_lossy(&output.stdout).trim().to_string();
        // Some versions of git print the `--end-of-options` marker itself.
        Ok(commit.lines().last().unwrap_or_default().to_string())
    }

    /// Returns the manifests of a commit that was fetched, found as in a directory.
    pub async fn load(&self, commit: &str) -> Result<Loaded, GitError> {
        let mut listing = CommitTree::LISTING.to_vec();
        listing.push(commit);
        let mut tree = CommitTree::of(&self.run_git(&listing).await?.stdout);
        let asked = tree.needed_blobs();
        let texts = self.read_blobs(&asked).await?;
        tree.add_texts(&asked, texts);
        let path = self.path.trim_matches('/');
        let path = if path == "." { "" } else { path };
        let mut found = tree.find_manifests(&[path.to_string()]);
        let (names, blobs) = tree.readable_files(&mut found);
        let files = names.into_iter().zip(self.read_blobs(&blobs).await?);
        let location = format!(
            "{} at {}",
            self.redacted_url(),
            commit.get(..12).unwrap_or(commit)
        );
        let mut loaded = manifest::from_bytes(found, files.collect(), &location);
        let named = named_files(&loaded.sources, &provider::kind_rows()).into_iter();
        let named = named.filter_map(|name| Some((tree.blob_of(&name)?, name)));
        let (blobs, names): (Vec<Blob>, Vec<String>) = named.unzip();
        let texts = self.read_blobs(&blobs).await?;
        loaded.row_files = RowFiles::of_commit(names.into_iter().zip(texts));
        Ok(loaded)
    }

    /// Returns the bytes of blobs, in their order.
    async fn read_blobs(&self, blobs: &[Blob]) -> Result<Vec<Vec<u8>>, GitError> {
        if blobs.is_empty() {
            return Ok(Vec::new());
        }
        let desired: String = blobs.iter().map(|blob| format!("{}\n", blob.id)).collect();
        let mut child = self
            .git_command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .spawn()
            .map_err(GitError::NotRun)?;
        let mut stdin = child.stdin.take().ok_or(GitError::NoInput)?;
        // Input is written while output is read, since neither pipe can hold all its bytes.
        let feed = async move {
            let fed = stdin.write_all(desired.as_bytes()).await;
            drop(stdin);
            fed
        };
        let both = async { tokio::join!(feed, child.wait_with_output()) };
        let (_, output) = tokio::time::timeout(LIMIT, both)
            .await
            .map_err(|_| GitError::BlobTimeout)?;
        let output = output.map_err(GitError::Broken)?;
        Ok(walk::split_blobs(blobs, &output.stdout)?)
    }

    /// Runs git and waits for it to end. `Err` if it fails or takes longer than `LIMIT`.
    async fn run_git(&self, arguments: &[&str]) -> Result<Output, GitError> {
        let run = self.git_command(arguments).stdin(Stdio::null()).output();
        let command = format!("git {}", arguments.first().unwrap_or(&""));
        let output = match tokio::time::timeout(LIMIT, run).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => return Err(GitError::NotRun(error)),
            Err(_) => return Err(GitError::Timeout { command }),
        };
        if output.status.success() {
            return Ok(output);
        }
        let words = self.redact_stderr(&output.stderr);
        Err(GitError::Failed { command, words })
    }

    /// Returns what git printed as its error, without the credentials that it may repeat.
    fn redact_stderr(&self, stderr: &[u8]) -> String {
        let text = String::from_utf8_lossy(stderr).replace(&self.url, &self.redacted_url());
        let text = match &self.token {
            Some(token) => text.replace(token.as_str(), "[secret]"),
            None => text,
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let words: String = lines
            .collect::<Vec<_>>()
            .join("; ")
            .chars()
            .take(400)
            .collect();
        if words.is_empty() {
            "it failed and says nothing".into()
        } else {
            words
        }
    }

    /// Prepares a run of git with a clean environment.
    fn git_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.env_clear();
        for name in KEPT_VARIABLES {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("GIT_DIR", &self.dir)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
            .env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=20")
            .env("LC_ALL", "C")
            .args(["-c", "core.hooksPath=/dev/null"])
            .args(["-c", "core.fsmonitor=false"])
            .args(["-c", "protocol.ext.allow=never"])
            .args(["-c", "gc.autoDetach=false"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(token) = &self.token {
            // The token is in the environment and not among the arguments, which every user of the machine can read.
            use base64::Engine;
            let plain = format!("x-access-token:{token}");
            let basic = base64::engine::general_purpose::STANDARD.encode(plain);
            command
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", "http.extraHeader")
                .env(
                    "GIT_CONFIG_VALUE_0",
                    format!("Authorization: Basic {basic}"),
                );
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(url: &str, reference: &str, path: &str) -> Remote {
        Remote {
            url: url.into(),
            reference: reference.into(),
            path: path.into(),
            dir: PathBuf::new(),
            token: None,
        }
    }

    #[test]
    fn nothing_that_git_could_take_for_an_option_gets_through() {
        let fault = |url, reference, path| remote(url, reference, path).check().err();
        assert_eq!(fault("https://git.example/x.git", "main", "licences"), None);
        assert_eq!(fault("git@git.example:x.git", "v1.2/stable", ""), None);
        for (url, reference, path) in [
            ("--upload-pack=touch x", "main", ""),
            ("https://a", "--force", ""),
            ("https://a", "main:refs/heads/x", ""),
            ("https://a", "", ""),
            ("https://a", "main", "../x"),
            ("https://a", "main", "/etc"),
            ("", "main", ""),
        ] {
            assert!(
                fault(url, reference, path).is_some(),
                "{url} {reference} {path}"
            );
        }
    }

    #[test]
    fn credentials_in_a_url_are_not_shown() {
        let mut remote = remote("https://me:s3cret@git.example/x.git", "main", "");
        remote.token = Some("t0ken".into());
        assert_eq!(remote.redacted_url(), "https://git.example/x.git");
        let stderr = b"fatal: unable to access 'https://me:s3cret@git.example/x.git' with t0ken\n";
        let words = remote.redact_stderr(stderr);
        assert!(
            !words.contains("s3cret") && !words.contains("t0ken"),
            "{words}"
        );
    }
}
