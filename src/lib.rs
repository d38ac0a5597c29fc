//! GitOps for software licences.

pub mod apply;
pub mod manifest;
pub mod model;
pub mod plan;
pub mod provider;
pub mod sandbox;
