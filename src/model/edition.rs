//! Editions: desired fields that many objects share.

use std::fmt;

use super::dated::DatedChange;
use super::draft::KindRow;
use super::node::{Mark, Node, Tree};
use super::origin::Origin;

/// Desired fields under a name, some of them left to parameters.
#[derive(Clone)]
pub struct Edition {
    pub name: String,
    /// The kind of the objects that may have it.
    pub row: KindRow,
    /// The edition on which this one builds, with its place.
    pub extends: Option<(String, Mark)>,
    pub parameters: Vec<Parameter>,
    /// The fields as they were written; `{param: NAME}` stands for the value of a parameter.
    pub desired: Node,
    /// Fields that begin on a date, in the order of the file.
    pub changes: Vec<DatedChange>,
    pub origin: Origin,
}

/// A value that each object may choose.
#[derive(Clone)]
pub struct Parameter {
    pub name: String,
    pub value_type: ParameterType,
    /// The smallest and the largest integer.
    pub range: (Option<i64>, Option<i64>),
    /// `None` if each object has to choose.
    pub default: Option<Node>,
    pub mark: Mark,
}

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterType {
    Boolean,
    Integer,
    Text,
}

impl ParameterType {
    /// The names, as manifests spell them.
    pub const NAMES: [&str; 3] = ["boolean", "integer", "text"];

    /// Returns the type with this name; `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Boolean, Self::Integer, Self::Text];
        all.into_iter()
            .zip(Self::NAMES)
            .find_map(|(value_type, known)| (known == name).then_some(value_type))
    }

    fn fits(self, tree: &Tree) -> bool {
        matches!(
            (self, tree),
            (Self::Boolean, Tree::Bool(_))
                | (Self::Integer, Tree::Integer(_))
                | (Self::Text, Tree::Text(_))
        )
    }
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "true or false",
            Self::Integer => "an integer",
            Self::Text => "text",
        })
    }
}

impl Parameter {
    /// Says why a value does not fit; `None` if it does.
    ///
    /// For example 0 for `seats` with a minimum of 1 gives "`seats` must be at least 1, not 0".
    pub fn misfit(&self, value: &Node) -> Option<String> {
        let name = &self.name;
        if !self.value_type.fits(&value.tree) {
            let (expected, given) = (self.value_type, value.describe());
            return Some(format!("`{name}` must be {expected}, not {given}"));
        }
        let Tree::Integer(number) = value.tree else {
            return None;
        };
        match self.range {
            (Some(minimum), _) if number < minimum => {
                Some(format!("`{name}` must be at least {minimum}, not {number}"))
            }
            (_, Some(maximum)) if number > maximum => {
                Some(format!("`{name}` must be at most {maximum}, not {number}"))
            }
            _ => None,
        }
    }
}
