use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::apply::Trust;
use crate::daemon::hooks::{Headers, git};
use crate::daemon::notices::find_transitions;
use crate::daemon::serve::samples;
use crate::provider::webhook::Delivery;

fn secrets() -> Secrets {
    Secrets {
        environment: Arc::new(|name| match name {
            "KEY" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
            "PASS" => Some("mail-word".into()),
            _ => None,
        }),
        trust: Trust::default(),
    }
}

fn notices() -> Vec<Notice> {
    let mut before = samples::sample_status(20);
    before.brake.engaged = false;
    find_transitions(&before, &samples::sample_status(20))
}

async fn deliver(channel: Channel, secrets: &Secrets) -> Result<(), String> {
    let notification = Notification {
        name: "ops".into(),
        channel,
        events: Vec::new(),
        connections: Vec::new(),
    };
    let sender = Sender {
        notification: &notification,
        secrets,
        page: None,
        clock: samples::sample_now,
    };
    let sent = sender.deliver(&notices()).await;
    sent.map_err(|error| with_causes(&error))
}

/// Answers one request, and gives back its headers and body.
async fn receiver(answer: &'static str) -> (String, tokio::task::JoinHandle<(Headers, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/in", listener.local_addr().expect("an address"));
    let receiving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a caller");
        let mut stream = BufReader::new(stream);
        let (mut head, mut line) = (Vec::new(), String::new());
        while stream.read_line(&mut line).await.expect("readable") > 2 {
            head.push(line.trim_end().to_string());
            line.clear();
        }
        let pairs = head.iter().filter_map(|line| line.split_once(": "));
        let headers: Headers = pairs.collect();
        let length = headers
            .get("content-length")
            .and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.expect("a body");
        let reply = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(reply.as_bytes()).await.expect("sent");
        (headers, body)
    });
    (address, receiving)
}

#[tokio::test]
async fn what_we_sign_holds_at_our_own_hook() {
    let (address, receiving) = receiver("204 No Content").await;
    let channel = Channel::Webhook {
        url: Credential::Plain(address),
        secret: Some(SecretRef::Env("KEY".into())),
    };
    deliver(channel, &secrets()).await.expect("taken");
    let (headers, body) = receiving.await.expect("no panic");
    assert_eq!(headers.get("content-type"), Some("application/json"));
    let key = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let delivery = Delivery {
        headers: &headers,
        body: &body,
        received: samples::sample_now(),
    };
    assert!(git::verify_push(key, &delivery).is_some());
    assert!(git::verify_push(b"other", &delivery).is_none());
    assert_eq!(
        message_id("ops", &notices()),
        headers.get("webhook-id").unwrap_or("")
    );
}

#[tokio::test]
async fn nothing_of_a_secret_address_is_shown() {
    let (address, _receiving) = receiver("500 Oops").await;
    let secret = address.replace("/in", "/T00/B00/token-in-the-path");
    let secrets = Secrets {
        environment: Arc::new(move |_| Some(secret.clone())),
        trust: Trust::default(),
    };
    let channel = Channel::Slack {
        url: SecretRef::Env("URL".into()),
    };
    let why = deliver(channel, &secrets).await.expect_err("refused");
    assert_eq!(why, "the receiver answered 500");
    let hosts = Some(vec!["lac.example.com".parse().expect("a host")]);
    for (url, hosts) in [
        ("https://vault-word.example/T00/secret-path", hosts),
        ("http://vault-word.example/T00/secret-path", None),
        ("https://127.0.0.1:1/T00/secret-path", None),
        ("vault-word", None),
    ] {
        let trust = Trust {
            hosts,
            ..Trust::default()
        };
        let environment = Arc::new(move |_: &str| Some(url.to_string()));
        let secrets = Secrets { environment, trust };
        let url = || SecretRef::Env("URL".into());
        for channel in [
            Channel::Slack { url: url() },
            Channel::Teams { url: url() },
            Channel::Webhook {
                url: Credential::Secret(url()),
                secret: None,
            },
        ] {
            let why = deliver(channel, &secrets).await.expect_err("not taken");
            for word in ["vault-word", "secret-path", "127.0.0.1"] {
                assert!(!why.contains(word), "{why}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_in_the_open_nor_to_a_host_that_is_not_trusted() {
    let plain = |url: &str| Channel::Webhook {
        url: Credential::Plain(url.into()),
        secret: None,
    };
    let open = deliver(plain("http://hooks.example.com/x"), &secrets()).await;
    assert_eq!(
        open.err().as_deref(),
        Some("notices go to https addresses only")
    );
    let trust = Trust {
        hosts: Some(vec!["api.cryptlex.com".parse().expect("a host")]),
        ..Trust::default()
    };
    let wary = Secrets { trust, ..secrets() };
    let foreign = deliver(plain("https://hooks.example.com/x"), &wary).await;
    assert!(foreign.is_err_and(|why| why.contains("--trust-hosts")));
    let mail = Channel::Email(Email {
        server: "smtps://mail.example.com".parse().expect("a URL"),
        from: "a@example.com".into(),
        to: vec!["b@example.com".into()],
        login: Some((
            Credential::Plain("me".into()),
            SecretRef::Env("PASS".into()),
        )),
    });
    let foreign = deliver(mail, &wary).await;
    assert!(foreign.is_err_and(|why| why.contains("--trust-hosts")));
}

/// A mail server of one conversation, which gives back what it was told.
async fn mail_server() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let talk = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a caller");
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let (mut heard, mut letter) = (String::new(), false);
        write.write_all(b"220 here\r\n").await.expect("sent");
        while let Ok(Some(line)) = lines.next_line().await {
            heard.push_str(&line);
            heard.push('\n');
            let reply = match line.as_str() {
                "." => {
                    letter = false;
                    "250 taken\r\n"
                }
                _ if letter => continue,
                "DATA" => {
                    letter = true;
                    "354 go on\r\n"
                }
                "QUIT" => break,
                line if line.starts_with("EHLO") => "250-here\r\n250 8BITMIME\r\n",
                _ => "250 fine\r\n",
            };
            write.write_all(reply.as_bytes()).await.expect("sent");
            if line == "." {
                break;
            }
        }
        heard
    });
    (format!("smtp://127.0.0.1:{port}"), talk)
}

#[tokio::test]
async fn a_letter_reaches_its_readers() {
    let (server, talk) = mail_server().await;
    let mail = Channel::Email(Email {
        server: server.parse().expect("a URL"),
        from: "entitle <entitle@example.com>".into(),
        to: vec!["ann@example.com".into(), "ben@example.com".into()],
        login: None,
    });
    deliver(mail, &secrets()).await.expect("taken");
    let heard = talk.await.expect("no panic");
    for line in [
        "MAIL FROM:<entitle@example.com>",
        "RCPT TO:<ann@example.com>",
        "RCPT TO:<ben@example.com>",
        "Subject: entitle: The brake is on",
    ] {
        assert!(heard.contains(line), "{line}\n{heard}");
    }
}
