//! Plans a restore: every object back to what it and its manifest last agreed on, field by field.
//!
//! Input are the journal's memory, manifests and live objects; output is a [`Pass`] with the standing of each
//! object. Where manifest and live are equal, that is agreed on by now, whatever it was before. Fields without
//! an agreement are left as they are, and so is a field of which it is not known what the last write made of it.
//! Changes of the manifest since are not followed, because a restore never applies new wishes; its policy is
//! obeyed as it is now.
//!
//! Example: `count` 10 was applied. Live is 7 now, and the manifest wants 20 since: the restore sets 10, and the
//! object stands as applied. If live is 20 too, 20 is agreed on, and there is nothing to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Accounts, Checked, Pass, Settings, account_of, plan_document, read_side_by_side};
use crate::apply::memory::{Memory, VendorAccount};
use crate::model::field::{Elements, find_field};
use crate::model::{
    Carry, Desired, ElementKey, Field, Fields, Live, Observed, PackedFields, PathPart, RiskRule,
    Shape, Value,
};
use crate::plan::base::{self, Base};
use crate::plan::{self, Change, Disposition, Planned, carry};
use crate::provider::{self, ResourceKind};

/// The standing of an object once a restore has nothing left to do for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As the manifest wants it.
    InSync,
    /// As it was last agreed on. The manifest wants something else since.
    AsApplied,
    /// Nothing was ever agreed on, and it is not as the manifest wants it.
    NeverApplied,
    /// Nobody knows what the last write made of some field, so that is left as it is.
    Unsettled,
}

/// Plans every object of `checked` back to what was last agreed on. Objects that could not be read get a plan
/// that says so.
pub async fn plan_restore(
    memory: &Memory,
    checked: &Checked,
    settings: &Settings,
    kept: &Accounts,
) -> Pass {
    let observed_at = (settings.clock)();
    let (accounts, seen) = read_side_by_side(checked, settings, kept).await;
    let now = (settings.clock)();
    let mut planned = Vec::new();
    let (mut live, mut standings) = (BTreeMap::new(), BTreeMap::new());
    for (object, seen) in seen {
        let Some(kind) = provider::find_kind(object.address.kind.0) else {
            continue;
        };
        let Observed::Live(seen) = seen else {
            planned.push(plan::plan_object(kind, object, &seen, now));
            continue;
        };
        let account = account_of(checked, &object.connection);
        let restored = restore_object(memory, kind, object, (&account, seen), now);
        if let Some(standing) = restored.standing {
            standings.insert(object.address.clone(), standing);
        }
        planned.push(restored.planned);
        live.insert(object.address.clone(), restored.live);
    }
    let document = plan_document(checked, &planned, &accounts, settings, now);
    Pass {
        planned,
        document,
        accounts,
        live,
        moved: BTreeMap::new(),
        standings,
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
    // What a new element is not given is nothing there.
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
    // A name that nothing resolves any more stands for nothing that could be restored.
    let (mut agreed, _) = base::resolve_names(table, &base.fields, object, seen);
    // Where manifest and live say the same, that is agreed on by now.
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
        ..object.clone()
    };
    // Nobody agreed that a list has no further members while they were kept.
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
