//! Finding secrets, and refusing to look for them where a pull request could have changed the way.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::trust::Trust;
use crate::files::read::{self, Bounds, PIPE_TIMEOUT};
use crate::model::{SecretRef, SecretText};

/// How environment variables are looked up; an argument, so that tests need not change the process.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Resolves references to secrets.
#[derive(Clone)]
pub struct Secrets {
    pub environment: Environment,
    pub trust: Trust,
}

/// How long a `{command: …}` may take.
const COMMAND_TIME: Duration = Duration::from_secs(30);

/// Bytes of a file with a secret: more than any header or form takes.
const LARGEST: u64 = 64 << 10;

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
        clean(&text, &place(secret))
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        let fault = |error| format!("cannot read the secret file {}: {error}", path.display());
        if read::is_pipe(path) {
            return Err(format!(
                "the secret file {} is a pipe, and what a manifest names is a regular file: write the secret \
                 to one, or name a variable as {{env: NAME}}",
                path.display()
            ));
        }
        // What was looked at is what is read, wherever a link leads by then.
        let real = path.canonicalize().map_err(fault)?;
        match self.trust.file_refusal(path, &real) {
            Some(refusal) => Err(refusal),
            None => read::text(&real, Bounds::file(LARGEST)).map_err(fault),
        }
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

/// Reads a secret that whoever started the program named: no rule for manifests is asked.
pub fn own_file(path: &Path) -> Result<SecretText, String> {
    let place = place(&SecretRef::File(path.to_path_buf()));
    let text = read::text(path, Bounds::or_pipe(LARGEST, PIPE_TIMEOUT));
    clean(
        &text.map_err(|error| format!("cannot read {place}: {error}"))?,
        &place,
    )
}

/// A secret without what editors and shells put around it.
fn clean(text: &str, place: &str) -> Result<SecretText, String> {
    // Those of Windows begin with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(format!("{place} is empty"));
    }
    if text.contains(|c: char| c.is_control()) {
        return Err(format!(
            "{place} has a line break or control character in it"
        ));
    }
    Ok(SecretString::from(text))
}

/// Says what a secret has around it that most likely was not meant: an editor or a shell put it there.
pub(super) fn odd_ends(text: &str) -> Option<&'static str> {
    let quoted = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    match text {
        _ if text.starts_with(char::is_whitespace) => Some("begins with a space"),
        _ if text.ends_with(char::is_whitespace) => Some("ends with a space"),
        _ if quoted('"') || quoted('\'') => Some("stands in quotes"),
        _ => None,
    }
}

/// Says why a header cannot carry a secret, and nothing of the secret but where in it the reason is.
pub(super) fn header_fault(text: &str) -> Option<String> {
    if let Some(odd) = odd_ends(text) {
        return Some(format!(
            "the credential {odd}, which is no part of any: take that out of the variable or file"
        ));
    }
    let at = text.chars().position(|c| !matches!(c, ' '..='~'))?;
    Some(format!(
        "character {} of the credential is not one that a header can carry: it is no printing ASCII character",
        at + 1
    ))
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
    async fn confined_files_are_read_in_the_tree_and_in_secret_directories() {
        let (tree, outside) = (tempfile::tempdir(), tempfile::tempdir());
        let (tree, outside) = (tree.expect("a directory"), outside.expect("a directory"));
        let path = outside.path().join("secret");
        std::fs::write(&path, "word").expect("written");
        let file = SecretRef::File(path);
        let trust = Trust {
            confine_files: true,
            tree: Some(tree.path().into()),
            ..Trust::default()
        };
        assert!(secrets(trust.clone()).resolve(&file).await.is_err());
        let open = Trust {
            secret_dirs: vec![outside.path().into()],
            ..trust
        };
        assert!(secrets(open.clone()).resolve(&file).await.is_ok());
        // Manifests of a remote: the directory that the daemon happens to be in means nothing.
        let path = tree.path().join("secret");
        std::fs::write(&path, "word").expect("written");
        let file = SecretRef::File(path);
        assert!(secrets(open.clone()).resolve(&file).await.is_ok());
        let remote = Trust { tree: None, ..open };
        assert!(secrets(remote).resolve(&file).await.is_err());
    }

    #[tokio::test]
    async fn no_secret_is_read_below_git_by_whatever_path() {
        let tree = tempfile::tempdir().expect("a directory");
        let git = tree.path().join(".git");
        std::fs::create_dir(&git).expect("a directory");
        std::fs::write(git.join("token"), "word").expect("written");
        let mut paths = vec![git.join("token"), tree.path().join("x/../.git/token")];
        std::fs::create_dir(tree.path().join("x")).expect("a directory");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(".git/token", tree.path().join("link")).expect("a link");
            paths.push(tree.path().join("link"));
        }
        for path in paths {
            let found = secrets(Trust::default())
                .resolve(&SecretRef::File(path))
                .await;
            assert!(found.err().is_some_and(|why| why.contains(".git")));
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_secret_file_is_a_regular_one_of_a_bounded_size() {
        let dir = tempfile::tempdir().expect("a directory");
        let large = dir.path().join("large");
        std::fs::write(&large, "x".repeat(LARGEST as usize + 1)).expect("written");
        for path in [large, "/dev/zero".into(), dir.path().into()] {
            let found = secrets(Trust::default())
                .resolve(&SecretRef::File(path))
                .await;
            let why = found.expect_err("refused");
            assert!(why.starts_with("cannot read the secret file"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_byte_order_mark_is_no_part_of_a_secret() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        std::fs::write(&path, "\u{feff}word\r\n").expect("written");
        let found = secrets(Trust::default())
            .resolve(&SecretRef::File(path))
            .await;
        assert_eq!(found.expect("is there").expose_secret(), "word");
    }

    #[test]
    fn what_no_header_carries_is_told_by_its_place() {
        assert_eq!(header_fault("a b~"), None);
        let fault = header_fault("hunter\u{200b}2").expect("a fault");
        assert!(
            fault.starts_with("character 7 of") && !fault.contains("hunter"),
            "{fault}"
        );
        assert!(header_fault("ü").is_some());
        for (text, odd) in [
            (" hunter2", "begins with a space"),
            ("hunter2 ", "ends with a space"),
            ("\"hunter2\"", "stands in quotes"),
            ("'hunter2'", "stands in quotes"),
        ] {
            let fault = header_fault(text).expect("a fault");
            assert!(fault.contains(odd) && !fault.contains("hunter"), "{fault}");
        }
        assert_eq!(header_fault("\""), None);
        assert_eq!(header_fault("\"hunter2"), None, "it may be so");
    }
}
