//! A bucket in the memory of the tests: the same engine as at a server.

use std::sync::Arc;

use entitle::apply::store::Store;
use entitle::apply::store::bucket::{self, BucketStore};

use crate::fixture::StoreFixture;

async fn in_memory() -> StoreFixture {
    let objects = bucket::in_memory();
    let open = move || -> Arc<dyn Store> {
        Arc::new(BucketStore::with_objects(
            Arc::clone(&objects),
            "memory:",
            "licences",
        ))
    };
    StoreFixture::new(move || std::future::ready(open()), ())
}

mod laws {
    crate::laws::laws!(expiring super::in_memory);
}
