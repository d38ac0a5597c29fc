//! Reads the ids that name an object, from a manifest and from the command line.
//!
//! In: the members beside `desired`, or a text such as `1-A/2-B`. Out: the identity with canonical ids. Both go
//! through `id_text`, so an object has one name in either place. No call is made: whether the object exists is unknown
//! here.

use crate::model::Kind;
use compact_str::ToCompactString;

use super::reference::is_reference;
use super::{Auditor, canon};
use crate::model::draft::Draft;
use crate::model::{Diagnostic, KindTable, ReferenceSpot, Shape, Text, Tree};
use crate::provider::listing::Identity;

impl Auditor<'_> {
    /// Reads the identity of a draft and reports ids that are not valid. A member that is missing has been reported
    /// with the envelope of the manifest and is skipped.
    pub(super) fn identity(&mut self, table: &KindTable, draft: &Draft) -> Identity {
        let mut found = Vec::with_capacity(draft.identity.len());
        for identity in table.naming(draft.is_keyed) {
            let Some(entry) = draft
                .identity
                .iter()
                .find(|entry| entry.key == identity.name)
            else {
                continue; // the envelope has reported it
            };
            let node = &entry.value;
            if is_reference(node) {
                let spot = ReferenceSpot::Id(identity.name);
                let text = self.reference(node, spot, identity.refers_to);
                found.extend(text.map(|text| (identity.name, text)));
                continue;
            }
            // Numeric ids are read as numbers or as text, since both are natural to write.
            let text = match &node.tree {
                Tree::Text(text) => Ok(text.clone()),
                Tree::Integer(number) if matches!(identity.shape, Shape::Integer { .. }) => {
                    Ok(number.to_string())
                }
                // More digits than a signed number has; `id_text` refuses what is no whole number.
                Tree::Number(raw) if matches!(identity.shape, Shape::Integer { .. }) => {
                    Ok(raw.clone())
                }
                _ => Err(format!(
                    "`{}` must be text, not {}",
                    identity.name,
                    node.describe()
                )),
            };
            let checked = text.and_then(|text| {
                let is_id = table.identity.iter().any(|id| id.name == identity.name);
                let is_number = matches!(identity.shape, Shape::Integer { .. });
                let id = match is_id || is_number {
                    true => id_text(&identity.shape, identity.name, &text),
                    false => key_text(identity.name, &text),
                };
                id.map_err(|error| error.to_string())
            });
            match checked {
                Ok(text) => found.push((identity.name, text)),
                Err(message) => {
                    let finding = Diagnostic::error("bad-id", message)
                        .hint(format!("for example {}", identity.example));
                    self.report(finding, node.mark);
                }
            }
        }
        found
    }
}

/// Says why a text does not name an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error("{kind} is named by {names}, for example {example}; not by {text:?}")]
    WrongParts {
        kind: Kind,
        names: String,
        example: String,
        text: String,
    },
    #[error("`{name}` is not an id: {text:?}")]
    NotId { name: String, text: String },
    #[error("`{name}` must be a whole number below 2^64, not {text}")]
    NotNumber { name: String, text: String },
    #[error("`{name}` must be at least {min}, not {text}")]
    TooSmall {
        name: String,
        min: i64,
        text: String,
    },
    #[error("`{name}` must be a GUID, not {text:?}")]
    NotGuid { name: String, text: String },
}

/// Reads an identity from a text: the members of the kind's identity, joined by `/`, as in `organization/license`.
///
/// `Err` if the number of members differs or one is not a valid id.
pub fn identity_of(table: &KindTable, text: &str) -> Result<Identity, IdentityError> {
    let parts: Vec<&str> = text.split('/').collect();
    let names: Vec<&str> = table
        .identity
        .iter()
        .map(|identity| identity.name)
        .collect();
    if parts.len() != names.len() {
        let example: Vec<&str> = table.identity.iter().map(|id| id.example).collect();
        return Err(IdentityError::WrongParts {
            kind: table.kind,
            names: names.join("/"),
            example: example.join("/"),
            text: text.to_string(),
        });
    }
    let named = table.identity.iter().zip(parts);
    named
        .map(|(identity, part)| {
            let id = id_text(&identity.shape, identity.name, part)?;
            Ok((identity.name, id))
        })
        .collect()
}

/// Returns a member of a natural key as it is, since names have spaces. `Err` for an empty one, and for one with control
/// characters or with spaces around it, which no reader of a manifest sees.
fn key_text(name: &str, text: &str) -> Result<Text, IdentityError> {
    if text.is_empty() || text.trim() != text || text.contains(char::is_control) {
        let (name, text) = (name.to_string(), text.to_string());
        return Err(IdentityError::NotId { name, text });
    }
    Ok(text.into())
}

/// Returns an id as it goes into the path of a URL. `Err` for an empty id, for `.` and `..`, and for characters that
/// would end the segment or be read as a pattern.
///
/// Equal ids get one spelling: `007` becomes `7` for a numeric id, and a GUID is in lower case.
fn id_text(shape: &Shape, name: &str, text: &str) -> Result<Text, IdentityError> {
    let given = || (name.to_string(), text.to_string());
    let odd = |c: char| c.is_control() || c.is_whitespace() || "/\\?#%*,".contains(c);
    if text.is_empty() || text.contains(odd) || text == "." || text == ".." {
        let (name, text) = given();
        return Err(IdentityError::NotId { name, text });
    }
    match shape {
        Shape::Integer { min, .. } => match text.parse::<u64>() {
            Ok(number) if u64::try_from(*min).is_ok_and(|min| number < min) => {
                let ((name, text), min) = (given(), *min);
                Err(IdentityError::TooSmall { name, min, text })
            }
            Ok(number) => Ok(number.to_compact_string()),
            Err(_) => {
                let (name, text) = given();
                Err(IdentityError::NotNumber { name, text })
            }
        },
        Shape::Guid => match uuid::Uuid::try_parse(text) {
            Ok(id) => Ok(id.hyphenated().to_compact_string()),
            Err(_) => {
                let (name, text) = given();
                Err(IdentityError::NotGuid { name, text })
            }
        },
        Shape::Id => Ok(canon::canonical_id(text)),
        _ => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn named(kind: &str, text: &str) -> Result<Vec<String>, String> {
        let identity = identity_of(provider::find_kind(kind).unwrap().table(), text);
        let identity = identity.map_err(|error| error.to_string())?;
        Ok(identity.into_iter().map(|(_, id)| id.to_string()).collect())
    }

    #[test]
    fn an_object_is_named_by_all_members_of_its_identity() {
        let license = named("CryptlexOrganizationLicense", "1-A/2-B");
        assert_eq!(license, Ok(vec!["1-A".into(), "2-B".into()]));
        for text in ["1-A", "1-A/2-B/3", ""] {
            let error = named("CryptlexOrganizationLicense", text).unwrap_err();
            assert!(
                error.contains("is named by organizationId/licenseId"),
                "{error}"
            );
        }
        let order = named("LacLicenseOrder", "II1HP-TX8EQ");
        assert_eq!(order, Ok(vec!["II1HP-TX8EQ".into()]));
    }

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        let id = |shape: &Shape, text: &str| id_text(shape, "id", text).map(|id| id.to_string());
        for odd in [
            "", ".", "..", "a b", "a\u{7}", "a/b", "a*", "a?b", "a%2f", "a,b",
        ] {
            let error = id(&Shape::TEXT, odd).unwrap_err();
            assert!(matches!(error, IdentityError::NotId { .. }), "{error}");
        }
        assert_eq!(id(&Shape::TEXT, "..."), Ok("...".into()));
        let number = Shape::Integer {
            min: 0,
            max: i64::MAX,
            digits: false,
        };
        assert_eq!(id(&number, "007"), Ok("7".into()));
        let most = u64::MAX.to_string();
        assert_eq!(id(&number, &most), Ok(most));
        for odd in ["18446744073709551616", "-1", "1.5", "one"] {
            assert!(
                matches!(id(&number, odd), Err(IdentityError::NotNumber { .. })),
                "{odd}"
            );
        }
        let guid = "f76ac030-df89-41a9-a62a-b6fbbba5a58c";
        assert_eq!(id(&Shape::Guid, &guid.to_uppercase()), Ok(guid.into()));
        assert!(matches!(
            id(&Shape::Guid, "f76ac030"),
            Err(IdentityError::NotGuid { .. })
        ));
        assert_eq!(id(&Shape::Id, &guid.to_uppercase()), Ok(guid.into()));
        assert_eq!(id(&Shape::Id, "Group-A"), Ok("Group-A".into()));
    }
}
