//! Traces, as a collector on loopback gets them: needs the feature `otlp`, so it stands apart from the other tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One span, as far as these tests ask.
#[derive(Clone, Debug, Default)]
struct Span {
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
    attributes: BTreeMap<String, String>,
}

/// The fields of a protobuf message: numbers with the bytes of what they hold.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in 0..10 {
            let (first, rest) = bytes.split_first().expect("a whole number");
            *bytes = rest;
            value |= u64::from(first & 0x7f) << (7 * shift);
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                let value = varint(&mut bytes);
                fields.push((key >> 3, value.to_string().into_bytes()));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).expect("a length"),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (own, rest) = bytes.split_at(length);
        fields.push((key >> 3, own.to_vec()));
        bytes = rest;
    }
    fields
}

fn inner(message: &[u8], number: u64) -> Vec<Vec<u8>> {
    let all = fields(message).into_iter();
    all.filter(|(own, _)| *own == number)
        .map(|(_, bytes)| bytes)
        .collect()
}

fn first(message: &[u8], number: u64) -> Vec<u8> {
    inner(message, number)
        .into_iter()
        .next()
        .unwrap_or_default()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

/// ExportTraceServiceRequest → ResourceSpans → ScopeSpans → Span, by the numbers of opentelemetry-proto.
fn spans(request: &[u8]) -> Vec<Span> {
    let scopes = inner(request, 1).into_iter().flat_map(|it| inner(&it, 2));
    let spans = scopes.flat_map(|scope| inner(&scope, 2));
    let attribute = |pair: &Vec<u8>| {
        let value = fields(&first(pair, 2)).into_iter().next();
        (text(first(pair, 1)), text(value.unwrap_or_default().1))
    };
    spans
        .map(|span| Span {
            trace: first(&span, 1),
            id: first(&span, 2),
            parent: first(&span, 4),
            name: text(first(&span, 5)),
            attributes: inner(&span, 9).iter().map(attribute).collect(),
        })
        .collect()
}

/// A collector: what was posted to `/v1/traces`.
struct Collector {
    address: String,
    posted: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let posted: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let into = Arc::clone(&posted);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let into = Arc::clone(&into);
                std::thread::spawn(move || serve(stream.expect("a connection"), &into));
            }
        });
        Self { address, posted }
    }

    fn bytes(&self) -> Vec<u8> {
        self.posted.lock().expect("unbroken").concat()
    }

    fn spans(&self) -> Vec<Span> {
        let posted = self.posted.lock().expect("unbroken");
        posted.iter().flat_map(|request| spans(request)).collect()
    }
}

fn serve(mut stream: TcpStream, into: &Mutex<Vec<Vec<u8>>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a connection"));
    loop {
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
        if head.is_empty() {
            return;
        }
        assert!(head.starts_with("POST /v1/traces "), "{head}");
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|text| text.trim().parse().ok());
        let mut body = vec![0; length.expect("a length")];
        reader.read_exact(&mut body).expect("a body");
        into.lock().expect("unbroken").push(body);
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).expect("answered");
    }
}

fn program(collector: &Collector, state: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entitle"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("XDG_STATE_HOME", state.path())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Ends the daemon when the test does.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The words that open the simulators: nothing of them may leave.
fn secrets() -> BTreeSet<&'static str> {
    let vendors = entitle::sandbox::vendor_names();
    let all = vendors.flat_map(entitle::sandbox::credentials::credentials_of);
    let values = all.flat_map(|credential| credential.values.iter().map(|(_, value)| *value));
    // `sandbox` is also the name of a switch.
    values
        .filter(|value| value.len() > "sandbox".len())
        .collect()
}

#[test]
fn every_pass_is_a_trace_of_readings_steps_and_exchanges() {
    let (collector, state) = (
        Collector::start(),
        tempfile::tempdir().expect("a directory"),
    );
    let watch = [
        "watch",
        "examples/lac",
        "--sandbox",
        "--mode",
        "sync",
        "--resync",
        "1s",
        "--max-changes",
        "9",
    ];
    let mut command = program(&collector, &state, &watch);
    let mut daemon = Daemon(command.spawn().expect("it starts"));
    let roots = || -> Vec<Span> {
        let spans = collector.spans().into_iter();
        spans.filter(|span| span.name == "pass").collect()
    };
    let start = Instant::now();
    while roots().len() < 2 {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            collector.spans()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = daemon.0.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.expect("kill runs").success());
    assert!(daemon.0.wait().expect("it ends").success());
    // By then everything was sent.
    let (spans, roots) = (collector.spans(), roots());
    let traces: BTreeSet<&Vec<u8>> = roots.iter().map(|root| &root.trace).collect();
    assert_eq!(traces.len(), roots.len(), "one trace per pass");
    assert!(roots.iter().all(|root| root.parent.is_empty()), "{roots:?}");
    assert!(
        roots
            .iter()
            .all(|root| root.attributes["connection"] == "lac")
    );
    let parent = |span: &Span| {
        let same = |other: &&Span| other.id == span.parent && other.trace == span.trace;
        spans.iter().find(same).map(|parent| parent.name.as_str())
    };
    let mut seen = BTreeSet::new();
    for span in &spans {
        seen.insert((parent(span), span.name.as_str()));
    }
    let wanted = [
        (None, "pass"),
        (Some("pass"), "observe"),
        (Some("pass"), "step"),
        // Right before its write and after it.
        (Some("step"), "observe"),
        (Some("observe"), "exchange"),
        (Some("step"), "exchange"),
    ];
    assert_eq!(seen, wanted.into());
    let step = spans
        .iter()
        .find(|span| span.name == "step")
        .expect("a step");
    assert_eq!(step.attributes["outcome"], "converged", "{step:?}");
    // Steps create as well, so it is one of an update that is looked at.
    let write = spans
        .iter()
        .filter(|span| span.name == "exchange" && parent(span) == Some("step"))
        .find(|span| span.attributes["http.request.method"] == "PATCH")
        .expect("a write of an update");
    assert_eq!(write.attributes["http.response.status_code"], "200");
    let sent = collector.bytes();
    for secret in secrets() {
        let shown = sent
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!shown, "{secret} is in a trace");
    }
}

#[test]
fn a_command_joins_the_trace_that_started_it_and_without_a_collector_nothing_is_sent() {
    let (collector, state) = (
        Collector::start(),
        tempfile::tempdir().expect("a directory"),
    );
    let plan = ["plan", "examples/lac", "--sandbox"];
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let status = program(&collector, &state, &plan)
        .env("TRACEPARENT", format!("00-{trace}-b7ad6b7169203331-01"))
        .status();
    assert!(status.expect("it runs").success());
    let spans = collector.spans();
    assert!(
        spans.iter().all(|span| hex::encode(&span.trace) == trace),
        "{spans:?}"
    );
    let root = spans
        .iter()
        .find(|span| span.name == "plan")
        .expect("the command");
    assert_eq!(hex::encode(&root.parent), "b7ad6b7169203331");
    assert!(spans.iter().any(|span| span.name == "exchange"));
    let silent = Collector::start();
    let status = program(&silent, &state, &plan)
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .status();
    assert!(status.expect("it runs").success());
    assert!(silent.bytes().is_empty());
}
