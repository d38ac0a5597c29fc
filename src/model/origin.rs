//! Where something stands in the manifests.

use std::sync::Arc;

use super::node::Mark;

/// The text of one manifest file and the name it is shown by.
#[derive(Debug, Default)]
pub struct Source {
    pub name: String,
    pub text: String,
}

/// Where something stands in the manifests.
#[derive(Clone, Debug)]
pub struct Origin {
    pub source: Arc<Source>,
    pub mark: Mark,
}
