//! Why an edit is not made.

use thiserror::Error;

use crate::manifest::write::Unwritable;

/// Why a file stays as it is. The messages are shown to users behind the name of the object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    #[error("the file cannot be read")]
    InvalidFile,
    #[error("the file was changed after it was read")]
    FileChanged,
    #[error("the text is not one document")]
    SeveralDocuments,
    #[error("there is no document")]
    EmptyText,
    #[error("its document is not found")]
    NoDocument,
    #[error("it is an item of a list: edit it by hand, or give it a document of its own")]
    ListItem,
    #[error("a change of the whole document")]
    WholeDocument,
    #[error("a part of it is not there")]
    NoValue,
    #[error("a part of it is an alias")]
    Alias,
    #[error("a part of it is no plain map")]
    NotMap,
    #[error("the document is no plain map")]
    DocumentNotMap,
    #[error("a part of it is no plain map or list")]
    NotMapOrList,
    #[error("a part of it is an alias, or no plain map or list")]
    AliasOrNotMapOrList,
    #[error("a list is no plain list")]
    NotList,
    #[error("a value has no YAML form")]
    NoYamlForm,
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error("the editor cannot read the file")]
    UnreadableToEditor,
    #[error("the editor does not keep the file as it is")]
    NotKeptByEditor,
    #[error("the editor does not find the document")]
    NotFoundByEditor,
    #[error("the edited file could not be read again")]
    InvalidResult,
    #[error("the edit would have changed something else as well")]
    ChangesMore,
    #[error("the edit would have lost a comment")]
    LosesComment,
    #[error("its members could not be moved without changing something")]
    MoveChangesMore,
    #[error("its members could not be moved")]
    NotMoved,
    #[error("it is `mode: observe`, so nothing writes it, and a resume would not know of that")]
    Observed,
}
