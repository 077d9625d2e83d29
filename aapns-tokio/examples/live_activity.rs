//! A Live Activity from start to end: the score of a match on the Lock Screen.
//!
//! ```sh
//! cargo run -p aapns-tokio --features mock --example live_activity
//! ```
//!
//! With this in the app, whose bundle id is `com.example.league`:
//!
//! ```swift
//! struct MatchAttributes: ActivityAttributes {
//!     struct ContentState: Codable, Hashable { var home: Int; var away: Int; var minute: Int }
//!     var homeTeam: String
//!     var awayTeam: String
//! }
//! ```
//!
//! The app sends its server two kinds of token: one *push-to-start token* for each type of activity (iOS
//! 17.2 and later), and for each activity that runs its *update token*.

use std::time::{SystemTime, UNIX_EPOCH};

use aapns_tokio::models::{ActivityAlert, DeviceToken, Expiration, Notification, Priority, Topic};
use aapns_tokio::{Client, Credential, Endpoint, mock};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatchAttributes {
    home_team: &'static str,
    away_team: &'static str,
}

#[derive(Serialize)]
struct Score {
    home: u8,
    away: u8,
    minute: u8,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In production there is no mock: Endpoint::production(), and your own key.
    let apple = mock::Server::start().await?;
    let key = apple.token_key_pem().as_bytes();
    let client = Client::builder(Endpoint::parse(&apple.origin())?)
        .ca_pem(apple.ca_pem())
        .credential(Credential::from_p8(key, mock::KEY_ID, mock::TEAM_ID)?)
        .topic(Topic::new("com.example.league")?) // Its suffix for Live Activities is added.
        .build()?;

    let push_to_start: DeviceToken = "80f3a5d2c1b4".parse()?;
    let start = Notification::live_activity_start(
        now(),
        "MatchAttributes",
        &MatchAttributes {
            home_team: "Lions",
            away_team: "Bears",
        },
        &score(0, 0, 0),
        ActivityAlert::new("Kick-off", "Lions against Bears has begun."),
    )?
    .input_push_token() // iOS 18: the app is woken, and sends its server the update token.
    .stale_date(now() + 3 * 3600)
    .priority(Priority::Immediate);
    client.send(&push_to_start, &start).await?;

    // From the app, a moment later.
    let update_token: DeviceToken = "5e1d0c7b9a44".parse()?;

    // What changes all the time goes at low priority: Apple has a budget for high priority only.
    for minute in [15, 30] {
        let update = Notification::live_activity_update(now(), &score(0, 0, minute))?
            .priority(Priority::Normal);
        client.send(&update_token, &update).await?;
    }
    // A goal: at once, and with a sound. If the device is away it is of no use later.
    let goal = Notification::live_activity_update(now(), &score(1, 0, 41))?
        .with_alert(ActivityAlert::new("Goal!", "Lions 1, Bears 0").sound("default"))
        .priority(Priority::Immediate)
        .expiration(Expiration::Immediately);
    client.send(&update_token, &goal).await?;

    // The end, with the last score; it leaves the Lock Screen in an hour.
    let end = Notification::live_activity_end(now(), &score(1, 0, 90))?
        .dismissal_date(now() + 3600)
        .priority(Priority::Immediate);
    client.send(&update_token, &end).await?;
    client.close().await;

    for request in apple.requests() {
        let payload: serde_json::Value = serde_json::from_slice(&request.body)?;
        println!(
            "{} {} {} priority {} {}",
            request.status,
            request.field("apns-topic").unwrap_or_default(),
            payload["aps"]["event"],
            request.field("apns-priority").unwrap_or_default(),
            payload["aps"]["content-state"],
        );
    }
    Ok(())
}

fn score(home: u8, away: u8, minute: u8) -> Score {
    Score { home, away, minute }
}

/// UNIX time in seconds: of two updates the device keeps the one with the later time.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
