//! What loading asks before it parses a file: a cache on disk, or the memory of a daemon.

use std::sync::Arc;

use super::contents::FileContents;
use crate::manifest::Piece;
use crate::manifest::file_stamp::FileStamp;
use crate::model::diagnostic::Source;

/// What is known of files and their pieces without parsing them.
pub trait PieceStore: Sync {
    /// Returns the label of a file that still has the stamp with which it was read; `None` if it has to be read.
    fn unchanged(&self, _name: &str, _stamp: &FileStamp) -> Option<Arc<Source>> {
        None
    }

    /// Returns the contents of a piece; `None` if they are not known.
    fn find(&self, piece: &Piece) -> Option<FileContents>;

    /// Keeps the contents of a piece that was not known.
    fn keep(&self, _piece: &Piece, _contents: &FileContents) {}
}
