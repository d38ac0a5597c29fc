//! Holds the knowledge about one object, updated by one record after the other.
//!
//! In go agreements, ends of writes and fights; out come the baseline for a three-way diff, the hashes of the last
//! agreement, and the history of a fight. Records must be given in the order of the journal. Nothing here reads a
//! file, a clock or a vendor.
//!
//! For example, run 1 writes `seats: 5` and its end is known: the baseline has 5, applied by run 1. Run 2 sends
//! `seats: 6` and is killed: the end is unknown, so `seats` becomes unsettled and the agreement ends. Run 3 finds 6
//! live and agrees: the baseline has 6.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::super::journal::{
    Agreed, BaseJson, BaselineHashes, FieldsHash, FightHistory, GaveUp, Intent, KnownObject,
    ManagedObject, PackedBase, Residual, SummaryForm, WholeObject,
};
use super::key::{ObjectKey, kind_of_address};
use super::open::{OpenIntent, WriteEnd};
use super::{Detail, agreement};
use crate::model::{Field, KindTable, Risk};
use crate::plan::ChangeVerb;
use crate::plan::base::Base;
use crate::plan::document::ChangeEntry;
use crate::plan::drift::document::Applied;
use crate::plan::field_json::fields_from_json;
use crate::provider;

/// The knowledge about one object. Most objects have an agreement and nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectMemory {
    /// The hashes of the last agreement; `None` if there was none, or a later write ended it.
    pub standing: Option<BaselineHashes>,
    /// `None` where only agreements are kept.
    pub base: Option<Box<PackedBase>>,
    /// The fight over fields with another writer; `None` for nearly every object.
    pub fights: Option<Box<FightHistory>>,
    /// The manifest that it was agreed on with last, where names are kept.
    pub managed: Option<Box<ManagedObject>>,
    /// When it was last written or agreed on; `None` in older summaries.
    pub at: Option<Timestamp>,
}

impl ObjectMemory {
    /// Reads the knowledge about an object from a summary, with as much as `detail` asks for.
    pub fn of(summary: &KnownObject, detail: Detail) -> Self {
        let json = summary.base.as_ref().filter(|_| detail.has_values());
        let managed = summary.managed.clone().filter(|_| detail.has_names());
        Self {
            standing: summary.agreed,
            base: json.and_then(BaseJson::packed).map(Box::new),
            fights: summary.fights.clone().map(Box::new),
            managed: managed.map(Box::new),
            at: summary.at,
        }
    }

    /// Creates the record of this knowledge for a summary.
    pub fn summary(&self, key: ObjectKey, form: SummaryForm) -> KnownObject {
        KnownObject {
            key,
            agreed: self.standing,
            base: self
                .base
                .as_deref()
                .and_then(|base| BaseJson::new(base, form)),
            fights: self.fights.as_deref().cloned(),
            managed: self.managed.as_deref().cloned(),
            at: self.at,
        }
    }

    /// Records that manifest and live agree.
    ///
    /// The hashes are always kept. The baseline with values is updated only if `detail` asks for it, since it takes far more
    /// memory and only some commands need it.
    pub fn agree(&mut self, agreed: &Agreed, run: &str, at: &str, detail: Detail) {
        self.touch(at);
        self.managed = match detail.has_names() {
            true => ManagedObject::of(agreed).map(Box::new),
            false => None,
        };
        let standing = BaselineHashes::of_agreed(agreed);
        self.want(standing.desired);
        self.standing = Some(standing);
        let table = table_of_address(&agreed.address).filter(|_| detail.has_values());
        let Some(table) = table else { return };
        let desired = table.desired;
        let mut fields = fields_from_json(desired, &agreed.managed);
        fields.extend(fields_from_json(desired, &agreed.resolved));
        let (except, kept) =
            agreement::split_exclusions(&agreed.policy_exclusions, &agreed.given_up);
        let mut base = self.base();
        base.kept = kept;
        base.agree(desired, fields, &except);
        let applied = Applied {
            run: run.to_string(),
            at: at.to_string(),
            commit: agreed.commit.clone(),
        };
        self.keep(table, &base, Some(applied));
    }

    /// Records the end of a write.
    ///
    /// A write that was not carried out changes nothing. One with an unknown end makes its fields unsettled. Otherwise
    /// the baseline moves: to the manifest for a write that follows it, to the changes alone for any other. A residual
    /// comes last, since the vendor kept that value and both sides go on from it.
    pub fn end(&mut self, write: &OpenIntent, end: &WriteEnd, at: &str, values: bool) {
        let intent = &write.intent;
        let follows = write.purpose.follows_manifests();
        if follows && !intent.managed.is_empty() {
            self.want(BaselineHashes::of_intent(intent).desired);
        }
        match end {
            WriteEnd::NotCarriedOut => return,
            WriteEnd::CarriedOut { .. } if intent.heals => self.healed(intent, at),
            WriteEnd::CarriedOut { .. } | WriteEnd::Already | WriteEnd::Unknown => {}
        }
        self.touch(at);
        if intent.whole == Some(WholeObject::Removed) && matches!(end, WriteEnd::CarriedOut { .. })
        {
            // Nothing is left to compare with. An object of the same name that comes later is another one.
            (self.base, self.standing, self.managed) = (None, None, None);
            return;
        }
        let clean = match end {
            WriteEnd::CarriedOut {
                residual,
                unknown_paths,
            } => residual.is_empty() && unknown_paths.is_empty(),
            WriteEnd::Already => true,
            WriteEnd::Unknown | WriteEnd::NotCarriedOut => false,
        };
        let manifest_hash = BaselineHashes::of_intent(intent).desired;
        // An agreement ends with a write of other values, and with a write that did not reach its values.
        self.standing = self
            .standing
            .filter(|standing| clean && standing.desired == manifest_hash);
        let Some(kind) = table_of_address(&intent.address).filter(|_| values) else {
            return;
        };
        let table = kind.desired;
        let mut base = self.base();
        match end {
            WriteEnd::CarriedOut { unknown_paths, .. } if follows && !intent.managed.is_empty() => {
                agree_on_intent(&mut base, table, intent, unknown_paths);
            }
            WriteEnd::Already if follows && !intent.managed.is_empty() => {
                agree_on_intent(&mut base, table, intent, &[]);
            }
            WriteEnd::CarriedOut { unknown_paths, .. } => {
                let changes = intent.changes.iter();
                let changes = changes.filter(|change| !unknown_paths.contains(&change.path));
                changes.for_each(|change| base.follow(table, change));
            }
            WriteEnd::Already => intent
                .changes
                .iter()
                .for_each(|change| base.follow(table, change)),
            WriteEnd::Unknown => base.unsettle(&intent.changes),
            WriteEnd::NotCarriedOut => {}
        }
        if let WriteEnd::CarriedOut { residual, .. } = end {
            // Manifest and live both go on from the value that the field has after the write.
            let became = residual.iter().map(change_to_residual);
            became.for_each(|change| base.follow(table, &change));
        }
        let is_known = !matches!(end, WriteEnd::Unknown);
        let applied = is_known.then(|| Applied {
            run: write.run.clone(),
            at: at.to_string(),
            commit: write.commit.clone(),
        });
        self.keep(kind, &base, applied);
    }

    /// Records that no manifest names it any more. An agreement with a later manifest is a new one.
    pub fn leave(&mut self) {
        (self.standing, self.managed) = (None, None);
    }

    /// Records that fields are left to another writer.
    pub fn give_up(&mut self, gave_up: &GaveUp, at: &str) {
        self.touch(at);
        let Ok(at) = at.parse::<Timestamp>() else {
            return;
        };
        let fights = self.fights.get_or_insert_default();
        fights.give_up(&gave_up.fields, &gave_up.desired, at);
    }

    /// Notes a heal for each field of a write. A time that cannot be parsed, from a damaged record, is left out.
    fn healed(&mut self, intent: &Intent, at: &str) {
        let Ok(at) = at.parse::<Timestamp>() else {
            return;
        };
        let fights = self.fights.get_or_insert_default();
        for change in &intent.changes {
            fights.heal(&change.path, at);
        }
    }

    /// Notes the time of a record. One that cannot be parsed, from a damaged record, is left out.
    fn touch(&mut self, at: &str) {
        self.at = at.parse().ok().or(self.at);
    }

    /// Ends the fight if the fields of the manifest have changed.
    fn want(&mut self, manifest_hash: FieldsHash) {
        let other = |standing: &BaselineHashes| standing.desired != manifest_hash;
        let fights = self.fights.as_ref();
        if self.standing.as_ref().is_some_and(other)
            || fights.is_some_and(|it| !it.are_of(manifest_hash))
        {
            self.fights = None;
        }
    }

    /// Returns the baseline; an empty one if none is kept.
    fn base(&self) -> Base {
        self.base
            .as_ref()
            .map(|packed| packed.unpack())
            .unwrap_or_default()
    }

    /// Stores a baseline. If `applied` is `None`, the one of the baseline before stays.
    fn keep(&mut self, table: &'static KindTable, base: &Base, applied: Option<Applied>) {
        let before = self.base.take().and_then(|packed| packed.applied);
        let packed = PackedBase::new(table, base, applied.or(before));
        self.base = Some(Box::new(packed));
    }
}

/// Returns the change to the value that a field has after a write.
fn change_to_residual(residual: &Residual) -> ChangeEntry {
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
        call: 0,
    }
}

/// Moves the baseline to the manifest's fields, except those whose value after the write is unknown.
fn agree_on_intent(
    base: &mut Base,
    table: &'static [Field],
    intent: &Intent,
    unknown_paths: &[String],
) {
    let mut fields = fields_from_json(table, &intent.managed);
    fields.extend(fields_from_json(table, &intent.resolved));
    let (mut except, kept) =
        agreement::split_exclusions(&intent.policy_exclusions, &intent.given_up);
    let unknown_paths = unknown_paths.iter();
    except.extend(unknown_paths.filter_map(|path| crate::model::PathPattern::parse(path).ok()));
    base.kept = kept;
    base.agree(table, fields, &except);
}

/// Returns the table of the kind in an address; `None` for a kind that this version does not have.
fn table_of_address(address: &str) -> Option<&'static KindTable> {
    Some(provider::find_kind(kind_of_address(address))?.table())
}
