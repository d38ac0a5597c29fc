//! Pure cases: `tests/vendors/<vendor>/<kind>/cases/<name>` holds a manifest and what the vendor answers to
//! each read; the golden files are the plan as people see it and the calls it would send.

use std::path::Path;

use entitle::model::Diagnostics;
use entitle::provider;
use entitle::render;
use entitle::render::view::{RunView, Stage};

use super::support::{golden, pure};

fn one(case: &Path) -> Vec<String> {
    let read = |name: &str| std::fs::read_to_string(case.join(name));
    let manifest = read("manifest.yaml").expect("every case has a manifest.yaml");
    let replies = read("replies.json").expect("every case has a replies.json");
    let replies: pure::Replies = serde_json::from_str(&replies)
        .unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    let checked = pure::check(&[("manifest.yaml", &manifest)]);
    if checked.findings.has_errors() {
        let shown =
            pure::plain(|out| render::diagnostics::write_findings(out, &checked.findings, false));
        return vec![format!(
            "{}: the manifest is invalid\n{shown}",
            case.display()
        )];
    }
    let (observed, calls) = match pure::observe(&checked, &replies) {
        Ok(found) => found,
        Err(fault) => return vec![format!("{}: {fault}", case.display())],
    };
    let mut faults: Vec<String> = replies
        .keys()
        .filter(|name| !calls.contains(name))
        .map(|name| format!("{}: nobody asked {name}", case.display()))
        .collect();
    let planned = pure::plan(&checked, &observed);
    let document = pure::document(&checked, &planned);
    let mut found = Diagnostics::default();
    for finding in planned.iter().flat_map(|planned| &planned.findings) {
        found.push(finding.clone());
    }
    let found = pure::plain(|out| render::diagnostics::write_findings(out, &found, false));
    let problems = document.problems.iter().map(|problem| {
        let hint = problem
            .hint
            .as_ref()
            .map(|hint| format!("  help: {hint}\n"));
        let hint = hint.unwrap_or_default();
        format!("error[{}]: {}\n{hint}", problem.code, problem.message)
    });
    let text = found
        + &problems.collect::<String>()
        + &pure::plain(|out| {
            render::text::write_plan(out, &RunView::new(Stage::Planned, &document))
        });
    let sent: String = document
        .objects
        .iter()
        .flat_map(|object| &object.calls)
        .map(|call| {
            let body = serde_json::to_string_pretty(&call.body).expect("JSON is printable");
            format!("{} {}\n\n{body}\n\n", call.method.as_str(), call.path)
        })
        .collect();
    faults.extend(golden::compare(&case.join("plan.txt"), &text).err());
    faults.extend(golden::compare(&case.join("calls.http"), &sent).err());
    faults
}

#[test]
fn every_case_has_the_plan_and_the_calls_of_its_golden_files() {
    for kind in provider::all_kinds() {
        let cases = golden::folders(&golden::kind_dir(kind).join("cases"));
        let name = kind.table().kind;
        assert!(cases.len() >= 10, "{name} has only {} cases", cases.len());
        golden::all_well(cases.iter().flat_map(|case| one(case)).collect());
    }
}
