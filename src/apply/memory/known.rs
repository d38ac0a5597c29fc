//! What is known of one object, moved by one fact after the other.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::journal::{Agreed, GaveUp, Intent, KnownObject, Residual};
use super::agreement::{self, Hash, Standing};
use super::key::{Key, kind};
use super::open::{End, OpenIntent};
use super::summary::{Form, Told};
use crate::model::{Field, Kind, KindTable, PackedFields, Risk};
use crate::plan::ChangeVerb;
use crate::plan::base::Base;
use crate::plan::document::ChangeEntry;
use crate::plan::drift::document::Applied;
use crate::plan::field_json::fields_from_json;
use crate::provider;

/// What is known of an object. Of most there is an agreement and no more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    pub standing: Option<Standing>,
    /// Nothing where only agreements are asked for.
    pub base: Option<Box<Packed>>,
    pub fights: Option<Box<Fights>>,
}

/// A base at rest.
#[derive(Clone, Debug)]
pub struct Packed {
    pub kind: Kind,
    pub fields: PackedFields,
    pub kept: Vec<String>,
    pub unsettled: Vec<String>,
    pub applied: Option<Applied>,
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.unpack() == other.unpack() && self.applied == other.applied
    }
}

impl Packed {
    pub fn new(table: &'static KindTable, base: &Base, applied: Option<Applied>) -> Self {
        Self {
            kind: table.kind,
            fields: PackedFields::new(table.desired, &base.fields),
            kept: base.kept.clone(),
            unsettled: base.unsettled.clone(),
            applied,
        }
    }

    pub fn unpack(&self) -> Base {
        Base {
            fields: self.fields.unpack(),
            kept: self.kept.clone(),
            unsettled: self.unsettled.clone(),
        }
    }
}

/// What the journal tells of a fight over fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fights {
    /// When each field was put back, up to the most that anybody counts.
    pub healed: BTreeMap<String, VecDeque<Timestamp>>,
    /// Since when a field is left to the other writer.
    pub given_up: BTreeMap<String, Timestamp>,
    /// What the manifest wanted meanwhile, if that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wanted: Option<String>,
}

impl Fights {
    /// Heals that are remembered of each field.
    const HEALS: usize = 8;

    /// Reports whether they are about what the manifest wants now: another wish starts anew.
    pub fn are_of(&self, wanted: Hash) -> bool {
        let wanted = agreement::hex(wanted);
        self.wanted.as_ref().is_none_or(|then| *then == wanted)
    }
}

impl Known {
    /// Takes what a summary says of an object.
    pub fn of(summary: &KnownObject, values: bool) -> Self {
        let told = summary.base.as_ref().filter(|_| values);
        Self {
            standing: summary.agreed,
            base: told.and_then(Told::packed).map(Box::new),
            fights: summary.fights.clone().map(Box::new),
        }
    }

    /// Says all of it in a line for a summary.
    pub fn summary(&self, key: Key, form: Form) -> KnownObject {
        KnownObject {
            key,
            agreed: self.standing,
            base: self.base.as_deref().and_then(|base| Told::new(base, form)),
            fights: self.fights.as_deref().cloned(),
        }
    }

    /// Both sides agreed.
    pub fn agree(&mut self, agreed: &Agreed, run: &str, at: &str, values: bool) {
        let standing = Standing::of_agreed(agreed);
        self.want(standing.wanted);
        self.standing = Some(standing);
        let table = table(&agreed.address).filter(|_| values);
        let Some(table) = table else { return };
        let own = table.desired;
        let mut fields = fields_from_json(own, &agreed.managed);
        fields.extend(fields_from_json(own, &agreed.resolved));
        let (except, kept) = agreement::excepted(&agreed.spared, &agreed.given_up);
        let mut base = self.base();
        base.kept = kept;
        base.agree(own, fields, &except);
        let applied = Applied {
            run: run.to_string(),
            at: at.to_string(),
            commit: agreed.commit.clone(),
        };
        self.keep(table, &base, Some(applied));
    }

    /// A write has ended.
    pub fn end(&mut self, write: &OpenIntent, end: &End, at: &str, values: bool) {
        let intent = &write.intent;
        let follows = write.purpose.follows_manifests();
        if follows && !intent.managed.is_empty() {
            self.want(Standing::of_intent(intent).wanted);
        }
        match end {
            End::NotCarriedOut => return,
            End::CarriedOut { .. } if intent.heals => self.healed(intent, at),
            End::CarriedOut { .. } | End::Already | End::Unknown => {}
        }
        let clean = match end {
            End::CarriedOut { residual, untold } => residual.is_empty() && untold.is_empty(),
            End::Already => true,
            End::Unknown | End::NotCarriedOut => false,
        };
        let wanted = Standing::of_intent(intent).wanted;
        // An agreement ends with a write of something else, and with one whose end is not what was wanted.
        self.standing = self
            .standing
            .filter(|standing| clean && standing.wanted == wanted);
        let Some(kind) = table(&intent.address).filter(|_| values) else {
            return;
        };
        let table = kind.desired;
        let mut base = self.base();
        match end {
            End::CarriedOut { untold, .. } if follows && !intent.managed.is_empty() => {
                agree(&mut base, table, intent, untold);
            }
            End::Already if follows && !intent.managed.is_empty() => {
                agree(&mut base, table, intent, &[]);
            }
            End::CarriedOut { untold, .. } => {
                let own = intent.changes.iter();
                let own = own.filter(|change| !untold.contains(&change.path));
                own.for_each(|change| base.follow(table, change));
            }
            End::Already => intent
                .changes
                .iter()
                .for_each(|change| base.follow(table, change)),
            End::Unknown => base.unsettle(&intent.changes),
            End::NotCarriedOut => {}
        }
        if let End::CarriedOut { residual, .. } = end {
            // What the write became is what both sides have to go by.
            let became = residual.iter().map(became);
            became.for_each(|change| base.follow(table, &change));
        }
        let told = !matches!(end, End::Unknown);
        let applied = told.then(|| Applied {
            run: write.run.clone(),
            at: at.to_string(),
            commit: write.commit.clone(),
        });
        self.keep(kind, &base, applied);
    }

    /// Fields are left to another writer.
    pub fn give_up(&mut self, gave_up: &GaveUp, at: &str) {
        let Ok(at) = at.parse::<Timestamp>() else {
            return;
        };
        let fights = self.fights.get_or_insert_default();
        fights.wanted = Some(gave_up.wanted.clone());
        for path in &gave_up.fields {
            fights.healed.remove(path);
            fights.given_up.insert(path.clone(), at);
        }
    }

    fn healed(&mut self, intent: &Intent, at: &str) {
        let Ok(at) = at.parse::<Timestamp>() else {
            return;
        };
        let fights = self.fights.get_or_insert_default();
        for change in &intent.changes {
            let heals = fights.healed.entry(change.path.clone()).or_default();
            heals.push_back(at);
            if heals.len() > Fights::HEALS {
                heals.pop_front();
            }
        }
    }

    /// A manifest that wants something else ends a fight.
    fn want(&mut self, wanted: Hash) {
        let other = |standing: &Standing| standing.wanted != wanted;
        let fights = self.fights.as_ref();
        if self.standing.as_ref().is_some_and(other) || fights.is_some_and(|it| !it.are_of(wanted))
        {
            self.fights = None;
        }
    }

    fn base(&self) -> Base {
        self.base
            .as_ref()
            .map(|packed| packed.unpack())
            .unwrap_or_default()
    }

    fn keep(&mut self, table: &'static KindTable, base: &Base, applied: Option<Applied>) {
        let before = self.base.take().and_then(|packed| packed.applied);
        let packed = Packed::new(table, base, applied.or(before));
        self.base = Some(Box::new(packed));
    }
}

/// The change to what a write made of a field.
fn became(residual: &Residual) -> ChangeEntry {
    let is_element = residual.path.ends_with(']');
    ChangeEntry {
        path: residual.path.clone(),
        verb: match (is_element, residual.is.is_null()) {
            (true, true) => ChangeVerb::Remove,
            (true, false) => ChangeVerb::Add,
            (false, _) => ChangeVerb::Replace,
        },
        before: Json::Null,
        after: residual.is.clone(),
        risk: Risk::Safe,
        note: None,
    }
}

/// The manifest's fields became true, but for those of which nobody said what they became.
fn agree(base: &mut Base, table: &'static [Field], intent: &Intent, untold: &[String]) {
    let mut fields = fields_from_json(table, &intent.managed);
    fields.extend(fields_from_json(table, &intent.resolved));
    let (mut except, kept) = agreement::excepted(&intent.spared, &intent.given_up);
    let untold = untold.iter();
    except.extend(untold.filter_map(|path| crate::model::PathPattern::parse(path).ok()));
    base.kept = kept;
    base.agree(table, fields, &except);
}

fn table(address: &str) -> Option<&'static KindTable> {
    Some(provider::of_kind(kind(address))?.table())
}
