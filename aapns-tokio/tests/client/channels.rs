//! `Channels` and broadcasts.

use std::collections::BTreeSet;
use std::time::Duration;

use aapns_tokio::mock::{Action, Answer, Authentication, KEY_ID, Rule, Server, TEAM_ID};
use aapns_tokio::models::{
    Broadcast, BundleId, ChannelConfig, ChannelId, Expiration, Notification, Reason, StoragePolicy,
};
use aapns_tokio::{ChannelError, Channels, Credential, Delivery, SendError};

use crate::{LONG, builder, with_rules};

const APP: &str = "com.example.app";

fn app() -> BundleId {
    BundleId::new(APP).expect("a bundle id")
}

fn channels(server: &Server) -> Channels {
    builder(server).channels().expect("channels")
}

fn config(storage: StoragePolicy) -> ChannelConfig {
    ChannelConfig::new(storage)
}

fn brief() -> ChannelConfig {
    config(StoragePolicy::NoStorage)
}

fn update(channel: &ChannelId) -> Broadcast {
    let state = std::collections::BTreeMap::from([("home", 2)]);
    let update = Notification::live_activity_update(1_700_000_000, &state).expect("JSON");
    Broadcast::new(app(), channel.clone(), update)
}

#[tokio::test]
async fn a_channel_is_made_read_listed_and_deleted() {
    let server = Server::start().await.expect("the mock");
    let channels = channels(&server);
    let kept = config(StoragePolicy::MostRecent);
    let first = channels.create(&app(), brief()).await.expect("made");
    let second = channels.create(&app(), kept).await.expect("made");
    assert_eq!(channels.read(&app(), &first).await.expect("read"), brief());
    assert_eq!(channels.read(&app(), &second).await.expect("read"), kept);
    let list = channels.list(&app()).await.expect("listed");
    assert_eq!(list, [first.clone(), second.clone()]);
    channels.delete(&app(), &first).await.expect("deleted");
    assert_eq!(server.channels(APP), [second.as_str()]);
    let gone = channels.read(&app(), &first).await.expect_err("deleted");
    assert!(gone.is_channel_gone(), "{gone}");
    let again = channels.delete(&app(), &first).await.expect_err("deleted");
    assert_eq!(again.reason(), Some(&Reason::ChannelNotRegistered));
    assert_eq!((again.status(), again.delivery()), (Some(400), None));
    assert!(!again.is_retryable());
    let response = again.response().expect("an answer");
    let sent = server.requests().pop().expect("a request");
    let id = response.request_id.expect("the server echoes it");
    assert_eq!(sent.field("apns-request-id"), Some(&*id.to_string()));
}

#[tokio::test]
async fn a_list_of_ten_thousand_channels_is_read() {
    let server = Server::start().await.expect("the mock");
    let channels = channels(&server);
    let mut ids = BTreeSet::new();
    for _ in 0..100 {
        let made = (0..100).map(|_| {
            let channels = channels.clone();
            tokio::spawn(async move { channels.create(&app(), brief()).await })
        });
        for made in made.collect::<Vec<_>>() {
            ids.insert(made.await.expect("no panic").expect("made"));
        }
    }
    assert_eq!(ids.len(), 10_000);
    let list = channels.list(&app()).await.expect("listed");
    assert_eq!(list.into_iter().collect::<BTreeSet<_>>(), ids);
    let full = channels.create(&app(), brief()).await.expect_err("full");
    assert_eq!(full.reason(), Some(&Reason::CannotCreateChannelConfig));
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_not_made_again() {
    let server = with_rules(vec![Rule::at(1, Action::Cut).times(1)]).await;
    let channels = channels(&server);
    let error = channels.create(&app(), brief()).await.expect_err("lost");
    assert_eq!(error.delivery(), Some(Delivery::Unknown));
    assert!(!error.is_retryable());
    assert_eq!(server.channels(APP).len(), 1);
}

#[tokio::test]
async fn a_creation_that_was_refused_is_made_again() {
    let server = with_rules(vec![Rule::at(1, Action::Refuse).times(1)]).await;
    let channels = channels(&server);
    let id = channels.create(&app(), brief()).await.expect("made");
    assert_eq!(server.channels(APP), [id.as_str()]);
}

#[tokio::test]
async fn reading_and_listing_go_on_after_a_lost_answer() {
    // The third and the fourth request, the latter on a connection of its own.
    let rules = vec![
        Rule::at(2, Action::Cut).times(1),
        Rule::at(2, Action::Cut).times(1),
    ];
    let server = with_rules(rules).await;
    let channels = builder(&server).connections(1, 1).channels();
    let channels = channels.expect("channels");
    let id = channels.create(&app(), brief()).await.expect("made");
    assert_eq!(channels.read(&app(), &id).await.expect("read"), brief());
    assert_eq!(channels.list(&app()).await.expect("listed"), [id]);
    assert!(server.processed().connections >= 2);
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_was_made() {
    let server = with_rules(vec![Rule::at(2, Action::Cut).times(1)]).await;
    let channels = builder(&server).connections(1, 1).channels();
    let channels = channels.expect("channels");
    let id = channels.create(&app(), brief()).await.expect("made");
    channels.delete(&app(), &id).await.expect("it is gone");
    assert!(server.channels(APP).is_empty());
    let last = server.requests().pop().expect("a request");
    assert_eq!(last.status, 400, "the second attempt found it gone");
}

#[tokio::test]
async fn a_deletion_made_before_may_be_answered_as_an_unknown_path() {
    let unknown = Action::Answer(Answer::rejection(404, "BadPath"));
    let path = Rule::at(1, unknown).connection(2);
    let server = with_rules(vec![Rule::at(2, Action::Cut).times(1), path.clone()]).await;
    let channels = builder(&server).connections(1, 1).channels();
    let channels = channels.expect("channels");
    let id = channels.create(&app(), brief()).await.expect("made");
    channels.delete(&app(), &id).await.expect("it is gone");

    // Without an attempt before, it is what it says.
    let server = with_rules(vec![Rule::always(path.action)]).await;
    let error = self::channels(&server).delete(&app(), &id).await;
    assert_eq!(error.expect_err("404").reason(), Some(&Reason::BadPath));
}

#[tokio::test]
async fn an_answer_has_a_megabyte_at_most() {
    let sized = |octets: usize| {
        let list = format!(r#"{{"channels":["{}"]}}"#, "A".repeat(octets));
        let answer = Answer::ok().body(list);
        with_rules(vec![Rule::always(Action::Answer(answer))])
    };
    let server = sized(1024 * 1024 - 20).await;
    let list = channels(&server).list(&app()).await.expect("it fits");
    assert_eq!(list[0].as_str().len(), 1024 * 1024 - 20);
    let server = sized(1024 * 1024).await;
    let error = channels(&server).list(&app()).await.expect_err("too large");
    assert!(matches!(error, ChannelError::Truncated), "{error}");
    assert_eq!(server.processed().processed, 2);
}

#[tokio::test]
async fn the_credential_is_that_of_pushes_and_an_expired_token_is_renewed() {
    let server = Server::builder().authentication(Authentication::Token);
    let rule = Rule::at(1, Action::ExpireToken).times(1);
    let scenario = aapns_tokio::mock::Scenario::of([rule]);
    let server = server.scenario(scenario).start().await.expect("the mock");
    let pem = server.token_key_pem().as_bytes();
    let credential = Credential::from_p8(pem, KEY_ID, TEAM_ID).expect("a key");
    let channels = builder(&server).credential(credential).channels();
    let channels = channels.expect("channels");
    // The token is in order for the first request, and expires after it.
    let id = channels.create(&app(), brief()).await.expect("made");
    // A JWT has whole seconds: within one, the next token would be the same.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(channels.list(&app()).await.expect("listed"), [id]);
    let unauthorized = self::channels(&server).list(&app()).await.expect_err("403");
    assert_eq!(unauthorized.reason(), Some(&Reason::MissingProviderToken));
}

#[tokio::test]
async fn what_says_nothing_of_a_channel_is_unreadable() {
    let odd = Answer::ok().body("[]");
    let server = with_rules(vec![Rule::always(Action::Answer(odd))]).await;
    let channels = channels(&server);
    let id = ChannelId::new("YQ==").expect("base64");
    for error in [
        channels.create(&app(), brief()).await.map(|_| ()),
        channels.read(&app(), &id).await.map(|_| ()),
        channels.list(&app()).await.map(|_| ()),
    ] {
        let error = error.expect_err("unreadable");
        assert!(matches!(error, ChannelError::Unreadable(_)), "{error}");
        assert_eq!(error.delivery(), None);
    }
}

#[tokio::test]
async fn a_broadcast_goes_to_its_channel_without_a_topic() {
    let server = Server::start().await.expect("the mock");
    let client = builder(&server).build().expect("a client");
    let kept = config(StoragePolicy::MostRecent);
    let id = channels(&server).create(&app(), kept).await.expect("made");
    let sent = client.broadcast(&update(&id)).await.expect("sent");
    assert_eq!((sent.attempts, sent.possible_duplicate), (1, false));
    let received = server.requests().pop().expect("a request");
    let request_id = sent.request_id.to_string();
    for (field, value) in [
        ("apns-channel-id", Some(id.as_str())),
        ("apns-push-type", Some("liveactivity")),
        ("apns-priority", Some("10")),
        ("apns-expiration", Some("0")),
        ("apns-request-id", Some(&*request_id)),
        ("apns-topic", None),
        ("apns-id", None),
    ] {
        assert_eq!(received.field(field), value, "{field}");
    }
    let path = received.parts.uri.path();
    assert_eq!(path, "/4/broadcasts/apps/com.example.app");
}

#[tokio::test]
async fn a_broadcasts_rejection_has_its_reason() {
    let server = Server::start().await.expect("the mock");
    let client = builder(&server).build().expect("a client");
    let nobody = ChannelId::new("bm9ib2R5").expect("base64");
    let error = client.broadcast(&update(&nobody)).await;
    let error = error.expect_err("no such channel");
    assert_eq!(error.reason(), Some(&Reason::ChannelNotRegistered));
    assert!(error.response().is_some_and(|r| r.request_id.is_some()));
    let id = channels(&server).create(&app(), brief()).await;
    let id = id.expect("made");
    let last = std::collections::BTreeMap::from([("home", 3)]);
    let end = Notification::live_activity_end(1, &last).expect("JSON");
    let stored = Broadcast::new(app(), id.clone(), end.expiration(Expiration::At(9)));
    let error = client.broadcast(&stored).await.expect_err("it stores none");
    assert_eq!(error.reason(), Some(&Reason::BadExpirationDate));
    let large = std::collections::BTreeMap::from([("x", "y".repeat(5200))]);
    let large = Notification::live_activity_update(1, &large).expect("JSON");
    let large = Broadcast::new(app(), id, large);
    let before = server.processed().processed;
    let error = client.broadcast(&large).await.expect_err("too large");
    assert!(matches!(error, SendError::Invalid(_)), "{error}");
    assert_eq!(server.processed().processed, before);
}

#[tokio::test]
async fn a_broadcast_is_sent_again_where_that_is_safe() {
    let rules = vec![
        Rule::at(1, Action::Refuse).times(1),
        Rule::at(2, Action::Answer(Answer::rejection(503, "Shutdown"))).times(1),
    ];
    let server = with_rules(rules).await;
    let channels = channels(&server);
    let client = builder(&server).connections(1, 1).build();
    let client = client.expect("a client");
    client.ready(LONG).await.expect("up");
    let id = channels.create(&app(), brief()).await.expect("made");
    let sent = client.broadcast(&update(&id)).await.expect("sent");
    assert!(!sent.possible_duplicate);
    client.close().await;
    let error = client.broadcast(&update(&id)).await.expect_err("closed");
    assert!(matches!(error, SendError::Closed(_)), "{error}");
    assert_eq!(error.delivery(), Some(Delivery::NotSent));
}
