//! Reads the scheduled updates of licenses beside the licenses.
//!
//! The list has no filter that a page shows, so it is read by order: pending updates first, then failed ones. If the first page
//! does not have all of it, the statistics say how many of both there are, and no page is read after them. Whatever the
//! order, none is missed: if fewer were shown than the statistics count, the list is read to its end.
//!
//! For each pending update of ours of a wanted license one more call asks the vendor what will come of it. Its failure is
//! no failure of the reading.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::fields;
use super::schedule::{OF_FEATURE, OF_LICENSE, OURS, UPDATES, WITHOUT_FEATURE, canonical_value};
use crate::model::schedule::{LiveSchedule, LiveUpdate, UpdateState, ValuesByPath};
use crate::model::{Call, Desired, ElementKey, FieldPath, Live, Observed, ReadFailure, Text};
use crate::provider::error_text::HIDDEN;
use crate::provider::reading::{
    Answer, MOST_PAGES, Outbox, Reading, Settled, Ticket, json_of, require_success,
};
use crate::provider::with_query;

/// The rows of a page; that of licenses is capped there.
const PAGE: usize = 100;

/// Adds the updates of those licenses whose coming states are at the vendor.
pub fn with_schedules(desired: &[&Desired], licenses: Box<dyn Reading>) -> Box<dyn Reading> {
    let scheduled = desired.iter().enumerate();
    let scheduled = scheduled.filter(|(_, object)| object.coming.are_at_vendor());
    let ids: BTreeMap<usize, String> = scheduled
        .map(|(index, object)| (index, object.id("licenseId").to_string()))
        .collect();
    match ids.is_empty() {
        true => licenses,
        false => Box::new(ScheduleReading::new(desired.len(), ids, licenses)),
    }
}

#[derive(Clone, Debug)]
enum Purpose {
    /// A call of the licenses' own reading.
    License(Ticket),
    Page,
    Counts,
    /// What will come of the update with this id.
    Outlook(String),
}

/// The list of updates as far as it is read.
#[derive(Default)]
struct UpdateList {
    rows: BTreeMap<u64, Json>,
    offset: usize,
    pages: usize,
    count: usize,
    /// How many updates are pending or failed, if the statistics were asked.
    open: Option<usize>,
    /// Whether the whole list is to be read, since nothing is known of its parts.
    to_end: bool,
    end: Option<Result<(), String>>,
}

pub struct ScheduleReading {
    licenses: Box<dyn Reading>,
    outbox: Outbox<Purpose>,
    /// The ids of the licenses whose updates are read, by their index.
    scheduled: BTreeMap<usize, String>,
    list: UpdateList,
    /// The numbers of product features by license and code.
    features: BTreeMap<String, BTreeMap<String, u64>>,
    /// The vendor's words by the id of an update that will fail.
    predictions: BTreeMap<String, String>,
    outlooks: usize,
    /// Licenses that wait for their updates.
    waiting: BTreeMap<usize, Live>,
    settled: Settled,
}

impl ScheduleReading {
    fn new(count: usize, scheduled: BTreeMap<usize, String>, licenses: Box<dyn Reading>) -> Self {
        let mut reading = Self {
            licenses,
            outbox: Outbox::default(),
            scheduled,
            list: UpdateList::default(),
            features: BTreeMap::new(),
            predictions: BTreeMap::new(),
            outlooks: 0,
            waiting: BTreeMap::new(),
            settled: Settled::none_of(count),
        };
        reading.ask_page();
        reading
    }

    fn ask_page(&mut self) {
        let (limit, offset) = (PAGE.to_string(), self.list.offset.to_string());
        let mut pairs = vec![("order_by", "-status"), ("limit", limit.as_str())];
        if self.list.offset > 0 {
            pairs.push(("offset", &offset));
        }
        let call = Call::get(with_query(UPDATES, &pairs));
        self.outbox.send(call, Purpose::Page);
    }

    fn take_page(&mut self, name: &str, answer: Answer) {
        match json_of(name, answer) {
            Ok(page) => self.take_rows(name, &page),
            Err(failure) => {
                let way_out = "without `policy.schedule: vendor`, entitle carries out dated changes itself, and needs no such list";
                let words = match failure.status {
                    Some(400..500) => format!("{}; {way_out}", failure.text),
                    Some(_) | None => failure.text,
                };
                self.list.end = Some(Err(words));
            }
        }
        self.ask_outlooks();
    }

    fn take_rows(&mut self, name: &str, page: &Json) {
        let (Some(count), Some(rows)) = (page["count"].as_u64(), page["results"].as_array()) else {
            self.list.end = Some(Err(format!("{name} answered with no page of a list")));
            return;
        };
        let list = &mut self.list;
        list.count = usize::try_from(count).unwrap_or(usize::MAX);
        list.pages += 1;
        list.offset += rows.len();
        for row in rows {
            let Some(id) = row["id"].as_u64() else {
                list.end = Some(Err(format!(
                    "{name} answered with a row without the number `id`"
                )));
                return;
            };
            list.rows.insert(id, row.clone());
        }
        if list.offset >= list.count {
            list.end = Some(list.check_end(name));
        } else if rows.is_empty() || list.pages >= MOST_PAGES {
            let words = format!(
                "{name} showed {} of {count} rows and does not go on",
                list.offset
            );
            list.end = Some(Err(words));
        } else if list.open.is_some_and(|open| list.count_open() >= open) {
            list.end = Some(Ok(()));
        } else if list.open.is_none() && !list.to_end {
            let call = Call::get(format!("{UPDATES}stats/"));
            self.outbox.send(call, Purpose::Counts);
        } else {
            self.ask_page();
        }
    }

    fn take_counts(&mut self, name: &str, answer: Answer) {
        let counts = json_of(name, answer).ok();
        let open = counts
            .and_then(|counts| Some(counts["pending"].as_u64()? + counts["failed"].as_u64()?));
        self.list.open = open.and_then(|open| usize::try_from(open).ok());
        self.list.to_end = self.list.open.is_none();
        match self
            .list
            .open
            .is_some_and(|open| self.list.count_open() >= open)
        {
            true => self.list.end = Some(Ok(())),
            false => self.ask_page(),
        }
        self.ask_outlooks();
    }

    /// Asks what will come of each pending update of ours of a wanted license, once all updates are known.
    fn ask_outlooks(&mut self) {
        if self.list.end != Some(Ok(())) {
            return;
        }
        let licenses: BTreeSet<&String> = self.scheduled.values().collect();
        let rows = self.list.rows.values();
        let pending = rows.filter(|row| {
            row["status"] == "pending"
                && is_ours(row)
                && licenses.contains(&row["license"].to_string())
        });
        let ids: Vec<String> = pending.map(|row| row["id"].to_string()).collect();
        for id in ids {
            self.outlooks += 1;
            let call = Call::get(format!("{UPDATES}{id}/simulate/"));
            self.outbox.send(call, Purpose::Outlook(id));
        }
    }

    fn take_outlook(&mut self, id: String, name: &str, answer: Answer) {
        self.outlooks -= 1;
        if let Ok(outlook) = json_of(name, answer)
            && outlook["status"] == "failed"
        {
            self.predictions.insert(id, error_words(&outlook));
        }
    }

    /// Notes the numbers of product features, which the licenses' own reading has no use for.
    fn note_features(&mut self, answer: &Answer) {
        let Ok(reply) = require_success("", answer.clone()) else {
            return;
        };
        let Ok(body) = serde_json::from_str::<Json>(&reply.body) else {
            return;
        };
        let licenses = body["results"]
            .as_array()
            .map_or(std::slice::from_ref(&body), Vec::as_slice);
        for license in licenses {
            let rows = license["product_features"].as_array().into_iter().flatten();
            let features = rows.filter_map(|row| {
                let feature = &row["product_feature"];
                Some((
                    feature["code"].as_str()?.to_string(),
                    feature["id"].as_u64()?,
                ))
            });
            self.features
                .insert(license["id"].to_string(), features.collect());
        }
    }

    fn absorb(&mut self, observed: Vec<(usize, Observed)>) {
        for (index, observed) in observed {
            match observed {
                Observed::Live(live) if self.scheduled.contains_key(&index) => {
                    self.waiting.insert(index, live);
                }
                observed => self.settled.put(index, observed),
            }
        }
    }

    /// Gives away the licenses that waited, once nothing is left to be known of their updates.
    fn release(&mut self) {
        let Some(end) = self.list.end.clone().filter(|_| self.outlooks == 0) else {
            return;
        };
        for (index, mut live) in std::mem::take(&mut self.waiting) {
            let observed = match &end {
                Ok(()) => {
                    live.schedule = Some(Box::new(self.schedule_of(&self.scheduled[&index])));
                    Observed::Live(live)
                }
                Err(words) => Observed::Unread(ReadFailure::odd(words.clone())),
            };
            self.settled.put(index, observed);
        }
    }

    fn schedule_of(&self, license: &str) -> LiveSchedule {
        let none = BTreeMap::new();
        let features = self.features.get(license).unwrap_or(&none);
        let rows = self.list.rows.values();
        let number = license.parse::<u64>().ok();
        let rows = rows.filter(|row| number.is_some() && row["license"].as_u64() == number);
        let ids = features.iter();
        LiveSchedule {
            updates: rows
                .filter_map(|row| decode_update(row, features, &self.predictions))
                .collect(),
            ids: ids
                .map(|(code, id)| (feature_path(code).to_string(), *id))
                .collect(),
        }
    }
}

impl UpdateList {
    fn count_open(&self) -> usize {
        self.rows.values().filter(|row| is_open(row)).count()
    }

    /// Checks the end of a list: rows may have moved from one page to another while they were read.
    fn check_end(&self, name: &str) -> Result<(), String> {
        let is_whole = match self.open {
            Some(open) => self.count_open() >= open,
            None => self.rows.len() >= self.count,
        };
        match is_whole {
            true => Ok(()),
            false => Err(format!("{name}: the list changed while it was read")),
        }
    }
}

impl Reading for ScheduleReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        for (ticket, call) in self.licenses.ready() {
            self.outbox.send(call, Purpose::License(ticket));
        }
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        match purpose {
            Purpose::License(ticket) => {
                self.note_features(&answer);
                self.licenses.take(ticket, answer);
            }
            Purpose::Page => self.take_page(&name, answer),
            Purpose::Counts => self.take_counts(&name, answer),
            Purpose::Outlook(id) => self.take_outlook(id, &name, answer),
        }
        let observed = self.licenses.settled();
        self.absorb(observed);
        self.release();
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let Self {
            licenses,
            scheduled,
            waiting,
            mut settled,
            ..
        } = *self;
        let unread = || Observed::Unread(ReadFailure::odd("its scheduled updates were not read"));
        for index in waiting.into_keys() {
            settled.put(index, unread());
        }
        for (index, observed) in licenses.finish() {
            match observed {
                Observed::Live(_) if scheduled.contains_key(&index) => settled.put(index, unread()),
                observed => settled.put(index, observed),
            }
        }
        settled.finish(|_| unread())
    }
}

/// Reports whether an update may still be carried out, or failed: `entitle` asks for no others.
fn is_open(row: &Json) -> bool {
    row["status"] == "pending" || row["status"] == "failed"
}

fn is_ours(row: &Json) -> bool {
    row["name"]
        .as_str()
        .is_some_and(|name| name.starts_with(OURS))
}

fn feature_path(code: &str) -> FieldPath {
    FieldPath::default()
        .field(fields::FEATURES)
        .element(ElementKey::new(vec![Text::from(code)], false))
}

/// Decodes a pending or failed update; `None` for any other, and for one whose time cannot be read.
fn decode_update(
    row: &Json,
    features: &BTreeMap<String, u64>,
    predictions: &BTreeMap<String, String>,
) -> Option<LiveUpdate> {
    let id = row["id"].to_string();
    let state = match row["status"].as_str()? {
        "pending" => UpdateState::Pending {
            predicted: predictions.get(&id).cloned(),
        },
        "failed" => UpdateState::Failed(error_words(row)),
        _ => return None,
    };
    Some(LiveUpdate {
        id: Text::from(id),
        at: row["scheduled_at"].as_str()?.parse().ok()?,
        is_ours: is_ours(row),
        name: row["name"].as_str().unwrap_or_default().to_string(),
        values: decode_items(row, features),
        state,
    })
}

/// Returns the new values of all items by path. An item that no update of ours has is listed by its action, without values.
fn decode_items(row: &Json, features: &BTreeMap<String, u64>) -> ValuesByPath {
    let mut values = ValuesByPath::new();
    for item in row["scheduled_update_data"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let verb = item["action"].as_str().unwrap_or_default();
        let feature = item["product_feature"].as_u64();
        let mut codes = features.iter();
        let code = codes.find(|(_, id)| Some(**id) == feature);
        let path = code.map(|(code, _)| feature_path(code).to_string());
        let members = item["update_data"].as_object().into_iter().flatten();
        match (verb, path) {
            (OF_LICENSE, _) => values.extend(members.map(|(name, value)| {
                let value = canonical_value(fields::TABLE.desired, name, value);
                (name.clone(), value)
            })),
            (OF_FEATURE, Some(path)) => values.extend(members.map(|(name, value)| {
                let value = canonical_value(fields::ITEMS.fields, name, value);
                (format!("{path}.{name}"), value)
            })),
            (WITHOUT_FEATURE, Some(path)) => {
                values.insert(path, Json::Null);
            }
            _ => {
                let target = feature.or(item["product_custom_field"].as_u64());
                let target = target.map_or(String::new(), |id| format!(" {id}"));
                values.insert(format!("{verb}{target}"), Json::from(HIDDEN));
            }
        }
    }
    values
}

/// Returns the vendor's words about the items of an update that failed or will fail.
fn error_words(row: &Json) -> String {
    let items = row["scheduled_update_data"]
        .as_array()
        .into_iter()
        .flatten();
    let words: Vec<&str> = items
        .filter_map(|item| item["error_message"].as_str())
        .collect();
    match words.is_empty() {
        true => "no reason is given".into(),
        false => words.join("; "),
    }
}
