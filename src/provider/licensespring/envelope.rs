//! Pages of LicenseSpring's lists, `{"count", "next", "previous", "results"}`, for all kinds.

use crate::model::{ReadFailure, Reply};
use crate::provider::decode::{Atom, Row, Rows};
use crate::provider::reading::unreadable_reply;

/// One page of a list.
pub struct Page<'de, const N: usize> {
    /// Rows that the filter finds in all.
    pub count: usize,
    /// True if the server knows of a page after this one.
    pub next: bool,
    /// Rows by their ids.
    pub rows: Vec<(String, Row<'static, 'de, N>)>,
}

impl<'de, const N: usize> Page<'de, N> {
    /// Reads a page, in which each row must have an id. `name` is the call's name in messages.
    pub fn read(
        rows: &'static Rows<N>,
        reply: &'de Reply,
        name: &str,
    ) -> Result<Self, ReadFailure> {
        let odd = |what: &str| ReadFailure::odd(format!("{name} answered {what}"));
        let page = rows
            .page(&reply.body, "results", ["count", "next"])
            .map_err(|error| unreadable_reply(name, reply, &error))?;
        let [count, next] = page.beside;
        let count = count_of(&count).ok_or_else(|| odd("without the number `count`"))?;
        let results = page.list.ok_or_else(|| odd("without the list `results`"))?;
        if let Some(words) = results.odd.words("the number `id`") {
            return Err(odd(&format!("with {words}")));
        }
        let rows = results.rows.into_iter().map(|row| match id_of(&row) {
            Some(id) => Ok((id, row)),
            None => Err(odd("with a row without the number `id`")),
        });
        let rows = rows.collect::<Result<_, _>>()?;
        Ok(Self {
            count,
            next: next.text().is_some(),
            rows,
        })
    }
}

/// Returns the number of rows that a page states; `None` if it is no number.
fn count_of(count: &Atom<'_>) -> Option<usize> {
    match count {
        Atom::Number(count) if count.parse::<u64>().is_ok() => Some(usize::MAX),
        Atom::Text(_) => None,
        count => count
            .integer()
            .and_then(|count| usize::try_from(count).ok()),
    }
}

/// Reports whether the first member of a row can be its id: only a number can. `id_of` checks the number.
pub fn is_id(id: &Atom<'_>) -> bool {
    matches!(id.kind(), "a number")
}

/// Returns the number of a row, which is the first thing that is read of it, as text, digit by digit.
pub fn id_of<const N: usize>(row: &Row<'_, '_, N>) -> Option<String> {
    number_of(row.beside.first()?)
}

/// Returns a whole number as text, digit by digit; `None` for any other value, also digits in a text.
pub fn number_of(atom: &Atom<'_>) -> Option<String> {
    match atom {
        Atom::Integer(id) if *id >= 0 => Some(id.to_string()),
        Atom::Number(id) if id.parse::<u64>().is_ok() => Some(id.clone()),
        _ => None,
    }
}
