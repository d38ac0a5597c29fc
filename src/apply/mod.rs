//! The imperative shell: it sends what was decided elsewhere and reports what came of it.
//!
//! `recorder` writes the `journal`, `lock` keeps other writers away. `transport` is one account with its session, limiter and retries, and the only file that names
//! reqwest; `observe` drives a reading; `execute` carries out one step; `secrets` finds credentials just
//! before the first call that needs them. If anything here ever asks which vendor it talks to, the
//! provider forgot to say something.

pub mod execute;
pub mod journal;
pub mod limiter;
pub mod lock;
pub mod observe;
pub mod outcome;
pub mod recorder;
pub mod secrets;
mod side_effects;
pub mod transport;

pub use execute::execute;
pub use observe::observe;
pub use outcome::{Outcome, Report};
pub use secrets::{Secrets, Trust};
pub use transport::{Account, Lost};
