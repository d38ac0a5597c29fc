//! Objects as vendors hold them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::read_failure::ReadFailure;
use super::schedule::LiveSchedule;
use super::text::Text;
use super::value::Fields;

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
