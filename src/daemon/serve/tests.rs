pub mod fake_daemon;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use self::fake_daemon::FakeDaemon;
use super::*;
use crate::apply::{Secrets, Trust};
use crate::daemon::hooks::{BODY_CAP, WebhookSecrets};
use crate::daemon::trigger::Trigger;
use crate::manifest;
use crate::provider::signature;

/// A running server, the channels that feed it, and the triggers that it sent.
pub struct Bench {
    address: SocketAddr,
    status: watch::Sender<Arc<Status>>,
    woken: mpsc::Receiver<Trigger>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

const TOKEN: &str = "a-long-enough-token";

/// Returns the webhook keys of a manifest, resolved as the daemon resolves them.
async fn keys() -> WebhookSecrets {
    let manifest = "apiVersion: entitle.dev/v1\nkind: Connection\nmetadata: {name: main}\nspec:\n  \
                    vendor: cryptlex\n  baseUrl: https://api.cryptlex.com\n  auth: {token: {env: T}}\n  \
                    webhookSecret: {env: HOOK}\n";
    let source = crate::model::diagnostic::Source::new("main.yaml".into(), manifest.into());
    let kinds = crate::provider::kind_rows();
    let (_, read) = manifest::read_drafts(&Arc::new(source), &kinds);
    let secrets = Secrets {
        environment: Arc::new(|name| (name == "HOOK").then(|| "hook-word".into())),
        trust: Trust::default(),
    };
    let (keys, faults) = WebhookSecrets::resolve(&read.connections, None, &secrets).await;
    assert!(
        faults.is_empty() && read.connections.len() == 1,
        "{faults:?}"
    );
    let bare = Secrets {
        environment: Arc::new(|_| None),
        trust: Trust::default(),
    };
    let (_, faults) = WebhookSecrets::resolve(&read.connections, None, &bare).await;
    assert_eq!(
        faults,
        [
            "the hook of main is closed: the environment variable HOOK is not set: set it where entitle runs"
        ]
    );
    keys
}

async fn bench(objects: usize, token: Option<&str>, room: usize) -> Bench {
    bounded(objects, token, room, ConnectionBounds::DEFAULT).await
}

async fn bounded(
    objects: usize,
    token: Option<&str>,
    room: usize,
    bounds: ConnectionBounds,
) -> Bench {
    let daemon = FakeDaemon::start();
    let change = |serving: &mut ServerConfig| {
        serving.token = token.map(SecretString::from);
        serving.bounds = bounds;
    };
    Bench::start_with(objects, room, &daemon, change).await
}

impl Bench {
    /// Starts a server with actions.
    pub async fn start(objects: usize, actions: Option<ActionAccess>, daemon: &FakeDaemon) -> Self {
        Self::start_with(objects, 1, daemon, |serving| serving.actions = actions).await
    }

    async fn start_with(
        objects: usize,
        room: usize,
        daemon: &FakeDaemon,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (status, seen) = watch::channel(Arc::new(samples::sample_status(objects)));
        let (triggers, woken) = mpsc::channel(room);
        let hooks = Hooks::new(keys().await, triggers);
        let mut serving = config(seen, hooks, daemon);
        change(&mut serving);
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(run_server(listener, serving, async move {
            let _ = stopped.await;
        }));
        Self {
            address,
            status,
            woken,
            stop,
            server,
        }
    }
}

/// A server that shows everything and takes no actions.
fn config(status: watch::Receiver<Arc<Status>>, hooks: Hooks, daemon: &FakeDaemon) -> ServerConfig {
    ServerConfig {
        status,
        hooks: Arc::new(hooks),
        token: None,
        daemon: daemon.handle.clone(),
        actions: None,
        windows: Vec::new(),
        source_host: None,
        clock: samples::sample_now,
        nonce: || "nonce".into(),
        bounds: ConnectionBounds::DEFAULT,
    }
}

impl Bench {
    /// Sends bytes and reads until the server closes.
    pub async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connects");
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(request).await;
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply).await;
        String::from_utf8_lossy(&reply).into_owned()
    }

    pub async fn get(&self, path: &str, headers: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        self.raw(request.as_bytes()).await
    }

    async fn look(&self, path: &str) -> String {
        self.get(path, "host: localhost\r\n").await
    }

    async fn post(&self, path: &str, headers: &str, body: &[u8]) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: hooks.example\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    pub async fn end(self) -> io::Result<()> {
        let _ = self.stop.send(());
        self.server.await.expect("no panic")
    }
}

pub fn code(reply: &str) -> u16 {
    reply
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

pub fn body(reply: &str) -> &str {
    reply.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

const EVENT: &[u8] = br#"{"event":"organization.license.updated","data":{"id":"l1"}}"#;

fn signed(body: &[u8]) -> String {
    let value = BASE64.encode(signature::sign(b"hook-word", &[body]));
    format!("content-type: application/json; charset=utf-8\r\nwebhook-signature: {value}\r\n")
}

#[tokio::test]
async fn a_signed_delivery_is_taken_at_once_and_wakes_its_object() {
    let mut bench = bench(3, None, 4).await;
    let path = "/hooks/cryptlex/main";
    assert_eq!(code(&bench.post(path, &signed(EVENT), EVENT).await), 202);
    let object = Trigger::Object {
        connection: "main".into(),
        id: "l1".into(),
    };
    assert_eq!(bench.woken.try_recv().ok(), Some(object));
    let again = bench.post(path, &signed(EVENT), EVENT).await;
    assert_eq!((code(&again), body(&again)), (202, "taken before\n"));
    assert!(bench.woken.try_recv().is_err());
    let scraped = bench.look("/metrics").await;
    for line in [
        "entitle_hook_deliveries_total{hook=\"cryptlex\",result=\"taken\"} 1",
        "entitle_hook_deliveries_total{hook=\"cryptlex\",result=\"repeated\"} 1",
    ] {
        assert!(scraped.contains(line), "{line}\n{scraped}");
    }
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn what_is_not_a_signed_delivery_wakes_nothing() {
    let mut bench = bench(3, None, 4).await;
    let json = "content-type: application/json\r\n";
    let large = vec![b' '; BODY_CAP + 1];
    let wrong = bench.post("/hooks/cryptlex/main", json, EVENT).await;
    let unknown = bench
        .post("/hooks/cryptlex/nobody", &signed(EVENT), EVENT)
        .await;
    let dated = |reply: &str| {
        reply
            .lines()
            .filter(|line| !line.starts_with("date:"))
            .collect::<String>()
    };
    assert_eq!(code(&wrong), 403);
    assert_eq!(dated(&wrong), dated(&unknown), "names are not told apart");
    for (path, headers, body, desired) in [
        ("/hooks/licensespring/main", json.to_string(), EVENT, 403),
        ("/hooks/git", json.to_string(), EVENT, 403),
        ("/hooks/lac/main", json.to_string(), EVENT, 404),
        ("/hooks/cryptlex/main", signed(&large), &large[..], 413),
        (
            "/hooks/cryptlex/main",
            signed(EVENT).replace("application/json", "text/plain"),
            EVENT,
            415,
        ),
        ("/hooks/cryptlex/main", signed(EVENT), &EVENT[1..], 403),
    ] {
        let reply = bench.post(path, &headers, body).await;
        assert_eq!(code(&reply), desired, "{path} {headers}");
    }
    assert_eq!(code(&bench.look("/hooks/cryptlex/main").await), 405);
    assert!(bench.woken.try_recv().is_err());
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn a_body_without_a_length_is_capped_as_well() {
    let bench = bench(3, None, 4).await;
    let mut request = b"POST /hooks/cryptlex/main HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                        content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec();
    let chunk = vec![b' '; 0x10000];
    for _ in 0..17 {
        request.extend_from_slice(b"10000\r\n");
        request.extend_from_slice(&chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(code(&bench.raw(&request).await), 413);
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn a_full_queue_and_a_flood_are_told_to_come_again() {
    let bench = bench(3, None, 1).await;
    let mut codes = Vec::new();
    for number in 0..200 {
        let event = format!(r#"{{"event":"license.updated","data":{{"id":"{number}"}}}}"#);
        let reply = bench
            .post(
                "/hooks/cryptlex/main",
                &signed(event.as_bytes()),
                event.as_bytes(),
            )
            .await;
        if matches!(code(&reply), 429 | 503) {
            assert!(reply.to_lowercase().contains("retry-after: "), "{reply}");
        }
        codes.push(code(&reply));
    }
    assert_eq!(codes[..2], [202, 503]);
    assert!(codes.contains(&429), "{codes:?}");
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn probes_tell_a_stopping_and_a_dead_daemon() {
    let bench = bench(3, Some(TOKEN), 1).await;
    // The probe needs no token, and any name in `Host` will do.
    assert_eq!(code(&bench.get("/healthz", "host: probe\r\n").await), 200);
    assert_eq!(code(&bench.get("/readyz", "host: probe\r\n").await), 200);
    bench.status.send_modify(|status| {
        Arc::make_mut(status).source.loaded_at = None;
    });
    assert_eq!(code(&bench.look("/readyz").await), 503);
    bench.status.send_modify(|status| {
        let status = Arc::make_mut(status);
        status.source.loaded_at = Some(samples::sample_now());
        status.source.unfollowed = Some("cannot follow m: it is not there".into());
    });
    let reply = bench.look("/readyz").await;
    let why = "changes of the source are not seen: cannot follow m: it is not there\n";
    assert_eq!((code(&reply), body(&reply)), (503, why));
    assert_eq!(code(&bench.look("/healthz").await), 200);
    bench.status.send_modify(|status| {
        let status = Arc::make_mut(status);
        status.source.unfollowed = None;
        status.stopping = true;
    });
    assert_eq!(code(&bench.look("/readyz").await), 503);
    assert_eq!(code(&bench.look("/healthz").await), 200);
    let address = bench.address;
    drop(bench.status);
    let gone = Bench {
        status: watch::channel(Arc::new(samples::sample_status(0))).0,
        address,
        woken: bench.woken,
        stop: bench.stop,
        server: bench.server,
    };
    assert_eq!(code(&gone.look("/healthz").await), 503);
    gone.end().await.expect("stops");
}

#[tokio::test]
async fn everything_else_asks_for_the_token_and_for_a_name_of_this_machine() {
    let bench = bench(3, Some(TOKEN), 1).await;
    for path in ["/", "/status", "/events", "/metrics", "/page.js"] {
        let bare = bench.look(path).await;
        assert_eq!(code(&bare), 401, "{path}");
        assert!(bare.contains("www-authenticate: Basic"), "{bare}");
        let headers = format!("host: evil.example\r\nauthorization: Bearer {TOKEN}\r\n");
        assert_eq!(code(&bench.get(path, &headers).await), 421, "{path}");
    }
    let headers = format!("host: localhost\r\nauthorization: Bearer {TOKEN}\r\n");
    assert_eq!(code(&bench.get("/status", &headers).await), 200);
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn others_are_not_served_without_a_token() {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let (_status, seen) = watch::channel(Arc::new(samples::sample_status(0)));
    let hooks = Hooks::new(WebhookSecrets::default(), mpsc::channel(1).0);
    let serving = config(seen, hooks, &FakeDaemon::start());
    let refused = run_server(listener, serving, std::future::pending()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("--listen-token")));
}

#[tokio::test]
async fn the_page_says_what_is_there_and_nothing_else() {
    let bench = bench(200, None, 1).await;
    let page = bench.look("/").await;
    assert_eq!(code(&page), 200);
    assert!(page.contains("content-security-policy: default-src 'none'"));
    // With a stricter policy browsers would send no origin with the forms of the page.
    assert!(page.contains("referrer-policy: same-origin"));
    for words in [
        "entitle-watch-7d9f8-x2x4k, one of 2, looks after 4 of 5 connections",
        "LacLicenseOrder",
        "strands",
        "5 allowed, 7 in use",
        "The brake is on.",
        "8c1f0a9be34d",
        "Nothing is written at spring.",
    ] {
        assert!(body(&page).contains(words), "{words}");
    }
    for outside in ["http://", "style=", "onclick", "<script>"] {
        assert!(!body(&page).contains(outside), "{outside}");
    }
    let narrowed = bench.look("/?state=missing&q=%3Cscript%3Ealert").await;
    assert!(body(&narrowed).contains("Nothing matches."));
    assert!(
        !narrowed.contains("<script>alert"),
        "what was asked is escaped"
    );
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn the_status_is_json_and_takes_the_filter_of_the_page() {
    let bench = bench(200, None, 1).await;
    let objects = |reply: &str| {
        let document: serde_json::Value = serde_json::from_str(body(reply)).expect("JSON");
        assert_eq!(document["format_version"], FORMAT_VERSION);
        document["objects"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(objects(&bench.look("/status").await), 200);
    assert_eq!(objects(&bench.look("/status?state=failed").await), 1);
    // Without a filter `/status` still shows every object.
    assert_eq!(objects(&bench.look("/status").await), 200);
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn events_are_small_and_end_when_the_daemon_does() {
    let bench = bench(10_000, None, 1).await;
    let mut stream = TcpStream::connect(bench.address).await.expect("connects");
    let request = b"GET /events?state=failed HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("sent");
    let first = until(&mut stream, "\n\n").await;
    assert!(first.contains("text/event-stream") && first.contains(r#""objects":10000"#));
    bench.status.send_modify(|status| {
        let status = Arc::make_mut(status);
        for object in status.objects.iter_mut().take(5_000) {
            Arc::make_mut(object).last_pass = None;
        }
    });
    let second = until(&mut stream, "\n\n").await;
    assert!(second.contains(r#""changed":5000"#), "{second}");
    assert!(second.len() < 300, "{second}");
    bench.end().await.expect("stops though somebody listens");
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest));
    assert!(end.await.is_ok(), "the stream ends");
}

async fn until(stream: &mut TcpStream, mark: &str) -> String {
    let mut text = String::new();
    let mut piece = [0; 4_096];
    loop {
        let read = stream.read(&mut piece).await.expect("readable");
        text.push_str(&String::from_utf8_lossy(&piece[..read]));
        // The head ends like an event.
        let events = text.split("\r\n\r\n").last().unwrap_or_default();
        if read == 0 || events.contains(mark) {
            return text;
        }
    }
}

/// Waits for the end of a connection, as long as it takes; a server that never ends one fails the test.
async fn ended(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest));
    // A connection that the server closes with bytes unread is reset, so an error here is an end as well.
    let _ = end.await.expect("the connection ends");
    rest
}

/// Opens a connection and sends `request`, which may be empty.
async fn open(bench: &Bench, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(bench.address).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

#[tokio::test]
async fn silent_connections_give_way_to_whoever_asks() {
    let bounds = ConnectionBounds {
        all: 12,
        per_peer: 8,
        header_timeout: Duration::from_secs(3600),
    };
    let bench = bounded(3, None, 1, bounds).await;
    let mut silent = Vec::new();
    for number in 0..20 {
        let half = ["", "GET / HTTP/1.1\r\nhost"][number % 2];
        silent.push(open(&bench, half).await);
    }
    for oldest in &mut silent[..12] {
        assert_eq!(ended(oldest).await, b"", "closed without a word");
    }
    // The probe comes from the same address, while the other connections are still open.
    assert_eq!(code(&bench.look("/healthz").await), 200);
    let _ = bench.stop.send(());
    drop(silent);
    bench.server.await.expect("no panic").expect("stops");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_in_requests_shut_out_their_own_peer_only() {
    let bounds = ConnectionBounds {
        all: 12,
        per_peer: 8,
        header_timeout: Duration::from_secs(3600),
    };
    let bench = bounded(3, None, 1, bounds).await;
    let mut streams = Vec::new();
    for _ in 0..bounds.per_peer {
        let mut stream = open(&bench, "GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(
            until(&mut stream, "\n\n")
                .await
                .contains("text/event-stream")
        );
        streams.push(stream);
    }
    assert_eq!(bench.look("/healthz").await, "", "closed without a word");
    let other = tokio::net::TcpSocket::new_v4().expect("a socket");
    let address = "127.0.0.2:0".parse().expect("an address");
    other.bind(address).expect("bound");
    let mut other = other.connect(bench.address).await.expect("connects");
    let probe = b"GET /healthz HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n";
    other.write_all(probe).await.expect("sent");
    let reply = String::from_utf8(ended(&mut other).await).expect("text");
    assert_eq!((code(&reply), body(&reply)), (200, "ok\n"));
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn what_stays_silent_is_closed_and_what_is_under_way_is_not() {
    let bounds = ConnectionBounds {
        header_timeout: Duration::from_millis(100),
        ..ConnectionBounds::DEFAULT
    };
    let bench = bounded(3, None, 1, bounds).await;
    let mut stream = open(&bench, "GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let first = until(&mut stream, "\n\n").await;
    assert!(first.contains("text/event-stream"), "{first}");
    let mut nothing = open(&bench, "").await;
    let mut half = open(&bench, "GET /healthz HTTP/1.1\r\nhost: loc").await;
    let mut again = open(&bench, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(ended(&mut nothing).await, b"");
    assert_eq!(ended(&mut half).await, b"");
    // The client got one reply and sent no second request.
    let reply = String::from_utf8(ended(&mut again).await).expect("text");
    assert!(
        reply.starts_with("HTTP/1.1 200") && reply.ends_with("ok\n"),
        "{reply}"
    );

    // The stream has been open for longer than that limit, and still gets events.
    bench.status.send_modify(|status| {
        for object in &mut Arc::make_mut(status).objects {
            Arc::make_mut(object).last_pass = None;
        }
    });
    let second = until(&mut stream, "\n\n").await;
    assert!(second.contains("\"changed\":3"), "{second}");
    bench.end().await.expect("stops");
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let bench = bench(3, None, 1).await;
    let ask = async |accept: &str| {
        let headers = format!("host: localhost\r\n{accept}");
        bench.get("/metrics", &headers).await
    };
    let text = ask("accept: text/plain\r\n").await;
    assert!(
        text.contains("content-type: text/plain; version=0.0.4"),
        "{text}"
    );
    assert!(
        text.contains("# TYPE entitle_reconcile_total counter\n"),
        "{text}"
    );
    assert!(!text.contains("# EOF"), "{text}");
    let open = ask("accept: application/openmetrics-text\r\n").await;
    assert!(
        open.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{open}"
    );
    assert!(
        open.contains("# TYPE entitle_reconcile counter\n") && open.ends_with("# EOF\n"),
        "{open}"
    );
    bench.end().await.expect("stops");
}

#[test]
fn the_status_is_as_its_schema_says() {
    let schema = crate::render::schema::document_schema::<crate::daemon::status::StatusDocument>();
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let document = StatusDocument {
        format_version: FORMAT_VERSION.into(),
        version: "0.1.0".into(),
        windows: describe_windows(&[], samples::sample_now()),
        status: samples::sample_status(200),
    };
    let mut document = serde_json::to_value(&document).expect("JSON");
    let faults: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    document["objects"][0]["state"] = "odd".into();
    assert!(!validator.is_valid(&document));
}
