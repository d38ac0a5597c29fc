//! What the fuzz targets do with bytes; the property tests of `hostile*.rs` run the same.
//!
//! `fuzz/` includes this file by path, so it names nothing of the test binary around it. A body returns
//! or panics: what it promises is in its asserts.

mod vendor;

use std::path::PathBuf;
use std::sync::Arc;

use entitle::apply::journal::{JournalEvent, Record};
use entitle::apply::memory::history::read_runs;
use entitle::apply::memory::runs::{PastRun, runs_that_wrote};
use entitle::apply::memory::{Detail, Memory};
use entitle::apply::records::Records;
use entitle::manifest::{self, yaml};
use entitle::model::diagnostic::Source;
use entitle::model::{Diagnostics, Field, Live, Node, Tree};
use entitle::plan::document::{ChangeEntry, PlanDocument, diagnostic_entries};
use entitle::plan::{saved, undo};
use entitle::provider::{self, codec};
use entitle::reconcile::{self, CheckOptions};
use entitle::render;
use entitle::render::view::{RunView, Stage};
use sha2::{Digest, Sha256};
pub use vendor::{against, decode, judge, wanted};

/// What a planted secret begins with.
pub const PLANTED: &str = "hunter2";

/// A file of manifests. Gives back everything that would be printed about it.
pub fn manifest(data: &[u8]) -> String {
    let mut input = data;
    let loaded = manifest::load(
        &[PathBuf::from("-")],
        &mut input,
        &manifest::ReadLimits::default(),
    );
    let sources = loaded.sources.clone();
    let options = CheckOptions {
        need_connections: data.len().is_multiple_of(2),
        simulators: None,
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(loaded, &options);
    let printed = printed(&checked.findings);
    // A finding keeps no more than a line of a large file.
    let text = match std::str::from_utf8(data) {
        Ok(text) => text.to_string(),
        Err(error) => String::from_utf8_lossy(&data[..error.valid_up_to()]).into_owned(),
    };
    let lines = lines(&text);
    for finding in checked.findings.iter() {
        assert!(!finding.code.is_empty() && !finding.message.is_empty());
        let places = finding.origin.iter();
        for origin in places.chain(finding.related.iter().map(|(origin, _)| origin)) {
            let (line, column) = (origin.mark.line as usize, origin.mark.column as usize);
            let found = lines.get(line.wrapping_sub(1));
            let inside = found.is_some_and(|text| (1..=text.chars().count() + 1).contains(&column));
            assert!(inside, "{line}:{column} is not in the file: {finding:?}");
        }
    }
    if sources.iter().any(only_in_secrets) {
        assert!(!printed.contains(PLANTED), "a secret is shown:\n{printed}");
    }
    printed
}

/// Findings in every form.
fn printed(findings: &Diagnostics) -> String {
    let mut out = Vec::new();
    for colour in [false, true] {
        render::diagnostics::write_findings(&mut out, findings, colour)
            .expect("findings are rendered");
    }
    render::json::write_document(&mut out, &diagnostic_entries(findings))
        .expect("findings are JSON");
    String::from_utf8(out).expect("what is printed is UTF-8")
}

/// The lines of a text as YAML counts them: a lone carriage return ends one too.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    text.split(['\n', '\r']).map(String::from).collect()
}

/// Whether every planted secret of a file stands where a connection keeps its secrets.
fn only_in_secrets(source: &Arc<Source>) -> bool {
    let planted = source.text.matches(PLANTED).count();
    // An alias is one more place of a text that stands elsewhere.
    if planted == 0 || source.text.contains('*') {
        return false;
    }
    // A deep tree needs more stack than a test has.
    let count = || {
        let documents = yaml::parse(source, &mut Diagnostics::default());
        documents.iter().map(planted_in_secrets).sum::<usize>()
    };
    let thread = std::thread::Builder::new().stack_size(16 << 20);
    let found = std::thread::scope(|scope| thread.spawn_scoped(scope, count).map(|it| it.join()));
    found.expect("a thread").expect("no panic") == planted
}

fn planted_in_secrets(document: &Node) -> usize {
    let text = |name: &str| document.get(name).and_then(Node::text);
    if text("apiVersion") != Some("entitle.dev/v1") || text("kind") != Some("Connection") {
        return 0;
    }
    let spec = document.get("spec");
    ["auth", "webhookSecret"]
        .iter()
        .filter_map(|name| spec?.get(name))
        .map(planted_in)
        .sum()
}

fn planted_in(node: &Node) -> usize {
    // Sources of secrets and names of people are no secrets.
    const OPEN: [&str; 10] = [
        "env",
        "file",
        "command",
        "username",
        "accountId",
        "accountAlias",
        "email",
        "clientId",
        "scope",
        "tokenUrl",
    ];
    match &node.tree {
        Tree::Text(text) => text.matches(PLANTED).count(),
        Tree::List(items) => items.iter().map(planted_in).sum(),
        Tree::Map(entries) => entries
            .iter()
            .filter(|entry| !OPEN.contains(&entry.key.as_str()))
            .map(|entry| entry.key.matches(PLANTED).count() + planted_in(&entry.value))
            .sum(),
        Tree::Null | Tree::Bool(_) | Tree::Integer(_) | Tree::Number(_) => 0,
    }
}

/// A saved plan: as it is, and sealed anew so that the reader behind the seal is reached.
pub fn plan_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = saved::read_sealed(&text);
    let body = text.strip_suffix("\n}").unwrap_or(&text);
    let sealed = format!(
        "{body},\n  \"seal\": \"sha256:{}\"\n}}\n",
        hash(body.as_bytes())
    );
    let Ok(document) = saved::read_sealed(&sealed) else {
        return;
    };
    show(&document);
    let again = sealed_text(&document);
    assert!(saved::read_sealed(&again).is_ok(), "what is sealed opens");
}

/// The plan as a file holds it.
pub fn sealed_text(document: &PlanDocument) -> String {
    let mut text = Vec::new();
    saved::write_sealed(document, &mut text).expect("a plan is JSON");
    String::from_utf8(text).expect("JSON is text")
}

fn show(document: &PlanDocument) {
    let mut out = Vec::new();
    let view = |stage| RunView::new(stage, document);
    render::text::write_plan(&mut out, &view(Stage::Planned)).expect("a plan is rendered");
    render::text::write_outcome(&mut out, &view(Stage::Applied)).expect("an outcome is rendered");
    render::json::write_document(&mut out, document).expect("a plan is JSON");
}

/// A journal: as it is, and with a checksum set to every line.
pub fn journal(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    read_journal(&text);
    let summed: String = text.lines().map(summed).collect();
    read_journal(&summed);
}

/// A line of a journal with the checksum that it should have.
pub fn summed(line: &str) -> String {
    let body = line.split(",\"sum\":\"").next().unwrap_or(line);
    let body = body.strip_suffix('}').unwrap_or(body);
    format!("{body},\"sum\":\"{}\"}}\n", &hash(body.as_bytes())[..16])
}

fn read_journal(text: &str) {
    let mut read = Records::new(text.as_bytes());
    let all: Vec<Record> = read.by_ref().collect();
    let damaged = read.end().expect("a text is readable").count();
    assert!(all.len() + damaged <= text.lines().count());
    let mut memory = Memory::new(Detail::Values);
    all.iter().for_each(|record| memory.follow(record));
    assert!(memory.open().count() <= all.len());
    let records = || all.iter().cloned();
    let (runs, mut out) = (read_runs(&all), Vec::new());
    render::history::write_list(&mut out, &runs, jiff::Timestamp::UNIX_EPOCH).expect("a list");
    for run in &runs {
        render::history::write_run(&mut out, run, None, jiff::Timestamp::UNIX_EPOCH)
            .expect("a run");
    }
    for run in runs_that_wrote(records()) {
        let past = PastRun::of(&run.run, records());
        assert!(past.carried_out.len() <= past.addresses.len());
    }
    for record in &all {
        let JournalEvent::Intent(intent) = &record.event else {
            continue;
        };
        let kind = intent.address.split('/').next().unwrap_or_default();
        if let Some(kind) = provider::find_kind(kind) {
            let table = kind.table().desired;
            take_back(table, &intent.changes, &Live::default());
            for field in table {
                if let Some(json) = intent.unread.get(field.name) {
                    let _ = codec::decode_value(field, json, &field.name);
                }
            }
        }
    }
}

fn take_back(table: &'static [Field], changes: &[ChangeEntry], live: &Live) {
    for changed_too in [false, true] {
        let inverse = undo::invert_changes(table, changes, live, changed_too);
        assert!(inverse.lost.len() <= changes.len());
    }
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
