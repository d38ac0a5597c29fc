//! PostgreSQL.

mod server;

use std::sync::Arc;

use entitle::apply::Tls;
use entitle::apply::store::Store;
use entitle::apply::store::postgres::Postgres;

use crate::bench::Bench;
use server::Server;

async fn open(url: String) -> Arc<dyn Store> {
    Arc::new(Postgres::open(&url, &Tls::default()).await.unwrap())
}

async fn bench() -> Bench {
    let url = Server::shared().database();
    Bench::new(move || open(url.clone()), ())
}

mod laws {
    crate::laws::laws!(expiring super::bench);
}
