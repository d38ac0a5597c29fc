//! The descent of an object's values as text.

use std::io::{self, Write};

use serde_json::Value as Json;

use super::safe::make_visible;
use crate::plan::descent::{
    DescentDocument, LiveEntry, ValueDescent, ValuePlace, ValueWrite, is_at_or_below,
};
use crate::plan::drift::By;
use crate::plan::drift::document::State;
use crate::reconcile::drift::short_commit;

/// Writes where each value comes from: the spot in which it was written last, and above it the names that led there.
///
/// ```text
/// LacLicenseOrder/rivers-cad  edition basic, row of customers
///
/// activations_allowed: 25
///   editions.yaml:12   activations_allowed: {param: seats}     Edition/basic
///   orders.yaml:9      with: {seats: {column: seats}}          ObjectSet/customers
///   customers.csv:2    rivers,1,25                             1f2e3d4c5b6a ann, 2026-11-02
///   written by ann, 2026-11-02T12:00:00Z, run 01a22859-7c1f-7e2b-9a55-0b2f8a3b1c11
///   live: 30, changed by another writer; 25 at the last apply
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
    match layers.is_empty() {
        true => writeln!(out, "{}", document.address)?,
        false => writeln!(out, "{}  {}", document.address, layers.join(", "))?,
    }
    if let Some(live) = &document.live {
        writeln!(out, "{}", make_visible(&describe_live(live)))?;
    }
    for value in &document.values {
        write_value(out, value)?;
        if let Some(write) = &value.last_write {
            writeln!(out, "  {}", make_visible(&describe_write(write)))?;
        }
        if let Some(live) = &document.live {
            write_live(out, live, &value.field)?;
        }
    }
    Ok(())
}

/// Describes the state of the whole object: `live: drifted, read 2026-12-01T03:10:00Z; last applied by run 01a22859…`.
fn describe_live(live: &LiveEntry) -> String {
    let state = match live.state {
        State::InSync => "as the manifest says",
        State::Pending => "waits for an apply",
        State::Drifted => "differs from the manifest",
        State::Accepted => "drift that is accepted",
        State::Suspended => "suspended",
        State::Missing => "missing",
        State::Error => "not known",
    };
    let applied = live.applied.as_ref();
    let applied = applied.map(|applied| {
        format!(
            "last applied {} by run {}",
            to_the_second(&applied.at),
            applied.run
        )
    });
    let read = match live.state {
        State::Error | State::Suspended => "not read".into(),
        _ => format!("read {}", to_the_second(&live.read_at)),
    };
    let parts = [
        Some(format!("live: {state}, {read}")),
        applied,
        live.message.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}

/// Returns a time without the fraction of its second.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time.to_string(),
    }
}

fn describe_write(write: &ValueWrite) -> String {
    let approved = write.approved_by.as_ref();
    let commit = write.commit.as_deref().map(short_commit);
    let parts = [
        Some(format!("written by {}", write.by)),
        approved.map(|by| format!("approved by {by}")),
        Some(to_the_second(&write.at)),
        Some(format!("run {}", write.run)),
        commit.map(|commit| format!("commit {commit}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

/// Writes what live has of a value: each difference at the value, above it or below it, or that there is none.
fn write_live(out: &mut impl Write, live: &LiveEntry, field: &str) -> io::Result<()> {
    if live.state.is_unread() || live.state == State::Suspended {
        return Ok(());
    }
    let mut differences = live
        .differences
        .iter()
        .filter(|one| is_at_or_below(&one.path, field) || is_at_or_below(field, &one.path));
    let Some(first) = differences.next() else {
        let is_unseen = live.unseen.iter().any(|name| is_at_or_below(field, name));
        return match (is_of_fields(field), is_unseen) {
            (true, true) => writeln!(out, "  live: no read shows it"),
            (true, false) => writeln!(out, "  live: the same"),
            (false, _) => Ok(()),
        };
    };
    for difference in std::iter::once(first).chain(differences) {
        let at = match difference.path == field {
            true => String::new(),
            false => format!(" at {}", difference.path),
        };
        let value = |value: &Option<Json>| {
            value
                .as_ref()
                .map_or_else(|| "none".to_string(), Json::to_string)
        };
        let who = match difference.changed_by {
            By::You => "the manifest has changed since",
            By::They => "changed by another writer",
            By::Both => "the manifest and another writer have changed it",
            By::Unknown => "nobody knows who changed it",
        };
        let mut line = format!("live{at}: {}, {who}", value(&difference.live));
        if difference.changed_by != By::Unknown {
            line += &format!("; {} at the last apply", value(&difference.base));
        }
        writeln!(out, "  {}", make_visible(&line))?;
    }
    Ok(())
}

/// Reports whether a path is that of a field or of the identity, which the vendor has too.
fn is_of_fields(path: &str) -> bool {
    let names = ["connection", "labels", "policy"];
    !names.iter().any(|name| is_at_or_below(path, name))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_only_of_what_was_read() {
        let live = |state| LiveEntry {
            read_at: "2026-12-01T03:10:00.25Z".into(),
            state,
            applied: None,
            differences: Vec::new(),
            unseen: Vec::new(),
            message: None,
        };
        let described = |state| describe_live(&live(state));
        assert_eq!(
            described(State::Missing),
            "live: missing, read 2026-12-01T03:10:00Z"
        );
        assert_eq!(described(State::Error), "live: not known, not read");
        assert_eq!(described(State::Suspended), "live: suspended, not read");
    }
}
