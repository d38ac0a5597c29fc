//! A simulated vendor, manifests for it, and runs of the program that share nothing but a store.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use entitle::sandbox::{Options, Population, SandboxServer, population};
use serde_json::{Value as Json, json};

use super::Address;

pub struct World {
    sandbox: SandboxServer,
    dir: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl World {
    /// An account with so many orders, of which a percentage is not as the manifests want, at a vendor that takes so long.
    pub async fn new(store: &Address, objects: usize, percent: f64, latency: Duration) -> Self {
        Self::of("lac", store, objects, percent, latency).await
    }

    /// The same of any vendor.
    pub async fn of(
        vendor: &str,
        store: &Address,
        objects: usize,
        percent: f64,
        latency: Duration,
    ) -> Self {
        let population = Population {
            objects,
            vendors: vec![vendor.into()],
        };
        let options = Options {
            population: population.clone(),
            latency,
            ..Options::default()
        };
        let sandbox = SandboxServer::start(options).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        Self::with(sandbox, dir, &population, percent, store)
    }

    /// The same of simulators that run already. The population has objects of one vendor.
    pub fn with(
        sandbox: SandboxServer,
        dir: tempfile::TempDir,
        population: &Population,
        percent: f64,
        store: &Address,
    ) -> Self {
        let vendor = population.vendors[0].as_str();
        let address = format!("http://{}", sandbox.address());
        let (connection, variables) = population::connection_manifest(vendor, &address).unwrap();
        // So that a lease lasts no longer than a test can wait for.
        let connection = connection.replace("spec:\n", "spec:\n  timeout: 2s\n");
        let manifests: Vec<String> = population.manifests(vendor, percent).unwrap().collect();
        let text = [connection, manifests.join("---\n")].join("---\n");
        std::fs::create_dir(dir.path().join("licences")).unwrap();
        std::fs::write(dir.path().join("licences/all.yaml"), text).unwrap();
        let mut environment = store.environment.clone();
        environment.push(("ENTITLE_STORE".into(), store.url.clone()));
        let variables = variables.into_iter();
        environment.extend(variables.map(|(name, value)| (name, value.to_string())));
        Self {
            sandbox,
            dir,
            environment,
        }
    }

    /// Starts a run on a machine that was never used before.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let state = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        Command::new(env!("CARGO_BIN_EXE_entitle"))
            .args(arguments)
            .current_dir(self.dir.path().join("licences"))
            .env_clear()
            .envs(self.environment.iter().cloned())
            .env("XDG_STATE_HOME", state)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).wait_with_output().unwrap()
    }

    pub fn signal(&self, run: &Child, signal: &str) {
        let id = run.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Lets Cryptlex count calls: fifty in five seconds.
    pub fn limit(&self) {
        let mut switches = self.sandbox.switches("cryptlex").unwrap();
        switches["rate_limit"] = json!(true);
        self.sandbox.set_switches("cryptlex", switches).unwrap();
    }

    /// Calls that the vendor got, and how many of them were too many.
    pub fn calls(&self) -> (usize, usize) {
        let requests = self.sandbox.requests();
        let refused = requests.iter().filter(|seen| seen.status == 429);
        (requests.len(), refused.count())
    }

    /// Writes that the vendor got.
    pub fn writes(&self) -> usize {
        let requests = self.sandbox.requests();
        requests
            .iter()
            .filter(|seen| seen.method == "PATCH")
            .count()
    }

    /// One of the orders of the manifests, counted from the last, as it is now.
    pub fn live(&self, order: usize) -> Json {
        let account = self.sandbox.state("lac").unwrap();
        let orders = account["license_orders"].as_array().unwrap();
        orders[orders.len() - 1 - order].clone()
    }

    /// Somebody else changes one of the orders of the manifests.
    pub fn edit(&self, order: usize) {
        let mut account = self.sandbox.state("lac").unwrap();
        let orders = account["license_orders"].as_array_mut().unwrap();
        let last = orders.len() - 1 - order;
        let seats = orders[last]["activations_allowed"].as_i64().unwrap();
        orders[last]["activations_allowed"] = json!(seats - 1);
        self.sandbox.set_state("lac", account).unwrap();
    }
}

pub fn exit(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// Waits for something that other processes do.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
