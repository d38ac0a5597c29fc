//! Safeguards around a write: the age up to which an earlier read is trusted, and how the outcome is verified.

use std::time::Duration;

/// The safeguards around each write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteChecks {
    /// The age up to which a read is believed before a write that replaces more than it manages. Zero
    /// believes none: the object is read again right before.
    pub trust_reads: Duration,
    pub verify: Verify,
    /// The time an accepted write may take to show before it counts as ignored.
    pub settle: Duration,
}

impl Default for WriteChecks {
    fn default() -> Self {
        Self {
            trust_reads: Duration::ZERO,
            verify: Verify::Echo,
            settle: Duration::from_secs(10),
        }
    }
}

/// The evidence that an accepted write was carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// The object in the reply, where the vendor sends one; a read otherwise.
    #[default]
    Echo,
    /// Always a read.
    Read,
}
