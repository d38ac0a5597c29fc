//! What every store promises, held against each engine, and what is particular to a server. The tests start the servers
//! they need on loopback and end them; a server that is not installed fails them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

mod bench;
#[macro_use]
mod laws;
mod postgres;
mod proxy;
mod records;
