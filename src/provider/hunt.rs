//! Finding some objects in a list of unknown length: read on, look ahead, or ask for each by its id.
//!
//! A page shows many objects, a filtered call shows one, and nothing tells how long the list is. So pages
//! are read as long as they bring one wanted object each, on the average. When they bring less, one look
//! ahead settles it: if the list goes on where asking for the rest one by one would cost the same, it is
//! too long and the rest is asked for; otherwise it is read to its end.
//!
//! Pages that are needed in any case are read side by side: `left` objects fill at least
//! `left ÷ rows` pages, so a dense list is two round trips deep, however long it is. Where every page brings
//! a few, as many go side by side as the rest should fill at that rate, and no more than calls were saved so
//! far: then a bad guess costs what asking one by one would have cost. All in all that is never more than the
//! number of objects, the pages they would fill, and two. Where a page only finds an object, and calls beside the
//! list tell the rest of it, the pages have saved nothing before they have paid for those calls too.

use std::ops::Range;

/// What to do next. Pages are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Done,
    Read(Range<usize>),
    /// Read one page ahead, only to see whether the list is that long.
    Probe(usize),
    /// Ask for every object that is left by its id.
    AskEach,
}

/// The state of one search.
#[derive(Clone, Debug)]
pub struct Hunt {
    wanted: usize,
    /// Pages read from the start on.
    pages: usize,
    /// Rows of a full page.
    rows: usize,
    /// A page that is known to be empty: the list ends before it.
    empty: Option<usize>,
    /// Calls made beside the list, for what its pages do not tell of the objects.
    beside: usize,
}

impl Hunt {
    pub fn new(wanted: usize) -> Self {
        Self {
            wanted,
            pages: 0,
            rows: 1,
            empty: None,
            beside: 0,
        }
    }

    /// So many calls were made beside the list, for all that it shows.
    pub fn pay_for(&mut self, beside: usize) {
        self.beside = beside;
    }

    pub fn pages(&self) -> usize {
        self.pages
    }

    /// The pages that `left` objects fill at least.
    pub fn least(&self, left: usize) -> usize {
        left.div_ceil(self.rows)
    }

    /// The pages that `left` objects fill if they are spread like those that were found. Where none was found, it
    /// cannot be told.
    pub fn likely(&self, left: usize) -> Option<usize> {
        let found = self.wanted - left.min(self.wanted);
        (found > 0).then(|| (left * self.pages).div_ceil(found).max(self.least(left)))
    }

    /// Pages that are left if the list is as short as is known.
    pub fn most(&self) -> Option<usize> {
        self.empty.map(|empty| empty.saturating_sub(self.pages))
    }

    /// A page was read; the fullest one tells how many rows a page has.
    pub fn read(&mut self, rows: usize) {
        self.pages += 1;
        self.rows = self.rows.max(rows);
    }

    /// A page that was looked at ahead is empty.
    pub fn ends_before(&mut self, page: usize) {
        self.empty = Some(page);
    }

    /// Whether every page before the empty one has been read.
    pub fn at_end(&self) -> bool {
        self.empty.is_some_and(|empty| self.pages >= empty)
    }

    /// What to do with `left` objects not found yet; `over` says that the list has come to its end.
    pub fn next(&self, left: usize, over: bool) -> Next {
        let found = self.wanted - left.min(self.wanted);
        let needed = self.least(left);
        let likely = self.likely(left).unwrap_or(needed);
        let spent = self.pages + self.beside;
        // Calls that the pages have saved so far.
        let saved = found.saturating_sub(spent);
        match self.empty {
            _ if left == 0 => Next::Done,
            _ if over => Next::AskEach,
            // How many rows a page has shows only on the first.
            _ if self.pages == 0 => Next::Read(0..1),
            // With one left, no further page can be worth its call.
            Some(empty) if left == 1 || self.pages >= empty => Next::AskEach,
            Some(empty) => {
                // Calls beside a list send a good one here as well. Half of what is likely then goes side by side,
                // up to a quarter of what was read, since the list can end sooner.
                let more = match self.beside {
                    0 => needed,
                    _ => needed.max(saved.min(likely / 2).min(self.pages / 4)),
                };
                Next::Read(self.pages..empty.min(self.pages + more))
            }
            None if left <= self.pages => Next::AskEach,
            None if saved > 0 => Next::Read(self.pages..self.pages + needed.max(likely.min(saved))),
            None if spent > found => Next::Probe(self.pages + left - 1),
            None => Next::Read(self.pages..self.pages + needed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Calls and round trips to find `wanted` rows in a list of `length`, by pages of 100.
    fn cost(length: usize, wanted: &[usize]) -> (usize, usize) {
        let mut left: BTreeSet<usize> = wanted.iter().copied().collect();
        let mut hunt = Hunt::new(left.len());
        let (mut calls, mut trips, mut over) = (0, 0, false);
        let mut next = Next::Read(0..1);
        loop {
            trips += 1;
            match next {
                Next::Done => return (calls, trips - 1),
                Next::AskEach => return (calls + left.len(), trips),
                Next::Probe(page) => {
                    calls += 1;
                    let rows = page * 100..length.min(page * 100 + 100);
                    left.retain(|row| !rows.contains(row));
                    if page * 100 >= length {
                        hunt.ends_before(page);
                    } else {
                        return (calls + left.len(), trips + 1);
                    }
                }
                Next::Read(pages) => {
                    for page in pages {
                        calls += 1;
                        let rows = page * 100..length.min(page * 100 + 100);
                        over |= rows.len() < 100;
                        hunt.read(rows.len());
                        left.retain(|row| !rows.contains(row));
                    }
                }
            }
            next = hunt.next(left.len(), over);
        }
    }

    #[test]
    fn a_dense_list_costs_its_pages_and_two_round_trips() {
        let all: Vec<usize> = (0..1000).collect();
        assert_eq!(cost(1000, &all), (10, 2));
        assert_eq!(cost(100, &all[..100]), (1, 1));
        assert_eq!(cost(250, &all[..250]), (3, 2));
    }

    #[test]
    fn a_list_in_which_every_page_has_a_few_is_four_round_trips_deep() {
        let scattered: Vec<usize> = (0..40).map(|n| n * 25).collect();
        assert_eq!(cost(1_000, &scattered), (10, 3));
        let scattered: Vec<usize> = (0..200).map(|n| n * 50).collect();
        let (calls, trips) = cost(10_000, &scattered);
        assert!(calls <= 105 && trips <= 8, "{calls} {trips}");
    }

    #[test]
    fn a_few_in_a_large_account_cost_little_more_than_themselves() {
        assert_eq!(cost(100_000, &[5, 99_000]).0, 2);
        assert_eq!(cost(100_000, &[50_000, 70_000, 90_000]).0, 5);
        let scattered: Vec<usize> = (0..40).map(|n| n * 2_000 + 1_999).collect();
        assert!(cost(100_000, &scattered).0 <= scattered.len() + 2);
    }

    #[test]
    fn pages_have_saved_nothing_before_the_calls_beside_them_are_paid_for() {
        let mut hunt = Hunt::new(300);
        hunt.read(100);
        // 40 were found on the first page, so the rest would fill seven.
        assert_eq!(hunt.next(260, false), Next::Read(1..8));
        hunt.pay_for(37);
        assert_eq!(hunt.next(260, false), Next::Read(1..4));
        hunt.pay_for(40);
        assert_eq!(hunt.next(260, false), Next::Probe(260));
    }

    /// A hunt that has read so many pages of a hundred rows.
    fn behind(wanted: usize, pages: usize) -> Hunt {
        let mut hunt = Hunt::new(wanted);
        (0..pages).for_each(|_| hunt.read(100));
        hunt
    }

    #[test]
    fn an_empty_page_ahead_bounds_the_list() {
        let mut hunt = behind(10, 2);
        assert_eq!((hunt.pages(), hunt.most()), (2, None));
        assert!(!hunt.at_end());
        hunt.ends_before(3);
        assert_eq!((hunt.most(), hunt.at_end()), (Some(1), false));
        assert_eq!(hunt.next(5, false), Next::Read(2..3));
        // The last one is asked for at the price of a page.
        assert_eq!(hunt.next(1, false), Next::AskEach);
        hunt.read(100);
        assert_eq!((hunt.most(), hunt.at_end()), (Some(0), true));
        assert_eq!(hunt.next(5, false), Next::AskEach);
    }

    #[test]
    fn in_a_bounded_list_half_of_what_is_likely_goes_side_by_side() {
        let pages = |left: usize, beside: usize| {
            let mut hunt = behind(120, 40);
            hunt.ends_before(100);
            hunt.pay_for(beside);
            hunt.next(left, false)
        };
        // 20 are likely to be on 8 pages.
        assert_eq!(pages(20, 5), Next::Read(40..44));
        // 60 are likely to be on 40, of which no more go than a quarter of the 40 that were read.
        assert_eq!(pages(60, 5), Next::Read(40..50));
        assert_eq!(pages(60, 15), Next::Read(40..45), "five calls were saved");
        // Calls beside the list are none, so a good one is not lost between them.
        assert_eq!(pages(60, 0), Next::Read(40..41));
    }

    #[test]
    fn no_search_costs_more_than_the_bounds() {
        for length in [0, 1, 99, 100, 101, 950, 3_000] {
            for step in [1, 3, 7, 50, 99, 101, 333] {
                for start in [0, 150, 2_900] {
                    let wanted: Vec<usize> = (start..start + 200 * step)
                        .step_by(step)
                        .take(200)
                        .collect();
                    let (calls, _) = cost(length, &wanted);
                    let there = wanted.iter().filter(|row| **row < length).count();
                    let missing = wanted.len() - there;
                    let pages = length.div_ceil(100).max(1);
                    // What is missing is looked for to the end of the list before it is called so.
                    let searched = if missing > 0 { pages } else { 0 };
                    let most = wanted.len() + wanted.len().div_ceil(100) + 2 + searched;
                    assert!(calls <= most, "{calls} for {length} by {step} from {start}");
                    // Pages behind the end are looked for at the price of calls saved before.
                    let behind = if missing > 0 { there } else { 0 };
                    let spare = missing.div_ceil(100) + missing + behind + 2;
                    assert!(
                        calls <= 2 * pages + spare,
                        "{calls} for {length} by {step} from {start}"
                    );
                }
            }
        }
    }
}
