//! Groups events that say the same of many objects, so that a change of an edition is one line and not 212.

use std::collections::BTreeMap;

use super::describe_event;
use crate::plan::calendar::CalendarEvent;
use crate::render::group::LEAST;

/// Events that are shown as one. Never empty.
pub struct EventGroup<'a> {
    pub events: Vec<&'a CalendarEvent>,
}

impl<'a> EventGroup<'a> {
    pub fn first(&self) -> &'a CalendarEvent {
        self.events[0]
    }

    pub fn is_many(&self) -> bool {
        self.events.len() > 1
    }

    /// Returns the address of the object, or how many there are: `212 × LacLicenseOrder`.
    pub fn title(&self) -> String {
        match self.is_many() {
            false => self.first().object.clone(),
            true => format!("{} × {}", self.events.len(), kind_of(self.first())),
        }
    }

    /// Says what happens, and of many objects in which edition.
    pub fn describe(&self) -> String {
        let what = describe_event(self.first());
        match &self.first().edition {
            Some(edition) if self.is_many() => format!("{what} (edition {edition})"),
            _ => what,
        }
    }
}

fn kind_of(event: &CalendarEvent) -> &str {
    event.object.split('/').next().unwrap_or_default()
}

/// Groups events of one date that say the same of objects of one kind and edition, from five on. With `full` each stands by
/// itself.
pub fn group_events(events: &[CalendarEvent], full: bool) -> Vec<EventGroup<'_>> {
    let key = |event: &CalendarEvent| {
        let what = describe_event(event);
        (
            event.at.clone(),
            event.kind,
            kind_of(event).to_string(),
            event.edition.clone(),
            what,
        )
    };
    let keys: Vec<_> = events.iter().map(key).collect();
    let mut counts = BTreeMap::new();
    for key in &keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    let (mut groups, mut indexes): (Vec<EventGroup<'_>>, BTreeMap<_, usize>) = Default::default();
    for (event, key) in events.iter().zip(&keys) {
        if full || counts.get(key).is_none_or(|count| *count < LEAST) {
            groups.push(EventGroup {
                events: vec![event],
            });
            continue;
        }
        let index = *indexes.entry(key).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => group.events.push(event),
            None => groups.push(EventGroup {
                events: vec![event],
            }),
        }
    }
    groups
}
