//! Writes a plan to a file with a seal, and reads it back only if the seal is intact and the format is known.
//!
//! In: a `PlanDocument` or the text of a file. Out: sealed text, or the document. The seal is the SHA-256 of
//! everything before it, as the last member:
//!
//! ```text
//! {
//!   "format_version": …,
//!   … the members of the plan …,
//!   "seal": "sha256:4f0c…"
//! }
//! ```
//!
//! The seal is not a signature: anyone who can write the file can seal it again. It catches damage and stray edits.
//! `--trust-hosts` decides where credentials are sent, never a plan.

use std::io::{self, BufWriter, Write};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::document::{FORMAT_VERSION, PlanDocument};

/// The text between the members of the plan and the digits of the seal.
const SEAL: &str = ",\n  \"seal\": \"sha256:";
/// The text behind the digits of the seal, up to the end of the file.
const END: &str = "\"\n}\n";

/// Says why a file is not a plan that this program may carry out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is not a plan that `plan --out` wrote")]
    NotAPlan,
    #[error("it was changed after it was written: its seal is broken")]
    Broken,
    #[error("its format is {0}, and this version reads {FORMAT_VERSION}")]
    Version(String),
}

/// Writes a plan file, object by object: the text of a hundred thousand changes is never in memory. The last
/// member is a hash of everything before it.
pub fn write_sealed(document: &PlanDocument, out: &mut dyn Write) -> io::Result<()> {
    let mut sealing = Sealing {
        out,
        hash: Sha256::new(),
        buffered: Vec::new(),
    };
    let mut pieces = BufWriter::new(&mut sealing);
    serde_json::to_writer_pretty(&mut pieces, document)?;
    pieces.flush()?;
    drop(pieces);
    write!(
        sealing.out,
        "{SEAL}{}{END}",
        hex::encode(sealing.hash.finalize())
    )
}

/// The end of a document without a seal. The seal is written in its place.
const CLOSED: &str = "\n}";

/// Passes on and hashes everything except the end of a document.
///
/// The end is known only once no more bytes come, so the last `CLOSED.len()` bytes are always held back.
struct Sealing<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
    /// The last bytes that came, as many as the end has.
    buffered: Vec<u8>,
}

impl Write for Sealing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffered.extend_from_slice(bytes);
        let sure = self.buffered.len().saturating_sub(CLOSED.len());
        let body: Vec<u8> = self.buffered.drain(..sure).collect();
        self.hash.update(&body);
        self.out.write_all(&body)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads a plan file. `Err` if it is no plan, its seal does not match, or its major version is another one.
pub fn read_sealed(text: &str) -> Result<PlanDocument, Unreadable> {
    // The version comes first: a later format may be sealed in another way.
    let json: Option<Json> = serde_json::from_str(text).ok();
    let version = json
        .as_ref()
        .and_then(|json| json.get("format_version")?.as_str());
    if let Some(version) = version
        && major_version(version) != major_version(FORMAT_VERSION)
    {
        return Err(Unreadable::Version(version.to_string()));
    }
    let (body, rest) = text.rsplit_once(SEAL).ok_or(match version {
        Some(_) => Unreadable::Broken,
        None => Unreadable::NotAPlan,
    })?;
    if rest.strip_suffix(END) != Some(hex::encode(Sha256::digest(body)).as_str()) {
        return Err(Unreadable::Broken);
    }
    serde_json::from_str(&format!("{body}{CLOSED}")).map_err(|_| Unreadable::NotAPlan)
}

/// Returns the part of a version before the first dot: `1` of `1.4`.
fn major_version(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Diagnostics;

    fn sealed(document: &PlanDocument) -> String {
        let mut text = Vec::new();
        write_sealed(document, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

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
        let text = sealed(&document());
        assert_eq!(read_sealed(&text), Ok(document()));
    }

    #[test]
    fn nothing_is_lost_in_whatever_pieces_it_comes() {
        for size in 1..9 {
            let (mut out, body) = (Vec::new(), "{\n  \"a\": \"\n}\"\n}");
            let mut sealing = Sealing {
                out: &mut out,
                hash: Sha256::new(),
                buffered: Vec::new(),
            };
            for piece in body.as_bytes().chunks(size) {
                sealing.write_all(piece).unwrap();
            }
            assert_eq!(sealing.buffered, CLOSED.as_bytes());
            let kept = &body[..body.len() - CLOSED.len()];
            assert_eq!(sealing.hash.finalize(), Sha256::digest(kept));
            assert_eq!(out, kept.as_bytes());
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let text = sealed(&document());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(read_sealed(&changed).is_err(), "byte {at} of {text}");
        }
        assert!(read_sealed(&text[..text.len() - 1]).is_err());
        assert!(read_sealed(&format!("{text} ")).is_err());
    }

    #[test]
    fn a_newer_minor_version_with_more_members_is_read() {
        let text = sealed(&document()).replace(&format!("\"{FORMAT_VERSION}\""), "\"1.99\"");
        let newer = text.replacen('{', "{\"later\": [1],", 1);
        let (body, _) = newer.rsplit_once(SEAL).unwrap();
        let seal = hex::encode(Sha256::digest(body));
        let read = read_sealed(&format!("{body}{SEAL}{seal}{END}")).unwrap();
        assert_eq!(read.format_version, "1.99");
    }

    #[test]
    fn another_major_version_is_refused_by_name() {
        let text = sealed(&document()).replace(&format!("\"{FORMAT_VERSION}\""), "\"2.0\"");
        assert_eq!(read_sealed(&text), Err(Unreadable::Version("2.0".into())));
        assert_eq!(read_sealed("{}"), Err(Unreadable::NotAPlan));
        assert_eq!(read_sealed("apiVersion: x"), Err(Unreadable::NotAPlan));
    }
}
