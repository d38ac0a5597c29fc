//! The shape of the source, held by a test: imports run toward lower rank, crates have one door, no file
//! is forgotten, every vendor is complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use entitle::provider;

use super::support::golden;

/// Modules by rank; a module may import from lower ranks and from itself. Those of one rank do not see
/// each other.
const RANKS: &[(&str, u8)] = &[
    ("model", 0),
    ("files", 0),
    ("manifest", 1),
    ("provider", 1),
    ("plan", 2),
    ("apply", 3),
    ("reconcile", 4),
    ("render", 5),
    ("sandbox", 0),
    ("daemon", 6),
    ("cli", 7),
    ("main", 8),
];

/// External crates and the only places that may name them.
const DOORS: &[(&str, &[&str])] = &[
    (
        "serde_saphyr",
        &[
            "manifest/yaml.rs",
            "manifest/fast_yaml.rs",
            "manifest/write.rs",
        ],
    ),
    ("yaml_edit", &["manifest/edit.rs"]),
    (
        "postcard",
        &["model/packed.rs", "reconcile/disk_cache/record.rs"],
    ),
    ("serde_yaml", &["manifest/yaml_dialect.rs", "sandbox/"]),
    (
        "reqwest",
        &[
            "apply/http.rs",
            "apply/resolver.rs",
            "apply/store/bucket/client.rs",
            "cli/status/fetch.rs",
            "sandbox/",
        ],
    ),
    (
        "object_store",
        &[
            "apply/store/bucket/client.rs",
            "apply/store/bucket/cloud.rs",
        ],
    ),
    (
        "axum",
        &[
            "sandbox/connection_count.rs",
            "sandbox/server.rs",
            "daemon/serve/",
        ],
    ),
    (
        "hyper",
        &[
            "apply/cause.rs",
            "daemon/serve/connections.rs",
            "daemon/serve/slots.rs",
        ],
    ),
    ("httpdate", &["apply/retry_after.rs"]),
    ("hyper_util", &["daemon/serve/connections.rs"]),
    ("clap", &["cli/"]),
    ("similar", &["render/change.rs", "render/patch.rs"]),
    ("maud", &["render/html/", "daemon/serve/page/"]),
    ("quick_junit", &["render/junit.rs"]),
    ("indicatif", &["cli/progress.rs"]),
    (
        "annotate_snippets",
        &["render/diagnostics.rs", "render/excerpt.rs"],
    ),
    (
        "tracing",
        &["apply/", "reconcile/", "daemon/", "cli/", "sandbox/"],
    ),
    (
        "rustls",
        &["apply/tls.rs", "apply/clock.rs", "apply/cause.rs"],
    ),
    (
        "rustix",
        &[
            "files/",
            "apply/store/term.rs",
            "reconcile/disk_cache/",
            "daemon/descriptors.rs",
            "cli/signals.rs",
        ],
    ),
    ("ignore::", &["manifest/walk/ignores.rs"]),
    ("globset", &["cli/"]),
    ("anstream", &["cli/output.rs", "cli/report_file.rs"]),
    (
        "tempfile",
        &[
            "files/",
            "apply/store/files/",
            "reconcile/disk_cache/",
            "cli/doctor/",
            "cli/watch.rs",
        ],
    ),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/completions.rs"]),
    (
        "tokio",
        &["apply/", "reconcile/", "daemon/", "cli/", "sandbox/"],
    ),
    ("tokio_postgres", &["apply/store/postgres/"]),
    (
        "tokio_postgres_rustls",
        &["apply/store/postgres/connection.rs"],
    ),
    ("hmac", &["provider/signature.rs"]),
    ("prometheus_client", &["daemon/serve/metrics.rs"]),
    ("lettre", &["daemon/notices/mail.rs"]),
    ("notify", &["daemon/source/directory.rs"]),
    ("sd_notify", &["daemon/service_manager.rs"]),
    ("opentelemetry", &["cli/otlp.rs"]),
    ("opentelemetry_sdk", &["cli/otlp.rs"]),
    ("opentelemetry_otlp", &["cli/otlp.rs"]),
    ("tracing_opentelemetry", &["cli/otlp.rs"]),
];

/// Every source file by its path below `src`, without its unit tests.
pub fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)
            .expect("src is readable")
            .flatten()
        {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path
                    .strip_prefix(&root)
                    .expect("below src")
                    .to_string_lossy()
                    .replace('\\', "/");
                let text = std::fs::read_to_string(&path).expect("source is readable");
                let tests = ["#[cfg(test)]", "#[cfg(all(test"];
                let end = tests.iter().filter_map(|mark| text.find(mark)).min();
                let own = text[..end.unwrap_or(text.len())].to_string();
                if !name.ends_with("tests.rs") && !name.contains("/tests/") {
                    found.insert(name, own);
                }
            }
        }
    }
    found
}

fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or(file)
}

fn rank(module: &str) -> Option<u8> {
    RANKS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, rank)| *rank)
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn imports_run_toward_lower_rank() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let from = module(&file);
        if from == "lib" {
            continue;
        }
        let own = rank(from).unwrap_or_else(|| panic!("{file} belongs to no known module"));
        for line in code_lines(&text) {
            for (at, _) in line.match_indices("crate::") {
                let name: String = line[at + "crate::".len()..]
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                let Some(other) = rank(&name) else { continue };
                // The sandbox must not know us, and only the shell may start it.
                let sandboxed = name == "sandbox" && own < 6 || from == "sandbox";
                if name != from && (other >= own || sandboxed) {
                    faults.push(format!("{file} imports {name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "imports against the ranks:\n{}",
        faults.join("\n")
    );
}

#[test]
fn every_crate_has_one_door() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        for line in code_lines(&text) {
            for (name, doors) in DOORS {
                let named = line.match_indices(name).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    let after = line[at + name.len()..].chars().next();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '"')
                        && (name.ends_with("::") || after == Some(':'))
                });
                if named && !doors.iter().any(|door| file.starts_with(door)) {
                    faults.push(format!("{file} names {name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "crates behind the wrong door:\n{}",
        faults.join("\n")
    );
}

/// Files that may write to a vendor, or set off what does; no other names these words.
const WRITING: &[(&str, &[&str])] = &[
    (
        "Writer::new",
        &["apply/execute", "cli/apply.rs", "cli/undo.rs"],
    ),
    ("transport::Writer", &["apply/execute"]),
    ("Account, Writer", &["apply/execute"]),
    ("execute::", &["apply/mod.rs", "reconcile/carry_out.rs"]),
    (
        "exchange(",
        &["apply/http.rs", "apply/session.rs", "apply/transport.rs"],
    ),
    ("reconcile::apply(", &["cli/carry_out.rs", "daemon/"]),
];

/// What plans and compares, and must not be able to write.
const READING: &[&str] = &[
    "plan/drift",
    "reconcile/drift.rs",
    "cli/drift.rs",
    "render/drift",
    "apply/observe.rs",
];

/// Whether a line has a word that is not the end of a longer one.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn only_what_carries_out_can_write() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        for (word, doors) in WRITING {
            let named = code_lines(&text).any(|line| names(line, word));
            if named && !doors.iter().any(|door| file.starts_with(door)) {
                faults.push(format!("{file} names {word}"));
            }
        }
        let reads = READING.iter().any(|reading| file.starts_with(reading));
        for word in ["Writer", "execute", "carry_out", "ApplyOptions", "Recorder"] {
            if reads && code_lines(&text).any(|line| names(line, word)) {
                faults.push(format!("{file} reads only, and names {word}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Ways to the standard streams and the clock, each with the files that may go them. What is shown passes one door,
/// which lets nothing but text through, and a clock that no calendar knows ends no run.
const STREAMS_AND_CLOCK: &[(&str, &[&str])] = &[
    ("println!(", &[]),
    ("print!(", &[]),
    ("dbg!(", &[]),
    // What `/dev/stdout` means is the stream itself, and data.
    ("io::stdout()", &["cli/output.rs", "files/stream.rs"]),
    ("io::stderr()", &["cli/output.rs", "files/stream.rs"]),
    ("Timestamp::now", &["sandbox/"]),
    ("Zoned::now", &[]),
    ("now_v7", &[]),
    (
        "SystemTime::now",
        &[
            "apply/clock.rs",
            "apply/tls.rs",
            "cli/watch_source.rs",
            "manifest/file_stamp.rs",
            "sandbox/",
        ],
    ),
];

#[test]
fn what_is_shown_and_what_the_clock_shows_pass_one_door() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        for (word, doors) in STREAMS_AND_CLOCK {
            // Whether somebody looks on is a question, and shows nothing.
            let asks = |line: &str| line.contains("is_terminal()") || line.contains("choice(");
            let named = code_lines(&text).any(|line| line.contains(word) && !asks(line));
            if named && !doors.iter().any(|door| file.starts_with(door)) {
                faults.push(format!("{file} names {word}"));
            }
        }
    }
    assert!(faults.is_empty(), "past the door:\n{}", faults.join("\n"));
}

#[test]
fn nothing_steers_by_where_a_plan_says_it_came_from() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let shown = module(&file) == "render" || file == "plan/document.rs";
        for line in code_lines(&text).filter(|_| !shown) {
            for member in ["source.paths", "source.manifests"] {
                // Those of the manifests that this run has read are its own.
                let own = [format!("{member} ="), format!("checked.{member}")];
                let read = line.contains(member) && !own.iter().any(|own| line.contains(own));
                if read {
                    faults.push(format!("{file} reads {member}: {}", line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_test_file_is_forgotten() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(dir.join("main.rs")).expect("main.rs is readable");
    for entry in std::fs::read_dir(dir)
        .expect("tests/it is readable")
        .flatten()
    {
        let name = entry
            .file_name()
            .to_string_lossy()
            .trim_end_matches(".rs")
            .to_string();
        assert!(
            name == "main" || main.contains(&format!("mod {name};")),
            "{name} is not in main.rs"
        );
    }
}

#[test]
fn every_vendor_is_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap_or_default();
    let mut faults = Vec::new();
    for provider in provider::ALL {
        let vendor = provider.vendor().0;
        let mut paths = vec![
            format!("src/provider/{vendor}/mod.rs"),
            format!("src/sandbox/{vendor}/mod.rs"),
            format!("examples/{vendor}/connection.yaml"),
        ];
        for kind in provider.kinds() {
            let folder = golden::kind_path(*kind);
            let folder = folder.display();
            paths.extend([
                format!("src/provider/{folder}/mod.rs"),
                format!("src/provider/{folder}/fields.rs"),
                format!("tests/vendors/{folder}/cases"),
                format!("tests/vendors/{folder}/replies"),
                format!("examples/{folder}/minimal.yaml"),
                format!("examples/{folder}/full.yaml"),
            ]);
            let kind = kind.table().kind;
            if !readme.contains(kind.0) {
                faults.push(format!("README.md does not name {kind}"));
            }
        }
        let missing = paths.iter().filter(|path| !root.join(path).exists());
        faults.extend(missing.map(|path| format!("{path} is missing")));
    }
    let names: Vec<&str> = provider::ALL
        .iter()
        .map(|provider| provider.vendor().0)
        .collect();
    assert!(names.is_sorted(), "provider::ALL is in the order of names");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Files that may name a vendor or a kind in an example for the user, beside the vendors' own folders.
const WITH_EXAMPLES: &[&str] = &[
    "cli/drift.rs",
    "cli/explain.rs",
    "cli/history.rs",
    "cli/import.rs",
    "cli/init/mod.rs",
    "cli/plan.rs",
    "cli/sandbox.rs",
    "cli/store.rs",
    "cli/suspend.rs",
    "cli/unmanaged.rs",
    "cli/why.rs",
    "manifest/text_type.rs",
];

/// What only tests are built with.
const OF_TESTS: &[&str] = &[
    "apply/memory/testing.rs",
    "daemon/serve/samples.rs",
    "manifest/testing.rs",
    "provider/testing.rs",
    "reconcile/testing.rs",
    "sandbox/fault_tests/",
];

/// Whether a line has a word that is a vendor's name or begins with it: `lac`, `LAC_TOKEN`, `LacLicenseOrder`.
fn names_vendor(line: &str, vendor: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| {
        let begins = word.get(..vendor.len());
        let after = word.chars().nth(vendor.len());
        begins.is_some_and(|begins| begins.eq_ignore_ascii_case(vendor))
            && after.is_none_or(|next| !next.is_ascii_lowercase())
    })
}

#[test]
fn a_new_vendor_touches_two_files_outside_its_folders() {
    let (mut faults, mut registered) = (Vec::new(), BTreeMap::new());
    let sources = sources();
    for provider in provider::ALL {
        let vendor = provider.vendor().0;
        for (file, text) in &sources {
            let own = ["provider", "sandbox"].map(|edge| format!("{edge}/{vendor}/"));
            let exempt = own.iter().any(|folder| file.starts_with(folder.as_str()))
                || OF_TESTS.iter().any(|path| file.starts_with(path));
            let lines = code_lines(text).map(str::trim);
            for line in lines.filter(|line| !exempt && names_vendor(line, vendor)) {
                let lists = match file.as_str() {
                    "provider/mod.rs" => [format!("mod {vendor};"), format!("&{vendor}::")],
                    "sandbox/mod.rs" => {
                        [format!("pub mod {vendor};"), format!("{vendor}::VENDOR,")]
                    }
                    _ => Default::default(),
                };
                let registers = { lists.iter() }
                    .any(|list| !list.is_empty() && line.starts_with(list.as_str()));
                let example = line.contains("Examples:") || line.contains("for example");
                if registers {
                    *registered.entry((file, vendor)).or_insert(0) += 1;
                } else if !(example && WITH_EXAMPLES.contains(&file.as_str())) {
                    faults.push(format!("{file} names {vendor}: {line}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(registered.len(), 2 * provider::ALL.len(), "{registered:?}");
    assert!(
        registered.values().all(|lines| *lines == 2),
        "{registered:?}"
    );
}

#[test]
fn a_vendor_is_found_in_names_and_not_in_words() {
    for line in ["\"lac\"", "LAC_TOKEN", "LacLicenseOrder", "lac::fields"] {
        assert!(names_vendor(line, "lac"), "{line}");
    }
    for line in ["a place", "lacking", "replace", "Slack"] {
        assert!(!names_vendor(line, "lac"), "{line}");
    }
    assert!(names_vendor("struct LicenseSpringLicense", "licensespring"));
}

/// Words of everyday speech, and names that once meant several things: no function, type, module or constant is called so.
/// Nor is a variable, a parameter or a field, beside the few of [`LOCAL_NAMES`].
const NO_NAMES: &[&str] = &[
    "action", "held", "how", "hunt", "info", "own", "place", "recall", "said", "seen", "shelf",
    "shell", "spared", "surface", "told", "wanted", "wish", "worth",
];

/// Returns what a line declares, with whether all can see it: `("Plan", true)` for `pub struct Plan {`.
fn declared(line: &str) -> Option<(&str, bool)> {
    let (is_public, item) = match line.strip_prefix("pub ") {
        Some(item) => (true, item),
        None => (false, line.strip_prefix("pub(super) ").unwrap_or(line)),
    };
    let item = item.strip_prefix("pub(crate) ").unwrap_or(item);
    let item = item.strip_prefix("async ").unwrap_or(item);
    let keywords = [
        "fn ", "struct ", "enum ", "trait ", "type ", "mod ", "const ", "static ",
    ];
    let name = keywords
        .iter()
        .find_map(|keyword| item.strip_prefix(keyword))?;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
    Some((&name[..end.unwrap_or(name.len())], is_public))
}

/// Words that say enough within one function: `seen` is the set of what a loop has met, `shell` is bash or fish.
const LOCAL_NAMES: &[&str] = &["action", "how", "seen", "shell"];

/// Reports whether a line binds a name by `let`, or as the parameter of a function or closure or a field.
fn binds(line: &str, name: &str) -> bool {
    if !line.contains(name) {
        return false;
    }
    let line = line.trim_start();
    let line = line.strip_prefix("pub ").unwrap_or(line);
    line.starts_with(&format!("{name}: "))
        || ["let ", "let mut ", "Some(", "Ok(", "|", "&"]
            .iter()
            .flat_map(|before| {
                [" ", ")", "|", ",", ":"].map(|after| format!("{before}{name}{after}"))
            })
            .any(|binding| line.contains(&binding))
        || line.contains(&format!("({name}: &"))
        || line.contains(&format!(", {name}: &"))
}

#[test]
fn no_item_is_called_by_a_word_that_says_nothing() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        for (name, _) in code_lines(&text).filter_map(declared) {
            if NO_NAMES.contains(&name.to_ascii_lowercase().as_str()) {
                faults.push(format!("{file} calls something {name}"));
            }
        }
        let local = NO_NAMES.iter().filter(|name| !LOCAL_NAMES.contains(name));
        for name in local {
            for line in code_lines(&text).filter(|line| binds(line, name)) {
                faults.push(format!("{file} binds {name}: {}", line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_two_public_types_share_a_name() {
    let vendors: Vec<String> = provider::ALL
        .iter()
        .flat_map(|provider| {
            let vendor = provider.vendor().0;
            [format!("provider/{vendor}/"), format!("sandbox/{vendor}/")]
        })
        .collect();
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources() {
        if vendors.iter().any(|vendor| file.starts_with(vendor)) {
            continue;
        }
        let types = ["struct ", "enum ", "trait ", "type "];
        let types = code_lines(&text).filter(|line| types.iter().any(|kind| line.contains(kind)));
        for (name, is_public) in types.filter_map(declared) {
            if is_public {
                files
                    .entry(name.to_string())
                    .or_default()
                    .push(file.clone());
            }
        }
    }
    let shared = files.iter().filter(|(_, files)| files.len() > 1);
    let faults: Vec<String> = shared
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect();
    assert!(
        faults.is_empty(),
        "one name, several types:\n{}",
        faults.join("\n")
    );
}
