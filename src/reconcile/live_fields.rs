//! Reads the live fields of all objects, for callers that plan nothing.

use std::collections::BTreeMap;

use super::{Accounts, Checked, Settings, read_side_by_side};
use crate::model::{Address, Fields, Observed};

/// What is live.
#[derive(Default)]
pub struct LiveFields {
    /// Objects that are there. Suspended ones are not read.
    pub fields: BTreeMap<Address, Fields>,
    /// The objects that could not be read, with the reason.
    pub unread: Vec<(Address, String)>,
}

/// Reads the objects of the manifests at every connection in use, side by side.
pub async fn read_live_fields(checked: &Checked, settings: &Settings) -> LiveFields {
    let pass = read_side_by_side(checked, settings, &Accounts::new()).await;
    let mut live = LiveFields::default();
    for (object, observed) in pass.seen {
        let address = object.address.clone();
        match observed {
            Observed::Live(seen) => {
                live.fields.insert(address, seen.fields);
            }
            Observed::Unread(failure) => live.unread.push((address, failure.text)),
            Observed::Missing | Observed::Creatable(_) => {}
        }
    }
    live
}
