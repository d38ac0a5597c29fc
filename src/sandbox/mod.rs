//! The built-in simulators of the five vendor APIs.

pub mod simulator;
