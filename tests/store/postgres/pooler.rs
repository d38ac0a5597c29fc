//! PgBouncer in front of the server: a session lasts for a transaction.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::open;
use super::server::{Server, as_other_user, keep};
use crate::fixture::StoreFixture;

/// The port of the pooler that all tests share; it ends with the tests.
fn port() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(start)
}

fn start() -> u16 {
    let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(Path::new);
    let program = program.into_iter().find(|program| program.exists()).expect(
        "these tests need PgBouncer: install it (Debian: `apt-get install pgbouncer`), it is not started as a service",
    );
    let server = Server::shared();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let dir = server.dir();
    fs::write(dir.join("users.txt"), "\"postgres\" \"\"\n").unwrap();
    let settings = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = trust\nauth_file = {}/users.txt\n\
         pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 500\nmax_db_connections = 2\n",
        server.port,
        dir.display(),
    );
    let path = dir.join("pgbouncer.ini");
    fs::write(&path, settings).unwrap();
    let mut pooler = as_other_user(Path::new("/bin/sh"));
    let script = "\"$1\" -q \"$2\" >>\"$3\" 2>&1 & read -r _; kill -KILL $!";
    pooler
        .args(["-c", script, "keeper"])
        .arg(program)
        .arg(path)
        .arg(dir.join("pooler.log"));
    keep(
        pooler
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || fs::read_to_string(dir.join("pooler.log")).unwrap_or_default();
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "no pooler: {}",
            log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    port
}

/// A database behind the pooler.
pub async fn fixture() -> StoreFixture {
    let database = Server::shared().database();
    let url = database.at_port(port());
    StoreFixture::new(move || open(url.clone()), ())
}
