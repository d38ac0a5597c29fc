//! A proxy in front of the sandbox that spoils chosen exchanges: what a bad network, a gateway or a broken
//! server does, which no simulator of a vendor would.
//!
//! It speaks just enough HTTP/1.1: one request per connection, bodies by `Content-Length`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One request as it came by.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// `PATCH /lac/license-orders/…`.
    pub name: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Passed {
    /// Path and query as sent.
    pub fn path(&self) -> &str {
        self.name.split(' ').nth(1).unwrap_or_default()
    }

    pub fn is_read(&self) -> bool {
        self.name.starts_with("GET ")
    }

    /// Neither a read nor a login.
    pub fn is_write(&self) -> bool {
        !self.is_read() && !is_login(self.path())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// Whether a path is where a vendor's session is opened.
pub fn is_login(path: &str) -> bool {
    let ends = ["/login", "/token", "/tokens"];
    ends.iter().any(|end| path.ends_with(end))
}

/// A reply of the proxy's own.
#[derive(Clone, Debug)]
pub struct Canned {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// More header lines.
    pub headers: Vec<(&'static str, String)>,
}

impl Canned {
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            content_type,
            body: body.into(),
            headers: Vec::new(),
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Spoiled\r\nconnection: close\r\n", self.status);
        head += &format!("content-type: {}\r\n", self.content_type);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", self.body.len());
        [head.into_bytes(), self.body.clone()].concat()
    }
}

/// What happens to an exchange.
pub enum Spoil {
    /// The vendor never sees the request.
    Instead(Canned),
    /// The vendor carries the request out, the client gets this.
    After(Canned),
    /// The connection ends without a reply: before the vendor saw the request.
    CutBefore,
    /// The connection ends without a reply, though the vendor carried the request out.
    CutAfter,
    /// The connection ends in the middle of the reply.
    CutShort,
    /// The vendor carries the request out, and the client waits for ever.
    Silence,
    /// The vendor's reply with another body.
    Edit(Box<dyn FnOnce(String) -> String + Send>),
    /// Something happens when the vendor has answered, and before the client knows. It must not wait for
    /// anything: the proxy, the sandbox and the client share their threads.
    Meanwhile(Box<dyn FnOnce() + Send>),
}

type Rule = dyn Fn(usize, &Passed) -> Option<Spoil> + Send + Sync;

/// A running proxy; it ends when dropped.
pub struct Proxy {
    pub address: SocketAddr,
    passed: Arc<Mutex<Vec<Passed>>>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Starts between clients and `upstream`. The rule is asked for each request, with its number from 0.
    pub async fn start(
        upstream: SocketAddr,
        rule: impl Fn(usize, &Passed) -> Option<Spoil> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let passed = Arc::new(Mutex::new(Vec::new()));
        let rule: Arc<Rule> = Arc::new(rule);
        let all = Arc::clone(&passed);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (rule, all) = (Arc::clone(&rule), Arc::clone(&all));
                tokio::spawn(async move {
                    // A client that goes away in the middle is no fault of the test.
                    let _ = exchange(client, upstream, &*rule, &all).await;
                });
            }
        });
        Self {
            address,
            passed,
            task,
        }
    }

    /// The requests so far, in the order in which they came.
    pub fn passed(&self) -> Vec<Passed> {
        lock(&self.passed).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn exchange(
    mut client: TcpStream,
    upstream: SocketAddr,
    rule: &Rule,
    all: &Mutex<Vec<Passed>>,
) -> std::io::Result<()> {
    let Some(request) = message(&mut client).await? else {
        return Ok(());
    };
    let spoil = {
        let mut all = lock(all);
        let passed = read(&request);
        all.push(passed.clone());
        rule(all.len() - 1, &passed)
    };
    let reply = match &spoil {
        Some(Spoil::Instead(_) | Spoil::CutBefore) => Vec::new(),
        _ => forward(&request, upstream).await?,
    };
    match spoil {
        None => client.write_all(&reply).await?,
        Some(Spoil::Instead(canned) | Spoil::After(canned)) => {
            client.write_all(&canned.bytes()).await?;
        }
        Some(Spoil::CutBefore | Spoil::CutAfter) => {}
        Some(Spoil::Silence) => std::future::pending().await,
        Some(Spoil::CutShort) => client.write_all(&reply[..reply.len() - 7]).await?,
        Some(Spoil::Meanwhile(act)) => {
            act();
            client.write_all(&reply).await?;
        }
        Some(Spoil::Edit(edit)) => {
            let body = edit(read(&reply).body);
            let status = String::from_utf8_lossy(&reply[9..12]).parse().unwrap_or(0);
            let canned = Canned::new(status, "application/json", body);
            client.write_all(&canned.bytes()).await?;
        }
    }
    client.shutdown().await
}

/// Sends a request on, on a connection of its own, and takes the whole reply.
async fn forward(request: &[u8], upstream: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(upstream).await?;
    let end = head_end(request).unwrap_or(request.len());
    server.write_all(&request[..end - 2]).await?;
    server.write_all(b"connection: close\r\n\r\n").await?;
    server.write_all(&request[end..]).await?;
    let mut reply = Vec::new();
    server.read_to_end(&mut reply).await?;
    Ok(reply)
}

/// One message with its body; nothing if the other side closed before sending one.
async fn message(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk).await?;
        if length == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..length]);
        let Some(end) = head_end(&bytes) else {
            continue;
        };
        let wanted = read(&bytes[..end])
            .header("content-length")
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(0);
        if bytes.len() >= end + wanted {
            return Ok(Some(bytes));
        }
    }
}

/// Where the body begins.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(at + 4)
}

fn read(message: &[u8]) -> Passed {
    let end = head_end(message).unwrap_or(message.len());
    let head = String::from_utf8_lossy(&message[..end]);
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    Passed {
        name: first.trim_end_matches(" HTTP/1.1").to_string(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
            .collect(),
        body: String::from_utf8_lossy(&message[end..]).into_owned(),
    }
}
