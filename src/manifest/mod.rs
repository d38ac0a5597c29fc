//! The manifest format: files to checked envelopes.
//!
//! `load` finds and reads the files, `yaml` turns text into trees with places, `second` asks another
//! YAML reader whether it agrees, `lower` checks the envelope, `connection`, `policy`, `accepted` and
//! `project` their parts.
//! Nothing here knows a vendor's fields: the kinds come in as an argument and what stands under
//! `desired` leaves as a tree for the provider's audit. Problems are collected, never thrown.

mod accepted;
mod connection;
pub mod document;
pub mod edit;
pub mod fmt;
pub mod load;
pub mod lower;
mod members;
mod moves;
mod notification;
mod policy;
pub mod project;
mod second;
pub mod write;
pub mod yaml;

pub use connection::is_loopback;
pub use load::{Loaded, load, of_files};
pub use lower::{Manifests, lower};
pub use notification::is_local;
