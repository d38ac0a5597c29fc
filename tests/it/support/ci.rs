//! The jobs of `examples/ci`, read from their files as the CI systems read them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value as Json};

use super::golden;
use super::program::{Ran, Workspace};

/// A CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    GitHub,
    GitLab,
}

pub const HOSTS: [Host; 2] = [Host::GitHub, Host::GitLab];

/// What people have set, by its name in expressions: `secrets.NAME`, `vars.NAME`, `inputs.run`; and where a machine has
/// its files: `runner.temp` and `project`.
pub type Settings = BTreeMap<String, String>;

/// What a runner executes for a job, and the environment that it does so in.
#[derive(Clone, Debug)]
pub struct Job {
    pub script: String,
    pub environment: BTreeMap<String, String>,
    shell: &'static [&'static str],
}

impl Host {
    /// Returns the path of the example below `examples/ci`.
    pub fn file(self) -> &'static str {
        match self {
            Self::GitHub => "github.yaml",
            Self::GitLab => "gitlab.yaml",
        }
    }

    pub fn text(self) -> String {
        let path = golden::tests_dir().join("../examples/ci").join(self.file());
        std::fs::read_to_string(path).expect("readable")
    }

    pub fn yaml(self) -> Json {
        serde_yaml::from_str(&self.text()).expect("YAML")
    }

    pub fn job(self, name: &str, settings: &Settings) -> Job {
        match self {
            Self::GitHub => github(name, settings),
            Self::GitLab => gitlab(name, settings),
        }
    }
}

/// The one step of a job that runs something; the others are actions.
fn github(name: &str, settings: &Settings) -> Job {
    let workflow = Host::GitHub.yaml();
    let inputs = workflow["on"]["workflow_dispatch"]["inputs"].as_object();
    let mut settings = settings.clone();
    for (name, input) in inputs.into_iter().flatten() {
        let default = input["default"].as_str().unwrap_or_default();
        let value = settings.entry(format!("inputs.{name}"));
        value.or_insert_with(|| default.to_string());
    }
    let job = &workflow["jobs"][name];
    let steps = job["steps"].as_array().expect("steps");
    let runs: Vec<&Json> = steps
        .iter()
        .filter(|step| step["run"].is_string())
        .collect();
    let [step] = runs[..] else {
        panic!("{name} has {} steps that run something", runs.len())
    };
    let mut environment = pairs([("CI", "true"), ("GITHUB_ACTIONS", "true")]);
    for of in [&workflow["env"], &job["env"], &step["env"]] {
        let set = of.as_object().into_iter().flatten();
        environment.extend(set.map(|(name, value)| {
            let value = value.as_str().expect("a text");
            (name.clone(), expanded(value, &settings))
        }));
    }
    if let Some(temp) = settings.get("runner.temp") {
        environment.insert("RUNNER_TEMP".into(), temp.clone());
        for (name, file) in [("OUTPUT", "output"), ("STEP_SUMMARY", "summary")] {
            environment.insert(format!("GITHUB_{name}"), format!("{temp}/{file}"));
        }
    }
    Job {
        script: step["run"].as_str().expect("a script").to_string(),
        environment,
        shell: &["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"],
    }
}

/// The lines of a job. What installs the program is not among them.
fn gitlab(name: &str, settings: &Settings) -> Job {
    let pipeline = Host::GitLab.yaml();
    let lines = pipeline[name]["script"].as_array().expect("a script");
    let lines: Vec<&str> = lines.iter().filter_map(Json::as_str).collect();
    let mut environment = pairs([("CI", "true"), ("GITLAB_CI", "true")]);
    for (name, value) in inherited(&pipeline, name) {
        let value = value.as_str().or(value["value"].as_str());
        let value = value.expect("a text");
        let directory = settings.get("project").map_or("/project", String::as_str);
        environment.insert(name, value.replace("$CI_PROJECT_DIR", directory));
    }
    for (key, value) in settings {
        let name = match key.as_str() {
            "inputs.run" => Some("UNDO"),
            "inputs.allow" => Some("UNDO_MAY"),
            key => key.strip_prefix("secrets.").or(key.strip_prefix("vars.")),
        };
        environment.extend(name.map(|name| (name.to_string(), value.clone())));
    }
    Job {
        script: lines.join("\n"),
        environment,
        shell: &["sh", "-e", "-c"],
    }
}

/// The variables of the pipeline, of what a job extends, and of the job.
fn inherited(pipeline: &Json, job: &str) -> Map<String, Json> {
    let mut chain = vec![&pipeline[job]];
    while let Some(base) = chain.last().and_then(|job| job["extends"].as_str()) {
        chain.push(&pipeline[base]);
    }
    chain.push(pipeline);
    let variables = chain.into_iter().rev().map(|of| &of["variables"]);
    let variables = variables.filter_map(Json::as_object).flatten();
    variables
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn pairs<const N: usize>(of: [(&str, &str); N]) -> BTreeMap<String, String> {
    of.map(|(name, value)| (name.into(), value.into())).into()
}

/// A text with the values of the expressions in it.
fn expanded(text: &str, settings: &Settings) -> String {
    let Some((before, rest)) = text.split_once("${{") else {
        return text.to_string();
    };
    let (expression, after) = rest.split_once("}}").expect("an end");
    format!(
        "{before}{}{}",
        value(expression, settings),
        expanded(after, settings)
    )
}

/// The value of an expression out of `||`, `&&`, `!=`, texts and names; what is false or not set is the empty text.
fn value(expression: &str, settings: &Settings) -> String {
    let any = expression.split("||").map(|all| {
        let values = all.split("&&").map(|one| operand(one.trim(), settings));
        let values: Vec<String> = values.collect();
        let empty = values.iter().find(|value| value.is_empty());
        empty.or(values.last()).cloned().unwrap_or_default()
    });
    let any: Vec<String> = any.collect();
    let found = any.iter().find(|value| !value.is_empty());
    found.cloned().unwrap_or_default()
}

fn operand(text: &str, settings: &Settings) -> String {
    if let Some((one, other)) = text.split_once("!=") {
        let differ = operand(one.trim(), settings) != operand(other.trim(), settings);
        return if differ { "true".into() } else { String::new() };
    }
    match text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
    {
        Some(text) => text.into(),
        None => settings.get(text).cloned().unwrap_or_default(),
    }
}

/// Runs a job in a place. No run prints a secret.
#[track_caller]
pub fn run(workspace: &Workspace, job: &Job) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_entitle"));
    let folder = program.parent().expect("a folder").display();
    let mut command = Command::new(job.shell[0]);
    command
        .args(&job.shell[1..])
        .arg(&job.script)
        .current_dir(workspace.dir.path())
        .env_clear()
        .env("PATH", format!("{folder}:/usr/local/bin:/usr/bin:/bin"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(workspace.environment.iter().cloned())
        .envs(&job.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    workspace.finish(command, "")
}

#[test]
fn expressions_are_read_as_the_runner_reads_them() {
    let settings = [
        ("vars.A", "a"),
        ("secrets.B", "b"),
        ("inputs.run", "nothing"),
    ];
    let settings = settings.map(|(name, value)| (name.to_string(), value.to_string()));
    let settings = Settings::from(settings);
    for (text, expected) in [
        ("plain", "plain"),
        ("${{ vars.A }}", "a"),
        ("x-${{ vars.C }}-${{ secrets.B }}", "x--b"),
        ("${{ secrets.B || vars.A }}", "b"),
        ("${{ secrets.C || vars.A }}", "a"),
        ("${{ vars.A && secrets.B }}", "b"),
        ("${{ vars.C && secrets.B }}", ""),
        ("${{ inputs.run != 'nothing' && inputs.run || '' }}", ""),
        ("${{ vars.A != 'nothing' && vars.A || '' }}", "a"),
    ] {
        assert_eq!(expanded(text, &settings), expected, "{text}");
    }
}
