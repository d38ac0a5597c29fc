//! The imperative shell: sends what was decided elsewhere and reports the result.
//!
//! - `execute` carries out one step and `observe` drives a reading, both over an account (`transport`). An account by
//!   itself can only read; `execute` alone makes a writer of one. `reread` looks at objects around a write, for as
//!   long as `settle` allows.
//! - An account has a `session` that ends with the run (`opened`), a `limiter`, and one client (`http`, the only file
//!   that sends to a vendor) with the trusted certificates of `tls`. `transport_error` decides whether a failed call
//!   may have arrived, and `cause` says what it came from.
//! - `secrets` resolves credentials just before the first call that needs them, within the limits of `trust`, and
//!   `redact` cuts them out of what is shown.
//! - `store` holds the journal, keeps other writers away and, through `budgets`, shares the rates of a vendor with
//!   other processes. `recorder` writes lines of the `journal` into it, and `memory` folds them into the knowledge
//!   about every object.
//! - Progress goes out as an `event` to every listener, and is traced by `spans`.
//!
//! No code here may ask which vendor it talks to: whatever differs between vendors belongs in the provider.

mod budgets;
mod cause;
pub mod clock;
pub mod event;
pub mod execute;
pub mod http;
pub mod journal;
pub mod limiter;
mod login_error;
mod login_failure;
pub mod memory;
pub mod observe;
pub mod opened;
pub mod outcome;
pub mod recorder;
pub mod records;
mod redact;
pub mod reread;
mod resolver;
mod retry_after;
pub mod secrets;
mod session;
mod settle;
mod side_effects;
pub mod spans;
pub mod store;
mod tls;
pub mod transport;
mod transport_error;
mod trust;

pub use budgets::Budgets;
pub use event::{Event, Listener};
pub use execute::execute;
pub use limiter::RateLeft;
pub use observe::{ReadPurpose, list, observe, observe_each};
pub use opened::Opened;
pub use outcome::{Outcome, Report};
pub use redact::Redactor;
pub use secrets::{SecretError, Secrets, UNSET_HINT, describe_unset};
pub use tls::{Tls, TlsError, provide_crypto};
pub use transport::Account;
pub use transport_error::{CallError, TransportError};
pub use trust::{Trust, TrustError};
