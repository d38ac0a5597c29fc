//! Dated changes of one layer: which have begun at a time, and in which order they are laid over each other.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::dated::{DatedChange, Moment, ReadingTime};
use crate::model::diagnostic::Source;
use crate::model::{Diagnostic, Diagnostics, Node, Origin};

/// A moment at which something changes.
pub struct ChangeMoment {
    pub from: Timestamp,
    /// The moment as it was written, and where.
    pub written: Moment,
    pub origin: Origin,
}

/// Returns the trees of one layer at a time: its fields, and over them the changes that have begun, the last on top.
pub fn trees_at<'t>(
    desired: &'t Node,
    changes: &'t [DatedChange],
    time: &ReadingTime,
) -> impl Iterator<Item = &'t Node> {
    let at = time.instant();
    let begun = in_order(changes, &time.zone).into_iter();
    let begun = begun.take_while(move |(from, _)| *from <= at);
    [desired]
        .into_iter()
        .chain(begun.map(|(_, change)| &change.desired))
}

/// Returns changes with their moments, in the order of time.
fn in_order<'c>(changes: &'c [DatedChange], zone: &TimeZone) -> Vec<(Timestamp, &'c DatedChange)> {
    let changes = changes.iter();
    let mut dated: Vec<_> = changes
        .map(|change| (change.from.in_zone(zone), change))
        .collect();
    dated.sort_by_key(|(from, _)| *from);
    dated
}

/// Lists the moments of several layers in the order of time. One that several have is listed once, as the lowest has it.
pub fn moments_of<'c>(
    layers: impl Iterator<Item = (&'c Arc<Source>, &'c [DatedChange])>,
    zone: &TimeZone,
) -> Vec<ChangeMoment> {
    let changes = layers.flat_map(|(source, changes)| {
        let moment = move |change: &DatedChange| ChangeMoment {
            from: change.from.in_zone(zone),
            written: change.from,
            origin: Origin {
                source: Arc::clone(source),
                mark: change.mark,
            },
        };
        changes.iter().map(moment)
    });
    let mut moments: Vec<ChangeMoment> = changes.collect();
    moments.sort_by_key(|moment| moment.from);
    moments.dedup_by_key(|moment| moment.from);
    moments
}

/// Reports two changes of one layer that begin at once: neither would be the last. Returns whether there are none.
pub fn refuse_same_moments(
    changes: &[DatedChange],
    source: &Arc<Source>,
    zone: &TimeZone,
    findings: &mut Diagnostics,
) -> bool {
    let dated = in_order(changes, zone);
    let mut is_in_order = true;
    for pair in dated.windows(2) {
        let [(first, earlier), (second, later)] = pair else {
            continue;
        };
        if first != second {
            continue;
        }
        is_in_order = false;
        let message = format!("two changes begin at {}", later.from);
        let other = Origin {
            source: Arc::clone(source),
            mark: earlier.mark,
        };
        let finding = Diagnostic::error("duplicate-change", message)
            .at(source, later.mark)
            .also(other, "the other one begins here")
            .hint("make one of the two");
        findings.push(finding);
    }
    is_in_order
}
