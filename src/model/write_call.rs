//! The calls that write an object, as facts: what each must carry, and what its reply shows.
//!
//! A kind has one or several. Each field belongs to one of them ([`Field::call`](super::Field)), and only calls whose
//! fields changed go out, in the order of the table. No vendor takes a condition on a write, so the shell compares
//! fields before it writes.

/// One write call of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteCall {
    /// The call as the vendor prints it: `PATCH /v3/licenses/{licenseId}`.
    pub name: &'static str,
    pub mode: WriteMode,
    pub echo: Echo,
}

/// Which members the body of a write must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Only the members that change, and those that the vendor requires in every body; it leaves the others alone.
    Merge,
    /// Every member: what is left out is cleared. A call that replaces one whole set is an overwrite of
    /// which the set is the only member.
    Overwrite,
    /// Every required member, and the optional ones that are managed or hold something.
    FullPatch,
    /// None: the path of the call states the value, as in `…/disable/`.
    Bodiless,
    /// Those members of one element of a list that change; the call names the element by its id, and no field belongs to
    /// it. It stands in for a call of the whole list that could lose something.
    Element,
}

impl WriteMode {
    /// Reports whether a write clears or overwrites members that no change names.
    pub const fn replaces(self) -> bool {
        match self {
            WriteMode::Merge | WriteMode::Bodiless | WriteMode::Element => false,
            WriteMode::Overwrite | WriteMode::FullPatch => true,
        }
    }
}

/// What the reply to a write shows of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// All of it: no second read is needed to see what came of the write.
    Whole,
    /// Nothing: the object has to be read again.
    Nothing,
}
