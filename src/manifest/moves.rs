//! Members of a block map put into another order by moving their lines, each with the comments above it.
//!
//! yaml-edit leaves the comment above the first member where it is, so that it would end up above another
//! one. Whole lines are moved here only where every member has lines of its own; the caller reads the
//! result again and compares, so a wrong guess about what belongs together changes nothing.

use crate::model::Node;

/// The text with the members of a map in the order of `rank`; nothing where they have no lines of their own.
/// `head` says that what stands above the first member belongs to the whole document.
pub fn moved(text: &str, map: &Node, rank: &dyn Fn(&str) -> usize, head: bool) -> Option<String> {
    let entries = map.entries();
    let lines = Lines { text };
    let starts: Vec<usize> = entries
        .iter()
        .map(|entry| lines.start(entry.key_mark.range().start))
        .collect();
    let column = entries.first()?.key_mark.range().start - starts.first()?;
    let own = |(entry, start): (&crate::model::node::Entry, &usize)| {
        let before = text.get(*start..entry.key_mark.range().start);
        before.is_some_and(|before| before.len() == column && before.bytes().all(|b| b == b' '))
    };
    let lone_returns = text.replace("\r\n", "").contains('\r');
    if lone_returns || !entries.iter().zip(&starts).all(own) || !starts.is_sorted_by(|a, b| a < b) {
        return None;
    }
    let mut leads: Vec<usize> = starts
        .iter()
        .map(|start| lines.lead(*start, column))
        .collect();
    if head {
        leads[0] = starts[0];
    }
    let end = lines.end(*starts.last()?, column);
    let bounds = leads.iter().copied().chain([end]);
    let bounds: Vec<usize> = bounds.collect();
    let mut chunks: Vec<(usize, &str)> = Vec::new();
    // Blank lines part the places, not the members: they stay where they are.
    let mut gaps: Vec<&str> = Vec::new();
    for (entry, bound) in entries.iter().zip(bounds.windows(2)) {
        let chunk = text.get(bound[0]..bound[1])?;
        let (own, gap) = chunk.split_at(lines_before_blanks(chunk));
        chunks.push((rank(&entry.key), own));
        gaps.push(gap);
    }
    // Stable: members without a rank of their own keep their order.
    chunks.sort_by_key(|(rank, _)| *rank);
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut result = text[..leads[0]].to_string();
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

struct Lines<'a> {
    text: &'a str,
}

impl Lines<'_> {
    /// The beginning of the line that an offset stands in.
    fn start(&self, offset: usize) -> usize {
        let head = self.text.get(..offset).unwrap_or_default();
        head.rfind('\n').map_or(0, |end| end + 1)
    }

    /// The beginning of the comments right above a line, in its column.
    fn lead(&self, start: usize, column: usize) -> usize {
        let mut lead = start;
        while lead > 0 {
            let above = self.start(lead - 1);
            let line = &self.text[above..lead];
            if indent(line) != column || !line.trim_start().starts_with('#') {
                break;
            }
            lead = above;
        }
        lead
    }

    /// The end of the member that starts at `start`, the last of its map: without the blank lines and the
    /// comments of the map that follow it.
    fn end(&self, start: usize, column: usize) -> usize {
        let mut end = start;
        let mut at = start;
        for (number, line) in self.text[start..].split_inclusive('\n').enumerate() {
            let bare = line.trim();
            let after = at + line.len();
            if number > 0 {
                let deeper = indent(line) > column;
                let item = indent(line) == column && (bare == "-" || bare.starts_with("- "));
                let marker = line.starts_with("---") || line.starts_with("...");
                let note = bare.is_empty() || bare.starts_with('#') && !deeper;
                if marker || !note && !deeper && !item {
                    break;
                }
                if note {
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

/// Where the blank lines at the end of a piece of text begin.
fn lines_before_blanks(chunk: &str) -> usize {
    let mut end = chunk.len();
    for line in chunk.split_inclusive('\n').rev() {
        if !line.trim().is_empty() {
            break;
        }
        end -= line.len();
    }
    end
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
