//! A bucket: each object is a file.

use std::fs;
use std::path::{Path, PathBuf};

use super::KeptStore;
use crate::bucket::server::Server;
use crate::kept;
use crate::program::Address;

const KEPT: KeptStore = KeptStore {
    folder: "store-bucket",
    port: 18902,
};

fn address(bucket: &str) -> Address {
    let mut variables = Server::shared().variables();
    variables.insert("USER".into(), "jane".into());
    Address {
        url: format!("s3://{bucket}/licences"),
        environment: variables.into_iter().collect(),
    }
}

/// No check, but the writer of what the others check.
#[ignore = "writes the folder of a version"]
#[tokio::test(flavor = "multi_thread")]
async fn keep_this_version() {
    let server = Server::shared();
    let bucket = server.bucket();
    KEPT.keep(&address(&bucket)).await;
    for name in server.list(&bucket) {
        let object = server.request("GET", &format!("{bucket}/{name}"), "");
        kept::write(&format!("store-bucket/objects/{name}"), object);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_each_version_is_gone_on_with() {
    let server = Server::shared();
    for version in kept::folders() {
        let bucket = server.bucket();
        let objects = version.join("store-bucket/objects");
        let files = files_below(&objects);
        assert!(files.len() >= 5, "{files:?}");
        for file in files {
            let name = file.strip_prefix(&objects).expect("below");
            let body = fs::read_to_string(&file).expect("text");
            server.request("PUT", &format!("{bucket}/{}", name.display()), &body);
        }
        KEPT.read(&version, &address(&bucket)).await;
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let below = entries.map(|entry| entry.path()).flat_map(|path| {
        if path.is_dir() {
            files_below(&path)
        } else {
            vec![path]
        }
    });
    below.collect()
}
