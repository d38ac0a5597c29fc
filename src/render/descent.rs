//! The descent of an object's values as text.

use std::io::{self, Write};

use super::safe::make_visible;
use crate::plan::descent::{DescentDocument, ValueDescent, ValuePlace};

/// Writes where each value comes from: the spot in which it was written last, and above it the names that led there.
///
/// ```text
/// LacLicenseOrder/rivers-cad  edition basic, row of customers
///
/// activations_allowed: 25
///   editions.yaml:12   activations_allowed: {param: seats}     Edition/basic
///   orders.yaml:9      with: {seats: {column: seats}}          ObjectSet/customers
///   customers.csv:2    rivers,1,25                             1f2e3d4c5b6a ann, 2026-11-02
/// ```
pub fn write_descent(out: &mut impl Write, document: &DescentDocument) -> io::Result<()> {
    let layers = [
        document
            .edition
            .as_ref()
            .map(|name| format!("edition {name}")),
        document.set.as_ref().map(|name| format!("row of {name}")),
        document
            .environment
            .as_ref()
            .map(|name| format!("environment {name}")),
    ];
    let layers: Vec<String> = layers.into_iter().flatten().collect();
    writeln!(out, "{}  {}", document.address, layers.join(", "))?;
    for value in &document.values {
        write_value(out, value)?;
    }
    Ok(())
}

fn write_value(out: &mut impl Write, value: &ValueDescent) -> io::Result<()> {
    writeln!(
        out,
        "\n{}: {}",
        make_visible(&value.field),
        make_visible(&value.value.to_string())
    )?;
    let places: Vec<String> = value
        .places
        .iter()
        .map(|written| format!("{}:{}", make_visible(&written.file), written.line))
        .collect();
    let width = places
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or_default();
    for (spot, entry) in places.iter().zip(&value.places) {
        writeln!(
            out,
            "  {spot:width$}  {}",
            make_visible(&shorten(&entry.text))
        )?;
        let about = about(entry);
        if !about.is_empty() {
            writeln!(out, "  {:width$}  {}", "", make_visible(&about))?;
        }
    }
    Ok(())
}

/// Says which document a place belongs to, and who wrote the line.
fn about(written: &ValuePlace) -> String {
    let commit = written.commit.as_ref();
    let commit = commit.map(|commit| format!("{} {}, {}", commit.id, commit.author, commit.date));
    let document = (!written.document.is_empty()).then(|| written.document.clone());
    let parts: Vec<String> = document.into_iter().chain(commit).collect();
    parts.join("  ")
}

/// Characters of a line that are shown.
const SHOWN: usize = 60;

fn shorten(text: &str) -> String {
    match text.chars().count() > SHOWN {
        true => text.chars().take(SHOWN).chain(['…']).collect(),
        false => text.to_string(),
    }
}
