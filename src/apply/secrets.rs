//! Resolves references to secrets, and refuses sources that a pull request could have changed.
//!
//! In goes a [`SecretRef`], out comes the text, without the byte order mark and the line break that editors add. The
//! rules are in [`Trust`]: this module asks them before it reads a file or runs a command. No secret may appear in an
//! error here.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::trust::{Trust, TrustError};
use crate::files::read::{self, PIPE_TIMEOUT, ReadBounds};
use crate::model::{Auth, SecretRef, SecretText};

/// Looks an environment variable up; `None` if it is not set. It is an argument, so that tests need not change the
/// process.
pub type VariableLookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The reason for which a secret cannot be resolved. It names the source and holds nothing of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable {0} is not set: set it where entitle runs")]
    UnsetVariable(String),
    #[error(
        "the secret file {} is a pipe, and what a manifest names is a regular file: write the secret to one, or name \
         a variable as {{env: NAME}}",
        .0.display()
    )]
    Pipe(PathBuf),
    #[error(transparent)]
    Untrusted(#[from] TrustError),
    #[error("cannot read the secret file {}", path.display())]
    UnreadableFile { path: PathBuf, source: io::Error },
    #[error("the command of a secret names no program")]
    NoProgram,
    #[error("the secret command `{program}` runs only with --allow-exec")]
    CommandNotAllowed { program: String },
    #[error("cannot run the secret command `{program}`")]
    CommandNotRun { program: String, source: io::Error },
    #[error("the secret command `{program}` took over {} s", COMMAND_TIME.as_secs())]
    CommandTimeout { program: String },
    #[error("the secret command `{program}` ended with {status}")]
    CommandFailed { program: String, status: ExitStatus },
    #[error("the output of the secret command `{program}` is not UTF-8")]
    OutputNotText { program: String },
    #[error("{location} is empty")]
    Empty { location: String },
    #[error("{location} has a line break or control character in it")]
    ControlCharacter { location: String },
}

/// Says which variables are not set: `A is not set`, `A, B are not set`.
pub fn describe_unset(names: &[String]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb} not set", names.join(", "))
}

/// The advice about variables that are not set.
pub const UNSET_HINT: &str = "set them in the environment of the shell or job that runs entitle";

/// Resolves references to secrets.
#[derive(Clone)]
pub struct Secrets {
    pub environment: VariableLookup,
    pub trust: Trust,
}

/// The longest time for one `{command: …}`. The program is killed after it.
const COMMAND_TIME: Duration = Duration::from_secs(30);

/// The largest secret file, in bytes: more than any header or form takes.
const LARGEST: u64 = 64 << 10;

impl Secrets {
    /// Returns the environment variables that credentials are taken from and that are not set, each once. One that is
    /// empty, as CI systems pass a secret that does not exist, is listed as such: `LAC_TOKEN (empty)`.
    pub fn unset_variables(&self, auth: &Auth) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for secret in auth.secrets() {
            let SecretRef::Env(name) = secret else {
                continue;
            };
            let name = match (self.environment)(name).as_deref() {
                None => name.clone(),
                Some("") => format!("{name} (empty)"),
                Some(_) => continue,
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Resolves a reference to the text of the secret. `Err` names the source and shows nothing of the secret.
    pub async fn resolve(&self, secret: &SecretRef) -> Result<SecretText, SecretError> {
        let text = match secret {
            SecretRef::Known(text) => (*text).to_string(),
            SecretRef::Env(name) => {
                (self.environment)(name).ok_or_else(|| SecretError::UnsetVariable(name.clone()))?
            }
            SecretRef::File(path) => self.read_file(path)?,
            SecretRef::Command(words) => self.run_command(words).await?,
        };
        strip_ends(&text, || location(secret))
    }

    /// Reads a secret file that a manifest names, after [`Trust`] has allowed its real path.
    ///
    /// A pipe is refused: opening one blocks until another process writes to it, so the author of a manifest could hold
    /// up the run that way.
    fn read_file(&self, path: &Path) -> Result<String, SecretError> {
        let unreadable = |source| SecretError::UnreadableFile {
            path: path.to_path_buf(),
            source,
        };
        if read::is_pipe(path) {
            return Err(SecretError::Pipe(path.to_path_buf()));
        }
        // The path that was checked is the path that is read, even if a link changes meanwhile.
        let real = path.canonicalize().map_err(unreadable)?;
        self.trust.check_file(path, &real)?;
        read::read_text(&real, ReadBounds::file(LARGEST)).map_err(unreadable)
    }

    /// Runs the command of a secret and returns its output. `Err` without `--allow-exec`, after 30 s, and for any
    /// status but 0.
    ///
    /// There is no shell and no input; messages of the program go to standard error, since they explain its failure.
    async fn run_command(&self, words: &[String]) -> Result<String, SecretError> {
        let (program, arguments) = words.split_first().ok_or(SecretError::NoProgram)?;
        let name = || program.clone();
        if !self.trust.allow_exec {
            return Err(SecretError::CommandNotAllowed { program: name() });
        }
        let run = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(COMMAND_TIME, run).await;
        let output = output.map_err(|_| SecretError::CommandTimeout { program: name() })?;
        let output = output.map_err(|source| SecretError::CommandNotRun {
            program: name(),
            source,
        })?;
        if !output.status.success() {
            return Err(SecretError::CommandFailed {
                program: name(),
                status: output.status,
            });
        }
        String::from_utf8(output.stdout).map_err(|_| SecretError::OutputNotText { program: name() })
    }
}

/// Reads a secret from a file that the user named on the command line, where no rule for manifests applies.
pub fn read_named_file(path: &Path) -> Result<SecretText, SecretError> {
    let text = read::read_text(path, ReadBounds::or_pipe(LARGEST, PIPE_TIMEOUT));
    let text = text.map_err(|source| SecretError::UnreadableFile {
        path: path.to_path_buf(),
        source,
    })?;
    strip_ends(&text, || location(&SecretRef::File(path.to_path_buf())))
}

/// Removes what editors and shells put around a secret: a byte order mark, and one line break at the end.
///
/// For example `s3cret\r\n` gives `s3cret`. `Err` for an empty text, and for a control character inside, since no
/// header carries one: two lines are more likely a wrong file than a secret.
fn strip_ends(text: &str, location: impl FnOnce() -> String) -> Result<SecretText, SecretError> {
    // Editors of Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        let location = location();
        return Err(SecretError::Empty { location });
    }
    if text.contains(|c: char| c.is_control()) {
        let location = location();
        return Err(SecretError::ControlCharacter { location });
    }
    Ok(SecretString::from(text))
}

/// The reason for which a header cannot carry a credential. It holds a position in the credential and none of its
/// characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("the credential {0}, which is no part of any: take that out of the variable or file")]
    OddEnds(OddEnds),
    #[error(
        "character {position} of the credential is not one that a header can carry: it is no printing ASCII character"
    )]
    NotAscii {
        /// Counted from 1.
        position: usize,
    },
}

/// A space or quotes around a secret, most likely put there by an editor or a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddEnds {
    LeadingSpace,
    TrailingSpace,
    Quotes,
}

impl fmt::Display for OddEnds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::LeadingSpace => "begins with a space",
            Self::TrailingSpace => "ends with a space",
            Self::Quotes => "stands in quotes",
        })
    }
}

impl OddEnds {
    /// Returns the first oddity at the ends of a secret; `None` if there is none. A lone quote character is no pair of
    /// quotes.
    pub fn of(text: &str) -> Option<Self> {
        let quoted =
            |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
        match text {
            _ if text.starts_with(char::is_whitespace) => Some(Self::LeadingSpace),
            _ if text.ends_with(char::is_whitespace) => Some(Self::TrailingSpace),
            _ if quoted('"') || quoted('\'') => Some(Self::Quotes),
            _ => None,
        }
    }
}

/// Checks that a header can carry a credential: printing ASCII, with no space at either end and no quotes around it.
pub(super) fn check_header(text: &str) -> Result<(), HeaderError> {
    if let Some(odd) = OddEnds::of(text) {
        return Err(HeaderError::OddEnds(odd));
    }
    match text.chars().position(|c| !matches!(c, ' '..='~')) {
        Some(at) => Err(HeaderError::NotAscii { position: at + 1 }),
        None => Ok(()),
    }
}

/// Names the source of a secret for an error. Of a command only the program is named: arguments may be secret.
fn location(secret: &SecretRef) -> String {
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
    use crate::model::connection::Credential;
    use secrecy::ExposeSecret;

    fn secrets(trust: Trust) -> Secrets {
        let environment: VariableLookup = Arc::new(|name| match name {
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
            unset.map(|error| error.to_string()).as_deref(),
            Some("the environment variable NONE is not set: set it where entitle runs")
        );
        assert!(
            secrets
                .resolve(&SecretRef::Env("EMPTY".into()))
                .await
                .is_err()
        );
    }

    #[test]
    fn all_variables_that_are_missing_are_listed() {
        let env = |name: &str| Credential::Secret(SecretRef::Env(name.into()));
        let plain = Credential::Plain("me".into());
        let members = [
            ("a", env("NONE")),
            ("b", env("EMPTY")),
            ("c", env("GOOD")),
            ("d", env("NONE")),
            ("e", plain),
        ];
        let unset = secrets(Trust::default()).unset_variables(&Auth::Login(members.into()));
        assert_eq!(unset, ["NONE", "EMPTY (empty)"]);
        let words = describe_unset(&unset);
        assert_eq!(words, "NONE, EMPTY (empty) are not set");
        assert_eq!(describe_unset(&unset[..1]), "NONE is not set");
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
            let error = found.expect_err("refused");
            let refused = matches!(error, SecretError::Untrusted(TrustError::GitData(_)));
            assert!(refused, "{error}");
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
            let error = found.expect_err("refused");
            let unreadable = matches!(error, SecretError::UnreadableFile { .. });
            assert!(unreadable, "{error}");
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
        let fault = |text| check_header(text).err().map(|error| error.to_string());
        assert_eq!(fault("a b~"), None);
        let strange = fault("hunter\u{200b}2").expect("a fault");
        assert!(
            strange.starts_with("character 7 of") && !strange.contains("hunter"),
            "{strange}"
        );
        assert!(fault("ü").is_some());
        for (text, odd) in [
            (" hunter2", "begins with a space"),
            ("hunter2 ", "ends with a space"),
            ("\"hunter2\"", "stands in quotes"),
            ("'hunter2'", "stands in quotes"),
        ] {
            let fault = fault(text).expect("a fault");
            assert!(fault.contains(odd) && !fault.contains("hunter"), "{fault}");
        }
        assert_eq!(fault("\""), None);
        assert_eq!(fault("\"hunter2"), None, "it may be so");
    }
}
