//! The imperative shell: it sends what was decided elsewhere and reports what came of it.
//!
//! `execute` carries out one step and `observe` drives a reading, both over an account (`transport`), which
//! by itself can only read: `execute` alone makes a writer of one. Around a write, objects are looked at by
//! `reread`, and `settle` says for how long. An account has a `session` that ends with the run (`opened`), a `limiter`
//! and one client (`http`, the only file that sends to a vendor), which trusts what `tls` found; `transport_error` tells
//! whether a call that failed may have arrived. `secrets` finds
//! credentials just before the first call that needs them, as far as `trust` lets it, and `redact`
//! keeps them out of what is shown. `store` has the journal, keeps other writers away and, by `budgets`, tells what they
//! call; `recorder` writes lines of the `journal` into it, `memory` tells from them what is known of every object. What
//! happens is told as an `event` to whoever listens, and traced by `spans`. If anything here ever asks which vendor it
//! talks to, the provider forgot to say something.

mod budgets;
pub mod clock;
pub mod event;
pub mod execute;
pub mod http;
pub mod journal;
pub mod limiter;
pub mod memory;
pub mod observe;
pub mod opened;
pub mod outcome;
pub mod recorder;
pub mod records;
mod redact;
pub mod reread;
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
pub use observe::{list, observe, observe_each};
pub use opened::Opened;
pub use outcome::{Outcome, Report};
pub use redact::Redactor;
pub use secrets::{SecretError, Secrets};
pub use tls::{Tls, TlsError, provide_crypto};
pub use transport::Account;
pub use transport_error::{CallError, TransportError};
pub use trust::{Trust, TrustError};
