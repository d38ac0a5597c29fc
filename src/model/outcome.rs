//! How carrying out an object's plan ends.

/// How one object ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Written, and seen to be as wanted.
    Converged,
    /// It was as wanted when its turn came.
    Already,
    /// The vendor refused the write.
    Rejected,
    /// It, or what its manifest says, had changed since the plan was made.
    Stale,
    /// A guard did not let the write go.
    Refused,
    /// The write or the look before it failed.
    Failed,
    /// Its turn never came.
    Skipped,
    /// Written, but not as wanted afterwards.
    Unconverged,
}

impl Outcome {
    /// The name by which output and journal know it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Converged => "converged",
            Outcome::Already => "already",
            Outcome::Rejected => "rejected",
            Outcome::Stale => "stale",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
            Outcome::Unconverged => "unconverged",
        }
    }
}
