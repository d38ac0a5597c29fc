//! Walks one list from its first row to its last by pages that overlap, so that no row is passed over.
//!
//! Pages have numbers, and replies state no total. Each page begins before the end of the page before (`sheet`); a list
//! that moved meanwhile is read again, a few times at most (`overlap`).

use super::sheet::{FULL, Sheet};
use crate::provider::overlap::{self, Joint, Overlap, READINGS};
use crate::provider::reading::MOST_PAGES;

/// How far a list has been read.
#[derive(Clone, Debug, Default)]
pub struct ListWalk {
    /// The number of earlier readings that were abandoned because the list moved.
    before: usize,
    pages: usize,
    overlap: Overlap,
    unsettled: bool,
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq)]
pub enum WalkStep {
    /// The page that [`ListWalk::sheet`] returns.
    Ask,
    End,
    /// Nothing, though the list may go on or have moved; the text says why.
    Abandon(String),
}

impl ListWalk {
    /// Returns the page to ask for next.
    pub fn sheet(&self) -> Sheet {
        Sheet::over(self.overlap.end(), FULL)
    }

    /// Returns the number of the reading that is under way, from 0.
    pub fn reading(&self) -> usize {
        self.before
    }

    /// Takes the ids of a page. `path` is the path of the list, for messages.
    pub fn take(&mut self, sheet: Sheet, ids: Vec<String>, path: &str) -> WalkStep {
        self.pages += 1;
        // A page that is not full is the last one.
        let is_full = ids.len() >= sheet.limit;
        match self.overlap.take(sheet.start(), ids) {
            Joint::Moved if self.before + 1 < READINGS => {
                *self = Self {
                    before: self.before + 1,
                    ..Self::default()
                };
                WalkStep::Ask
            }
            Joint::Moved => {
                self.unsettled = true;
                WalkStep::Abandon(overlap::unsettled_list(&format!("GET {path}")))
            }
            Joint::Follows if is_full && self.pages < MOST_PAGES => WalkStep::Ask,
            Joint::Follows if is_full => WalkStep::Abandon(format!(
                "page {MOST_PAGES} of a list at Cryptlex that does not end"
            )),
            Joint::Follows | Joint::First => WalkStep::End,
        }
    }

    /// Reports whether a row is still in the list, by the reading that showed it last: a row that only an earlier
    /// reading showed has been deleted, unless the last reading found the list moving as well.
    pub fn still_has(&self, reading: usize) -> bool {
        self.unsettled || self.before == reading
    }
}
