//! Checks finished steps by a few rules that are independent of the code that makes steps.
//!
//! In: a step, the object as it was read, the policy, and the changes that the plan shows. Out: `Ok`, or the rule that
//! is broken, for each write and for all of them together. A broken rule is a bug of this program: the object is not written and the message says so. No function of
//! `carry`, `diff` or `step` may be reused here, since a shared mistake would pass unnoticed.

use super::change::{Change, ChangeVerb};
use super::step::{Step, StepWrite};
pub use super::unplannable::BrokenRule;
use crate::model::{
    Carry, ElementKey, Field, FieldPath, Fields, Live, Need, Policy, Shape, Value, WriteMode,
};

/// Everything that a write is checked against.
pub struct Ground<'a> {
    /// The fields of its call.
    pub table: &'static [Field],
    pub mode: WriteMode,
    pub policy: &'a Policy,
    /// The object as it was read, with nothing filled in.
    pub read: &'a Live,
}

/// Checks that the writes of a step carry out every change exactly once.
pub fn check_step(step: &Step, changes: &[Change]) -> Result<(), BrokenRule> {
    let writes = |index| {
        step.writes
            .iter()
            .filter(move |write| write.changes.contains(&index))
    };
    let wrong = (0..changes.len()).find(|index| writes(*index).count() != 1);
    match wrong.and_then(|index| changes.get(index)) {
        Some(change) => Err(BrokenRule::NotCarriedOutOnce(change.path.to_string())),
        None => Ok(()),
    }
}

/// Checks one write against every rule.
pub fn check_write(
    ground: &Ground<'_>,
    write: &StepWrite,
    changes: &[Change],
) -> Result<(), BrokenRule> {
    let case = Case {
        ground,
        sent: &write.sent,
        changes,
    };
    let broken = no_work(ground.mode, write, changes)
        .or_else(|| case.foreign_member())
        .or_else(|| case.lost_element())
        .or_else(|| case.unasked_value())
        .or_else(|| case.dropped_member())
        .or_else(|| case.emptied_member())
        .or_else(|| case.lone_member());
    broken.map_or(Ok(()), Err)
}

/// A write has a change, and a body where its call takes one.
fn no_work(mode: WriteMode, write: &StepWrite, changes: &[Change]) -> Option<BrokenRule> {
    if write.changes.is_empty() || changes.is_empty() {
        Some(BrokenRule::NoChange)
    } else {
        match (write.call.body.is_some(), mode == WriteMode::Bodiless) {
            (false, false) => Some(BrokenRule::NoBody),
            (true, true) => Some(BrokenRule::Body),
            (true, false) | (false, true) => None,
        }
    }
}

struct Case<'a> {
    ground: &'a Ground<'a>,
    sent: &'a Fields,
    changes: &'a [Change],
}

/// An object, or an element that live has as well: what goes out of it and what was read of it.
struct RuleLevel<'a> {
    table: &'static [Field],
    sent: &'a Fields,
    read: &'a Fields,
    at: FieldPath,
    folds: bool,
}

impl<'a> Case<'a> {
    /// The object first, then each element of its lists that is sent and was read.
    fn levels(&self) -> Vec<RuleLevel<'a>> {
        let root = FieldPath::default();
        let read = &self.ground.read.fields;
        let mut levels = vec![RuleLevel {
            table: self.ground.table,
            sent: self.sent,
            read,
            at: root.clone(),
            folds: false,
        }];
        for field in self.ground.table {
            let Shape::Keyed(elements) = &field.shape else {
                continue;
            };
            let (sent, read) = (keyed_items(self.sent, field), read.get(field.name));
            for (key, sent) in sent {
                if let Some(read) = read.and_then(|list| list.item(key)) {
                    levels.push(RuleLevel {
                        table: elements.fields,
                        sent,
                        read,
                        at: root.field(field.name).element(key.clone()),
                        folds: elements.fold,
                    });
                }
            }
        }
        levels
    }

    /// Nothing is sent that belongs to another call.
    fn foreign_member(&self) -> Option<BrokenRule> {
        let belongs = |name: &str| self.ground.table.iter().any(|field| field.name == name);
        let mut names = self.sent.iter().map(|(name, _)| name);
        let foreign = names.find(|name| !belongs(name))?;
        Some(BrokenRule::ForeignMember(foreign.to_string()))
    }

    /// Reports whether a change names exactly this path.
    fn named(&self, path: &FieldPath) -> bool {
        self.changes.iter().any(|change| change.path == *path)
    }

    fn removed(&self, path: &FieldPath) -> bool {
        let remove = |change: &&Change| change.verb == ChangeVerb::Remove;
        let mut removals = self.changes.iter().filter(remove);
        removals.any(|change| change.path == *path)
    }

    /// Every live element of a list that is sent survives, unless a change removes it; none joins, unless a
    /// change adds it.
    fn lost_element(&self) -> Option<BrokenRule> {
        for field in self.ground.table {
            if !matches!(field.shape, Shape::Keyed(_)) || !self.sent.contains_key(field.name) {
                continue;
            }
            let (sent, read) = (
                keyed_items(self.sent, field),
                keyed_items(&self.ground.read.fields, field),
            );
            let has = |items: &[(ElementKey, Fields)], key: &ElementKey| {
                items.iter().any(|(k, _)| k == key)
            };
            let path =
                |key: &ElementKey| FieldPath::default().field(field.name).element(key.clone());
            let lost =
                |(key, _): &&(ElementKey, Fields)| !has(sent, key) && !self.removed(&path(key));
            let stays = self.ground.mode == WriteMode::Element;
            if let Some((key, _)) = read.iter().find(lost).filter(|_| !stays) {
                let path = path(key);
                return Some(BrokenRule::LostElement(path.to_string()));
            }
            let joins =
                |(key, _): &&(ElementKey, Fields)| !has(read, key) && !self.named(&path(key));
            if let Some((key, _)) = sent.iter().find(joins) {
                let path = path(key);
                return Some(BrokenRule::AddedElement(path.to_string()));
            }
        }
        None
    }

    /// Every value that is sent is either as it was read or named by a change.
    fn unasked_value(&self) -> Option<BrokenRule> {
        self.levels().iter().find_map(|level| {
            let unasked = |field: &&Field| {
                let value = level.sent.get(field.name)?;
                let read = level.read.get(field.name);
                let keyed = matches!(field.shape, Shape::Keyed(_));
                let same = read.is_some_and(|read| field.alike(read, value));
                // An empty value in the place of none has a rule of its own.
                let blank = read.is_none() && is_empty(value);
                let path = level.at.field(field.name);
                (!keyed && !same && !blank && !self.named(&path)).then_some(path)
            };
            let path = level.table.iter().find_map(|field| unasked(&field))?;
            Some(BrokenRule::UnaskedValue(path.to_string()))
        })
    }

    /// Every value that was read goes out again where the call would clear it, unless a change names it: in the
    /// elements of a list that is sent, in an object of which a part is sent, and at the top of a call that overwrites.
    fn dropped_member(&self) -> Option<BrokenRule> {
        if self.ground.mode == WriteMode::Element {
            return None;
        }
        let merges = matches!(self.ground.mode, WriteMode::Merge | WriteMode::Bodiless);
        let record = |name: &str| name.split_once('.').map(|(record, _)| record.to_string());
        let sent: Vec<String> = { self.sent.iter() }
            .filter_map(|(name, _)| record(name))
            .collect();
        self.levels()
            .into_iter()
            .enumerate()
            .find_map(|(depth, level)| {
                let is_whole = |name: &str| {
                    !merges
                        || depth > 0
                        || record(name).is_some_and(|record| sent.contains(&record))
                };
                let dropped = |field: &&Field| {
                    if !is_whole(field.name) {
                        return None;
                    }
                    let travels = field.carry != Carry::OnlyManaged && field.need != Need::Never;
                    let read = level.read.get(field.name)?;
                    let holds = !field.alike(read, &Value::Null);
                    let sent = level.sent.contains_key(field.name);
                    let path = level.at.field(field.name);
                    (travels && holds && !sent && !self.named(&path)).then_some(path)
                };
                let path = level.table.iter().find_map(|field| dropped(&field))?;
                Some(BrokenRule::DroppedMember(path.to_string()))
            })
    }

    /// A member goes out together with those that the vendor wants beside it, and never with one that it excludes.
    fn lone_member(&self) -> Option<BrokenRule> {
        let sent = |name: &str| self.sent.contains_key(name);
        let lone = |field: &&Field| {
            let partner = field.sent_with.filter(|partner| !sent(partner));
            let excluded = field.excludes.filter(|other| sent(other));
            let is_lone = partner.is_some() || excluded.is_some();
            match sent(field.name) {
                true => is_lone,
                // A body without any member has a rule of its own.
                false => field.need == Need::Required && !self.sent.is_empty(),
            }
        };
        let merges = self.ground.mode == WriteMode::Merge;
        let field = self
            .ground
            .table
            .iter()
            .find(|field| merges && lone(field))?;
        Some(BrokenRule::LoneMember(field.name.to_string()))
    }

    /// Nothing that the read left out goes out as empty, unless a change names it or the policy says that the
    /// vendor leaves it out when it is empty.
    fn emptied_member(&self) -> Option<BrokenRule> {
        self.levels().iter().find_map(|level| {
            let emptied = |field: &&Field| {
                let value = level.sent.get(field.name)?;
                let blank = !level.read.contains_key(field.name) && is_empty(value);
                let path = level.at.field(field.name);
                let known = self.named(&path)
                    || self
                        .ground
                        .policy
                        .takes_absent_for_empty(&path, level.folds);
                (blank && !known).then_some(path)
            };
            let path = level.table.iter().find_map(|field| emptied(&field))?;
            Some(BrokenRule::EmptiedMember(path.to_string()))
        })
    }
}

fn keyed_items<'a>(fields: &'a Fields, field: &Field) -> &'a [(ElementKey, Fields)] {
    fields.get(field.name).map_or(&[], Value::items)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::Set(members) => members.is_empty(),
        Value::Items(items) => items.is_empty(),
        Value::Bool(_) | Value::Integer(_) | Value::Json(_) => false,
    }
}

#[cfg(test)]
mod tests;
