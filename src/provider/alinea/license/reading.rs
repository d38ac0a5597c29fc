//! Two calls per licence, all side by side: neither view shows every member that a write carries. A third one
//! follows where the manifest has fewer seats than the flat view: the seats that are taken say what the change
//! would do. A vendor that does not show them costs the numbers and not the plan.
//!
//! The list call (`POST api/licenses`) would not save any: the shape of its items is not published and it
//! has no filter by id.

use serde_json::{Map, Value as Json};

use super::fields::{BUFFER_USED, SEATS_UNREAD, SEATS_USED};
use super::views::{self, View};
use crate::model::live::Fact;
use crate::model::{Call, Desired, Live, Malformed, Observed, ReadFailure, Value};
use crate::provider::codec::json_kind;
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket, json_of};
use crate::provider::{error_text, with_query};

/// What one of the two calls brought.
#[derive(Default)]
enum Shown {
    #[default]
    Nothing,
    Data(Map<String, Json>),
    /// The vendor has no such licence.
    Absent,
    Failed(ReadFailure),
}

/// What the two views of a licence showed so far, and its list of seats.
#[derive(Default)]
struct Target {
    flat: Shown,
    nested: Shown,
    seats: Seats,
}

impl Target {
    fn is_settled(&self) -> bool {
        let waits = |shown: &Shown| matches!(shown, Shown::Nothing);
        !waits(&self.flat) && !waits(&self.nested) && !matches!(self.seats, Seats::Asked)
    }
}

/// Says how much is known of the seats that are taken.
#[derive(Default)]
enum Seats {
    #[default]
    NotAsked,
    Asked,
    /// Rows of the list.
    Taken(i64),
    Unread(String),
}

/// Says what a call of a licence shows.
#[derive(Clone, Copy)]
enum Purpose {
    View(View),
    Seats,
}

/// Holds the numbers of seats that a manifest wants; `None` where it does not manage them, 0 where it clears them.
#[derive(Clone, Copy)]
struct DesiredSeats {
    available: Option<i64>,
    buffer: Option<i64>,
}

impl DesiredSeats {
    fn of(desired: &Desired) -> Self {
        let number = |name| match desired.fields.get(name) {
            Some(Value::Integer(number)) => Some(number),
            Some(Value::Null) => Some(0),
            _ => None,
        };
        Self {
            available: number("AvailableSeats"),
            buffer: number("Buffer"),
        }
    }

    /// Reports whether the flat view shows more seats than the manifest wants, so that a plan would take some away.
    fn are_fewer_than(self, flat: &Map<String, Json>) -> bool {
        let lowers = |name: &str, desired: Option<i64>| {
            let live = flat.get(name).and_then(Json::as_i64);
            desired
                .zip(live)
                .is_some_and(|(desired, live)| desired < live)
        };
        lowers("AvailableSeats", self.available) || lowers("Buffer", self.buffer)
    }
}

pub struct LicenseReading {
    outbox: Outbox<(usize, Purpose)>,
    ids: Vec<String>,
    desired_seats: Vec<DesiredSeats>,
    targets: Vec<Target>,
    settled: Settled,
}

impl LicenseReading {
    pub fn new(desired_objects: &[&Desired]) -> Self {
        let mut outbox = Outbox::default();
        let (mut ids, mut targets) = (Vec::new(), Vec::new());
        for (index, desired) in desired_objects.iter().enumerate() {
            let id = desired.id("licenseId").to_string();
            for view in [View::Flat, View::Nested] {
                outbox.send(Call::get(view.path(&id)), (index, Purpose::View(view)));
            }
            targets.push(Target::default());
            ids.push(id);
        }
        Self {
            outbox,
            settled: Settled::none_of(ids.len()),
            desired_seats: desired_objects
                .iter()
                .map(|desired| DesiredSeats::of(desired))
                .collect(),
            ids,
            targets,
        }
    }
}

impl Reading for LicenseReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let ((index, purpose), name) = self.outbox.purpose(ticket);
        let id = &self.ids[index];
        let json = json_of(&name, answer);
        let target = &mut self.targets[index];
        match purpose {
            Purpose::View(view) => {
                let shown = match json {
                    Ok(json) => match data(json, id) {
                        Ok(data) => Shown::Data(data),
                        Err(why) => Shown::Failed(ReadFailure::odd(format!("{name} {why}"))),
                    },
                    Err(failure) if failure.status == Some(404) => Shown::Absent,
                    Err(failure) => Shown::Failed(failure),
                };
                match view {
                    View::Flat => {
                        if let Shown::Data(flat) = &shown
                            && self.desired_seats[index].are_fewer_than(flat)
                        {
                            target.seats = Seats::Asked;
                            let call = Call::get(with_query("/api/seats", &[("licenseId", id)]));
                            self.outbox.send(call, (index, Purpose::Seats));
                        }
                        target.flat = shown;
                    }
                    View::Nested => target.nested = shown,
                }
            }
            Purpose::Seats => {
                target.seats = match json {
                    Ok(Json::Array(rows)) => {
                        Seats::Taken(i64::try_from(rows.len()).unwrap_or(i64::MAX))
                    }
                    Ok(_) => Seats::Unread(format!("{name} did not answer with a list")),
                    Err(failure) => Seats::Unread(failure.text),
                };
            }
        }
        // The views of a licence come close together, and are trees of all that it has.
        if target.is_settled() {
            self.settled
                .put(index, observed(id, std::mem::take(target)));
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(mut self: Box<Self>) -> Vec<(usize, Observed)> {
        let (ids, targets) = (&self.ids, &mut self.targets);
        let open = |index: usize| observed(&ids[index], std::mem::take(&mut targets[index]));
        self.settled.finish(open)
    }
}

/// The licence in a reply's envelope. Success is `IsSuccess` and `Data` together: the page's sample has the
/// flag true beside two errors.
fn data(json: Json, id: &str) -> Result<Map<String, Json>, Malformed> {
    let Json::Object(mut envelope) = json else {
        return Err(Malformed::new("did not answer with an object"));
    };
    let success = envelope.get("IsSuccess").unwrap_or(&Json::Bool(true)) == &Json::Bool(true);
    let reason = match envelope.get("Errors").and_then(error_text::from_error_json) {
        Some(words) => format!(": {words}"),
        None => String::new(),
    };
    if !success {
        return Err(Malformed::new(format!("answered that it failed{reason}")));
    }
    match envelope.remove("Data") {
        Some(Json::Object(data)) => about(&data, id).map(|()| data),
        None | Some(Json::Null) => Err(Malformed::new(format!("answered without `Data`{reason}"))),
        Some(other) => {
            let kind = json_kind(&other);
            Err(Malformed::new(format!(
                "answered with `Data` that is {kind}"
            )))
        }
    }
}

/// Refuses a licence that is another one than was asked for.
fn about(data: &Map<String, Json>, id: &str) -> Result<(), Malformed> {
    match data.get("Id") {
        None | Some(Json::Null) => Ok(()),
        Some(Json::String(shown)) if shown.eq_ignore_ascii_case(id) => Ok(()),
        Some(shown) => {
            let why = format!("answered with another licence: `Id` is {shown}");
            Err(Malformed::new(why))
        }
    }
}

/// The licence with what its list of seats says.
fn with_seats(mut live: Live, seats: Seats) -> Live {
    match seats {
        Seats::NotAsked | Seats::Asked => {}
        Seats::Taken(rows) => {
            let available = match live.fields.get("AvailableSeats") {
                Some(Value::Integer(available)) => *available,
                _ => 0,
            };
            let beyond = rows.saturating_sub(available).max(0);
            live.facts.insert(SEATS_USED.into(), Fact::Number(rows));
            live.facts.insert(BUFFER_USED.into(), Fact::Number(beyond));
        }
        Seats::Unread(why) => {
            live.facts.insert(SEATS_UNREAD.into(), Fact::Text(why));
        }
    }
    live
}

fn observed(id: &str, target: Target) -> Observed {
    match (target.flat, target.nested) {
        (Shown::Absent, _) | (_, Shown::Absent) => Observed::Missing,
        (Shown::Failed(why), _) | (_, Shown::Failed(why)) => Observed::Unread(why),
        (Shown::Data(flat), Shown::Data(nested)) => {
            // A licence that was deleted is kept with a mark and still shown.
            if flat.get("IsDeleted") == Some(&Json::Bool(true)) {
                return Observed::Missing;
            }
            match views::merge(flat, nested) {
                Ok(live) => Observed::Live(with_seats(live, target.seats)),
                Err(fault) => {
                    let (flat, nested) = (View::Flat.path(id), View::Nested.path(id));
                    Observed::Unread(ReadFailure::odd(format!(
                        "GET {flat} and GET {nested}: {fault}"
                    )))
                }
            }
        }
        (Shown::Nothing, _) | (_, Shown::Nothing) => {
            Observed::Unread(ReadFailure::odd(format!("licence {id} was not asked for")))
        }
    }
}
