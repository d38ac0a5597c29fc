//! Refusals of LicenseSpring that name members: `{"trial_days": ["…"]}`, for all kinds. The error shapes of this API are
//! those of its framework; they are not documented.

use serde_json::Value as Json;

use crate::model::{Field, Reply, Verdict};
use crate::provider::error_text;
use crate::provider::kind::judge_status;

/// Returns the messages about one member. Only a list of texts is one: an error may have the object's own members beside
/// its words, whose values are nobody's business.
pub fn member_messages(reported: &Json) -> Vec<String> {
    let entries = reported.as_array().into_iter().flatten();
    let entries = entries.filter(|entry| entry.is_string());
    entries.filter_map(error_text::from_error_json).collect()
}

/// Judges a reply by its status; a refusal leads to the fields that it names.
pub fn judge(table: &'static [Field], reply: &Reply) -> Verdict {
    match judge_status(reply) {
        Verdict::Rejected { words, fields: _ } => Verdict::Rejected {
            words,
            fields: named(table, reply),
        },
        other => other,
    }
}

/// Returns the messages of a refusal by the field that they concern.
fn named(table: &'static [Field], reply: &Reply) -> Vec<(String, String)> {
    let body: Option<Json> = serde_json::from_str(&reply.body).ok();
    let fields = table.iter().filter_map(|field| {
        let reported = member_messages(body.as_ref()?.get(field.name)?);
        let words = format!("{}: {}", reply.status, reported.join("; "));
        (!reported.is_empty()).then(|| (field.name.to_string(), words))
    });
    fields.collect()
}
