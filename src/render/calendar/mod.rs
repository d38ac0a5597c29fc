//! Renders what happens by date: as text, and as a file that calendar programs read.

mod group;
mod ics;

use std::io::{self, Write};

pub use ics::write_ics;

use group::group_events;

use super::change::describe_change;
use super::coming::carrier;
use super::safe::make_visible;
use crate::plan::calendar::{CalendarDocument, CalendarEvent, EventKind};

/// Writes one line for each event, or for each group of equal ones unless `full`:
///
/// ```text
/// 2027-07-01  LacLicenseOrder/rivers  activations_allowed 25 → 40
/// 2027-07-01  212 × LacLicenseOrder  activations_allowed 25 → 40 (edition professional)
/// ```
pub fn write_calendar(
    out: &mut dyn Write,
    calendar: &CalendarDocument,
    full: bool,
) -> io::Result<()> {
    let widths = calendar.events.iter().map(|event| event.date.len());
    let width = widths.max().unwrap_or(0);
    for group in group_events(&calendar.events, full) {
        let event = group.first();
        let line = format!(
            "{:<width$}  {}  {}",
            event.date,
            group.title(),
            group.describe()
        );
        writeln!(out, "{}", make_visible(&line))?;
    }
    Ok(())
}

/// Says what happens, without the object.
fn describe_event(event: &CalendarEvent) -> String {
    let field = event.field.as_deref().unwrap_or_default();
    let what = match event.kind {
        EventKind::Change => {
            let changes: Vec<String> = event.changes.iter().map(describe_change).collect();
            format!("{}{}", changes.join("; "), carrier(event.at_vendor))
        }
        EventKind::Expiry if event.live => format!("{field} is reached, as the vendor has it"),
        EventKind::Expiry => format!("{field} is reached"),
        EventKind::SuspensionEnds => "its suspension ends".into(),
        EventKind::AcceptanceEnds => format!("drift of {field} is not accepted any more"),
    };
    match &event.reason {
        Some(reason) => format!("{what} ({reason})"),
        None => what,
    }
}
