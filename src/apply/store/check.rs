//! What a store is held to before it is trusted.

/// A promise that a store was held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// What the store must do, as a sentence without its end.
    pub text: &'static str,
    /// The error says what it did instead, and what to do about it.
    pub kept: Result<(), String>,
}

impl Promise {
    pub fn new(text: &'static str, kept: Result<(), String>) -> Self {
        Self { text, kept }
    }
}
