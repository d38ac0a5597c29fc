//! The laws of all stores, and tests particular to each kind of server. Without features, the store of one machine and
//! a bucket in memory are tested; with `postgres` and `bucket` the tests start the servers on loopback and stop them. A
//! server that is not installed fails its tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]
// Only servers let leases expire and are reached through a proxy.
#![cfg_attr(not(all(feature = "postgres", feature = "bucket")), allow(dead_code))]

#[cfg(feature = "bucket")]
mod bucket;
#[cfg(all(feature = "postgres", feature = "bucket"))]
mod compatibility;
mod files;
mod fixture;
#[cfg(all(feature = "postgres", feature = "bucket"))]
#[path = "../it/support/kept.rs"]
mod kept;
#[macro_use]
mod laws;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "bucket"))]
mod program;
mod proxy;
mod records;
