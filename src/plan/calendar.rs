//! Lists what happens by date: changes that begin, dates of objects that pass, and suspensions and accepted drift that end.
//!
//! In: desired objects with the states that lie ahead, accepted drift, and two times. Out: events in the order of time.
//! Nothing is read from a vendor here; dates that only live objects have are given by the caller.
//!
//! Example: an order ends on 2027-08-01, and a change of 2027-07-01 moves that by a year. Seen in June it has one event in
//! July, the change, and none in August.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::coming::list_coming;
use super::document::{ChangeEntry, FORMAT_VERSION, OriginEntry};
use super::mass_change::{ChangeTally, MassChange};
use crate::model::dated::Moment;
use crate::model::{AcceptedDrift, Address, Desired, Fields, Origin, PolicyMode};
use crate::provider::{self, dates};

/// The events between two times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "entitle calendar")]
pub struct CalendarDocument {
    /// Major and minor version of this format.
    pub format_version: String,
    /// The first moment that is looked at, in UTC.
    pub from: String,
    /// The last one.
    pub until: String,
    /// In the order of time.
    pub events: Vec<CalendarEvent>,
    /// Dated changes that begin for so many objects at once that a daemon holds them back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mass_changes: Vec<MassChange>,
}

/// Something that happens to an object at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarEvent {
    /// The moment, in UTC.
    pub at: String,
    /// The day, or the moment with its time, as the manifest has it.
    pub date: String,
    pub kind: EventKind,
    /// Kind and name of the object.
    pub object: String,
    /// The edition of the object, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// True for a date that the vendor has and the manifest does not state.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
    /// The field whose date passes, or of which drift was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How the object changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeEntry>,
    /// Whether the vendor carries out the change by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_vendor: bool,
    /// Why the object was suspended, or why its drift was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where that stands in the manifests: a change where it begins, anything else at its object.
    pub origin: OriginEntry,
}

/// What happens.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A dated change begins.
    Change,
    /// A date of the object passes: it, or a part of it, ends.
    Expiry,
    /// The object is looked after again.
    SuspensionEnds,
    /// From this day on the drift is reported again.
    AcceptanceEnds,
}

/// The time that is looked at, and the zone in which its days begin.
pub struct Period {
    pub from: Timestamp,
    pub until: Timestamp,
    pub zone: TimeZone,
}

impl Period {
    fn contains(&self, time: Timestamp) -> bool {
        time > self.from && time <= self.until
    }
}

impl CalendarDocument {
    /// Lists the events of a period.
    pub fn new<'a>(
        objects: impl IntoIterator<Item = &'a Desired>,
        accepted: &[AcceptedDrift],
        live: &dyn Fn(&Address) -> Option<&'a Fields>,
        period: &Period,
    ) -> Self {
        let mut events: Vec<(Timestamp, CalendarEvent)> = Vec::new();
        let mut connections: BTreeMap<String, &str> = BTreeMap::new();
        for object in objects {
            connections.insert(object.address.to_string(), &object.connection);
            events.extend(list_changes(object));
            events.extend(list_expiries(object, period));
            let fields = live(&object.address);
            events.extend(
                fields
                    .into_iter()
                    .flat_map(|live| list_live_ends(object, live, period)),
            );
            events.extend(suspension_end(object));
        }
        events.extend(accepted.iter().filter_map(acceptance_end));
        events.retain(|(at, _)| period.contains(*at));
        events.sort_by(|(one, a), (other, b)| {
            (one, a.kind, &a.object, &a.field).cmp(&(other, b.kind, &b.object, &b.field))
        });
        let events: Vec<CalendarEvent> = events.into_iter().map(|(_, event)| event).collect();
        Self {
            format_version: FORMAT_VERSION.into(),
            from: period.from.to_string(),
            until: period.until.to_string(),
            mass_changes: find_masses(&connections, &events),
            events,
        }
    }
}

/// Returns the mass changes among the events. `connections` are those of all objects.
fn find_masses(connections: &BTreeMap<String, &str>, events: &[CalendarEvent]) -> Vec<MassChange> {
    let mut tally = ChangeTally::default();
    for connection in connections.values() {
        tally.add_object(connection);
    }
    for event in events
        .iter()
        .filter(|event| event.kind == EventKind::Change)
    {
        if let Some(connection) = connections.get(&event.object) {
            tally.add_change(connection, &event.date, &event.at);
        }
    }
    tally.find()
}

/// Makes an event of an object, still without its particulars.
fn event(at: Timestamp, date: String, kind: EventKind, object: &Desired) -> CalendarEvent {
    CalendarEvent {
        at: at.to_string(),
        date,
        kind,
        object: object.address.to_string(),
        edition: object.layers.edition().map(str::to_string),
        live: false,
        field: None,
        changes: Vec::new(),
        at_vendor: false,
        reason: None,
        origin: origin_entry(&object.origin),
    }
}

fn origin_entry(origin: &Origin) -> OriginEntry {
    OriginEntry {
        file: origin.source.name.clone(),
        line: origin.mark.line,
    }
}

fn list_changes(object: &Desired) -> impl Iterator<Item = (Timestamp, CalendarEvent)> {
    let states = object.coming.iter();
    states.zip(list_coming(object)).map(|(state, entry)| {
        let event = CalendarEvent {
            changes: entry.changes,
            at_vendor: entry.at_vendor,
            origin: origin_entry(&state.origin),
            ..event(state.from, entry.from, EventKind::Change, object)
        };
        (state.from, event)
    })
}

/// Lists the dates that pass while the state that has them is in force.
fn list_expiries(object: &Desired, period: &Period) -> Vec<(Timestamp, CalendarEvent)> {
    let Some(kind) = provider::find_kind(object.address.kind.0) else {
        return Vec::new();
    };
    let coming = object.coming.iter();
    let states = coming.map(|state| (state.from, &state.fields));
    let states: Vec<_> = [(Timestamp::MIN, &object.fields)]
        .into_iter()
        .chain(states)
        .collect();
    let mut events = Vec::new();
    for (index, (from, fields)) in states.iter().enumerate() {
        let next = states.get(index + 1).map(|(from, _)| *from);
        let fields: Fields = fields.unpack();
        for (path, date) in dates::list_ends(kind.table().desired, &fields) {
            let Ok(moment) = date.parse::<Moment>() else {
                continue;
            };
            let at = moment.in_zone(&period.zone);
            if at >= *from && next.is_none_or(|next| at < next) {
                let event = CalendarEvent {
                    field: Some(path.to_string()),
                    ..event(at, moment.to_string(), EventKind::Expiry, object)
                };
                events.push((at, event));
            }
        }
    }
    events
}

/// Lists the dates that pass at the vendor, of fields that the manifest leaves alone now and later.
fn list_live_ends(
    object: &Desired,
    live: &Fields,
    period: &Period,
) -> Vec<(Timestamp, CalendarEvent)> {
    let Some(kind) = provider::find_kind(object.address.kind.0) else {
        return Vec::new();
    };
    let table = kind.table().desired;
    let states = object.coming.iter().map(|state| &state.fields);
    let states = [&object.fields].into_iter().chain(states);
    let stated: BTreeSet<String> = states
        .flat_map(|fields| dates::list_ends(table, &fields.unpack()))
        .map(|(path, _)| path.to_string())
        .collect();
    let ends = dates::list_ends(table, live).into_iter();
    let ends = ends.map(|(path, date)| (path.to_string(), date));
    ends.filter(|(path, _)| !stated.contains(path))
        .filter_map(|(path, date)| {
            let moment = date.parse::<Moment>().ok()?;
            let at = moment.in_zone(&period.zone);
            let event = CalendarEvent {
                field: Some(path),
                live: true,
                ..event(at, moment.to_string(), EventKind::Expiry, object)
            };
            Some((at, event))
        })
        .collect()
}

fn suspension_end(object: &Desired) -> Option<(Timestamp, CalendarEvent)> {
    let policy = &object.policy;
    let until = policy
        .until
        .filter(|_| policy.mode == PolicyMode::Suspend)?;
    let event = CalendarEvent {
        reason: policy.reason.clone(),
        ..event(until, until.to_string(), EventKind::SuspensionEnds, object)
    };
    Some((until, event))
}

/// Returns the end of an acceptance: the day after the last one on which it holds, in UTC.
fn acceptance_end(accepted: &AcceptedDrift) -> Option<(Timestamp, CalendarEvent)> {
    let day = accepted.until.tomorrow().ok()?;
    let at = Moment::Day(day).in_zone(&TimeZone::UTC);
    let event = CalendarEvent {
        at: at.to_string(),
        date: day.to_string(),
        kind: EventKind::AcceptanceEnds,
        object: accepted.object.clone(),
        edition: None,
        live: false,
        field: Some(accepted.field.to_string()),
        changes: Vec::new(),
        at_vendor: false,
        reason: Some(accepted.reason.clone()),
        origin: origin_entry(&accepted.origin),
    };
    Some((at, event))
}
