//! The README's transcripts are what the program prints.

use std::path::Path;
use std::process::Command;

use super::support::golden;

#[test]
fn the_transcripts_in_the_readme_are_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("README.md");
    let text = std::fs::read_to_string(&path).expect("the README is readable");
    let mut fresh = String::new();
    let mut inside = false;
    let mut transcripts = 0;
    for line in text.lines() {
        if inside {
            // Old output is dropped; commands are run anew.
            if let Some(command) = line.strip_prefix("$ entitle ") {
                fresh += &format!("{line}\n{}", output(root, command));
                transcripts += 1;
            } else if line == "```" {
                inside = false;
                fresh += "```\n";
            }
            continue;
        }
        inside = line == "```console";
        fresh += &format!("{line}\n");
    }
    assert!(transcripts > 0, "the README shows no transcript");
    golden::all_well(golden::compare(&path, &fresh).err().into_iter().collect());
}

fn output(root: &Path, command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_entitle"))
        .args(command.split_whitespace())
        .current_dir(root)
        .env_clear()
        .output()
        .expect("the program runs");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}
