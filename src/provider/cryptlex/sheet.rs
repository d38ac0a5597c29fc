//! Chooses numbered pages that have a row in common with the page before.
//!
//! Numbered pages of equal size have no row in common, so each page is requested with another size, such that it
//! begins before the end of the page before (`overlap`).

use crate::provider::with_query;

/// The most rows that a page may have (list pages of the reference, 2026-11-21).
pub const FULL: usize = 100;

/// A page by its size and its number, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sheet {
    pub limit: usize,
    pub number: usize,
}

impl Sheet {
    /// Returns the index of its first row in the list, from 0.
    pub fn start(self) -> usize {
        (self.number - 1) * self.limit
    }

    /// Returns the path of this page of a list.
    pub fn of(self, list: &str) -> String {
        let (limit, page) = (self.limit.to_string(), self.number.to_string());
        with_query(list, &[("limit", &limit), ("page", &page)])
    }

    /// Returns the page of at most `full` rows that begins before `end` and goes furthest beyond it.
    ///
    /// After the rows 0 to 99 that is the second page of 99, with the rows 99 to 197; after those it is the third page
    /// of 98, which begins at row 196.
    pub fn over(end: usize, full: usize) -> Self {
        let last = end.saturating_sub(1);
        let sheet = |limit: usize| Self {
            limit,
            number: last / limit + 1,
        };
        let reach = |sheet: &Self| sheet.start() + sheet.limit;
        let whole = sheet(full);
        (1..full)
            .map(sheet)
            .fold(whole, |best, next| match reach(&next) > reach(&best) {
                true => next,
                false => best,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_other_sizes_overlap_and_are_hardly_more() {
        for length in [99, 100, 101, 1_000, 10_000, 100_000] {
            let (mut end, mut calls) = (0, 0);
            while end < length || calls == 0 {
                let sheet = Sheet::over(end, FULL);
                assert!(sheet.start() < end.max(1), "{sheet:?} after {end}");
                end = sheet.start() + sheet.limit;
                calls += 1;
            }
            let most = length.div_ceil(FULL) * 115 / 100 + 1;
            assert!(calls <= most, "{calls} pages for {length} rows");
        }
        let sheet = |end| {
            let Sheet { limit, number } = Sheet::over(end, FULL);
            (limit, number)
        };
        assert_eq!(
            [sheet(0), sheet(100), sheet(198)],
            [(100, 1), (99, 2), (98, 3)]
        );
    }

    #[test]
    fn a_server_that_gives_fewer_rows_than_asked_is_asked_for_as_many() {
        // A list of five, or a server with pages of five: the next call tells.
        let sheet = Sheet::over(5, 5);
        assert_eq!((sheet.limit, sheet.number, sheet.start()), (4, 2, 4));
        let sheet = Sheet::over(50, 50);
        assert_eq!((sheet.limit, sheet.number), (49, 2));
    }
}
