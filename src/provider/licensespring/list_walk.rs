//! Walks one list from its first row to its last by pages that overlap, so that no row is passed over.
//!
//! Pages have offsets, and each states the number of all rows. A page begins with the last row of the page before; a
//! list that moved meanwhile is read again, a few times at most (`overlap`).

use crate::provider::overlap::{self, Joint, Overlap, READINGS};
use crate::provider::reading::MOST_PAGES;

/// The most rows of a page. That of licenses is capped there ("List Licenses", 2026-11-21); no other page says.
pub const FULL: usize = 100;

/// How far a list has been read.
#[derive(Clone, Debug, Default)]
pub struct ListWalk {
    /// The number of earlier readings that were abandoned because the list moved.
    before: usize,
    pages: usize,
    overlap: Overlap,
    unsettled: bool,
    /// Full pages to come, by what the last page said.
    pages_left: usize,
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq)]
pub enum WalkStep {
    /// The page at [`ListWalk::offset`].
    Ask,
    End,
    /// Nothing, though the list may go on or have moved; the text says why.
    Abandon(String),
}

impl ListWalk {
    /// Returns the offset of the page to ask for next.
    pub fn offset(&self) -> usize {
        self.overlap.last()
    }

    /// Returns the number of the reading that is under way, from 0.
    pub fn reading(&self) -> usize {
        self.before
    }

    /// Returns how many more pages the list has if it is walked to its end; 0 before the first page.
    pub fn pages_left(&self) -> usize {
        self.pages_left
    }

    /// Takes the ids of the page at `offset`. `count` is the number of all rows that it states, `next` whether it names a
    /// page after it; `list` is the call in messages.
    pub fn take(
        &mut self,
        offset: usize,
        ids: Vec<String>,
        (count, next): (usize, bool),
        list: &str,
    ) -> WalkStep {
        self.pages += 1;
        let end = self.overlap.end();
        let is_first = self.pages == 1;
        let joint = self.overlap.take(offset, ids);
        self.pages_left = count.saturating_sub(self.overlap.end()).div_ceil(FULL - 1);
        let more = next || self.overlap.end() < count;
        let is_further = is_first || self.overlap.end() > end;
        match joint {
            Joint::Moved if self.before + 1 < READINGS => {
                *self = Self {
                    before: self.before + 1,
                    ..Self::default()
                };
                WalkStep::Ask
            }
            Joint::Moved => {
                self.unsettled = true;
                WalkStep::Abandon(overlap::unsettled_list(list))
            }
            Joint::Follows if !more => WalkStep::End,
            Joint::Follows if is_further && self.overlap.end() > 0 && self.pages < MOST_PAGES => {
                WalkStep::Ask
            }
            // The same rows again count once.
            Joint::Follows | Joint::First => WalkStep::Abandon(format!(
                "{list} showed {} of {count} rows and does not go on",
                if joint == Joint::First {
                    end
                } else {
                    self.overlap.end()
                }
            )),
        }
    }

    /// Reports whether a row is still in the list, by the reading that showed it last: a row that only an earlier
    /// reading showed has been deleted, unless the last reading found the list moving as well.
    pub fn still_has(&self, reading: usize) -> bool {
        self.unsettled || self.before == reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|id| id.to_string()).collect()
    }

    #[test]
    fn pages_overlap_until_all_rows_are_there() {
        let mut walk = ListWalk::default();
        let mut calls = 0;
        loop {
            let at = walk.offset();
            let end = (at + FULL).min(250);
            calls += 1;
            match walk.take(at, ids(at..end), (250, end < 250), "GET /x/") {
                WalkStep::Ask => assert!(walk.offset() > at),
                step => break assert_eq!(step, WalkStep::End),
            }
        }
        assert_eq!(calls, 3);
    }

    #[test]
    fn a_list_that_moves_is_read_again_and_then_given_up() {
        let mut walk = ListWalk::default();
        for reading in 0..READINGS {
            assert_eq!(walk.reading(), reading);
            let step = walk.take(0, ids(0..100), (150, true), "GET /x/");
            assert_eq!(step, WalkStep::Ask);
            let step = walk.take(99, ids(100..150), (150, false), "GET /x/");
            match reading + 1 < READINGS {
                true => assert_eq!(step, WalkStep::Ask),
                false => assert!(matches!(step, WalkStep::Abandon(_)), "{step:?}"),
            }
        }
        assert!(walk.still_has(0), "nothing is known to be gone");
    }

    #[test]
    fn a_server_that_stops_short_or_ignores_the_offset_is_noticed() {
        for (second, at) in [(0..100, 99), (99..100, 99)] {
            let mut walk = ListWalk::default();
            walk.take(0, ids(0..100), (150, true), "GET /x/");
            let step = walk.take(at, ids(second), (150, false), "GET /x/");
            let WalkStep::Abandon(why) = step else {
                panic!("{step:?}");
            };
            assert!(why.contains("100 of 150"), "{why}");
        }
        let step = ListWalk::default().take(0, Vec::new(), (7, false), "GET /x/");
        assert!(matches!(step, WalkStep::Abandon(_)), "{step:?}");
        let step = ListWalk::default().take(0, Vec::new(), (0, false), "GET /x/");
        assert_eq!(step, WalkStep::End);
    }
}
