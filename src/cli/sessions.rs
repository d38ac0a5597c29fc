//! Sessions and stores end with the command that opened them, however it ends.
//!
//! A command that writes heeds signals itself. Any other may simply end, as programs do, as long as no account is
//! open that is to be logged out; from then on a signal logs out first.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::command_run::CommandRun;
use super::exit::Exit;
use super::{output, signals};
use crate::cli::error::CommandResult;

/// Time that a command has to notice its end. One that waits for a terminal or a full pipe does not
/// notice it.
const NOTICED: Duration = Duration::from_millis(100);

/// Runs a command, then logs out of the accounts that it opened.
pub async fn closed_after(
    command: impl Future<Output = CommandResult<Exit>>,
) -> CommandResult<Exit> {
    let run = CommandRun::default();
    let (tell, answer) = oneshot::channel();
    let (gone, is_gone) = oneshot::channel();
    tokio::spawn(end_by_signal(run.clone(), tell, is_gone));
    let outcome = {
        let command = pin!(run.scope(command));
        // The command may be dropped anywhere, as the signal would end it anywhere.
        tokio::select! {
            biased;
            outcome = command => outcome,
            Ok(exit) = answer => Ok(exit),
        }
    };
    drop(gone);
    run.opened.log_out().await;
    run.close_stores().await;
    outcome
}

/// Waits for a signal to a command that does not heed it itself, and has it end. A second one ends at once.
async fn end_by_signal(run: CommandRun, tell: oneshot::Sender<Exit>, gone: oneshot::Receiver<()>) {
    run.opened.added().await;
    let exit = signals::wait_unheeded(&run.heeds).await;
    output::print_note("Stopping: logging out. Once more stops at once.");
    let _ = tell.send(exit);
    let log_out = async {
        if timeout(NOTICED, gone).await.is_ok() {
            return std::future::pending().await;
        }
        run.opened.log_out().await;
        exit
    };
    let exit = tokio::select! {
        exit = log_out => exit,
        exit = signals::wait_for_signal() => exit,
    };
    std::process::exit(i32::from(exit.code()));
}
