//! Reasons to look again.
//!
//! A trigger is a hint, never data: it says where to look and nothing about what is there. Who sends one
//! does not matter to the pass (style: level-triggered).

/// Something happened that makes another look worth while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The manifests may have changed: a saved file, a push to the git remote.
    Source,
    /// Why changes of the source go unseen from now on; nothing once they are seen again.
    Following(Option<String>),
    /// Something changed at this connection, and nobody says what.
    Connection(String),
    /// One object changed.
    Object {
        connection: String,
        /// Any of the identity members, as the vendor calls the object.
        id: String,
    },
}
