//! Where something stands in the manifests.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::node::Mark;

/// One manifest file: the name it is shown by, and its text.
///
/// The texts of ten thousand files are as large as everything that is made of them, and nearly never looked
/// at again. So what is made of a file that can be read again refers to its [`Source::label`], which has the
/// hash in place of the text.
#[derive(Debug, Default)]
pub struct Source {
    pub name: String,
    /// Empty in a label.
    pub text: String,
    hash: [u8; 32],
    on_disk: bool,
}

impl Source {
    /// A text that can be had only once: standard input, a commit, something made here.
    pub fn new(name: String, text: String) -> Self {
        let hash = Sha256::digest(text.as_bytes()).into();
        Self {
            name,
            text,
            hash,
            on_disk: false,
        }
    }

    /// The text of the file at the path `name`.
    pub fn of_file(name: String, text: String) -> Self {
        Self {
            on_disk: true,
            ..Self::new(name, text)
        }
    }

    /// What stands for this source where its text is not needed.
    pub fn label(self: &Arc<Self>) -> Arc<Self> {
        if !self.on_disk || self.is_bare() {
            return Arc::clone(self);
        }
        Arc::new(Self {
            name: self.name.clone(),
            text: String::new(),
            hash: self.hash,
            on_disk: true,
        })
    }

    /// Whether this is a label without the text that it stands for.
    pub fn is_bare(&self) -> bool {
        self.on_disk && self.text.is_empty()
    }

    /// The SHA-256 of the text.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

/// Where something stands in the manifests.
#[derive(Clone, Debug)]
pub struct Origin {
    pub source: Arc<Source>,
    pub mark: Mark,
}
