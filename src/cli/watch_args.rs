//! The arguments of `entitle watch`, and the values that are derived from them.
//!
//! In: what clap parsed. Out: the rules of the engine, the git remote, the name of a replica group.
//! Nothing is opened or read here; `watch` does that.

use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::args::{Checks, Reach, Selection, StoreArgs};
use super::duration::parse_duration;
use super::endpoints::EndpointArgs;
use super::state;
use crate::cli::error::CommandResult;
use crate::daemon::engine::WatchRules;
use crate::daemon::mode::RunMode;
use crate::daemon::source::git::Remote;
use crate::daemon::window::ChangeWindow;
use crate::plan::max_changes::MaxChanges;

impl ValueEnum for RunMode {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Observe, Self::Heal, Self::Sync]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Observe => "Look and report; write nothing",
            Self::Heal => "Put back what was last applied; never follow the source",
            Self::Sync => "Follow the source, and heal what drifts from it",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

/// How the log is written to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle watch licences\n  entitle watch licences --mode sync\n  entitle watch examples --sandbox --mode sync --once",
    after_long_help = "Examples:\n  entitle watch licences\n  entitle watch licences --mode sync\n  entitle watch --mode sync --git https://git.example.com/licences.git --path licences --interval 1m\n  entitle watch licences --mode sync --window 'allow 0 22 * * 1-5 for 6h in Europe/Vienna'\n  entitle watch examples --sandbox --mode sync --once\n\nSIGHUP reads the source and the secrets again. The first SIGTERM or Ctrl-C finishes what is in flight, the second stops at once. --timeout is that of one pass. Over a --store in PostgreSQL or a bucket, processes with the same mode, scope and manifests share the accounts out."
)]
pub struct Watch {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub reach: Reach,
    /// What may be done about a difference
    #[arg(long, value_enum, env = "ENTITLE_MODE", default_value = "observe")]
    pub mode: RunMode,
    /// Look at everything this often, hint or no hint; an object's policy may say otherwise
    #[arg(long, value_name = "DURATION", env = "ENTITLE_RESYNC", default_value = "10m", value_parser = parse_positive)]
    pub resync: Duration,
    /// Write nothing to a connection where more objects would change: a number, or a share, counted from 10 objects
    #[arg(
        long,
        value_name = "N|P%",
        env = "ENTITLE_MAX_CHANGES",
        default_value = MaxChanges::OF_DAEMON
    )]
    pub max_changes: MaxChanges,
    /// When to write, and when not to: `allow|deny CRON for LENGTH [in ZONE]`; may be given several times
    #[arg(
        long,
        value_name = "WINDOW",
        env = "ENTITLE_WINDOW",
        value_delimiter = ';'
    )]
    pub window: Vec<ChangeWindow>,
    /// Take the manifests from this git remote instead of from files (https, ssh or file)
    #[arg(
        long,
        value_name = "URL",
        env = "ENTITLE_GIT",
        conflicts_with = "paths"
    )]
    pub git: Option<String>,
    /// Branch or tag of the remote
    #[arg(
        long = "ref",
        value_name = "REF",
        env = "ENTITLE_GIT_REF",
        default_value = "main"
    )]
    pub reference: String,
    /// Folder of the remote with the manifests
    #[arg(long, value_name = "DIR", env = "ENTITLE_GIT_PATH", default_value = "")]
    pub path: String,
    /// How often the remote is asked for a new commit
    #[arg(long, value_name = "DURATION", env = "ENTITLE_INTERVAL", default_value = "1m", value_parser = parse_positive)]
    pub interval: Duration,
    /// Token for the remote over https
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ENTITLE_GIT_TOKEN",
        hide_env_values = true
    )]
    pub git_token: Option<String>,
    /// Compare the files every few seconds instead of waiting for events, for network file systems
    #[arg(long, env = "ENTITLE_POLL")]
    pub poll: bool,
    #[command(flatten)]
    pub endpoints: EndpointArgs,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten)]
    pub store: StoreArgs,
    /// End after one pass over everything, with the exit code of `apply`
    #[arg(long, env = "ENTITLE_ONCE")]
    pub once: bool,
    /// How the log is written to standard error
    #[arg(long, value_enum, env = "ENTITLE_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

impl Watch {
    /// Reports whether the log is JSON.
    pub fn logs_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }

    /// Reports whether the daemon ends by itself, after one pass.
    pub fn is_once(&self) -> bool {
        self.once
    }

    /// Returns the rules by which the engine decides when to read and what to write.
    pub fn rules(&self) -> WatchRules {
        WatchRules {
            mode: self.mode,
            resync: self.resync,
            max_changes: self.max_changes,
            windows: self.window.clone(),
        }
    }

    /// Returns the name of the group of replicas that divide accounts among themselves.
    ///
    /// The name consists of the mode and a hash over the source and the scope, for example `sync
    /// 3f9a0c12be77`. Replicas with the same name must treat an object in the same way: one with another
    /// `--target` looks after other objects of the same account, so it belongs to another group.
    /// Settings that may differ between pods (`--resync`, `--cache`, the token) are not part of it.
    pub fn group(&self, remote: Option<&Remote>, paths: &[String]) -> String {
        let remote = remote.map(|remote| {
            [
                remote.redacted_url(),
                remote.reference.clone(),
                remote.path.clone(),
            ]
        });
        let Selection {
            paths: _,
            target,
            exclude,
            selector,
            environment,
            cache: _,
        } = &self.selection;
        let scope = &self.store.scope;
        let mut manifests =
            format!("{remote:?} {paths:?} {scope:?} {target:?} {exclude:?} {selector:?}");
        if let Some(environment) = environment {
            manifests += &format!(" {environment:?}");
        }
        format!(
            "{} {}",
            self.rules().mode.name(),
            short_digest(&manifests, 12)
        )
    }

    /// Returns the git remote of `--git`; `None` if the manifests are files.
    ///
    /// Its local copy lies in the state directory, in a folder named after a hash of the URL, so that a
    /// URL with a password does not appear in a path. Returns `Err` for a URL or ref that git must not
    /// be given.
    pub fn remote(&self) -> CommandResult<Option<Remote>> {
        let Some(url) = &self.git else {
            return Ok(None);
        };
        let name = short_digest(url, 16);
        let remote = Remote {
            url: url.clone(),
            reference: self.reference.clone(),
            path: self.path.clone(),
            dir: state::state_dir()?.join("git").join(name),
            token: self.git_token.clone(),
        };
        remote.check()?;
        Ok(Some(remote))
    }
}

/// Returns the first hexadecimal digits of the hash of a text.
fn short_digest(text: &str, digits: usize) -> String {
    let digest = crate::plan::fingerprint::json_digest(&text);
    let bare = digest.chars().skip_while(|c| *c != ':').skip(1);
    bare.take(digits).collect()
}

/// Parses a duration of at least a second: a shorter interval would call vendors without a pause.
fn parse_positive(text: &str) -> Result<Duration, String> {
    let span = parse_duration(text)?;
    if span < Duration::from_secs(1) {
        return Err("a second is the shortest".into());
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        watch: Watch,
    }

    fn group(arguments: &[&str]) -> String {
        let arguments = ["watch"].iter().chain(arguments);
        let watch = Program::parse_from(arguments).watch;
        let remote = watch.remote().unwrap();
        watch.group(remote.as_ref(), &[])
    }

    #[test]
    fn replicas_are_of_one_group_if_they_keep_the_same_objects_in_the_same_mode() {
        let git = ["--git", "https://git.example.com/a.git"];
        let with = |more: &[&str]| group(&[&git, more].concat());
        let ours = with(&[]);
        assert!(ours.starts_with("observe "), "{ours}");
        // These differ from pod to pod, or over time.
        for same in [
            ["--resync", "1m"],
            ["--cache", "/tmp/a"],
            ["--git-token", "t"],
        ] {
            assert_eq!(with(&same), ours, "{same:?}");
        }
        for other in [
            ["--mode", "sync"],
            ["--path", "licences"],
            ["--ref", "next"],
            ["--scope", "b"],
            ["--selector", "team=a"],
            ["--target", "LacLicenseOrder/*"],
            ["--exclude", "LacLicenseOrder/*"],
        ] {
            assert_ne!(with(&other), ours, "{other:?}");
        }
        assert_ne!(group(&["--git", "https://git.example.com/b.git"]), ours);
    }
}
