//! Faults of the reply and of its way to the client.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn too_many_requests_come_with_seconds_a_date_or_nothing() {
    let setup = Setup::of("1").await;
    let after = async |fault: &str| {
        setup.switch(fault);
        let reply = setup.write().send().await.unwrap();
        assert_eq!(reply.status(), 429);
        assert_eq!(setup.newest(), (429, Some(fault.into()), false));
        assert_eq!(setup.groups(), 2);
        let after = reply.headers().get("retry-after");
        after.map(|after| after.to_str().unwrap().to_owned())
    };
    assert!(["0", "1"].contains(&after("429").await.unwrap().as_str()));
    assert_eq!(after("429-bare").await, None);
    let date = after("429-date").await.unwrap();
    assert!(date.ends_with(" GMT"), "{date}");
    let date = jiff::fmt::rfc2822::parse(&date).unwrap().timestamp();
    let ahead = date.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((-9..=1).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn a_refused_call_is_kept_from_the_vendor() {
    let setup = Setup::of("1").await;
    for fault in ["408", "425", "500", "502", "503"] {
        setup.switch(fault);
        let reply = setup.write().send().await.unwrap();
        assert_eq!(reply.status().as_str(), fault);
        assert_eq!(setup.groups(), 2, "{fault}");
        let status = reply.status().as_u16();
        assert_eq!(setup.newest(), (status, Some(fault.into()), false));
    }
}

#[tokio::test]
async fn an_error_may_come_after_the_write_took_effect() {
    let setup = Setup::of("1").await;
    for fault in ["500-after", "502-after", "503-after"] {
        setup.switch(fault);
        let reply = setup.write().send().await.unwrap();
        assert_eq!(reply.status().as_str(), &fault[..3]);
        assert_eq!(setup.groups(), 0, "{fault}");
        let status = reply.status().as_u16();
        assert_eq!(setup.newest(), (status, Some(fault.into()), true));
    }
}

#[tokio::test]
async fn a_dropped_connection_is_an_error_and_no_status() {
    let setup = Setup::of("1").await;
    for (fault, groups) in [("drop-before", 2), ("drop-after", 0)] {
        setup.switch(fault);
        let error = setup.write().send().await.unwrap_err();
        assert!(error.is_request() && error.status().is_none(), "{error:?}");
        // The error is neither a refused connection nor a time-out, so the client must assume that the call arrived.
        assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
        assert_eq!(setup.groups(), groups, "{fault}");
        assert_eq!(setup.newest(), (0, Some(fault.into()), groups == 0));
        assert_eq!(setup.sandbox.requests().len(), 1, "the client sent it once");
    }
}

#[tokio::test]
async fn a_call_dropped_on_a_connection_in_use_is_not_sent_again_by_the_client() {
    let setup = Setup::always("drop-after").await;
    let plan = "1:drop-after=100".parse().unwrap();
    setup.sandbox.set_faults(None);
    setup
        .licenses()
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    setup.sandbox.set_faults(Some(plan));
    assert!(setup.write().send().await.is_err());
    assert_eq!(setup.sandbox.requests().len(), 2);
}

#[tokio::test]
async fn a_dropped_connection_carries_no_byte() {
    let setup = Setup::always("drop-after").await;
    let mut socket = tokio::net::TcpStream::connect(setup.sandbox.address())
        .await
        .unwrap();
    let head = "GET /lac/products HTTP/1.1\r\nhost: x\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let end = socket.read_to_end(&mut read).await;
    assert!(
        read.is_empty(),
        "{end:?} {}",
        String::from_utf8_lossy(&read)
    );
}

#[tokio::test]
async fn a_connection_may_end_in_the_middle_of_a_reply() {
    let setup = Setup::always("drop-during").await;
    let reply = setup.write().send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert!(reply.content_length().unwrap() > 100);
    let error = reply.bytes().await.unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(setup.groups(), 0);
    assert_eq!(setup.newest(), (200, Some("drop-during".into()), true));
}

#[tokio::test]
async fn a_slow_reply_comes_in_pieces_and_is_whole() {
    let setup = Setup::always("slow").await;
    let mut reply = setup.licenses().send().await.unwrap();
    let (mut pieces, mut all) = (0, Vec::new());
    while let Some(piece) = reply.chunk().await.unwrap() {
        pieces += 1;
        all.extend_from_slice(&piece);
    }
    assert!(pieces > 1, "{pieces}");
    let list: Value = serde_json::from_slice(&all).unwrap();
    assert_eq!(groups_shown(&list), 2);
    assert_eq!(setup.newest(), (200, Some("slow".into()), true));
}

#[tokio::test]
async fn a_truncated_reply_looks_whole_until_it_is_read_as_json() {
    let setup = Setup::always("truncated").await;
    let reply = setup.write().send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let length = reply.content_length().unwrap();
    let body = reply.bytes().await.unwrap();
    assert_eq!(body.len() as u64, length);
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    assert_eq!(setup.groups(), 0);
    assert_eq!(setup.newest(), (200, Some("truncated".into()), true));
}

#[tokio::test]
async fn a_reply_without_a_body_cannot_be_spoilt() {
    let setup = Setup::always("truncated").await;
    let url = format!(
        "{}/public/core/v3/license/org/1ax3wad2FEsz35asd2892s",
        setup.sandbox.url("informatica/saas")
    );
    let call = setup.client.put(url);
    let call = call.header("INFA-SESSION-ID", "sandbox-session");
    let sent = json!({"customLicenses": [], "assignedEditions": [], "customLimits": []});
    assert_eq!(call.json(&sent).send().await.unwrap().status(), 200);
    assert_eq!(setup.newest(), (200, None, true));
}

#[tokio::test]
async fn a_web_page_comes_with_status_200() {
    let setup = Setup::always("html").await;
    let reply = setup.write().send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["content-type"], "text/html; charset=utf-8");
    assert!(reply.text().await.unwrap().starts_with("<!doctype html>"));
    assert_eq!(setup.groups(), 2);
    assert_eq!(setup.newest(), (200, Some("html".into()), false));
}
