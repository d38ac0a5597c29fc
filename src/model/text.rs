//! The texts that values consist of.

/// A text of a manifest or a vendor. Up to 24 bytes, which is nearly all of them, are held in place: a hundred
/// thousand objects have millions.
pub use compact_str::CompactString as Text;
