//! Says which objects no manifest names any more, and what becomes of them.

use std::collections::BTreeMap;

use super::safe::make_visible;
use crate::model::wording::pluralize;
use crate::plan::left::LeftEntry;

/// The most objects that are named; further ones are counted.
const NAMED: usize = 20;

/// Returns a paragraph for each set that rows have left, and one for the objects of files.
pub fn describe_left(left: &[LeftEntry]) -> Vec<String> {
    let mut by_set: BTreeMap<Option<&str>, Vec<&LeftEntry>> = BTreeMap::new();
    for entry in left {
        by_set.entry(entry.set.as_deref()).or_default().push(entry);
    }
    let groups = by_set.iter();
    groups
        .map(|(set, entries)| describe_group(*set, entries))
        .collect()
}

fn describe_group(set: Option<&str>, entries: &[&LeftEntry]) -> String {
    let number = pluralize(entries.len(), "object");
    let why = match (set, entries.len()) {
        (Some(set), 1) => format!("its row left the set {}", make_visible(set)),
        (Some(set), _) => format!("their rows left the set {}", make_visible(set)),
        (None, 1) => "its manifest is gone".to_string(),
        (None, _) => "their manifests are gone".to_string(),
    };
    let names = entries.iter().take(NAMED);
    let names: Vec<_> = names.map(|entry| make_visible(&entry.address)).collect();
    let more = match entries.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (stays, one) = match entries.len() {
        1 => ("It stays as it is at the vendor", "it"),
        _ => ("They stay as they are at the vendor", "one"),
    };
    let removal = match entries.iter().any(|entry| entry.can_be_removed) {
        true => format!("to remove {one}, write a manifest with `state: absent`"),
        false => "the vendor has no call that removes it".to_string(),
    };
    let names = names.join(", ");
    format!(
        "No longer managed: {number}, since {why}: {names}{more}. {stays}; {removal}. The next apply notes this, and it is not said again."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, set: Option<&str>, can_be_removed: bool) -> LeftEntry {
        LeftEntry {
            address: format!("LacLicenseOrder/{name}"),
            connection: "lac".into(),
            identity: Default::default(),
            set: set.map(str::to_string),
            file: "licences/customers.csv".into(),
            can_be_removed,
        }
    }

    #[test]
    fn rows_and_files_are_apart_and_many_are_counted() {
        let rows = (0..22).map(|row| entry(&format!("r{row:02}"), Some("customers"), false));
        let file = entry("brooks", None, true);
        let left: Vec<LeftEntry> = rows.chain([file]).collect();
        let lines = describe_left(&left);
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[0],
            "No longer managed: 1 object, since its manifest is gone: LacLicenseOrder/brooks. It stays as it is at the \
             vendor; to remove it, write a manifest with `state: absent`. The next apply notes this, and it is not said again."
        );
        let start = "No longer managed: 22 objects, since their rows left the set customers: LacLicenseOrder/r00, ";
        assert!(lines[1].starts_with(start), "{}", lines[1]);
        let end = "LacLicenseOrder/r19 and 2 more. They stay as they are at the vendor; the vendor has no call that removes";
        assert!(lines[1].contains(end), "{}", lines[1]);
    }
}
