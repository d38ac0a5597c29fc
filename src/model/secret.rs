//! Secrets: where to find one, and one that was found. Neither can be printed by accident.

use std::path::PathBuf;

/// Where a secret is kept. This, never the secret, is what manifests hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretRef {
    Env(String),
    File(PathBuf),
    /// A program and its arguments, run without a shell; its standard output is the secret.
    Command(Vec<String>),
    /// The sandbox's published credentials, which are no secret to anybody.
    Known(&'static str),
}

/// A resolved secret. Its `Debug` shows nothing and it has no `Display` and no `Serialize`.
pub type SecretText = secrecy::SecretString;
