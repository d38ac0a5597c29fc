//! Tells files of other tools by their bytes, before anything parses them.
//!
//! Repositories hold YAML that is not ours: Helm templates, playbooks, test data that is invalid on purpose. A file of
//! ours has an `apiVersion`, so one without `entitle.` in its bytes belongs to another tool, and nothing that is wrong
//! with it is a finding.
//!
//! For example `{{ if .Values.x }}` alone is no valid YAML and no error; `apiVersion: entitle.dev/v1` above it makes it
//! one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::walk::ReadLimits;
use crate::model::draft::KindRow;

/// The beginning of every `apiVersion` of ours, of whatever version.
const MARK: &str = "entitle.";

/// Bytes that are read at a time of a file that is too large for a manifest.
const CHUNK: usize = 1 << 20;

/// Reports whether a text has the mark of our files.
pub fn has_mark(text: &str) -> bool {
    text.contains(MARK)
}

/// Reports whether a text belongs to another tool. One with the name of a vendor's kind is looked at all the same: its
/// `apiVersion` may be missing or misspelt.
pub fn is_foreign(text: &str, kinds: &[KindRow]) -> bool {
    !has_mark(text) && !kinds.iter().any(|row| text.contains(row.kind.0))
}

/// Reports whether bytes that are no text we read belong to another tool. In UTF-16 a NUL stands beside each letter, so
/// these are passed over.
pub fn are_foreign_bytes(bytes: &[u8]) -> bool {
    let mut letters = bytes.to_vec();
    letters.retain(|byte| *byte != 0);
    !contains_mark(&letters)
}

/// Reports whether a file that is too large for a manifest belongs to another tool. `Err` if it cannot be read, or not in
/// time.
pub fn is_foreign_file(path: &Path, limits: &ReadLimits) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut window = Vec::with_capacity(CHUNK + MARK.len());
    loop {
        if limits.is_over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // The end of the last chunk stays: the mark may be cut by it.
        let kept = window.len().min(MARK.len() - 1);
        window.drain(..window.len() - kept);
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
        if contains_mark(&window) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

fn contains_mark(bytes: &[u8]) -> bool {
    let mut windows = bytes.windows(MARK.len());
    windows.any(|window| window == MARK.as_bytes())
}

/// Counts the documents of a text without parsing it: runs of lines between lines `---` that hold more than comments.
pub fn count_documents(text: &str) -> usize {
    let (mut documents, mut is_empty) = (0, true);
    for line in text.lines() {
        if line == "---" || line.starts_with("--- ") {
            is_empty = true;
            continue;
        }
        let line = line.trim_start();
        if is_empty && !line.is_empty() && !line.starts_with('#') {
            documents += 1;
            is_empty = false;
        }
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::kinds;

    #[test]
    fn a_text_is_ours_by_its_version_or_by_a_kind() {
        let kinds = kinds();
        let ours = |text: &str| !is_foreign(text, &kinds);
        assert!(ours("apiVersion: entitle.dev/v7\n{{ broken"));
        assert!(ours("apiVersion: entitel.dev/v1\nkind: Order\n"));
        assert!(!ours("{{ if .Values.x }}"));
        assert!(!ours("entitle: 1"));
    }

    #[test]
    fn a_text_of_two_bytes_a_letter_is_ours_if_its_letters_are() {
        let utf_16 = |text: &str| -> Vec<u8> {
            let units = text.encode_utf16();
            units.flat_map(u16::to_le_bytes).collect()
        };
        assert!(!are_foreign_bytes(&utf_16("apiVersion: entitle.dev/v1")));
        assert!(are_foreign_bytes(&utf_16("apiVersion: v1")));
        assert!(are_foreign_bytes(b"\xff\xfe\xff"));
    }

    #[test]
    fn a_mark_that_two_chunks_share_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.yaml");
        let limits = ReadLimits::default();
        for (before, mark, foreign) in [
            (CHUNK - 3, MARK, false),
            (2 * CHUNK, MARK, false),
            (CHUNK + 5, "entitlement", true),
        ] {
            let text = format!("{}{mark}{}", "x".repeat(before), "y".repeat(10));
            std::fs::write(&path, text).unwrap();
            assert_eq!(
                is_foreign_file(&path, &limits).unwrap(),
                foreign,
                "{before}"
            );
        }
    }

    #[test]
    fn documents_are_counted_by_their_lines() {
        for (text, documents) in [
            ("", 0),
            ("# a comment\n", 0),
            ("a: 1\n", 1),
            ("---\na: 1\n---\n# none\n---\nb: 1\n", 2),
            ("--- # first\na: 1\n----\nb\n", 1),
        ] {
            assert_eq!(count_documents(text), documents, "{text:?}");
        }
    }
}
