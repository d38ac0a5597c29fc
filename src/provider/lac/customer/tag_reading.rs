//! Reads customers that manifests name by a custom tag.
//!
//! The customer list can be searched by the name of a tag and a part of its value, in any case ("Get all customers",
//! 2026-11-30), so what a search finds is compared once more, exactly. A customer counts as the only one, or as missing,
//! once its search was read to the end. More than a few are looked up in the whole list, which is then read once.
//!
//! ```text
//! crm_id = C-1     GET /customers?custom_tag_name=crm_id&custom_tag_value=C-1       C-1, C-12 and c-1: the first is it
//!                  GET /customers?…&offset=2                                        nothing new: there is no other
//! ```

use super::listing::CustomerListing;
use super::{tag_of, tags_in};
use crate::model::{Call, Desired, Observed, ReadFailure};
use crate::provider::listing::Listing;
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket};

use super::fields;

/// The highest number of customers that are searched for one by one. A search takes two calls, and a page of the whole
/// list shows about a hundred customers.
const MOST_SEARCHES: usize = 4;

/// A list of customers, and the wanted ones that it shows.
struct TagSearch {
    listing: CustomerListing,
    targets: Vec<usize>,
}

pub struct TagReading {
    /// Calls by the search that asks for them, and its ticket.
    outbox: Outbox<(usize, Ticket)>,
    searches: Vec<TagSearch>,
    /// The name and the value of each customer's tag.
    tags: Vec<(String, String)>,
    settled: Settled,
}

impl TagReading {
    pub fn new(desired: &[&Desired]) -> Self {
        let tags = desired.iter().map(|one| {
            let (name, value) = tag_of(one).unwrap_or_default();
            (name.to_string(), value.to_string())
        });
        let tags: Vec<(String, String)> = tags.collect();
        let searches = match tags.len() {
            ..=MOST_SEARCHES => tags.iter().enumerate().map(search_for).collect(),
            _ => vec![TagSearch {
                listing: CustomerListing::new(),
                targets: (0..tags.len()).collect(),
            }],
        };
        Self {
            outbox: Outbox::default(),
            searches,
            settled: Settled::none_of(tags.len()),
            tags,
        }
    }

    /// Settles the customers of a list that was read as far as it goes.
    fn settle(&mut self, search: TagSearch) {
        let complete = search.listing.complete();
        for target in search.targets {
            let observed = match &complete {
                Ok(found) => {
                    let (name, value) = &self.tags[target];
                    find_tagged(name, value, found.iter())
                }
                Err(failure) => Observed::Unread(failure.clone()),
            };
            self.settled.put(target, observed);
        }
    }
}

/// Searches the customer list by a tag.
fn search_for((index, (name, value)): (usize, &(String, String))) -> TagSearch {
    let search = vec![
        ("custom_tag_name", name.clone()),
        ("custom_tag_value", value.clone()),
    ];
    TagSearch {
        listing: CustomerListing::of(search),
        targets: vec![index],
    }
}

/// Returns the customer with a tag, of all that a complete list shows. Two are an error with both ids. Where none has the
/// tag and one could not be decoded, that one may have it, so the customer is not missing.
fn find_tagged<'a>(
    name: &str,
    value: &str,
    listed: impl Iterator<Item = (&'a String, &'a Observed)>,
) -> Observed {
    let mut found: Vec<(&String, &Observed)> = Vec::new();
    let mut unread = None;
    for (id, observed) in listed {
        match observed {
            Observed::Live(live) => {
                let tags = live.fields.get(fields::TAGS);
                if tags
                    .into_iter()
                    .flat_map(tags_in)
                    .any(|tag| tag == (name, value))
                {
                    found.push((id, observed));
                }
            }
            Observed::Unread(failure) => unread = unread.or(Some(failure)),
            Observed::Missing | Observed::Creatable(_) => {}
        }
    }
    match (&found[..], unread) {
        ([(_, only)], _) => (*only).clone(),
        ([], Some(failure)) => Observed::Unread(failure.clone()),
        ([], None) => Observed::Missing,
        _ => {
            let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
            Observed::Unread(ReadFailure::odd(format!(
                "{} customers have the custom tag {name:?} with the value {value:?}: {}; name one by its `customerId`",
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

impl Reading for TagReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        for (index, search) in self.searches.iter_mut().enumerate() {
            for (ticket, call) in search.listing.ready() {
                self.outbox.send(call, (index, ticket));
            }
        }
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let ((search, ticket), _) = self.outbox.purpose(ticket);
        self.searches[search].listing.take(ticket, answer);
    }

    /// Customers are known once their lists have ended, which `finish` is told.
    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(mut self: Box<Self>) -> Vec<(usize, Observed)> {
        for search in std::mem::take(&mut self.searches) {
            self.settle(search);
        }
        self.settled.finish(|_| {
            Observed::Unread(ReadFailure::odd(
                "the customer was not asked for".to_string(),
            ))
        })
    }
}

#[cfg(test)]
mod tests;
