use std::time::Instant;

use jiff::Timestamp;
use reqwest::Client;
use serde_json::json;

use super::simulator::{HttpReply, HttpRequest, Simulator};
use super::*;

/// A vendor that answers with what it was asked and counts its writes.
#[derive(Clone, Default)]
struct Mirror {
    writes: u64,
}

impl Simulator for Mirror {
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> HttpReply {
        if request.method == "PUT" {
            self.writes += 1;
        }
        HttpReply::json(
            if request.path == "/gone" { 404 } else { 200 },
            &json!({"method": request.method, "path": request.path, "query": request.query, "base": request.base_url,
                "bearer": request.bearer_token(), "body": String::from_utf8_lossy(&request.body),
                "now": now.as_second()}),
        )
    }

    fn populate(&mut self, _: usize) {}

    fn state(&self) -> Value {
        json!({"writes": self.writes})
    }

    fn set_state(&mut self, state: Value) -> Result<(), String> {
        self.writes = state["writes"].as_u64().ok_or("writes must be a count")?;
        Ok(())
    }

    fn switches(&self) -> Value {
        json!({})
    }

    fn set_switches(&mut self, _: Value) -> Result<(), String> {
        Err("no such switch".into())
    }

    fn fork(&self) -> Box<dyn Simulator> {
        Box::new(self.clone())
    }

    fn expire_session(&mut self, _: &HttpRequest) -> bool {
        false
    }

    fn make_foreign_edit(&mut self, _: u64, _: Timestamp) -> Option<Value> {
        None
    }
}

const MIRRORS: &[SimulatedVendor] = &[
    SimulatedVendor {
        prefix: "lac",
        seeded: || Box::new(Mirror::default()),
        credentials: &[],
        write_manifest: |_, _, _| String::new(),
    },
    SimulatedVendor {
        prefix: "other",
        seeded: || Box::new(Mirror::default()),
        credentials: &[],
        write_manifest: |_, _, _| String::new(),
    },
];

/// A plain client.
pub(super) fn client() -> Client {
    // reqwest is built without a default provider; a second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

async fn mirrors(latency: Duration) -> (SandboxServer, Client) {
    let options = Options {
        latency,
        ..Options::default()
    };
    let sandbox = SandboxServer::start_with(options, MIRRORS).await.unwrap();
    (sandbox, client())
}

async fn body(response: reqwest::Response) -> Value {
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_request_reaches_its_vendor_decoded_and_without_the_prefix() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let url = format!("{}/a%20b/%C3%A9?x=1%202&x=3", sandbox.url("lac"));
    let echo = body(client.get(url).bearer_auth("t0").send().await.unwrap()).await;
    assert_eq!(echo["path"], "/a b/é");
    assert_eq!(echo["query"], json!([["x", "1 2"], ["x", "3"]]));
    assert_eq!(echo["base"], sandbox.url("lac"));
    assert_eq!(echo["bearer"], "t0");
    sandbox.stop().await;
}

#[tokio::test]
async fn requests_are_recorded_with_status_and_json_body() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let url = format!("{}/gone?p=%2F", sandbox.url("lac"));
    client
        .put(url)
        .json(&json!({"seats": 3}))
        .send()
        .await
        .unwrap();
    let records = sandbox.requests();
    let expected = RecordedRequest {
        method: "PUT".into(),
        path: "/lac/gone?p=%2F".into(),
        status: 404,
        body: Some(json!({"seats": 3})),
        fault: None,
        carried_out: false,
    };
    assert_eq!(records, [expected]);
    sandbox.forget_requests();
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_call_that_was_given_up_is_over_once_all_is_closed() {
    use std::io::Write;
    let (sandbox, _) = mirrors(Duration::ZERO).await;
    // The server runs on this thread too, and makes no progress until the test awaits something.
    let mut given_up = std::net::TcpStream::connect(sandbox.address()).unwrap();
    let call = b"PUT /lac/a HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 0\r\n\r\n";
    given_up.write_all(call).unwrap();
    drop(given_up);
    assert_eq!(sandbox.state("lac").unwrap(), json!({"writes": 0}));
    sandbox.wait_until_all_closed().await.unwrap();
    assert_eq!(sandbox.state("lac").unwrap(), json!({"writes": 1}));
}

#[tokio::test]
async fn what_is_open_is_waited_for() {
    let (sandbox, _) = mirrors(Duration::ZERO).await;
    let open = std::net::TcpStream::connect(sandbox.address()).unwrap();
    let mut closed = std::pin::pin!(sandbox.wait_until_all_closed());
    // The sandbox answers two later requests, so it has processed everything that arrived before them.
    for _ in 0..2 {
        let url = format!("{}/a", sandbox.url("lac"));
        let request = client().get(url).send();
        tokio::select! {
            _ = &mut closed => panic!("one is open"),
            answered = request => { answered.unwrap(); }
        }
    }
    drop(open);
    closed.await.unwrap();
}

#[tokio::test]
async fn credentials_are_never_recorded() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let url = format!("{}/login", sandbox.url("lac"));
    let login = json!({"username": "admin", "password": "hunter2"});
    client.post(&url).json(&login).send().await.unwrap();
    let form = [("client_secret", "hunter2")];
    client.post(&url).form(&form).send().await.unwrap();
    let query = format!("{url}?access_token=hunter2&page=1");
    client
        .get(&query)
        .bearer_auth("hunter2")
        .send()
        .await
        .unwrap();
    let records = sandbox.requests();
    assert!(!format!("{records:?}").contains("hunter2"), "{records:?}");
    assert_eq!(records[2].path, "/lac/login?access_token=-&page=1");
}

#[tokio::test]
async fn an_unknown_vendor_is_404_and_names_the_known_ones() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let response = client.get(sandbox.url("nobody")).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(body(response).await["vendors"], json!(["lac", "other"]));
    assert_eq!(sandbox.requests()[0].status, 404);
}

#[tokio::test]
async fn the_clock_moves_and_reset_brings_everything_back() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let url = format!("{}/x", sandbox.url("lac"));
    sandbox.advance_clock(SignedDuration::from_hours(3));
    client.put(&url).send().await.unwrap();
    let echo = body(client.get(&url).send().await.unwrap()).await;
    let ahead = echo["now"].as_i64().unwrap() - Timestamp::now().as_second();
    assert!((10_790..=10_810).contains(&ahead), "{ahead}");
    assert_eq!(sandbox.state("lac").unwrap(), json!({"writes": 1}));
    assert_eq!(sandbox.state("other").unwrap(), json!({"writes": 0}));

    sandbox.reset();
    assert_eq!(sandbox.state("lac").unwrap(), json!({"writes": 0}));
    assert!(sandbox.requests().is_empty());
    let echo = body(client.get(&url).send().await.unwrap()).await;
    let ahead = echo["now"].as_i64().unwrap() - Timestamp::now().as_second();
    assert!((-10..=10).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn the_control_routes_do_what_the_handle_does() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let root = sandbox.url("_sandbox");
    let get = async |path: &str| client.get(format!("{root}{path}")).send().await.unwrap();
    let post = async |path: &str, sent: Value| {
        let call = client.post(format!("{root}{path}")).json(&sent);
        call.send().await.unwrap()
    };
    let index = body(get("").await).await;
    assert_eq!(index["vendors"][0]["vendor"], "lac");
    assert_eq!(index["vendors"][0]["baseUrl"], sandbox.url("lac"));
    assert_eq!(
        index["vendors"][0]["credentials"][0],
        json!({"form": "login", "baseUrl": sandbox.url("lac"),
            "values": {"username": "admin", "password": "sandbox"}})
    );

    let put = client.put(format!("{root}/state/lac"));
    let put = put.json(&json!({"writes": 9})).send().await.unwrap();
    assert_eq!(put.status(), 204);
    assert_eq!(body(get("/state/lac").await).await, json!({"writes": 9}));
    let put = client.put(format!("{root}/state/lac/writes"));
    let put = body(put.body("4").send().await.unwrap()).await;
    assert_eq!(put, json!({"before": 9, "after": 4}));
    assert_eq!(body(get("/state/lac/writes").await).await, json!(4));
    assert_eq!(get("/state/lac/reads").await.status(), 400);
    assert_eq!(post("/state/lac/writes", json!(1)).await.status(), 405);
    assert_eq!(get("/state/nobody").await.status(), 404);
    assert_eq!(get("/nothing").await.status(), 404);
    assert_eq!(get("/reset").await.status(), 405);
    let refused = post("/switches/lac", json!({"x": 1})).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(body(refused).await, json!({"error": "no such switch"}));
    let clock = post("/clock", json!({"advance_seconds": 60})).await;
    assert_eq!(clock.status(), 200);
    let clock = post("/clock", json!({"advance_seconds": "60"})).await;
    assert_eq!(clock.status(), 400);

    client
        .get(format!("{}/x", sandbox.url("lac")))
        .send()
        .await
        .unwrap();
    let requests = body(get("/requests").await).await;
    assert_eq!(
        requests,
        json!([{"method": "GET", "path": "/lac/x", "status": 200, "body": null,
            "fault": null, "carried_out": true}])
    );
    assert_eq!(post("/reset", json!({})).await.status(), 204);
    assert_eq!(body(get("/requests").await).await, json!([]));
    assert_eq!(sandbox.state("lac").unwrap(), json!({"writes": 0}));
}

#[tokio::test]
async fn a_fault_hits_the_next_fitting_requests_and_may_lose_only_the_reply() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let url = format!("{}/x", sandbox.url("lac"));
    let put = async || client.put(&url).send().await.unwrap();
    let fault = json!({"status": 503, "method": "PUT", "retry_after": "1", "carried_out": true});
    let request = client
        .post(sandbox.url("_sandbox/faults/lac"))
        .json(&fault)
        .send()
        .await
        .unwrap();
    assert_eq!(request.status(), 204);
    sandbox
        .script_fault(
            "lac",
            ScriptedFault {
                status: 429,
                times: 1,
                retry_after: None,
                method: None,
                carried_out: false,
            },
        )
        .unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 429);
    let lost = put().await;
    assert_eq!(lost.status(), 503);
    assert_eq!(lost.headers()["retry-after"], "1");
    assert_eq!(sandbox.state("lac").unwrap(), json!({"writes": 1}));
    assert_eq!(put().await.status(), 200);
    let records = sandbox.requests();
    let shown = |at: usize| {
        (
            records[at].status,
            records[at].fault.as_deref(),
            records[at].carried_out,
        )
    };
    assert_eq!(shown(0), (429, Some("429"), false));
    assert_eq!(shown(1), (503, Some("503-after"), true));
    assert_eq!(shown(2), (200, None, true));
}

#[tokio::test]
async fn latency_is_waited_for_side_by_side() {
    let (sandbox, client) = mirrors(Duration::from_millis(200)).await;
    let url = format!("{}/x", sandbox.url("lac"));
    let started = Instant::now();
    let calls = (0..8).map(|_| client.get(&url).send());
    for response in futures::future::join_all(calls).await {
        assert_eq!(response.unwrap().status(), 200);
    }
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert!(took < Duration::from_millis(1200), "{took:?}");
}

#[tokio::test]
async fn stopping_does_not_wait_for_idle_connections() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let address = sandbox.address();
    client.get(sandbox.url("lac")).send().await.unwrap();
    let silent = tokio::net::TcpStream::connect(address).await.unwrap();
    let started = Instant::now();
    sandbox.stop().await;
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    drop((client, silent));
}

#[tokio::test]
async fn it_runs_until_told_and_ends_when_dropped() {
    let (sandbox, _) = mirrors(Duration::ZERO).await;
    sandbox.run_until(async {}).await;
    let (sandbox, _) = mirrors(Duration::ZERO).await;
    let address = sandbox.address();
    drop(sandbox);
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_body_above_the_cap_is_413() {
    let (sandbox, client) = mirrors(Duration::ZERO).await;
    let big = vec![b' '; 16 * 1024 * 1024 + 1];
    let sent = client.put(sandbox.url("lac")).body(big).send().await;
    // The server may close before all of it is sent, which the client then reports instead.
    if let Ok(response) = sent {
        assert_eq!(response.status(), 413);
    }
    assert_eq!(sandbox.requests()[0].status, 413);
}

#[test]
fn every_vendor_served_has_credentials_below_its_prefix() {
    for vendor in VENDORS {
        let credentials_here: Vec<_> = credentials::credentials_of(vendor.prefix).collect();
        assert!(!credentials_here.is_empty(), "{}", vendor.prefix);
        let root = format!("/{}", vendor.prefix);
        assert!(
            credentials_here
                .iter()
                .all(|one| one.base.starts_with(&root))
        );
    }
}

/// The values of a listed login as a JSON body.
fn login(vendor: &str) -> Value {
    let mut credentials_here = credentials::credentials_of(vendor);
    let login = credentials_here.find(|one| one.form == "login").unwrap();
    let values = login.values.iter();
    values.map(|(name, value)| (*name, *value)).collect()
}

#[tokio::test]
async fn the_listed_lac_login_reads_the_seed_over_http() {
    let (_, client) = mirrors(Duration::ZERO).await;
    let sandbox = SandboxServer::start(Options::default()).await.unwrap();
    let lac = sandbox.url("lac");
    let call = client
        .post(format!("{lac}/auth/tokens"))
        .json(&login("lac"));
    let token = body(call.send().await.unwrap()).await;
    let token = token["token"].as_str().unwrap();
    let call = client
        .get(format!("{lac}/license-orders"))
        .bearer_auth(token);
    let rows = body(call.send().await.unwrap()).await;
    assert_eq!(rows[0]["activation_key"], "II1HP-TX8EQ-R1QXZ-7LYXF");
    sandbox.advance_clock(SignedDuration::from_hours(3));
    let call = client
        .get(format!("{lac}/license-orders"))
        .bearer_auth(token);
    assert_eq!(call.send().await.unwrap().status(), 403);

    let records = sandbox.requests();
    assert_eq!(records[0].path, "/lac/auth/tokens");
    assert_eq!((records[0].status, &records[0].body), (200, &None));
    assert!(!format!("{records:?}").contains(token));
}

#[tokio::test]
async fn the_listed_informatica_login_leads_to_an_api_base_that_answers() {
    let (_, client) = mirrors(Duration::ZERO).await;
    let sandbox = SandboxServer::start(Options::default()).await.unwrap();
    let url = format!("{}/saas/public/core/v3/login", sandbox.url("informatica"));
    let call = client.post(url).json(&login("informatica"));
    let reply = body(call.send().await.unwrap()).await;
    let base = reply["products"][0]["baseApiUrl"].as_str().unwrap();
    let session = reply["userInfo"]["sessionId"].as_str().unwrap();
    let url = format!("{base}/public/core/v3/license/org/1ax3wad2FEsz35asd2892s");
    for session in [session, "sandbox-session"] {
        let call = client.get(&url).header("INFA-SESSION-ID", session);
        let document = body(call.send().await.unwrap()).await;
        assert_eq!(document["parentOrg"], "52ZSTB0IDK6dXxaEQLUaQu");
    }
    assert!(!format!("{:?}", sandbox.requests()).contains(session));
}
