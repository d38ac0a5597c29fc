//! `entitle sandbox`: the five simulators on loopback, until Ctrl-C.

use std::io::Write;

use super::args;
use super::exit::Exit;
use super::output;
use super::populated;
use crate::sandbox::{CREDENTIALS, Options, Population, Sandbox};

pub async fn run(args: args::Sandbox) -> anyhow::Result<Exit> {
    if !args.listen.ip().is_loopback() {
        anyhow::bail!(
            "the simulators accept published credentials, so they listen on loopback only"
        );
    }
    let known: Vec<&str> = CREDENTIALS.iter().map(|one| one.vendor).collect();
    if let Some(unknown) = args
        .vendor
        .iter()
        .find(|one| !known.contains(&one.as_str()))
    {
        anyhow::bail!(
            "no vendor {unknown:?} in the sandbox; there are {}",
            vendors()
        );
    }
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
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| anyhow::anyhow!("cannot listen on {}: {error}", args.listen))?;
    let mut out = output::stdout();
    if let Some(dir) = &args.write_manifests {
        let written = populated::write(dir, &sandbox, &population, args.layout, args.drift)?;
        let dir = dir.display();
        writeln!(
            out,
            "Wrote {written} objects: . {dir}/sandbox.env; entitle plan {dir}"
        )?;
    }
    let address = sandbox.address();
    writeln!(
        out,
        "The simulators listen on http://{address} until Ctrl-C. They accept:"
    )?;
    for credential in CREDENTIALS {
        let values: Vec<String> = credential
            .values
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        writeln!(
            out,
            "  {:<13} http://{address}{:<18} {}: {}",
            credential.vendor,
            credential.base,
            credential.form,
            values.join(", ")
        )?;
    }
    writeln!(
        out,
        "Requests: GET /_sandbox/requests. Fresh start: POST /_sandbox/reset."
    )?;
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

/// The names of the vendors, each once.
fn vendors() -> String {
    let mut names: Vec<&str> = CREDENTIALS.iter().map(|one| one.vendor).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
