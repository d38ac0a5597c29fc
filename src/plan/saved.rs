//! A plan as a file: sealed, so that a changed byte is noticed, and read back only by those who know its format.
//!
//! The seal is no signature: whoever can write the file can seal it anew. It catches damage and stray
//! edits; where credentials go is decided by `--trust-hosts`, never by a plan.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::document::{FORMAT_VERSION, PlanDocument};

const SEAL: &str = ",\n  \"seal\": \"sha256:";
const END: &str = "\"\n}\n";

/// Why a file is no plan that this program may carry out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is not a plan that `plan --out` wrote")]
    NotAPlan,
    #[error("it was changed after it was written: its seal is broken")]
    Broken,
    #[error("its format is {0}, and this version reads {FORMAT_VERSION}")]
    Version(String),
}

/// The bytes of a plan file. The last member is a hash of everything before it.
pub fn seal(document: &PlanDocument) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(document)?;
    let body = text.strip_suffix("\n}").unwrap_or(&text);
    Ok(format!("{body}{SEAL}{}{END}", hash(body)))
}

/// Reads a plan file back.
pub fn open(text: &str) -> Result<PlanDocument, Unreadable> {
    // The version comes first: a later format may be sealed in another way.
    let json: Option<Json> = serde_json::from_str(text).ok();
    let version = json
        .as_ref()
        .and_then(|json| json.get("format_version")?.as_str());
    if let Some(version) = version
        && major(version) != major(FORMAT_VERSION)
    {
        return Err(Unreadable::Version(version.to_string()));
    }
    let (body, rest) = text.rsplit_once(SEAL).ok_or(match version {
        Some(_) => Unreadable::Broken,
        None => Unreadable::NotAPlan,
    })?;
    if rest.strip_suffix(END) != Some(hash(body).as_str()) {
        return Err(Unreadable::Broken);
    }
    serde_json::from_str(&format!("{body}\n}}")).map_err(|_| Unreadable::NotAPlan)
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

fn hash(body: &str) -> String {
    Sha256::digest(body.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Diagnostics;

    fn document() -> PlanDocument {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        PlanDocument::new(
            &[],
            Default::default(),
            &Default::default(),
            &Diagnostics::default(),
            now,
        )
    }

    #[test]
    fn what_is_sealed_opens() {
        let text = seal(&document()).unwrap();
        assert_eq!(open(&text), Ok(document()));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let text = seal(&document()).unwrap();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(open(&changed).is_err(), "byte {at} of {text}");
        }
        assert!(open(&text[..text.len() - 1]).is_err());
        assert!(open(&format!("{text} ")).is_err());
    }

    #[test]
    fn another_major_version_is_refused_by_name() {
        let text = seal(&document()).unwrap().replace("\"1.0\"", "\"2.0\"");
        assert_eq!(open(&text), Err(Unreadable::Version("2.0".into())));
        assert_eq!(open("{}"), Err(Unreadable::NotAPlan));
        assert_eq!(open("apiVersion: x"), Err(Unreadable::NotAPlan));
    }
}
