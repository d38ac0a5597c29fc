//! What versions wrote and the next ones read: `tests/compatibility/MAJOR.MINOR`. The tests of stores have this file too.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use entitle::sandbox::{Options, SandboxServer};
use tempfile::TempDir;

/// The folder of every version that was kept, oldest first.
pub fn folders() -> Vec<PathBuf> {
    let all = std::fs::read_dir(root()).expect("a folder").flatten();
    let mut folders: Vec<PathBuf> = all.map(|entry| entry.path()).collect();
    folders.sort_by_key(|folder| version_numbers(folder));
    folders
}

/// The numbers of a version, since 0.10 comes after 0.9.
fn version_numbers(folder: &Path) -> Vec<u32> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let numbers = name.into_iter().flat_map(|name| name.split('.'));
    let numbers = numbers.map(|number| number.parse().expect("a number"));
    numbers.collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compatibility")
}

/// The folder of the version at hand, there or not.
pub fn current_folder() -> PathBuf {
    let (version, _) = env!("CARGO_PKG_VERSION")
        .rsplit_once('.')
        .expect("three numbers");
    root().join(version)
}

/// Writes a file of the version at hand.
pub fn write(name: &str, content: impl AsRef<[u8]>) {
    let path = current_folder().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, content).expect("written");
}

/// Makes a directory that has the same path each time, because journals name the paths of a run and each of their lines has
/// a checksum. Where it stands already, another process is keeping, or was killed and left it.
pub fn stable_dir(name: &str) -> TempDir {
    let name = format!("entitle-kept-{name}");
    let dir = tempfile::Builder::new()
        .prefix(&name)
        .rand_bytes(0)
        .tempdir_in("/tmp");
    dir.unwrap_or_else(|error| panic!("/tmp/{name}: {error}"))
}

/// Starts simulators at an address that is the same each time, because it is part of the name of an account. Waits for a
/// minute while somebody else has it.
pub async fn start_sandbox(port: u16, options: impl Fn() -> Options) -> SandboxServer {
    let start = Instant::now();
    loop {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let options = Options {
            listen,
            ..options()
        };
        match SandboxServer::start(options).await {
            Ok(server) => return server,
            Err(error) => assert!(
                start.elapsed() < Duration::from_secs(60),
                "port {port}: {error}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn versions_are_in_the_order_of_their_numbers() {
    let mut folders = ["0.10", "1.0", "0.9"].map(PathBuf::from);
    folders.sort_by_key(|folder| version_numbers(folder));
    assert_eq!(folders, ["0.9", "0.10", "1.0"].map(PathBuf::from));
}
