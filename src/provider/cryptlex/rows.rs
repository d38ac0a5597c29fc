//! The rows of Cryptlex's lists and the messages of its refusals, for all kinds.
//!
//! Lists are bare arrays, and every row has the text `id`. A 403 does not name the scope that the token lacks; the page
//! of each call does.

use crate::model::{Malformed, Observed, ReadFailure, Reply, Text, Verdict};
use crate::provider::canon;
use crate::provider::decode::{Row, Rows, Want};
use crate::provider::error_text::describe_unreadable;
use crate::provider::kind::judge_status;
use crate::provider::reading::unreadable_reply;

/// Reads a list, in which each object must have an id. `name` is the call's name in messages.
pub fn rows_of<'de, const N: usize>(
    rows: &'static Rows<N>,
    reply: &'de Reply,
    name: &str,
    want: Want<'_>,
) -> Result<Vec<Row<'static, 'de, N>>, ReadFailure> {
    let list = rows.list(&reply.body, want);
    let list = list.map_err(|error| unreadable_reply(name, reply, &error))?;
    let list =
        list.ok_or_else(|| ReadFailure::odd(format!("{name} did not answer with a list")))?;
    match list.odd.words("the text `id`") {
        Some(odd) => Err(ReadFailure::odd(format!("{name} answered with {odd}"))),
        None => Ok(list.rows),
    }
}

/// The rows of a page: the id of each, and what it shows.
pub type PageRows = Vec<(Text, Observed)>;

/// Reads the object in the reply to a write. `Err` if it is another one than `id`; `None` stands for one that was created.
pub fn echoed_row<'de, const N: usize>(
    rows: &'static Rows<N>,
    reply: &'de Reply,
    id: Option<&str>,
) -> Result<Row<'static, 'de, N>, Malformed> {
    let row = rows
        .one(&reply.body)
        .map_err(|error| Malformed::new(describe_unreadable(reply, &error)))?
        .ok_or_else(|| Malformed::new("the reply is no object"))?;
    match id.is_none() || id_of(&row).as_deref() == id {
        true => Ok(row),
        false => Err(Malformed::new("`id` is not the one that was written")),
    }
}

/// Judges the reply to a write whose page prints the scope `scope`.
pub fn judge_write(reply: &Reply, scope: &str) -> Verdict {
    match judge_status(reply) {
        Verdict::Rejected { words, fields } => Verdict::Rejected {
            words: with_scope(words, Some(reply.status), scope),
            fields,
        },
        other => other,
    }
}

/// Returns the id of a row, which is the first thing that is read of it.
pub fn id_of<const N: usize>(row: &Row<'_, '_, N>) -> Option<Text> {
    row.beside.first()?.text().map(canon::canonical_id)
}

/// Adds the missing scope to the vendor's message of a 403, which does not name it; the page of the call does.
pub fn with_scope(words: String, status: Option<u16>, scope: &str) -> String {
    if status == Some(403) && !words.contains(scope) {
        format!("{words}; the token needs the scope `{scope}`")
    } else {
        words
    }
}

/// Adds the scope that a refused read lacks to the message about the call and the connection.
pub fn naming_scope(failure: ReadFailure, scope: &str) -> ReadFailure {
    let text = with_scope(failure.text, failure.status, scope);
    let fault = failure.fault.map(|mut fault| {
        fault.message = with_scope(fault.message, failure.status, scope);
        fault
    });
    ReadFailure {
        text,
        fault,
        ..failure
    }
}
