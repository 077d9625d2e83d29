//! The stream of dead device tokens.

use aapns_tokio::mock::{Answer, Server};
use aapns_tokio::models::{DeviceToken, Notification, Topic};
use aapns_tokio::{DeadTokenHint, PostOptions};
use futures::StreamExt;

use crate::{LONG, builder};

fn device(n: u32) -> DeviceToken {
    DeviceToken::new(format!("{n:064x}")).expect("a device token")
}

async fn server(answers: &[(u32, Answer)]) -> Server {
    let mut server = Server::builder();
    for (n, answer) in answers {
        server = server.answer(device(*n).as_str(), answer.clone());
    }
    server.start().await.expect("the mock")
}

#[tokio::test]
async fn dead_tokens_come_with_topic_time_and_hint() {
    let server = server(&[
        (1, Answer::unregistered(1_700_000_000_000)),
        (2, Answer::rejection(400, "BadDeviceToken")),
        (3, Answer::rejection(400, "DeviceTokenNotForTopic")),
        (4, Answer::rejection(400, "BadTopic")),
    ])
    .await;
    let client = builder(&server).build().expect("a client");
    let mut dead = client.dead_tokens();
    let alert = Notification::alert("hi");
    let voip = Notification::voip();
    for n in 0..5 {
        let _ = client.send(&device(n), &alert).await;
    }
    let _ = client.send(&device(1), &voip).await;
    let topic = |name: &str| Topic::new(name).ok();
    let app = topic("com.example.app");
    for (n, since, hint, topic) in [
        (
            1,
            Some(1_700_000_000_000),
            DeadTokenHint::Unregistered,
            app.clone(),
        ),
        (2, None, DeadTokenHint::MaybeWrongEnvironment, app.clone()),
        (3, None, DeadTokenHint::WrongTopic, app),
        (
            1,
            Some(1_700_000_000_000),
            DeadTokenHint::Unregistered,
            topic("com.example.app.voip"),
        ),
    ] {
        let token = dead.next().await.expect("a token");
        assert_eq!(token.device_token, device(n));
        assert_eq!(
            (token.since, token.hint, token.topic),
            (since, hint, topic),
            "{n}"
        );
    }
    assert_eq!(dead.missed(), 0);
    // What is sent without its future being awaited reports nothing, and the stream ends with the client.
    drop(client);
    assert_eq!(dead.next().await, None);
}

#[tokio::test]
async fn a_fan_out_reports_its_dead_tokens_to_each_stream_and_is_never_held_up() {
    let dead = |n| (n, Answer::unregistered(u64::from(n)));
    let all: Vec<_> = (0..6_000).map(dead).collect();
    let server = server(&all).await;
    let client = builder(&server).connections(2, 2).build();
    let client = client.expect("a client");
    client.ready(LONG).await.expect("up");
    let (first, second) = (client.dead_tokens(), client.clone().dead_tokens());
    let notification = Notification::alert("to all");
    let sent = client
        .send_to_many(&notification, (0..6_000).map(device), PostOptions::new())
        .expect("valid");
    let failed = sent.filter(|(_, result)| std::future::ready(result.is_err()));
    assert_eq!(failed.count().await, 6_000);
    assert_eq!(first.missed(), 6_000 - 4_096);
    drop(client);
    assert_eq!(first.count().await, 4_096);
    assert_eq!(
        second
            .filter(|t| std::future::ready(t.is_certain()))
            .count()
            .await,
        4_096
    );
}
