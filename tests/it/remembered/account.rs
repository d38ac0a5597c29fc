//! The accounts of the sandbox and the manifests, as the model has them.

use serde_json::{Value as Json, json};

use super::model::{Elements, Mode, Policy, Scalars};
use super::past::{LICENCE, Model, Object};
use crate::conformance::vendors::{self, Vendor};
use crate::support::bench::{self, Bench};

const LAC: &Vendor = &vendors::lac::VENDOR;
const CRYPTLEX: &Vendor = &vendors::cryptlex::VENDOR;

/// The groups of the organization, with their ids.
pub const GROUPS: [&str; 4] = ["Engineering", "Field sales", "Support", "Finance"];

fn group_id(name: &str) -> String {
    let number = GROUPS.iter().position(|group| *group == name);
    let number = number.expect("a group");
    format!("a4f8d1b0-1111-4c22-8f33-{number:012}")
}

/// What is said of an element beside what the model has.
fn element(key: &str, fields: &Scalars) -> Json {
    let (name, version) = key.split_once(' ').expect("a name and a version");
    let mut element = json!({
        "name": name, "version": version, "expiration_type": "no_expiration",
        "issued_type": "not_issued", "maintenance_type": "no_maintenance", "enabled": true,
    });
    for (name, value) in fields {
        element[*name] = value.clone();
    }
    element
}

fn elements(list: &Elements) -> Json {
    let list = list.iter();
    list.map(|(key, fields)| element(key, fields)).collect()
}

fn location(number: usize) -> (&'static Vendor, String) {
    match number {
        LICENCE => (CRYPTLEX, (CRYPTLEX.place)(0)),
        number => (LAC, (LAC.place)(number)),
    }
}

/// Puts the sandbox into the state of the model, and returns the accounts.
pub fn load(bench: &Bench, model: &Model) -> [Json; 2] {
    [(LAC, LICENCE), (CRYPTLEX, 1)].map(|(vendor, count)| {
        let mut state = (vendor.account)(count);
        lay_all(&mut state, vendor, model);
        let set = bench.sandbox.set_state(vendor.name, state);
        set.expect("a good account");
        bench.sandbox.state(vendor.name).expect("a vendor")
    })
}

fn lay_all(state: &mut Json, vendor: &Vendor, model: &Model) {
    for (number, object) in model.objects.iter().enumerate() {
        let (own, location) = location(number);
        if own.name == vendor.name {
            lay(state.pointer_mut(&location).expect("there"), object);
        }
    }
}

/// Somebody changes an object at the vendor, so that it is as the model has it.
pub fn edit(bench: &Bench, model: &Model, number: usize) {
    let (vendor, location) = location(number);
    let mut state = bench.sandbox.state(vendor.name).expect("a vendor");
    let object = state.pointer_mut(&location).expect("there");
    lay(object, &model.objects[number]);
    let set = bench.sandbox.set_state(vendor.name, state);
    set.expect("a good account");
}

fn lay(state: &mut Json, object: &Object) {
    for (name, value) in &object.live.scalars {
        state[*name] = value.clone();
    }
    if let Some(list) = &object.live.list {
        let mut elements = elements(list);
        for element in elements.as_array_mut().into_iter().flatten() {
            element["options"] = Json::Null;
            element["additional_settings"] = Json::Null;
        }
        state["Features"] = elements;
    }
    if let Some(set) = &object.live.set {
        state["userGroupIds"] = set.iter().map(|name| group_id(name)).collect();
    }
}

/// The accounts as they are, in one spelling.
pub fn is(bench: &Bench) -> Json {
    let mut states = [LAC, CRYPTLEX].map(|vendor| bench.sandbox.state(vendor.name).expect("there"));
    states.iter_mut().for_each(spell);
    states.into_iter().collect()
}

/// The same as the model has them, with everything beside it as it was in `first`.
pub fn expected(first: &[Json; 2], model: &Model) -> Json {
    let mut states = first.clone();
    for (state, vendor) in states.iter_mut().zip([LAC, CRYPTLEX]) {
        lay_all(state, vendor, model);
        spell(state);
    }
    states.into_iter().collect()
}

/// Lists in one order, empty texts as nothing, and no times of writes.
fn spell(json: &mut Json) {
    match json {
        Json::Object(members) => {
            members.remove("updatedAt");
            for (_, member) in members.iter_mut() {
                spell(member);
            }
            members.retain(|_, member| *member != "" && !member.is_null());
            members.sort_keys();
        }
        Json::Array(items) => {
            items.iter_mut().for_each(spell);
            items.sort_by_cached_key(ToString::to_string);
        }
        _ => {}
    }
}

/// The manifests of the model.
pub fn manifests(model: &Model) -> Vec<bench::Object> {
    let objects = model.objects.iter().enumerate();
    let present = objects.filter(|(_, object)| object.present);
    present
        .map(|(number, object)| manifest(number, object))
        .collect()
}

fn manifest(number: usize, object: &Object) -> bench::Object {
    let (vendor, kind) = match number {
        LICENCE => (CRYPTLEX, CRYPTLEX.kind),
        _ => (LAC, LAC.kind),
    };
    let ids = match number {
        LICENCE => (vendor.ids)(0),
        number => (vendor.ids)(number),
    };
    let mut desired = json!({});
    for (name, value) in &object.manifest.scalars {
        desired[*name] = value.clone();
    }
    if let Some(list) = &object.manifest.list {
        desired["Features"] = elements(list);
    }
    if let Some(set) = &object.manifest.set {
        match object.named {
            true => desired["userGroups"] = set.iter().copied().collect(),
            false => desired["userGroupIds"] = set.iter().map(|name| group_id(name)).collect(),
        }
    }
    let policy = policy(number, &object.policy);
    bench::Object::new(kind, &object.name, ids, desired).policy(policy)
}

fn policy(number: usize, policy: &Policy) -> Json {
    let mut spelled = json!({});
    let mode = match policy.mode {
        Mode::Enforce => "enforce",
        Mode::Observe => "observe",
        Mode::Suspend => "suspend",
    };
    spelled["mode"] = mode.into();
    if !policy.ignore.is_empty() {
        spelled["ignore"] = policy.ignore.iter().copied().collect();
    }
    if policy.keep {
        let list = match number {
            LICENCE => "userGroupIds",
            _ => "Features",
        };
        spelled["keepUnlisted"] = json!([list]);
    }
    if policy.allow {
        spelled["allow"] = json!(["reduce"]);
    }
    spelled
}
