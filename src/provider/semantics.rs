//! Names the ways in which the write calls of kinds differ. Each kind is one combination of them.
//!
//! Every kind states its own in its [`semantics`](super::ResourceKind::semantics). The shell compares fields before
//! it writes, since no vendor takes a condition on a write.

/// Which members the body of a write must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Only the members that change; the vendor leaves the others alone.
    Merge,
    /// Every member: what is left out is cleared. A call that replaces one whole set is an overwrite of
    /// which the set is the only member.
    Overwrite,
    /// Every required member, and the optional ones that are managed or hold something.
    FullPatch,
}

/// What the reply to a write shows of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// All of it: no second read is needed to see what came of the write.
    Whole,
    /// Nothing: the object has to be read again.
    Nothing,
}

/// How a vendor behaves around its write call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Semantics {
    pub write: WriteMode,
    pub echo: Echo,
}
