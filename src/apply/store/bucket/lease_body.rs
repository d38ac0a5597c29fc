//! The object in the bucket that stands for a lease, as JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::log;
use super::objects::{BucketError, BucketObject};
use super::segment::FORMAT;

/// The content of the lease object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseBody {
    pub format: u32,
    pub vendor: String,
    pub base_url: String,
    pub account: String,
    /// `None` after it was given back.
    pub holder: Option<String>,
    pub epoch: u64,
    /// The unique id of this taking of the lease.
    pub taking: String,
    /// How often the holder has put the object; makes each body unique.
    pub put: u64,
    pub term_milliseconds: u64,
    /// A number that the account's log has reached, so that readers need not list the log from its beginning.
    pub log: u64,
}

impl LeaseBody {
    /// Parses a lease. `Err` for a damaged one or a newer format.
    pub fn parse(object: &BucketObject) -> Result<Self, BucketError> {
        let read = serde_json::from_slice(&object.body);
        let body: Self =
            read.map_err(|error| BucketError::permanent(format!("a lease is damaged: {error}")))?;
        if body.format > FORMAT {
            return Err(log::unknown_format(body.format));
        }
        Ok(body)
    }

    /// Returns how long the lease lasts without renewal.
    pub fn term(&self) -> Duration {
        Duration::from_millis(self.term_milliseconds)
    }

    /// Returns the lease as the object has it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BucketError> {
        serde_json::to_vec(self).map_err(BucketError::permanent)
    }
}

/// Returns the holder that a lease names; "another run" if it names none.
pub fn holder_of(object: &BucketObject) -> String {
    let holder = LeaseBody::parse(object).ok().and_then(|body| body.holder);
    holder.unwrap_or_else(|| "another run".into())
}
