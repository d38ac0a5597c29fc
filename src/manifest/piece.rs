//! Cuts files into pieces: runs of whole documents, so that a file of a hundred thousand objects is read by all cores
//! and never in memory as one tree.
//!
//! A line `---` begins a document wherever it is, inside quotes and block scalars too, and no anchor reaches beyond
//! its document. So the documents of all pieces are those of the file, as long as every piece is valid YAML by itself.
//! If one is not, the file is parsed as a whole, and the findings are those of the whole.
//!
//! For example, with pieces of one byte, `a: 1\n---\nb: 1\n` is cut into `a: 1\n` and `---\nb: 1\n`; the second begins
//! on line 2 of its file, at byte 5.

use std::ops::Range;
use std::sync::Arc;

use crate::model::Mark;
use crate::model::diagnostic::Source;

/// Least bytes of a piece: enough to be worth a turn of a thread, few enough for its trees to be small.
const PIECE_BYTES: usize = 128 << 10;

/// A run of documents of a file.
#[derive(Clone, Debug)]
pub struct Piece {
    pub source: Arc<Source>,
    /// Stands for the source in everything that is made of the piece.
    pub label: Arc<Source>,
    range: Range<usize>,
    /// Number of lines before the piece in its file.
    lines: u32,
}

impl Piece {
    /// Returns a file as one piece.
    pub fn whole(source: Arc<Source>) -> Self {
        let label = source.label();
        Self::with_label(source, label)
    }

    fn with_label(source: Arc<Source>, label: Arc<Source>) -> Self {
        Self {
            label,
            range: 0..source.text.len(),
            source,
            lines: 0,
        }
    }

    /// Reports whether a file is too small to be cut.
    pub fn is_small_file(source: &Source) -> bool {
        source.text.len() <= PIECE_BYTES
    }

    /// Returns a file as one piece if it is small enough. `None` for one that is better cut.
    pub fn of_small_file(source: &Arc<Source>, label: &Arc<Source>) -> Option<Self> {
        Self::is_small_file(source).then(|| Self::with_label(Arc::clone(source), Arc::clone(label)))
    }

    /// Cuts a file into pieces, in order.
    pub fn cut(source: Arc<Source>) -> Vec<Self> {
        Self::cut_by(source, PIECE_BYTES)
    }

    /// Cuts a file into pieces of `size` bytes or a little more. A file is one piece if it has a directive, which is
    /// written ahead of its document, a mark for the end of a document, or other ends of lines than `\n`.
    pub fn cut_by(source: Arc<Source>, size: usize) -> Vec<Self> {
        let whole = Self::whole(source);
        let source = Arc::clone(&whole.source);
        let text = &source.text;
        let has_marks = text.starts_with('%') || text.contains("\n%") || text.contains("\n...");
        // Each by itself: together they would be compared with every character.
        let foreign = text.contains('\r') || text.contains('\u{feff}');
        if text.len() <= size || has_marks || foreign {
            return vec![whole];
        }
        let (mut pieces, mut last) = (Vec::new(), whole);
        while let Some(length) = find_cut(last.text(), size) {
            let (start, end) = (last.range.start, last.range.start + length);
            let lines = text[start..end].matches('\n').count();
            let next = Self {
                range: end..last.range.end,
                lines: last.lines + u32::try_from(lines).unwrap_or(u32::MAX),
                ..last.clone()
            };
            last.range.end = end;
            pieces.push(std::mem::replace(&mut last, next));
        }
        pieces.push(last);
        pieces
    }

    /// Reports whether this is the whole file.
    pub fn is_whole(&self) -> bool {
        self.range == (0..self.source.text.len())
    }

    pub fn text(&self) -> &str {
        &self.source.text[self.range.clone()]
    }

    /// Returns the place in the file at which the piece begins.
    pub fn start(&self) -> Mark {
        self.to_file_mark(Mark {
            line: 1,
            column: 1,
            start: 0,
            end: 0,
        })
    }

    /// Returns the place in the file for a place in the piece.
    pub fn to_file_mark(&self, mark: Mark) -> Mark {
        // Files are far smaller than what 32 bits can count.
        let offset = self.range.start as u32;
        Mark {
            line: mark.line.saturating_add(self.lines),
            column: mark.column,
            start: mark.start.saturating_add(offset),
            end: mark.end.saturating_add(offset),
        }
    }

    /// Returns the piece with the document that begins at `place`, and little else.
    pub fn containing(source: Arc<Source>, mark: Mark) -> Option<Self> {
        Self::find(&Self::cut_by(source, 1), mark).cloned()
    }

    /// Returns the offset in its file at which it begins.
    pub fn begins(&self) -> usize {
        self.range.start
    }

    /// Finds the piece with a place among all pieces of a file.
    pub fn find(pieces: &[Self], mark: Mark) -> Option<&Self> {
        let at = mark.start as usize;
        let behind = pieces.partition_point(|piece| piece.range.end <= at);
        pieces.get(behind)
    }
}

/// Returns the offset of the first document of a text behind its first `size` bytes. `None` if all of it is one piece.
fn find_cut(text: &str, size: usize) -> Option<usize> {
    let from = text.ceil_char_boundary(size);
    let is_document = |at: &usize| matches!(text.as_bytes().get(at + 4), None | Some(b' ' | b'\n'));
    let lines = text.get(from..)?.match_indices("\n---");
    let at = lines.map(|(at, _)| from + at).find(is_document)?;
    Some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, size: usize) -> Vec<Piece> {
        let source = Source::new("t.yaml".into(), text.into());
        Piece::cut_by(Arc::new(source), size)
    }

    #[test]
    fn a_file_is_cut_before_its_documents() {
        let found = pieces("a: 1\n---\nb: 1\n----\n--- # c\nd: 1\n---", 1);
        let texts: Vec<&str> = found.iter().map(Piece::text).collect();
        assert_eq!(
            texts,
            ["a: 1\n", "---\nb: 1\n----\n", "--- # c\nd: 1\n", "---"]
        );
        let lines: Vec<u32> = found.iter().map(|piece| piece.start().line).collect();
        assert_eq!(lines, [1, 2, 5, 7]);
    }

    #[test]
    fn a_file_that_cuts_could_change_is_one_piece() {
        for text in [
            "%YAML 1.2\n---\na: 1\n---\nb: 1\n",
            "a: 1\r\n---\r\nb: 1\r\n",
        ] {
            assert!(pieces(text, 1)[0].is_whole(), "{text:?}");
        }
    }
}
