//! A bucket in the memory of the tests: the same engine as at a server.

use std::sync::Arc;

use entitle::apply::store::Store;
use entitle::apply::store::bucket::{self, Bucket};

use crate::bench::Bench;

async fn in_memory() -> Bench {
    let objects = bucket::in_memory();
    let open = move || -> Arc<dyn Store> {
        Arc::new(Bucket::over(Arc::clone(&objects), "memory:", "licences"))
    };
    Bench::new(move || std::future::ready(open()), ())
}

mod laws {
    crate::laws::laws!(expiring super::in_memory);
}
