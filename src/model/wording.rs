//! Small helpers for sentences that people read.

use std::borrow::Cow;

use jiff::SignedDuration;

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

/// Returns a distance in time in one unit, such as `45 s ago` or `in 10 min`.
pub fn describe_age(ahead: SignedDuration) -> String {
    let seconds = ahead.as_secs().unsigned_abs();
    let amount = match seconds {
        0..=1 => return "just now".into(),
        2..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    };
    if ahead.is_positive() {
        format!("in {amount}")
    } else {
        format!("{amount} ago")
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

    #[test]
    fn distances_have_one_unit_and_a_direction() {
        for (seconds, words) in [
            (0, "just now"),
            (-1, "just now"),
            (-45, "45 s ago"),
            (-119, "119 s ago"),
            (-120, "2 min ago"),
            (600, "in 10 min"),
            (-7_200, "2 h ago"),
            (-172_800, "2 d ago"),
        ] {
            assert_eq!(describe_age(SignedDuration::from_secs(seconds)), words);
        }
    }
}
