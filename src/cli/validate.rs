//! `entitle validate`: everything that can be checked without network and secrets.

use std::io::Write;

use super::args::{Format, Validate};
use super::exit::Exit;
use super::{output, setup};
use crate::reconcile::CheckOptions;
use crate::render::{self, text::count};

pub fn run(args: &Validate) -> anyhow::Result<Exit> {
    let checked = setup::check(&args.selection, &CheckOptions::default())?;
    let broken = checked.findings.has_errors();
    match args.format {
        Format::Json => {
            let document = serde_json::json!({
                "format_version": crate::plan::document::FORMAT_VERSION,
                "valid": !broken,
                "source": checked.source,
                "diagnostics": crate::plan::document::findings_json(&checked.findings),
            });
            render::json::write(&mut output::stdout(), &document)?;
        }
        Format::Text => {
            output::findings(&checked.findings)?;
            let facts = &checked.source;
            let mut line = format!(
                "{} in {}: ",
                count(facts.documents - facts.skipped, "document"),
                count(facts.files, "file")
            );
            let errors = checked
                .findings
                .iter()
                .filter(|f| f.severity == crate::model::Severity::Error);
            line += &if broken {
                count(errors.count(), "error")
            } else {
                "valid".to_string()
            };
            if facts.skipped > 0 {
                line += &format!(
                    " ({} of other tools skipped)",
                    count(facts.skipped, "document")
                );
            }
            if broken {
                anstream::eprintln!("{line}");
            } else {
                writeln!(output::stdout(), "{line}")?;
            }
        }
    }
    Ok(if broken { Exit::Error } else { Exit::Done })
}
