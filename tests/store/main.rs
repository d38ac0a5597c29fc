//! What every store promises, held against each engine, and what is particular to a server. Without features the files
//! of one machine are tried, and a bucket in memory; with `postgres` and `bucket` the tests start the servers they need
//! on loopback and end them, and a server that is not installed fails them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]
// Only servers let leases expire and are reached through a proxy.
#![cfg_attr(not(all(feature = "postgres", feature = "bucket")), allow(dead_code))]

mod bench;
#[cfg(feature = "bucket")]
mod bucket;
mod files;
#[macro_use]
mod laws;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "bucket"))]
mod program;
mod proxy;
mod records;
