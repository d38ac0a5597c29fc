//! What both kinds need of LAC's lists: how the customer list is asked for, and the rows of a list's reply.

use crate::model::{ReadFailure, Reply};
use crate::provider::decode::{Row, Rows, Want};
use crate::provider::reading::unreadable_reply;
use crate::provider::with_query;

/// The path of the customer list.
const CUSTOMER_LIST: &str = "/customers";

/// Returns the call for the customer list from a row on.
pub fn customers(offset: usize) -> String {
    find_customers(&[], offset)
}

/// Returns the call for the customers that a search by these parameters finds, from a row on.
pub fn find_customers(search: &[(&str, String)], offset: usize) -> String {
    let from = offset.to_string();
    let search = search.iter().map(|(name, value)| (*name, value.as_str()));
    let offset = (offset > 0).then_some(("offset", from.as_str()));
    let query: Vec<(&str, &str)> = search.chain(offset).collect();
    with_query(CUSTOMER_LIST, &query)
}

/// Returns the first row of a page of the customer list whose first page had `rows` rows.
///
/// A page begins one row before the end of the page before it, so that the two share a row, except that pages of a
/// single row cannot share one. All readings of the list cut it so: one page then serves several of them.
pub fn customer_offset(page: usize, rows: usize) -> usize {
    page * rows.saturating_sub(1).max(1)
}

/// Returns the objects of a list. `Err` if the reply is no list, or one of its rows has no id.
pub fn rows_of<'de, const N: usize>(
    rows: &'static Rows<N>,
    name: &str,
    reply: &'de Reply,
    want: Want<'_>,
) -> Result<Vec<Row<'static, 'de, N>>, ReadFailure> {
    let list = rows.list(&reply.body, want);
    let list = list.map_err(|error| unreadable_reply(name, reply, &error))?;
    let list =
        list.ok_or_else(|| ReadFailure::odd(format!("{name} did not answer with a list")))?;
    let id = rows.names().next().unwrap_or_default();
    match list.odd.words(&format!("a usable `{id}`")) {
        Some(odd) => Err(ReadFailure::odd(format!("{name} answered with {odd}"))),
        None => Ok(list.rows),
    }
}
