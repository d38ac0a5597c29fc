//! Names objects that have no name: made from their ids, valid, unique, and the same every time.
//!
//! Vendors number their objects, while a manifest needs a name that people read and that a label may hold. A
//! name does not depend on other objects unless two collide, so a second import gives the same files.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, ReadObjects, managed_objects, show_identity};
use crate::model::address::refuse_name;
use crate::plan::fingerprint;
use crate::provider::listing::Identity;

/// Returns a name for every object that was read, in their order.
///
/// An object with a manifest keeps its name; any other gets its own id in the letters that names have. Where two
/// would have one name, both get eight digits of the hash of their ids, so that neither depends on which came
/// first: the ids `A_1` and `A-1` become `a-1-` and `a-1-`, each followed by its own hash.
pub(super) fn name_objects(seen: &ReadObjects, checked: &Checked) -> Vec<String> {
    let kind = seen.kind.table().kind;
    let known = managed_objects(checked, &seen.connection, kind);
    let taken: BTreeSet<&str> = checked
        .desired
        .iter()
        .filter(|desired| desired.address.kind == kind)
        .map(|desired| desired.address.name.as_str())
        .collect();
    let plain: Vec<String> = seen
        .objects
        .iter()
        .map(|found| plain_name(seen.kind.vendor().0, &found.identity))
        .collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &plain {
        *uses.entry(name).or_default() += 1;
    }
    let named = seen.objects.iter().zip(&plain);
    named
        .map(|(found, name)| {
            if let Some(desired) = known.get(&found.identity) {
                return desired.address.name.clone();
            }
            if uses.get(name.as_str()) == Some(&1) && !taken.contains(name.as_str()) {
                return name.clone();
            }
            let digest = fingerprint::json_digest(&show_identity(&found.identity));
            let hash: String = digest
                .trim_start_matches("sha256:")
                .chars()
                .take(8)
                .collect();
            format!("{name}-{hash}")
        })
        .collect()
}

/// Longest name before the part of a hash that may follow: a label has at most 63 characters.
const LONGEST: usize = 63 - 9;

/// Makes a name of the last part of an identity, which alone tells most objects apart.
///
/// Letters become lower-case, and each run of other characters one hyphen: `AB__12` becomes `ab-12`. A name of
/// digits only would be read as a number, so `17` becomes `lac-17`.
fn plain_name(vendor: &str, identity: &Identity) -> String {
    let id = identity.last().map_or("", |(_, id)| id);
    let mut name = String::new();
    for c in id.chars().map(|c| c.to_ascii_lowercase()) {
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

    #[test]
    fn ids_become_names() {
        let name = |id: &str| plain_name("lac", &vec![("id", id.into())]);
        assert_eq!(name("II1HP-TX8EQ-R1QXZ-7LYXF"), "ii1hp-tx8eq-r1qxz-7lyxf");
        assert_eq!(name("1593781720493289"), "lac-1593781720493289");
        assert_eq!(name("Ü__a..b!"), "a-b");
        assert_eq!(name("ÜÜ"), "lac");
        assert_eq!(refuse_name(&name(&"x-".repeat(200))), None);
    }
}
