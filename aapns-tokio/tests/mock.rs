//! The mock, seen by the h2 crate's client.
#![cfg(feature = "mock")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aapns_proto::tls::{Identity, Roots, Signer, TlsOptions, client_config};
use aapns_tokio::mock::{
    Action, Answer, Authentication, Goaway, KEY_ID, Rule, Scenario, Server, TEAM_ID,
};
use bytes::Bytes;
use h2::Reason;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

type Driver = JoinHandle<Result<(), h2::Error>>;

async fn tls(server: &Server, identity: Option<Identity>) -> std::io::Result<TlsStream<TcpStream>> {
    let config = client_config(&TlsOptions {
        roots: Roots::only_pem(server.ca_pem().as_bytes()).expect("the mock's CA"),
        identity,
        provider: None,
    });
    let tcp = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(config.expect("a configuration"));
    connector.connect(name, tcp).await
}

async fn connect(server: &Server, identity: Option<Identity>) -> (SendRequest<Bytes>, Driver) {
    let io = tls(server, identity).await.expect("TLS");
    let (send, connection) = h2::client::handshake(io).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    // The first SETTINGS of the mock must be here before its limit can be known.
    sleep(Duration::from_millis(20)).await;
    (send.ready().await.expect("a usable connection"), driver)
}

fn start(send: &mut SendRequest<Bytes>, token: &str, fields: &[(&str, &str)]) -> ResponseFuture {
    let mut request = Request::post(format!("https://localhost/3/device/{token}"))
        .header("apns-topic", "com.example.app");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(()).expect("a request");
    let (response, mut body) = send.send_request(request, false).expect("an open stream");
    body.send_data(Bytes::from_static(br#"{"aps":{"alert":"hi"}}"#), true)
        .expect("an open stream");
    response
}

/// Status, and reason or `apns-id`.
async fn finish(response: ResponseFuture) -> Result<(u16, String), h2::Error> {
    let response = response.await?;
    let status = response.status().as_u16();
    let id = response.headers().get("apns-id");
    let id = id.map_or("", |id| id.to_str().unwrap_or("")).to_owned();
    let mut body = response.into_body();
    let mut octets = Vec::new();
    while let Some(chunk) = body.data().await {
        octets.extend_from_slice(&chunk?);
    }
    let json: serde_json::Value = serde_json::from_slice(&octets).unwrap_or_default();
    Ok((status, json["reason"].as_str().map_or(id, str::to_owned)))
}

fn scenario(rules: impl Into<Vec<Rule>>) -> Scenario {
    Scenario {
        rules: rules.into(),
        ..Scenario::default()
    }
}

fn id(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

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
        (KEY_ID, now, 200),
        (KEY_ID, now, 200),
        (KEY_ID, now - hour, 403),
        (KEY_ID, now + hour, 403),
        ("OTHERKEY01", now, 403),
    ] {
        let token = signer(key).sign(time).unwrap();
        let value = std::str::from_utf8(&token.value).unwrap();
        let fields = [("authorization", value)];
        let answer = finish(start(&mut send, "abcd", &fields)).await.unwrap();
        assert_eq!(answer.0, expected, "{key} {time:?} {answer:?}");
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
async fn a_goaway_leaves_out_exactly_what_it_says() {
    let goaway = Goaway {
        unprocessed: 3,
        reason: Some("Shutdown".into()),
        ..Goaway::default()
    };
    let server = Server::builder()
        .scenario(scenario([Rule::at(5, Action::Goaway(goaway))]))
        .start()
        .await
        .unwrap();
    let (mut send, driver) = connect(&server, None).await;
    let responses: Vec<_> = (0..8)
        .map(|n| start(&mut send, "abcd", &[("apns-id", &id(n))]))
        .collect();
    for (n, response) in (0..).zip(responses) {
        let ended = finish(response).await;
        assert_eq!(ended.is_ok(), n < 5, "request {n}: {ended:?}");
        assert_eq!(server.times_accepted(&id(n)), u32::from(n < 5));
        if let Err(error) = ended {
            assert!(error.is_go_away() && error.is_remote(), "{error:?}");
        }
    }
    drop(send);
    driver.await.unwrap().unwrap();
    let counts = server.processed();
    assert_eq!(
        (counts.goaways, counts.after_goaway, counts.accepted),
        (1, 3, 5)
    );
}

#[tokio::test]
async fn a_goaway_carries_its_reason_and_code() {
    let server = Server::start().await.unwrap();
    let (mut send, driver) = connect(&server, None).await;
    finish(start(&mut send, "abcd", &[])).await.unwrap();
    server.order(&Action::Goaway(Goaway {
        code: 11,
        reason: Some("BadCertificate".into()),
        ..Goaway::default()
    }));
    let error = driver.await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
    assert!(format!("{error:?}").contains("BadCertificate"), "{error:?}");
}

#[tokio::test]
async fn a_goaway_in_two_steps_serves_what_comes_between() {
    let server = Server::start().await.unwrap();
    let (mut send, driver) = connect(&server, None).await;
    let early = start(&mut send, "abcd", &[]);
    server.order(&Action::Goaway(Goaway {
        two_step_ms: Some(30),
        ..Goaway::default()
    }));
    let between = start(&mut send, "abcd", &[]);
    assert_eq!(finish(early).await.unwrap().0, 200);
    assert_eq!(finish(between).await.unwrap().0, 200);
    drop(send);
    driver.await.unwrap().unwrap();
    assert_eq!(server.processed().accepted, 2);
}

#[tokio::test]
async fn the_limit_changes_while_running_and_is_enforced() {
    let server = Server::builder()
        .max_concurrent_streams(50)
        .latency(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    assert_eq!(send.current_max_send_streams(), 50);
    server.order(&Action::Limit(1));
    sleep(Duration::from_millis(50)).await;
    assert_eq!(send.current_max_send_streams(), 1);
    for _ in 0..3 {
        send = send.ready().await.unwrap();
        assert_eq!(finish(start(&mut send, "abcd", &[])).await.unwrap().0, 200);
    }
    server.order(&Action::Limit(200));
    sleep(Duration::from_millis(50)).await;
    assert_eq!(send.current_max_send_streams(), 200);
    let counts = server.processed();
    assert_eq!(
        (counts.refused, counts.over_limit, counts.accepted),
        (0, 0, 3)
    );
}

#[tokio::test]
async fn refused_streams_are_not_processed() {
    let server = Server::builder()
        .scenario(Scenario::named("refused").unwrap())
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    for n in 1..=200 {
        send = send.ready().await.unwrap();
        let ended = finish(start(&mut send, "abcd", &[("apns-id", &id(n))])).await;
        assert_eq!(ended.is_err(), n % 10 == 0);
        if let Err(error) = ended {
            assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
            assert_eq!(server.times_accepted(&id(n)), 0);
        }
    }
    assert_eq!(server.processed().refused, 20);
}

#[tokio::test]
async fn a_cut_loses_answers_of_what_was_processed() {
    let server = Server::builder()
        .scenario(scenario([Rule::at(3, Action::Cut)]))
        .start()
        .await
        .unwrap();
    let (mut send, driver) = connect(&server, None).await;
    for n in 0..2 {
        let fields = [("apns-id", &*id(n))];
        finish(start(&mut send, "abcd", &fields)).await.unwrap();
    }
    let lost = start(&mut send, "abcd", &[("apns-id", &id(2))]);
    assert!(finish(lost).await.is_err());
    assert!(driver.await.unwrap().is_err());
    assert_eq!(server.times_accepted(&id(2)), 1);
    assert_eq!(server.processed().unanswered, 1);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_black_hole_stays_open_and_silent() {
    let server = Server::builder()
        .scenario(scenario([Rule::at(1, Action::Blackhole)]))
        .start()
        .await
        .unwrap();
    let (mut send, driver) = connect(&server, None).await;
    let response = start(&mut send, "abcd", &[]);
    let waited = timeout(Duration::from_millis(300), finish(response)).await;
    assert!(waited.is_err());
    assert!(!driver.is_finished());
    assert_eq!(server.processed().accepted, 1);
}

#[tokio::test]
async fn reasons_come_in_turn() {
    let server = Server::builder()
        .scenario(Scenario::named("reasons").unwrap())
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    let mut reasons = Vec::new();
    for _ in 0..36 {
        reasons.push(finish(start(&mut send, "abcd", &[])).await.unwrap());
    }
    assert_eq!(
        (reasons[0].0, reasons[33].0, reasons[34].0),
        (200, 503, 200)
    );
    assert_eq!(reasons[2], (400, "BadDeviceToken".to_owned()));
    assert!(reasons.contains(&(410, "Unregistered".to_owned())));
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
