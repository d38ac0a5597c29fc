//! Tests of faults behind the reply: repeated deliveries, lagging replicas, ended sessions, edits by other people.

use super::*;

#[tokio::test]
async fn a_call_delivered_twice_shows_its_second_reply() {
    let setup = Setup::always("twice").await;
    let base = setup.sandbox.url("cryptlex");
    let url = format!("{base}/v3/organizations/{ORG}/user-groups");
    let call = setup.client.post(url).bearer_auth("sandbox-token");
    let reply = call.json(&json!({"name": "Legal"})).send().await.unwrap();
    assert_eq!(
        reply.status(),
        409,
        "the name is taken, by the first delivery"
    );
    let state = setup.sandbox.state("cryptlex").unwrap();
    let groups = state["organizations"][0]["userGroups"].as_array().unwrap();
    assert!(groups.iter().any(|group| group["name"] == "Legal"));
    assert_eq!(setup.newest(), (409, Some("twice".into()), true));
}

#[tokio::test]
async fn a_read_after_a_write_may_miss_it_once() {
    let setup = Setup::always("stale").await;
    let shown = async || groups_shown(&body(setup.licenses().send().await.unwrap()).await);
    assert_eq!(shown().await, 2);
    assert_eq!(setup.newest().1, None, "there was no write yet");
    setup.write().send().await.unwrap();
    assert_eq!(shown().await, 2);
    assert_eq!(setup.newest(), (200, Some("stale".into()), true));
    assert_eq!(setup.groups(), 0);
    assert_eq!(shown().await, 0);
    assert_eq!(setup.newest().1, None);
}

#[tokio::test]
async fn a_stale_read_misses_the_write_to_what_it_reads_and_not_a_later_one_elsewhere() {
    let setup = Setup::always("stale").await;
    setup.write().send().await.unwrap();
    let base = setup.sandbox.url("cryptlex");
    // A group of no licence.
    let group = "a4f8d1b0-1111-4c22-8f33-000000000002";
    let url = format!("{base}/v3/organizations/{ORG}/user-groups/{group}");
    let call = setup.client.patch(url).bearer_auth("sandbox-token");
    let call = call.json(&json!({"description": "Books"}));
    assert_eq!(call.send().await.unwrap().status(), 200);
    let list = body(setup.licenses().send().await.unwrap()).await;
    assert_eq!(groups_shown(&list), 2);
}

#[tokio::test]
async fn a_write_is_not_missed_for_long() {
    let setup = Setup::always("stale").await;
    setup.write().send().await.unwrap();
    for _ in 0..25 {
        let url = format!("{}/v3/organizations", setup.sandbox.url("cryptlex"));
        let call = setup.client.get(url).bearer_auth("sandbox-token");
        call.send().await.unwrap();
    }
    let list = body(setup.licenses().send().await.unwrap()).await;
    assert_eq!(groups_shown(&list), 0);
}

#[tokio::test]
async fn a_session_ends_in_the_vendors_own_words_until_the_next_login() {
    let setup = Setup::always("session").await;
    let url = format!("{}/products", setup.sandbox.url("lac"));
    let products = async |token: &str| {
        let call = setup.client.get(&url).bearer_auth(token);
        call.send().await.unwrap()
    };
    let token = setup.lac_login().await;
    let reply = products(&token).await;
    assert_eq!(reply.status(), 403);
    assert_eq!(
        body(reply).await["message"],
        "Invalid or expired token provided."
    );
    assert_eq!(setup.newest(), (403, Some("session".into()), false));
    setup.sandbox.set_faults(None);
    assert_eq!(products(&token).await.status(), 403, "it is really gone");
    assert_eq!(products(&setup.lac_login().await).await.status(), 200);
}

#[tokio::test]
async fn every_vendor_with_a_login_loses_sessions_and_fixed_tokens_stay() {
    let setup = Setup::always("session").await;
    let at = |path: &str| setup.sandbox.url(path);
    let login =
        json!({"accountId": "sandbox", "email": "admin@sandbox.test", "password": "sandbox"});
    let call = setup.client.post(at("cryptlex/v3/accounts/login"));
    let reply = body(call.json(&login).send().await.unwrap()).await;
    let token = reply["accessToken"].as_str().unwrap();
    let call = setup.client.get(at("cryptlex/v3/organizations"));
    assert_eq!(call.bearer_auth(token).send().await.unwrap().status(), 401);

    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "sandbox"),
        ("client_secret", "sandbox"),
    ];
    let call = setup.client.post(at("alinea/oauth/token")).form(&form);
    let reply = body(call.send().await.unwrap()).await;
    let license = at("alinea/api/licenses/f76ac030-df89-41a9-a62a-b6fbbba5a58c");
    let call = setup.client.get(license);
    let call = call.bearer_auth(reply["access_token"].as_str().unwrap());
    assert_eq!(call.send().await.unwrap().status(), 401);

    let login = json!({"username": "admin@sandbox.test", "password": "sandbox"});
    let call = setup
        .client
        .post(at("informatica/saas/public/core/v3/login"));
    let reply = body(call.json(&login).send().await.unwrap()).await;
    let org = at("informatica/saas/public/core/v3/license/org/1ax3wad2FEsz35asd2892s");
    let session = reply["userInfo"]["sessionId"].as_str().unwrap();
    let call = setup.client.get(org).header("INFA-SESSION-ID", session);
    assert_eq!(call.send().await.unwrap().status(), 401);

    assert_eq!(setup.licenses().send().await.unwrap().status(), 200);
    assert_eq!(setup.newest(), (200, None, true));
}

#[tokio::test]
async fn somebody_else_edits_just_before_a_call() {
    let setup = Setup::always("foreign").await;
    let before = setup.sandbox.state("lac").unwrap();
    let url = format!("{}/license-orders", setup.sandbox.url("lac"));
    let call = setup.client.get(url).bearer_auth("sandbox-token");
    assert_eq!(call.send().await.unwrap().status(), 200);
    assert_eq!(setup.newest(), (200, Some("foreign".into()), true));
    assert_ne!(setup.sandbox.state("lac").unwrap(), before);
    let edits = setup.sandbox.foreign_edits();
    assert_eq!(edits.len(), 1);
    assert_eq!(edits[0].vendor, "lac");
    assert_eq!(edits[0].before, "GET /lac/license-orders");
    assert_ne!(edits[0].change["before"], edits[0].change["after"]);
    setup.sandbox.reset();
    assert!(setup.sandbox.foreign_edits().is_empty());
}
