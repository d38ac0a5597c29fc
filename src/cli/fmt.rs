//! `entitle fmt`: rewrites manifests in their usual form and keeps every comment and value.
//!
//! In: files, or standard input. Out: changed files and their names on standard output. The form itself
//! is defined in `manifest::fmt`; this module reads, compares and replaces. A file that cannot be parsed
//! is never written.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::Time;
use super::exit::Exit;
use super::standard_input::StandardInput;
use super::{files, output, setup};
use crate::cli::error::{CommandError, CommandResult, bail};
use crate::manifest::yaml::MAX_FILE_BYTES;
use crate::manifest::{self, ReadLimits, fmt, foreign};
use crate::model::diagnostic::Source;
use crate::model::wording::pluralize;
use crate::provider;
use crate::render::safe::make_visible;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle fmt licences\n  entitle fmt --check\n  entitle fmt - < order.yaml"
)]
pub struct Fmt {
    /// Files or directories with manifests; `-` reads standard input and writes standard output [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing: list the files that would change, and exit with 1 if there are any
    #[arg(long, env = "ENTITLE_CHECK")]
    check: bool,
    #[command(flatten)]
    time: Time,
}

/// Formats the files in place, or with `--check` only lists those that would change.
///
/// Returns `Exit::Error` if a file cannot be parsed, or with `--check` if one would change; the other
/// files are formatted all the same. `-` stands by itself, because its text goes to standard output,
/// where the names of changed files would be mixed into it.
///
/// A file that another program changed since it was read is not overwritten.
pub fn run(args: &Fmt) -> CommandResult<Exit> {
    let limits = setup::read_limits(Some(args.time.timeout));
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        if args.paths.len() > 1 {
            bail!("`-` is standard input, and is formatted by itself");
        }
        return format_standard_input(args.check, &limits);
    }
    let loaded = manifest::load(&args.paths, &mut std::io::empty(), &limits);
    output::print_findings(&loaded.findings)?;
    let mut exit = if loaded.findings.has_errors() {
        Exit::Error
    } else {
        Exit::Done
    };
    let kinds = provider::kind_rows();
    let mut out = output::buffered_stdout();
    let mut changed = 0;
    let ours = loaded.sources.iter();
    for source in ours.filter(|source| !foreign::is_foreign(&source.text, &kinds)) {
        let Some(formatted) = format_source(source, &kinds) else {
            exit = Exit::Error;
            continue;
        };
        if formatted == source.text {
            continue;
        }
        changed += 1;
        writeln!(out, "{}", make_visible(&source.name))?;
        if args.check {
            exit = Exit::Error;
        } else {
            files::replace_unchanged(Path::new(&source.name), &source.text, &formatted)?;
        }
    }
    out.flush()?;
    let verb = if args.check {
        "would change"
    } else {
        "changed"
    };
    output::print_note(&format!(
        "{changed} of {} {verb}",
        pluralize(loaded.sources.len(), "file")
    ));
    Ok(exit)
}

/// Formats standard input to standard output.
///
/// A text that cannot be parsed is printed unchanged with `Exit::Error`: editors replace their buffer by
/// the output, and an empty output would delete the user's work. With `--check` nothing but a name is
/// printed. Returns `Err` for a text above `MAX_FILE_BYTES`, or one that does not end before the
/// deadline.
fn format_standard_input(check: bool, limits: &ReadLimits) -> CommandResult<Exit> {
    let mut text = String::new();
    StandardInput::until(limits.deadline)
        .read_to_string(&mut text)
        .map_err(|error| CommandError::caused_by("cannot read standard input", error))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        bail!("standard input is larger than {} MiB", MAX_FILE_BYTES >> 20);
    }
    let source = Source::new(Source::STDIN.into(), text);
    let formatted = format_source(&source, &provider::kind_rows());
    let text = formatted.as_ref().unwrap_or(&source.text);
    if check {
        let differs = *text != source.text;
        if differs {
            writeln!(output::text_stdout(), "{}", source.name)?;
        }
        let fault = differs || formatted.is_none();
        return Ok(if fault { Exit::Error } else { Exit::Done });
    }
    // The text is the user's, so it does not go through the stream that removes colours.
    let mut out = output::data_stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(if formatted.is_some() {
        Exit::Done
    } else {
        Exit::Error
    })
}

/// Returns a text in its usual form; `None`, after an error on standard error, if it cannot be parsed.
///
/// Parts that the formatter leaves as they are get a note on standard error, with line and reason.
fn format_source(source: &Source, kinds: &[crate::model::draft::KindRow]) -> Option<String> {
    let Some(done) = fmt::format(&source.text, kinds) else {
        output::print_error(&format!(
            "{} cannot be read: `entitle validate` says why",
            source.name
        ));
        return None;
    };
    for (line, why) in &done.left {
        output::print_note(&format!(
            "note: {}:{line} is left as it is: {why}",
            source.name
        ));
    }
    Some(done.text)
}
