//! Several tenants in one process: each with a key or certificate of its own, some at both of Apple's services.
//!
//! ```sh
//! cargo run -p aapns-tokio --features mock --example tenants
//! ```
//!
//! A service that sends for many customers keeps one [`Clients`]. It asks for a client when there is
//! something to send; connections are made at first use, shared by all requests of a tenant, and closed
//! when a tenant has been quiet for an hour.

use std::time::Duration;

use aapns_tokio::models::{DeviceToken, Notification, Topic};
use aapns_tokio::proto::tls::Identity;
use aapns_tokio::{ClientKey, Clients, ClientsError, Credential, Endpoint, mock};

/// A row of the table that such a service keeps.
struct App {
    tenant: &'static str,
    is_sandbox: bool,
    topic: &'static str,
}

const APPS: [App; 4] = [
    app("bakery", false, "com.example.bread"),
    app("bakery", false, "com.example.cake"),
    app("bakery", true, "com.example.bread"),
    app("florist", false, "com.example.tulips"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In production there are no mocks: Endpoint::production() and Endpoint::sandbox().
    let production = mock::Server::builder().production().start().await?;
    let sandbox = mock::Server::start().await?;
    let apple = [
        Endpoint::parse(&production.origin())?,
        Endpoint::parse(&sandbox.origin())?,
    ];
    let authorities = [production.ca_pem(), sandbox.ca_pem()].map(str::to_owned);

    // The florist still has a certificate; the bakery has a key, for all its apps.
    let certificate = Identity::from_pem(production.client_certificate_pem().as_bytes())?;
    let key = production.token_key_pem().as_bytes();
    let clients = Clients::builder()
        .template(move |builder| {
            let builder = builder.connections(1, 4).timeout(Duration::from_secs(30));
            let [first, second] = &authorities;
            builder.ca_pem(first.as_str()).ca_pem(second.as_str())
        })
        .credential(
            "bakery",
            Credential::from_p8(key, mock::KEY_ID, mock::TEAM_ID)?,
        )
        .credential("florist", certificate)
        .build();

    let device: DeviceToken = "80f3a5d2c1b4".parse()?;
    for app in &APPS {
        let endpoint = apple[usize::from(app.is_sandbox)].clone();
        let key = ClientKey::new(app.tenant, endpoint).topic(Topic::new(app.topic)?);
        let client = clients.client(&key)?;
        let sent = client.send(&device, &Notification::alert("Fresh!")).await?;
        println!(
            "{} {} {}: attempt {}",
            app.tenant,
            if app.is_sandbox {
                "sandbox"
            } else {
                "production"
            },
            app.topic,
            sent.attempts
        );
    }
    println!("pools: {}", clients.len());

    // A customer who left, and one who never was.
    clients.remove_credential("florist");
    for tenant in ["florist", "butcher"] {
        let key = ClientKey::new(tenant, apple[0].clone());
        match clients.client(&key) {
            Err(error @ ClientsError::UnknownCredential(_)) => println!("{tenant}: {error}"),
            other => println!("{tenant}: {other:?}"),
        }
    }
    println!("pools: {}", clients.len());

    let drained = clients.drain(Duration::from_secs(10)).await;
    println!("unsent: {}", drained.unsent);
    Ok(())
}

const fn app(tenant: &'static str, is_sandbox: bool, topic: &'static str) -> App {
    App {
        tenant,
        is_sandbox,
        topic,
    }
}
