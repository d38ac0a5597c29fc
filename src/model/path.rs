//! Defines field paths such as `Features[Licstat 6.0].count`, and patterns of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::Text;

/// The key of an element in a keyed list, one text per key field, as the user or vendor spelled it.
///
/// Equality and order use the folded spelling, so `Hostname` and `hostname` are one key where the
/// field table says so.
#[derive(Clone, Debug)]
pub struct ElementKey {
    shown: Box<[Text]>,
    /// The folded spelling; `None` if it equals the original.
    folded: Option<Box<[Text]>>,
}

impl ElementKey {
    /// Makes a key from one text per key field; `folds` ignores case, spaces, hyphens and underscores.
    pub fn new(parts: Vec<Text>, folds: bool) -> Self {
        let parts: Box<[Text]> = parts.into();
        let fold = |part: &Text| fold_label(part);
        let folded: Option<Box<[Text]>> = folds.then(|| parts.iter().map(fold).collect());
        Self {
            folded: folded.filter(|folded| *folded != parts),
            shown: parts,
        }
    }

    /// Returns one text that is equal for equal keys.
    pub fn folded(&self) -> String {
        self.compared().join("\u{1f}")
    }

    fn compared(&self) -> &[Text] {
        self.folded.as_deref().unwrap_or(&self.shown)
    }

    /// Returns the parts as they were spelled, in the order of the key fields.
    pub fn shown(&self) -> &[Text] {
        &self.shown
    }
}

/// LAC returns `Hostname` for `hostname` and labels with spaces (`IP Address`) whose raw form is not
/// published; letters and digits alone tell all documented labels apart (HostIDs tab, 2026-11-21).
fn fold_label(label: &str) -> Text {
    label
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

impl PartialEq for ElementKey {
    fn eq(&self, other: &Self) -> bool {
        self.compared() == other.compared()
    }
}
impl Eq for ElementKey {}
impl PartialOrd for ElementKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ElementKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.compared().cmp(other.compared())
    }
}

impl fmt::Display for ElementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.shown.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            let awkward = part.is_empty()
                || part == "*"
                || part
                    .chars()
                    .any(|c| c.is_whitespace() || c.is_control() || "\"'[]".contains(c));
            if awkward {
                f.write_str(&serde_json::Value::from(part.as_str()).to_string())?;
            } else {
                f.write_str(part)?;
            }
        }
        Ok(())
    }
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathPart {
    Field(&'static str),
    Element(ElementKey),
}

/// The path of a field inside `desired`, in the vendor's own names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(Vec<PathPart>);

impl FieldPath {
    /// Returns the path of a field in this object or element.
    pub fn field(&self, name: &'static str) -> Self {
        self.with(PathPart::Field(name))
    }

    /// Returns the path of an element of this list.
    pub fn element(&self, key: ElementKey) -> Self {
        self.with(PathPart::Element(key))
    }

    fn with(&self, part: PathPart) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }

    /// Returns the parts from the outside in.
    pub fn parts(&self) -> &[PathPart] {
        &self.0
    }

    /// Reports whether this is `outer` or something in it. Keys count by what they mean, not by how they are spelled.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.0.starts_with(&outer.0)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            match part {
                PathPart::Field(name) if i == 0 => f.write_str(name)?,
                PathPart::Field(name) => write!(f, ".{name}")?,
                PathPart::Element(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}

/// A path as `policy.ignore` spells it; `[*]` stands for every element, and `["*"]` for the one whose key is a star.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathPattern {
    pub parts: Vec<PatternPart>,
}

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatternPart {
    Field(String),
    Element(Vec<Text>),
    AnyElement,
}

/// The reason why a text is not a valid path pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path is empty")]
    Empty,
    #[error("a field name is missing before {0:?}")]
    NoName(String),
    #[error("the quoted part {0:?} does not end")]
    OpenQuote(String),
    #[error("a '[' is not closed by ']'")]
    OpenBracket,
}

impl PathPattern {
    /// Parses the notation in which plans print paths.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (key, after) = parse_key(inside)?;
                parts.push(key);
                rest = after;
            } else {
                rest = rest.strip_prefix('.').unwrap_or(rest);
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                if end == 0 {
                    return Err(PathError::NoName(rest.to_string()));
                }
                match parts.last_mut() {
                    // A member of an object, which the table has under its whole name.
                    Some(PatternPart::Field(record)) => {
                        record.push('.');
                        record.push_str(&rest[..end]);
                    }
                    _ => parts.push(PatternPart::Field(rest[..end].to_string())),
                }
                rest = &rest[end..];
            }
        }
        if parts.is_empty() {
            Err(PathError::Empty)
        } else {
            Ok(Self { parts })
        }
    }

    /// Reports whether the pattern names `path` itself, or the object that it is a member of; `false` for a path inside a
    /// named element, see [`Self::covers`].
    pub fn names(&self, path: &FieldPath, folds: bool) -> bool {
        self.parts.len() == path.parts().len() && self.covers(path, folds)
    }

    /// Reports whether the pattern names `path` or something around it: `address` covers `address.city`.
    pub fn covers(&self, path: &FieldPath, folds: bool) -> bool {
        self.parts.len() <= path.parts().len()
            && self
                .parts
                .iter()
                .zip(path.parts())
                .all(|(pattern, part)| match (pattern, part) {
                    (PatternPart::Field(name), PathPart::Field(field)) => {
                        let rest = field.strip_prefix(name.as_str());
                        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                    }
                    (PatternPart::AnyElement, PathPart::Element(_)) => true,
                    (PatternPart::Element(texts), PathPart::Element(key)) => {
                        ElementKey::new(texts.clone(), folds) == *key
                    }
                    _ => false,
                })
    }
}

/// Writes it as it is parsed.
impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            match part {
                PatternPart::Field(name) if i == 0 => f.write_str(name)?,
                PatternPart::Field(name) => write!(f, ".{name}")?,
                PatternPart::Element(texts) => {
                    write!(f, "[{}]", ElementKey::new(texts.clone(), false))?;
                }
                PatternPart::AnyElement => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// Parses a key behind its `[`. Returns the part and the text behind the `]`.
///
/// For example `Licstat 6.0].count` gives the key `Licstat`, `6.0` of two parts and the rest `.count`. A part with a
/// space or a bracket in it is quoted as in JSON: `"a b"]`.
fn parse_key(inside: &str) -> Result<(PatternPart, &str), PathError> {
    let mut texts = Vec::new();
    let mut rest = inside;
    let mut quoted = false;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            let any = texts.len() == 1 && texts[0] == "*" && !quoted;
            let part = if any {
                PatternPart::AnyElement
            } else {
                PatternPart::Element(texts)
            };
            return Ok((part, after));
        }
        if rest.starts_with('"') {
            quoted = true;
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            match stream.next() {
                Some(Ok(text)) => {
                    texts.push(text.into());
                    rest = &rest[stream.byte_offset()..];
                }
                _ => return Err(PathError::OpenQuote(rest.to_string())),
            }
        } else {
            let end = rest
                .find(|c: char| c == ']' || c.is_whitespace())
                .ok_or(PathError::OpenBracket)?;
            texts.push(rest[..end].into());
            rest = &rest[end..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[&str]) -> FieldPath {
        let key = ElementKey::new(parts.iter().map(|p| (*p).into()).collect(), false);
        FieldPath::default()
            .field("Features")
            .element(key)
            .field("count")
    }

    #[test]
    fn a_path_prints_as_the_contract_says() {
        assert_eq!(
            path(&["Licstat", "6.0"]).to_string(),
            "Features[Licstat 6.0].count"
        );
        assert_eq!(
            path(&["Lic stat", "6.0"]).to_string(),
            "Features[\"Lic stat\" 6.0].count"
        );
        assert_eq!(
            path(&["a\"]", ""]).to_string(),
            "Features[\"a\\\"]\" \"\"].count"
        );
    }

    #[test]
    fn a_member_of_an_object_has_one_name() {
        let path = FieldPath::default().field("address.city");
        let covers = |text: &str| {
            let pattern = PathPattern::parse(text).unwrap();
            (pattern.covers(&path, false), pattern.names(&path, false))
        };
        assert_eq!(covers("address.city"), (true, true));
        assert_eq!(covers("address"), (true, true));
        assert_eq!(covers("address.state"), (false, false));
        assert_eq!(covers("addr"), (false, false));
        assert_eq!(covers("address.city.part"), (false, false));
    }

    #[test]
    fn what_is_printed_parses_back() {
        for parts in [
            ["Licstat", "6.0"],
            ["Lic stat", "6.0"],
            ["a\"]", ""],
            ["[x]", "'"],
            ["*", "*"],
        ] {
            let path = path(&parts);
            let pattern = PathPattern::parse(&path.to_string()).expect("parses");
            assert!(pattern.names(&path, false), "{path}");
        }
    }

    #[test]
    fn a_pattern_is_printed_as_it_is_parsed() {
        for text in [
            "Features[Licstat 6.0].count",
            "Features[*].comment",
            "Features[\"*\"].comment",
            "address.city",
            "Features[\"a b\" \"[x]\"]",
        ] {
            let pattern = PathPattern::parse(text).expect("a pattern");
            assert_eq!(pattern.to_string(), text);
        }
    }

    #[test]
    fn a_star_names_every_element() {
        let pattern = PathPattern::parse("Features[*].count").expect("parses");
        assert!(pattern.names(&path(&["Licstat", "6.0"]), false));
        assert!(!pattern.names(&FieldPath::default().field("Features"), false));
    }

    #[test]
    fn a_star_in_quotes_names_the_element_whose_key_it_is() {
        let one = |text: &str| {
            let key = ElementKey::new(vec![text.into()], false);
            FieldPath::default().field("product_features").element(key)
        };
        assert_eq!(one("*").to_string(), "product_features[\"*\"]");
        let pattern = PathPattern::parse("product_features[\"*\"]").expect("parses");
        assert!(pattern.names(&one("*"), false) && !pattern.names(&one("a"), false));
    }

    #[test]
    fn labels_fold_where_asked() {
        let key = |text: &str| ElementKey::new(vec![text.into()], true);
        assert_eq!(key("hostname"), key("Hostname"));
        assert_eq!(key("ip_address"), key("IP Address"));
        assert_ne!(key("hostname"), key("username"));
    }

    #[test]
    fn broken_patterns_are_refused() {
        for bad in ["", "Features[Licstat", "Features[\"x]", ".", "a..b"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
