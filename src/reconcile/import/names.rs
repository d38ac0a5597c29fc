//! Names objects that have no name: made from their ids or by a template, valid, unique, and the same every time.
//!
//! Vendors number their objects, while a manifest needs a name that people read and that a label may hold. A
//! name does not depend on other objects unless two collide, so a second import gives the same files.

use std::collections::{BTreeMap, BTreeSet};

use super::name_template::NameTemplate;
use super::{Checked, ReadObjects, managed_objects, show_identity};
use crate::model::Address;
use crate::model::address::refuse_name;
use crate::plan::fingerprint;
use crate::provider::listing::{Identity, ListedObject};

/// Returns a name for every object that was read, in their order, as one list for each of `reads`.
///
/// An object with a manifest keeps its name; any other gets what the template makes of it, or its own id without one,
/// in the letters that names have. Names are unique among manifests and imported objects of one kind: a customer and an
/// order may both be called `rivers`. Where two of a kind would have one name, both get eight digits of the hash of their
/// connections and ids, so that neither depends on which came first: the ids `A_1` and `A-1` become `a-1-` and `a-1-`, each followed by
/// its own hash.
pub(super) fn name_objects(
    reads: &[ReadObjects],
    checked: &Checked,
    template: Option<&NameTemplate>,
) -> Vec<Vec<String>> {
    let taken: BTreeSet<&Address> = checked.desired.iter().map(|it| &it.address).collect();
    let plain: Vec<Vec<Address>> = reads
        .iter()
        .map(|read| {
            let objects = read.objects.iter();
            let address = |object| Address {
                kind: read.kind.table().kind,
                name: plain_name(read, object, template),
            };
            objects.map(address).collect()
        })
        .collect();
    let mut uses: BTreeMap<&Address, usize> = BTreeMap::new();
    for address in plain.iter().flatten() {
        *uses.entry(address).or_default() += 1;
    }
    let reads = reads.iter().zip(&plain);
    reads
        .map(|(read, plain)| {
            let known = managed_objects(checked, &read.connection, read.kind.table().kind);
            let named = read.objects.iter().zip(plain);
            let names = named.map(|(object, address)| {
                if let Some(desired) = known.get(&object.identity) {
                    return desired.address.name.clone();
                }
                let name = &address.name;
                match uses.get(address) == Some(&1) && !taken.contains(address) {
                    true => name.clone(),
                    false => format!("{name}-{}", short_hash(&read.connection, &object.identity)),
                }
            });
            names.collect()
        })
        .collect()
}

/// Returns eight digits of the hash of an object's connection and identity.
fn short_hash(connection: &str, identity: &Identity) -> String {
    let digest = fingerprint::json_digest(&(connection, show_identity(identity)));
    let digits = digest.trim_start_matches("sha256:").chars();
    digits.take(8).collect()
}

/// Returns the name of an object, whichever others there are: of its template, or of the last part of its identity,
/// which alone tells most objects apart, also where the template comes to nothing.
fn plain_name(
    read: &ReadObjects,
    object: &ListedObject,
    template: Option<&NameTemplate>,
) -> String {
    let vendor = read.kind.vendor().0;
    let filled = template.map(|template| template.fill(read, object));
    let filled = filled.filter(|text| text.contains(|c: char| c.is_ascii_alphanumeric()));
    let last = || object.identity.last().map_or("", |(_, id)| id);
    valid_name(vendor, filled.as_deref().unwrap_or_else(last))
}

/// Longest name before the part of a hash that may follow: a label has at most 63 characters.
const LONGEST: usize = 63 - 9;

/// Makes a valid name of a text.
///
/// Letters become lower-case, and each run of other characters one hyphen: `AB__12` becomes `ab-12`. A name of
/// digits only would be read as a number, so `17` becomes `lac-17`.
fn valid_name(vendor: &str, text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name: String = name.chars().take(LONGEST - vendor.len() - 1).collect();
    let name = name.trim_end_matches('-');
    let digits = name.chars().all(|c| c.is_ascii_digit());
    let name = match name {
        "" => vendor.to_string(),
        name if digits => format!("{vendor}-{name}"),
        name => name.to_string(),
    };
    debug_assert_eq!(refuse_name(&name), None);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Loaded;
    use crate::model::Observed;
    use crate::provider::ResourceKind;
    use crate::provider::testing::{DOOR, KEY};
    use crate::reconcile::{CheckOptions, check_manifests};

    fn read(
        connection: &str,
        kind: &'static dyn ResourceKind,
        ids: &[&'static str],
    ) -> ReadObjects {
        let object = |id: &&'static str| ListedObject {
            identity: vec![("id", (*id).into())],
            observed: Observed::Missing,
        };
        ReadObjects {
            connection: connection.into(),
            kind,
            objects: ids.iter().map(object).collect(),
            failures: Vec::new(),
        }
    }

    fn names(reads: &[ReadObjects]) -> Vec<Vec<String>> {
        let none = check_manifests(Loaded::default(), &CheckOptions::default());
        name_objects(reads, &none, None)
    }

    #[test]
    fn names_are_unique_per_kind() {
        let reads = [
            read("one", &DOOR, &["17", "a"]),
            read("one", &KEY, &["17", "b"]),
        ];
        assert_eq!(names(&reads), [["test-17", "a"], ["test-17", "b"]]);
    }

    #[test]
    fn objects_of_one_kind_with_one_id_at_two_connections_have_two_names() {
        let reads = [read("one", &KEY, &["a"]), read("two", &KEY, &["a", "b"])];
        let [one, two] = &names(&reads)[..] else {
            panic!("two reads");
        };
        assert_ne!(one[0], two[0]);
        for name in [&one[0], &two[0]] {
            assert!(
                name.starts_with("a-") && name.len() == "a-12345678".len(),
                "{name}"
            );
        }
        assert_eq!(two[1], "b");
        assert_eq!(names(&reads), names(&reads), "the same every time");
    }

    #[test]
    fn ids_become_names() {
        let name = |id: &str| valid_name("lac", id);
        assert_eq!(name("II1HP-TX8EQ-R1QXZ-7LYXF"), "ii1hp-tx8eq-r1qxz-7lyxf");
        assert_eq!(name("1593781720493289"), "lac-1593781720493289");
        assert_eq!(name("Ü__a..b!"), "a-b");
        assert_eq!(name("ÜÜ"), "lac");
        assert_eq!(refuse_name(&name(&"x-".repeat(200))), None);
    }
}
