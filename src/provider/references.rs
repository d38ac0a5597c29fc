//! Looks up the ids that references stand for, and puts them in place.
//!
//! In: the objects to which others refer, as their manifests name them and as reads show them. Out: an object with ids
//! in place of its references, or the reason why there is none. Pure; [`model::reference`](crate::model::reference) has
//! the whole course with an example.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{canon, find_kind};
use crate::model::field::find_field;
use crate::model::{
    Address, Desired, Fields, KindTable, Observed, PackedFields, PolicyMode, ReadFailure,
    Reference, ReferenceSpot, ReferenceState, References, Shape, Text, Value,
};

/// What is known of an object to which others refer.
#[derive(Clone, Debug)]
enum Referent {
    /// Its id.
    Found(Text),
    /// It is not there, and this run creates it.
    Created,
    /// It is not there, and is not to be.
    Gone,
    /// It has no id that could be used.
    Unknown(ReadFailure),
}

/// The objects to which others refer, as far as they are known.
#[derive(Clone, Debug)]
pub struct Referents {
    now: Timestamp,
    known: BTreeMap<Address, Referent>,
}

/// An object after its references were looked up.
#[derive(Clone, Debug)]
pub enum LookedUp {
    /// With an id in place of each reference. Some may be awaited.
    Resolved(Arc<Desired>),
    /// One of the ids cannot be known in this run.
    Blocked(ReadFailure),
    /// One of the referents is still to be read.
    Open,
}

impl Referents {
    /// Begins with the objects whose manifests have their ids. `now` decides which suspensions have ended.
    pub fn stated<'a>(objects: impl IntoIterator<Item = &'a Desired>, now: Timestamp) -> Self {
        let mut referents = Self {
            now,
            known: BTreeMap::new(),
        };
        for object in objects {
            let id = table_of(object).and_then(|table| object.stated_id(table));
            if let Some(id) = id {
                referents.insert(object, Referent::Found(id.clone()));
            }
        }
        referents
    }

    fn insert(&mut self, object: &Desired, referent: Referent) {
        self.known.insert(object.address.clone(), referent);
    }

    /// Takes note of what a read shows of a referent. One whose manifest has its id keeps that.
    pub fn note(&mut self, object: &Desired, observed: &Observed) {
        let Some(table) = table_of(object).filter(|table| object.stated_id(table).is_none()) else {
            return;
        };
        let referent = match observed {
            Observed::Live(live) => match object.found_id(table, live) {
                Some(id) => Referent::Found(id),
                None => Referent::Unknown("the read does not show its id".into()),
            },
            Observed::Unread(failure) => Referent::Unknown(ReadFailure {
                text: format!("could not be read: {}", failure.text),
                ..failure.clone()
            }),
            Observed::Missing | Observed::Creatable(_) if object.policy.absent => Referent::Gone,
            Observed::Missing | Observed::Creatable(_) => match self.refuse_creation(table, object)
            {
                None => Referent::Created,
                Some(why) => Referent::Unknown(why.into()),
            },
        };
        self.insert(object, referent);
    }

    /// Returns why a run does not create a missing object; `None` if it does.
    fn refuse_creation(&self, table: &KindTable, object: &Desired) -> Option<&'static str> {
        let policy = &object.policy;
        Some(match policy.mode_at(self.now) {
            _ if table.lifecycle.create.is_none() => {
                "is not there, and objects of its kind cannot be created"
            }
            _ if policy.only_read => {
                "is not there, and is out of this run's scope: plan both together"
            }
            PolicyMode::Suspend => "is not there, and is suspended",
            PolicyMode::Observe => "is not there, and is only observed",
            PolicyMode::Enforce if !policy.create => {
                "is not there; `--create`, or `create: true` in its policy, creates it"
            }
            PolicyMode::Enforce => return None,
        })
    }

    /// Puts the ids that references stand for in place of them. An object without references comes back as it is.
    pub fn look_up(&self, object: &Arc<Desired>) -> LookedUp {
        if !object.references.are_open() {
            return LookedUp::Resolved(Arc::clone(object));
        }
        let Some(table) = table_of(object) else {
            return LookedUp::Open;
        };
        let mut put = Replacement::of(object);
        for reference in object.references.iter() {
            let referent = &reference.referent;
            match self.known.get(referent) {
                None => return LookedUp::Open,
                Some(Referent::Unknown(failure)) => {
                    return LookedUp::Blocked(block(reference, failure));
                }
                Some(Referent::Found(id)) => put.place(table, reference, id, ReferenceState::Found),
                Some(Referent::Created | Referent::Gone) => {
                    let text = Reference::awaited_text(referent).into();
                    put.place(table, reference, &text, ReferenceState::Awaited);
                }
            }
        }
        LookedUp::Resolved(Arc::new(put.finish(table, object)))
    }

    /// Reports whether anything is known of a referent.
    pub fn knows(&self, referent: &Address) -> bool {
        self.known.contains_key(referent)
    }

    /// Takes a referent for one that is still to be created, as it was when a saved plan was made.
    pub fn expect_creation(&mut self, referent: &Address) {
        self.known.insert(referent.clone(), Referent::Created);
    }

    /// Takes note of the id of an object that this run has created.
    pub fn create(&mut self, referent: &Address, id: Text) {
        self.known.insert(referent.clone(), Referent::Found(id));
    }
}

fn table_of(object: &Desired) -> Option<&'static KindTable> {
    Some(find_kind(object.address.kind.0)?.table())
}

/// Returns the failure of an object that depends on one without a usable id. The problem of a connection stays that of
/// both, so that it is reported once.
fn block(reference: &Reference, failure: &ReadFailure) -> ReadFailure {
    let (name, referent) = (reference.spot.name(), &reference.referent);
    ReadFailure {
        text: format!("`{name}` is the id of {referent}, which {}", failure.text),
        ..failure.clone()
    }
}

/// The identity and the fields of an object while references are replaced in them.
struct Replacement {
    identity: Vec<(&'static str, Text)>,
    fields: Fields,
    references: Vec<Reference>,
}

impl Replacement {
    fn of(object: &Desired) -> Self {
        Self {
            identity: object.identity.clone(),
            fields: object.fields.unpack(),
            references: Vec::new(),
        }
    }

    /// Puts a text in place of a reference: an id, or what stands for one that is awaited.
    fn place(
        &mut self,
        table: &'static KindTable,
        reference: &Reference,
        text: &Text,
        state: ReferenceState,
    ) {
        match reference.spot {
            ReferenceSpot::Id(name) => {
                let spots = self.identity.iter_mut().filter(|(known, _)| *known == name);
                spots.for_each(|(_, id)| id.clone_from(text));
            }
            ReferenceSpot::Field(name) => {
                let shape = find_field(table.desired, name).map(|field| &field.shape);
                self.fields.insert(name, value_of(shape, text));
            }
            ReferenceSpot::Member(name) => {
                if let Some(Value::Set(members)) = self.fields.get(name) {
                    let mut members = members.clone();
                    members.remove(&Text::from(Reference::text(&reference.referent)));
                    members.insert(canon::canonical_id(text));
                    self.fields.insert(name, Value::Set(members));
                }
            }
        }
        self.references.push(Reference {
            state,
            ..reference.clone()
        });
    }

    fn finish(self, table: &'static KindTable, object: &Arc<Desired>) -> Desired {
        Desired {
            identity: self.identity,
            fields: PackedFields::new(table.desired, &self.fields),
            references: References::looked_up(self.references, Arc::clone(object)),
            ..Desired::clone(object)
        }
    }
}

/// Returns an id as a field of this shape has it: a number where the vendor counts, which a text for people is not.
fn value_of(shape: Option<&Shape>, id: &Text) -> Value {
    match (shape, id.parse()) {
        (Some(Shape::Integer { .. }), Ok(number)) => Value::Integer(number),
        (Some(Shape::Id), _) => Value::Text(canon::canonical_id(id)),
        _ => Value::Text(id.clone()),
    }
}

/// Reports whether an object cannot be there, since something that it belongs to is not.
pub fn cannot_be_there(object: &Desired) -> bool {
    let mut awaited = object.references.awaited();
    awaited.any(|reference| matches!(reference.spot, ReferenceSpot::Id(_)))
}

/// Lists the objects to which `objects` refer, directly or over others, of those that `find` knows. Each is listed once,
/// also if it is one of `objects`.
pub fn referents_of<'a>(
    objects: impl IntoIterator<Item = &'a Arc<Desired>>,
    find: impl Fn(&Address) -> Option<Arc<Desired>>,
) -> Vec<Arc<Desired>> {
    let mut found: BTreeMap<Address, Arc<Desired>> = BTreeMap::new();
    let mut waiting: Vec<Arc<Desired>> = objects
        .into_iter()
        .filter(|object| !object.references.is_empty())
        .map(Arc::clone)
        .collect();
    while let Some(object) = waiting.pop() {
        for reference in object.references.iter() {
            if found.contains_key(&reference.referent) {
                continue;
            }
            if let Some(referent) = find(&reference.referent) {
                waiting.push(Arc::clone(&referent));
                found.insert(reference.referent.clone(), referent);
            }
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests;
