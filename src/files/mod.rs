//! Reads and writes files that users name: one way for each purpose, so that no command has its own.
//!
//! * [`read`] takes regular files of a bounded size. It never waits for a FIFO or reads from a device, unless
//!   the caller allows a pipe, and then only for a bounded time.
//! * [`write`](mod@write) replaces a regular file at once or leaves it as it was, and writes through anything else that
//!   takes bytes (`/dev/stdout`, a terminal, a FIFO). It changes the mode of nothing that it did not create.
//! * [`stream`] opens what takes bytes as they are written, and is never replaced.
//! * [`links`] follows symbolic links to their target, and refuses those that a pull request may have brought.
//!
//! Errors are [`std::io::Error`]s that say what is wrong with the file; the caller adds its path and its purpose.
//! Nothing here knows what files mean.

mod kind;
pub mod links;
pub mod read;
pub mod stream;
pub mod tree_name;
pub mod write;
