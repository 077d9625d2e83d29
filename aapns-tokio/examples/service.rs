//! A web service that sends a push for each request it gets: with back-pressure when it gets too many, and
//! with a shutdown that loses none.
//!
//! ```sh
//! cargo run -p aapns-tokio --features mock --example service
//! curl -i http://ADDRESS/push -H 'content-type: application/json' \
//!     -d '{"device_token": "00fc13ad", "title": "Chess", "body": "Your move"}'
//! ```
//!
//! It listens on `LISTEN` (127.0.0.1:0, that is any free port, by default) and has at most `IN_FLIGHT`
//! (1000) pushes under way. Ctrl-C or SIGTERM ends it.

use std::sync::Arc;
use std::time::Duration;

use aapns_tokio::models::{Alert, DeviceToken, Notification, Topic};
use aapns_tokio::{Client, Credential, Delivery, Endpoint, SendError, State as Life, mock};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

/// How long the last pushes may take after the service was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

struct Service {
    client: Client,
    /// One for each push that may be under way. Without a bound here a slow day at Apple's would fill
    /// the client's queue, and callers would wait in place of hearing that they should come back.
    places: Semaphore,
}

#[derive(Deserialize)]
struct Push {
    device_token: DeviceToken,
    title: String,
    body: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In production there is no mock: Endpoint::production(), and your own key.
    let apple = mock::Server::builder()
        .latency(Duration::from_millis(300))
        .start()
        .await?;
    let key = apple.token_key_pem().as_bytes();
    let client = Client::builder(Endpoint::parse(&apple.origin())?)
        .ca_pem(apple.ca_pem())
        .credential(Credential::from_p8(key, mock::KEY_ID, mock::TEAM_ID)?)
        .topic(Topic::new("com.example.app")?)
        .timeout(Duration::from_secs(5))
        .build()?;

    let places = variable("IN_FLIGHT", "1000").parse()?;
    let service = Arc::new(Service {
        client: client.clone(),
        places: Semaphore::new(places),
    });
    let routes = Router::new()
        .route("/push", post(push))
        .route("/health", get(health))
        .with_state(service);
    let listener = tokio::net::TcpListener::bind(variable("LISTEN", "127.0.0.1:0")).await?;
    println!("listening on http://{}", listener.local_addr()?);

    // No new requests after the signal; those that are here get their answers first.
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop())
        .await?;
    let drained = client.drain(DRAIN).await;
    println!(
        "stopped: {} accepted, {} never sent",
        apple.processed().accepted,
        drained.unsent
    );
    Ok(())
}

/// `POST /push`: waits for Apple's answer, and passes on what it means.
async fn push(State(service): State<Arc<Service>>, Json(push): Json<Push>) -> Response {
    let Ok(_place) = service.places.try_acquire() else {
        return come_back("too many pushes are under way");
    };
    let alert = Alert::new().title(push.title).body(push.body);
    let sent = service
        .client
        .send(&push.device_token, &Notification::alert(alert))
        .await;
    match sent {
        Ok(sent) => {
            Json(json!({"apns_id": sent.apns_id.to_string(), "possible_duplicate": sent.possible_duplicate}))
                .into_response()
        }
        Err(error) => explain(&error),
    }
}

/// What a caller needs to know: mend it, forget the token, come back, or be careful.
fn explain(error: &SendError) -> Response {
    let status = match error {
        SendError::Invalid(_) | SendError::Field(_) | SendError::TooLarge => {
            StatusCode::BAD_REQUEST
        }
        _ if error.is_device_token_dead() => StatusCode::GONE,
        _ if error.status() == Some(429) => StatusCode::TOO_MANY_REQUESTS,
        // Certainly not delivered: the same request may be made again without a risk.
        _ if error.is_retryable() => return come_back(&error.to_string()),
        SendError::Response(_) => StatusCode::BAD_GATEWAY,
        // Not sent, and no better later: the client itself isn't right, its certificate for example.
        _ if error.delivery().is_some_and(Delivery::is_unprocessed) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        // It may have been delivered; to try again may show it twice.
        _ => StatusCode::GATEWAY_TIMEOUT,
    };
    (status, Json(json!({"error": error.to_string()}))).into_response()
}

fn come_back(why: &str) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    (status, [(RETRY_AFTER, "1")], Json(json!({"error": why}))).into_response()
}

/// `GET /health`: whether a connection to Apple is up.
async fn health(State(service): State<Arc<Service>>) -> StatusCode {
    match service.client.pool().state() {
        Life::Up => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}
