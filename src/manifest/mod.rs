//! The manifest format: files to checked envelopes.
//!
//! `walk` finds the files, `load` reads them, `piece` cuts large ones up, `yaml` turns text into trees with places
//! and `plain` does it faster where nothing odd is written, `second` asks another YAML reader whether it
//! agrees, `lower` and `envelope` check what stands around a spec, `connection`, `policy`, `accepted` and
//! `project` its parts, and what comes of it all are drafts and `declarations`. `edit` changes files in place for `fmt`, `hold`
//! and the import.
//! Nothing here knows a vendor's fields: the kinds come in as an argument and what stands under
//! `desired` leaves as a tree for the provider's audit. Problems are collected, never thrown.

mod accepted;
mod connection;
mod declarations;
pub mod edit;
pub mod envelope;
pub mod fmt;
pub mod hold;
mod list;
pub mod load;
pub mod lower;
mod moves;
mod notification;
pub mod own_kind;
mod piece;
mod plain;
pub mod policy;
pub mod project;
mod reader;
mod second;
pub mod secret;
pub mod stamp;
pub mod table;
pub mod text_type;
mod values;
pub mod walk;
mod workers;
pub mod write;
pub mod yaml;

pub use declarations::Declarations;
pub use envelope::API_VERSION;
pub use load::{Loaded, again, load, no_files, of_files};
pub use lower::{PieceReader, read_drafts};
pub use notification::is_local;
pub use piece::Piece;
pub use walk::Limits;
pub use workers::map_parallel;

use std::sync::Arc;

use crate::model::diagnostic::Source;
use crate::model::draft::KindRow;
use crate::model::{Diagnostics, Mark, Node};

/// The document that begins at a place of a file, read once more: what was lowered from it is kept without
/// its text and its tree. Nothing, if the file has changed since.
pub fn document_at(source: &Arc<Source>, place: Mark) -> Option<Node> {
    let piece = piece::Piece::around(load::again(source)?, place)?;
    let documents = yaml::parse_piece(&piece, &mut Diagnostics::default()).ok()?;
    documents
        .into_iter()
        .find_map(|document| list::find(document, place))
}

/// The documents of a file, those in lists of manifests by themselves; none if it cannot be read.
pub fn documents(source: &Arc<Source>, kinds: &[KindRow]) -> Vec<Node> {
    let documents = yaml::parse(source, &mut Diagnostics::default());
    list::Documents::new(documents, kinds).collect()
}

/// The documents of a text by the plain reader alone, if it reads it.
pub fn plainly(source: &Arc<Source>) -> Option<Vec<Node>> {
    let whole = piece::Piece::whole(Arc::clone(source));
    plain::read(whole.text(), whole.begins())
}

/// The documents of a file read in pieces of `size` bytes, if every piece is in order.
pub fn in_pieces(
    source: &Arc<Source>,
    size: usize,
    findings: &mut Diagnostics,
) -> Option<Vec<Node>> {
    let pieces = piece::Piece::of_size(Arc::clone(source), size).into_iter();
    let read = pieces.map(|piece| yaml::parse_piece(&piece, findings).ok());
    let documents: Option<Vec<Vec<Node>>> = read.collect();
    Some(documents?.into_iter().flatten().collect())
}

#[cfg(test)]
mod testing;
