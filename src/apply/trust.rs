//! Decides where credentials may come from and go to.
//!
//! The caller sets the limits, from the flags, the environment and the project file of the run. No connection or
//! object can widen them: manifests come from pull requests, and one that could widen them could send a credential to
//! its author.
//!
//! For example, with `--trust-hosts lac.example.com` a connection whose `baseUrl` is `https://evil.example.net` gets
//! no credential, and with CI set the secret file `../../home/ci/.ssh/id_rsa` is outside the working tree and not
//! read.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use url::Url;

use crate::model::trusted_host::{TrustedHost, is_in_the_clear};

/// The limits of a run, as its flags and environment give them.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Hosts that credentials may be sent to; `None` means any.
    pub hosts: Option<Vec<TrustedHost>>,
    /// Permits `{command: …}` secrets, which run programs that a manifest names.
    pub allow_exec: bool,
    /// Confines secret files to `tree` and `secret_dirs`, for runs whose manifests other people write.
    pub confine_files: bool,
    /// The directories of `--secret-dir`.
    pub secret_dirs: Vec<PathBuf>,
    /// The root of the working tree; `None` where manifests do not come from files here.
    pub tree: Option<PathBuf>,
}

/// The reason for which a credential may not be sent, or a secret file not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error(
        "credentials would go to {host} in the clear: with --trust-hosts, plain http needs `http://{host}` in it"
    )]
    InTheClear { host: String },
    #[error("{host} is not among the hosts that --trust-hosts allows credentials to be sent to")]
    UnknownHost { host: String },
    #[error("{} belongs to git: no secret is read below .git", .0.display())]
    GitData(PathBuf),
    #[error(
        "{} is outside the working tree: with CI set, or once --secret-dir is given, it needs --secret-dir",
        .0.display()
    )]
    OutsideTree(PathBuf),
    #[error("{} is in no directory that --secret-dir names", .0.display())]
    OutsideSecretDirs(PathBuf),
}

impl Trust {
    /// Checks that credentials may be sent to a URL. Without `--trust-hosts` every host passes.
    pub fn check_url(&self, url: &Url) -> Result<(), TrustError> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        if hosts.iter().any(|host| host.covers(url)) {
            return Ok(());
        }
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_string(),
        };
        Err(match is_in_the_clear(url) {
            true => TrustError::InTheClear { host },
            false => TrustError::UnknownHost { host },
        })
    }

    /// Checks that a secret file may be read. `real` is `path` with every link resolved, and alone decides; errors
    /// name `path`.
    ///
    /// Files of git are refused even in runs without confinement: `.git/config` may hold a token of the runner.
    pub(super) fn check_file(&self, path: &Path, real: &Path) -> Result<(), TrustError> {
        if self.is_git_data(real) {
            return Err(TrustError::GitData(path.to_path_buf()));
        }
        let within = |dir: &PathBuf| dir.canonicalize().is_ok_and(|dir| real.starts_with(dir));
        if !self.confine_files || self.secret_dirs.iter().chain(&self.tree).any(within) {
            return Ok(());
        }
        Err(match &self.tree {
            Some(_) => TrustError::OutsideTree(path.to_path_buf()),
            None => TrustError::OutsideSecretDirs(path.to_path_buf()),
        })
    }

    /// Reports whether a file is one of git's own: below a `.git`, or where the `.git` file of the working tree points.
    fn is_git_data(&self, real: &Path) -> bool {
        let named = |part: &OsStr| part.eq_ignore_ascii_case(".git");
        if real.iter().any(named) {
            return true;
        }
        let Some(tree) = &self.tree else {
            return false;
        };
        let elsewhere = std::fs::read_to_string(tree.join(".git")).ok();
        let elsewhere = elsewhere
            .as_deref()
            .and_then(|text| text.strip_prefix("gitdir:"));
        let elsewhere = elsewhere.and_then(|dir| tree.join(dir.trim()).canonicalize().ok());
        elsewhere.is_some_and(|dir| real.starts_with(dir))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_host_and_what_would_allow_it() {
        let trust = Trust {
            hosts: Some(vec!["lac.example.com:8443".parse().expect("a host")]),
            ..Trust::default()
        };
        let refusal = |url: &str| {
            let checked = trust.check_url(&url.parse().expect("a URL"));
            checked.err().map(|error| error.to_string())
        };
        assert_eq!(refusal("https://lac.example.com:8443/x"), None);
        let other = refusal("https://lac.example.com:9000/x").expect("refused");
        assert!(
            other.starts_with("lac.example.com:9000 is not among"),
            "{other}"
        );
        let plain = refusal("http://lac.example.com:8443/x").expect("refused");
        assert!(plain.contains("`http://lac.example.com:8443`"), "{plain}");
        assert_eq!(
            Trust::default().check_url(&"http://a/".parse().expect("a URL")),
            Ok(())
        );
    }

    #[test]
    fn git_data_is_found_wherever_it_is_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let tree = dir.path().join("tree");
        let kept = dir.path().join("kept");
        for folder in [&tree, &kept] {
            std::fs::create_dir(folder).expect("a directory");
        }
        std::fs::write(tree.join(".git"), "gitdir: ../kept\n").expect("written");
        let kept = kept.canonicalize().expect("there");
        let trust = Trust {
            tree: Some(tree.clone()),
            ..Trust::default()
        };
        for path in [
            kept.join("token"),
            tree.join(".git"),
            tree.join("sub/.GIT/x"),
        ] {
            let refused = trust.check_file(&path, &path);
            assert_eq!(refused, Err(TrustError::GitData(path.clone())));
        }
        for path in [tree.join("token"), tree.join(".github/token")] {
            assert_eq!(trust.check_file(&path, &path), Ok(()));
        }
    }
}
