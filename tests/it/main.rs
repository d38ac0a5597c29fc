//! One integration binary. `architecture.rs` fails if a file of this folder is not listed here.

mod architecture;
mod cases;
mod examples;
mod invalid;
mod judge;
mod laws;
mod schemas;
mod support;
