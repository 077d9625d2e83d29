//! What was received, to look at: by method and by `GET /__mock/requests`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aapns_tokio::mock::{Action, Answer, Event, Rule, Server};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request};
use serde_json::Value;

use super::support::{connect, finish, id, scenario, start};

async fn ask(send: &mut SendRequest<Bytes>, method: Method, target: &str) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://localhost{target}"))
        .body(())
        .unwrap();
    let (response, _) = send.send_request(request, true).unwrap();
    let response = response.await.unwrap();
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut octets = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        octets.extend_from_slice(&chunk);
    }
    (status, serde_json::from_slice(&octets).unwrap_or_default())
}

#[tokio::test]
async fn the_last_requests_are_told_as_json_and_forgotten_on_demand() {
    let server = Server::builder()
        .answer("abce", Answer::unregistered(7))
        .keep_requests(3)
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    for (n, token) in (1..).zip(["aa", "abcd", "abce", "abcd"]) {
        let fields = [
            ("apns-id", &*id(n)),
            ("authorization", "bearer head.claims.signature"),
        ];
        finish(start(&mut send, token, &fields)).await.unwrap();
    }
    let (status, json) = ask(&mut send, Method::GET, "/__mock/requests").await;
    assert_eq!(status, 200);
    assert_eq!(json["counts"]["processed"], 4);
    assert_eq!(json["keep"], 3);
    let requests = json["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 3, "bounded");
    let second = &requests[1];
    assert_eq!(second["number"], 3);
    assert_eq!(second["status"], 410);
    assert_eq!(second["reason"], "Unregistered");
    assert_eq!(second["device_token"], "abce");
    assert_eq!(second["apns_id"], id(3));
    assert_eq!(second["headers"]["apns-topic"], "com.example.app");
    assert_eq!(second["payload"]["aps"]["alert"], "hi");
    assert!(second["at_ms"].as_u64().unwrap() > 1_700_000_000_000);
    assert!(
        !json.to_string().contains("claims"),
        "a provider token is shown"
    );

    let numbers = |json: &Value| -> Vec<u64> {
        let requests = json["requests"].as_array().unwrap().iter();
        requests
            .map(|request| request["number"].as_u64().unwrap())
            .collect()
    };
    for (query, expected) in [
        ("?limit=1", &[4][..]),
        ("?limit=0", &[]),
        ("?after=2", &[3, 4]),
        ("?after=2&limit=1", &[4]),
        ("?limit=99", &[2, 3, 4]),
    ] {
        let (_, json) = ask(&mut send, Method::GET, &format!("/__mock/requests{query}")).await;
        assert_eq!(numbers(&json), expected, "{query}");
    }
    for (method, target, expected) in [
        (Method::GET, "/__mock/requests?limit=x", 400),
        (Method::GET, "/__mock/requests?page=1", 400),
        (Method::GET, "/__mock/else", 404),
        (Method::POST, "/__mock/requests", 405),
        (Method::DELETE, "/__mock/requests", 204),
    ] {
        assert_eq!(ask(&mut send, method, target).await.0, expected, "{target}");
    }
    assert!(server.requests().is_empty());
    let (_, json) = ask(&mut send, Method::GET, "/__mock/requests").await;
    assert_eq!(json["counts"]["processed"], 4, "asking counts for nothing");
}

#[tokio::test]
async fn a_question_is_no_request_for_the_rules_and_a_long_answer_arrives() {
    let server = Server::builder()
        .scenario(scenario([Rule::at(2, Action::Refuse)]))
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    finish(start(&mut send, "abcd", &[])).await.unwrap();
    ask(&mut send, Method::GET, "/__mock/requests").await;
    assert!(
        finish(start(&mut send, "abcd", &[])).await.is_err(),
        "the second"
    );
    // More than the client's windows: it has to arrive in pieces.
    for _ in 0..400 {
        finish(start(&mut send, &"ab".repeat(100), &[]))
            .await
            .unwrap();
    }
    let (_, json) = ask(&mut send, Method::GET, "/__mock/requests").await;
    assert!(json.to_string().len() > 100_000);
    assert_eq!(json["requests"].as_array().unwrap().len(), 401);
    server.forget_requests();
    assert!(server.requests().is_empty());
    let printed = format!("{:?}", server.requests());
    assert!(!printed.contains("abcd"));
}

#[tokio::test]
async fn questions_about_channels_are_no_notifications() {
    let accepted = Arc::new(AtomicU64::new(0));
    let notes = accepted.clone();
    let server = Server::builder()
        .on_event(move |event| {
            let is_accepted = matches!(event, Event::Accepted { .. });
            notes.fetch_add(is_accepted.into(), Ordering::Relaxed);
        })
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    let asked = id(1);
    for _ in 0..2 {
        let request = Request::get("https://localhost/1/apps/com.example.app/all-channels")
            .header("apns-request-id", &asked)
            .body(())
            .unwrap();
        let response = send.send_request(request, true).unwrap().0.await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["apns-request-id"], asked);
    }
    assert_eq!(server.processed().processed, 2);
    assert_eq!(server.processed().duplicates, 0);
    assert_eq!(server.times_accepted(&asked), 0);
    assert_eq!(accepted.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let server = Server::start().await.unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    for target in ["/3/device/abcd", "/__mock/requests"] {
        let (status, body) = ask(&mut send, Method::HEAD, target).await;
        assert_eq!((status, body), (405, Value::Null), "{target}");
    }
}

#[tokio::test]
async fn a_header_list_beyond_apples_limit_is_refused() {
    let server = Server::start().await.unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    for (length, expected) in [(7_000, 200), (8_000, 431), (1, 200)] {
        let long = "x".repeat(length);
        let response = start(&mut send, "abcd", &[("x-long", &long)]);
        let status = response.await.unwrap().status();
        assert_eq!(status, expected, "{length}");
    }
    assert_eq!(server.processed().processed, 2);
}
