//! Lengths of time as the vendor writes them: 35d, 4m, 2y ("Update License", 2026-11-30).

use crate::model::{Desired, Diagnostic, Diagnostics, Mark, Value};

/// Refuses fields among `names` that are no length of time.
pub fn audit(
    names: &[&'static str],
    desired: &Desired,
    location: &dyn Fn(&str) -> Mark,
    findings: &mut Diagnostics,
) {
    for name in names {
        if let Some(Value::Text(span)) = desired.fields.get(name)
            && !is_span(&span)
        {
            let message = format!("`{name}`: {span:?} is no length of time");
            findings.push(
                Diagnostic::error("bad-choice", message)
                    .at(&desired.origin.source, location(name))
                    .hint("write a number of days, months or years: 35d, 4m, 2y"),
            );
        }
    }
}

/// Reports whether a text is a length of time as the vendor writes it, such as `35d`.
fn is_span(text: &str) -> bool {
    let count = text.strip_suffix(['d', 'm', 'y']);
    count.is_some_and(|count| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()))
}
