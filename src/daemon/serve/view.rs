//! Selects, orders and counts the objects that a reader of the status sees. Pure.

pub mod coming;
pub mod connections;

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::apply::memory::kind_of_address;
use crate::daemon::status::{ObjectState, ObjectStatus, Status};
use crate::model::{Risk, compare_natural};

/// Objects on one page: enough to scroll through, and so few that a browser renders them at once even if there are
/// 10,000 objects in all.
const PAGE: usize = 100;

/// All states. The states that need attention come first.
pub const STATES: [ObjectState; 12] = [
    ObjectState::Failed,
    ObjectState::Missing,
    ObjectState::Fought,
    ObjectState::Refused,
    ObjectState::Differs,
    ObjectState::Waiting,
    ObjectState::NeverApplied,
    ObjectState::AsApplied,
    ObjectState::Unseen,
    ObjectState::Suspended,
    ObjectState::Elsewhere,
    ObjectState::InSync,
];

/// The value of the state filter that stands for all states that need attention.
pub const ATTENTION: &str = "attention";

/// Returns the index of a state in [`STATES`].
pub fn state_rank(state: ObjectState) -> usize {
    match state {
        ObjectState::Failed => 0,
        ObjectState::Missing => 1,
        ObjectState::Fought => 2,
        ObjectState::Refused => 3,
        ObjectState::Differs => 4,
        ObjectState::Waiting => 5,
        ObjectState::NeverApplied => 6,
        ObjectState::AsApplied => 7,
        ObjectState::Unseen => 8,
        ObjectState::Suspended => 9,
        ObjectState::Elsewhere => 10,
        ObjectState::InSync => 11,
    }
}

/// Reports whether the live object is known to differ from its manifest.
pub fn is_drifted(state: ObjectState) -> bool {
    match state {
        ObjectState::Differs
        | ObjectState::Waiting
        | ObjectState::Refused
        | ObjectState::Fought => true,
        ObjectState::Unseen
        | ObjectState::InSync
        | ObjectState::AsApplied
        | ObjectState::NeverApplied
        | ObjectState::Failed
        | ObjectState::Missing
        | ObjectState::Suspended
        | ObjectState::Elsewhere => false,
    }
}

/// Reports whether a person should look: the object differs, or could not be brought in order.
pub fn wants_attention(state: ObjectState) -> bool {
    is_drifted(state) || matches!(state, ObjectState::Failed | ObjectState::Missing)
}

/// A reader's filter, from the query of the URL. Unknown members are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Words that must all be found in the address, an id, the file, the message or a changed field.
    pub text: String,
    pub vendor: String,
    /// The kind of an object, such as `LacLicenseOrder`.
    pub kind: String,
    pub connection: String,
    pub state: String,
    pub risk: String,
    /// A label as `name=value`.
    pub label: String,
    /// The number of the page, from 1.
    pub page: usize,
}

impl Query {
    /// Reads the query of a URL. Values are cut to 200 characters.
    pub fn parse(query: &str) -> Self {
        let mut found = Self {
            page: 1,
            ..Self::default()
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim().chars().take(200).collect::<String>();
            match name.as_ref() {
                "q" => found.text = value,
                "vendor" => found.vendor = value,
                "kind" => found.kind = value,
                "connection" => found.connection = value,
                "state" => found.state = value,
                "risk" => found.risk = value,
                "label" => found.label = value,
                "page" => found.page = value.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        found
    }

    /// Returns the query string for another page.
    pub fn at_page(&self, page: usize) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", &self.text),
            ("vendor", &self.vendor),
            ("kind", &self.kind),
            ("connection", &self.connection),
            ("state", &self.state),
            ("risk", &self.risk),
            ("label", &self.label),
        ] {
            if !value.is_empty() {
                out.append_pair(name, value);
            }
        }
        if page > 1 {
            out.append_pair("page", &page.to_string());
        }
        out.finish()
    }

    /// Reports whether the filter lets every object pass.
    pub fn is_open(&self) -> bool {
        self.at_page(1).is_empty()
    }

    /// Reports whether an object passes the filter.
    pub fn matches(&self, object: &ObjectStatus) -> bool {
        let equal = |filter: &str, is: &str| filter.is_empty() || filter == is;
        let state = match self.state.as_str() {
            ATTENTION => wants_attention(object.state),
            filter => equal(filter, object.state.name()),
        };
        let risk = match self.risk.as_str() {
            "" => true,
            filter => !object.changes.is_empty() && filter == object.risk.to_string(),
        };
        state
            && risk
            && equal(&self.vendor, &object.vendor)
            && equal(&self.kind, kind_of_address(&object.address))
            && equal(&self.connection, &object.connection)
            && (self.label.is_empty() || object.labels.contains(&self.label))
            && self
                .text
                .split_whitespace()
                .all(|word| mentions_word(object, word))
    }
}

/// Reports whether a word occurs in the texts of an object, in upper or lower case.
fn mentions_word(object: &ObjectStatus, word: &str) -> bool {
    let word = word.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&word);
    has(&object.address)
        || has(&object.origin.file)
        || object.identity.values().any(|id| has(id))
        || object.labels.iter().any(&has)
        || object.message.as_deref().is_some_and(has)
        || object.changes.iter().any(|change| has(&change.path))
}

/// Returns the first value of this name in the query of a URL; `None` if there is none.
pub fn query_value(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find_map(|(known, value)| (known == name).then(|| value.into_owned()))
}

/// The number of objects in each state. A plain array, since there are few states and many objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCounts([usize; STATES.len()]);

impl StateCounts {
    pub fn count_objects<'a>(objects: impl IntoIterator<Item = &'a ObjectStatus>) -> Self {
        let mut counts = Self::default();
        for object in objects {
            counts.0[state_rank(object.state)] += 1;
        }
        counts
    }

    /// Returns the states that some object is in, in the order of [`STATES`].
    pub fn present_states(&self) -> impl Iterator<Item = (ObjectState, usize)> {
        STATES
            .into_iter()
            .zip(self.0)
            .filter(|(_, count)| *count > 0)
    }

    pub fn get(&self, state: ObjectState) -> usize {
        self.0[state_rank(state)]
    }

    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Returns how many objects need attention.
    pub fn attention(&self) -> usize {
        self.present_states()
            .filter(|(state, _)| wants_attention(*state))
            .map(|(_, count)| count)
            .sum()
    }
}

/// One page of objects: those that need attention, the worst risk first, then the others by vendor.
pub struct PageView<'a> {
    pub rows: Vec<&'a Arc<ObjectStatus>>,
    /// Objects that pass the filter, on all pages.
    pub found: usize,
    pub page: usize,
    pub pages: usize,
    /// The number of the first row among those objects, from 1.
    pub first: usize,
    /// Counts over all objects, whatever the filter.
    pub all: StateCounts,
    /// Counts by vendor, over the objects that pass the filter.
    pub vendors: BTreeMap<&'a str, StateCounts>,
}

impl<'a> PageView<'a> {
    pub fn new(status: &'a Status, query: &Query) -> Self {
        let all = StateCounts::count_objects(status.objects.iter().map(AsRef::as_ref));
        let mut vendors: BTreeMap<&str, StateCounts> = BTreeMap::new();
        let mut found: Vec<&Arc<ObjectStatus>> = status
            .objects
            .iter()
            .filter(|object| query.matches(object))
            .collect();
        for object in &found {
            vendors.entry(&object.vendor).or_default().0[state_rank(object.state)] += 1;
        }
        found.sort_by(|one, other| Self::compare(one, other));
        let pages = found.len().div_ceil(PAGE).max(1);
        let page = query.page.clamp(1, pages);
        let first = (page - 1) * PAGE;
        Self {
            found: found.len(),
            rows: found.into_iter().skip(first).take(PAGE).collect(),
            page,
            pages,
            first: first + 1,
            all,
            vendors,
        }
    }

    /// Orders rows: those that need attention by risk and gravity, those of a connection with a problem last, then the
    /// others by vendor, and equal ones by name.
    fn compare(one: &ObjectStatus, other: &ObjectStatus) -> Ordering {
        let key = |object: &ObjectStatus| {
            let calm = !wants_attention(object.state);
            let risk = if calm { Risk::Safe } else { object.risk };
            (calm, Reverse(risk), object.problem.is_some())
        };
        let vendors = match wants_attention(one.state) {
            true => Ordering::Equal,
            false => one.vendor.cmp(&other.vendor),
        };
        key(one)
            .cmp(&key(other))
            .then(vendors)
            .then_with(|| state_rank(one.state).cmp(&state_rank(other.state)))
            .then_with(|| compare_natural(&one.address, &other.address))
    }
}

/// The largest number of labels that the filter offers: a longer list would be of no use to choose from.
const LABELS: usize = 100;

/// Returns the labels of objects as `name=value`, in natural order.
pub fn present_labels(status: &Status) -> Vec<&str> {
    let labels: BTreeSet<&str> = status
        .objects
        .iter()
        .flat_map(|object| object.labels.iter())
        .collect();
    let mut labels: Vec<&str> = labels.into_iter().collect();
    labels.sort_by(|one, other| compare_natural(one, other));
    labels.truncate(LABELS);
    labels
}

/// Returns the kinds of objects, in the order of their names, where a vendor has several of them; none otherwise, since
/// the vendor then says as much.
pub fn present_kinds(status: &Status) -> Vec<&str> {
    let objects = status.objects.iter();
    let kinds = objects.map(|object| (kind_of_address(&object.address), object.vendor.as_str()));
    let kinds: BTreeSet<(&str, &str)> = kinds.collect();
    let vendors: BTreeSet<&str> = kinds.iter().map(|(_, vendor)| *vendor).collect();
    match kinds.len() > vendors.len() {
        true => kinds.into_iter().map(|(kind, _)| kind).collect(),
        false => Vec::new(),
    }
}

/// The changes between two moments that a reader with a filter sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusChange {
    /// Objects that are new, gone or changed.
    pub objects: usize,
    /// True if a changed object passes the filter now, or passed it before.
    pub seen: bool,
    /// True if anything outside the objects changed.
    pub around: bool,
}

impl StatusChange {
    /// Compares two moments by pointers and not by contents, so that ten thousand unchanged objects cost
    /// microseconds.
    pub fn between(before: &Status, after: &Status, query: &Query) -> Self {
        let mut tick = Self {
            around: before.passes.back() != after.passes.back()
                || before.brake.engaged != after.brake.engaged
                || before.source.problem != after.source.problem
                || before.source.unfollowed != after.source.unfollowed
                || before.source.revision != after.source.revision
                || before.replicas != after.replicas
                || before.recent.first() != after.recent.first()
                || before.connections != after.connections
                || before.stopping != after.stopping,
            ..Self::default()
        };
        let mut note = |was: Option<&ObjectStatus>, is: Option<&ObjectStatus>| {
            tick.objects += 1;
            tick.seen |= was
                .into_iter()
                .chain(is)
                .any(|object| query.matches(object));
        };
        let (mut old, mut new) = (
            before.objects.iter().peekable(),
            after.objects.iter().peekable(),
        );
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(was), Some(is)) => was.address.cmp(&is.address),
            };
            let was = (order != Ordering::Greater).then(|| old.next()).flatten();
            let is = (order != Ordering::Less).then(|| new.next()).flatten();
            match (was, is) {
                (Some(was), Some(is)) if Arc::ptr_eq(was, is) => {}
                (was, is) => note(was.map(AsRef::as_ref), is.map(AsRef::as_ref)),
            }
        }
        tick
    }

    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Risks by name, the worst first.
pub const RISKS: [&str; 3] = ["strand", "reduce", "safe"];

#[cfg(test)]
mod tests;
