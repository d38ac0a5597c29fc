//! Plans a restore: every object back to its baseline, on which live and manifest last agreed, field by field.
//!
//! The input is the journal's memory, manifests and live objects; the output is a [`Pass`] with the standing of each
//! object. If manifest and live are equal in a field now, that value replaces the baseline. A field without a baseline
//! is left unchanged, and so is a field of which the journal does not know how the last write left it. Later changes
//! of the manifest's fields are ignored, because a restore never applies new values; its policy applies as it is
//! today.
//!
//! Example: `count` 10 was applied. Live is 7 now, and the manifest wants 20 since: the restore sets 10, and the
//! object stands as applied. If live is 20 too, 20 is agreed on, and there is nothing to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{
    Accounts, Checked, Pass, PassReferents, ReadPass, Settings, account_of, plan_document,
    read_side_by_side,
};
use crate::apply::memory::{Memory, VendorAccount};
use crate::model::field::{Elements, find_field};
use crate::model::resource::ComingStates;
use crate::model::{
    Carry, CreationFields, Desired, ElementKey, Field, Fields, Live, Observed, PackedFields,
    PathPart, RiskRule, Shape, Value,
};
use crate::plan::base::{self, Base};
use crate::plan::dependencies::order_steps;
use crate::plan::{self, Change, Disposition, Planned, carry};
use crate::provider::{self, ResourceKind};

/// The standing of an object once a restore has nothing left to do for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Live has the values of the manifest.
    InSync,
    /// Live has the values of the baseline. The manifest has changed since.
    AsApplied,
    /// There is no baseline, and live differs from the manifest.
    NeverApplied,
    /// The journal does not show how the last write left some field, so the field is left unchanged.
    Unsettled,
}

/// Plans every object of `checked` back to its baseline. Objects that could not be read get a plan
/// that says so.
pub async fn plan_restore(
    memory: &Memory,
    checked: &Checked,
    settings: &Settings,
    kept: &Accounts,
) -> Pass {
    let observed_at = (settings.clock)();
    let read = read_side_by_side(checked, settings, kept).await;
    let ReadPass {
        accounts,
        seen,
        referents,
    } = read;
    let now = (settings.clock)();
    let mut planned = Vec::new();
    let (mut live, mut standings) = (BTreeMap::new(), BTreeMap::new());
    for (object, seen) in seen {
        let Some(kind) = provider::find_kind(object.address.kind.0) else {
            continue;
        };
        let Observed::Live(seen) = seen else {
            planned.push(plan::plan_object(kind, &object, &seen, now));
            continue;
        };
        let account = account_of(checked, &object.connection);
        let restored = restore_object(memory, kind, &object, (&account, seen), now);
        if let Some(standing) = restored.standing {
            standings.insert(object.address.clone(), standing);
        }
        planned.push(restored.planned);
        live.insert(object.address.clone(), restored.live);
    }
    order_steps(&mut planned);
    let document = plan_document(checked, &planned, &accounts, settings, now);
    Pass {
        planned,
        document,
        accounts,
        live,
        moved: BTreeMap::new(),
        standings,
        referents: PassReferents::read(referents),
        observed_at,
        fresh: true,
    }
}

/// The result for one object.
struct Restored {
    planned: Planned,
    /// The object as it was read, without the names that today's manifest gives.
    live: Live,
    /// `None` if the plan does not show it, for example because planning failed.
    standing: Option<Standing>,
}

/// Plans one object back.
///
/// Two plans are made: one by the manifest, to know what is agreed on by now, and one by the agreement. If both
/// are empty the object is in sync; if only the second is, it is as applied.
fn restore_object(
    memory: &Memory,
    kind: &dyn ResourceKind,
    object: &Arc<Desired>,
    (account, seen): (&VendorAccount, Live),
    now: Timestamp,
) -> Restored {
    let table = kind.table().desired;
    let observed = Observed::Live(seen.clone());
    let by_manifest = plan::plan_object(kind, object, &observed, now);
    let Some((base, _)) = memory.base(table, object, account, &seen.fields) else {
        return never_applied(kind, object, by_manifest, seen, now);
    };
    let desired = agreed_object(&base, table, object, (&seen, &by_manifest));
    // A plan wants whatever was resolved, so the names of today's manifest are left out with its fields.
    let unnamed = Live {
        resolved: Vec::new(),
        ..seen.clone()
    };
    let planned = plan::plan_object(kind, &desired, &Observed::Live(unnamed.clone()), now);
    let (planned, live, standing) = match (planned.action, by_manifest.action) {
        (Disposition::None, Disposition::None) => (by_manifest, seen, Some(Standing::InSync)),
        (Disposition::None, _) => (planned, unnamed, Some(Standing::AsApplied)),
        _ => {
            let standing = standing_after(kind, object, (&desired, &unnamed), seen, now);
            (planned, unnamed, Some(standing))
        }
    };
    let standing = standing.map(|standing| match standing {
        Standing::AsApplied if !base.unsettled.is_empty() => Standing::Unsettled,
        standing => standing,
    });
    Restored {
        planned,
        live,
        standing,
    }
}

/// Returns how the object stands once it is restored as `wanted`, by a plan over the values it would then have.
fn standing_after(
    kind: &dyn ResourceKind,
    object: &Arc<Desired>,
    (desired, unnamed): (&Desired, &Live),
    seen: Live,
    now: Timestamp,
) -> Standing {
    let mut restored = seen;
    let next = carry::carry(kind.table().desired, desired, unnamed);
    restored.fields.extend(next);
    let left = plan::plan_object(kind, object, &Observed::Live(restored), now).changes;
    // A field that is not set in a new element is empty there.
    let nothing = |change: &Change| {
        change.before.is_none() && change.after.as_ref().is_none_or(Json::is_null)
    };
    match left.iter().all(nothing) {
        true => Standing::InSync,
        false => Standing::AsApplied,
    }
}

/// Plans nothing for an object of which the journal has no agreement, so that it stays as it is.
fn never_applied(
    kind: &dyn ResourceKind,
    object: &Arc<Desired>,
    by_manifest: Planned,
    live: Live,
    now: Timestamp,
) -> Restored {
    if by_manifest.action == Disposition::None {
        return Restored {
            planned: by_manifest,
            live,
            standing: Some(Standing::InSync),
        };
    }
    let live = Live {
        resolved: Vec::new(),
        ..live
    };
    let nothing = Arc::new(Desired {
        fields: PackedFields::new(kind.table().desired, &Fields::new()),
        coming: ComingStates::default(),
        creation: CreationFields::default(),
        ..Desired::clone(object)
    });
    let planned = plan::plan_object(kind, &nothing, &Observed::Live(live.clone()), now);
    let standing = (planned.action == Disposition::None).then_some(Standing::NeverApplied);
    Restored {
        planned,
        live,
        standing,
    }
}

/// Returns the object as it was agreed on, under the policy of now.
///
/// Three corrections follow the base: fields in which manifest and live are equal take that value, unsettled
/// fields are dropped, and lists whose further members were kept then keep them now.
fn agreed_object(
    base: &Base,
    table: &'static [Field],
    object: &Desired,
    (seen, by_manifest): (&Live, &Planned),
) -> Arc<Desired> {
    // A name that can no longer be resolved gives no value to restore.
    let (mut agreed, _) = base::resolve_names(table, &base.fields, object, seen);
    // If manifest and live have the same value now, it replaces the baseline.
    let differs = |name: &str| {
        let mut changes = by_manifest.changes.iter();
        changes.any(|change| matches!(change.path.parts().first(), Some(PathPart::Field(first)) if *first == name))
    };
    for (name, _) in carry::resolve_desired(object, seen).iter() {
        if let (true, false, Some(live)) = (
            agreed.contains_key(name),
            differs(name),
            seen.fields.get(name),
        ) {
            agreed.insert(name, live.clone());
        }
    }
    let mut fields = restorable_fields(table, agreed, seen);
    let settled = |name: &&str| !base.is_unsettled(name);
    let unsettled: Vec<&str> = fields.keys().filter(|name| !settled(name)).collect();
    for name in unsettled {
        fields.remove(name);
    }
    let mut desired = Desired {
        fields: PackedFields::new(table, &fields),
        // What comes by date follows from the manifest, and is no part of what was agreed on.
        coming: ComingStates::default(),
        creation: CreationFields::default(),
        ..object.clone()
    };
    // While unlisted members were kept, no baseline says that a list has no further members.
    let kept = base.kept.iter();
    let kept: Vec<String> = kept
        .filter(|name| !object.policy.keep_unlisted.contains(name))
        .cloned()
        .collect();
    if !kept.is_empty() {
        desired.policy.keep_unlisted.extend(kept);
    }
    Arc::new(desired)
}

/// Returns the agreed fields that may be restored. Counters move by use, and a one-time request must not be
/// repeated.
fn restorable_fields(table: &'static [Field], agreed: Fields, seen: &Live) -> Fields {
    let mut kept = Fields::new();
    for (name, value) in agreed {
        let Some(field) = find_field(table, name).filter(|field| is_free(field)) else {
            continue;
        };
        let value = match (&field.shape, &value) {
            (Shape::Keyed(elements), Value::Items(items)) => {
                let current = seen.fields.get(name).map_or(&[][..], Value::items);
                Value::Items(restorable_items(elements, items, current).into())
            }
            _ => value,
        };
        kept.insert(name, value);
    }
    kept
}

/// Returns the agreed elements of a list, without counters in those that exist: a new one may set where they
/// start.
fn restorable_items(
    elements: &'static Elements,
    items: &[(ElementKey, Fields)],
    current: &[(ElementKey, Fields)],
) -> Vec<(ElementKey, Fields)> {
    let one = |(key, fields): &(ElementKey, Fields)| {
        // A new element may say where its counters start.
        if !current.iter().any(|(other, _)| other == key) {
            return (key.clone(), fields.clone());
        }
        let writable = fields.iter();
        let writable =
            writable.filter(|(name, _)| find_field(elements.fields, name).is_some_and(is_free));
        let writable = writable.map(|(name, value)| (name, value.clone()));
        (key.clone(), writable.collect())
    };
    items.iter().map(one).collect()
}

/// Reports whether a field may be restored.
fn is_free(field: &Field) -> bool {
    field.risk != RiskRule::Counter && !matches!(field.carry, Carry::OneShot { .. })
}
