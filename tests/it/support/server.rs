//! A web server in front of the simulators that is what theirs is not: with TLS and HTTP/2, or with replies that
//! are packed. It counts connections and what came over each.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use entitle::sandbox::SandboxServer;
use entitle::sandbox::simulator::HttpReply;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What came over one connection: requests by the version of HTTP.
pub type Carried = BTreeMap<&'static str, usize>;

/// What becomes of an answer before it goes out; the first argument is method and path.
pub type Wrap = dyn Fn(&str, HttpReply) -> HttpReply + Send + Sync;

pub struct Server {
    pub address: SocketAddr,
    connections: Arc<Mutex<Vec<Carried>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(sandbox: Arc<SandboxServer>, tls: bool, wrap: Arc<Wrap>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("an address");
        let connections: Arc<Mutex<Vec<Carried>>> = Arc::default();
        let acceptor = tls.then(acceptor);
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut all = counted.lock().expect("no test panicked");
                    all.push(Carried::new());
                    all.len() - 1
                };
                let sandbox = Arc::clone(&sandbox);
                let (counted, wrap) = (Arc::clone(&counted), Arc::clone(&wrap));
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let answer = move |request: Request<Incoming>| {
                        let version = if request.version() == Version::HTTP_2 {
                            "HTTP/2"
                        } else {
                            "HTTP/1.1"
                        };
                        let mut all = counted.lock().expect("no test panicked");
                        *all[number].entry(version).or_default() += 1;
                        drop(all);
                        answered(Arc::clone(&sandbox), Arc::clone(&wrap), request)
                    };
                    let Some(acceptor) = acceptor else {
                        return serve(stream, false, answer).await;
                    };
                    // Who does not like the certificate goes away, and is seen to have sent nothing.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        serve(stream, second, answer).await;
                    }
                });
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    /// Every connection so far, also those over which nothing came.
    pub fn connections(&self) -> Vec<Carried> {
        self.connections.lock().expect("no test panicked").clone()
    }
}

async fn serve<S, A, F>(stream: S, second: bool, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
{
    let io = TokioIo::new(stream);
    // A client that breaks off is its own affair.
    if second {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(io, service_fn(answer)).await;
    } else {
        let server = hyper::server::conn::http1::Builder::new();
        let _ = server.serve_connection(io, service_fn(answer)).await;
    }
}

async fn answered(
    sandbox: Arc<SandboxServer>,
    wrap: Arc<Wrap>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec());
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let headers: BTreeMap<String, String> = headers.collect();
    let unpacks = headers
        .get("accept-encoding")
        .is_some_and(|it| it.contains("gzip"));
    let target = head.uri.path_and_query().map_or("/", |it| it.as_str());
    let method = head.method.as_str();
    let mut answer = sandbox.answer(method, target, headers, body.unwrap_or_default());
    if unpacks {
        answer = wrap(&format!("{method} {}", head.uri.path()), answer);
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = Full::new(Bytes::from(answer.body));
    Ok(response.body(body).expect("simulators make good replies"))
}

/// Where the certificates of the tests are.
pub fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::from_pem_file(certificate("server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).expect("a key");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key);
    let mut config = config.expect("the key of the certificate");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// A body packed with gzip.
pub fn packed(mut answer: HttpReply) -> HttpReply {
    answer.body = gzip(&answer.body);
    answer
        .headers
        .push(("content-encoding".into(), "gzip".into()));
    answer
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("writing to memory");
    packer.finish().expect("writing to memory")
}
