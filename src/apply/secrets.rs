//! Finding secrets, and refusing to look for them where a pull request could have changed the way.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::model::{SecretRef, SecretText};

/// How environment variables are looked up; an argument, so that tests need not change the process.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where credentials may come from and go to. Manifests come from pull requests; this does not.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Hosts that credentials may be sent to; nothing means any.
    pub hosts: Option<Vec<String>>,
    pub allow_exec: bool,
    /// Directories outside the working tree that secret files may be read from when `ci` is set.
    pub secret_dirs: Vec<PathBuf>,
    pub ci: bool,
    /// The root of the working tree.
    pub tree: PathBuf,
}

impl Trust {
    /// Says why credentials may not be sent to a URL.
    pub fn refusal(&self, url: &Url) -> Option<String> {
        let hosts = self.hosts.as_ref()?;
        let host = url.host_str().unwrap_or_default();
        let trusted = |pattern: &String| match pattern.strip_prefix("*.") {
            Some(domain) => host
                .strip_suffix(domain)
                .is_some_and(|head| head.ends_with('.')),
            None => pattern.eq_ignore_ascii_case(host),
        };
        (!hosts.iter().any(trusted)).then(|| {
            format!(
                "{host} is not among the hosts that --trust-hosts allows credentials to be sent to"
            )
        })
    }

    fn file_refusal(&self, path: &Path) -> Option<String> {
        if !self.ci {
            return None;
        }
        // A path that cannot be resolved cannot be read either; the read names the reason.
        let real = path.canonicalize().ok()?;
        let within = |dir: &Path| dir.canonicalize().is_ok_and(|dir| real.starts_with(dir));
        let allowed = within(&self.tree) || self.secret_dirs.iter().any(|dir| within(dir));
        (!allowed).then(|| {
            format!(
                "{} is outside the working tree: with CI set it needs --secret-dir",
                path.display()
            )
        })
    }
}

/// Resolves references to secrets.
#[derive(Clone)]
pub struct Secrets {
    pub environment: Environment,
    pub trust: Trust,
}

/// How long a `{command: …}` may take.
const COMMAND_TIME: Duration = Duration::from_secs(30);

impl Secrets {
    /// Finds a secret. The error says where it was looked for and shows nothing of it.
    pub async fn resolve(&self, secret: &SecretRef) -> Result<SecretText, String> {
        let text = match secret {
            SecretRef::Known(text) => (*text).to_string(),
            SecretRef::Env(name) => (self.environment)(name).ok_or_else(|| {
                format!("the environment variable {name} is not set: set it where entitle runs")
            })?,
            SecretRef::File(path) => self.file(path)?,
            SecretRef::Command(words) => self.command(words).await?,
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(format!("{} is empty", place(secret)));
        }
        if text.contains(|c: char| c.is_control()) {
            return Err(format!(
                "{} has a line break or control character in it",
                place(secret)
            ));
        }
        Ok(SecretString::from(text))
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        if let Some(refusal) = self.trust.file_refusal(path) {
            return Err(refusal);
        }
        std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read the secret file {}: {error}", path.display()))
    }

    async fn command(&self, words: &[String]) -> Result<String, String> {
        let Some((program, arguments)) = words.split_first() else {
            return Err("the command of a secret names no program".into());
        };
        if !self.trust.allow_exec {
            return Err(format!(
                "the secret command `{program}` runs only with --allow-exec"
            ));
        }
        let run = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(COMMAND_TIME, run)
            .await
            .map_err(|_| {
                format!(
                    "the secret command `{program}` took over {} s",
                    COMMAND_TIME.as_secs()
                )
            })?
            .map_err(|error| format!("cannot run the secret command `{program}`: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "the secret command `{program}` ended with {}",
                output.status
            ));
        }
        String::from_utf8(output.stdout)
            .map_err(|_| format!("the output of the secret command `{program}` is not UTF-8"))
    }
}

fn place(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Env(name) => format!("the environment variable {name}"),
        SecretRef::File(path) => format!("the secret file {}", path.display()),
        SecretRef::Command(words) => {
            format!(
                "the output of the secret command `{}`",
                words.first().map_or("", String::as_str)
            )
        }
        SecretRef::Known(_) => "the built-in secret".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn secrets(trust: Trust) -> Secrets {
        let environment: Environment = Arc::new(|name| match name {
            "GOOD" => Some("word\n".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        });
        Secrets { environment, trust }
    }

    #[tokio::test]
    async fn variables_are_found_and_one_newline_is_cut() {
        let secrets = secrets(Trust::default());
        let found = secrets
            .resolve(&SecretRef::Env("GOOD".into()))
            .await
            .expect("is set");
        assert_eq!(found.expose_secret(), "word");
        let unset = secrets.resolve(&SecretRef::Env("NONE".into())).await.err();
        assert_eq!(
            unset.as_deref(),
            Some("the environment variable NONE is not set: set it where entitle runs")
        );
        assert!(
            secrets
                .resolve(&SecretRef::Env("EMPTY".into()))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn commands_run_only_when_allowed_and_without_a_shell() {
        let echo = SecretRef::Command(vec!["echo".into(), "a $HOME; b".into()]);
        assert!(secrets(Trust::default()).resolve(&echo).await.is_err());
        let trust = Trust {
            allow_exec: true,
            ..Trust::default()
        };
        let found = secrets(trust).resolve(&echo).await.expect("runs");
        assert_eq!(found.expose_secret(), "a $HOME; b");
    }

    #[tokio::test]
    async fn in_ci_files_outside_the_tree_need_a_word() {
        let tree = tempfile::tempdir().expect("a directory");
        let outside = tempfile::tempdir().expect("a directory");
        let path = outside.path().join("secret");
        std::fs::write(&path, "word").expect("written");
        let file = SecretRef::File(path);
        let trust = Trust {
            ci: true,
            tree: tree.path().into(),
            ..Trust::default()
        };
        assert!(secrets(trust.clone()).resolve(&file).await.is_err());
        let trust = Trust {
            secret_dirs: vec![outside.path().into()],
            ..trust
        };
        assert!(secrets(trust).resolve(&file).await.is_ok());
    }

    #[test]
    fn hosts_are_trusted_by_name_or_domain() {
        let trust = Trust {
            hosts: Some(vec![
                "lac.example.com".into(),
                "*.informaticacloud.com".into(),
            ]),
            ..Trust::default()
        };
        let refused = |url: &str| trust.refusal(&url.parse().expect("a URL")).is_some();
        assert!(!refused("https://lac.example.com/x"));
        assert!(!refused("https://usw3.dm-us.informaticacloud.com/saas"));
        assert!(refused("https://evil.example.com"));
        assert!(refused("https://informaticacloud.com.evil.org"));
        assert!(refused("https://lac.example.com.evil.org"));
    }
}
