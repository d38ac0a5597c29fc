//! Pictures of the manual: what a terminal shows, from the coloured transcripts of the program.

use std::path::Path;

use anstyle_svg::Term;

use super::source_dir;
use crate::support::golden;

/// Each picture with the transcript that it is of, and the number of the command of this name in it.
const PICTURES: &[(&str, usize)] = &[
    ("plan", 0),
    ("apply", 3),
    ("drift", 2),
    ("doctor", 1),
    ("status", 1),
];

#[test]
fn pictures_are_what_the_program_shows() {
    let faults = PICTURES.iter().filter_map(|(name, number)| {
        let text = part(name, *number);
        let picture = Term::new().render_svg(text.trim_end());
        let path = source_dir().join("pictures").join(format!("{name}.svg"));
        golden::compare(&path, &picture).err()
    });
    golden::all_well(faults.collect());
}

/// Returns a run of the command `name` in the transcript of that name, with its output and its colours, up to the next line
/// that is typed.
fn part(name: &str, number: usize) -> String {
    let path = Path::new("transcripts").join(name).join("colour.txt");
    let text = std::fs::read_to_string(golden::tests_dir().join(path)).expect("a transcript");
    let text = text.replace('␛', "\u{1b}");
    let command = format!("$ entitle {name}");
    let mut lines: Vec<&str> = text.lines().collect();
    let mut runs = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with(&command));
    let (begin, _) = runs.nth(number).expect("the command");
    lines.drain(..begin);
    let typed = |line: &&str| {
        ["$ ", "% ", "@ ", "# ", "& ", "^ "]
            .iter()
            .any(|sign| line.starts_with(sign))
    };
    let end = lines
        .iter()
        .skip(1)
        .position(typed)
        .map_or(lines.len(), |at| at + 1);
    lines.truncate(end);
    assert!(lines.len() > 2, "{name} shows nothing");
    // Standard error stands behind a sign, which in colour nothing else begins with; no terminal shows exit codes.
    let shown = lines
        .into_iter()
        .filter(|line| !line.starts_with("= exit "));
    let shown: Vec<&str> = shown
        .map(|line| line.strip_prefix("! ").unwrap_or(line))
        .collect();
    shown.join("\n")
}
