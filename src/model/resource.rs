//! Objects as manifests desire them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::address::{Address, Vendor};
use super::dated::Moment;
use super::field::Field;
use super::ids::Ids;
use super::kind_table::KindTable;
use super::live::Live;
use super::node::Mark;
use super::origin::Origin;
use super::packed::PackedFields;
use super::policy::OwnPolicy;
use super::reference::{Reference, ReferenceState};
use super::text::Text;
use super::value::Fields;

/// An object as a manifest desires it, checked against the field table.
#[derive(Clone, Debug)]
pub struct Desired {
    pub address: Address,
    pub vendor: Vendor,
    pub connection: Text,
    /// Identity members by name, in the order of the kind's table.
    pub identity: Vec<(&'static str, Text)>,
    pub fields: PackedFields,
    /// What only the call that creates the object takes.
    pub creation: CreationFields,
    pub policy: OwnPolicy,
    pub labels: BTreeMap<String, String>,
    pub origin: Origin,
    /// Ids that are those of other objects of the manifests.
    pub references: References,
    pub layers: LayerNames,
    /// What it is from moments on that lie ahead.
    pub coming: ComingStates,
}

/// The documents that an object is made of beside its own, boxed: few objects have any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerNames(Option<Box<(Option<Text>, Option<Text>)>>);

impl LayerNames {
    /// Notes the edition of an object, and the set of which it is a row.
    pub fn of(edition: Option<&str>, set: Option<&str>) -> Self {
        let names = (edition.map(Text::from), set.map(Text::from));
        Self((names != (None, None)).then(|| Box::new(names)))
    }

    /// Returns the name of the object's edition; `None` if it has none.
    pub fn edition(&self) -> Option<&str> {
        self.0.as_ref()?.0.as_deref()
    }

    /// Returns the name of the set of which the object is a row; `None` if it stands by itself.
    pub fn set(&self) -> Option<&str> {
        self.0.as_ref()?.1.as_deref()
    }
}

/// The fields of one object that only its creation takes, boxed: few objects have any. They are kept apart from the other
/// fields, so that nothing compares them with the object that is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreationFields(Option<Box<PackedFields>>);

impl CreationFields {
    /// Packs fields, each of which must be in `table`.
    pub fn new(table: &'static [Field], fields: &Fields) -> Self {
        Self((!fields.is_empty()).then(|| Box::new(PackedFields::new(table, fields))))
    }

    /// Accepts what [`CreationFields::bytes`] gave. `None` if it cannot be read to its end.
    pub fn of_bytes(table: &'static [Field], bytes: &[u8]) -> Option<Self> {
        match bytes.is_empty() {
            true => Some(Self::default()),
            false => Some(Self(Some(Box::new(PackedFields::of_bytes(table, bytes)?)))),
        }
    }

    /// Returns the packed bytes; none if there are no fields.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |fields| fields.bytes())
    }

    pub fn unpack(&self) -> Fields {
        self.0
            .as_ref()
            .map_or_else(Fields::new, |fields| fields.unpack())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// The references of one object, boxed: few objects have any.
#[derive(Clone, Default)]
pub struct References(Option<Box<ReferenceList>>);

#[derive(Clone)]
struct ReferenceList {
    all: Vec<Reference>,
    /// The object as its manifest has it; `None` for that object itself.
    manifest: Option<Arc<Desired>>,
}

impl References {
    /// The references of an object as its manifest has it.
    pub fn new(all: Vec<Reference>) -> Self {
        let list = ReferenceList {
            all,
            manifest: None,
        };
        Self((!list.all.is_empty()).then(|| Box::new(list)))
    }

    /// The references of an object in which they were looked up.
    pub fn looked_up(all: Vec<Reference>, manifest: Arc<Desired>) -> Self {
        Self(Some(Box::new(ReferenceList {
            all,
            manifest: Some(manifest),
        })))
    }

    /// Changes the place of each.
    pub fn relocate(&mut self, place: impl Fn(Mark) -> Mark) {
        let references = self.0.iter_mut().flat_map(|list| &mut list.all);
        for reference in references {
            reference.mark = place(reference.mark);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().flat_map(|list| &list.all)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Reports whether the text of a reference stands at some spot.
    pub fn are_open(&self) -> bool {
        self.iter()
            .any(|reference| reference.state == ReferenceState::Open)
    }

    /// Returns the objects that are still to be created before this one.
    pub fn awaited(&self) -> impl Iterator<Item = &Reference> {
        self.iter()
            .filter(|reference| reference.state == ReferenceState::Awaited)
    }

    /// Returns the object as its manifest has it; `None` for that object itself.
    pub fn manifest(&self) -> Option<&Arc<Desired>> {
        self.0.as_ref()?.manifest.as_ref()
    }
}

/// Lists the references only: the manifest is the same object once more.
impl fmt::Debug for References {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What an object is from a moment on that lies ahead.
#[derive(Clone, Debug)]
pub struct ComingState {
    pub from: Timestamp,
    /// The moment as it was written.
    pub written: Moment,
    /// Where it was written.
    pub origin: Origin,
    pub fields: PackedFields,
    pub references: References,
}

/// Compares what is asked for: the texts of references stand in the fields.
impl PartialEq for ComingState {
    fn eq(&self, other: &Self) -> bool {
        self.from == other.from && self.fields == other.fields
    }
}

/// The states of an object that lie ahead, in the order of time. Few objects have any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComingStates(Option<Arc<ComingList>>);

#[derive(Clone, Debug, Default, PartialEq)]
struct ComingList {
    states: Vec<ComingState>,
    at_vendor: bool,
}

impl ComingStates {
    pub fn new(states: Vec<ComingState>) -> Self {
        Self::of_list(states, false)
    }

    /// States that the vendor brings about by itself; there may be none, and then it is to have none.
    pub fn at_vendor(states: Vec<ComingState>) -> Self {
        Self::of_list(states, true)
    }

    fn of_list(states: Vec<ComingState>, at_vendor: bool) -> Self {
        let is_any = at_vendor || !states.is_empty();
        Self(is_any.then(|| Arc::new(ComingList { states, at_vendor })))
    }

    /// Reports whether the vendor brings the states about, so that its schedule is kept in step with them.
    pub fn are_at_vendor(&self) -> bool {
        self.0.as_ref().is_some_and(|list| list.at_vendor)
    }

    pub fn iter(&self) -> impl Iterator<Item = &ComingState> + Clone {
        self.0.iter().flat_map(|list| list.states.iter())
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns the moment at which the next one begins.
    pub fn next(&self) -> Option<Timestamp> {
        self.iter().next().map(|state| state.from)
    }
}

/// Returns an object as it is at a time, see [`Desired::at_time`].
pub fn bring_to(object: Arc<Desired>, time: Timestamp) -> Arc<Desired> {
    let begun = match object.at_time(time) {
        Cow::Owned(begun) => Some(Arc::new(begun)),
        Cow::Borrowed(_) => None,
    };
    begun.unwrap_or(object)
}

impl Desired {
    /// Returns the object as it is at a time: with the last state that has begun, and those that lie ahead.
    ///
    /// For example an object with 25 seats, 40 from July on and 60 from October on, is in August one with 40 seats and 60
    /// from October on. A time that has passed changes nothing.
    pub fn at_time(&self, time: Timestamp) -> Cow<'_, Self> {
        if self.coming.next().is_none_or(|next| next > time) {
            return Cow::Borrowed(self);
        }
        let mut object = self.clone();
        let (begun, ahead): (Vec<_>, Vec<_>) = self
            .coming
            .iter()
            .cloned()
            .partition(|state| state.from <= time);
        if let Some(state) = begun.into_iter().next_back() {
            (object.fields, object.references) = (state.fields, state.references);
        }
        object.coming = ComingStates::of_list(ahead, self.coming.are_at_vendor());
        Cow::Owned(object)
    }
}

impl Desired {
    /// Returns the object without the permission to create it.
    pub fn without_creation(&self) -> Cow<'_, Self> {
        if !self.policy.create {
            return Cow::Borrowed(self);
        }
        let mut object = self.clone();
        object.policy.create = false;
        Cow::Owned(object)
    }

    /// The identity member `name`; empty for a name that the kind does not have.
    pub fn id(&self, name: &str) -> &str {
        self.identity
            .iter()
            .find(|(n, _)| *n == name)
            .map_or("", |(_, id)| id)
    }

    /// Reports whether the manifest names the object by a key of its own and not by the vendor's id.
    pub fn is_keyed(&self, table: &KindTable) -> bool {
        let key = table.lifecycle.key;
        key.is_some_and(|key| self.identity.iter().all(|(name, _)| *name != key.replaces))
    }

    /// Returns the object as its manifest has it, with references in place of the ids that were looked up for them.
    pub fn manifest_form(&self) -> &Self {
        self.references.manifest().map_or(self, |manifest| manifest)
    }

    /// Returns the object's own id, if its manifest has it. It is what a reference to the object stands for.
    pub fn stated_id(&self, table: &KindTable) -> Option<&Text> {
        let name = table.id_member();
        let (_, id) = self.identity.iter().find(|(known, _)| *known == name)?;
        Some(id)
    }

    /// Returns the id that a read shows of an object which its manifest names by a key; `None` for any other.
    pub fn found_id(&self, table: &KindTable, live: &Live) -> Option<Text> {
        let key = table.lifecycle.key.filter(|_| self.is_keyed(table))?;
        live.text(key.replaces).map(Text::from)
    }

    /// Returns the vendor's ids of the object by their names, or the members of its key.
    pub fn ids(&self) -> Ids {
        self.identity
            .iter()
            .map(|(name, id)| (*name, id.clone()))
            .collect()
    }
}
