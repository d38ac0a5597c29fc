use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::sync::mpsc;

use super::*;
use crate::provider::signature;

const SECRET: &str = "hook-word";

fn vendor(name: &str) -> Hook {
    Hook::of_vendor(name).expect("a vendor with webhooks")
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a time")
}

fn hooks(room: usize) -> (Hooks, mpsc::Receiver<Trigger>) {
    let (triggers, woken) = mpsc::channel(room);
    let secret = || SecretText::from(SECRET);
    let keys = WebhookSecrets {
        connections: [("cryptlex", "main"), ("licensespring", "spring")]
            .map(|(vendor, name)| ((vendor, name.to_string()), secret()))
            .into(),
        git: Some(secret()),
    };
    (Hooks::new(keys, triggers), woken)
}

fn cryptlex(body: &[u8]) -> Headers {
    let value = BASE64.encode(signature::sign(SECRET.as_bytes(), &[body]));
    [("webhook-signature", value.as_str())]
        .into_iter()
        .collect()
}

const BODY: &[u8] =
    br#"{"event":"organization.license.updated","data":{"id":"l1"},"triggeredAt":"1"}"#;

#[test]
fn a_right_delivery_wakes_one_object_once() {
    let (hooks, mut woken) = hooks(4);
    let send =
        |body: &[u8]| hooks.receive(vendor("cryptlex"), "main", &cryptlex(body), body, now());
    assert_eq!(send(BODY), DeliveryResult::Taken);
    let object = Trigger::Object {
        connection: "main".into(),
        id: "l1".into(),
    };
    assert_eq!(woken.try_recv().ok(), Some(object));
    assert_eq!(send(BODY), DeliveryResult::Repeated);
    assert!(woken.try_recv().is_err());
    let activation = br#"{"event":"activation.created","data":{"id":"a"}}"#;
    assert_eq!(send(activation), DeliveryResult::Ignored);
    assert!(woken.try_recv().is_err());
}

#[test]
fn who_has_no_secret_is_answered_like_one_with_another() {
    let (hooks, mut woken) = hooks(4);
    let wrong: Headers = [("webhook-signature", "AAAA")].into_iter().collect();
    let none = BASE64.encode(signature::sign(b"none", &[BODY]));
    let guessed: Headers = [("webhook-signature", none.as_str())].into_iter().collect();
    for (hook, name, headers) in [
        (vendor("cryptlex"), "main", &wrong),
        (vendor("cryptlex"), "nobody", &cryptlex(BODY)),
        // The key that stands in for a missing one opens nothing.
        (vendor("cryptlex"), "nobody", &guessed),
        // A connection answers to its own vendor only.
        (vendor("cryptlex"), "spring", &cryptlex(BODY)),
        (vendor("licensespring"), "main", &cryptlex(BODY)),
    ] {
        let answer = hooks.receive(hook, name, headers, BODY, now());
        assert_eq!(answer, DeliveryResult::Unproved, "{name}");
    }
    hooks.replace_secrets(WebhookSecrets::default());
    let answer = hooks.receive(Hook::Git, "", &Headers::default(), BODY, now());
    assert_eq!(answer, DeliveryResult::Unproved);
    assert!(woken.try_recv().is_err());
}

#[test]
fn a_replay_within_the_tolerance_wakes_nothing_whatever_its_header_looks_like() {
    let (hooks, mut woken) = hooks(4);
    let time = now().as_second();
    let body = br#"{"license_id":5}"#;
    let value = |time: i64| {
        let code = signature::sign(
            SECRET.as_bytes(),
            &[time.to_string().as_bytes(), b".", body],
        );
        format!("t={time},v1={}", hex::encode(code))
    };
    let send = |value: &str, now: Timestamp| {
        let headers = [("x-signature", value)].into_iter().collect();
        hooks.receive(vendor("licensespring"), "spring", &headers, body, now)
    };
    assert_eq!(send(&value(time), now()), DeliveryResult::Taken);
    assert_eq!(send(&value(time), now()), DeliveryResult::Repeated);
    assert_eq!(
        send(&format!("{},v1=00", value(time)), now()),
        DeliveryResult::Repeated
    );
    let late = now() + jiff::SignedDuration::from_secs(301);
    assert_eq!(send(&value(time), late), DeliveryResult::Unproved);
    // The same words at another time are another event.
    assert_eq!(send(&value(time + 1), now()), DeliveryResult::Taken);
    assert_eq!(std::iter::from_fn(|| woken.try_recv().ok()).count(), 2);
}

#[test]
fn a_delivery_that_finds_no_room_may_come_again() {
    let (hooks, mut woken) = hooks(1);
    let other = br#"{"event":"license.updated","data":{"id":"l2"}}"#;
    let send =
        |body: &[u8]| hooks.receive(vendor("cryptlex"), "main", &cryptlex(body), body, now());
    assert_eq!(send(BODY), DeliveryResult::Taken);
    assert_eq!(send(other), DeliveryResult::Busy);
    assert!(woken.try_recv().is_ok());
    assert_eq!(send(other), DeliveryResult::Taken);
}

type Sign = fn(secret: &str, second: i64, body: &[u8]) -> Vec<(&'static str, String)>;

/// One hook: where it is, and the headers of a delivery signed with this secret at this second, the signature first.
struct Case {
    what: &'static str,
    hook: &'static str,
    connection: &'static str,
    body: &'static [u8],
    sign: Sign,
    /// True if the moment is signed, so that a late delivery is told from its time.
    dated: bool,
    /// True if the body is signed; a token is sent beside it.
    signs: bool,
}

fn code(secret: &str, parts: &[&[u8]]) -> [u8; 32] {
    signature::sign(secret.as_bytes(), parts)
}

const CASES: [Case; 5] = [
    Case {
        what: "cryptlex",
        hook: "cryptlex",
        connection: "main",
        body: BODY,
        sign: |secret, _, body| {
            let value = BASE64.encode(code(secret, &[body]));
            vec![("Webhook-Signature", value)]
        },
        dated: false,
        signs: true,
    },
    Case {
        what: "licensespring",
        hook: "licensespring",
        connection: "spring",
        body: br#"{"license_id":5}"#,
        sign: |secret, second, body| {
            let code = code(secret, &[second.to_string().as_bytes(), b".", body]);
            let value = format!("t={second},v1={}", hex::encode(code));
            vec![("LicenseSpring-Signature", value)]
        },
        dated: true,
        signs: true,
    },
    Case {
        what: "github",
        hook: "git",
        connection: "",
        body: br#"{"ref":"refs/heads/main"}"#,
        sign: |secret, _, body| {
            let value = format!("sha256={}", hex::encode(code(secret, &[body])));
            let event = ("X-GitHub-Event", "push".to_string());
            vec![("X-Hub-Signature-256", value), event]
        },
        dated: false,
        signs: true,
    },
    Case {
        what: "gitlab, by its token",
        hook: "git",
        connection: "",
        body: br#"{"ref":"refs/heads/main"}"#,
        sign: |secret, _, _| {
            let event = ("X-Gitlab-Event", "Push Hook".to_string());
            vec![("X-Gitlab-Token", secret.to_string()), event]
        },
        dated: false,
        signs: false,
    },
    Case {
        what: "gitlab, signed",
        hook: "git",
        connection: "",
        body: br#"{"ref":"refs/heads/main"}"#,
        sign: |secret, second, body| {
            let time = second.to_string();
            let code = code(secret, &[b"msg_1", b".", time.as_bytes(), b".", body]);
            vec![
                ("Webhook-Signature", format!("v1,{}", BASE64.encode(code))),
                ("Webhook-Id", "msg_1".to_string()),
                ("Webhook-Timestamp", time),
                ("X-Gitlab-Event", "Push Hook".to_string()),
            ]
        },
        dated: true,
        signs: true,
    },
];

#[test]
fn every_hook_takes_what_is_right_and_once_and_nothing_else() {
    for case in &CASES {
        let (hooks, mut woken) = hooks(4);
        let hook = { Hook::all() }
            .find(|hook| hook.name() == case.hook)
            .expect("a hook");
        let send = |secret: &str, sent: &[u8], cut: usize, now: Timestamp| {
            let second = self::now().as_second();
            let mut headers = (case.sign)(secret, second, case.body);
            let (_, signature) = &mut headers[0];
            signature.truncate(signature.len() - cut);
            let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
            hooks.receive(hook, case.connection, &headers.collect(), sent, now)
        };
        let what = case.what;
        let later = |seconds: i64| now() + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(
            send("other", case.body, 0, now()),
            DeliveryResult::Unproved,
            "{what}: wrong"
        );
        assert_eq!(
            send(SECRET, case.body, 1, now()),
            DeliveryResult::Unproved,
            "{what}: cut"
        );
        if case.signs {
            let short = &case.body[..case.body.len() - 1];
            assert_eq!(
                send(SECRET, short, 0, now()),
                DeliveryResult::Unproved,
                "{what}: truncated"
            );
        }
        if case.dated {
            let late = send(SECRET, case.body, 0, later(signature::TOLERANCE + 1));
            assert_eq!(late, DeliveryResult::Unproved, "{what}: late");
        }
        assert!(woken.try_recv().is_err(), "{what}: nothing is woken so far");
        assert_eq!(
            send(SECRET, case.body, 0, now()),
            DeliveryResult::Taken,
            "{what}: right"
        );
        assert_eq!(
            send(SECRET, case.body, 0, later(60)),
            DeliveryResult::Repeated,
            "{what}: replayed"
        );
        let all = std::iter::from_fn(|| woken.try_recv().ok());
        assert_eq!(all.count(), 1, "{what}");
    }
}
