//! `entitle init`: writes a starter project that validates, with a comment on every part of it.
//!
//! In: flags, and answers at the terminal. Out: new files below one directory. The texts are made in
//! `starter`; this module asks, checks and writes. A file that exists is never overwritten, so that the
//! command is safe in a project that has grown.

mod starter;

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::exit::Exit;
use super::output;
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::files::write;
use crate::manifest::Loaded;
use crate::model::address::refuse_name;
use crate::model::diagnostic::{Source, find_nearest};
use crate::provider;
use crate::reconcile::{self, CheckOptions};
use crate::render::safe::make_visible;
use starter::{Choice, Ci};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle init licences\n  entitle init licences --vendor lac --base-url https://lac.example.com --yes\n  entitle init --vendor cryptlex --ci gitlab"
)]
pub struct Init {
    /// Directory of the project; made if it is not there [default: .]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Vendor of the first connection
    #[arg(long, value_name = "VENDOR", env = "ENTITLE_VENDOR")]
    vendor: Option<String>,
    /// Name of the connection [default: the vendor]
    #[arg(long, value_name = "NAME", env = "ENTITLE_INIT_NAME")]
    name: Option<String>,
    /// Where the vendor's API is, everything before the paths of its pages
    #[arg(long, value_name = "URL", env = "ENTITLE_INIT_BASE_URL")]
    base_url: Option<String>,
    /// How the connection proves who it is [default: the vendor's first form]
    #[arg(long, value_name = "FORM", env = "ENTITLE_INIT_AUTH")]
    auth: Option<String>,
    /// Whose jobs plan, apply, look for drift and undo
    #[arg(
        long,
        value_enum,
        value_name = "CI",
        env = "ENTITLE_INIT_CI",
        default_value = "github"
    )]
    ci: Ci,
    /// Ask nothing: what is not given gets its default
    #[arg(long, env = "ENTITLE_INIT_YES")]
    yes: bool,
}

/// Asks what is missing, checks the project in memory, writes it and prints the next steps.
///
/// Questions are asked only at a terminal and without `--yes`. Returns `Exit::Error`, with nothing
/// written, if an answer makes a project that does not validate.
pub fn run(args: &Init) -> CommandResult<Exit> {
    let asks = !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let choice = make_choice(args, asks)?;
    let dir = args.dir.as_deref().unwrap_or(Path::new("."));
    let all = starter::project_files(&choice)?;
    if !is_valid_project(&all)? {
        return Ok(Exit::Error);
    }
    let mut out = output::text_stdout();
    for (name, text) in &all {
        let path = dir.join(name);
        let written = write::create_new_file(&path, text.as_bytes()).map_err(|error| {
            CommandError::caused_by(format_args!("cannot write {}", path.display()), error)
        })?;
        if written {
            writeln!(out, "{}", make_visible(&path.display().to_string()))?;
        } else {
            let path = path.display();
            output::print_note(&format!("{path} is there already and stays as it is"));
        }
    }
    let licences = dir.join("licences");
    let licences = licences.display();
    let jobs = dir.join(choice.ci.path());
    let jobs = jobs.display();
    for line in [
        "",
        &format!("Next: set the credentials that {licences}/connection.yaml names, then"),
        &format!("  entitle validate {licences}"),
        &format!("  entitle plan {licences}"),
        &format!("What the jobs need is said at the top of {jobs}."),
    ] {
        output::print_note(line);
    }
    Ok(Exit::Done)
}

/// Checks the manifests of the project as `validate` would, before any of it is written.
///
/// Returns false, after the findings were printed, if one is an error.
fn is_valid_project(all: &[(&'static str, String)]) -> CommandResult<bool> {
    let manifests = all.iter().filter(|(name, _)| name.starts_with("licences/"));
    let sources =
        manifests.map(|(name, text)| Arc::new(Source::new((*name).to_string(), text.clone())));
    let loaded = Loaded {
        sources: sources.collect(),
        ..Loaded::default()
    };
    let options = CheckOptions {
        need_connections: true,
        simulators: None,
    };
    let checked = reconcile::check_manifests(loaded, &options);
    output::print_findings(&checked.findings)?;
    Ok(!checked.findings.has_errors())
}

/// Collects the choices from flags, answers and defaults, and checks each.
///
/// The vendor has no default. Returns `Err` for an unknown vendor or form, an invalid name, or a missing
/// vendor where nobody can be asked.
fn make_choice(args: &Init, asks: bool) -> CommandResult<Choice> {
    let vendors: Vec<&str> = provider::ALL.iter().map(|one| one.vendor().0).collect();
    let vendor = match (&args.vendor, asks) {
        (Some(vendor), _) => vendor.clone(),
        (None, true) => ask_question(&format!("Vendor ({})", vendors.join(", ")), None)?,
        (None, false) => bail!("--vendor is needed: one of {}", vendors.join(", ")),
    };
    let provider = one_of("vendor", &vendor, provider::ALL, |one| one.vendor().0)?;
    let name = flag_or_answer(
        &args.name,
        asks,
        "Name of the connection",
        provider.vendor().0,
    )?;
    if let Some(fault) = refuse_name(&name) {
        bail!("the name {name:?} {fault}");
    }
    let base_url = flag_or_answer(
        &args.base_url,
        asks,
        "Base URL of the API",
        provider.address(),
    )?;
    let forms: Vec<&str> = provider.auth().forms.iter().map(|form| form.name).collect();
    let question = format!("Authentication ({})", forms.join(", "));
    let first = forms.first().copied().unwrap_or_default();
    let form = flag_or_answer(&args.auth, asks, &question, first)?;
    let form = one_of("auth", &form, provider.auth().forms, |form| form.name)?;
    Ok(Choice {
        provider: *provider,
        name,
        base_url,
        form,
        ci: args.ci,
    })
}

/// Returns the member of `all` with the name `given`.
///
/// Returns `Err` with the nearest name (`criptlex` gives "did you mean cryptlex?") or, if none is near,
/// with all names. `what` is the thing that is chosen, for the message.
fn one_of<T>(
    what: &str,
    given: &str,
    all: &'static [T],
    name: impl Fn(&T) -> &'static str,
) -> CommandResult<&'static T> {
    let names: Vec<&str> = all.iter().map(&name).collect();
    let found = all.iter().find(|one| name(one) == given);
    found.ok_or_else(|| match find_nearest(given, names.iter().copied()) {
        Some(near) => user_error(format_args!(
            "unknown {what} {given:?}: did you mean {near}?"
        )),
        None => user_error(format_args!(
            "unknown {what} {given:?}: one of {}",
            names.join(", ")
        )),
    })
}

/// Returns the flag's value, else the answer if `asks`, else the default.
fn flag_or_answer(
    given: &Option<String>,
    asks: bool,
    question: &str,
    default: &str,
) -> CommandResult<String> {
    match given {
        Some(given) => Ok(given.clone()),
        None if asks => ask_question(question, Some(default)),
        None => Ok(default.to_string()),
    }
}

/// Asks on standard error and returns the trimmed answer; an empty one takes the default.
///
/// A question without a default is repeated until it is answered. Returns `Err` if the input ends.
fn ask_question(question: &str, default: Option<&str>) -> CommandResult<String> {
    loop {
        let offer = default.map(|text| format!(" [{text}]")).unwrap_or_default();
        output::print_question(&format!("{question}{offer}: "))?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            bail!("the input ended before everything was answered");
        }
        match (line.trim(), default) {
            ("", Some(default)) => return Ok(default.to_string()),
            ("", None) => {}
            (text, _) => return Ok(text.to_string()),
        }
    }
}
