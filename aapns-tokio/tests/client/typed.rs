//! `Client`: typed notifications.

use std::collections::BTreeSet;
use std::time::Duration;

use aapns_tokio::mock::{Action, Answer, Rule, Server};
use aapns_tokio::models::{
    Alert, CollapseId, DeviceToken, InvalidNotification, Localized, Notification, Priority,
};
use aapns_tokio::{Delivery, Policy, PostOptions, SendError};
use futures::StreamExt;

use crate::{LONG, builder, with_rules};

fn device(n: u32) -> DeviceToken {
    DeviceToken::new(format!("{n:064x}")).expect("a device token")
}

#[tokio::test]
async fn a_typed_notification_arrives_with_its_fields_and_id() {
    let server = Server::start().await.expect("the mock");
    let client = builder(&server).build().expect("a client");
    let notification = Notification::alert(Alert::new().body(Localized::new("GREETING", ["Ada"])))
        .badge(42)
        .priority(Priority::Immediate)
        .collapse_id(CollapseId::random());
    let sent = client.send(&device(1), &notification).await.expect("sent");
    assert_eq!((sent.attempts, sent.possible_duplicate), (1, false));
    assert!(sent.unique_id.is_some(), "the mock answers as the sandbox");
    let received = server.requests().pop().expect("a request");
    assert_eq!(received.field("apns-id"), Some(&*sent.apns_id.to_string()));
    assert_eq!(received.field("apns-topic"), Some("com.example.app"));
    assert_eq!(received.field("apns-push-type"), Some("alert"));
    assert_eq!(received.field("apns-priority"), Some("10"));
    assert!(received.field("apns-collapse-id").is_some());
    assert_eq!(
        &received.body[..],
        br#"{"aps":{"alert":{"loc-key":"GREETING","loc-args":["Ada"]},"badge":42}}"#
    );
    assert_eq!(client.close().await.unsent, 0);
}

#[tokio::test]
async fn a_dead_device_token_is_told_with_the_time_of_its_death() {
    let gone = Answer::unregistered(1_629_000_000_000);
    let server = Server::builder().answer(device(7).as_str(), gone);
    let server = server.start().await.expect("the mock");
    let client = builder(&server).build().expect("a client");
    let notification = Notification::alert("hi");
    let error = client
        .send(&device(7), &notification)
        .await
        .expect_err("it is dead");
    assert!(error.is_device_token_dead());
    assert_eq!((error.status(), error.delivery()), (Some(410), None));
    assert_eq!(error.to_string(), "410 Unregistered");
    let response = error.response().expect("an answer");
    assert_eq!(response.timestamp, Some(1_629_000_000_000));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn an_invalid_notification_is_refused_before_it_is_queued() {
    let server = Server::start().await.expect("the mock");
    let client = builder(&server).build().expect("a client");
    let notification = Notification::alert("x".repeat(5000));
    let error = client
        .send(&device(1), &notification)
        .await
        .expect_err("too large");
    let limit = InvalidNotification::PayloadTooLarge {
        size: 5029,
        limit: 4096,
    };
    assert_eq!(error, SendError::Invalid(limit));
    assert_eq!(error.delivery(), Some(Delivery::NotSent));
    assert!(error.to_string().contains("4096"), "{error}");
    assert_eq!(server.processed().processed, 0);
}

#[tokio::test]
async fn one_notification_goes_to_many_devices() {
    let server = Server::start().await.expect("the mock");
    let client = builder(&server)
        .connections(2, 2)
        .build()
        .expect("a client");
    client.ready(LONG).await.expect("up");
    let devices = (0..6_000).map(device);
    let notification = Notification::alert("to all");
    let mut results = client
        .send_to_many(&notification, devices, PostOptions::new())
        .expect("valid");
    let (mut devices, mut ids) = (BTreeSet::new(), BTreeSet::new());
    while let Some((device, result)) = results.next().await {
        devices.insert(device.as_str().to_owned());
        ids.insert(result.expect("delivered").apns_id);
    }
    assert_eq!((devices.len(), ids.len()), (6_000, 6_000));
    assert_eq!(server.processed().accepted, 6_000);
}

#[tokio::test]
async fn one_notification_can_have_a_timeout_and_a_policy_of_its_own() {
    let rules = vec![Rule::at(1, Action::Ignore), Rule::at(2, Action::Cut)];
    let server = with_rules(rules).await;
    let client = builder(&server).connections(1, 1).build();
    let client = client.expect("a client");
    let notification = Notification::alert("hi");
    let soon = PostOptions::new().timeout(Duration::from_millis(300));
    let error = client.send_with(&device(1), &notification, soon).await;
    assert!(matches!(error, Err(SendError::Timeout(_))), "{error:?}");
    let once = PostOptions::new().policy(Policy::AtMostOnce);
    let error = client.send_with(&device(1), &notification, once).await;
    let delivery = error.expect_err("cut").delivery();
    assert_eq!(delivery, Some(Delivery::Unknown));
}
