//! The example workflows against manifests from a pull request that nobody has read: the plan job holds
//! credentials, and a manifest must not carry them away. Commands and environment are those of the examples
//! themselves.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use super::support::ci::{self, HOSTS, Host, Job, Settings};
use super::support::program::{Ran, Workspace};

const SECRET: &str = "hunter2-of-the-plan-job";

/// The jobs that a pull request starts, as their runners would start them.
fn plan_jobs() -> [Job; 2] {
    let secrets = ["LAC_USERNAME", "LAC_PASSWORD", "ENTITLE_STORE"];
    let settings = secrets.map(|name| (format!("secrets.{name}"), SECRET.to_string()));
    HOSTS.map(|host| host.job("plan", &Settings::from(settings.clone())))
}

/// A server of somebody who hopes for a credential: it answers nothing and keeps what it is sent.
struct Thief {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Thief {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                ears.lock().expect("whole").extend(b"a connection: ");
                let mut bytes = [0; 8192];
                let read = connection.read(&mut bytes).unwrap_or(0);
                ears.lock().expect("whole").extend(&bytes[..read]);
                let _ = connection.write_all(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n");
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().expect("whole")).into_owned()
    }
}

/// The checkout of a pull request.
async fn checkout(connection: &str) -> Workspace {
    let workspace = Workspace::new().await;
    std::fs::create_dir(workspace.dir.path().join(".git")).expect("a directory");
    let header = "apiVersion: entitle.dev/v1\nkind: Connection\nmetadata: {name: account}\nspec:\n";
    workspace.write("licences/connection.yaml", &format!("{header}{connection}"));
    let kind = if connection.contains("alinea") {
        "kind: AlineaLicense\nmetadata: {name: a}\nspec:\n  licenseId: f76ac030-df89-41a9-a62a-b6fbbba5a58c\n  desired: {AvailableSeats: 3}\n"
    } else {
        "kind: LacLicenseOrder\nmetadata: {name: a}\nspec:\n  activationKey: AAAAA-AAAAA-AAAAA-AAAAA\n  desired: {customer_id: 1, activations_allowed: 3}\n"
    };
    workspace.write(
        "licences/object.yaml",
        &format!("apiVersion: entitle.dev/v1\n{kind}"),
    );
    workspace
}

fn run(workspace: &mut Workspace, job: &Job) -> Ran {
    let mut job = job.clone();
    job.environment
        .insert("ENTITLE_TIMEOUT".into(), "2s".into());
    workspace.secrets.push(SECRET.into());
    ci::run(workspace, &job)
}

const LOGIN: &str = "{login: {username: {env: LAC_USERNAME}, password: {env: LAC_PASSWORD}}}";

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_base_url_carries_no_credential_away() {
    for job in plan_jobs() {
        for base in [
            "http://THIEF",
            "http://THIEF/lac.example.com",
            "http://lac.example.com@THIEF",
            "http://THIEF#lac.example.com",
            "http://THIEF?lac.example.com",
            "HTTP://THIEF:/",
        ] {
            let thief = Thief::start();
            let base = base.replace("THIEF", &thief.address.to_string());
            let mut workspace = checkout(&format!(
                "  vendor: lac\n  baseUrl: {base}\n  auth: {LOGIN}\n"
            ))
            .await;
            let ran = run(&mut workspace, &job);
            assert_eq!(
                (ran.code, thief.heard().as_str()),
                (1, ""),
                "{base}: {ran:?}"
            );
        }
        // The place where a login is made is a way out as well.
        let thief = Thief::start();
        let mut workspace = checkout(&format!(
            "  vendor: alinea\n  baseUrl: https://lac.example.com\n  auth: {{clientCredentials: {{tokenUrl: 'http://{}/t', clientId: {{env: LAC_USERNAME}}, clientSecret: {{env: LAC_PASSWORD}}, scope: x}}}}\n",
            thief.address
        ))
        .await;
        let ran = run(&mut workspace, &job);
        assert_eq!((ran.code, thief.heard().as_str()), (1, ""), "{ran:?}");
        assert!(
            ran.stderr.contains("--trust-hosts"),
            "refused for another reason: {ran:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_list_of_hosts_it_would_be_carried_away() {
    // What shows that the test above can fail.
    for mut job in plan_jobs() {
        job.environment
            .remove("ENTITLE_TRUST_HOSTS")
            .expect("the example sets it");
        let thief = Thief::start();
        let auth = format!(
            "  vendor: lac\n  baseUrl: http://{}\n  auth: {LOGIN}\n",
            thief.address
        );
        run(&mut checkout(&auth).await, &job);
        assert!(thief.heard().contains(SECRET), "{}", thief.heard());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_a_manifest_runs_nothing() {
    for mut job in plan_jobs() {
        // Even if the host were trusted.
        job.environment
            .insert("ENTITLE_TRUST_HOSTS".into(), "127.0.0.1".into());
        let thief = Thief::start();
        let auth = format!(
            "  vendor: lac\n  baseUrl: http://{}\n  auth: {{token: {{command: [sh, -c, 'touch ran; echo \"$LAC_PASSWORD\"']}}}}\n",
            thief.address
        );
        let mut workspace = checkout(&auth).await;
        let ran = run(&mut workspace, &job);
        assert_eq!((ran.code, thief.heard().as_str()), (1, ""), "{ran:?}");
        assert!(
            !workspace.dir.path().join("ran").exists(),
            "the command ran"
        );
        assert!(ran.stderr.contains("--allow-exec"), "{ran:?}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_outside_the_checkout_is_not_read() {
    let outside = tempfile::tempdir().expect("a directory");
    let file = outside.path().join("key");
    std::fs::write(&file, SECRET).expect("written");
    for mut job in plan_jobs() {
        job.environment
            .insert("ENTITLE_TRUST_HOSTS".into(), "127.0.0.1".into());
        let paths = [
            file.display().to_string(),
            "licences/link".into(),
            "/proc/self/environ".into(),
        ];
        for path in paths {
            let thief = Thief::start();
            let auth = format!(
                "  vendor: lac\n  baseUrl: http://{}\n  auth: {{token: {{file: '{path}'}}}}\n",
                thief.address
            );
            let mut workspace = checkout(&auth).await;
            if path == "licences/link" {
                std::os::unix::fs::symlink(&file, workspace.dir.path().join(&path))
                    .expect("a link");
            }
            let ran = run(&mut workspace, &job);
            assert_eq!(
                (ran.code, thief.heard().as_str()),
                (1, ""),
                "{path}: {ran:?}"
            );
            let link = path == "licences/link";
            let words = if link {
                "leads out of the tree"
            } else {
                "--secret-dir"
            };
            let shown = ran.stdout.clone() + &ran.stderr;
            assert!(shown.contains(words), "{path}: {ran:?}");
        }
    }
}

#[test]
fn the_examples_open_no_door() {
    for host in HOSTS {
        let (text, yaml, path) = (host.text(), host.yaml(), host.file());
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect();
        let code: Vec<&str> = lines
            .iter()
            .map(|line| line.split(" # ").next().unwrap_or(line))
            .collect();
        let code = code.join("\n");
        for word in [
            "--allow-exec",
            "--secret-dir",
            "ENTITLE_ALLOW_EXEC",
            "ENTITLE_SECRET_DIR",
            "pull_request_target",
        ] {
            assert!(!code.contains(word), "{word} in {path}");
        }
        assert!(code.contains("ENTITLE_TRUST_HOSTS: "), "{path}");
        let Some(jobs) = yaml["jobs"].as_object() else {
            continue;
        };
        assert_eq!(yaml["permissions"], serde_json::json!({}), "{path}");
        let steps = jobs
            .values()
            .flat_map(|job| job["steps"].as_array().into_iter().flatten());
        for step in steps {
            if let Some(uses) = step["uses"].as_str() {
                let pin = uses.rsplit('@').next().unwrap_or_default();
                assert!(
                    pin.len() == 40 && pin.chars().all(|c| c.is_ascii_hexdigit()),
                    "{uses} in {path}"
                );
                let kept = uses.starts_with("actions/checkout")
                    && step["with"]["persist-credentials"] != false;
                assert!(!kept, "the checkout of {path} keeps its credential");
            }
            let script = step["run"]
                .as_str()
                .or(step["with"]["script"].as_str())
                .unwrap_or_default();
            assert!(
                !script.contains("${{"),
                "text from outside becomes a program in {path}: {script}"
            );
        }
    }
}

/// What a pull request starts may be a program of its author, so what it can get at only reads.
#[test]
fn what_writes_stands_behind_another_environment_than_what_reads() {
    for host in HOSTS {
        let yaml = host.yaml();
        let jobs = match host {
            Host::GitHub => &yaml["jobs"],
            Host::GitLab => &yaml,
        };
        for (job, expected) in [
            ("plan", "licences-plan"),
            ("drift", "licences-plan"),
            ("apply", "licences"),
            ("undo", "licences"),
        ] {
            let of = &jobs[job]["environment"];
            let name = of.as_str().or(of["name"].as_str());
            assert_eq!(name, Some(expected), "{job} of {host:?}");
        }
    }
}

/// The arguments of a line, as far as the program knows them: the examples keep up with it.
#[tokio::test(flavor = "multi_thread")]
async fn every_flag_in_the_examples_is_one() {
    let workspace = Workspace::new().await;
    let mut seen = BTreeSet::new();
    for host in HOSTS {
        let path = host.file();
        for line in host.text().lines() {
            let line = line
                .trim()
                .trim_start_matches("- ")
                .trim_start_matches("run: ");
            let Some(rest) = line.strip_prefix("entitle ") else {
                continue;
            };
            // As far as the command goes; what follows is the shell's.
            let command = rest.split(" || ").next().unwrap_or(rest);
            let mut words: Vec<&str> = command.split_whitespace().collect();
            // What follows stands for itself, the help too.
            words.retain(|word| *word != "--");
            seen.insert(words[0].to_string());
            let help = workspace.run(&[words[0], "--help"]).stdout;
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                assert!(
                    help.contains(flag),
                    "{flag} of {path} is no flag of {}",
                    words[0]
                );
            }
            // Also the formats: help is shown only when everything before it is understood.
            let asked = [&words[..], &["--help"]].concat();
            let ran = workspace.run(&asked);
            assert_eq!(ran.code, 0, "{command} of {path}: {}", ran.stderr);
        }
    }
    let wanted = ["apply", "drift", "plan", "undo", "validate"].map(String::from);
    assert_eq!(seen, BTreeSet::from(wanted));
}
