//! Sends, and serves what Prometheus scrapes.
//!
//! ```sh
//! cargo run -p aapns-tokio --features mock,metrics --example prometheus                    # prints it once
//! cargo run -p aapns-tokio --features mock,metrics --example prometheus -- 127.0.0.1:9090  # serves it
//! ```
//!
//! `docs/OBSERVABILITY.md` says what the metrics mean, and `docs/grafana.json` is a dashboard of them.

use std::time::Duration;

use aapns_tokio::models::{DeviceToken, Notification, Topic};
use aapns_tokio::proto::client::observability;
use aapns_tokio::{Client, Credential, Endpoint, mock};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Where histograms count: from a good answer to one that came after retries.
const SECONDS: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Before the first client is built: its instruments are had once.
    let exporter = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .install_recorder()?;
    observability::describe();

    // In production there is no mock: Endpoint::production(), and your own key.
    let dead = mock::Answer::unregistered(1_790_000_000_000);
    let builder = mock::Server::builder().answer("00dead", dead);
    let apple = builder.start_on_thread()?;
    let key = apple.token_key_pem().as_bytes();
    let client = Client::builder(Endpoint::parse(&apple.origin())?)
        .ca_pem(apple.ca_pem())
        .credential(Credential::from_p8(key, mock::KEY_ID, mock::TEAM_ID)?)
        .topic(Topic::new("com.example.app")?)
        .build()?;

    let Some(address) = std::env::args().nth(1) else {
        send(&client).await?;
        client.drain(Duration::from_secs(5)).await;
        print!("{}", exporter.render());
        return Ok(());
    };
    let listener = TcpListener::bind(address).await?;
    eprintln!("http://{}/metrics", listener.local_addr()?);
    tokio::spawn(serve(listener, exporter));
    loop {
        send(&client).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn send(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
    let notification = Notification::alert("Your order is on its way");
    for token in ["00fc13ad", "00dead"] {
        let token: DeviceToken = token.parse()?;
        if let Err(error) = client.send(&token, &notification).await {
            eprintln!("{error}");
        }
    }
    Ok(())
}

/// As little of HTTP/1.1 as a scraper needs; your web framework does it better.
async fn serve(listener: TcpListener, exporter: PrometheusHandle) -> std::io::Result<()> {
    loop {
        let (mut tcp, _) = listener.accept().await?;
        // Whatever is asked for, here is everything; a scraper that left is no reason to stop.
        let _ = tcp.read(&mut [0; 4096]).await;
        let text = exporter.render();
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
        let _ = tcp.write_all(answer.as_bytes()).await;
    }
}
