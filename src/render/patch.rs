//! Renders the change of a file as a patch that `git apply` takes.

use similar::TextDiff;

/// Returns the unified diff of one file, named as git names it; empty if nothing differs.
pub fn unified_patch(file: &str, before: &str, after: &str) -> String {
    let file = file.strip_prefix("./").unwrap_or(file);
    let diff = TextDiff::from_lines(before, after);
    let (from, to) = (format!("a/{file}"), format!("b/{file}"));
    diff.unified_diff().header(&from, &to).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_names_the_file_and_keeps_some_lines_around() {
        let patch = unified_patch("./licences/a.yaml", "a\nb\nc\n", "a\nb\nx: 1\nc\n");
        let expected =
            "--- a/licences/a.yaml\n+++ b/licences/a.yaml\n@@ -1,3 +1,4 @@\n a\n b\n+x: 1\n c\n";
        assert_eq!(patch, expected);
        assert_eq!(unified_patch("a", "x\n", "x\n"), "");
    }
}
