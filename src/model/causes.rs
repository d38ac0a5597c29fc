//! Errors as one line of text, for the edges: people, logs, documents.

use std::error::Error;
use std::iter::successors;

/// Joins an error and its causes by `: `, outermost first.
///
/// This is the one printer of chains: no error of this program repeats its `source()` in its own text. Some
/// libraries do, so a cause that the text has already is left out.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in successors(Some(error), |error| (*error).source()) {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
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
