//! A mock of the push service for tests (feature `mock`).
//!
//! It speaks HTTP/2 over TLS by the `h2` crate, which shares no code with this client, checks requests as
//! Apple does, keeps its own count of what it processed and the last requests to look at, knows
//! [`Device`]s if it is told of some, keeps broadcast channels, and misbehaves on demand: see [`Scenario`].
//!
//! ```
//! use aapns_tokio::mock;
//!
//! # async fn example() -> Result<(), mock::StartError> {
//! let server = mock::Server::start().await?;
//! println!("{} trusts {}", server.origin(), server.ca_pem());
//! // … send to it …
//! assert_eq!(server.processed().duplicates, 0);
//! # Ok(())
//! # }
//! ```

mod answer;
mod builder;
mod certificates;
mod channels;
mod check;
mod connection;
mod devices;
mod goaway;
mod json;
mod ledger;
mod log;
mod page;
mod random;
mod scenario;
mod script;
mod server;
mod tap;
mod timers;
mod token;
mod view;

pub use answer::Answer;
pub use builder::{Authentication, Builder, StartError};
pub use certificates::{KEY_ID, TEAM_ID};
pub use devices::Device;
pub use goaway::Goaway;
pub use json::JsonError;
pub use ledger::{Counts, Received};
pub use log::Event;
pub use scenario::{Action, Rule, Scenario, ScenarioError};
pub use server::Server;
