//! One notification to as many devices as a file has lines, in memory that doesn't grow with the file.
//!
//! ```sh
//! cargo run --release -p aapns-tokio --features mock --example fan_out            # 100,000 made-up tokens
//! cargo run --release -p aapns-tokio --features mock --example fan_out tokens.txt # a device token a line
//! ```
//!
//! Dead tokens (410) go to standard output, a line each, for the database to forget; all else is said on
//! standard error.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use aapns_tokio::models::{Alert, CollapseId, DeviceToken, Localized, Notification, Topic};
use aapns_tokio::{Client, Credential, Delivery, Endpoint, PostOptions, mock};
use futures::StreamExt;

/// How many tokens are made up where no file is given.
const MADE_UP: u64 = 100_000;

/// What became of how many lines.
#[derive(Debug, Default)]
struct Tally {
    delivered: u64,
    dead: u64,
    rejected: u64,
    /// Nobody can have got it, and later it may go well: these lines may be sent to again.
    not_processed: u64,
    /// Somebody may have got it. The collapse id makes it harmless to send it again.
    unknown: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => make_up_tokens()?,
    };
    // In production there is no mock: Endpoint::production(), and your own key. This one knows a scenario:
    // every hundredth device is gone.
    let scenario = r#"{"rules": [{"every": 100, "do": {"answer": {"status": 410, "reason": "Unregistered", "timestamp": 1700000000000}}}]}"#;
    let apple = mock::Server::builder()
        .scenario(mock::Scenario::from_json(scenario)?)
        .keep_requests(0)
        .start_on_thread()?;
    let key = apple.token_key_pem().as_bytes();
    let client = Client::builder(Endpoint::parse(&apple.origin())?)
        .ca_pem(apple.ca_pem())
        .credential(Credential::from_p8(key, mock::KEY_ID, mock::TEAM_ID)?)
        .topic(Topic::new("com.example.news")?)
        .connections(2, 4)
        .build()?;

    // A device that gets it twice, because a connection broke, shows it once.
    let alert = Alert::new()
        .title("News")
        .body(Localized::new("HEADLINE", ["It rains"]));
    let notification = Notification::alert(alert).collapse_id(CollapseId::random());

    let start = Instant::now();
    let no_token = Cell::new(0_u64);
    // Lines are read as results are taken: at most a few thousand notifications exist at a time.
    let tokens = read_tokens(&path, &no_token)?;
    let mut results = client.send_to_many(&notification, tokens, PostOptions::new())?;
    let mut tally = Tally::default();
    let mut dead_tokens = BufWriter::new(std::io::stdout());
    while let Some((device_token, result)) = results.next().await {
        match result {
            Ok(_) => tally.delivered += 1,
            Err(error) if error.is_device_token_dead() => {
                tally.dead += 1;
                writeln!(dead_tokens, "{}", device_token.as_str())?;
            }
            Err(error) if error.is_retryable() => tally.not_processed += 1,
            // Answered, or not even sent: it can't be sent like this.
            Err(error) if error.delivery().is_none_or(Delivery::is_unprocessed) => {
                tally.rejected += 1;
            }
            Err(_) => tally.unknown += 1,
        }
    }
    dead_tokens.flush()?;
    drop(results);
    client.close().await;

    let seconds = start.elapsed().as_secs_f64();
    eprintln!("{tally:?}, {} lines are no tokens", no_token.get());
    eprintln!("{seconds:.1} s; at most {} of memory", peak_memory());
    Ok(())
}

/// The file's device tokens, read as they are asked for.
fn read_tokens<'a>(
    path: &Path,
    no_token: &'a Cell<u64>,
) -> std::io::Result<impl Iterator<Item = DeviceToken> + Unpin + use<'a>> {
    let lines = BufReader::new(File::open(path)?).lines();
    Ok(lines.map_while(Result::ok).filter_map(|line| {
        let token = line.trim().parse().ok();
        no_token.set(no_token.get() + u64::from(token.is_none()));
        token
    }))
}

fn make_up_tokens() -> std::io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("fan-out-{}.txt", std::process::id()));
    let mut file = BufWriter::new(File::create(&path)?);
    for number in 0..MADE_UP {
        writeln!(file, "{number:064x}")?;
    }
    file.flush()?;
    Ok(path)
}

/// Of the whole process, the mock included; Linux tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "an unknown amount".to_owned(), |kb| kb.trim().to_owned())
}
