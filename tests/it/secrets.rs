//! Where secrets come from, where they may go, and that no run of the program prints one: not its own, not
//! those that stand in the vendors' replies. Every run of a [`Workspace`] is searched for those it knows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use super::conformance::vendors::{self, cryptlex, lac, licensespring};
use super::support::program::Workspace;
use super::support::proxy::{Canned, Passed, Proxy, Spoil};

const TOKEN: &str = "sandbox-token";

/// One LAC order that wants a change, and a connection whose `auth` is still to be written.
async fn lac_workspace(auth: &serde_json::Value) -> Workspace {
    let mut workspace = Workspace::new().await;
    let state = (lac::VENDOR.account)(3);
    workspace
        .sandbox
        .set_state("lac", state)
        .expect("an account");
    workspace.object(&lac::VENDOR.little(0, true));
    let base = workspace.sandbox.url("lac");
    workspace.connection("lac", &base, auth);
    workspace.secrets.push(TOKEN.into());
    workspace
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_only_with_leave() {
    let workspace = lac_workspace(&json!({"token": {"command": ["/bin/echo", TOKEN]}})).await;
    let refused = workspace.run(&["plan"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("runs only with --allow-exec"),
        "{}",
        refused.stdout
    );
    assert_eq!(workspace.sandbox.requests(), []);
    let allowed = workspace.run(&["plan", "--allow-exec"]);
    assert_eq!(allowed.code, 0, "{}", allowed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_editor_or_a_shell_put_around_a_credential_is_said() {
    let mut workspace = lac_workspace(&json!({"token": {"env": "LAC_TOKEN"}})).await;
    for (token, words) in [
        (format!(" {TOKEN}"), "the credential begins with a space"),
        (format!("\"{TOKEN}\""), "the credential stands in quotes"),
    ] {
        workspace.set_secret("LAC_TOKEN", &token);
        let ran = workspace.run(&["plan"]);
        assert!(ran.code == 1 && ran.stderr.contains(words), "{ran:?}");
        assert_eq!(workspace.sandbox.requests(), [], "no header carries it");
    }
    // A password may be meant so: it is said once the vendor refused it.
    let mut workspace = Workspace::new().await;
    workspace.connect_by_login("informatica");
    workspace.object(&crate::conformance::vendors::informatica::VENDOR.little(0, false));
    workspace.set_secret("INFORMATICA_PASSWORD", "'sandbox-password '");
    let ran = workspace.run(&["plan"]);
    let words = "`password` stands in quotes";
    assert!(ran.code == 1 && ran.stderr.contains(words), "{ran:?}");
    assert!(ran.stderr.contains("credentials refused"), "{ran:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_from_a_pipe_is_refused_with_what_to_do_instead() {
    let workspace = lac_workspace(&json!({"token": {"file": "token"}})).await;
    let path = workspace.dir.path().join("token");
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo runs").success());
    let ran = workspace.run(&["plan"]);
    assert_eq!(ran.code, 1);
    let words = "is a pipe, and what a manifest names is a regular file";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(ran.stderr.contains("{env: NAME}"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_ci_a_secret_file_outside_the_tree_needs_a_word() {
    let outside = tempfile::tempdir().expect("a directory");
    let file = outside.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("written");
    let mut workspace = lac_workspace(&json!({"token": {"file": file}})).await;
    assert_eq!(
        workspace.run(&["plan"]).code,
        0,
        "a person may read any file"
    );
    workspace.set("CI", "true");
    workspace.sandbox.forget_requests();
    let refused = workspace.run(&["plan"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("--secret-dir"),
        "{}",
        refused.stderr
    );
    assert_eq!(workspace.sandbox.requests(), []);
    let dir = outside.path().display().to_string();
    assert_eq!(workspace.run(&["plan", "--secret-dir", &dir]).code, 0);

    // A link inside the tree does not lead out of it.
    #[cfg(unix)]
    {
        let link = workspace.dir.path().join("token");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        let base = workspace.sandbox.url("lac");
        workspace.connection("lac", &base, &json!({"token": {"file": "token"}}));
        assert_eq!(workspace.run(&["plan"]).code, 1);
        std::fs::remove_file(&link).expect("removed");
        std::fs::write(&link, TOKEN).expect("written");
        assert_eq!(workspace.run(&["plan"]).code, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_go_to_trusted_hosts_only() {
    let mut workspace = lac_workspace(&json!({"token": {"env": "LAC_AUTH"}})).await;
    workspace.set_secret("LAC_AUTH", TOKEN);
    let refused = workspace.run(&["plan", "--trust-hosts", "lac.example.com,*.example.org"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("--trust-hosts"),
        "{}",
        refused.stderr
    );
    assert_eq!(workspace.sandbox.requests(), []);
    // Before a secret is looked for: its absence is not what the run ends with.
    workspace.environment.retain(|(name, _)| name != "LAC_AUTH");
    let refused = workspace.run(&["plan", "--trust-hosts", "lac.example.com"]);
    assert!(
        refused.stderr.contains("--trust-hosts"),
        "{}",
        refused.stderr
    );
    workspace.set_secret("LAC_AUTH", TOKEN);
    assert_eq!(
        workspace.run(&["plan", "--trust-hosts", "127.0.0.1"]).code,
        0
    );
    workspace.set("ENTITLE_TRUST_HOSTS", "lac.example.com");
    assert_eq!(workspace.run(&["plan"]).code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_for_loopback_only() {
    let mut workspace = lac_workspace(&json!({"token": {"env": "LAC_AUTH"}})).await;
    workspace.set_secret("LAC_AUTH", TOKEN);
    workspace.connection(
        "lac",
        "http://lac.example.com",
        &json!({"token": {"env": "LAC_AUTH"}}),
    );
    workspace.run(&["plan"]).failed(1, "http");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_manifest_is_an_error_that_does_not_show_it() {
    for auth in [
        json!({"token": "hunter2-in-git"}),
        json!({"login": {"username": "admin", "password": "hunter2-in-git"}}),
        json!({"token": {"value": "hunter2-in-git"}}),
        json!({"token": ["hunter2-in-git"]}),
    ] {
        let mut workspace = lac_workspace(&auth).await;
        workspace.secrets.push("hunter2-in-git".into());
        for arguments in [&["validate"][..], &["plan"], &["apply", "--auto-approve"]] {
            let ran = workspace.run(arguments);
            assert_eq!(
                (ran.code, ran.stdout.as_str()),
                (1, ""),
                "{arguments:?} {auth}"
            );
        }
        let ran = workspace.run(&["validate", "--format", "json"]);
        assert_eq!((ran.code, ran.json()["valid"].clone()), (1, json!(false)));
    }
}

/// Everything that a run can print, with the most talkative logs.
fn everything(workspace: &Workspace) {
    for arguments in [
        &["plan"][..],
        &["plan", "--format", "json", "--out", "plan.json"],
        &["show", "plan.json"],
        &["apply", "--auto-approve", "--allow", "strand"],
        &["apply", "--auto-approve", "--format", "json"],
        &["history", "--full"],
        &["history", "--full", "--format", "json"],
    ] {
        workspace.run(arguments);
    }
    for folder in [
        workspace.dir.path().to_path_buf(),
        workspace.dir.path().join("state/entitle"),
    ] {
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            for secret in &workspace.secrets {
                assert!(
                    !text.contains(secret),
                    "{} holds a secret",
                    file.path().display()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vendors_show_beside_the_managed_fields_is_never_shown() {
    let mut workspace = Workspace::new().await;
    workspace.connect("licensespring");
    workspace.connect("cryptlex");
    workspace.set("ENTITLE_LOG", "trace");
    workspace.secrets.push("SECRET".into());
    for vendor in [&licensespring::VENDOR, &cryptlex::VENDOR] {
        let state = (vendor.account)(3);
        workspace
            .sandbox
            .set_state(vendor.name, state)
            .expect("an account");
        let mut object = vendor.little(0, true);
        object.name = vendor.name.into();
        workspace.write(&format!("{}-object.yaml", vendor.name), &object.text());
    }
    everything(&workspace);
    assert!(
        workspace
            .sandbox
            .requests()
            .iter()
            .any(|seen| seen.method == "PATCH")
    );
}

type When = fn(&Passed) -> bool;

/// What an unfriendly server answers to the calls for which `when` says so: the request, head and body.
fn echo(status: u16, when: When) -> impl Fn(usize, &Passed) -> Option<Spoil> {
    move |_, passed| {
        let head: Vec<String> = passed
            .headers
            .iter()
            .map(|(n, v)| format!("{n}: {v}"))
            .collect();
        let words = format!("{} {} {}", passed.name, head.join(", "), passed.body);
        let body = json!({"message": words, "code": words, "detail": words}).to_string();
        when(passed).then(|| Spoil::Instead(Canned::new(status, "application/json", body)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_the_request_does_not_get_the_secrets_printed() {
    let password = "hunter2-of-the-vault";
    let session = "5a4db07e00000000";
    let cases: [(u16, When); 8] = [
        (400, |passed| passed.name.contains("/auth/tokens")),
        (500, |passed| passed.name.contains("/auth/tokens")),
        (200, |passed| passed.name.contains("/auth/tokens")),
        (400, Passed::is_read),
        (403, Passed::is_read),
        (200, Passed::is_read),
        (400, Passed::is_write),
        (500, Passed::is_write),
    ];
    for (status, when) in cases {
        let auth = json!({"login": {"username": {"env": "LAC_USER"}, "password": {"env": "LAC_PASSWORD"}}});
        let mut workspace = lac_workspace(&auth).await;
        workspace.set("ENTITLE_LOG", "trace");
        workspace.set_secret("LAC_USER", "admin");
        workspace.set("ENTITLE_TIMEOUT", "600ms");
        workspace.secrets.push(session.into());
        // Only the right password leads past the login; it is too plain a word to look for.
        if when(&Passed {
            name: "POST /lac/auth/tokens".into(),
            ..Passed::default()
        }) {
            workspace.set_secret("LAC_PASSWORD", password);
        } else {
            workspace.set("LAC_PASSWORD", "sandbox");
        }
        let proxy = Proxy::start(workspace.sandbox.address(), echo(status, when)).await;
        workspace.connection("lac", &format!("http://{}/lac", proxy.address), &auth);
        everything(&workspace);
        assert!(
            proxy.passed().iter().any(when),
            "the server was never asked"
        );
    }
}

/// The logins there are, with their members.
const LOGINS: [(&str, &str, &[&str]); 4] = [
    ("lac", "login", &["username", "password"]),
    ("cryptlex", "login", &["accountAlias", "email", "password"]),
    ("informatica", "login", &["username", "password"]),
    (
        "alinea",
        "clientCredentials",
        &["clientId", "clientSecret", "scope"],
    ),
];

/// GitLab's has counts and no words.
const FORMATS: [&str; 7] = [
    "text", "json", "markdown", "github", "sarif", "junit", "html",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_member_of_a_login_that_came_from_a_reference_is_shown_in_any_rendering() {
    for (vendor, form, members) in LOGINS {
        for member in members {
            let mut workspace = Workspace::new().await;
            let value = format!("{member} of-the/vault");
            let spellings = [
                value.clone(),
                value.to_uppercase(),
                value.replace(' ', "+").replace('/', "%2F"),
                BASE64.encode(&value),
            ];
            let words = format!("user {} is unknown", spellings.join(", "));
            let refuse = move |_: usize, _: &Passed| {
                let body = json!({"message": words, "error_description": words}).to_string();
                Some(Spoil::Instead(Canned::new(400, "application/json", body)))
            };
            let proxy = Proxy::start(workspace.sandbox.address(), refuse).await;
            let base = format!("http://{}", proxy.address);
            let mut auth = json!({});
            for name in members {
                auth[name] = json!({"env": name.to_uppercase()});
                workspace.set(&name.to_uppercase(), "another-word");
            }
            if form == "clientCredentials" {
                auth["tokenUrl"] = json!(format!("{base}/oauth/token"));
            }
            workspace.set(&member.to_uppercase(), &value);
            workspace.secrets.extend(spellings);
            workspace.connection(vendor, &base, &json!({form: auth}));
            let kind = vendors::ALL.iter().find(|one| one.name == vendor);
            workspace.object(&kind.expect("a vendor").little(0, true));
            let reports = FORMATS.map(|it| format!("{it}=report.{it}")).join(",");
            let ran = workspace.run(&["plan", "--report", &reports]);
            assert!(
                ran.stderr.contains("[secret]"),
                "{vendor} {member}: {ran:?}"
            );
            for format in FORMATS {
                let report = workspace.dir.path().join(format!("report.{format}"));
                let report = std::fs::read_to_string(report).expect("a report");
                assert!(report.contains("[secret]"), "{format}: {report}");
                for secret in &workspace.secrets {
                    assert!(!report.contains(secret), "{format} of {vendor}: {report}");
                }
            }
            workspace.run(&["drift", "--format", "json"]);
            workspace.run(&["import", "--all"]);
            workspace.run(&["watch", ".", "--once", "--log-format", "json"]);
            everything(&workspace);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_reply_is_not_quoted() {
    for body in [
        r#"[{"license_key": "SECRET-KEY", "initial_password": 'SECRET'}]"#,
        r#"{"count": 1, "results": [{"license_key": "SECRET-KEY"}], }"#,
        r#"{"license_key": "SECRET-KEY"#,
        r#"SECRET-KEY"#,
    ] {
        let mut workspace = Workspace::new().await;
        workspace.connect("licensespring");
        workspace.secrets.push("SECRET".into());
        let vendor = &licensespring::VENDOR;
        workspace.object(&vendor.little(0, true));
        let rule = move |_: usize, _: &Passed| {
            Some(Spoil::Instead(Canned::new(200, "application/json", body)))
        };
        let proxy = Proxy::start(workspace.sandbox.address(), rule).await;
        let base = format!("http://{}/licensespring", proxy.address);
        workspace.connection(
            "licensespring",
            &base,
            &json!({"apiKey": {"env": "LICENSESPRING_AUTH"}}),
        );
        let plan = workspace.run(&["plan"]);
        assert_eq!(plan.code, 1);
        assert!(
            plan.stderr.contains("did not answer with JSON"),
            "{}",
            plan.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_several_lists_need_is_named_once() {
    let workspace = lac_workspace(&json!({"token": {"env": "LAC_TOKEN"}})).await;
    for arguments in [&["unmanaged"][..], &["import", "--all"]] {
        let ran = workspace.run(arguments);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        let named = ran.stderr.matches("LAC_TOKEN is not set").count();
        assert_eq!(named, 1, "{}", ran.stderr);
    }
}
