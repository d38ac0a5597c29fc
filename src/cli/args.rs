//! What was typed. Help texts are the doc comments.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::plan::guard::MaxChanges;
use crate::render::report;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::duration::duration;
use super::populated::{Layout, object_count, percentage};
use crate::sandbox::FaultPlan;

/// GitOps for software licences
///
/// Keeps licences, editions, limits and features at Cryptlex, Informatica, LicenseSpring, Alinea and LAC as the
/// YAML files in your repository say: shows a plan, then makes it so with the fewest calls.
#[derive(Parser)]
#[command(
    name = "entitle",
    version,
    after_help = "Exit codes: 0 done, 1 error, 2 changes (plan --detailed-exitcode) or drift, 3 applied in part, \
                  4 refused by a guard, 5 stale, 6 locked, 7 did not converge, 130 and 143 interrupted.\n\n\
                  Try it without any account:\n  entitle plan examples --sandbox"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Check manifests offline
    Validate(Validate),
    /// Show what an apply would change
    Plan(Plan),
    /// Make the live objects as the manifests say
    Apply(Apply),
    /// Tell apart what you and what others changed; writes nothing
    Drift(Drift),
    /// Show a saved plan, offline
    Show(Show),
    /// Show what past applies did
    History(History),
    /// Plan and apply the inverse of a past apply
    Undo(Undo),
    /// Write manifests of live objects, or bring existing ones up to date
    Import(Import),
    /// List live objects that no manifest names
    Unmanaged(Unmanaged),
    /// Put manifests into their usual form, with comments kept
    Fmt(Fmt),
    /// Leave objects alone for a while, by a word in their manifests
    Suspend(super::suspend::Suspend),
    /// End the suspension of objects
    Resume(super::suspend::Resume),
    /// Write a starter project
    Init(Init),
    /// Write the JSON Schemas of manifests, plans, drift and events
    Schema(Schema),
    /// Explain a kind or a field of it
    Explain(Explain),
    /// Keep the live objects as the manifests say, until told to stop
    Watch(Box<super::watch::Watch>),
    /// Serve simulators of the five vendors on loopback
    Sandbox(Sandbox),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual page, or write one per command
    Man(Man),
}

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
}

/// How the vendors are reached.
#[derive(Args, Clone)]
pub struct Reach {
    /// Use built-in simulators of the vendors instead of accounts
    #[arg(long, env = "ENTITLE_SANDBOX")]
    pub sandbox: bool,
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
        default_value = "16"
    )]
    pub parallelism: std::num::NonZeroU16,
    /// Longest time for the whole run, for example 90s or 10m
    #[arg(long, value_name = "DURATION", env = "ENTITLE_TIMEOUT", default_value = "10m", value_parser = duration)]
    pub timeout: Duration,
    /// Send credentials to these hosts only; `*.example.com` is every host below
    #[arg(
        long,
        value_name = "HOST",
        env = "ENTITLE_TRUST_HOSTS",
        value_delimiter = ','
    )]
    pub trust_hosts: Option<Vec<String>>,
    /// Let manifests name commands that print secrets
    #[arg(long, env = "ENTITLE_ALLOW_EXEC")]
    pub allow_exec: bool,
    /// Also read secret files below this directory when CI is set
    #[arg(
        long,
        value_name = "DIR",
        env = "ENTITLE_SECRET_DIR",
        value_delimiter = ','
    )]
    pub secret_dir: Vec<PathBuf>,
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
#[derive(Args)]
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
        value_delimiter = ','
    )]
    pub report: Vec<ReportTo>,
}

/// One report: its format, and its file unless it goes to standard output.
#[derive(Clone, Debug)]
pub struct ReportTo {
    pub format: report::Format,
    pub file: Option<PathBuf>,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file): (report::Format, _) = match text.split_once('=') {
            Some((format, file)) => (format.parse()?, Some(file)),
            None => (text.parse()?, None),
        };
        let to_stdout = format == report::Format::Github && matches!(file, None | Some("-"));
        let file = match to_stdout {
            true => None,
            false => Some(report_file(format.name(), file)?),
        };
        Ok(Self { format, file })
    }
}

/// The file of a report.
fn report_file(format: &str, file: Option<&str>) -> Result<PathBuf, String> {
    match file {
        Some("-") => Err(format!(
            "--report needs a file; for standard output there is --format {format}"
        )),
        None | Some("") => Err(format!("say where it goes: {format}=FILE")),
        Some(file) => Ok(file.into()),
    }
}

/// One report of drift, of which there are fewer formats.
#[derive(Clone, Debug)]
pub struct DriftReportTo {
    pub format: Printed,
    pub file: PathBuf,
}

impl FromStr for DriftReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name, Some(file)),
            None => (text, None),
        };
        let format = <Printed as ValueEnum>::from_str(name, false).map_err(|_| {
            format!("there is no {name:?} report of drift; one of text, json, markdown")
        })?;
        let file = report_file(name, file)?;
        Ok(Self { format, file })
    }
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle validate\n  entitle validate licences connections.yaml\n  kustomize build . | entitle validate -"
)]
pub struct Validate {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub rendering: Rendering,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle plan\n  entitle plan licences --target 'Lac*/*' --detailed-exitcode\n  entitle plan --out plan.json --report markdown=plan.md --report github"
)]
pub struct Plan {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub reach: Reach,
    #[command(flatten)]
    pub rendering: Rendering,
    /// Exit with 2 when there are changes
    #[arg(long, env = "ENTITLE_DETAILED_EXITCODE")]
    pub detailed_exitcode: bool,
    /// Save the plan, to be applied later exactly as shown
    #[arg(long, value_name = "FILE", env = "ENTITLE_OUT")]
    pub out: Option<PathBuf>,
}

/// A risk that a run may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AllowedRisk {
    /// Take something away
    Reduce,
    /// Take away what is in use right now
    Strand,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle apply\n  entitle apply licences --auto-approve --allow reduce\n  entitle apply plan.json\n  entitle apply examples --sandbox --auto-approve\n  entitle apply plan.json --events events.jsonl --report html=apply.html"
)]
pub struct Apply {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub reach: Reach,
    #[command(flatten)]
    pub rendering: Rendering,
    #[command(flatten)]
    pub consent: Consent,
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
    /// Start no further step after the first failure
    #[arg(long, env = "ENTITLE_FAIL_FAST")]
    pub fail_fast: bool,
    /// Wait this long for another run that writes to the same connection
    #[arg(long, value_name = "DURATION", env = "ENTITLE_LOCK_TIMEOUT", default_value = "0s", value_parser = duration)]
    pub lock_timeout: Duration,
    #[command(flatten)]
    pub journal: JournalFile,
    /// Write what happens as JSON lines, one event each; `-` is standard output
    #[arg(long, value_name = "FILE", env = "ENTITLE_EVENTS")]
    pub events: Option<PathBuf>,
}

/// Where past applies are remembered.
#[derive(Args)]
pub struct JournalFile {
    /// Journal of applies [default: entitle/journal.jsonl in the state directory of the user]
    #[arg(long, value_name = "FILE", env = "ENTITLE_JOURNAL")]
    pub journal: Option<PathBuf>,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle drift\n  entitle drift licences --base HEAD --format json\n  entitle drift licences --report markdown=drift.md\n  entitle drift --target 'LacLicenseOrder/*' --accepted lets-be.yaml"
)]
pub struct Drift {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub reach: Reach,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    pub format: Printed,
    /// Also write the drift as text, json or markdown; may be given several times
    #[arg(
        long,
        value_name = "FORMAT=FILE",
        env = "ENTITLE_REPORT",
        value_delimiter = ','
    )]
    pub report: Vec<DriftReportTo>,
    /// Compare with the manifests of this commit instead of the last applies in the journal
    #[arg(long, value_name = "COMMIT", env = "ENTITLE_BASE")]
    pub base: Option<String>,
    /// Drift that is accepted [default: entitle-accepted.yaml beside the project file]
    #[arg(long, value_name = "FILE", env = "ENTITLE_ACCEPTED")]
    pub accepted: Option<PathBuf>,
    #[command(flatten)]
    pub journal: JournalFile,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle show plan.json\n  entitle show plan.json --format json"
)]
pub struct Show {
    /// A file that `plan --out` wrote
    #[arg(value_name = "PLANFILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub rendering: Rendering,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle history\n  entitle history --object 'LacLicenseOrder/*' --since 7d"
)]
pub struct History {
    #[command(flatten)]
    pub journal: JournalFile,
    /// Only objects whose Kind/name matches
    #[arg(long, value_name = "GLOB", env = "ENTITLE_OBJECT")]
    pub object: Option<String>,
    /// Only runs of this length of time until now, for example 7d or 12h
    #[arg(long, value_name = "DURATION", env = "ENTITLE_SINCE", value_parser = duration)]
    pub since: Option<Duration>,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle undo latest\n  entitle undo 0199f3 licences --auto-approve --allow reduce"
)]
pub struct Undo {
    /// The run to take back, as `entitle history` names it; its beginning is enough
    #[arg(value_name = "RUN|latest")]
    pub run: String,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub reach: Reach,
    #[command(flatten)]
    pub rendering: Rendering,
    /// Only plan, and save the inverse plan, to be applied later exactly as shown
    #[arg(long, value_name = "FILE", env = "ENTITLE_OUT")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub consent: Consent,
}

#[derive(Args)]
#[command(
    group(clap::ArgGroup::new("what").args(["id", "all", "update"]).required(true).multiple(true)),
    after_help = "Examples:\n  entitle import --connection lac --all --out licences\n  entitle import --connection lac --id II1HP-TX8EQ-R1QXZ-7LYXF\n  entitle import --connection lac --update licences\n  entitle import --sandbox --connection lac --all"
)]
pub struct Import {
    /// Files or directories with the connection and the manifests there are [default: .]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Connection to read from; may be left out when there is only one
    #[arg(long, value_name = "NAME", env = "ENTITLE_CONNECTION")]
    pub connection: Option<String>,
    /// This object, by its id; parts of an id are separated by `/`; may be given several times
    #[arg(
        long,
        value_name = "ID",
        env = "ENTITLE_IMPORT_ID",
        value_delimiter = ','
    )]
    pub id: Vec<String>,
    /// Every object of the account
    #[arg(long, env = "ENTITLE_IMPORT_ALL", conflicts_with_all = ["id", "update"])]
    pub all: bool,
    /// Write one file per object into this directory, instead of all to standard output
    #[arg(
        long,
        value_name = "DIR",
        env = "ENTITLE_IMPORT_OUT",
        conflicts_with = "update"
    )]
    pub out: Option<PathBuf>,
    /// Write over existing files in that directory
    #[arg(long, env = "ENTITLE_IMPORT_FORCE", requires = "out")]
    pub force: bool,
    /// Edit existing manifests instead: live values replace those of managed fields that differ, and
    /// nothing else in the files changes
    #[arg(long, env = "ENTITLE_IMPORT_UPDATE")]
    pub update: bool,
    #[command(flatten)]
    pub reach: Reach,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle unmanaged --connection lac licences\n  entitle unmanaged --sandbox --connection lac examples/lac"
)]
pub struct Unmanaged {
    /// Files or directories with manifests [default: .]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Connection to read from; may be left out when there is only one
    #[arg(long, value_name = "NAME", env = "ENTITLE_CONNECTION")]
    pub connection: Option<String>,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    pub format: Format,
    #[command(flatten)]
    pub reach: Reach,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle fmt licences\n  entitle fmt --check\n  entitle fmt - < order.yaml"
)]
pub struct Fmt {
    /// Files or directories with manifests; `-` reads standard input and writes standard output [default: .]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Change nothing: list the files that would change, and exit with 1 if there are any
    #[arg(long, env = "ENTITLE_CHECK")]
    pub check: bool,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle init licences\n  entitle init licences --vendor lac --base-url https://lac.example.com --yes"
)]
pub struct Init {
    /// Directory of the project; made if it is not there [default: .]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Vendor of the first connection
    #[arg(long, value_name = "VENDOR", env = "ENTITLE_VENDOR")]
    pub vendor: Option<String>,
    /// Name of the connection [default: the vendor]
    #[arg(long, value_name = "NAME", env = "ENTITLE_INIT_NAME")]
    pub name: Option<String>,
    /// Where the vendor's API is, everything before the paths of its pages
    #[arg(long, value_name = "URL", env = "ENTITLE_INIT_BASE_URL")]
    pub base_url: Option<String>,
    /// How the connection proves who it is [default: the vendor's first form]
    #[arg(long, value_name = "FORM", env = "ENTITLE_INIT_AUTH")]
    pub auth: Option<String>,
    /// Ask nothing: what is not given gets its default
    #[arg(long, env = "ENTITLE_INIT_YES")]
    pub yes: bool,
}

/// The schemas there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    Drift,
    Manifest,
    Plan,
    Events,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle schema > manifest.json\n  entitle schema plan\n  entitle schema --out schemas"
)]
pub struct Schema {
    /// Which schema to print
    #[arg(value_enum, default_value = "manifest")]
    pub name: SchemaName,
    /// Write all schemas into this directory instead
    #[arg(long, value_name = "DIR", env = "ENTITLE_SCHEMA_OUT")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle explain\n  entitle explain LacLicenseOrder\n  entitle explain LacLicenseOrder.Features.count"
)]
pub struct Explain {
    /// A kind, or a field of it; without one, all kinds are listed
    #[arg(value_name = "KIND[.FIELD]")]
    pub path: Option<String>,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle sandbox\n  entitle sandbox --populate 1000 --latency 20ms\n  entitle sandbox --populate 10000 --vendor lac --write-manifests bench --drift 1\n  entitle sandbox --faults 7:429=10"
)]
pub struct Sandbox {
    /// Address to listen on
    #[arg(
        long,
        value_name = "ADDR",
        env = "ENTITLE_SANDBOX_LISTEN",
        default_value = "127.0.0.1:8901"
    )]
    pub listen: std::net::SocketAddr,
    /// Wait this long before every answer, for example 20ms
    #[arg(long, value_name = "DURATION", env = "ENTITLE_SANDBOX_LATENCY", default_value = "0s", value_parser = duration)]
    pub latency: Duration,
    /// Let calls go wrong, the same ones for the same seed: 7 or 7:429=10,drop-after=5 (percent)
    #[arg(long, value_name = "SEED[:SPEC]", env = "ENTITLE_FAULTS")]
    pub faults: Option<FaultPlan>,
    /// Add so many objects to every account, the same ones each time
    #[arg(
        long,
        value_name = "N",
        env = "ENTITLE_SANDBOX_POPULATE",
        default_value_t = 0,
        value_parser = object_count
    )]
    pub populate: usize,
    /// Add them to these accounts only
    #[arg(
        long,
        value_name = "VENDOR",
        env = "ENTITLE_SANDBOX_VENDOR",
        value_delimiter = ',',
        requires = "populate"
    )]
    pub vendor: Vec<String>,
    /// Write connections, and manifests that hold for the added objects, into this new or empty directory
    #[arg(
        long,
        value_name = "DIR",
        env = "ENTITLE_SANDBOX_MANIFESTS",
        requires = "populate"
    )]
    pub write_manifests: Option<PathBuf>,
    /// How to write them: a file for each object, or one for each vendor
    #[arg(
        long,
        value_enum,
        env = "ENTITLE_SANDBOX_LAYOUT",
        default_value = "files"
    )]
    pub layout: Layout,
    /// Let this percentage of the manifests differ from the account, each in one field that apply may change
    #[arg(
        long,
        value_name = "PERCENT",
        env = "ENTITLE_SANDBOX_DRIFT",
        default_value = "0",
        value_parser = percentage
    )]
    pub drift: f64,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  source <(entitle completions bash)\n  source <(entitle completions zsh)\n  entitle completions fish | source\n  entitle completions powershell | Out-String | Invoke-Expression"
)]
pub struct Completions {
    /// The shell that is to complete
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  entitle man | man -l -\n  entitle man --out man/man1")]
pub struct Man {
    /// Write a page per command into this directory instead
    #[arg(long, value_name = "DIR", env = "ENTITLE_MAN_OUT")]
    pub out: Option<PathBuf>,
}
