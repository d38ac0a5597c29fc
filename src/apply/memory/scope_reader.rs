//! Whose runs a reader of a shared store sees.

/// A team, a repository or an environment that reads a store which several share.
///
/// It sees its own runs, and those without a scope: older versions wrote some of them. Without a scope of its own it
/// sees all runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeReader(Option<String>);

impl ScopeReader {
    /// Creates the reader of a scope; `None` sees everything.
    pub fn new(scope: Option<String>) -> Self {
        Self(scope)
    }

    /// Returns the name that its runs have.
    pub fn scope(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Reports whether it sees what runs of `scope` did.
    pub fn sees(&self, scope: Option<&str>) -> bool {
        self.0.is_none() || scope.is_none() || self.scope() == scope
    }

    /// Reports whether `scope` is its own, or it reads everything. A list of its runs has no others.
    pub fn owns(&self, scope: Option<&str>) -> bool {
        self.0.is_none() || self.scope() == scope
    }
}
