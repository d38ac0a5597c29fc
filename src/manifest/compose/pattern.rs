//! Patterns of names: texts with columns in braces.

/// A text such as `{customer}-cad`; `{{` and `}}` are braces themselves.
pub struct TextPattern<'t> {
    /// Literal texts as `Ok`, names of columns as `Err`.
    parts: Vec<Result<&'t str, &'t str>>,
}

impl<'t> TextPattern<'t> {
    /// Cuts a text into its parts. A brace that is never closed is a literal.
    pub fn parse(text: &'t str) -> Self {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (literal, tail) = rest.split_at(at);
            parts.push(Ok(literal));
            let inside = tail
                .strip_prefix('{')
                .and_then(|inside| inside.split_once('}'));
            rest = match inside {
                _ if tail.starts_with("{{") || tail.starts_with("}}") => {
                    parts.push(Ok(&tail[..1]));
                    &tail[2..]
                }
                Some((name, after)) if !name.trim().is_empty() => {
                    parts.push(Err(name.trim()));
                    after
                }
                _ => {
                    parts.push(Ok(&tail[..1]));
                    &tail[1..]
                }
            };
        }
        parts.push(Ok(rest));
        Self { parts }
    }

    /// Lists the parts in order.
    pub fn parts(&self) -> impl Iterator<Item = Result<&'t str, &'t str>> {
        self.parts.iter().copied()
    }

    /// Lists the columns.
    pub fn columns(&self) -> impl Iterator<Item = &'t str> {
        self.parts().filter_map(Result::err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_hold_columns_and_double_ones_are_braces() {
        for (text, parts) in [
            ("{customer}-cad", vec![Err("customer"), Ok("-cad")]),
            ("a-{ b }{c}", vec![Ok("a-"), Err("b"), Err("c")]),
            ("{{a}}", vec![Ok("{"), Ok("a"), Ok("}")]),
            ("{a", vec![Ok("{"), Ok("a")]),
            ("{}", vec![Ok("{"), Ok("}")]),
            ("", vec![]),
        ] {
            let pattern = TextPattern::parse(text);
            let found = pattern.parts().filter(|part| *part != Ok(""));
            assert_eq!(Vec::from_iter(found), parts, "{text:?}");
        }
    }
}
