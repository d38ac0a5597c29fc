//! Accounts as large as real ones, and manifests that hold for them: for benchmarks and for trying out.
//!
//! Each vendor's `populate` makes the objects and, apart from them, the text of their manifests: both are
//! functions of the place of an object, so nothing is read back and nothing is shared with the client.

use super::credentials;
use super::{alinea, cryptlex, informatica, lac, licensespring};

/// How many objects one customer or owner has, at the vendors that have such.
pub(super) const OBJECTS_PER_CUSTOMER: usize = 50;

/// How many objects are added, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Population {
    pub objects: usize,
    /// The vendors; empty is all.
    pub vendors: Vec<String>,
}

impl Population {
    /// How many objects a vendor gets.
    pub fn objects_of(&self, vendor: &str) -> usize {
        let chosen = self.vendors.is_empty() || self.vendors.iter().any(|name| name == vendor);
        if chosen { self.objects } else { 0 }
    }

    /// The manifests of a vendor's added objects, of which this percentage differs from the account.
    pub fn manifests(
        &self,
        vendor: &str,
        percent: f64,
    ) -> Result<impl Iterator<Item = String>, String> {
        let (_, manifest) = MANIFESTS
            .iter()
            .find(|(name, _)| *name == vendor)
            .ok_or_else(|| format!("no vendor {vendor:?} in this sandbox"))?;
        let objects = self.objects_of(vendor);
        let differing = count_differing(objects, percent);
        Ok((0..objects).map(move |index| {
            let so_far = |index: usize| index * differing / objects;
            manifest(index, objects, so_far(index + 1) > so_far(index))
        }))
    }
}

/// The manifest of the object in a place, of so many, which differs from the account or not.
type ManifestWriter = fn(usize, usize, bool) -> String;

const MANIFESTS: &[(&str, ManifestWriter)] = &[
    ("alinea", alinea::populate::write_manifest),
    ("cryptlex", cryptlex::populate::write_manifest),
    ("informatica", informatica::populate::write_manifest),
    ("lac", lac::populate::write_manifest),
    ("licensespring", licensespring::populate::write_manifest),
];

/// The number of objects that are this percentage of all, rounded.
fn count_differing(objects: usize, percent: f64) -> usize {
    // Far below 2^52, and not negative after clamping.
    (objects as f64 * percent.clamp(0.0, 100.0) / 100.0).round() as usize
}

/// A connection manifest that leads to a vendor's simulator, and the variables that it takes its secrets from.
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
        for vendor in ["alinea", "cryptlex", "informatica", "lac", "licensespring"] {
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
