//! Accounts as large as real ones, and manifests that match them: for benchmarks and for trying out.
//!
//! Each vendor's `populate` makes the objects and, separately, the text of their manifests. Both are functions of
//! the index of an object, so nothing is read back and no code is shared with the client.
//!
//! Example: of 1,000 objects, 1 percent differ from their manifests. These 10 are spread evenly: object `i` differs
//! if `(i + 1) * 10 / 1000` is greater than `i * 10 / 1000` in integers, so objects 99, 199, … 999.

use super::credentials;
use super::simulated_vendor::SimulatedVendor;

/// The number of objects of one customer or owner, at the vendors that have them.
pub(super) const OBJECTS_PER_CUSTOMER: usize = 50;

/// How many objects are added to which accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Population {
    /// The number of objects added to each account, beside those of the published examples.
    pub objects: usize,
    /// The prefixes of the vendors whose accounts grow; empty is all.
    pub vendors: Vec<String>,
}

impl Population {
    /// Returns how many objects the account of a vendor gets.
    pub fn objects_of(&self, vendor: &str) -> usize {
        let chosen = self.vendors.is_empty() || self.vendors.iter().any(|name| name == vendor);
        if chosen { self.objects } else { 0 }
    }

    /// Lists the manifests of a vendor's added objects, of which this percentage differs from the account.
    ///
    /// `Err` says that there is no such vendor.
    pub fn manifests(
        &self,
        vendor: &str,
        percent: f64,
    ) -> Result<impl Iterator<Item = String>, String> {
        let found = SimulatedVendor::find(vendor);
        let write_manifest = found
            .ok_or_else(|| format!("no vendor {vendor:?} in this sandbox"))?
            .write_manifest;
        let objects = self.objects_of(vendor);
        let differing = count_differing(objects, percent);
        Ok((0..objects).map(move |index| {
            let so_far = |index: usize| index * differing / objects;
            write_manifest(index, objects, so_far(index + 1) > so_far(index))
        }))
    }
}

/// Returns the number of objects that are this percentage of all, rounded.
fn count_differing(objects: usize, percent: f64) -> usize {
    // Far below 2^52, and not negative after clamping.
    (objects as f64 * percent.clamp(0.0, 100.0) / 100.0).round() as usize
}

/// Returns a connection manifest for a vendor's simulator, and the environment variables that it reads secrets from.
///
/// `address` is `http://host:port`. `None` if there is no such vendor.
pub fn connection_manifest(
    vendor: &str,
    address: &str,
) -> Option<(String, Vec<(String, &'static str)>)> {
    let credential = credentials::credentials_of(vendor).next()?;
    let variable = |name: &str| format!("SANDBOX_{vendor}_{name}").to_uppercase();
    let variables: Vec<_> = credential
        .values
        .iter()
        .map(|(name, value)| (variable(name), *value))
        .collect();
    let auth = match credential.values {
        [(name, _)] => format!("    {name}: {{env: {}}}\n", variable(name)),
        several => {
            let member =
                |(name, _): &(&str, &str)| format!("      {name}: {{env: {}}}\n", variable(name));
            let members: String = several.iter().map(member).collect();
            format!("    {}:\n{members}", credential.form)
        }
    };
    let text = format!(
        "\
apiVersion: entitle.dev/v1
kind: Connection
metadata:
  name: {vendor}
spec:
  vendor: {vendor}
  baseUrl: {address}{base}
  auth:
{auth}",
        base = credential.base
    );
    Some((text, variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_differs_is_exact_and_spread_out() {
        let population = Population {
            objects: 1000,
            vendors: Vec::new(),
        };
        for vendor in crate::sandbox::vendor_names() {
            let matching: Vec<_> = population.manifests(vendor, 0.0).unwrap().collect();
            let drifted: Vec<_> = population.manifests(vendor, 1.0).unwrap().collect();
            let places: Vec<usize> = (0..1000)
                .filter(|at| matching[*at] != drifted[*at])
                .collect();
            let expected: Vec<usize> = (0..10).map(|n| 100 * n + 99).collect();
            assert_eq!(places, expected, "{vendor}");
        }
        assert!(population.manifests("acme", 0.0).is_err());
    }

    #[test]
    fn no_two_objects_have_one_identity() {
        let population = Population {
            objects: 5000,
            vendors: vec!["lac".into()],
        };
        assert_eq!(population.objects_of("alinea"), 0);
        let all: std::collections::BTreeSet<String> =
            population.manifests("lac", 0.0).unwrap().collect();
        assert_eq!(all.len(), 5000);
    }

    #[test]
    fn a_connection_names_its_variables_and_no_secret() {
        let (text, variables) = connection_manifest("lac", "http://127.0.0.1:1").unwrap();
        assert!(text.ends_with(
            "baseUrl: http://127.0.0.1:1/lac\n  auth:\n    login:\n      username: {env: SANDBOX_LAC_USERNAME}\n      password: {env: SANDBOX_LAC_PASSWORD}\n"
        ), "{text}");
        assert_eq!(variables[1], ("SANDBOX_LAC_PASSWORD".into(), "sandbox"));
    }
}
