//! Finds some objects in a list of unknown length: reads pages, looks ahead, or asks for each object by its id.
//!
//! **Premise.** A page shows many objects, a call that filters by id shows one, and no reply tells how long the list is.
//! Reading pages is cheap if many of the wanted objects are on them, and endless if they are few in a large account.
//!
//! **Rule.** Pages are read as long as each brings at least one wanted object on average. When they bring less, one
//! page far ahead settles it: if the list still goes on where asking for the rest one by one would cost the same, it is
//! too long, and the rest is asked for by id; otherwise the list is short and is read to its end.
//!
//! **Side by side.** Pages that are needed in any case go out together: `left` objects fill at least `left ÷ rows` pages,
//! so a dense list is two round trips deep, however long it is. Where every page brings a few, as many go together as
//! the rest should fill at that rate, but no more than calls were saved so far: a bad guess then costs what asking
//! one by one would have cost. In all that is never more than the number of objects, the pages they would fill, and
//! two. Where a page only finds an object and other calls tell the rest of it (side calls), the pages have saved
//! nothing before they have paid for those calls too.
//!
//! **Example.** 40 objects are wanted, a page has 100 rows:
//!
//! | pages read | found | left | calls saved | next step |
//! | --- | --- | --- | --- | --- |
//! | 0 | 0 | 40 | | `Read(0..1)`: the size of a page is not known yet |
//! | 1 | 12 | 28 | 11 | `Read(1..4)`: at 12 a page, 28 are expected on 3 more |
//! | 4 | 15 | 25 | 11 | `Read(4..11)`: at 15 on 4 pages, 25 are expected on 7 more |
//! | 11 | 15 | 25 | 4 | `Read(11..15)`: 19 are expected, but only 4 calls are saved |
//! | 15 | 15 | 25 | 0 | `Read(15..16)`: one more, which 25 objects fill at least |
//! | 16 | 15 | 25 | | `Probe(40)`: the last page that costs no more than 25 calls |
//!
//! If page 40 has rows, the 25 are asked for by id: 42 calls in all, for 40 objects. If it is empty, the list ends before
//! it and is read on from page 16.

use std::ops::Range;

/// What to do next. Pages are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchStep {
    /// Nothing: everything is found.
    Done,
    /// Read these pages, side by side.
    Read(Range<usize>),
    /// Read this one page ahead, only to see whether the list is that long.
    Probe(usize),
    /// Ask for every object that is left by its id.
    AskEach,
}

/// The state of the search for some objects in one list.
#[derive(Clone, Debug)]
pub struct ListSearch {
    targets: usize,
    /// Pages read from the start on.
    pages: usize,
    /// The number of rows of the fullest page so far, taken as the page size.
    rows: usize,
    /// A page that is known to be empty: the list ends before it.
    end: Option<usize>,
    /// The number of calls made beside the list, for what its pages do not show of the objects.
    side_calls: usize,
}

impl ListSearch {
    /// Begins the search for `targets` objects.
    pub fn new(targets: usize) -> Self {
        Self {
            targets,
            pages: 0,
            rows: 1,
            end: None,
            side_calls: 0,
        }
    }

    /// Sets the number of calls made beside the list, for what its pages do not show of the objects.
    pub fn set_side_calls(&mut self, calls: usize) {
        self.side_calls = calls;
    }

    /// Returns how many pages were read from the start on.
    pub fn pages_read(&self) -> usize {
        self.pages
    }

    /// Returns how many pages `left` objects fill at least.
    pub fn min_pages(&self, left: usize) -> usize {
        left.div_ceil(self.rows)
    }

    /// Returns how many pages `left` objects fill if they are spread like those that were found; `None` while none was
    /// found.
    pub fn expected_pages(&self, left: usize) -> Option<usize> {
        let found = self.targets - left.min(self.targets);
        (found > 0).then(|| {
            (left * self.pages)
                .div_ceil(found)
                .max(self.min_pages(left))
        })
    }

    /// Returns how many pages the list has at most beyond those that were read; `None` while no page is known to be
    /// empty.
    pub fn max_pages_left(&self) -> Option<usize> {
        self.end.map(|end| end.saturating_sub(self.pages))
    }

    /// Counts a page that was read and had `rows` rows.
    pub fn record_page(&mut self, rows: usize) {
        self.pages += 1;
        self.rows = self.rows.max(rows);
    }

    /// Records that `page`, which was read ahead, is empty.
    pub fn set_end(&mut self, page: usize) {
        self.end = Some(page);
    }

    /// Reports whether every page before the empty one has been read.
    pub fn is_at_end(&self) -> bool {
        self.end.is_some_and(|end| self.pages >= end)
    }

    /// Returns what to do with `left` objects that are not found yet; `ended` says that the last page was read.
    pub fn next_step(&self, left: usize, ended: bool) -> SearchStep {
        let found = self.targets - left.min(self.targets);
        let needed = self.min_pages(left);
        let expected = self.expected_pages(left).unwrap_or(needed);
        let spent = self.pages + self.side_calls;
        let saved = found.saturating_sub(spent);
        match self.end {
            _ if left == 0 => SearchStep::Done,
            _ if ended => SearchStep::AskEach,
            // The first page shows how many rows a page has.
            _ if self.pages == 0 => SearchStep::Read(0..1),
            // If one object is left, a page costs as much as asking for that object.
            Some(end) if left == 1 || self.pages >= end => SearchStep::AskEach,
            Some(end) => {
                // With side calls, half of the expected pages are read side by side, but no more than the calls saved
                // and a quarter of the pages read so far, since the list can end sooner.
                let more = match self.side_calls {
                    0 => needed,
                    _ => needed.max(saved.min(expected / 2).min(self.pages / 4)),
                };
                SearchStep::Read(self.pages..end.min(self.pages + more))
            }
            None if left <= self.pages => SearchStep::AskEach,
            None if saved > 0 => {
                SearchStep::Read(self.pages..self.pages + needed.max(expected.min(saved)))
            }
            None if spent > found => SearchStep::Probe(self.pages + left - 1),
            None => SearchStep::Read(self.pages..self.pages + needed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Calls and round trips to find `wanted` rows in a list of `length`, by pages of 100.
    fn cost(length: usize, targets: &[usize]) -> (usize, usize) {
        let mut left: BTreeSet<usize> = targets.iter().copied().collect();
        let mut search = ListSearch::new(left.len());
        let (mut calls, mut trips, mut over) = (0, 0, false);
        let mut next = SearchStep::Read(0..1);
        loop {
            trips += 1;
            match next {
                SearchStep::Done => return (calls, trips - 1),
                SearchStep::AskEach => return (calls + left.len(), trips),
                SearchStep::Probe(page) => {
                    calls += 1;
                    let rows = page * 100..length.min(page * 100 + 100);
                    left.retain(|row| !rows.contains(row));
                    if page * 100 >= length {
                        search.set_end(page);
                    } else {
                        return (calls + left.len(), trips + 1);
                    }
                }
                SearchStep::Read(pages) => {
                    for page in pages {
                        calls += 1;
                        let rows = page * 100..length.min(page * 100 + 100);
                        over |= rows.len() < 100;
                        search.record_page(rows.len());
                        left.retain(|row| !rows.contains(row));
                    }
                }
            }
            next = search.next_step(left.len(), over);
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
        let mut search = ListSearch::new(300);
        search.record_page(100);
        // 40 were found on the first page, so the rest would fill seven.
        assert_eq!(search.next_step(260, false), SearchStep::Read(1..8));
        search.set_side_calls(37);
        assert_eq!(search.next_step(260, false), SearchStep::Read(1..4));
        search.set_side_calls(40);
        assert_eq!(search.next_step(260, false), SearchStep::Probe(260));
    }

    /// Returns a search that has read `pages` pages of a hundred rows.
    fn search_after(targets: usize, pages: usize) -> ListSearch {
        let mut search = ListSearch::new(targets);
        (0..pages).for_each(|_| search.record_page(100));
        search
    }

    #[test]
    fn the_example_of_the_module_goes_as_it_says() {
        let mut search = ListSearch::new(40);
        assert_eq!(search.next_step(40, false), SearchStep::Read(0..1));
        for (pages, left, next) in [
            (1, 28, SearchStep::Read(1..4)),
            (4, 25, SearchStep::Read(4..11)),
            (11, 25, SearchStep::Read(11..15)),
            (15, 25, SearchStep::Read(15..16)),
            (16, 25, SearchStep::Probe(40)),
        ] {
            while search.pages_read() < pages {
                search.record_page(100);
            }
            assert_eq!(search.next_step(left, false), next, "after {pages} pages");
        }
        search.set_end(40);
        assert_eq!(search.next_step(25, false), SearchStep::Read(16..17));
    }

    #[test]
    fn an_empty_page_ahead_bounds_the_list() {
        let mut search = search_after(10, 2);
        assert_eq!((search.pages_read(), search.max_pages_left()), (2, None));
        assert!(!search.is_at_end());
        search.set_end(3);
        assert_eq!(
            (search.max_pages_left(), search.is_at_end()),
            (Some(1), false)
        );
        assert_eq!(search.next_step(5, false), SearchStep::Read(2..3));
        // Asking for the last object costs as much as a page.
        assert_eq!(search.next_step(1, false), SearchStep::AskEach);
        search.record_page(100);
        assert_eq!(
            (search.max_pages_left(), search.is_at_end()),
            (Some(0), true)
        );
        assert_eq!(search.next_step(5, false), SearchStep::AskEach);
    }

    #[test]
    fn in_a_bounded_list_half_of_what_is_likely_goes_side_by_side() {
        let pages = |left: usize, beside: usize| {
            let mut search = search_after(120, 40);
            search.set_end(100);
            search.set_side_calls(beside);
            search.next_step(left, false)
        };
        // 20 are likely to be on 8 pages.
        assert_eq!(pages(20, 5), SearchStep::Read(40..44));
        // 60 are likely to be on 40, of which no more go than a quarter of the 40 that were read.
        assert_eq!(pages(60, 5), SearchStep::Read(40..50));
        assert_eq!(
            pages(60, 15),
            SearchStep::Read(40..45),
            "five calls were saved"
        );
        // Calls beside the list are none, so a good one is not lost between them.
        assert_eq!(pages(60, 0), SearchStep::Read(40..41));
    }

    #[test]
    fn no_search_costs_more_than_the_bounds() {
        for length in [0, 1, 99, 100, 101, 950, 3_000] {
            for step in [1, 3, 7, 50, 99, 101, 333] {
                for start in [0, 150, 2_900] {
                    let targets: Vec<usize> = (start..start + 200 * step)
                        .step_by(step)
                        .take(200)
                        .collect();
                    let (calls, _) = cost(length, &targets);
                    let there = targets.iter().filter(|row| **row < length).count();
                    let missing = targets.len() - there;
                    let pages = length.div_ceil(100).max(1);
                    // The whole list is searched before an object is reported as missing.
                    let searched = if missing > 0 { pages } else { 0 };
                    let most = targets.len() + targets.len().div_ceil(100) + 2 + searched;
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
