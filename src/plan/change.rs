//! One change of a plan: a field or an element of a list, as it is and as it will be.

use serde_json::Value as Json;

use crate::model::{FieldPath, Risk};

/// What happens to a field or to an element of a list.
///
/// `add`: live has no such element, or shows no such field. `replace`: live has it, and the value is another;
/// a field that is cleared is replaced by `null`. `remove`: the element goes, or the field goes because the
/// plan changes what gave it a meaning.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ChangeVerb {
    Add,
    Replace,
    Remove,
}

/// One changed field or element. `before` is `None` for an addition, `after` for a removal.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub path: FieldPath,
    pub verb: ChangeVerb,
    pub before: Option<Json>,
    pub after: Option<Json>,
    pub risk: Risk,
    pub note: Option<String>,
    /// How many users a stranding change takes the licence from; `None` where nobody counts them.
    pub users: Option<u64>,
}
