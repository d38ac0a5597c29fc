//! The manifest format: from files to drafts, and edits back into files.
//!
//! * `walk` finds the files and `load` reads them, `foreign` tells those of other tools; `file_stamp` tells which have not changed.
//! * `piece` cuts large files up, `yaml` parses text to trees whose nodes know their place, and `fast_yaml` does it faster
//!   for plain text. `yaml_dialect` asks a second reader whether it agrees.
//! * `lower` and `envelope` check what is around a spec; `connection`, `notification`, `policy`, `accepted`, `project`,
//!   `environment` and `object_set` its parts, `edition` and `changes` what `compose` lays over each other. Objects leave as drafts, one by one, and everything else as
//!   `declarations`.
//! * `compose` makes objects whole that have an edition, name values of an environment, or stand in the `rows` of a set.
//! * `edit` changes files in place, for `fmt`, `reorder`, `suspension` and the import; `write` spells new ones.
//!
//! Nothing here knows a vendor's fields: the kinds come in as an argument, and `desired` leaves as a tree for the
//! audit of the provider. Problems are collected, never thrown.

mod accepted;
pub mod changes;
pub mod compose;
mod connection;
mod declarations;
pub mod edit;
pub mod edition;
pub mod envelope;
mod environment;
pub mod fast_yaml;
pub mod file_stamp;
pub mod fmt;
pub mod foreign;
mod list;
pub mod load;
pub mod lower;
mod notification;
mod object_set;
pub mod own_kind;
mod parallel;
mod piece;
pub mod policy;
pub mod project;
mod reader;
mod reorder;
pub mod row_reading;
pub mod rows;
mod secret;
pub mod suspension;
pub mod table;
pub mod text_type;
mod values;
pub mod walk;
pub mod write;
pub mod yaml;
mod yaml_dialect;

pub use declarations::{BrokenConnection, Declarations};
pub use envelope::API_VERSION;
pub use load::{Loaded, from_bytes, load, no_files, reread};
pub use lower::{PieceReader, read_drafts};
pub use notification::is_local;
pub use parallel::map_parallel;
pub use piece::Piece;
pub use walk::ReadLimits;

use std::sync::Arc;

use crate::model::diagnostic::Source;
use crate::model::draft::KindRow;
use crate::model::{Diagnostics, Mark, Node};

/// Parses the document that begins at a place of a file once more: objects are kept without their texts and trees.
/// `None` if the file has changed since.
pub fn document_at(source: &Arc<Source>, mark: Mark) -> Option<Node> {
    let piece = Piece::containing(reread(source)?, mark)?;
    let documents = yaml::parse_piece(&piece, &mut Diagnostics::default()).ok()?;
    documents
        .into_iter()
        .find_map(|document| list::find_at(document, mark))
}

/// Returns the documents of a file, those in lists of manifests by themselves; none if it is not valid.
pub fn documents(source: &Arc<Source>, kinds: &[KindRow]) -> Vec<Node> {
    let documents = yaml::parse(source, &mut Diagnostics::default());
    list::Documents::new(documents, kinds).collect()
}

#[cfg(test)]
mod testing;
