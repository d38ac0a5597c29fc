//! The built-in simulators of the five vendor APIs.

pub mod alinea;
pub mod cryptlex;
pub mod licensespring;
mod schema;
pub mod simulator;
mod wire;
