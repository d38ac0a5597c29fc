//! The code blocks of a page, each with what a comment right above it says to the tests.
//!
//! | comment | means |
//! | --- | --- |
//! | `<!-- not run: WHY -->` | no machine of the tests can run the block; its `entitle` lines are parsed |
//! | `<!-- file: NAME -->` | the block is a file that commands further down read |
//! | `<!-- setup: COMMAND -->`, not above a block | a command that is run and not shown |

/// A fenced block, or a command of a `setup` comment as a block of its own.
pub struct Block<'a> {
    /// The word after the fence; `setup` for a comment.
    pub language: &'a str,
    /// What the comment above it says, such as `not run` and why.
    pub note: Option<(&'a str, &'a str)>,
    pub lines: Vec<&'a str>,
    /// The indices of its lines in the page, without the fences.
    pub range: std::ops::Range<usize>,
}

/// Returns the blocks of a page in their order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let lines: Vec<&str> = page.lines().collect();
    let mut found = Vec::new();
    let (mut index, mut note) = (0, None);
    while index < lines.len() {
        let line = lines[index];
        index += 1;
        if let Some(comment) = comment(line) {
            match comment {
                ("setup", command) => found.push(Block {
                    language: "setup",
                    note: None,
                    lines: vec![command],
                    range: index..index,
                }),
                other => note = Some(other),
            }
        } else if let Some(language) = line.strip_prefix("```") {
            let end = lines[index..].iter().position(|line| *line == "```");
            let end = index + end.unwrap_or_else(|| panic!("no end of the block at line {index}"));
            let own = lines[index..end].to_vec();
            found.push(Block {
                language,
                note: note.take(),
                lines: own,
                range: index..end,
            });
            index = end + 1;
        } else if !line.is_empty() {
            note = None;
        }
    }
    found
}

/// Returns the word and the text of a comment for the tests; `None` for any other line.
fn comment(line: &str) -> Option<(&str, &str)> {
    let inner = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let (word, text) = inner.split_once(": ")?;
    ["not run", "file", "setup"]
        .contains(&word)
        .then_some((word, text))
}
