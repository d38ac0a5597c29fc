//! The files of one machine.

use std::path::Path;
use std::sync::Arc;

use entitle::apply::store::Store;
use entitle::apply::store::files::FileStore;
use entitle::files::links::LinkPolicy;

use crate::fixture::StoreFixture;

async fn fixture() -> StoreFixture {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let open = |dir: &Path| {
        let journal = dir.join("journal.jsonl");
        Arc::new(FileStore::open(&journal, &dir.join("locks"), &LinkPolicy::Follow).unwrap())
    };
    let folder = Arc::clone(&dir);
    StoreFixture::new(
        move || std::future::ready(open(folder.path()) as Arc<dyn Store>),
        dir,
    )
}

mod laws {
    crate::laws::laws!(super::fixture);
}
