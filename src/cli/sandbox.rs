//! `entitle sandbox`: runs the simulators of all vendors on loopback until Ctrl-C.
//!
//! In: an address, faults, and a number of objects to add. Out: a server, its credentials on standard
//! output, and with `--write-manifests` a project that matches. The simulators are in `crate::sandbox`.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::duration::parse_duration;
use super::exit::Exit;
use super::output;
use super::populated::{self, Layout, parse_object_count, parse_percentage};
use super::values::parse_listen_address;
use crate::cli::error::{CommandError, CommandResult, bail};
use crate::provider;
use crate::sandbox::{self, FaultPlan, Options, Population};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle sandbox\n  entitle sandbox --populate 1000 --latency 20ms\n  entitle sandbox --populate 10000 --vendor lac --write-manifests bench --drift 1\n  entitle sandbox --faults 7:429=10"
)]
pub struct Sandbox {
    /// Address to listen on
    #[arg(
        long,
        value_name = "ADDR",
        env = "ENTITLE_SANDBOX_LISTEN",
        default_value = "127.0.0.1:8901",
        value_parser = parse_listen_address
    )]
    listen: std::net::SocketAddr,
    /// Wait this long before every answer, for example 20ms
    #[arg(long, value_name = "DURATION", env = "ENTITLE_SANDBOX_LATENCY", default_value = "0s", value_parser = parse_duration)]
    latency: Duration,
    /// Let calls go wrong, the same ones for the same seed: 7 or 7:429=10,drop-after=5 (percent)
    #[arg(long, value_name = "SEED[:SPEC]", env = "ENTITLE_FAULTS")]
    faults: Option<FaultPlan>,
    /// Add so many objects to every account, the same ones each time
    #[arg(
        long,
        value_name = "N",
        env = "ENTITLE_SANDBOX_POPULATE",
        default_value_t = 0,
        value_parser = parse_object_count
    )]
    populate: usize,
    /// Add them to these accounts only
    #[arg(
        long,
        value_name = "VENDOR",
        env = "ENTITLE_SANDBOX_VENDOR",
        value_delimiter = ',',
        requires = "populate"
    )]
    vendor: Vec<String>,
    /// Write connections, and manifests that hold for the added objects, into this new or empty directory
    #[arg(
        long,
        value_name = "DIR",
        env = "ENTITLE_SANDBOX_MANIFESTS",
        requires = "populate"
    )]
    write_manifests: Option<PathBuf>,
    /// How to write them: a file for each object, or one for each vendor
    #[arg(
        long,
        value_enum,
        env = "ENTITLE_SANDBOX_LAYOUT",
        default_value = "files"
    )]
    layout: Layout,
    /// Let this percentage of the manifests differ from the account, each in one field that apply may change
    #[arg(
        long,
        value_name = "PERCENT",
        env = "ENTITLE_SANDBOX_DRIFT",
        default_value = "0",
        value_parser = parse_percentage
    )]
    drift: f64,
}

/// Starts the simulators, prints their credentials and serves until Ctrl-C.
///
/// Returns `Err` for an address that other machines can reach, because the credentials are published;
/// for an unknown vendor; and for a port in use. Manifests are written after the port is open, since
/// they hold it.
pub async fn run(args: Sandbox) -> CommandResult<Exit> {
    if !args.listen.ip().is_loopback() {
        bail!("the simulators accept published credentials, so they listen on loopback only");
    }
    refuse_unknown(&args.vendor)?;
    let population = Population {
        objects: args.populate,
        vendors: args.vendor,
    };
    let options = Options {
        listen: args.listen,
        latency: args.latency,
        faults: args.faults,
        population: population.clone(),
    };
    let sandbox = sandbox::SandboxServer::start(options)
        .await
        .map_err(|error| {
            CommandError::caused_by(format_args!("cannot listen on {}", args.listen), error)
        })?;
    let mut out = output::text_stdout();
    if let Some(dir) = &args.write_manifests {
        let written =
            populated::write_manifests(dir, &sandbox, &population, args.layout, args.drift)?;
        let dir = dir.display();
        writeln!(
            out,
            "Wrote {written} objects: . {dir}/sandbox.env; entitle plan {dir}"
        )?;
    }
    write_credentials(&mut out, sandbox.address())?;
    out.flush()?;
    sandbox
        .run_until(async {
            // Without a signal handler there is nothing to wait for, and the sandbox serves on.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    Ok(Exit::Done)
}

/// Returns `Err` for a `--vendor` without a simulator; the message names all vendors that have one.
fn refuse_unknown(vendors: &[String]) -> CommandResult<()> {
    let known: Vec<&str> = sandbox::vendor_names().collect();
    let unknown = vendors.iter().find(|one| !known.contains(&one.as_str()));
    match unknown {
        Some(unknown) => bail!(
            "no vendor {unknown:?} in the sandbox; there are {}",
            sandbox::vendor_names().collect::<Vec<_>>().join(", ")
        ),
        None => Ok(()),
    }
}

/// Prints the address of each simulator and the credentials it accepts, then two addresses of the
/// sandbox itself: the list of requests that it received, and the reset.
fn write_credentials(out: &mut dyn Write, address: SocketAddr) -> io::Result<()> {
    writeln!(
        out,
        "The simulators listen on http://{address} until Ctrl-C. In another terminal:\n"
    )?;
    for command in sandbox_commands(address, Path::new("examples").is_dir()) {
        writeln!(out, "  {command}")?;
    }
    writeln!(out, "\nWithout --sandbox they are accounts that accept:\n")?;
    for vendor in sandbox::vendor_names() {
        for credential in sandbox::credentials::credentials_of(vendor) {
            let values: Vec<String> = credential
                .values
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            writeln!(
                out,
                "  {vendor:<13} http://{address}{:<18} {}: {}",
                credential.base,
                credential.form,
                values.join(", ")
            )?;
        }
    }
    writeln!(
        out,
        "\nTo play another admin, see a fresh start or what was asked: entitle help sandbox"
    )
}

/// Returns the commands by which to use the sandbox at `address`: those of a checkout, or those of an empty directory.
pub fn sandbox_commands(address: SocketAddr, has_examples: bool) -> Vec<String> {
    let option = format!("--sandbox={address}");
    match has_examples {
        true => vec![format!("entitle plan examples {option}")],
        false => vec![
            format!(
                "entitle import {} --all --out licences {option}",
                listed_connection()
            ),
            format!("entitle plan licences {option}"),
        ],
    }
}

/// Returns the flag for the connection of the first vendor that lists its objects; a sandbox has one for each vendor.
fn listed_connection() -> String {
    let kinds = provider::all_kinds();
    let listed = kinds.filter(|kind| kind.listing().is_some());
    let vendor = listed.map(|kind| kind.table().vendor).next();
    vendor.map_or_else(String::new, |vendor| format!("--connection {vendor}"))
}
