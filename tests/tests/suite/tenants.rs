//! Channels, broadcasts, several credentials, dead tokens: what stands on top of a pool.

use std::pin::Pin;
use std::time::Duration;

use aapns_models::{
    Broadcast, BundleId, ChannelConfig, DeviceToken, Notification, Reason, StoragePolicy,
};
use aapns_proto::client::{
    ClientKey, ClientsBuilder, ClientsError, Credential, DeadTokenHint, Endpoint, Runtime,
};
use aapns_tokio::mock::{self, Action, Rule, Server};
use futures::Stream;

use super::{LONG, builder, serve, start, until};

fn device() -> DeviceToken {
    "abcd".parse().expect("hexadecimal")
}

pub(crate) async fn a_channel_is_made_sent_to_and_deleted<R: Runtime>(runtime: R) {
    let server = serve([]);
    let app: BundleId = "com.example.app".parse().expect("a bundle id");
    let channels = builder(&runtime, &server).channels().expect("channels");
    let client = builder(&runtime, &server).build().expect("a client");
    let storage = StoragePolicy::NoStorage;
    let made = channels.create(&app, ChannelConfig::new(storage)).await;
    let channel = made.expect("made");
    let state = std::collections::BTreeMap::from([("home", 1)]);
    let update = Notification::live_activity_update(1, &state).expect("JSON");
    let update = Broadcast::new(app.clone(), channel.clone(), update);
    client.broadcast(&update).await.expect("sent");
    let list = channels.list(&app).await.expect("listed");
    assert_eq!(list, std::slice::from_ref(&channel));
    channels.delete(&app, &channel).await.expect("deleted");
    let error = client.broadcast(&update).await.expect_err("it is gone");
    assert_eq!(error.reason(), Some(&Reason::ChannelNotRegistered));
}

pub(crate) async fn a_channel_is_not_made_twice_when_the_answer_is_lost<R: Runtime>(runtime: R) {
    let server = serve([Rule::at(1, Action::Cut).times(1)]);
    let app: BundleId = "com.example.app".parse().expect("a bundle id");
    let channels = builder(&runtime, &server).channels().expect("channels");
    let storage = StoragePolicy::MostRecent;
    let lost = channels.create(&app, ChannelConfig::new(storage)).await;
    assert!(!lost.expect_err("lost").is_retryable());
    assert_eq!(server.channels("com.example.app").len(), 1);
    assert_eq!(channels.list(&app).await.expect("listed").len(), 1);
}

pub(crate) async fn a_client_is_made_once_retired_when_idle_and_made_again<R: Runtime>(runtime: R) {
    let server = serve([]);
    let ca = server.ca_pem().to_owned();
    let clients = ClientsBuilder::new(runtime.clone())
        .template(move |builder| {
            let builder = builder.connections(1, 1).proxy(None).timeout(LONG);
            builder.ca_pem(ca.as_str()).ca_only()
        })
        .credential("acme", Credential::None)
        .max_clients(1)
        .idle_timeout(Duration::from_millis(30))
        .build();
    let endpoint = Endpoint::parse(&server.origin()).expect("the mock's origin");
    let topic = "com.example.app".parse().expect("a topic");
    let key = ClientKey::new("acme", endpoint).topic(topic);
    for connections in 1..=2 {
        let client = clients.client(&key).expect("a client");
        let sent = client.send(&device(), &Notification::alert("hi")).await;
        sent.expect("sent");
        assert_eq!(server.processed().connections, connections);
        drop(client);
        until(&runtime, "retired", || clients.is_empty()).await;
        until(&runtime, "closed", || server.connections() == 0).await;
    }
    clients.close().await;
    assert_eq!(
        clients.client(&key).expect_err("closed"),
        ClientsError::Closed
    );
}

pub(crate) async fn a_dead_token_is_told_of<R: Runtime>(runtime: R) {
    let dead = mock::Answer::unregistered(5);
    let server: Server = start(Server::builder().answer("abcd", dead));
    let client = builder(&runtime, &server).build().expect("a client");
    let mut tokens = client.dead_tokens();
    let sent = client.send(&device(), &Notification::alert("hi")).await;
    sent.expect_err("it is dead");
    drop(client);
    let mut next = async || std::future::poll_fn(|cx| Pin::new(&mut tokens).poll_next(cx)).await;
    let token = next().await.expect("a token");
    assert_eq!(token.device_token, device());
    assert_eq!(
        (token.since, token.hint),
        (Some(5), DeadTokenHint::Unregistered)
    );
    assert_eq!(next().await, None);
}
