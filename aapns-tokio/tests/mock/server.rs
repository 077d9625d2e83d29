//! What the mock does with requests, seen by the h2 crate's client.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aapns_proto::tls::{Identity, Signer};
use aapns_tokio::mock::{Action, Answer, Authentication, KEY_ID, Rule, Server, TEAM_ID};
use tokio::time::sleep;

use super::support::{connect, finish, id, scenario, start, tls};

#[tokio::test]
async fn an_accepted_notification_is_echoed_counted_and_kept() {
    let server = Server::start().await.unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    let given = id(1);
    let fields = [("apns-id", &*given)];
    let (status, echoed) = finish(start(&mut send, "abcd", &fields)).await.unwrap();
    assert_eq!((status, &echoed), (200, &given));
    let (_, made) = finish(start(&mut send, "abcd", &[])).await.unwrap();
    assert_eq!(made.len(), 36);

    let counts = server.processed();
    assert_eq!(
        (counts.processed, counts.accepted, counts.duplicates),
        (2, 2, 0)
    );
    assert_eq!(server.times_accepted(&given), 1);
    finish(start(&mut send, "abcd", &fields)).await.unwrap();
    assert_eq!(server.duplicates(), [(given.clone(), 2)]);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].device_token(), Some("abcd"));
    assert_eq!(requests[0].field("apns-topic"), Some("com.example.app"));
    assert_eq!(&requests[0].body[..], br#"{"aps":{"alert":"hi"}}"#);
}

#[tokio::test]
async fn the_sandbox_names_a_unique_id_and_production_does_not() {
    for production in [false, true] {
        let mut builder = Server::builder();
        if production {
            builder = builder.production();
        }
        let server = builder.start().await.unwrap();
        let (mut send, _driver) = connect(&server, None).await;
        let response = start(&mut send, "abcd", &[]).await.unwrap();
        let named = response.headers().contains_key("apns-unique-id");
        assert_eq!(named, !production);
    }
}

#[tokio::test]
async fn a_dead_device_token_is_told_with_its_time() {
    let server = Server::builder()
        .answer("ABCD", Answer::unregistered(1_700_000_000_000))
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    let response = start(&mut send, "abcd", &[]).await.unwrap();
    let octets = response.into_body().data().await.unwrap().unwrap();
    assert_eq!(
        octets,
        r#"{"reason":"Unregistered","timestamp":1700000000000}"#
    );
    let other = finish(start(&mut send, "abce", &[])).await.unwrap();
    assert_eq!(other.0, 200);
    assert_eq!(server.processed().rejected, 1);
}

#[tokio::test]
async fn a_client_certificate_may_be_demanded() {
    let server = Server::builder()
        .authentication(Authentication::Certificate)
        .start()
        .await
        .unwrap();
    let identity = Identity::from_pem(server.client_certificate_pem().as_bytes()).unwrap();
    let (mut send, _driver) = connect(&server, Some(identity)).await;
    assert_eq!(finish(start(&mut send, "abcd", &[])).await.unwrap().0, 200);

    // TLS 1.3 tells a client that it was refused after the client's handshake is done.
    let refused = match tls(&server, None).await {
        Err(_) => true,
        Ok(io) => match h2::client::handshake::<_>(io).await {
            Err(_) => true,
            Ok((send, connection)) => {
                let refused = connection.await.is_err();
                drop(send);
                refused
            }
        },
    };
    assert!(refused);
    assert_eq!(server.processed().connections, 1);
}

#[tokio::test]
async fn a_provider_token_may_be_demanded() {
    let server = Server::builder()
        .authentication(Authentication::Token)
        .start()
        .await
        .unwrap();
    let signer = |key| Signer::from_p8(server.token_key_pem().as_bytes(), key, TEAM_ID).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let hour = Duration::from_secs(3700);
    let (mut send, _driver) = connect(&server, None).await;
    let answer = finish(start(&mut send, "abcd", &[])).await.unwrap();
    assert_eq!(answer.1, "MissingProviderToken");
    for (key, time, expected) in [
        (KEY_ID, now, None),
        (KEY_ID, now, None),
        (KEY_ID, now - hour, Some("ExpiredProviderToken")),
        (KEY_ID, now + hour, Some("InvalidProviderToken")),
        ("OTHERKEY01", now, Some("InvalidProviderToken")),
    ] {
        let token = signer(key).sign(time).unwrap();
        let value = std::str::from_utf8(&token.value).unwrap();
        let fields = [("authorization", value)];
        let answer = finish(start(&mut send, "abcd", &fields)).await.unwrap();
        assert_eq!(answer.0, expected.map_or(200, |_| 403), "{key} {time:?}");
        if let Some(reason) = expected {
            assert_eq!(answer.1, reason, "{key} {time:?}");
        }
        let mut forged = value.to_owned();
        forged.replace_range(value.len() - 20..value.len() - 16, "AAAA");
        let fields = [("authorization", &*forged)];
        let answer = finish(start(&mut send, "abcd", &fields)).await.unwrap();
        assert_eq!(answer.1, "InvalidProviderToken");
    }
}

#[tokio::test]
async fn an_expired_token_stays_expired_and_the_next_one_serves() {
    let rule = Rule::at(2, Action::ExpireToken).times(1);
    let server = Server::builder()
        .scenario(scenario([rule]))
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    let old = [("authorization", "bearer old")];
    let new = [("authorization", "bearer new")];
    let mut answers = Vec::new();
    for fields in [old, old, old, new, old] {
        answers.push(finish(start(&mut send, "abcd", &fields)).await.unwrap().0);
    }
    assert_eq!(answers, [200, 200, 403, 200, 403]);
}

#[tokio::test]
async fn the_log_tells_all_in_order() {
    let path = std::env::temp_dir().join(format!("aapns-mock-{}.log", std::process::id()));
    let server = Server::builder().log(&path).start().await.unwrap();
    let (mut send, driver) = connect(&server, None).await;
    let fields = [("apns-id", &*id(1))];
    finish(start(&mut send, "abcd", &fields)).await.unwrap();
    drop(send);
    driver.await.unwrap().unwrap();
    while server.connections() > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let parse = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let lines: Vec<_> = text.lines().map(parse).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str()).collect();
    let expected = ["opened", "accepted", "answered", "closed"].map(Some);
    assert_eq!(events, expected);
    assert_eq!(lines[1]["device_token"], "abcd");
    assert_eq!(lines[1]["apns_id"], id(1));
    assert_eq!(lines[2]["status"], 200);
}

#[tokio::test]
async fn a_stopped_mock_frees_its_port() {
    let server = Server::start().await.unwrap();
    let (_send, driver) = connect(&server, None).await;
    let address = server.address();
    server.stop().await;
    assert!(driver.await.unwrap().is_err());
    let again = Server::builder().address(address).start().await.unwrap();
    assert_eq!(again.address(), address);
}

#[test]
fn a_mock_on_its_own_thread_needs_no_runtime_to_start() {
    let server = Server::builder().start_on_thread().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut send, _driver) = connect(&server, None).await;
        assert_eq!(finish(start(&mut send, "abcd", &[])).await.unwrap().0, 200);
    });
}
