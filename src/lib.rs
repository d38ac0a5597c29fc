//! GitOps for software licences.

pub mod sandbox;
