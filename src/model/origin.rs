//! Where something stands in the manifests.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::node::Mark;

/// One manifest file: the name it is shown by, and its text.
///
/// The texts of ten thousand files are as large as everything that is made of them, and nearly never looked
/// at again. So what is made of a file that can be read again refers to its [`Source::label`], which has the
/// hash in place of the text.
#[derive(Debug, Default)]
pub struct Source {
    pub name: String,
    /// Empty in a label.
    pub text: String,
    hash: [u8; 32],
    on_disk: bool,
    /// The offset of the text in its file; 0 for all but excerpts.
    begins: usize,
}

/// Bytes of a text that findings may share as it is. Of a larger one each keeps the line that it is about: a
/// thousand findings may be about as many files.
const SHARED: usize = 8 << 10;

/// Bytes of a line that an excerpt keeps, above what is ever shown of one.
const LONGEST_EXCERPT: usize = 2 << 10;

/// The distance in bytes within which the beginning of a line is searched.
const REACH: usize = 64 << 10;

impl Source {
    /// The name of standard input among files.
    pub const STDIN: &str = "<stdin>";

    /// A text that can be had only once: standard input, a commit, something made here.
    pub fn new(name: String, text: String) -> Self {
        let hash = Sha256::digest(text.as_bytes()).into();
        Self {
            name,
            text,
            hash,
            on_disk: false,
            begins: 0,
        }
    }

    /// The text of the file at the path `name`.
    pub fn of_file(name: String, text: String) -> Self {
        Self {
            on_disk: true,
            ..Self::new(name, text)
        }
    }

    /// Gives a label that stands for this source where its text is not needed.
    pub fn label(self: &Arc<Self>) -> Arc<Self> {
        if !self.on_disk || self.is_bare() {
            return Arc::clone(self);
        }
        Arc::new(Self {
            name: self.name.clone(),
            text: String::new(),
            hash: self.hash,
            on_disk: true,
            begins: 0,
        })
    }

    /// Returns what a finding about the line of `mark` keeps of this source: that line alone if the text is large.
    pub fn excerpt(self: &Arc<Self>, mark: Mark) -> Arc<Self> {
        if self.text.len() <= SHARED {
            return Arc::clone(self);
        }
        let (begins, line) = self.find_line(mark);
        let kept = line.floor_char_boundary(LONGEST_EXCERPT.min(line.len()));
        Arc::new(Self {
            name: self.name.clone(),
            text: line[..kept].to_string(),
            hash: self.hash,
            on_disk: false,
            begins,
        })
    }

    /// Returns the line of a place, without its end; `…` for one that is too long to find its beginning.
    pub fn line_at(&self, mark: Mark) -> &str {
        self.find_line(mark).1
    }

    /// The line of a place, and where it begins in the file.
    fn find_line(&self, mark: Mark) -> (usize, &str) {
        let text = &self.text;
        let ends = |c: char| c == '\n' || c == '\r';
        let at = (mark.start as usize).saturating_sub(self.begins);
        let at = text.floor_char_boundary(at);
        let from = text.floor_char_boundary(at.saturating_sub(REACH));
        let begins = match text[from..at].rfind(ends) {
            Some(end) => from + end + 1,
            None if from == 0 => 0,
            None => return (self.begins + at, "…"),
        };
        let line = &text[begins..];
        let far = text.floor_char_boundary((begins + REACH).min(text.len()));
        let line = line.get(..far - begins).unwrap_or(line);
        let line = line.split(ends).next().unwrap_or_default();
        (self.begins + begins, line)
    }

    /// Reports whether this is a label without the text that it stands for.
    pub fn is_bare(&self) -> bool {
        self.on_disk && self.text.is_empty()
    }

    /// Reports whether the text is that of a file on this machine, also if this is its label.
    pub fn is_on_disk(&self) -> bool {
        self.on_disk
    }

    /// The SHA-256 of the text.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

/// A place in the manifests.
#[derive(Clone, Debug)]
pub struct Origin {
    pub source: Arc<Source>,
    pub mark: Mark,
}

impl PartialEq for Origin {
    /// Compares the file by its name and the place in it.
    fn eq(&self, other: &Self) -> bool {
        (&self.source.name, self.mark) == (&other.source.name, other.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new("x".into(), text.into()))
    }

    #[test]
    fn the_line_of_a_place_is_found_in_every_kind_of_file() {
        let text = "a: 1\r\nb: 2\rc: 3\nd: ü4";
        for (start, line) in [(0, "a: 1"), (6, "b: 2"), (11, "c: 3"), (19, "d: ü4")] {
            assert_eq!(source(text).line_at(Mark::at(text, start)), line);
        }
        let long = "x".repeat(REACH * 3);
        let mark = Mark::at(&long, REACH * 2);
        assert_eq!(source(&long).line_at(mark), "…");
        assert_eq!(source(&long).excerpt(mark).line_at(mark), "…");
    }

    #[test]
    fn an_excerpt_of_a_large_text_is_its_line() {
        let text = format!(
            "{0}wanted: ü{0}{1}",
            "# a comment\n".repeat(9_000),
            "y".repeat(9_000)
        );
        let at = text.find("wanted").unwrap_or_default();
        let (source, mark) = (source(&text), Mark::at(&text, at + 8));
        let excerpt = source.excerpt(mark);
        assert_eq!(excerpt.text, "wanted: ü# a comment");
        assert_eq!(excerpt.line_at(mark), source.line_at(mark));
        assert_eq!(excerpt.excerpt(mark).line_at(mark), source.line_at(mark));
        let last = Mark::at(&text, text.len());
        let excerpt = source.excerpt(last);
        assert!(excerpt.text.len() <= LONGEST_EXCERPT);
        assert!(source.line_at(last).starts_with(excerpt.line_at(last)));
        assert!(excerpt.name == source.name && !excerpt.is_bare());
    }
}
