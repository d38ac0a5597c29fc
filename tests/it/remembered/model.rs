//! Objects as the model has them, and what the README says of differences between them.
//!
//! Written from the words of the README alone: nothing here calls the program.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

/// The fields of an object, or of an element of its list.
pub type Scalars = BTreeMap<&'static str, Json>;
pub type Elements = BTreeMap<&'static str, Scalars>;
pub type Members = BTreeSet<&'static str>;

/// A live object, what a manifest wants of it, or what was agreed on. What is not managed is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub scalars: Scalars,
    pub list: Option<Elements>,
    pub set: Option<Members>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Enforce,
    Observe,
    Suspend,
}

/// Paths that a policy may ignore.
pub const IGNORABLE: [&str; 7] = [
    "activations_allowed",
    "description",
    "Features",
    "Features[Archive 1.0]",
    "Features[Archive 1.0].comment",
    "Features[*].comment",
    "userGroupIds",
];

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    pub mode: Mode,
    pub ignore: BTreeSet<&'static str>,
    pub keep: bool,
    /// Whether it accepts that something is taken away.
    pub allow: bool,
}

impl Policy {
    /// Whether what is at `path` is left alone, as itself or with what is around it.
    pub fn ignores(&self, path: &str) -> bool {
        self.ignore.iter().any(|pattern| names(pattern, path))
    }
}

/// Whether a pattern names what is at `path`, or something around it.
pub fn names(pattern: &str, path: &str) -> bool {
    let any = match (pattern.strip_prefix("Features[*]"), path.split_once(']')) {
        (Some(rest), Some((_, inner))) => inner == rest,
        _ => false,
    };
    any || within(pattern, path)
}

/// Whether `inner` is `outer` or something in it.
pub fn within(outer: &str, inner: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

pub fn element_path(key: &str) -> String {
    format!("Features[{key}]")
}

/// What happens to one field, element or set.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Scalar(&'static str, Json, Json),
    Set {
        added: Members,
        removed: Members,
    },
    /// With the fields that it was given.
    Add(&'static str, Scalars),
    Remove(&'static str, Scalars),
    Inner(&'static str, &'static str, Json, Json),
}

/// How an object stands to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    Before,
    After,
    Neither,
}

impl Change {
    pub fn path(&self) -> String {
        match self {
            Self::Scalar(name, ..) => (*name).into(),
            Self::Set { .. } => "userGroupIds".into(),
            Self::Add(key, _) | Self::Remove(key, _) => element_path(key),
            Self::Inner(key, name, ..) => format!("{}.{name}", element_path(key)),
        }
    }

    /// Whether it takes something away.
    pub fn reduces(&self) -> bool {
        let fewer = |before: &Json, after: &Json| after.as_i64() < before.as_i64();
        match self {
            Self::Scalar("customer_id", ..) | Self::Remove(..) => true,
            Self::Scalar("activations_allowed", before, after)
            | Self::Inner(_, "count", before, after) => fewer(before, after),
            Self::Set { removed, .. } => !removed.is_empty(),
            Self::Scalar(..) | Self::Add(..) | Self::Inner(..) => false,
        }
    }

    pub fn stand(&self, live: &State) -> Stand {
        let of = |is: &Json, before: &Json, after: &Json| match is {
            is if is == after => Stand::After,
            is if is == before => Stand::Before,
            _ => Stand::Neither,
        };
        let element = |key: &str| live.list.as_ref().and_then(|list| list.get(key));
        let same =
            |is: &Scalars, was: &Scalars| was.iter().all(|(name, was)| is.get(name) == Some(was));
        match self {
            Self::Scalar(name, before, after) => of(&live.scalars[name], before, after),
            Self::Set { added, removed } => {
                let held = live.set.as_ref().expect("a live set");
                if added.is_subset(held) && removed.is_disjoint(held) {
                    Stand::After
                } else if removed.is_subset(held) && added.is_disjoint(held) {
                    Stand::Before
                } else {
                    Stand::Neither
                }
            }
            Self::Add(key, given) => match element(key) {
                None => Stand::Before,
                Some(is) if same(is, given) => Stand::After,
                Some(_) => Stand::Neither,
            },
            Self::Remove(key, was) => match element(key) {
                None => Stand::After,
                Some(is) if same(is, was) => Stand::Before,
                Some(_) => Stand::Neither,
            },
            Self::Inner(key, name, before, after) => match element(key) {
                None => Stand::Neither,
                Some(is) => of(&is[name], before, after),
            },
        }
    }
}

/// Live as it is to be: with what is wanted laid over it, as far as the policy lets it.
pub fn overlay(wish: &State, live: &State, policy: &Policy, keep: bool) -> State {
    let mut next = live.clone();
    for (name, value) in &wish.scalars {
        if !policy.ignores(name) {
            next.scalars.insert(name, value.clone());
        }
    }
    if let (Some(wish), Some(held)) = (&wish.list, &live.list)
        && !policy.ignores("Features")
    {
        next.list = Some(overlay_list(wish, held, policy, keep));
    }
    if let (Some(wish), Some(held)) = (&wish.set, &live.set)
        && !policy.ignores("userGroupIds")
    {
        let kept = held.iter().filter(|_| keep);
        next.set = Some(wish.iter().chain(kept).copied().collect());
    }
    next
}

fn overlay_list(wish: &Elements, held: &Elements, policy: &Policy, keep: bool) -> Elements {
    let mut next = Elements::new();
    for (key, is) in held {
        let stays = keep && !wish.contains_key(key);
        if stays || policy.ignores(&element_path(key)) {
            next.insert(key, is.clone());
        }
    }
    for (key, wish) in wish {
        let path = element_path(key);
        if policy.ignores(&path) {
            continue;
        }
        let mut fields = held.get(key).cloned().unwrap_or_default();
        for (name, value) in wish {
            if !policy.ignores(&format!("{path}.{name}")) {
                fields.insert(name, value.clone());
            }
        }
        next.insert(key, fields);
    }
    next
}

/// What leads from one state of an object to another.
pub fn changes(from: &State, to: &State) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, after) in &to.scalars {
        let before = &from.scalars[name];
        if before != after {
            changes.push(Change::Scalar(name, before.clone(), after.clone()));
        }
    }
    if let (Some(from), Some(to)) = (&from.set, &to.set)
        && from != to
    {
        let only = |one: &Members, other: &Members| one.difference(other).copied().collect();
        changes.push(Change::Set {
            added: only(to, from),
            removed: only(from, to),
        });
    }
    if let (Some(from), Some(to)) = (&from.list, &to.list) {
        for (key, after) in to {
            match from.get(key) {
                None => changes.push(Change::Add(key, after.clone())),
                Some(before) => changes.extend(inner_changes(key, before, after)),
            }
        }
        let gone = from.iter().filter(|(key, _)| !to.contains_key(*key));
        changes.extend(gone.map(|(key, before)| Change::Remove(key, before.clone())));
    }
    changes
}

fn inner_changes<'a>(
    key: &'static str,
    before: &'a Scalars,
    after: &'a Scalars,
) -> impl Iterator<Item = Change> + 'a {
    let differs = after.iter().filter(|(name, is)| before[*name] != **is);
    differs.map(move |(name, is)| Change::Inner(key, name, before[name].clone(), is.clone()))
}

/// What the vendor makes of it: a new element has no comment unless it was given one.
pub fn written(mut next: State) -> State {
    for element in next.list.iter_mut().flat_map(BTreeMap::values_mut) {
        element.entry("comment").or_insert(json!(null));
    }
    next
}
