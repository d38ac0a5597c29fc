//! Puts the members of a block map into another order by moving their lines, each with the comments above it.
//!
//! yaml-edit leaves the comment above the first member where it is, so that it would end up above another member.
//! Lines are moved only if every member has lines of its own. The caller parses the result and compares, so a wrong
//! guess about which lines belong together changes nothing.
//!
//! For example, with `apiVersion` ranked before `kind`:
//!
//! ```text
//! # what it is          # the format
//! kind: Order           apiVersion: entitle.dev/v1
//! # the format     ──▶  # what it is
//! apiVersion: …         kind: Order
//! ```

use crate::model::Node;

/// Returns the text with the members of a map in the order of `rank`; `None` if they have no lines of their own.
/// `is_root` says that the map is a whole document, to which the comments above its first member belong.
pub fn reorder_lines(
    text: &str,
    map: &Node,
    rank: &dyn Fn(&str) -> usize,
    is_root: bool,
) -> Option<String> {
    let entries = map.entries();
    let lines = TextLines { text };
    let starts: Vec<usize> = entries
        .iter()
        .map(|entry| lines.line_start(entry.key_mark.range().start))
        .collect();
    let column = entries.first()?.key_mark.range().start - starts.first()?;
    let has_own_lines = |(entry, start): (&crate::model::node::Entry, &usize)| {
        let before = text.get(*start..entry.key_mark.range().start);
        before.is_some_and(|before| before.len() == column && before.bytes().all(|b| b == b' '))
    };
    let has_lone_returns = text.replace("\r\n", "").contains('\r');
    let have_own_lines = entries.iter().zip(&starts).all(has_own_lines);
    if has_lone_returns || !have_own_lines || !starts.is_sorted_by(|a, b| a < b) {
        return None;
    }
    let mut tops: Vec<usize> = starts
        .iter()
        .map(|start| lines.comments_start(*start, column))
        .collect();
    if is_root {
        tops[0] = starts[0];
    }
    let end = lines.member_end(*starts.last()?, column);
    let bounds: Vec<usize> = tops.iter().copied().chain([end]).collect();
    let mut chunks: Vec<(usize, &str)> = Vec::new();
    // Blank lines stay where they are: they divide the map, and belong to no member.
    let mut gaps: Vec<&str> = Vec::new();
    for (entry, bound) in entries.iter().zip(bounds.windows(2)) {
        let chunk = text.get(bound[0]..bound[1])?;
        let (member, gap) = chunk.split_at(trailing_blanks_start(chunk));
        chunks.push((rank(&entry.key), member));
        gaps.push(gap);
    }
    // Stable: members without a rank of their own keep their order.
    chunks.sort_by_key(|(rank, _)| *rank);
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut result = text[..tops[0]].to_string();
    for ((_, chunk), gap) in chunks.iter().zip(gaps) {
        result.push_str(chunk);
        if !chunk.ends_with('\n') {
            result.push_str(line_end);
        }
        result.push_str(gap);
    }
    result.push_str(&text[end..]);
    Some(result)
}

struct TextLines<'a> {
    text: &'a str,
}

impl TextLines<'_> {
    /// Returns the beginning of the line with this offset.
    fn line_start(&self, offset: usize) -> usize {
        let head = self.text.get(..offset).unwrap_or_default();
        head.rfind('\n').map_or(0, |end| end + 1)
    }

    /// Returns the beginning of the comments right above a line, in its column.
    fn comments_start(&self, start: usize, column: usize) -> usize {
        let mut top = start;
        while top > 0 {
            let above = self.line_start(top - 1);
            let line = &self.text[above..top];
            if indent_of(line) != column || !line.trim_start().starts_with('#') {
                break;
            }
            top = above;
        }
        top
    }

    /// Returns the end of the member that begins at `start`, the last of its map: without the blank lines behind it
    /// and the comments of the map.
    fn member_end(&self, start: usize, column: usize) -> usize {
        let mut end = start;
        let mut at = start;
        for (number, line) in self.text[start..].split_inclusive('\n').enumerate() {
            let trimmed = line.trim();
            let after = at + line.len();
            if number > 0 {
                let is_deeper = indent_of(line) > column;
                let is_item =
                    indent_of(line) == column && (trimmed == "-" || trimmed.starts_with("- "));
                let is_marker = line.starts_with("---") || line.starts_with("...");
                let is_note = trimmed.is_empty() || trimmed.starts_with('#') && !is_deeper;
                if is_marker || !is_note && !is_deeper && !is_item {
                    break;
                }
                if is_note {
                    at = after;
                    continue;
                }
            }
            at = after;
            end = after;
        }
        end
    }
}

/// Returns the offset at which the blank lines at the end of a text begin.
fn trailing_blanks_start(chunk: &str) -> usize {
    let mut end = chunk.len();
    for line in chunk.split_inclusive('\n').rev() {
        if !line.trim().is_empty() {
            break;
        }
        end -= line.len();
    }
    end
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
