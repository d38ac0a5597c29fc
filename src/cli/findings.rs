//! Shows findings about manifests: few of many, and whether the folder is the right one.
//!
//! In: the findings of a check, and the paths that were typed. Out: text on standard error.

use std::io;
use std::path::{Path, PathBuf};

use super::output;
use crate::model::Diagnostics;
use crate::render::finding_list::{FindingLimit, FindingList};

/// Shows findings about the manifests below `paths`, with their number.
pub fn print_manifest_findings(findings: &Diagnostics, paths: &[PathBuf]) -> io::Result<()> {
    let list = FindingList::new(findings, FindingLimit::Few);
    print_with_advice(&list, paths)?;
    output::print_total(&list);
    Ok(())
}

/// Shows findings about the manifests below `paths`, and asks whether these are the right ones if not all are shown.
pub fn print_with_advice(list: &FindingList<'_>, paths: &[PathBuf]) -> io::Result<()> {
    output::print_list(list)?;
    if list.hides_some() {
        for line in describe_ways_out(paths) {
            output::print_note(&line);
        }
    }
    Ok(())
}

/// Says what to do about a flood of findings. A question about the folder is asked only if one is read.
fn describe_ways_out(paths: &[PathBuf]) -> Vec<String> {
    let folder = match paths {
        [] => Some(Path::new(".")),
        [only] => Some(only.as_path()).filter(|path| path.is_dir()),
        _ => None,
    };
    let mut lines = Vec::new();
    if let Some(folder) = folder {
        lines.push(format!(
            "Is `{}` the right folder? Name the one with your manifests, or set `paths` in",
            folder.display()
        ));
        lines.push("entitle.yaml; a `.gitignore` leaves files out.".into());
    }
    lines.push("`entitle validate --full` shows all findings.".into());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_can_be_the_wrong_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.yaml");
        std::fs::write(&file, "a: 1\n").unwrap();
        assert!(describe_ways_out(&[])[0].starts_with("Is `.` the right folder?"));
        let folder = [dir.path().to_path_buf()];
        assert_eq!(describe_ways_out(&folder).len(), 3);
        assert_eq!(describe_ways_out(&[file]).len(), 1);
        assert!(describe_ways_out(&[]).iter().all(|line| line.len() <= 80));
    }
}
