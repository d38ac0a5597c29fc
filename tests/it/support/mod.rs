//! What the integration tests share.

pub mod bench;
pub mod ci;
pub mod golden;
pub mod kept;
pub mod layers;
pub mod mutate;
pub mod past;
pub mod paths;
pub mod program;
pub mod proxy;
pub mod pure;
pub mod seeds;
pub mod server;
pub mod stores;
pub mod team;
#[cfg(unix)]
pub mod terminal;
