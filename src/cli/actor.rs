//! Finds who runs the program, for the journal and for those who wait for its lock.

use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

/// Variables in which CI systems name the person who started a job: GitHub, Gitea and Forgejo, GitLab, Azure Pipelines,
/// CircleCI, Buildkite, Woodpecker and Drone, Jenkins.
const OF_CI: [&str; 8] = [
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILD_REQUESTEDFOR",
    "CIRCLE_USERNAME",
    "BUILDKITE_BUILD_CREATOR",
    "CI_COMMIT_AUTHOR",
    "DRONE_COMMIT_AUTHOR",
    "BUILD_USER_ID",
];

/// Variables in which a system keeps the login name of the user.
const OF_LOGIN: [&str; 3] = ["USER", "LOGNAME", "USERNAME"];

/// How long git or the user database may take; both answer from a file.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns the actor of the CI job, or else the user that git knows, or else the login name.
///
/// Programs are asked once in a process. `unknown` is returned only where nothing has a name.
pub fn find_actor() -> String {
    static ACTOR: OnceLock<String> = OnceLock::new();
    let variable = |name: &str| std::env::var(name).ok();
    let find = || {
        choose_actor(
            variable,
            || ask("git", &["config", "user.name"]),
            || ask("id", &["-un"]),
        )
    };
    ACTOR.get_or_init(find).clone()
}

/// Chooses the actor by what is known, the most specific name first. A text of spaces only counts as no name.
///
/// With `GITHUB_ACTOR=octocat` it is `octocat`, under every login name of the runner. Without a CI system it is
/// `Jane Doe` if git has that name, and `jane` if `USER` is all there is.
fn choose_actor(
    variable: impl Fn(&str) -> Option<String>,
    git_user: impl FnOnce() -> Option<String>,
    login: impl FnOnce() -> Option<String>,
) -> String {
    let named = |text: Option<String>| {
        let text = text?.trim().to_string();
        (!text.is_empty()).then_some(text)
    };
    let any = |names: &[&str]| names.iter().find_map(|name| named(variable(name)));
    any(&OF_CI)
        .or_else(|| named(git_user()))
        .or_else(|| any(&OF_LOGIN))
        .or_else(|| named(login()))
        .unwrap_or_else(|| "unknown".into())
}

/// Returns the first line that a program prints; `None` if it is not there, fails, or is slow.
fn ask(program: &'static str, arguments: &'static [&'static str]) -> Option<String> {
    let (answer, answered) = mpsc::channel();
    thread::spawn(move || {
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        // The receiver is gone if the program was slower than `PATIENCE`.
        let _ = answer.send(output);
    });
    let output = answered.recv_timeout(PATIENCE).ok()?.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.to_string();
    output.status.success().then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The actor with these variables, this name in git and this login.
    fn actor(variables: &[(&str, &str)], git: &str, login: &str) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_string())
        };
        let named = |text: &str| (!text.is_empty()).then(|| text.to_string());
        choose_actor(variable, || named(git), || named(login))
    }

    #[test]
    fn the_actor_of_a_job_comes_before_git_and_git_before_the_login() {
        let user = ("USER", "runner");
        for variable in OF_CI {
            assert_eq!(
                actor(&[user, (variable, "octocat")], "Jane", "j"),
                "octocat"
            );
        }
        assert_eq!(actor(&[user], "Jane Doe\n", "j"), "Jane Doe");
        assert_eq!(actor(&[user, ("GITHUB_ACTOR", " ")], "", "j"), "runner");
        assert_eq!(actor(&[("LOGNAME", "j")], "", ""), "j");
        assert_eq!(actor(&[("USER", "")], " ", "j"), "j");
        assert_eq!(actor(&[], "", ""), "unknown");
    }

    #[test]
    fn a_program_that_is_not_there_names_nobody() {
        assert_eq!(ask("no-such-program-here", &[]), None);
        assert_eq!(ask("false", &[]), None);
        assert_eq!(ask("echo", &["a name"]).as_deref(), Some("a name"));
    }
}
