//! Tests every seeded fault over real HTTP: the reply that a plain client gets, and the vendor's account afterwards.

use std::collections::BTreeMap;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::json;

use super::*;

mod accounts;
mod replies;

const ORG: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";
const LICENSE: &str = "5d0e3c52-8a44-4b6f-9d0f-6a1f0e9b7a01";

struct Setup {
    sandbox: SandboxServer,
    client: Client,
}

impl Setup {
    /// Starts a sandbox in which every call meets the fault, except where the schedule or the account prevents it.
    async fn always(fault: &str) -> Self {
        Self::of(&format!("1:{fault}=100")).await
    }

    /// Resets the sandbox and switches it to another fault, which is faster than starting a new sandbox.
    fn switch(&self, fault: &str) {
        self.sandbox.reset();
        let plan = format!("1:{fault}=100").parse().unwrap();
        self.sandbox.set_faults(Some(plan));
    }

    async fn of(plan: &str) -> Self {
        let options = Options {
            faults: Some(plan.parse().unwrap()),
            ..Options::default()
        };
        Self {
            sandbox: SandboxServer::start(options).await.unwrap(),
            client: tests::client(),
        }
    }

    fn licenses(&self) -> RequestBuilder {
        let base = self.sandbox.url("cryptlex");
        let url = format!("{base}/v3/organizations/{ORG}/licenses");
        self.client.get(url).bearer_auth("sandbox-token")
    }

    /// Returns a write that removes all groups from a licence that has two.
    fn write(&self) -> RequestBuilder {
        let base = self.sandbox.url("cryptlex");
        let url = format!("{base}/v3/organizations/{ORG}/licenses/{LICENSE}");
        let call = self.client.patch(url).bearer_auth("sandbox-token");
        call.json(&json!({"userGroupIds": []}))
    }

    /// Returns the number of groups that the licence has in the account.
    fn groups(&self) -> usize {
        let state = self.sandbox.state("cryptlex").unwrap();
        let groups = &state["organizations"][0]["licenses"][0]["userGroupIds"];
        groups.as_array().unwrap().len()
    }

    /// Returns status, fault and `carried_out` of the newest request on record.
    fn newest(&self) -> (u16, Option<String>, bool) {
        let record = self.sandbox.requests().pop().unwrap();
        (record.status, record.fault, record.carried_out)
    }

    async fn lac_login(&self) -> String {
        let url = format!("{}/auth/tokens", self.sandbox.url("lac"));
        let login = json!({"username": "admin", "password": "sandbox"});
        let reply = self.client.post(url).json(&login).send().await.unwrap();
        body(reply).await["token"].as_str().unwrap().to_owned()
    }
}

async fn body(response: Response) -> Value {
    response.json().await.unwrap()
}

fn groups_shown(list: &Value) -> usize {
    list[0]["userGroups"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_client_that_keeps_trying_gets_through() {
    let setup = Setup::of("1").await;
    for fault in FaultPlan::names() {
        setup.switch(fault);
        let mut tries = 0;
        loop {
            tries += 1;
            assert!(tries <= 4, "{fault}");
            let Ok(reply) = setup.licenses().send().await else {
                continue;
            };
            if reply.status() == 200 && reply.json::<Value>().await.is_ok() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn control_routes_meet_no_fault_and_switch_them() {
    let setup = Setup::always("drop-before").await;
    let root = setup.sandbox.url("_sandbox");
    let index = setup.client.get(&root).send().await.unwrap();
    assert_eq!(index.status(), 200);
    let faults = async |plan: Value| {
        let call = setup.client.put(format!("{root}/faults"));
        let reply = call.json(&json!({"plan": plan})).send().await.unwrap();
        reply.status().as_u16()
    };
    assert_eq!(faults(json!("1:nonsense")).await, 400);
    assert!(setup.licenses().send().await.is_err());
    assert_eq!(faults(Value::Null).await, 204);
    assert_eq!(setup.licenses().send().await.unwrap().status(), 200);
    assert_eq!(faults(json!("1:503=100")).await, 204);
    assert_eq!(setup.licenses().send().await.unwrap().status(), 503);
    assert_eq!(faults(json!("1:foreign=100")).await, 204);
    setup.licenses().send().await.unwrap();
    let edits = setup.client.get(format!("{root}/foreign-edits"));
    let edits = body(edits.send().await.unwrap()).await;
    assert_eq!(edits[0]["vendor"], "cryptlex");
    // A reset restores the faults that the sandbox was started with.
    setup.sandbox.reset();
    assert!(setup.licenses().send().await.is_err());
}

/// The faults that each call met, in the order in which it was made.
fn met(sandbox: &SandboxServer) -> BTreeMap<String, Vec<Option<String>>> {
    let mut met: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for record in sandbox.requests() {
        met.entry(record.path).or_default().push(record.fault);
    }
    met
}

#[tokio::test]
async fn concurrency_does_not_change_what_meets_what() {
    let setup = Setup::of("11").await;
    let thrice = async |number: usize| {
        for _ in 0..3 {
            let url = format!(
                "{}/v3/organizations/{number}",
                setup.sandbox.url("cryptlex")
            );
            // The reply is ignored, because the record shows the outcome.
            let call = setup.client.get(url).bearer_auth("sandbox-token");
            let _ = call.send().await;
        }
    };
    for number in 0..40 {
        thrice(number).await;
    }
    let one_by_one = met(&setup.sandbox);
    setup.sandbox.reset();
    futures::future::join_all((0..40).rev().map(thrice)).await;
    assert_eq!(met(&setup.sandbox), one_by_one);
    let faults = one_by_one.values().flatten().flatten().count();
    assert!((8..30).contains(&faults), "{faults} of 120");
}
