//! What a store must guarantee before it is trusted.

/// A guarantee that a check has tried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// What the store must do, as a sentence without its full stop.
    pub text: &'static str,
    /// `Err` says what it did instead, and what to do about it.
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

impl Guarantee {
    /// Creates the result of a check.
    pub fn new(text: &'static str, kept: Result<(), Breach>) -> Self {
        Self { text, kept }
    }
}
