//! Lists a whole account: every object that the vendor lists, with or without a manifest.
//!
//! This is the counterpart of `reading`, which looks for objects by their ids. The machine has the same shape and the
//! same rules: calls come out, replies go in, no IO. A list is read to its end by pages; a page that was lost is a
//! failure of the listing, never a shorter list.

use super::reading::{Answer, Ticket};
use crate::model::{Call, Observed, Text};

/// The ids that name an object, with their members, in the order of the kind's table.
pub type Identity = Vec<(&'static str, Text)>;

/// One vendor's listing of an account.
pub trait Listing: Send {
    /// The calls that may go out now, side by side. Empty while replies are outstanding, or at the end.
    fn ready(&mut self) -> Vec<(Ticket, Call)>;

    /// Takes the reply to a call that `ready` gave out.
    fn take(&mut self, ticket: Ticket, answer: Answer);

    /// Returns what was found. Called when nothing is left to send.
    fn finish(self: Box<Self>) -> Listed;
}

/// Everything that a vendor lists.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Objects in the order of their identities, each once.
    pub objects: Vec<ListedObject>,
    /// Why the list may not be complete.
    pub failures: Vec<String>,
}

/// One listed object.
#[derive(Clone, Debug)]
pub struct ListedObject {
    pub identity: Identity,
    pub observed: Observed,
}

impl Listed {
    /// Sorts the objects, so that equal accounts give equal output, independent of the order in which pages arrived.
    pub fn new(mut objects: Vec<ListedObject>, failures: Vec<String>) -> Self {
        objects.sort_by(|a, b| a.identity.cmp(&b.identity));
        objects.dedup_by(|a, b| a.identity == b.identity);
        Self { objects, failures }
    }
}
