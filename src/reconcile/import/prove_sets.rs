//! Proves the sets of an import: what is read back from the files of each is what the manifests of its objects say.
//!
//! The manifests of single objects were planned against the live objects before, so a set that gives the same plans as empty
//! as they do.

use std::sync::Arc;

use super::sets::FoundSet;
use super::{ImportError, Imported, check_text};
use crate::manifest::rows::RowFiles;
use crate::manifest::write;
use crate::model::diagnostic::Source;
use crate::model::{Desired, Severity};
use crate::reconcile::Checked;

/// A set with the texts of its files.
pub struct ProvenSet {
    pub set: FoundSet,
    /// The edition and the set, as one stream of documents without a schema line; `Err` if they would not give the objects,
    /// which then have manifests of their own.
    pub manifest: Result<String, ImportError>,
}

/// Writes the documents of sets and reads them again. `members` of a set are indices into `objects`.
pub fn prove_sets(checked: &Checked, sets: Vec<FoundSet>, objects: &[&Imported]) -> Vec<ProvenSet> {
    let sets = sets.into_iter();
    let proven = sets.map(|set| ProvenSet {
        manifest: write_proven(checked, &set, objects),
        set,
    });
    proven.collect()
}

fn write_proven(
    checked: &Checked,
    set: &FoundSet,
    objects: &[&Imported],
) -> Result<String, ImportError> {
    let documents = set.edition.iter().chain([&set.set]);
    let texts: Result<Vec<String>, _> = documents.map(write::yaml).collect();
    let texts = texts.map_err(|error| ImportError::Unspelled(error.to_string()))?;
    let text = texts.join("---\n");
    let members = set.members.iter().map(|index| &objects[*index].manifest);
    let single: Vec<&str> = members.flatten().map(String::as_str).collect();
    let single = read_objects(checked, single.join("---\n"), RowFiles::default())?;
    let rows = RowFiles::of_commit([(set.row_file(), set.rows.clone().into_bytes())]);
    let made = read_objects(checked, text.clone(), rows)?;
    if made.len() != set.members.len() || single.len() != made.len() {
        return Err(ImportError::OtherCount {
            expected: set.members.len(),
            made: made.len(),
        });
    }
    let other = single.iter().zip(&made).find(|(a, b)| !is_same(a, b));
    match other {
        None => Ok(text),
        Some((object, _)) => Err(ImportError::OtherInSet(object.address.to_string())),
    }
}

/// Reads the objects of a text, by their addresses.
fn read_objects(
    checked: &Checked,
    text: String,
    rows: RowFiles,
) -> Result<Vec<Arc<Desired>>, ImportError> {
    let source = Source::new("the imported set".into(), text);
    let read = check_text(checked, source, rows);
    match read
        .findings
        .iter()
        .find(|one| one.severity == Severity::Error)
    {
        None => Ok(read.desired),
        Some(finding) => Err(ImportError::Invalid {
            message: finding.message.clone(),
            code: finding.code,
        }),
    }
}

/// Reports whether two objects are one, wherever they were written.
fn is_same(one: &Desired, other: &Desired) -> bool {
    let key = |object: &Desired| {
        (
            object.address.clone(),
            object.connection.clone(),
            object.identity.clone(),
        )
    };
    key(one) == key(other) && one.fields == other.fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider;
    use crate::reconcile::import::{StatedObject, find_sets};
    use crate::reconcile::testing::CONNECTION;
    use crate::reconcile::{CheckOptions, check_manifests};

    fn connected() -> Checked {
        let source = Source::new("c".into(), CONNECTION.into());
        let loaded = crate::manifest::Loaded {
            sources: vec![Arc::new(source)],
            ..Default::default()
        };
        check_manifests(loaded, &CheckOptions::default())
    }

    /// An order of a customer, imported.
    fn imported(name: &str, customer: i64) -> Imported {
        let kind = provider::find_kind("LacLicenseOrder").expect("a kind");
        let desired = json!({"customer_id": customer, "enabled": true});
        let ids = vec![("activationKey", json!(format!("K-{name}")))];
        let table = kind.table();
        let document = write::object(table.kind, name, "lac", &ids, desired.clone());
        Imported {
            kind: table.kind,
            identity: Vec::new(),
            name: name.into(),
            manifest_file: None,
            manifest: Ok(write::yaml(&document).expect("YAML")),
            stated: Some(StatedObject {
                table,
                name: name.into(),
                connection: "lac".into(),
                ids,
                desired: desired.as_object().expect("a map").clone(),
            }),
            omitted: Vec::new(),
        }
    }

    /// The outcome for the set of two orders after `edit`.
    fn proven(edit: impl Fn(&mut FoundSet)) -> Result<String, String> {
        let objects = [imported("a", 1), imported("b", 2)];
        let stated: Vec<_> = objects
            .iter()
            .filter_map(|one| one.stated.as_ref())
            .collect();
        let mut sets = find_sets(&stated, &Default::default());
        sets.iter_mut().for_each(edit);
        let objects: Vec<&Imported> = objects.iter().collect();
        let mut proven = prove_sets(&connected(), sets, &objects);
        let one = proven.pop().expect("a set");
        one.manifest.map_err(|error| error.to_string())
    }

    #[test]
    fn a_set_that_gives_something_else_is_refused() {
        assert!(
            proven(|_| {})
                .expect("proven")
                .contains("kind: ObjectSet\n")
        );
        let other = proven(|set| set.rows = set.rows.replace("K-b,2", "K-b,3"));
        let words = "the set would not give `LacLicenseOrder/b` as it is";
        assert_eq!(other, Err(words.to_string()));
        let other_id = proven(|set| set.rows = set.rows.replace("K-a", "K-x"));
        assert!(other_id.is_err());
        let fewer = proven(|set| {
            set.rows
                .truncate(set.rows.trim_end().rfind('\n').unwrap_or(0))
        });
        assert!(fewer.is_err());
        let invalid = proven(|set| {
            let edition = set.edition.as_mut().expect("an edition");
            edition["spec"]["desired"]["enabled"] = json!({"param": "x"});
        });
        assert!(
            invalid
                .expect_err("no such parameter")
                .contains("(unknown-parameter)")
        );
    }
}
