//! The files of one machine.

use std::path::Path;
use std::sync::Arc;

use entitle::apply::store::Store;
use entitle::apply::store::files::Files;
use entitle::files::links::Links;

use crate::bench::Bench;

async fn bench() -> Bench {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let open = |dir: &Path| {
        let journal = dir.join("journal.jsonl");
        Arc::new(Files::open(&journal, &dir.join("locks"), &Links::Followed).unwrap())
    };
    let place = Arc::clone(&dir);
    Bench::new(
        move || std::future::ready(open(place.path()) as Arc<dyn Store>),
        dir,
    )
}

mod laws {
    crate::laws::laws!(super::bench);
}
