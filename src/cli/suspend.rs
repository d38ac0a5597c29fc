//! `entitle suspend` and `entitle resume`: edit the suspension in the manifests of objects.
//!
//! In: object names, a reason and an end. Out: changed files, and one line per object. The suspension is
//! kept in the manifest and not in a store, so that every reader (the daemon, an apply in CI, a
//! colleague) finds it with its reason and its end, and it is reviewed like any other change. No vendor
//! is called.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{CacheArgs, Selection, Time};
use super::duration::parse_moment;
use super::exit::Exit;
use super::scope::Scope;
use super::{files, findings, output, setup};
use crate::apply::clock;
use crate::cli::error::{CommandResult, bail, user_error};
use crate::manifest::edit::EditedFile;
use crate::manifest::suspension::{SuspensionEdit, edit_suspension};
use crate::model::Desired;
use crate::provider;
use crate::reconcile::{self, CheckOptions, Checked, EnvironmentChoice, LoadedManifests};
use crate::render::safe::make_visible;

#[derive(Args)]
#[command(
    group(clap::ArgGroup::new("which").args(["objects", "selector"]).required(true).multiple(true)),
    after_help = "Examples:\n  entitle suspend LacLicenseOrder/rivers-floating --reason 'a demo' --until 4h\n  entitle suspend 'LacLicenseOrder/*' --reason 'the vendor moves' --until 2026-12-24T18:00:00Z\n  entitle suspend --selector team=sales --reason 'an audit'\n\nOnly manifests are edited, under spec.policy, with everything else as it was: commit them, and `watch` and `apply` leave the objects alone, without a look at them, until the suspension ends."
)]
pub struct Suspend {
    #[command(flatten)]
    objects: Objects,
    /// Why, for those who look at the object
    #[arg(long, value_name = "TEXT", env = "ENTITLE_REASON")]
    reason: String,
    /// When it ends by itself: a duration such as 4h or 7d, or a moment such as 2026-12-24T18:00:00Z [default: with `resume`]
    #[arg(long, value_name = "WHEN", env = "ENTITLE_UNTIL")]
    until: Option<String>,
}

#[derive(Args)]
#[command(
    group(clap::ArgGroup::new("which").args(["objects", "selector"]).required(true).multiple(true)),
    after_help = "Examples:\n  entitle resume LacLicenseOrder/rivers-floating\n  entitle resume '*'\n  entitle resume --selector team=sales --manifests licences"
)]
pub struct Resume {
    #[command(flatten)]
    objects: Objects,
}

/// Which objects, of which manifests.
#[derive(Args)]
struct Objects {
    /// Objects by Kind/name, by name alone, or by a glob over Kind/name
    #[arg(value_name = "OBJECT")]
    objects: Vec<String>,
    /// Files or directories with the manifests; may be given several times [default: .]
    #[arg(
        id = "paths",
        long = "manifests",
        value_name = "PATH",
        env = "ENTITLE_MANIFESTS",
        value_delimiter = ','
    )]
    paths: Vec<PathBuf>,
    /// Not the objects whose Kind/name matches; may be given several times
    #[arg(
        long,
        value_name = "GLOB",
        env = "ENTITLE_EXCLUDE",
        value_delimiter = ','
    )]
    exclude: Vec<String>,
    /// Only objects with this label; may be given several times
    #[arg(
        long,
        value_name = "KEY=VALUE",
        env = "ENTITLE_SELECTOR",
        value_delimiter = ','
    )]
    selector: Vec<String>,
    #[command(flatten)]
    time: Time,
}

impl Objects {
    /// Returns the arguments as a selection. Names hold no slash, so `rivers` means `*/rivers`.
    fn selection(&self) -> Selection {
        // Names hold no slash, so a word without one is a name of any kind.
        let whole = |text: &String| match text.contains('/') {
            true => text.clone(),
            false => format!("*/{text}"),
        };
        Selection {
            paths: self.paths.clone(),
            target: self.objects.iter().map(whole).collect(),
            exclude: self.exclude.clone(),
            selector: self.selector.clone(),
            environment: None,
            cache: CacheArgs::default(),
        }
    }

    /// Loads and checks the manifests, and keeps the named objects only.
    ///
    /// Returns `None` if the manifests have errors, which were printed: an edit of a broken file could
    /// hide the fault. Returns `Err` for standard input, which cannot be edited, and for a name that
    /// matches nothing.
    fn checked(&self) -> CommandResult<Option<Checked>> {
        let selection = self.selection();
        if selection.paths.iter().any(|path| path.as_os_str() == "-") {
            bail!("files are edited, and standard input is none");
        }
        let scope = Scope::of_arguments(&selection)?;
        let manifests = LoadedManifests::load(
            &selection.paths,
            &mut std::io::empty(),
            &setup::read_limits(Some(self.time.timeout)),
            None,
        );
        let options = CheckOptions {
            environment: EnvironmentChoice::Any,
            ..CheckOptions::default()
        };
        let mut checked = reconcile::check_manifests(manifests, &options);
        findings::print_manifest_findings(&checked.findings, &selection.paths)?;
        if checked.findings.has_errors() {
            return Ok(None);
        }
        scope.narrow(&mut checked)?;
        Ok(Some(checked))
    }
}

/// Suspends the objects until the given moment, or until `resume` without one.
///
/// Returns `Err` for an empty reason, and for a moment that has passed.
pub fn run_suspend(args: &Suspend) -> CommandResult<Exit> {
    let reason = args.reason.trim();
    if reason.is_empty() {
        bail!("--reason is empty: say why, for those who find the object suspended");
    }
    let until = args.until.as_deref();
    let until = until.map(|text| parse_moment(text, clock::now()));
    let until = until
        .transpose()
        .map_err(|why| user_error(format_args!("--until: {why}")))?;
    let change = SuspensionEdit::Suspend {
        until,
        reason: reason.into(),
    };
    let (done, already) = match until {
        Some(until) => (
            format!("suspended until {until}"),
            format!("already suspended until {until}"),
        ),
        None => ("suspended".into(), "already suspended".into()),
    };
    carry_out(&args.objects, &change, &done, &already)
}

/// Removes the suspension of the objects; those without one are reported as "not suspended".
pub fn run_resume(args: &Resume) -> CommandResult<Exit> {
    carry_out(
        &args.objects,
        &SuspensionEdit::Resume,
        "resumed",
        "not suspended",
    )
}

/// Edits the manifests of the objects, file by file, and prints one line per object.
///
/// All documents of a file are edited in memory and the file is replaced once, so that a file with 50
/// suspended objects is written once and not 50 times. `done` and `already` are the words for an object
/// that was changed and for one that already had this suspension or none, as requested.
///
/// An object whose document cannot be edited is reported and left as it is; the others are still edited,
/// and the exit is `Exit::Error`.
fn carry_out(
    objects: &Objects,
    change: &SuspensionEdit,
    done: &str,
    already: &str,
) -> CommandResult<Exit> {
    let Some(checked) = objects.checked()? else {
        return Ok(Exit::Error);
    };
    let kinds = provider::kind_rows();
    let mut files: BTreeMap<&str, (EditedFile, Vec<String>)> = BTreeMap::new();
    let mut exit = Exit::Done;
    for desired in &checked.desired {
        if let Some(set) = desired.layers.set() {
            print_fault(
                desired,
                &format!("it is a row of set {set}: edit the policy of its template"),
            );
            exit = Exit::Error;
            continue;
        }
        let source = &desired.origin.source;
        let (file, lines) = files
            .entry(source.name.as_str())
            .or_insert_with(|| (EditedFile::open(source), Vec::new()));
        let mark = desired.origin.mark;
        let text = file.document(mark);
        match text.and_then(|text| edit_suspension(text, change, &kinds)) {
            Ok(Some(text)) => {
                file.replace_document(mark, text);
                lines.push(outcome_line(desired, done));
            }
            Ok(None) => lines.push(outcome_line(desired, already)),
            Err(why) => {
                print_fault(desired, &why.to_string());
                exit = Exit::Error;
            }
        }
    }
    let mut out = output::buffered_stdout();
    for (file, lines) in files.into_values() {
        if file.is_changed() {
            let source = file.source();
            files::replace_unchanged(Path::new(&source.name), &source.text, &file.text())?;
        }
        for line in lines {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(exit)
}

/// Returns address, outcome and place: `LacLicenseOrder/rivers  resumed  licences/a.yaml:12`.
fn outcome_line(desired: &Desired, outcome: &str) -> String {
    let (address, origin) = (&desired.address, &desired.origin);
    format!(
        "{address}  {outcome}  {}:{}",
        make_visible(&origin.source.name),
        origin.mark.line
    )
}

/// Prints why the document of an object was not edited, with its file and line.
fn print_fault(desired: &Desired, why: &str) {
    output::print_error(&format!(
        "{} in {}:{} is left as it is: {why}",
        desired.address, desired.origin.source.name, desired.origin.mark.line
    ));
}
