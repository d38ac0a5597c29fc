//! Walks one list of LAC to its end, by pages that overlap.
//!
//! Each page begins with the last row of the page before, which shows that no row was passed over (`overlap`). Pages have
//! no published size and no total, so the list ends with a page that has nothing new. A list that moved while it was read
//! is read again.
//!
//! ```text
//! from row 0     A B C     Ask(2)
//! from row 2     C D       Ask(3)
//! from row 3     D         nothing new: End
//! ```

use crate::provider::overlap::{self, Joint, Overlap, READINGS};
use crate::provider::reading::MOST_PAGES;

/// One walk over a list.
#[derive(Clone, Debug, Default)]
pub struct ListWalk {
    /// The number of readings that were abandoned because the list moved.
    before: usize,
    pages: usize,
    overlap: Overlap,
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkStep {
    /// Ask for the page that begins with this row.
    Ask(usize),
    /// Forget what the list has shown and ask for its first row: the list has moved.
    Again,
    End,
    /// Nothing: the list cannot be read to its end, and this says why.
    Abandon(String),
}

impl ListWalk {
    /// Takes the ids of the page that begins with the row `offset`; `is_new` says whether this reading has not shown all of
    /// them before. `list` names the list in messages.
    pub fn take(&mut self, list: &str, offset: usize, ids: Vec<String>, is_new: bool) -> WalkStep {
        self.pages += 1;
        // Pages of a single row share none with each other.
        let is_single = ids.len() <= 1 && offset > 0 && offset == self.overlap.end();
        let joint = match self.overlap.take(offset, ids) {
            Joint::Moved if is_single => Joint::Follows,
            joint => joint,
        };
        match joint {
            Joint::Moved if self.before + 1 < READINGS => {
                *self = Self {
                    before: self.before + 1,
                    ..Self::default()
                };
                WalkStep::Again
            }
            Joint::Moved => WalkStep::Abandon(overlap::unsettled_list(list)),
            Joint::First => WalkStep::End,
            Joint::Follows if !is_new => WalkStep::End,
            Joint::Follows if self.pages >= MOST_PAGES => {
                WalkStep::Abandon(format!("{list} does not end after {MOST_PAGES} pages"))
            }
            Joint::Follows => {
                let (last, end) = (self.overlap.last(), self.overlap.end());
                WalkStep::Ask(if last > offset { last } else { end })
            }
        }
    }
}
