//! Objects as manifests desire them and as vendors hold them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::{Address, Vendor};
use super::dated::Moment;
use super::field::Field;
use super::ids::Ids;
use super::kind_table::KindTable;
use super::node::Mark;
use super::origin::Origin;
use super::packed::PackedFields;
use super::path::{FieldPath, PathPattern};
use super::read_failure::ReadFailure;
use super::reference::{Reference, ReferenceState};
use super::schedule::LiveSchedule;
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

/// The operations allowed on an object, and the fields that are left alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub mode: PolicyMode,
    /// Lists whose live elements survive though the manifest does not name them.
    pub keep_unlisted: Vec<String>,
    pub ignore: Vec<PathPattern>,
    /// Fields that the daemon has given up to another writer. No manifest can set this. The fields are left alone like
    /// ignored ones, and their baseline is kept.
    pub given_up: Vec<PathPattern>,
    /// Fields that the vendor leaves out of a read when they are empty.
    pub absent_is_empty: Vec<PathPattern>,
    /// The highest risk accepted for this object without a flag.
    pub allow: Risk,
    /// The time at which a suspension ends by itself.
    pub until: Option<Timestamp>,
    /// The reason of the suspension.
    pub reason: Option<String>,
    /// The interval at which the daemon reads the object without a trigger.
    pub resync: Option<Duration>,
    /// Whether the object is created if the vendor does not have it.
    pub create: bool,
    /// Whether the vendor carries out dated changes by itself: `schedule: vendor`.
    pub schedule: bool,
    /// Whether the object is to be gone: `spec.state: absent`.
    pub absent: bool,
    /// Set if the object is read for its id alone, since another one refers to it and it is out of the run's scope. No
    /// manifest can set this.
    pub only_read: bool,
}

/// The policy of one object, boxed: few objects have one, and in place it would take a third of every object.
#[derive(Clone, Debug, Default)]
pub struct OwnPolicy(Option<Box<Policy>>);

impl OwnPolicy {
    /// The policy of a manifest that has one.
    pub fn explicit(&self) -> Option<&Policy> {
        self.0.as_deref()
    }
}

impl From<Policy> for OwnPolicy {
    fn from(policy: Policy) -> Self {
        Self((policy != NO_POLICY).then(|| Box::new(policy)))
    }
}

impl Deref for OwnPolicy {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        self.0.as_deref().unwrap_or(&NO_POLICY)
    }
}

impl DerefMut for OwnPolicy {
    fn deref_mut(&mut self) -> &mut Policy {
        self.0.get_or_insert_default()
    }
}

/// The policy of an object whose manifest has none.
static NO_POLICY: Policy = Policy {
    mode: PolicyMode::Enforce,
    keep_unlisted: Vec::new(),
    ignore: Vec::new(),
    given_up: Vec::new(),
    absent_is_empty: Vec::new(),
    allow: Risk::Safe,
    until: None,
    reason: None,
    resync: None,
    create: false,
    schedule: false,
    absent: false,
    only_read: false,
};

impl Policy {
    /// Reports whether `path` is left out of diff and apply alike.
    pub fn ignores(&self, path: &FieldPath, folds: bool) -> bool {
        let mut patterns = self.left_alone();
        patterns.any(|pattern| pattern.names(path, folds))
    }

    /// Returns the fields that are left out of diff and apply: ignored ones and those given up.
    pub fn left_alone(&self) -> impl Iterator<Item = &PathPattern> {
        self.ignore.iter().chain(&self.given_up)
    }

    /// Reports whether the field at `path` is empty when a read does not show it.
    pub fn takes_absent_for_empty(&self, path: &FieldPath, folds: bool) -> bool {
        let mut patterns = self.absent_is_empty.iter();
        patterns.any(|pattern| pattern.names(path, folds))
    }

    /// Returns the mode in force at the time `now`: a suspension may have ended.
    pub fn mode_at(&self, now: Timestamp) -> PolicyMode {
        match (self.mode, self.until) {
            (PolicyMode::Suspend, Some(until)) if until <= now => PolicyMode::Enforce,
            (mode, _) => mode,
        }
    }
}

/// The mode of a policy: the object is written, only planned, or not even read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyMode {
    #[default]
    Enforce,
    Observe,
    Suspend,
}

/// What a change does to the licensee, from the least to the most.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    #[default]
    Safe,
    /// Makes an object that was not there.
    Create,
    /// Takes something away.
    Reduce,
    /// Takes away what is in use right now.
    Strand,
    /// Removes the object itself, for good.
    Destroy,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Risk::Safe => "safe",
            Risk::Create => "create",
            Risk::Reduce => "reduce",
            Risk::Strand => "strand",
            Risk::Destroy => "destroy",
        })
    }
}

/// An object as a vendor described it at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    pub fields: Fields,
    /// Counters of the vendor, one-shot flags and change marks. Never written, never printed as a field.
    pub facts: Facts,
    /// Convenience fields of the manifest resolved by reading, replacing those they stand for.
    pub resolved: Vec<Resolved>,
    /// The updates that the vendor is to carry out; `None` if they were not read.
    pub schedule: Option<Box<LiveSchedule>>,
}

/// A field that the manifest gave by another name, for example groups by name instead of id.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    pub given: &'static str,
    pub field: &'static str,
    pub value: super::value::Value,
    /// The value behind every unambiguous name, given or not.
    pub list: Arc<BTreeMap<Text, Text>>,
}

/// The name of the fact that a vendor's own change mark is kept under, for example a time of change.
pub const VERSION_FACT: &str = "version";

/// Facts by name. Many objects have a few each, so this is a list sorted by name, which takes less memory than a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts(Vec<(Cow<'static, str>, Fact)>);

impl Facts {
    /// Makes an empty list with room for exactly `facts` facts.
    pub fn with_capacity(facts: usize) -> Self {
        Self(Vec::with_capacity(facts))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    pub fn get(&self, name: &str) -> Option<&Fact> {
        let at = self.find(name).ok()?;
        self.0.get(at).map(|(_, fact)| fact)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets a fact and returns its previous value, if any.
    pub fn insert(&mut self, name: Cow<'static, str>, fact: Fact) -> Option<Fact> {
        match self.find(&name) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, fact)),
            Err(at) => {
                self.0.insert(at, (name, fact));
                None
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Fact)> {
        self.0.iter().map(|(name, fact)| (&**name, fact))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// A fact beside the writable fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Number(i64),
    Text(String),
}

impl Live {
    /// A counted fact. Facts of elements are named by the path of the element: `product_features[f2].total_consumptions`.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.facts.get(name)? {
            Fact::Number(number) => Some(*number),
            Fact::Text(_) => None,
        }
    }

    /// A fact that is a text. The vendor's ids of an object that its manifest names by a key are facts by their names.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.facts.get(name)? {
            Fact::Text(text) => Some(text),
            Fact::Number(_) => None,
        }
    }
}

/// The result of observing one object.
#[derive(Clone, Debug)]
pub enum Observed {
    Live(Live),
    /// The vendor has no such object.
    Missing,
    /// The vendor has no such object, and these facts belong to the plan of its creation.
    Creatable(Facts),
    /// It could not be read.
    Unread(ReadFailure),
}
