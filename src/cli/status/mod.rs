//! `entitle status`: shows what a running daemon shows on its page, in the terminal.
//!
//! In: the address of a daemon. Out: its status as text of 80 columns, or the JSON of `/status` as it is. What is to look at,
//! and in which order, is decided in `daemon::serve::view`, so that page and terminal agree. Nothing is read but the reply:
//! no manifests, no vendor, no journal.

mod fetch;
mod text;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use self::fetch::{DaemonAddress, fetch_status};
use self::text::{StatusReply, TextOptions, write_status};
use super::args::Format;
use super::exit::Exit;
use super::output;
use super::secret_flags::secret_flags;
use crate::apply::clock;
use crate::cli::error::CommandResult;

/// The pause between two readings with `--watch`.
const PAUSE: Duration = Duration::from_secs(2);

/// Moves to the upper left corner and clears what is below.
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

secret_flags!(
    /// The token that the daemon asks its readers for.
    PageToken,
    token("TOKEN", "ENTITLE_STATUS_TOKEN"):
        "Token of the daemon's --listen-token [default: ENTITLE_LISTEN_TOKEN]",
    token_file("ENTITLE_STATUS_TOKEN_FILE"): "File with that token"
);

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle status\n  entitle status --watch\n  entitle status --address https://entitle.example.com --all\n  entitle status --format json | jq '.connections'"
)]
pub struct StatusArgs {
    /// Where the daemon listens, as HOST:PORT or a URL [default: ENTITLE_LISTEN, else 127.0.0.1:8900]
    #[arg(long, value_name = "ADDR|URL", env = "ENTITLE_STATUS_ADDRESS")]
    address: Option<String>,
    #[command(flatten)]
    token: PageToken,
    /// List all objects to look at and all recent activity, not only the first
    #[arg(long, env = "ENTITLE_STATUS_ALL")]
    all: bool,
    /// Show it again every 2 s, until Ctrl-C
    #[arg(long, env = "ENTITLE_STATUS_WATCH")]
    watch: bool,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    format: Format,
}

/// Reads the status and prints it, with `--watch` again and again.
///
/// Returns `Err` if the first reading fails. Later ones may: a daemon that is restarted is back in a moment.
pub async fn run(args: StatusArgs) -> CommandResult<Exit> {
    let token = args.token.read()?;
    let daemon = DaemonAddress::new(args.address.as_deref(), token)?;
    let first = fetch_status(&daemon).await?;
    print_reply(&args, &first, clock::now())?;
    if !args.watch {
        return Ok(Exit::Done);
    }
    let (mut shown, mut at) = (first, Instant::now());
    loop {
        at += PAUSE;
        sleep_until(at).await;
        match fetch_status(&daemon).await {
            Ok(reply) if is_screen() || reply != shown => {
                clear_screen()?;
                print_reply(&args, &reply, clock::now())?;
                shown = reply;
            }
            Ok(_) => {}
            Err(error) => {
                clear_screen()?;
                output::print_error(&error.to_string());
            }
        }
    }
}

/// Reports whether standard output is a terminal, on which the last status is replaced by the next.
fn is_screen() -> bool {
    std::io::stdout().is_terminal()
}

fn clear_screen() -> std::io::Result<()> {
    if !is_screen() {
        return Ok(());
    }
    let mut out = output::line_stdout();
    out.write_all(CLEAR.as_bytes())?;
    out.flush()
}

/// Prints one reply in the format that was asked for.
fn print_reply(args: &StatusArgs, reply: &str, now: Timestamp) -> CommandResult<()> {
    match args.format {
        Format::Json => {
            let mut out = output::data_stdout();
            writeln!(out, "{}", reply.trim_end())?;
            out.flush()?;
        }
        Format::Text => {
            let read = StatusReply::parse(reply)?;
            let options = TextOptions { all: args.all, now };
            let mut out = output::buffered_stdout();
            write_status(&mut out, &read, options)?;
            out.flush()?;
        }
    }
    Ok(())
}
