//! `entitle init`: writes a starter project that validates, with a comment on every part of it.
//!
//! In: flags, and answers at the terminal. Out: new files in one folder and at the top of its repository. The texts are
//! made in `starter`, folders are found in `layout`, `questions` asks, and `first_run` tests the connection and imports
//! the account's objects, if the user agrees. A file that exists is never overwritten, so that the command is safe in a
//! project that has grown.

mod first_run;
mod layout;
mod questions;
mod starter;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::exit::Exit;
use super::{output, setup};
use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::files::write;
use crate::manifest::Loaded;
use crate::model::address::refuse_name;
use crate::model::diagnostic::Source;
use crate::provider::{self, Provider};
use crate::reconcile::{self, CheckOptions, EnvironmentChoice};
use crate::render::safe::make_visible;
use layout::ProjectLayout;
use questions::{ask_choice, ask_text, describe_unknown};
use starter::{Choice, Ci, ProjectFile};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle init\n  entitle init licences --vendor lac --base-url https://lac.example.com --yes\n  entitle init --vendor cryptlex --ci gitlab"
)]
pub struct Init {
    /// Folder of the manifests; made if it is not there [default: licences]
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
    /// Whose jobs plan, apply, look for drift and undo [default: github]
    #[arg(long, value_enum, value_name = "CI", env = "ENTITLE_INIT_CI")]
    ci: Option<Ci>,
    /// Ask nothing: what is not given gets its default
    #[arg(long, env = "ENTITLE_INIT_YES")]
    yes: bool,
    /// Then log in and read once, to see that the connection works
    #[arg(long, env = "ENTITLE_INIT_TEST")]
    test: bool,
}

/// Asks for missing choices, checks the project in memory, writes it, tries it if the user agrees, and prints the next
/// steps.
///
/// Questions are asked only at a terminal and without `--yes`. Returns `Exit::Error`, with nothing written, if an answer makes
/// a project that does not validate; and if a test of the connection was asked for and failed.
pub async fn run(args: Init) -> CommandResult<Exit> {
    let asks = !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let layout = ProjectLayout::find(args.dir.as_deref().unwrap_or(Path::new("licences")))?;
    let choice = make_choice(&args, asks)?;
    let files = starter::project_files(&choice, &layout)?;
    if !is_valid_project(&files)? {
        return Ok(Exit::Error);
    }
    let written = write_files(&files, &layout.top)?;
    let tried = first_run::try_connection(&choice, &layout, args.test, asks).await?;
    let example = layout.manifest(starter::EXAMPLE);
    let imports = tried == Some(true) && asks && written.contains(&example);
    let imported = imports && first_run::import_account(&choice, &layout, &example).await?;
    for line in next_steps(&choice, &layout, imported) {
        output::print_note(&line);
    }
    Ok(match tried {
        Some(false) => Exit::Error,
        Some(true) | None => Exit::Done,
    })
}

/// Writes the files that are not there yet and lists them on standard output; returns their names.
fn write_files(files: &[ProjectFile], top: &Path) -> CommandResult<Vec<String>> {
    let mut out = output::text_stdout();
    let mut names = Vec::new();
    for file in files {
        let path = top.join(&file.path);
        let written = write::create_new_file(&path, file.text.as_bytes()).map_err(|error| {
            CommandError::caused_by(format_args!("cannot write {}", path.display()), error)
        })?;
        if written {
            writeln!(out, "{}", make_visible(&path.display().to_string()))?;
            names.push(file.path.clone());
        } else {
            let path = path.display();
            output::print_note(&format!("{path} is there already and stays as it is"));
        }
    }
    Ok(names)
}

/// Returns what to do next, line by line. Commands are those of the top of the repository, where jobs run them too.
fn next_steps(choice: &Choice, layout: &ProjectLayout, imported: bool) -> Vec<String> {
    let folder = &layout.folder;
    let variables: Vec<String> = starter::credential_variables(choice)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    let mut steps = vec![String::new(), "Next:".into()];
    if !layout.top.as_os_str().is_empty() {
        steps.push(format!("  cd {}", layout.top.display()));
    }
    steps.push(format!("  set {}", variables.join(", ")));
    steps.push(format!("  entitle doctor {folder}"));
    if !imported {
        steps.push(format!("  {}", starter::import_command(choice, layout)));
    }
    steps.push(format!("  entitle plan {folder}"));
    if let Some(jobs) = choice.ci.path() {
        steps.push(format!("What the jobs need is said at the top of {jobs}."));
    }
    steps
}

/// Checks the manifests of the project as `validate` would, before any of it is written.
///
/// Returns false, after the findings were printed, if one is an error.
fn is_valid_project(files: &[ProjectFile]) -> CommandResult<bool> {
    let manifests = files.iter().filter(|file| file.is_manifest);
    let sources = manifests.map(|file| Arc::new(Source::new(file.path.clone(), file.text.clone())));
    let loaded = Loaded {
        sources: sources.collect(),
        ..Loaded::default()
    };
    let options = CheckOptions {
        need_connections: true,
        simulators: None,
        environment: EnvironmentChoice::Any,
        time: setup::reading_time(None),
    };
    let checked = reconcile::check_manifests(loaded, &options);
    output::print_findings(&checked.findings)?;
    Ok(!checked.findings.has_errors())
}

/// Collects the choices from flags, answers and defaults, and checks each.
///
/// The vendor has no default. Returns `Err` for an unknown vendor or form, an invalid name, or a missing vendor without
/// a terminal to ask at. An answer that is wrong is asked for again.
fn make_choice(args: &Init, asks: bool) -> CommandResult<Choice> {
    let provider = choose_vendor(args, asks)?;
    let vendor = provider.vendor().0;
    let name_fault =
        |name: &str| refuse_name(name).map(|fault| format!("the name {name:?} {fault}"));
    let name = match (&args.name, asks) {
        (Some(name), _) => name.clone(),
        (None, true) => ask_text("Name of the connection", Some(vendor), name_fault)?,
        (None, false) => vendor.to_string(),
    };
    if let Some(fault) = name_fault(&name) {
        bail!("{fault}");
    }
    let base_url = match (&args.base_url, asks) {
        (Some(url), _) => url.clone(),
        (None, true) => ask_text("Base URL of the API", Some(provider.address()), refuse_url)?,
        (None, false) => provider.address().to_string(),
    };
    let form = choose_form(args, provider, asks)?;
    let ci = match (args.ci, asks) {
        (Some(ci), _) => ci,
        (None, true) => ask_ci()?,
        (None, false) => Ci::Github,
    };
    Ok(Choice {
        provider,
        name,
        base_url,
        form,
        ci,
    })
}

/// Returns the vendor of the flag or the answer.
fn choose_vendor(args: &Init, asks: bool) -> CommandResult<&'static dyn Provider> {
    let vendors: Vec<&str> = provider::ALL.iter().map(|one| one.vendor().0).collect();
    let vendor = match (&args.vendor, asks) {
        (Some(vendor), _) => vendor.clone(),
        (None, true) => {
            let choices = provider::ALL.iter();
            let choices = choices.map(|one| (one.vendor().0, describe_kinds(*one)));
            ask_choice("Vendor", &choices.collect::<Vec<_>>(), None)?
        }
        (None, false) => bail!("--vendor is needed: one of {}", vendors.join(", ")),
    };
    let found = provider::ALL.iter().find(|one| one.vendor().0 == vendor);
    found.copied().ok_or_else(|| {
        user_error(describe_unknown("vendor", &vendor, &vendors).unwrap_or_default())
    })
}

/// Describes a vendor by its only kind, or by the names of its kinds.
fn describe_kinds(provider: &dyn Provider) -> String {
    match provider.kinds() {
        [only] => only.table().about.to_string(),
        kinds => {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.table().kind.0).collect();
            names.join(", ")
        }
    }
}

/// Returns the form of authentication of the flag or the answer, else the vendor's first.
fn choose_form(
    args: &Init,
    provider: &'static dyn Provider,
    asks: bool,
) -> CommandResult<&'static provider::auth::AuthForm> {
    let forms = provider.auth().forms;
    let names: Vec<&str> = forms.iter().map(|form| form.name).collect();
    let first = names.first().copied().unwrap_or_default();
    let form = match (&args.auth, asks) {
        (Some(form), _) => form.clone(),
        (None, true) if forms.len() > 1 => {
            let choices = forms.iter().map(|form| (form.name, form.about.to_string()));
            ask_choice("Authentication", &choices.collect::<Vec<_>>(), Some(first))?
        }
        (None, _) => first.to_string(),
    };
    let found = forms.iter().find(|one| one.name == form);
    found.ok_or_else(|| user_error(describe_unknown("auth", &form, &names).unwrap_or_default()))
}

/// Asks whose jobs are to be written.
fn ask_ci() -> CommandResult<Ci> {
    let choices = Ci::ALL.map(|ci| (ci.name(), ci.about().to_string()));
    let name = ask_choice("Jobs for", &choices, Some(Ci::Github.name()))?;
    let found = Ci::ALL.into_iter().find(|ci| ci.name() == name);
    Ok(found.unwrap_or(Ci::None))
}

/// Returns what is wrong with a base URL; `None` if it will do.
fn refuse_url(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok().filter(url::Url::has_host);
    match url {
        Some(url) if matches!(url.scheme(), "https" | "http") => None,
        _ => Some("write a whole address, such as https://licences.example.com".into()),
    }
}
