//! Reasons to look again.
//!
//! A trigger is a hint and carries no data: it says where to look, never what is there. So a lost, repeated or forged
//! trigger costs a read and changes nothing else (level-triggered, as in kube-rs).

/// Something that makes another look worth while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The manifests may have changed: a file was saved, a commit was pushed.
    Source,
    /// Why changes of the source go unseen from now on; `None` once they are seen again.
    FollowProblem(Option<String>),
    /// Something changed at this connection; the sender does not say what.
    Connection(String),
    /// One object changed.
    Object {
        connection: String,
        /// Any identity member, as the vendor writes it.
        id: String,
    },
}
