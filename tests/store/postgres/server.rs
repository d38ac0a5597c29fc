//! A PostgreSQL server of the tests' own, on loopback.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// A server that ends with the tests, however these end.
pub struct Server {
    bin: PathBuf,
    dir: PathBuf,
    pub port: u16,
    /// Ends the server when its standard input does, so also when the tests are killed.
    keeper: Mutex<Option<Child>>,
    databases: AtomicUsize,
}

impl Server {
    /// The server that most tests share, each with a database of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(""))
    }

    /// Makes and starts a server, with further lines of its configuration.
    pub fn start(settings: &str) -> Self {
        let bin = bin();
        let dir = tempfile::Builder::new().prefix("entitle-pg-").tempdir();
        let dir = dir.unwrap().keep();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let server = Self {
            bin,
            dir,
            port,
            keeper: Mutex::default(),
            databases: AtomicUsize::default(),
        };
        server.give_away(&server.dir);
        let data = server.dir.join("data");
        let mut initdb = as_other_user(&server.bin.join("initdb"));
        initdb.args([
            "--no-sync",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
        ]);
        run(initdb.arg("--pgdata").arg(&data));
        let socket = server.dir.display();
        let own = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{socket}'\n\
             max_connections = 300\nssl = on\n{settings}\n"
        );
        for name in ["server.pem", "server.key"] {
            let target = data.join(name.replace("pem", "crt"));
            let from = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/tls")
                .join(name);
            fs::copy(from, &target).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
            server.give_away(&target);
        }
        append(&data.join("postgresql.conf"), &own);
        // First match wins: one user must know a password.
        let rules = data.join("pg_hba.conf");
        let others = fs::read_to_string(&rules).unwrap();
        fs::write(
            &rules,
            format!("host all guarded all scram-sha-256\n{others}"),
        )
        .unwrap();
        server.run();
        server
    }

    /// Makes a file that of whoever the server runs as.
    fn give_away(&self, path: &Path) {
        if let Some((user, group)) = other_user() {
            std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
        }
    }

    /// Starts the server on its data.
    pub fn run(&self) {
        let data = self.dir.join("data");
        let mut keeper = as_other_user(Path::new("/bin/sh"));
        let script = "\"$1\" -D \"$2\" >>\"$3/log\" 2>&1 & read -r word; kill -QUIT $!; wait $!; [ \"$word\" = keep ] || rm -rf \"$3\"";
        keeper
            .args(["-c", script, "keeper"])
            .arg(self.bin.join("postgres"))
            .arg(data)
            .arg(&self.dir);
        keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        *self.keeper.lock().unwrap() = Some(keeper.spawn().unwrap());
        let start = Instant::now();
        while !self.is_ready() {
            let log = || fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "no server: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_ready(&self) -> bool {
        let mut asking = Command::new(self.bin.join("pg_isready"));
        asking.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        asking.status().is_ok_and(|status| status.success())
    }

    /// Kills every process of the server at once, as a machine that loses its power does.
    pub fn kill(&self) {
        let main = fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap();
        let main: u32 = main.lines().next().unwrap().trim().parse().unwrap();
        let children = children(main);
        signal(
            "KILL",
            std::iter::once(main).chain(children.iter().copied()),
        );
        let start = Instant::now();
        while children.iter().chain([&main]).any(|pid| is_there(*pid)) {
            assert!(start.elapsed() < Duration::from_secs(10), "it does not die");
            std::thread::sleep(Duration::from_millis(5));
        }
        // Its parent is to see its end, or it seems to be there still.
        let mut keeper = self.keeper.lock().unwrap().take().unwrap();
        keeper.stdin.take().unwrap().write_all(b"keep\n").unwrap();
        keeper.wait().unwrap();
    }

    /// Where its sockets and files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes a database.
    pub fn database(&self) -> Database<'_> {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Database {
            url: self.url(&name, "postgres"),
            server: self,
            name,
        }
    }

    pub fn url(&self, database: &str, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements in a database and returns what they print.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        run(&mut self.psql(database, "postgres", sql))
            .trim()
            .to_string()
    }

    fn psql(&self, database: &str, user: &str, sql: &str) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            user,
        ]);
        psql.args(["-p", &self.port.to_string(), "-d", database, "-c", sql]);
        psql
    }
}

/// A database of one test.
pub struct Database<'a> {
    pub url: String,
    pub name: String,
    server: &'a Server,
}

impl Database<'_> {
    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    /// The statements that make the same tables with the same rows.
    pub fn dump(&self) -> String {
        let mut dump = Command::new(self.server.bin.join("pg_dump"));
        dump.args(["--inserts", "--schema=entitle", "--no-owner"]);
        dump.args(["--no-privileges", "--dbname", &self.url]);
        run(&mut dump)
    }

    /// A session in which transactions can be held.
    pub async fn client(&self) -> tokio_postgres::Client {
        let connecting = tokio_postgres::connect(&self.url, tokio_postgres::NoTls);
        let (client, connection) = connecting.await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// The error of a statement that `user` may not run.
    pub fn refused_sql(&self, user: &str, sql: &str) -> String {
        let out = self.server.psql(&self.name, user, sql).output().unwrap();
        assert!(!out.status.success(), "{sql}");
        String::from_utf8_lossy(&out.stderr).to_string()
    }

    /// The URL for whoever comes by another port.
    pub fn at_port(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{}", self.name)
    }
}

/// Keeps a child, and the pipe that is its standard input, until the tests end.
pub fn keep(child: Child) {
    static KEPT: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    KEPT.lock().unwrap().push(child);
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.lock().unwrap().take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// The newest PostgreSQL that is installed.
fn bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let found = versions.filter_map(|entry| {
        let bin = entry.path().join("bin");
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        bin.join("initdb").exists().then_some((version, bin))
    });
    let (_, bin) = found.max().expect(
        "these tests need PostgreSQL: install it (Debian: `apt-get install postgresql`), it is not started as a service",
    );
    bin
}

/// PostgreSQL refuses to run as root: who else it runs as then.
fn other_user() -> Option<(u32, u32)> {
    let id = |args: &[&str]| {
        let out = Command::new("id").args(args).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        text.trim().parse::<u32>().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    let both = (id(&["-u", "postgres"]), id(&["-g", "postgres"]));
    let (Some(user), Some(group)) = both else {
        panic!("there is no user `postgres` to run the server as: install Debian's `postgresql`");
    };
    Some((user, group))
}

pub fn as_other_user(program: &Path) -> Command {
    let mut command = match other_user() {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={user}"));
            command.arg(format!("--regid={group}"));
            command.arg("--clear-groups").arg(program);
            command
        }
    };
    // A folder that the other user may be in.
    command.current_dir("/").env("LC_ALL", "C.UTF-8");
    command
}

fn run(command: &mut Command) -> String {
    let out = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_string();
    assert!(
        out.status.success(),
        "{command:?}: {}{}",
        text(&out.stdout),
        text(&out.stderr)
    );
    text(&out.stdout)
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

/// The fourth word of `stat`, behind the name in parentheses; nothing for a process that is dead.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    if words.next()? == "Z" {
        return None;
    }
    words.next()?.parse().ok()
}

fn is_there(pid: u32) -> bool {
    parent_of(pid).is_some()
}

fn signal(name: &str, pids: impl Iterator<Item = u32>) {
    let mut kill = Command::new("kill");
    kill.arg(format!("-{name}"))
        .args(pids.map(|pid| pid.to_string()));
    // Some may have ended meanwhile.
    let _ = kill.status();
}
