//! Two calls per licence, all side by side: neither view shows every member that a write carries.
//!
//! The list call (`POST api/licenses`) would not save any: the shape of its items is not published and it
//! has no filter by id.

use serde_json::{Map, Value as Json};

use super::views::{self, View};
use crate::model::{Call, Observed};
use crate::provider::codec::json_kind;
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket, Wanted, json_of};
use crate::provider::words;

/// What one of the two calls brought.
#[derive(Default)]
enum Shown {
    #[default]
    Nothing,
    Data(Map<String, Json>),
    /// The vendor has no such licence.
    Absent,
    Failed(String),
}

/// What the two views of a licence showed so far.
#[derive(Default)]
struct Target {
    flat: Shown,
    nested: Shown,
}

pub struct LicenseReading {
    outbox: Outbox<(usize, View)>,
    ids: Vec<String>,
    targets: Vec<Target>,
    settled: Settled,
}

impl LicenseReading {
    pub fn new(wanted: &[Wanted<'_>]) -> Self {
        let mut outbox = Outbox::default();
        let (mut ids, mut targets) = (Vec::new(), Vec::new());
        for (index, desired) in wanted.iter().enumerate() {
            let id = desired.id("licenseId").to_string();
            for view in [View::Flat, View::Nested] {
                outbox.send(Call::get(view.path(&id)), (index, view));
            }
            targets.push(Target::default());
            ids.push(id);
        }
        Self {
            outbox,
            settled: Settled::none_of(ids.len()),
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
        let ((index, view), name) = self.outbox.purpose(ticket);
        let id = &self.ids[index];
        let shown = match json_of(&name, answer) {
            Ok(json) => match data(json, id) {
                Ok(data) => Shown::Data(data),
                Err(why) => Shown::Failed(format!("{name} {why}")),
            },
            Err(failure) if failure.status == Some(404) => Shown::Absent,
            Err(failure) => Shown::Failed(failure.text),
        };
        let target = &mut self.targets[index];
        match view {
            View::Flat => target.flat = shown,
            View::Nested => target.nested = shown,
        }
        // The views of a licence come close together, and are trees of all that it has.
        if !matches!(
            target,
            Target {
                flat: Shown::Nothing,
                ..
            } | Target {
                nested: Shown::Nothing,
                ..
            }
        ) {
            self.settled
                .put(index, observed(id, std::mem::take(target)));
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(mut self: Box<Self>) -> Vec<(usize, Observed)> {
        let (ids, targets) = (&self.ids, &mut self.targets);
        let open = |place: usize| observed(&ids[place], std::mem::take(&mut targets[place]));
        self.settled.finish(open)
    }
}

/// The licence in a reply's envelope. Success is `IsSuccess` and `Data` together: the page's sample has the
/// flag true beside two errors.
fn data(json: Json, id: &str) -> Result<Map<String, Json>, String> {
    let Json::Object(mut envelope) = json else {
        return Err("did not answer with an object".into());
    };
    let success = envelope.get("IsSuccess").unwrap_or(&Json::Bool(true)) == &Json::Bool(true);
    let said = match envelope.get("Errors").and_then(words::of_json) {
        Some(words) => format!(": {words}"),
        None => String::new(),
    };
    if !success {
        return Err(format!("answered that it failed{said}"));
    }
    match envelope.remove("Data") {
        Some(Json::Object(data)) => about(&data, id).map(|()| data),
        None | Some(Json::Null) => Err(format!("answered without `Data`{said}")),
        Some(other) => {
            let kind = json_kind(&other);
            Err(format!("answered with `Data` that is {kind}"))
        }
    }
}

/// Refuses a licence that is another one than was asked for.
fn about(data: &Map<String, Json>, id: &str) -> Result<(), String> {
    match data.get("Id") {
        None | Some(Json::Null) => Ok(()),
        Some(Json::String(shown)) if shown.eq_ignore_ascii_case(id) => Ok(()),
        Some(shown) => Err(format!("answered with another licence: `Id` is {shown}")),
    }
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
                Ok(live) => Observed::Live(live),
                Err(fault) => {
                    let (flat, nested) = (View::Flat.path(id), View::Nested.path(id));
                    Observed::Unread(format!("GET {flat} and GET {nested}: {fault}"))
                }
            }
        }
        (Shown::Nothing, _) | (_, Shown::Nothing) => {
            Observed::Unread(format!("licence {id} was not asked for"))
        }
    }
}
