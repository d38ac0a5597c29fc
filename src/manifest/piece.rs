//! Files in pieces: runs of whole documents, so that a file of a hundred thousand objects is read by all cores
//! and never in memory as one tree.
//!
//! A line `---` begins a document wherever it stands, inside quotes and block scalars too, and anchors do not
//! reach beyond their document. So pieces that are all in order hold together what the file holds. A piece
//! that is not says nothing: then the file is read as a whole, and what is found there counts.

use std::ops::Range;
use std::sync::Arc;

use crate::model::Mark;
use crate::model::diagnostic::Source;

/// Bytes of a piece, about: enough to be worth a turn of a thread, few enough for its trees to be small.
const SIZE: usize = 128 << 10;

/// Some documents of a file.
#[derive(Clone, Debug)]
pub struct Piece {
    pub source: Arc<Source>,
    /// What is made of the piece refers to this.
    pub label: Arc<Source>,
    range: Range<usize>,
    /// Lines of the file before the piece.
    lines: u32,
}

impl Piece {
    pub fn whole(source: Arc<Source>) -> Self {
        let label = source.label();
        Self::labelled(source, label)
    }

    fn labelled(source: Arc<Source>, label: Arc<Source>) -> Self {
        Self {
            label,
            range: 0..source.text.len(),
            source,
            lines: 0,
        }
    }

    /// A file that is small enough to be one piece.
    pub fn only(source: &Arc<Source>, label: &Arc<Source>) -> Option<Self> {
        let small = source.text.len() <= SIZE;
        small.then(|| Self::labelled(Arc::clone(source), Arc::clone(label)))
    }

    /// The pieces of a file, in order.
    pub fn of(source: Arc<Source>) -> Vec<Self> {
        Self::of_size(source, SIZE)
    }

    /// The pieces of a file, each of `size` bytes or a little more. Files with a directive, which stands before
    /// its document, with a mark for the end of one, or with other ends of lines than ours are one piece.
    pub fn of_size(source: Arc<Source>, size: usize) -> Vec<Self> {
        let whole = Self::whole(source);
        let source = Arc::clone(&whole.source);
        let text = &source.text;
        let parted = text.starts_with('%') || text.contains("\n%") || text.contains("\n...");
        // Each by itself: together they would be compared with every character.
        let foreign = text.contains('\r') || text.contains('\u{feff}');
        if text.len() <= size || parted || foreign {
            return vec![whole];
        }
        let (mut pieces, mut rest) = (Vec::new(), whole);
        while let Some(length) = cut(rest.text(), size) {
            let (begins, ends) = (rest.range.start, rest.range.start + length);
            let lines = text[begins..ends].matches('\n').count();
            let after = Self {
                range: ends..rest.range.end,
                lines: rest.lines + u32::try_from(lines).unwrap_or(u32::MAX),
                ..rest.clone()
            };
            rest.range.end = ends;
            pieces.push(std::mem::replace(&mut rest, after));
        }
        pieces.push(rest);
        pieces
    }

    pub fn is_whole(&self) -> bool {
        self.range == (0..self.source.text.len())
    }

    pub fn text(&self) -> &str {
        &self.source.text[self.range.clone()]
    }

    /// Where the piece begins in its file.
    pub fn begins(&self) -> Mark {
        self.in_file(Mark {
            line: 1,
            column: 1,
            start: 0,
            end: 0,
        })
    }

    /// A place of the piece as a place of its file.
    pub fn in_file(&self, mark: Mark) -> Mark {
        // Files are far smaller than what 32 bits can count.
        let offset = self.range.start as u32;
        Mark {
            line: mark.line.saturating_add(self.lines),
            column: mark.column,
            start: mark.start.saturating_add(offset),
            end: mark.end.saturating_add(offset),
        }
    }

    /// The piece that holds the document at a place of a file, and little else.
    pub fn around(source: Arc<Source>, place: Mark) -> Option<Self> {
        let holds = |piece: &Self| piece.range.contains(&(place.start as usize));
        Self::of_size(source, 1).into_iter().find(holds)
    }
}

/// How many bytes of a text make a piece of `size`; nothing if it is all one piece.
fn cut(text: &str, size: usize) -> Option<usize> {
    let from = text.ceil_char_boundary(size);
    let begins = |at: &usize| matches!(text.as_bytes().get(at + 4), None | Some(b' ' | b'\n'));
    let lines = text.get(from..)?.match_indices("\n---");
    let at = lines.map(|(at, _)| from + at).find(begins)?;
    Some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, size: usize) -> Vec<Piece> {
        let source = Source::new("t.yaml".into(), text.into());
        Piece::of_size(Arc::new(source), size)
    }

    #[test]
    fn a_file_is_cut_before_its_documents() {
        let found = pieces("a: 1\n---\nb: 1\n----\n--- # c\nd: 1\n---", 1);
        let texts: Vec<&str> = found.iter().map(Piece::text).collect();
        assert_eq!(
            texts,
            ["a: 1\n", "---\nb: 1\n----\n", "--- # c\nd: 1\n", "---"]
        );
        let lines: Vec<u32> = found.iter().map(|piece| piece.begins().line).collect();
        assert_eq!(lines, [1, 2, 5, 7]);
    }

    #[test]
    fn what_the_cuts_could_part_is_one_piece() {
        for text in [
            "%YAML 1.2\n---\na: 1\n---\nb: 1\n",
            "a: 1\r\n---\r\nb: 1\r\n",
        ] {
            assert!(pieces(text, 1)[0].is_whole(), "{text:?}");
        }
    }
}
