//! A broadcast channel from its making to its deletion: one push for all who follow a match.
//!
//! ```sh
//! cargo run -p aapns-tokio --features mock --example broadcast
//! ```
//!
//! Live Activities that were started with the channel's id (`input_push_channel`, iOS 18 and later) get
//! what is sent to the channel: one request, however many they are.

use std::time::{SystemTime, UNIX_EPOCH};

use aapns_tokio::models::{
    ActivityAlert, Broadcast, BundleId, ChannelConfig, DeviceToken, Notification, Priority,
    StoragePolicy,
};
use aapns_tokio::{ChannelError, Channels, Client, Credential, Endpoint, mock};
use serde::Serialize;

#[derive(Serialize)]
struct Teams {
    home: &'static str,
    away: &'static str,
}

#[derive(Serialize)]
struct Score {
    home: u8,
    away: u8,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In production there is no mock: Endpoint::production(), and your own key. Channels are managed on
    // a host of their own, which `channels()` knows.
    let apple = mock::Server::start().await?;
    let key = apple.token_key_pem().as_bytes();
    let app = BundleId::new("com.example.league")?;
    let builder = Client::builder(Endpoint::parse(&apple.origin())?)
        .ca_pem(apple.ca_pem())
        .credential(Credential::from_p8(key, mock::KEY_ID, mock::TEAM_ID)?)
        .topic(app.clone().into());
    let channels: Channels = builder.clone().channels()?;
    let client = builder.build()?;

    // Apple keeps the newest score for devices that are away.
    let storage = StoragePolicy::MostRecent;
    let channel = channels.create(&app, ChannelConfig::new(storage)).await?;
    println!("channels: {}", channels.list(&app).await?.len());

    // Each device starts an activity of its own that follows the channel; a broadcast can't start one.
    let push_to_start: DeviceToken = "80f3a5d2c1b4".parse()?;
    let teams = Teams {
        home: "Lions",
        away: "Bears",
    };
    let kick_off = ActivityAlert::new("Kick-off", "Lions against Bears has begun.");
    // A match takes longer than this program, whose states would all be of one second: here a minute lies
    // between two. In a program of yours each is of its `now()`.
    let mut times = (now()..).step_by(60);
    let mut next = || times.next().unwrap_or(u64::MAX);
    let start =
        Notification::live_activity_start(next(), "MatchTeams", &teams, &score(0, 0), kick_off)?
            .input_push_channel(channel.clone());
    client.send(&push_to_start, &start).await?;

    // From here on one request reaches all of them.
    for (home, away) in [(1, 0), (1, 1), (2, 1)] {
        let update = Notification::live_activity_update(next(), &score(home, away))?
            .priority(Priority::Immediate);
        client
            .broadcast(&Broadcast::new(app.clone(), channel.clone(), update))
            .await?;
        println!("{home}:{away}");
    }
    let end = Notification::live_activity_end(next(), &score(2, 1))?;
    let end = Broadcast::new(app.clone(), channel.clone(), end);
    client.broadcast(&end).await?;
    println!("the end");

    channels.delete(&app, &channel).await?;
    match channels.read(&app, &channel).await {
        Err(ChannelError::Response(response)) => println!("the channel: {response}"),
        other => println!("the channel: {other:?}"),
    }
    client.close().await;
    channels.close().await;
    Ok(())
}

fn score(home: u8, away: u8) -> Score {
    Score { home, away }
}

/// UNIX time in seconds: of two states the device keeps the one with the later time, so no two may have the same.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
