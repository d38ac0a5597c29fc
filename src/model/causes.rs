//! Errors as one line of text, for the edges: people, logs, documents.

use std::error::Error;
use std::io;
use std::iter::successors;

/// Joins an error and its causes by `: `, outermost first.
///
/// This is the one printer of chains: no error of this program repeats its `source()` in its own text. Some
/// libraries do, so a cause that the text has already is left out.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in successors(Some(error), |error| (*error).source()) {
        let cause = strip_os_code(&cause.to_string());
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Returns the system's words for an error, without its number.
pub fn describe_io_error(error: &io::Error) -> String {
    strip_os_code(&error.to_string())
}

/// Removes the number of an error of the operating system, which tells nobody more than its words: `No such file or
/// directory (os error 2)` becomes `No such file or directory`.
fn strip_os_code(text: &str) -> String {
    const HEAD: &str = " (os error ";
    let Some((before, rest)) = text.split_once(HEAD) else {
        return text.to_string();
    };
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    match digits.strip_prefix(')') {
        Some(after) => format!("{before}{}", strip_os_code(after)),
        None => format!("{before}{HEAD}{}", strip_os_code(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    #[test]
    fn the_numbers_of_the_system_are_not_told() {
        let missing = std::io::Error::from_raw_os_error(2);
        assert_eq!(with_causes(&missing), "No such file or directory");
        let repeated = "a (os error 2): b (os error 13) (os error x)";
        assert_eq!(strip_os_code(repeated), "a: b (os error x)");
    }

    #[test]
    fn causes_follow_the_error_and_none_is_told_twice() {
        let layers = |texts: &[&'static str]| {
            let layers = texts
                .iter()
                .rev()
                .fold(None, |source, text| Some(Box::new(Layer { text, source })));
            with_causes(&*layers.expect("a layer"))
        };
        assert_eq!(layers(&["a"]), "a");
        assert_eq!(
            layers(&["cannot open x", "no such file"]),
            "cannot open x: no such file"
        );
        let repeats = ["cannot connect: refused", "refused", "os error 111"];
        assert_eq!(layers(&repeats), "cannot connect: refused: os error 111");
    }
}
