//! The built-in simulators of the five vendor APIs.

pub mod cryptlex;
pub mod licensespring;
pub mod schema;
pub mod simulator;
pub mod wire;
