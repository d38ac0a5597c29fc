//! Defines the reasons for which an edit is not made.
//!
//! Every reason leaves the file as it was. The first ones are about the file and the document, the next ones about the
//! path of the edit, the last ones about what the editor returned.

use thiserror::Error;

use crate::manifest::write::Unwritable;

/// The reason for which a file stays as it is. The messages are shown to users behind the name of the object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// The text is not valid YAML, so its values cannot be compared afterwards.
    #[error("the file cannot be read")]
    InvalidFile,
    /// The file differs from the one that the objects were loaded from: places in it no longer hold.
    #[error("the file was changed after it was read")]
    FileChanged,
    /// The caller passes one document at a time, and the text has none or several.
    #[error("the text is not one document")]
    SeveralDocuments,
    #[error("there is no document")]
    EmptyText,
    /// No document begins at or before the place of the object.
    #[error("its document is not found")]
    NoDocument,
    /// The object is an item of a `kind: List` or of a sequence.
    #[error("it is an item of a list: edit it by hand, or give it a document of its own")]
    ListItem,
    /// The path of the edit is empty.
    #[error("a change of the whole document")]
    WholeDocument,
    /// A step of the path names a member or an index that does not exist.
    #[error("a part of it is not there")]
    NoValue,
    /// A step of the path leads through an alias: the edit would change every place that uses its anchor.
    #[error("a part of it is an alias")]
    Alias,
    /// The members of something else than a map cannot be reordered.
    #[error("a part of it is no plain map")]
    NotMap,
    #[error("the document is no plain map")]
    DocumentNotMap,
    /// A step of the path leads into a scalar, or by name into a list.
    #[error("a part of it is no plain map or list")]
    NotMapOrList,
    #[error("a part of it is an alias, or no plain map or list")]
    AliasOrNotMapOrList,
    /// An item can be added to a list only.
    #[error("a list is no plain list")]
    NotList,
    /// The editor cannot parse the YAML of the new value.
    #[error("a value has no YAML form")]
    NoYamlForm,
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// Our reader accepts the text, and the editor does not.
    #[error("the editor cannot read the file")]
    UnreadableToEditor,
    /// The editor prints an unchanged text differently, so it would change more than the edit.
    #[error("the editor does not keep the file as it is")]
    NotKeptByEditor,
    /// The editor has no document at the place where our reader has one.
    #[error("the editor does not find the document")]
    NotFoundByEditor,
    /// The edited text is not valid YAML.
    #[error("the edited file could not be read again")]
    InvalidResult,
    /// The values of the edited text are not the expected ones.
    #[error("the edit would have changed something else as well")]
    ChangesMore,
    /// A comment of the old text is missing in the new one, and it does not belong to a removed value.
    #[error("the edit would have lost a comment")]
    LosesComment,
    /// Reordering has changed characters and not only their places.
    #[error("its members could not be moved without changing something")]
    MoveChangesMore,
    /// The members are not in order after reordering.
    #[error("its members could not be moved")]
    NotMoved,
    #[error("it is `mode: observe`, so nothing writes it, and a resume would not know of that")]
    Observed,
}
