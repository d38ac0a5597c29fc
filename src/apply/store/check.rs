//! What a store is held to before it is trusted.

/// A promise that a store was held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// What the store must do, as a sentence without its end.
    pub text: &'static str,
    pub kept: Result<(), Breach>,
}

/// What a store did in place of what it promised, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Breach(String);

impl Breach {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Promise {
    pub fn new(text: &'static str, kept: Result<(), Breach>) -> Self {
        Self { text, kept }
    }
}
