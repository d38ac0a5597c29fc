//! The form of a line in a journal: a record as JSON, ending in a checksum.

use std::io;

use sha2::{Digest, Sha256};

use super::record::Record;

/// Bytes of the longest line. One intent with every field of a large object takes some kilobytes.
pub const MAX_LINE: usize = 16 << 20;

/// The start of the member that ends each line. Its value covers everything before it.
const SUM: &str = ",\"sum\":\"";

/// Encodes a record as a line, with its checksum and its end. `Err` beyond 16 MiB, which no reader would take.
///
/// For example `{"run":"r1"}` becomes `{"run":"r1","sum":"…"}` and a line break; the sum is of `{"run":"r1"`.
pub fn encode(record: &Record) -> io::Result<String> {
    let json = serde_json::to_string(record)?;
    let body = json.strip_suffix('}').unwrap_or(&json);
    let line = format!("{body}{SUM}{}\"}}\n", sum(body));
    if line.len() > MAX_LINE {
        let words = format!("a record is larger than {} MiB", MAX_LINE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    Ok(line)
}

/// Returns the first 16 hex digits of the SHA-256. They detect damage; they do not protect against forgery.
fn sum(body: &str) -> String {
    hex::encode(&Sha256::digest(body.as_bytes())[..8])
}

/// Decodes one line without its end; `None` if its checksum is wrong or this version does not know its form.
pub fn decode(line: &str) -> Option<Record> {
    let (body, rest) = line.rsplit_once(SUM)?;
    if rest.strip_suffix("\"}") != Some(sum(body).as_str()) {
        return None;
    }
    serde_json::from_str(&format!("{body}}}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::journal::{Intent, JournalEvent};
    use crate::apply::memory::testing::{self, record};
    use crate::apply::outcome::Outcome;
    use crate::apply::records::Records;

    fn intent(address: &str) -> JournalEvent {
        testing::write(testing::intent(address))
    }

    /// An intent under a lock of this epoch.
    fn under(address: &str, epoch: u64) -> JournalEvent {
        testing::write(Intent {
            epoch: Some(epoch),
            ..testing::intent(address)
        })
    }

    fn ended(address: &str) -> JournalEvent {
        testing::ended(address, Outcome::Converged)
    }

    #[test]
    fn every_cut_of_a_journal_is_read() {
        let lines: String = [intent("a"), ended("a"), intent("ü")]
            .into_iter()
            .map(|e| encode(&record("1", e)).unwrap())
            .collect();
        for end in 0..=lines.len() {
            let cut = String::from_utf8_lossy(&lines.as_bytes()[..end]);
            let mut records = Records::new(cut.as_bytes());
            // What has no end yet may still be being written.
            assert_eq!(records.by_ref().count(), cut.matches('\n').count());
            assert!(records.end().unwrap().describe_cut("j").is_none());
        }
    }

    #[test]
    fn journals_of_before_epochs_are_read_and_written_alike() {
        let line = encode(&record("1", intent("a"))).unwrap();
        assert!(!line.contains("epoch"), "{line}");
        assert_eq!(decode(line.trim_end()), Some(record("1", intent("a"))));
        let line = encode(&record("1", under("a", 7))).unwrap();
        assert!(line.contains("\"epoch\":7"), "{line}");
        assert_eq!(decode(line.trim_end()), Some(record("1", under("a", 7))));
    }

    #[test]
    fn a_line_in_which_a_byte_changed_is_no_record() {
        let line = encode(&record("1", intent("a"))).unwrap();
        let line = line.trim_end();
        assert!(decode(line).is_some());
        for (was, is) in [("license-orders", "license-order5"), ("\"1\"", "\"2\"")] {
            let changed = line.replace(was, is);
            assert_ne!(changed, line);
            assert_eq!(decode(&changed), None, "{changed}");
        }
    }
}
