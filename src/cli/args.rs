//! The arguments that several commands share, each kind of them a group. Help texts are the doc comments.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use url::Url;

use super::duration::parse_duration;
use super::sandbox_choice::SandboxChoice;
use super::trusted::TrustedHosts;
use super::values::{parse_kind, parse_parallelism, parse_process_count, parse_request_count};
use crate::apply::memory::ScopeReader;
use crate::model::dated::Moment;
use crate::model::{Kind, Verify, WriteChecks};
use crate::plan::max_changes::MaxChanges;
use crate::reconcile::EnvironmentChoice;
use crate::render::report;
use crate::sandbox::FaultPlan;

/// Which manifests, and which objects in them.
#[derive(Args, Clone)]
pub struct Selection {
    /// Files or directories with manifests; `-` is standard input [default: .]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Only objects whose Kind/name matches; may be given several times
    #[arg(
        long,
        value_name = "GLOB",
        env = "ENTITLE_TARGET",
        value_delimiter = ','
    )]
    pub target: Vec<String>,
    /// Not the objects whose Kind/name matches; may be given several times
    #[arg(
        long,
        value_name = "GLOB",
        env = "ENTITLE_EXCLUDE",
        value_delimiter = ','
    )]
    pub exclude: Vec<String>,
    /// Only objects with this label; may be given several times
    #[arg(
        long,
        value_name = "KEY=VALUE",
        env = "ENTITLE_SELECTOR",
        value_delimiter = ','
    )]
    pub selector: Vec<String>,
    /// The Environment whose values and connections count [default: the only one]
    #[arg(
        long = "env",
        id = "env",
        value_name = "NAME",
        env = "ENTITLE_ENVIRONMENT"
    )]
    pub environment: Option<String>,
    #[command(flatten)]
    pub cache: CacheArgs,
}

/// Where runs keep what they read, so that only manifests that changed are read anew.
#[derive(Args, Clone, Default)]
pub struct CacheArgs {
    /// Directory in which runs remember what manifests say, so that only those that changed are read anew
    /// [default: entitle in the cache directory of the user; none in a CI job]
    #[arg(long, value_name = "DIR", env = "ENTITLE_CACHE")]
    pub cache: Option<PathBuf>,
    /// Read all manifests anew, and remember nothing
    #[arg(long, env = "ENTITLE_NO_CACHE")]
    pub no_cache: bool,
}

impl Selection {
    /// All objects of the manifests at these paths.
    pub fn all_of(paths: &[PathBuf]) -> Self {
        Self {
            paths: paths.to_vec(),
            target: Vec::new(),
            exclude: Vec::new(),
            selector: Vec::new(),
            environment: None,
            cache: CacheArgs::default(),
        }
    }

    /// Returns how the run comes to its environment.
    pub fn environment_choice(&self) -> EnvironmentChoice {
        self.environment
            .clone()
            .map_or(EnvironmentChoice::Only, EnvironmentChoice::Named)
    }

    /// The same manifests, all of their objects.
    pub fn whole(&self) -> Self {
        Self {
            target: Vec::new(),
            exclude: Vec::new(),
            selector: Vec::new(),
            ..self.clone()
        }
    }
}

/// The manifests that `why` and `render` resolve: where they are, and in which environment and at what time.
#[derive(Args, Clone)]
pub struct ResolvedManifests {
    /// Files or directories with manifests; `-` is standard input [default: .]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The Environment whose values and connections count [default: the only one]
    #[arg(
        long = "env",
        id = "env",
        value_name = "NAME",
        env = "ENTITLE_ENVIRONMENT"
    )]
    pub environment: Option<String>,
    #[command(flatten)]
    pub at: AtTime,
}

impl ResolvedManifests {
    /// Returns them as a selection, with all of their objects.
    pub fn selection(&self) -> Selection {
        Selection {
            environment: self.environment.clone(),
            ..Selection::all_of(&self.paths)
        }
    }
}

/// The time that a reading command looks at. No command that writes has it.
#[derive(Args, Clone, Copy)]
pub struct AtTime {
    /// Look at this day or moment instead of now: dated changes that begin until then have begun
    #[arg(long, value_name = "DATE|INSTANT", env = "ENTITLE_AT")]
    pub at: Option<Moment>,
}

/// How long a command may take.
#[derive(Args, Clone, Copy)]
pub struct Time {
    /// Longest time for the whole run, for example 90s or 10m
    #[arg(long, value_name = "DURATION", env = "ENTITLE_TIMEOUT", default_value = "10m", value_parser = parse_duration)]
    pub timeout: Duration,
}

/// How the vendors are reached.
#[derive(Args, Clone)]
pub struct Reach {
    /// Use simulators instead of accounts: built-in ones, or those of `entitle sandbox`
    ///
    /// Without ADDR they are started for this run and end with it. With the address of `entitle sandbox`, such as
    /// 127.0.0.1:8901, they go on, and an account changes over several runs.
    #[arg(
        long,
        value_name = "ADDR",
        env = "ENTITLE_SANDBOX",
        num_args = 0..=1,
        require_equals = true,
        default_value = "off",
        default_missing_value = "on",
        hide_default_value = true
    )]
    pub sandbox: SandboxChoice,
    /// Let calls to the simulators go wrong, the same ones for the same seed: 7 or 7:429=10,drop-after=5 (percent)
    #[arg(
        long,
        value_name = "SEED[:SPEC]",
        env = "ENTITLE_FAULTS",
        requires = "sandbox"
    )]
    pub faults: Option<FaultPlan>,
    /// Calls of the whole run at the same time
    #[arg(
        long,
        value_name = "N",
        env = "ENTITLE_PARALLELISM",
        default_value = "16",
        value_parser = parse_parallelism
    )]
    pub parallelism: std::num::NonZeroU16,
    #[command(flatten)]
    pub time: Time,
    #[command(flatten)]
    pub trust_hosts: TrustedHosts,
    /// Let manifests name commands that print secrets
    #[arg(long, env = "ENTITLE_ALLOW_EXEC")]
    pub allow_exec: bool,
    /// Read secret files below this directory and the working tree only, as with CI set; may be given several times
    #[arg(
        long,
        value_name = "DIR",
        env = "ENTITLE_SECRET_DIR",
        value_delimiter = ','
    )]
    pub secret_dir: Vec<PathBuf>,
}

impl Reach {
    /// Reaches the account at one base URL: credentials go to its host and to no other.
    ///
    /// Plain http is trusted if that is what the URL says. A URL without a host trusts nothing.
    pub fn to_host(base_url: &str) -> Self {
        let url = Url::parse(base_url).ok();
        let host = url.as_ref().and_then(|url| {
            let plain = if url.scheme() == "http" {
                "http://"
            } else {
                ""
            };
            format!("{plain}{}", url.host_str()?).parse().ok()
        });
        Self {
            sandbox: SandboxChoice::Off,
            faults: None,
            parallelism: std::num::NonZeroU16::MIN,
            time: Time {
                timeout: Duration::from_secs(60),
            },
            trust_hosts: TrustedHosts {
                list: Some(host.into_iter().collect()),
                of_project: false,
            },
            allow_exec: false,
            secret_dir: Vec::new(),
        }
    }
}

/// Which kinds of objects are read.
#[derive(Args, Clone, Default)]
pub struct Kinds {
    /// Only objects of this kind; without it those of all kinds that the vendor has; may be given several times
    #[arg(
        long,
        value_name = "KIND",
        env = "ENTITLE_KIND",
        value_delimiter = ',',
        value_parser = parse_kind
    )]
    pub kind: Vec<Kind>,
}

/// What goes to standard output where there are only facts to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// What a run prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Printed {
    Text,
    Json,
    Markdown,
}

/// How a run is shown.
#[derive(Args, Clone)]
pub struct Rendering {
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    pub format: Printed,
    /// Also write the run as text, json, markdown, github, gitlab, sarif, junit or html; may be given several
    /// times. `github` needs no file: its annotations go to standard output, the rest to the runner's files
    #[arg(
        long,
        value_name = "FORMAT=FILE",
        env = "ENTITLE_REPORT",
        value_delimiter = ',',
        add = ArgValueCandidates::new(report_candidates)
    )]
    pub report: Vec<ReportTo>,
    /// Show every object by itself where several change the same, and every finding
    #[arg(long, env = "ENTITLE_FULL")]
    pub full: bool,
}

/// Returns what a shell completes `--report` to: the formats, with a `=` where a file has to follow.
fn report_candidates() -> Vec<CompletionCandidate> {
    let named = report::ReportFormat::ALL.map(|format| match format {
        report::ReportFormat::Github => format.name().to_string(),
        _ => format!("{}=", format.name()),
    });
    named.map(CompletionCandidate::new).into()
}

/// One report: its format, and its file unless it goes to standard output.
#[derive(Clone, Debug)]
pub struct ReportTo {
    pub format: report::ReportFormat,
    pub file: Option<PathBuf>,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file): (report::ReportFormat, _) = match text.split_once('=') {
            Some((format, file)) => (format.parse()?, Some(file)),
            None => (text.parse()?, None),
        };
        let to_stdout = format == report::ReportFormat::Github && matches!(file, None | Some("-"));
        let file = match to_stdout {
            true => None,
            false => Some(report_file(format.name(), file)?),
        };
        Ok(Self { format, file })
    }
}

/// The file of a report.
pub fn report_file(format: &str, file: Option<&str>) -> Result<PathBuf, String> {
    match file {
        Some("-") => Err(format!(
            "--report needs a file; for standard output there is --format {format}"
        )),
        None | Some("") => Err(format!("say where it goes: {format}=FILE")),
        Some(file) => Ok(file.into()),
    }
}

/// A risk that a run may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AllowedRisk {
    /// Take something away
    Reduce,
    /// Take away what is in use right now
    Strand,
    /// Remove the object itself, for good
    Destroy,
}

/// How many requests a run may take.
#[derive(Args, Clone, Copy)]
pub struct RequestLimit {
    /// Write nothing if the run would take more requests than this: logins, reads, writes and the reads around them
    ///
    /// `watch` has no such limit, with `--once` neither: it writes while it reads, and its requests are bounded by the
    /// vendor's rates, its writes by `--max-changes` and windows.
    #[arg(long, value_name = "N", env = "ENTITLE_MAX_REQUESTS", value_parser = parse_request_count)]
    pub max_requests: Option<usize>,
}

/// What may be written, and how it is remembered.
#[derive(Args)]
pub struct Consent {
    /// Do not ask; steps that take something away are refused unless allowed
    #[arg(long, alias = "yes", env = "ENTITLE_AUTO_APPROVE")]
    pub auto_approve: bool,
    /// Accept this risk in every object
    #[arg(
        long,
        value_enum,
        value_name = "RISK",
        env = "ENTITLE_ALLOW",
        value_delimiter = ','
    )]
    pub allow: Vec<AllowedRisk>,
    /// Send nothing if more objects would change: a number, or a share such as 10%
    #[arg(long, value_name = "N|P%", env = "ENTITLE_MAX_CHANGES")]
    pub max_changes: Option<MaxChanges>,
    #[command(flatten)]
    pub requests: RequestLimit,
    /// Start no further step after the first failure
    #[arg(long, env = "ENTITLE_FAIL_FAST")]
    pub fail_fast: bool,
    /// Wait this long for another run that writes to the same connection
    #[arg(long, value_name = "DURATION", env = "ENTITLE_LOCK_TIMEOUT", default_value = "0s", value_parser = parse_duration)]
    pub lock_timeout: Duration,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Write what happens as JSON lines, one event each; `-` is standard output
    #[arg(long, value_name = "FILE", env = "ENTITLE_EVENTS")]
    pub events: Option<PathBuf>,
}

/// What is looked at around each write.
#[derive(Args, Clone)]
pub struct Checks {
    /// Believe a read this young before a write that replaces more than it manages, instead of reading again
    /// right before it: what somebody else changes in this time is overwritten without a word
    #[arg(long, value_name = "DURATION", env = "ENTITLE_TRUST_READS", default_value = "0s", value_parser = parse_duration)]
    pub trust_reads: Duration,
    /// What shows that a write was carried out
    #[arg(
        long,
        value_enum,
        value_name = "BY",
        env = "ENTITLE_VERIFY",
        default_value = "echo"
    )]
    pub verify: VerifyBy,
    /// Look this long at a written object that still shows what was there before
    #[arg(long, value_name = "DURATION", env = "ENTITLE_SETTLE", default_value = "10s", value_parser = parse_duration)]
    pub settle: Duration,
}

impl Checks {
    pub fn of_writes(&self) -> WriteChecks {
        WriteChecks {
            trust_reads: self.trust_reads,
            verify: match self.verify {
                VerifyBy::Echo => Verify::Echo,
                VerifyBy::Read => Verify::Read,
            },
            settle: self.settle,
        }
    }
}

/// What shows that a write was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerifyBy {
    /// The reply to the write, where it shows the object; a read otherwise
    Echo,
    /// A read after every write
    Read,
}

/// What a team's runs share.
#[derive(Args, Clone, Default)]
pub struct SharedStore {
    /// The store that a team's runs share: postgres://…, s3://…, gs://…, az://… or file:DIRECTORY [default: files of
    /// this user]
    #[arg(
        long = "store",
        value_name = "URL",
        env = "ENTITLE_STORE",
        hide_env_values = true
    )]
    pub url: Option<String>,
    /// How many processes share a vendor's rates while the store cannot tell [default: 4, or 1 in a bucket]
    #[arg(long, value_name = "N", env = "ENTITLE_SHARE", value_parser = parse_process_count)]
    pub share: Option<u32>,
}

/// Where runs remember what they did and lock accounts.
#[derive(Args, Clone, Default)]
pub struct StoreArgs {
    #[command(flatten)]
    pub shared: SharedStore,
    /// Name of this repository in a store that several share, which then sees its own runs only [default: the scope of the
    /// Environment]
    #[arg(long, value_name = "NAME", env = "ENTITLE_SCOPE")]
    pub scope: Option<String>,
    /// Journal of applies [default: entitle/journal.jsonl in the state directory of the user]
    #[arg(
        long,
        value_name = "FILE",
        env = "ENTITLE_JOURNAL",
        conflicts_with = "url"
    )]
    pub journal: Option<PathBuf>,
}

impl StoreArgs {
    /// Returns whose runs and baselines count.
    pub fn reader(&self) -> ScopeReader {
        ScopeReader::new(self.scope.clone())
    }

    /// Returns the same without what a team shares.
    pub fn local(&self) -> Self {
        Self {
            shared: SharedStore::default(),
            ..self.clone()
        }
    }
}
