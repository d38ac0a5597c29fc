//! Renders findings, failures and risks as SARIF 2.1.0, for code scanning and editors.
//!
//! Input are annotations, output one SARIF run whose rules are the codes of the findings, such as
//! `unknown-field` or `strand`. Pending changes without risk are no results: code scanning would open an alert
//! for each.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Value as Json, json};

use super::json;
use super::safe::make_visible;
use super::source_host::repository_path;
use super::view::{Annotation, Level};
use crate::model::wording::{pluralize, shorten};
use crate::plan::document::Tool;
use crate::plan::fingerprint;

/// Results that GitHub's code scanning keeps of one run.
const RESULTS: usize = 5_000;

/// Characters of a message; longer ones are shortened.
const LONGEST: usize = 1_000;

/// Writes the log file of one run, the worst results first.
///
/// Of 6,000 results 4,999 are written, and result 5,000 says `1001 more results not shown here.` The id of the
/// run contains the stage, so that the alerts of a plan do not close those of a check of the same commit.
///
/// `kind` is the stage in lower case, or `drift`; `base` the directory of the run below the top of the repository.
pub fn write_sarif(
    out: &mut dyn Write,
    points: &[Annotation<'_>],
    (kind, base): (&str, &str),
    tool: &Tool,
) -> io::Result<()> {
    let whole = points.len() <= RESULTS;
    let kept = &points[..if whole { points.len() } else { RESULTS - 1 }];
    let mut rules: BTreeSet<&str> = kept.iter().map(|point| point.rule).collect();
    let mut results: Vec<Json> = kept.iter().map(|point| sarif_result(base, point)).collect();
    if !whole {
        let more = pluralize(points.len() - kept.len(), "more result");
        rules.insert("more-results");
        results.push(json!({
            "ruleId": "more-results",
            "level": "warning",
            "message": {"text": format!("{more} not shown here.")},
        }));
    }
    let rules: Vec<Json> = rules
        .iter()
        .map(|rule| json!({"id": make_visible(rule)}))
        .collect();
    json::write_document(
        out,
        &json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": tool.name,
                    "version": tool.version,
                    "informationUri": env!("CARGO_PKG_REPOSITORY"),
                    "rules": rules,
                }},
                "automationDetails": {"id": format!("entitle/{kind}/")},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        }),
    )
}

/// Builds one result, with its location if it has a file in the repository.
///
/// Sources such as `<stdin>` get no location, and files whose line is not known get no region.
fn sarif_result(base: &str, point: &Annotation<'_>) -> Json {
    let about = point
        .address
        .map(|address| format!("{address}: "))
        .unwrap_or_default();
    let mut result = json!({
        "ruleId": make_visible(point.rule),
        "level": match point.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "note",
        },
        "message": {"text": make_visible(&shorten(&format!("{about}{}", point.message), LONGEST))},
        // The same finding in the next run is the same alert, also when its line has moved.
        "partialFingerprints": {
            "entitle/v1": fingerprint::json_digest(&(point.rule, point.address, point.file, &point.message)),
        },
    });
    if let Some(file) = point.file.filter(|file| !file.starts_with('<')) {
        let mut location =
            json!({"artifactLocation": {"uri": encode_uri(&repository_path(base, file))}});
        if point.line > 0 {
            location["region"] =
                json!({"startLine": point.line, "startColumn": point.column.max(1)});
        }
        result["locations"] = json!([{"physicalLocation": location}]);
    }
    result
}

/// Encodes a path as a relative URI: bytes other than letters, digits and `-._~/` become `%XX`.
///
/// Backslashes become slashes first. `a b\ü.yaml` becomes `a%20b/%C3%BC.yaml`.
fn encode_uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
