//! What a vendor brings to the sandbox: its simulator, its logins, and manifests for a populated account.

use super::VENDORS;
use super::simulator::Simulator;

/// A vendor that the sandbox serves, and how to make a simulator for it.
#[derive(Clone, Copy)]
pub(crate) struct SimulatedVendor {
    /// The first path segment under which the vendor is served, for example `lac`.
    pub prefix: &'static str,
    /// Makes a simulator with the account of the published examples.
    pub seeded: fn() -> Box<dyn Simulator>,
    /// The logins that the simulator accepts, the preferred one first.
    pub credentials: &'static [SandboxCredential],
    /// Writes the manifest of a populated object: its index, the number of objects, whether it differs from the account.
    pub write_manifest: fn(usize, usize, bool) -> String,
}

impl SimulatedVendor {
    /// Finds a vendor of the sandbox by its prefix.
    pub fn find(prefix: &str) -> Option<&'static Self> {
        VENDORS.iter().find(|vendor| vendor.prefix == prefix)
    }
}

/// One way to authenticate at one simulated vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxCredential {
    /// The form of a connection's `auth`: `token`, `login`, `session`, `apiKey` or `clientCredentials`.
    pub form: &'static str,
    /// The connection's base URL with this form, as a path below the sandbox's own address.
    pub base: &'static str,
    /// The secret values of the form, by their names in a connection's `auth`.
    pub values: &'static [(&'static str, &'static str)],
    /// Where `clientCredentials` asks for its token, as a path below the sandbox's own address.
    pub token_url: Option<&'static str>,
}

impl SandboxCredential {
    /// Returns a credential whose token, if any, needs no token endpoint.
    pub(super) const fn new(
        form: &'static str,
        base: &'static str,
        values: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            form,
            base,
            values,
            token_url: None,
        }
    }
}
