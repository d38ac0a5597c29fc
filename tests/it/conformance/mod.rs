//! What every vendor must pass, over real HTTP against its simulator in this process.
//!
//! `vendors` says what is particular to each one; the other files are one topic each, written once. A test
//! here is a function of a vendor, and `for_every_vendor!` makes a test of it for each.

mod account;
mod budgets;
mod counts;
mod faults;
mod fields;
mod freshness;
mod import;
mod instants;
mod lists;
mod moving_lists;
mod particular;
mod policy;
mod refusals;
mod replies;
mod rounds;
pub mod saved;
mod sessions;
mod switches;
pub mod vendors;
