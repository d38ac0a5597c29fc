//! The built program in a directory of its own, with an environment of its own, against a sandbox.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use entitle::sandbox::{Options, SandboxServer, credentials};
use serde_json::{Value as Json, json};

use super::bench::Object;

/// A directory with manifests, and the simulators that they lead to. Tests that use it need a runtime with
/// threads of its own, since they wait for the program.
pub struct Workspace {
    pub sandbox: SandboxServer,
    pub dir: tempfile::TempDir,
    /// What the program finds in its environment.
    pub environment: Vec<(String, String)>,
    /// Texts that no run may print.
    pub secrets: Vec<String>,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{self:?}"))
    }

    /// The run ended so and said nothing on stdout.
    #[track_caller]
    pub fn failed(&self, code: i32, words: &str) {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (code, ""),
            "{}",
            self.stderr
        );
        assert!(
            self.stderr.contains(words),
            "{words:?} is not in {}",
            self.stderr
        );
    }
}

impl Workspace {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let sandbox = SandboxServer::start(options).await.expect("loopback");
        Self::of(sandbox, tempfile::tempdir().expect("a directory"))
    }

    /// Makes a workspace of simulators that run already.
    pub fn of(sandbox: SandboxServer, dir: tempfile::TempDir) -> Self {
        let below = |name: &str| dir.path().join(name).display().to_string();
        let environment = [
            ("XDG_STATE_HOME", below("state")),
            ("XDG_CACHE_HOME", below("cache-home")),
            // A name in the system's configuration of git is nobody's here.
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ];
        let environment = environment.map(|(name, value)| (name.to_string(), value));
        Self {
            sandbox,
            environment: environment.into(),
            dir,
            secrets: Vec::new(),
        }
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.into(), value.into()));
    }

    /// Sets a variable that no run may print.
    pub fn set_secret(&mut self, name: &str, value: &str) {
        self.set(name, value);
        self.secrets.push(value.into());
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        let parent = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).expect("a directory");
        std::fs::write(path, text).expect("written");
    }

    /// A connection to the vendor's simulator with a credential from the variable `<VENDOR>_AUTH`, and
    /// that variable.
    pub fn connect(&mut self, vendor: &str) {
        let forms = ["token", "apiKey", "session"];
        let mut all = credentials::credentials_of(vendor);
        let credential = all.find(|one| forms.contains(&one.form));
        let credential = credential.expect("a form of one secret");
        let name = format!("{}_AUTH", vendor.to_uppercase());
        let base = format!("http://{}{}", self.sandbox.address(), credential.base);
        self.connection(vendor, &base, &json!({credential.form: {"env": name}}));
        self.set_secret(&name, credential.values[0].1);
    }

    /// The same with a name and a password, which open a session.
    pub fn connect_by_login(&mut self, vendor: &str) {
        let mut all = credentials::credentials_of(vendor);
        let credential = all.find(|one| one.form == "login");
        let credential = credential.expect("a form with a login");
        let mut members = serde_json::Map::new();
        for (member, value) in credential.values {
            let name = format!("{}_{}", vendor.to_uppercase(), member.to_uppercase());
            self.set_secret(&name, value);
            members.insert((*member).into(), json!({"env": name}));
        }
        let base = format!("http://{}{}", self.sandbox.address(), credential.base);
        self.connection(vendor, &base, &json!({credential.form: members}));
    }

    pub fn connection(&self, vendor: &str, base: &str, auth: &Json) {
        let document = json!({
            "apiVersion": "entitle.dev/v1", "kind": "Connection", "metadata": {"name": vendor},
            "spec": {"vendor": vendor, "baseUrl": base, "auth": auth},
        });
        self.write(&format!("{vendor}.yaml"), &format!("{document:#}"));
    }

    pub fn object(&self, object: &Object) {
        self.write(&format!("{}.yaml", object.name), &object.text());
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entitle"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program. No run prints a secret, and none prints colour into a pipe.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(arguments), "")
    }

    #[track_caller]
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        self.finish(self.command(arguments), input)
    }

    #[track_caller]
    pub fn finish(&self, mut command: Command, input: &str) -> Ran {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input may be gone already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().expect("it ends");
        let ran = Ran {
            code: output.status.code().expect("an exit code"),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        };
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains('\u{1b}'), "escape codes in a pipe: {text}");
            assert!(!text.contains("panicked"), "{text}");
            for secret in &self.secrets {
                assert!(!text.contains(secret.as_str()), "a secret is shown: {text}");
            }
        }
        ran
    }
}
