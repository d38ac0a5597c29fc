//! The model: three objects, the runs that wrote them, and what each command may do to them.

use std::collections::{BTreeMap, BTreeSet};

use entitle::daemon::status::ObjectState;

use super::base::{Base, By, licence, order};
use super::model::{Change, Mode, Policy, Stand, State, changes, names, overlay, written};
use super::tally;

pub const OBJECTS: usize = 3;
/// The object with groups; the others are orders.
pub const LICENCE: usize = 2;

#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub name: String,
    pub live: State,
    pub manifest: State,
    pub policy: Policy,
    /// Whether a manifest names it.
    pub present: bool,
    /// Whether its groups are given by name.
    pub named: bool,
    pub base: Option<Base>,
}

/// How a write ended, as far as anybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Open,
    CarriedOut,
    NotCarriedOut,
    Unknown,
}

#[derive(Clone, Debug)]
pub struct Write {
    pub object: usize,
    /// As it was called then.
    pub address: String,
    pub changes: Vec<Change>,
    /// Whether it carries out the manifest, with what that said; otherwise it moves what it changes.
    wish: Option<(State, Policy)>,
    pub end: End,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub id: String,
    pub writes: Vec<Write>,
}

/// Where a run is killed: with the intent of this write, counted from the first, and whether it got through.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    pub at: usize,
    pub landed: bool,
}

/// An object with what is to be made of it.
pub type Work = (usize, State);

#[derive(Debug)]
pub struct Model {
    pub objects: Vec<Object>,
    pub runs: Vec<Run>,
    /// Whether the vendor takes a change of the customer and does nothing.
    pub stubborn: bool,
}

impl Model {
    pub fn new() -> Self {
        let object = |number: usize| {
            let live = if number == LICENCE {
                licence()
            } else {
                order()
            };
            let mut manifest = live.clone();
            manifest.scalars.remove("description");
            for element in manifest.list.iter_mut().flat_map(BTreeMap::values_mut) {
                element.remove("comment");
            }
            Object {
                name: format!("object-{number}"),
                live,
                manifest,
                policy: Policy::default(),
                present: true,
                named: true,
                base: None,
            }
        };
        Self {
            objects: (0..OBJECTS).map(object).collect(),
            runs: Vec::new(),
            stubborn: false,
        }
    }

    /// The objects that a command looks at.
    pub fn seen(&self) -> Vec<usize> {
        let seen = |n: &usize| {
            let object = &self.objects[*n];
            object.present && object.policy.mode != Mode::Suspend
        };
        (0..OBJECTS).filter(seen).collect()
    }

    pub fn has_open(&self, object: usize) -> bool {
        let mut writes = self.runs.iter().flat_map(|run| &run.writes);
        writes.any(|write| write.object == object && write.end == End::Open)
    }

    /// Open writes of the objects that are seen end as what is found of their own changes. The number of them.
    pub fn settle(&mut self) -> usize {
        let seen = self.seen();
        let mut found = 0;
        for run in &mut self.runs {
            for write in &mut run.writes {
                if write.end != End::Open || !seen.contains(&write.object) {
                    continue;
                }
                found += 1;
                let object = &mut self.objects[write.object];
                write.end = finding(&write.changes, &object.live);
                tally::count("open", write.end);
                match write.end {
                    End::CarriedOut => took(object, write, &[]),
                    End::Unknown => {
                        let base = object.base.get_or_insert_default();
                        base.unsettle(&write.changes);
                    }
                    End::NotCarriedOut | End::Open => {}
                }
            }
        }
        found
    }

    /// What is known of an object's base, with its open write judged by what is live.
    pub fn base(&self, object: usize) -> Option<Base> {
        let mut own = self.objects[object].clone();
        let writes = self.runs.iter().flat_map(|run| &run.writes);
        for write in writes.filter(|write| write.object == object && write.end == End::Open) {
            match finding(&write.changes, &own.live) {
                End::CarriedOut => took(&mut own, write, &[]),
                End::Unknown => own.base.get_or_insert_default().unsettle(&write.changes),
                End::NotCarriedOut | End::Open => {}
            }
        }
        own.base
    }

    /// The object as its manifest wants it.
    pub fn wanted(&self, number: usize) -> State {
        let Object {
            manifest,
            live,
            policy,
            ..
        } = &self.objects[number];
        overlay(manifest, live, policy, policy.keep)
    }

    pub fn differs(&self, number: usize) -> bool {
        !changes(&self.objects[number].live, &self.wanted(number)).is_empty()
    }

    /// The objects among `work` that are written, by those who accept that something is taken away or do not.
    pub fn going(&self, work: &[Work], accept: bool) -> Vec<Work> {
        let goes = |(number, next): &&Work| {
            let Object {
                live,
                policy,
                present,
                ..
            } = &self.objects[*number];
            let changes = changes(live, next);
            let reduces = changes.iter().any(Change::reduces);
            // What no manifest names has no policy.
            let (mode, allow) = match present {
                true => (policy.mode, policy.allow),
                false => (Mode::Enforce, false),
            };
            !changes.is_empty() && mode == Mode::Enforce && (!reduces || accept || allow)
        };
        work.iter().filter(goes).cloned().collect()
    }

    /// Carries out what goes. `follows` says whether it is what the manifests want.
    pub fn write(&mut self, going: &[Work], follows: bool, kill: Option<Kill>) -> Vec<Write> {
        let killed = kill.filter(|_| !going.is_empty());
        let killed = killed.map(|kill| (kill.at % going.len(), kill.landed));
        let mut writes = Vec::new();
        for (location, (number, next)) in going.iter().enumerate() {
            let object = &mut self.objects[*number];
            let mut write = Write {
                object: *number,
                address: String::new(),
                changes: changes(&object.live, next),
                wish: follows.then(|| (object.manifest.clone(), object.policy.clone())),
                end: End::CarriedOut,
            };
            let ends = killed.filter(|(at, _)| *at == location);
            if ends.is_none_or(|(_, landed)| landed) {
                let mut is = written(next.clone());
                if self.stubborn && *number != LICENCE {
                    let stays = object.live.scalars["customer_id"].clone();
                    is.scalars.insert("customer_id", stays);
                }
                object.live = is;
            }
            if ends.is_some() {
                write.end = End::Open;
                writes.push(write);
                break;
            }
            let residual: Vec<&str> = match self.stubborn {
                true => residual(&write.changes),
                false => Vec::new(),
            };
            took(object, &write, &residual);
            // What the run left is what the write became.
            for change in &mut write.changes {
                if let Change::Scalar(name, _, after) = change
                    && residual.contains(name)
                {
                    after.clone_from(&object.live.scalars[*name]);
                }
            }
            writes.push(write);
        }
        writes
    }

    /// Objects that are found as their manifests want them are agreed on.
    pub fn agree_in_sync(&mut self, only: &[usize]) {
        for number in only {
            if !self.differs(*number) {
                let object = &mut self.objects[*number];
                let base = object.base.get_or_insert_default();
                base.agree(&object.manifest, &object.policy, &[]);
            }
        }
    }

    /// What an apply would make of the objects.
    pub fn apply_work(&self) -> Vec<Work> {
        let seen = self.seen().into_iter();
        seen.map(|number| (number, self.wanted(number))).collect()
    }

    /// What a heal would make of them.
    pub fn heal_work(&self) -> Vec<Work> {
        let one = |number: usize| {
            let Object {
                manifest,
                live,
                policy,
                base,
                ..
            } = &self.objects[number];
            let next = match base {
                Some(base) => {
                    let wanted = base.wanted(manifest, live, &self.wanted(number));
                    overlay(&wanted, live, policy, policy.keep || base.kept)
                }
                None => live.clone(),
            };
            (number, next)
        };
        self.seen().into_iter().map(one).collect()
    }

    /// How objects stand that a heal has nothing to do for.
    pub fn standing(&self, number: usize) -> ObjectState {
        let base = self.objects[number].base.as_ref();
        if !self.differs(number) {
            ObjectState::InSync
        } else if base.is_none_or(Base::is_empty) {
            ObjectState::NeverApplied
        } else if base.is_some_and(|base| !base.unsettled.is_empty()) {
            ObjectState::Differs
        } else {
            ObjectState::AsApplied
        }
    }

    /// Who changed what, by path.
    pub fn drift(&self, number: usize) -> BTreeMap<String, By> {
        let Object {
            manifest,
            live,
            policy,
            ..
        } = &self.objects[number];
        let base = self.base(number);
        let known = base.filter(|base| !base.is_empty());
        let changes = changes(live, &self.wanted(number));
        let by = |change: &Change| match &known {
            Some(base) => base.by(change, manifest, live, policy.keep),
            None => By::Unknown,
        };
        changes
            .iter()
            .map(|change| (change.path(), by(change)))
            .collect()
    }
}

/// A field of an undo with what it does to objects.
#[derive(Debug, Default)]
pub struct Inverse {
    pub work: Vec<Work>,
    /// What is not taken back, by object and path.
    pub lost: BTreeSet<(usize, String)>,
    /// Objects that no manifest names.
    pub left: usize,
}

/// What is said of a write of which nobody knows whether it was carried out.
const UNCERTAIN: &str = "whether the run carried out its write is not known";

impl Model {
    /// What an undo makes of the objects of a run; nothing where the run did nothing, or not to the field.
    pub fn undo(&self, run: usize, field: Option<&str>, unmanaged: bool) -> Option<Inverse> {
        let took = |write: &&Write| write.end != End::NotCarriedOut;
        let writes: Vec<&Write> = self.runs[run].writes.iter().filter(took).collect();
        if writes.is_empty() {
            return None;
        }
        let named = |change: &Change| field.is_none_or(|field| names(field, &change.path()));
        if !writes.iter().any(|write| write.changes.iter().any(named)) {
            return None;
        }
        let mut inverse = Inverse::default();
        for write in writes {
            let object = &self.objects[write.object];
            if write.end != End::CarriedOut {
                inverse.lost.insert((write.object, UNCERTAIN.into()));
                continue;
            }
            if !object.present && !unmanaged {
                inverse.left += 1;
                continue;
            }
            if !object.present {
                tally::count("undo", "unmanaged");
            }
            let policy = match object.present {
                true => object.policy.clone(),
                false => Policy::default(),
            };
            if policy.mode == Mode::Suspend {
                continue;
            }
            let mut wish = State::default();
            for change in write.changes.iter().filter(|change| named(change)) {
                let back = take_back(change, &object.live, &mut wish, field.is_some());
                if !back && !policy.ignores(&change.path()) {
                    inverse.lost.insert((write.object, change.path()));
                }
            }
            let next = overlay(&wish, &object.live, &policy, false);
            inverse.work.push((write.object, next));
        }
        Some(inverse)
    }
}

/// Makes `wish` want a change back. False where something else was made of it since.
fn take_back(change: &Change, live: &State, wish: &mut State, changed_too: bool) -> bool {
    if let Change::Set { added, removed } = change {
        let mut set = wish.set.take().or(live.set.clone()).unwrap_or_default();
        set.retain(|member| !added.contains(member));
        set.extend(removed);
        wish.set = Some(set);
        return true;
    }
    match change.stand(live) {
        Stand::Before => return true,
        Stand::Neither if !changed_too => return false,
        Stand::Neither | Stand::After => {}
    }
    if let Change::Scalar(name, before, _) = change {
        wish.scalars.insert(name, before.clone());
        return true;
    }
    let list = wish.list.take().or(live.list.clone());
    let mut list = list.unwrap_or_default();
    let done = match change {
        Change::Add(key, _) => {
            list.remove(key);
            true
        }
        Change::Remove(key, fields) => {
            list.insert(key, fields.clone());
            true
        }
        Change::Inner(key, name, before, _) => {
            let held = list.get_mut(key);
            held.map(|fields| fields.insert(name, before.clone()))
                .is_some()
        }
        Change::Scalar(..) | Change::Set { .. } => true,
    };
    wish.list = Some(list);
    done
}

/// What a look makes of a write whose end nobody knows.
fn finding(changes: &[Change], live: &State) -> End {
    let stands: Vec<Stand> = changes.iter().map(|change| change.stand(live)).collect();
    if stands.iter().all(|stand| *stand == Stand::After) {
        End::CarriedOut
    } else if stands.iter().all(|stand| *stand == Stand::Before) {
        End::NotCarriedOut
    } else {
        End::Unknown
    }
}

/// The fields that a stubborn vendor does not make true.
fn residual(changes: &[Change]) -> Vec<&'static str> {
    let moves = |change: &Change| matches!(change, Change::Scalar("customer_id", ..));
    let mut changes = changes.iter();
    changes
        .any(moves)
        .then_some("customer_id")
        .into_iter()
        .collect()
}

/// The vendor took a write.
fn took(object: &mut Object, write: &Write, residual: &[&'static str]) {
    let base = object.base.get_or_insert_default();
    match &write.wish {
        Some((manifest, policy)) => base.agree(manifest, policy, residual),
        None => {
            let own = write.changes.iter();
            let own = own.filter(|change| !residual.contains(&change.path().as_str()));
            own.for_each(|change| base.follow(change));
        }
    }
    for name in residual {
        base.became(name, &object.live);
    }
}

/// The address of an object.
pub fn address(number: usize, name: &str) -> String {
    let kind = match number {
        LICENCE => "CryptlexOrganizationLicense",
        _ => "LacLicenseOrder",
    };
    format!("{kind}/{name}")
}
