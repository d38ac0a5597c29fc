//! GitOps for software licences.

pub mod apply;
pub mod cli;
pub mod manifest;
pub mod model;
pub mod plan;
pub mod provider;
pub mod reconcile;
pub mod render;
pub mod sandbox;
