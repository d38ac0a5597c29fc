//! Joins the listings of several kinds of one account, so that a list that shows objects of several is read once.
//!
//! In: one listing for each kind. Out: their calls, each once where several ask for it at the same time
//! (`SharedCalls`), and what each of them found. What a kind's list costs alone is unchanged.
//!
//! Example: the listing of orders begins with the first pages of orders and of customers, that of customers with the
//! same page of customers. Two calls go out, not three, and so on with the pages that follow.

use super::listing::{Listed, Listing};
use super::reading::{Answer, Ticket};
use super::shared_calls::SharedCalls;
use crate::model::Call;

/// Routes calls and replies between the caller and the listings.
pub struct KindListings {
    listings: Vec<Box<dyn Listing>>,
    calls: SharedCalls,
}

impl KindListings {
    pub fn new(listings: Vec<Box<dyn Listing>>) -> Self {
        Self {
            calls: SharedCalls::of(listings.len()),
            listings,
        }
    }

    /// The calls that may go out now, side by side. Empty while replies are outstanding, or at the end.
    pub fn ready(&mut self) -> Vec<(Ticket, Call)> {
        let ready = self.listings.iter_mut().map(|listing| listing.ready());
        self.calls.give_out(ready.collect())
    }

    /// Takes the reply to a call that `ready` gave out.
    pub fn take(&mut self, ticket: Ticket, answer: Answer) {
        self.calls.answer(ticket, answer, |index, ticket, answer| {
            self.listings[index].take(ticket, answer);
        });
    }

    /// Returns what each listing found, in their order. Called when nothing is left to send.
    pub fn finish(self) -> Vec<Listed> {
        let listings = self.listings.into_iter();
        listings.map(|listing| listing.finish()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ResourceKind;
    use crate::provider::testing::{DOOR, KEY, answer};

    /// Lists both kinds of the vendor of tests. Returns the names of the calls, with one list for each group that was
    /// sent side by side, and what was found.
    fn list_both(vendor: impl Fn(&str) -> Answer) -> (Vec<Vec<String>>, Vec<Listed>) {
        let kinds: [&dyn ResourceKind; 2] = [&DOOR, &KEY];
        let listings = kinds.iter().filter_map(|kind| kind.listing());
        let mut listings = KindListings::new(listings.collect());
        let mut rounds = Vec::new();
        loop {
            let calls = listings.ready();
            if calls.is_empty() {
                return (rounds, listings.finish());
            }
            rounds.push(calls.iter().map(|(_, call)| call.name()).collect());
            for (ticket, call) in calls {
                listings.take(ticket, vendor(&call.path));
            }
        }
    }

    fn ids(listed: &Listed) -> Vec<&str> {
        let objects = listed.objects.iter();
        objects
            .map(|object| object.identity[0].1.as_str())
            .collect()
    }

    #[test]
    fn a_list_that_shows_two_kinds_is_read_once_page_by_page() {
        let (rounds, listed) = list_both(|path| match path {
            "/all?page=1" => answer(200, r#"["Key/1", "Door/1", "Key/2"]"#),
            "/all?page=2" => answer(200, r#"["Door/7"]"#),
            _ => answer(200, "[]"),
        });
        let pages = ["GET /all?page=1", "GET /all?page=2", "GET /all?page=3"];
        assert_eq!(rounds, pages.map(|page| vec![page.to_string()]));
        let [doors, keys] = &listed[..] else {
            panic!("two listings: {listed:?}");
        };
        assert_eq!((ids(doors), ids(keys)), (vec!["1", "7"], vec!["1", "2"]));
    }

    #[test]
    fn a_page_that_fails_fails_for_both() {
        let (rounds, listed) = list_both(|path| match path {
            "/all?page=1" => answer(200, r#"["Key/1"]"#),
            _ => answer(403, r#"{"message": "no"}"#),
        });
        assert_eq!(rounds.concat().len(), 2);
        for listed in &listed {
            let [failure] = &listed.failures[..] else {
                panic!("one failure: {listed:?}");
            };
            assert!(
                failure.starts_with("GET /all?page=2 answered 403"),
                "{failure}"
            );
        }
    }
}
