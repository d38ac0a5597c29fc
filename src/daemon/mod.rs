//! `entitle watch`: one long-running process that keeps accounts as the manifests say.
//!
//! Triggers come in, [`status::Status`] goes out on a watch channel; whoever looks at the daemon (HTTP,
//! metrics, notifications) knows nothing but these two.

pub mod hooks;
pub mod mode;
pub mod serve;
pub mod status;
pub mod trigger;
