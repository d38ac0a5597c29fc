//! The fake credentials that the simulators accept, in the forms that a connection's `auth` can have.
//!
//! They are printed in the documentation and work at a sandbox only. No real credential may be here.

use serde_json::{Map, Value, json};

use super::simulated_vendor::{SandboxCredential, SimulatedVendor};

/// Lists the credentials of one vendor, the preferred one first; none for a vendor that the sandbox does not have.
pub fn credentials_of(vendor: &str) -> impl Iterator<Item = &'static SandboxCredential> {
    let found = SimulatedVendor::find(vendor);
    found.into_iter().flat_map(|vendor| vendor.credentials)
}

/// Returns a credential as the index of a sandbox at `address` (`http://host:port`) shows it.
pub(super) fn describe_credential(credential: &SandboxCredential, address: &str) -> Value {
    let values = credential.values.iter();
    let values: Map<_, _> = values
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect();
    let mut shown = json!({
        "form": credential.form,
        "baseUrl": format!("{address}{}", credential.base),
        "values": values,
    });
    if let Some(path) = credential.token_url {
        shown["tokenUrl"] = format!("{address}{path}").into();
    }
    shown
}
