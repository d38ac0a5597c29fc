//! The nouns everything else speaks of: no IO, no YAML, no HTTP client, no vendor.
//!
//! The manifest format and the vendors' wire formats are both edges over these types, so nothing here
//! may import from the rest of the crate.

pub mod accepted;
pub mod account;
pub mod address;
pub mod causes;
pub mod checks;
pub mod codes;
pub mod connection;
pub mod dated;
pub mod diagnostic;
pub mod draft;
pub mod edition;
pub mod environment;
pub mod field;
pub mod ids;
pub mod json;
pub mod kind_table;
pub mod lifecycle;
pub mod natural;
pub mod node;
pub mod notification;
pub mod object_set;
pub mod origin;
pub mod outcome;
pub mod packed;
pub mod path;
pub mod read_failure;
pub mod reference;
pub mod resource;
pub mod schedule;
pub mod secret;
pub mod text;
pub mod trusted_host;
pub mod unseen;
pub mod value;
pub mod wire;
pub mod wording;
pub mod write_call;

pub use accepted::AcceptedDrift;
pub use account::AccountKey;
pub use address::{Address, Kind, Vendor};
pub use causes::{describe_io_error, with_causes};
pub use checks::{Verify, WriteChecks};
pub use connection::{Auth, Connection, Limits, RateLimit};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use field::{Carry, Clearing, ConditionScope, Field, Need, RiskRule, Shape};
pub use ids::Ids;
pub use json::same_json;
pub use kind_table::KindTable;
pub use lifecycle::{CreateCall, Lifecycle, NaturalKey, WritePurpose};
pub use natural::compare_natural;
pub use node::{Mark, Node, Tree};
pub use notification::Notification;
pub use origin::Origin;
pub use outcome::Outcome;
pub use packed::PackedFields;
pub use path::{ElementKey, FieldPath, PathError, PathPart, PathPattern};
pub use read_failure::{ConnectionFault, FaultKind, ReadFailure};
pub use reference::{Reference, ReferenceSpot, ReferenceState};
pub use resource::{
    CreationFields, Desired, LayerNames, Live, Observed, OwnPolicy, Policy, PolicyMode, References,
    Risk,
};
pub use secret::{SecretRef, SecretText};
pub use text::Text;
pub use value::{Fields, Items, Value};
pub use wire::{Call, Malformed, Method, Read, Reply, Verdict};
pub use write_call::{Echo, WriteCall, WriteMode};
