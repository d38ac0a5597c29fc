//! Small helpers for sentences that people read.

use std::borrow::Cow;

/// Writes a number with its noun: `1 request`, `2 requests`.
pub fn pluralize(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}

/// Returns the first `longest` characters of a text followed by `…`, or the whole text if it has no more than these.
pub fn shorten(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let counts = [0, 1, 2].map(|number| pluralize(number, "object"));
        assert_eq!(counts, ["0 objects", "1 object", "2 objects"]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shorten("üüü", 3), "üüü");
        assert_eq!(shorten("üüü", 2), "üü…");
        assert_eq!(shorten("", 0), "");
    }
}
