//! Sessions end with the command that opened them, however it ends.

use crate::apply::Opened;

tokio::task_local! {
    /// Set around every command that talks to vendors, since a command may fail anywhere.
    static OPENED: Opened;
}

/// The accounts of the command that runs; a list of its own outside of one.
pub fn opened() -> Opened {
    OPENED.try_with(Opened::clone).unwrap_or_default()
}

/// Runs a command, then logs out of the accounts that it opened.
pub async fn closed_after<T>(command: impl Future<Output = T>) -> T {
    let opened = Opened::default();
    let outcome = OPENED.scope(opened.clone(), command).await;
    opened.log_out().await;
    outcome
}
