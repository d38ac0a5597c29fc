//! What was agreed on, as the README and the words of drift have it.

use serde_json::json;

use super::model::{Change, Elements, Policy, Scalars, State, element_path, names, within};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Base {
    pub state: State,
    /// Whether only the members that are named were agreed on.
    pub kept: bool,
    /// Paths of which nobody knows what the last write made of them.
    pub unsettled: Vec<String>,
    /// Whether anything was agreed on at all.
    agreed: bool,
}

/// Who moved a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    You,
    They,
    Both,
    Unknown,
}

impl Base {
    /// A write left a field in another way than it was to be.
    pub fn became(&mut self, name: &'static str, live: &State) {
        if let Some(value) = live.scalars.get(name) {
            self.state.scalars.insert(name, value.clone());
        }
    }

    /// Both sides agreed on what a manifest wants, but for what its policy ignores and for `residual` fields.
    pub fn agree(&mut self, manifest: &State, policy: &Policy, residual: &[&'static str]) {
        self.agreed = true;
        let except: Vec<&str> = policy.ignore.iter().chain(residual).copied().collect();
        let before = std::mem::take(&mut self.state);
        let mut state = manifest.clone();
        for pattern in &except {
            leave(pattern, &before, &mut state);
        }
        self.state = state;
        if !except.contains(&"Features") && !except.contains(&"userGroupIds") {
            self.kept = policy.keep;
        }
        // What the manifest does not ask about stays open.
        let open = |path: &String| except.iter().any(|pattern| names(pattern, path));
        self.unsettled.retain(open);
    }

    /// Takes in what an undo or a heal changed.
    pub fn follow(&mut self, change: &Change) {
        self.agreed = true;
        let path = change.path();
        self.unsettled.retain(|open| !within(&path, open));
        let list = self.state.list.as_mut();
        match change {
            Change::Scalar(name, _, after) => {
                self.state.scalars.insert(name, after.clone());
            }
            Change::Set { added, removed } => {
                if let Some(set) = &mut self.state.set {
                    set.retain(|member| !removed.contains(member));
                    set.extend(added);
                }
            }
            Change::Add(key, fields) => {
                if let Some(list) = list {
                    list.insert(key, fields.clone());
                }
            }
            Change::Remove(key, _) => {
                if let Some(list) = list {
                    list.remove(key);
                }
            }
            Change::Inner(key, name, _, after) => {
                if let Some(element) = list.and_then(|list| list.get_mut(key)) {
                    element.insert(name, after.clone());
                }
            }
        }
    }

    pub fn unsettle(&mut self, changes: &[Change]) {
        self.unsettled.extend(changes.iter().map(Change::path));
    }

    pub fn is_unsettled(&self, path: &str) -> bool {
        let mut open = self.unsettled.iter();
        open.any(|open| within(open, path) || within(path, open))
    }

    /// Whether anything was agreed on at all.
    pub fn is_empty(&self) -> bool {
        !self.agreed
    }

    /// The fields to go back to: where manifest and live say the same that, elsewhere what was agreed on, and none of
    /// which nobody knows what they are.
    /// `next` is what an apply of the manifest would make of live.
    pub fn wanted(&self, mine: &State, live: &State, next: &State) -> State {
        let mut wanted = self.state.clone();
        for (name, value) in &mut wanted.scalars {
            let same = next.scalars.get(name) == live.scalars.get(name);
            if let (true, true, Some(live)) = (
                same,
                mine.scalars.contains_key(name),
                live.scalars.get(name),
            ) {
                *value = live.clone();
            }
        }
        if wanted.set.is_some() && mine.set.is_some() && next.set == live.set {
            wanted.set.clone_from(&live.set);
        }
        if wanted.list.is_some() && mine.list.is_some() && next.list == live.list {
            wanted.list.clone_from(&live.list);
        }
        wanted.scalars.retain(|name, _| !self.is_unsettled(name));
        wanted.list = wanted.list.filter(|_| !self.is_unsettled("Features"));
        wanted.set = wanted.set.filter(|_| !self.is_unsettled("userGroupIds"));
        wanted
    }

    /// Who made the difference that `change` would end.
    pub fn by(&self, change: &Change, mine: &State, theirs: &State, keep: bool) -> By {
        if self.is_unsettled(&change.path()) {
            return By::Unknown;
        }
        let keeps = keep || self.kept;
        let was = &self.state;
        match change {
            Change::Scalar(name, live, _) => match was.scalars.get(name) {
                None => By::You,
                Some(was) => verdict(Some(was) == mine.scalars.get(name), was == live),
            },
            Change::Set { .. } => {
                let (Some(was), Some(mine), Some(theirs)) = (&was.set, &mine.set, &theirs.set)
                else {
                    return By::You;
                };
                match (was == mine, was == theirs) {
                    // Nobody agreed that there is none beside the named ones.
                    (true, false) if keeps && was.is_subset(theirs) => By::You,
                    (mine, _) if keeps => verdict(mine, was.is_subset(theirs)),
                    (mine, theirs) => verdict(mine, theirs),
                }
            }
            Change::Add(key, _) | Change::Remove(key, _) | Change::Inner(key, ..) => {
                let Some(list) = &was.list else {
                    return By::You;
                };
                let name = match change {
                    Change::Inner(_, name, ..) => Some(*name),
                    _ => None,
                };
                let of = |list: &Option<Elements>| list.as_ref()?.get(key).cloned();
                by_element(list.get(key), of(&mine.list), of(&theirs.list), name, keeps)
            }
        }
    }
}

fn by_element(
    was: Option<&Scalars>,
    mine: Option<Scalars>,
    theirs: Option<Scalars>,
    name: Option<&'static str>,
    keeps: bool,
) -> By {
    match (was, mine, theirs, name) {
        (Some(was), Some(mine), Some(theirs), Some(name)) => match was.get(name) {
            None => By::You,
            Some(was) => verdict(mine.get(name) == Some(was), theirs.get(name) == Some(was)),
        },
        (None, None, Some(_), _) if keeps => By::You,
        (was, mine, theirs, _) => {
            // An element that says less than it did is still the same.
            let alike = |side: Option<Scalars>| match (was, side) {
                (None, None) => true,
                (Some(was), Some(side)) => {
                    let mut both = was
                        .iter()
                        .filter_map(|(name, was)| Some((was, side.get(name)?)));
                    both.all(|(was, is)| was == is)
                }
                _ => false,
            };
            verdict(alike(mine), alike(theirs))
        }
    }
}

fn verdict(mine_same: bool, theirs_same: bool) -> By {
    match (mine_same, theirs_same) {
        (false, true) => By::You,
        (false, false) => By::Both,
        (true, _) => By::They,
    }
}

/// Makes `to` have what `from` has where a pattern points to.
fn leave(pattern: &str, from: &State, to: &mut State) {
    match pattern {
        "Features" => to.list.clone_from(&from.list),
        "userGroupIds" => to.set.clone_from(&from.set),
        name if !name.starts_with("Features") => {
            to.scalars.retain(|own, _| *own != name);
            let held = from.scalars.iter().filter(|(own, _)| **own == name);
            to.scalars
                .extend(held.map(|(name, value)| (*name, value.clone())));
        }
        pattern => {
            let Some(list) = &mut to.list else { return };
            let was = from.list.clone().unwrap_or_default();
            if pattern.ends_with(']') {
                list.retain(|key, _| element_path(key) != pattern);
                let was = was.into_iter();
                list.extend(was.filter(|(key, _)| element_path(key) == pattern));
                return;
            }
            for (key, fields) in list {
                if names(pattern, &format!("{}.comment", element_path(key))) {
                    fields.remove("comment");
                    let held = was.get(key).and_then(|was| was.get("comment"));
                    fields.extend(held.map(|held| ("comment", held.clone())));
                }
            }
        }
    }
}

/// A live order or licence as the tests begin with it.
pub fn order() -> State {
    let element = |count: i64| Scalars::from([("count", json!(count)), ("comment", json!(null))]);
    State {
        scalars: Scalars::from([
            ("customer_id", json!(1)),
            ("activations_allowed", json!(10)),
            ("description", json!("An order")),
        ]),
        list: Some(Elements::from([
            ("Archive 1.0", element(15)),
            ("Viewer 2.0", element(5)),
        ])),
        set: None,
    }
}

pub fn licence() -> State {
    State {
        set: Some(["Engineering", "Field sales"].into()),
        ..State::default()
    }
}
