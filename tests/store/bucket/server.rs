//! A server that speaks like S3 (`moto`, from PyPI), on loopback.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A server that ends with the tests, however these end.
pub struct Server {
    port: u16,
    /// Ends the server when its standard input does, so also when the tests are killed.
    _keeper: Child,
    buckets: AtomicUsize,
}

impl Server {
    /// The server that the tests share, each with a bucket of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let script = "command -v moto_server >/dev/null || exit 9\n\
                      moto_server -H 127.0.0.1 -p \"$1\" >/dev/null 2>&1 & read -r _; kill $!; wait $!";
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", script, "keeper", &port.to_string()]);
        keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut keeper = keeper.spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(ended) = keeper.try_wait().unwrap() {
                panic!("there is no moto_server ({ended}): pip install 'moto[s3,server]'");
            }
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "moto_server does not start"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            port,
            _keeper: keeper,
            buckets: AtomicUsize::default(),
        }
    }

    /// Makes a bucket.
    pub fn bucket(&self) -> String {
        let number = self.buckets.fetch_add(1, Ordering::Relaxed);
        let name = format!("bucket-{number}");
        self.request("PUT", &name, "");
        name
    }

    /// The names of the objects in a bucket.
    pub fn list(&self, bucket: &str) -> Vec<String> {
        let listing = self.request("GET", &format!("{bucket}?list-type=2"), "");
        let keys = listing.split("<Key>").skip(1);
        let keys = keys.filter_map(|rest| rest.split_once("</Key>"));
        keys.map(|(key, _)| key.to_string()).collect()
    }

    /// Sends a request, which succeeds, and returns the body of the reply.
    pub fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut server = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!(
            "{method} /{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: AWS key:unchecked\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        server.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        server.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
        let (_, body) = reply.split_once("\r\n\r\n").expect("a head");
        body.to_string()
    }

    /// The environment of a program that uses the server.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let variables = [
            (
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", self.port),
            ),
            ("AWS_ACCESS_KEY_ID", "key".to_string()),
            ("AWS_SECRET_ACCESS_KEY", "s3cret".to_string()),
            ("AWS_REGION", "us-east-1".to_string()),
        ];
        variables
            .map(|(name, value)| (name.to_string(), value))
            .into()
    }
}
