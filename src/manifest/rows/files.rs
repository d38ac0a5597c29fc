//! Holds the texts of files of rows that do not lie beside their manifest on this machine.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Diagnostic;
use crate::model::diagnostic::Source;

/// The texts of row files, by their path as shown. Files on this machine are read when they are asked for.
#[derive(Clone, Debug, Default)]
pub struct RowFiles {
    /// Those of a commit.
    pub(in crate::manifest) given: HashMap<String, Result<Arc<Source>, Box<Diagnostic>>>,
}
