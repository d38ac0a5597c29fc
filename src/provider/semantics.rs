//! The axes on which vendors differ. A vendor is a point on them; a sixth one is most likely a new combination.
//!
//! | vendor | write | echo | stale check |
//! | --- | --- | --- | --- |
//! | cryptlex | merge | whole | fields |
//! | informatica | overwrite | none | fields |
//! | licensespring | overwrite (of one set) | whole | fields |
//! | alinea | overwrite | none | fields and `ModifiedAt` |
//! | lac | full patch | whole | fields |

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
